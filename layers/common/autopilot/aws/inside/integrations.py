"""Zero-ETL integrations: which lead into a warehouse, and whether one is active."""

from __future__ import annotations

from typing import Any

from autopilot.aws.clients import call, client, translated
from autopilot.domain.errors import AutopilotError

LOOK = ("redshift:DescribeIntegrations",)


def into(namespace: str) -> list[dict[str, Any]]:
    """The integrations into a namespace, by its id, as AWS describes them. Source: DescribeIntegrations."""
    with translated("list the integrations"):
        pages = client("redshift").get_paginator("describe_integrations").paginate()
        return [one for page in pages for one in page.get("Integrations", []) if namespace and one["TargetArn"].endswith(namespace)]


def find(arn: str) -> dict[str, Any] | None:
    """One integration by its ARN, or None. Source: DescribeIntegrations."""
    try:
        found = call("redshift", "describe_integrations", f"look at integration {arn}", IntegrationArn=arn).get("Integrations", [])
    except AutopilotError as error:
        if error.code != "IntegrationNotFoundFault":
            raise
        return None
    return found[0] if found else None
