"""Zero-ETL integrations: which lead into a warehouse, whether one is active, and making one."""

from __future__ import annotations

import json
from typing import Any

from autopilot.aws.clients import call, client, translated
from autopilot.aws.statements import Started
from autopilot.domain.errors import AutopilotError
from autopilot.domain.inside.integrating import admitting
from autopilot.domain.inside.model import Context, Step

LOOK = ("redshift:DescribeInboundIntegrations",)
#: CreateInboundIntegration is asked of who creates one into a namespace; KMS only where a key of one's own is given.
PERMISSIONS = (
    *LOOK,
    "redshift:CreateIntegration",
    "rds:CreateIntegration",
    "rds:AddTagsToResource",
    "redshift:CreateInboundIntegration",
    "redshift:GetResourcePolicy",
    "redshift:PutResourcePolicy",
    "kms:CreateGrant",
    "kms:DescribeKey",
)
_NOT_FOUND = {"IntegrationNotFoundFault", "ResourceNotFoundFault"}


def into(target_arn: str) -> list[dict[str, Any]]:
    """The integrations into a namespace, whichever service made them. Source: DescribeInboundIntegrations."""
    with translated(f"list the integrations into {target_arn}"):
        pages = client("redshift").get_paginator("describe_inbound_integrations").paginate(TargetArn=target_arn)
        return [one for page in pages for one in page.get("InboundIntegrations", [])]


def find(arn: str) -> dict[str, Any] | None:
    """One integration by its ARN, or None. Source: DescribeInboundIntegrations."""
    asked = {"IntegrationArn": arn}
    found = _or_none("describe_inbound_integrations", f"look at integration {arn}", asked)
    return next(iter(found.get("InboundIntegrations", [])), None) if found else None


def create(step: Step, _context: Context) -> Started:
    """Make an integration, unless one from its source is there, and say what is to be waited for.

    The namespace's resource policy is made to admit the source first; what else it says is kept. Source: PutResourcePolicy, and CreateIntegration of
    redshift for DynamoDB, of rds for Aurora and RDS.
    """
    asked = step.arguments
    there = next((one for one in into(asked["target_arn"]) if _is_from(one, asked["source_arn"])), None)
    if there is None:
        _admit(asked["target_arn"], asked["source_arn"])
        there = _create(asked)
    return Started(there["IntegrationArn"], "integration")


def _is_from(integration: dict[str, Any], source_arn: str) -> bool:
    return bool(integration["SourceArn"] == source_arn and integration["Status"] != "deleting")


def _admit(target_arn: str, source_arn: str) -> None:
    found = _or_none("get_resource_policy", f"read the resource policy of {target_arn}", {"ResourceArn": target_arn})
    before = json.loads(found["ResourcePolicy"].get("Policy") or "null") if found and found.get("ResourcePolicy") else None
    after = admitting(before, target_arn, source_arn)
    if after is not None:
        what = f"admit {source_arn} in the resource policy of {target_arn}"
        call("redshift", "put_resource_policy", what, ResourceArn=target_arn, Policy=json.dumps(after))


def _create(asked: dict[str, Any]) -> dict[str, Any]:
    tags = [{"Key": "autopilot:managed", "Value": "true"}]
    arguments = {
        "IntegrationName": asked["name"],
        "SourceArn": asked["source_arn"],
        "TargetArn": asked["target_arn"],
        **{key: asked[name] for key, name in (("KMSKeyId", "kms_key"), ("Description", "description")) if name in asked},
    }
    what = f"create integration {asked['name']} from {asked['source_arn']}"
    if ":dynamodb:" in asked["source_arn"]:
        return call("redshift", "create_integration", what, **arguments, TagList=tags)
    if "data_filter" in asked:
        arguments["DataFilter"] = asked["data_filter"]
    return call("rds", "create_integration", what, **arguments, Tags=tags)


def _or_none(operation: str, what: str, arguments: dict[str, str]) -> dict[str, Any] | None:
    try:
        return call("redshift", operation, what, **arguments)
    except AutopilotError as error:
        if error.code not in _NOT_FOUND:
            raise
        return None
