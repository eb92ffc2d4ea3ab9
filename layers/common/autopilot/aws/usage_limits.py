"""The usage limits of Serverless workgroups."""

from __future__ import annotations

from autopilot.aws.clients import client, translated
from autopilot.domain.alarm_set import UsageLimit

LOOK = ("redshift-serverless:ListUsageLimits",)


def of_workgroup(arn: str) -> list[UsageLimit]:
    """The usage limits of a workgroup. Source: ListUsageLimits."""
    pages = client("redshift-serverless").get_paginator("list_usage_limits")
    with translated(f"list the usage limits of {arn}"):
        found = [limit for page in pages.paginate(resourceArn=arn) for limit in page.get("usageLimits", [])]
    return [UsageLimit(limit["usageLimitId"], limit["usageType"], limit["amount"]) for limit in found]
