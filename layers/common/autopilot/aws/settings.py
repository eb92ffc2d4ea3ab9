"""What AWS keeps beside a cluster or workgroup: audit logging, roles and usage limits."""

from __future__ import annotations

from typing import Any

from autopilot.aws.clients import call, client, translated
from autopilot.domain.spec_parts import LOG_EXPORTS, Logging, UsageLimit
from autopilot.domain.surroundings import Limit
from autopilot.domain.warehouse import Warehouse

LOOK = ("redshift:DescribeLoggingStatus", "redshift:DescribeUsageLimits", "redshift-serverless:ListUsageLimits")
WRITE = (
    "redshift:EnableLogging",
    "redshift:DisableLogging",
    "redshift:ModifyClusterIamRoles",
    "redshift:RebootCluster",
    "redshift:CreateUsageLimit",
    "redshift:ModifyUsageLimit",
    "redshift:DeleteUsageLimit",
    "redshift:CreateTags",
    "redshift-serverless:CreateUsageLimit",
    "redshift-serverless:UpdateUsageLimit",
    "redshift-serverless:DeleteUsageLimit",
    "iam:PassRole",
)
_SERVERLESS = "redshift-serverless"


def logging_of(cluster: str) -> Logging:
    """Where a cluster's audit logs go. Source: DescribeLoggingStatus."""
    found = call("redshift", "describe_logging_status", f"describe the logging of cluster {cluster}", ClusterIdentifier=cluster)
    if not found.get("LoggingEnabled"):
        return Logging(destination="none", exports=[])
    to_cloudwatch = found.get("LogDestinationType") == "cloudwatch"
    # AWS names the exports for CloudWatch; to S3 it writes all three unless told otherwise.
    return Logging(
        destination="cloudwatch" if to_cloudwatch else "s3",
        bucket=None if to_cloudwatch else found.get("BucketName"),
        prefix=None if to_cloudwatch else found.get("S3KeyPrefix", ""),
        exports=list(found.get("LogExports") or LOG_EXPORTS),
    )


def enable_logging(cluster: str, request: dict[str, Any]) -> None:
    """Have audit logs written. Source: EnableLogging."""
    call("redshift", "enable_logging", f"enable the audit logging of cluster {cluster}", ClusterIdentifier=cluster, **request)


def disable_logging(cluster: str) -> None:
    """Have no audit logs written. Source: DisableLogging."""
    call("redshift", "disable_logging", f"disable the audit logging of cluster {cluster}", ClusterIdentifier=cluster)


def modify_roles(cluster: str, request: dict[str, Any]) -> None:
    """Attach and detach IAM roles. Source: ModifyClusterIamRoles."""
    call("redshift", "modify_cluster_iam_roles", f"change the roles of cluster {cluster}", ClusterIdentifier=cluster, **request)


def reboot(cluster: str) -> None:
    """Start a reboot. Source: RebootCluster."""
    call("redshift", "reboot_cluster", f"reboot cluster {cluster}", ClusterIdentifier=cluster)


def usage_limits_of(seen: Warehouse) -> dict[str, Limit]:
    """The usage limits of a warehouse by their names. Source: DescribeUsageLimits, ListUsageLimits."""
    what = f"list the usage limits of {seen.kind} {seen.name}"
    with translated(what):
        if seen.kind == "cluster":
            pages = client("redshift").get_paginator("describe_usage_limits").paginate(ClusterIdentifier=seen.name)
            found = [
                Limit(id=one["UsageLimitId"], limit=_limit(one["FeatureType"], one["Amount"], one.get("Period"), one.get("BreachAction")))
                for page in pages
                for one in page["UsageLimits"]
            ]
        else:
            pages = client(_SERVERLESS).get_paginator("list_usage_limits").paginate(resourceArn=seen.arn)
            found = [
                Limit(id=one["usageLimitId"], limit=_limit(one["usageType"], one["amount"], one.get("period"), one.get("breachAction")))
                for page in pages
                for one in page["usageLimits"]
            ]
    return {one.limit.name: one for one in found}


def _limit(feature: Any, amount: int, period: Any, breach_action: Any) -> UsageLimit:
    return UsageLimit(feature=feature, amount=amount, period=period or "monthly", breach_action=breach_action or "log")


def create_limit(seen: Warehouse, request: dict[str, Any]) -> None:
    """Create a usage limit. Source: CreateUsageLimit."""
    what = f"create a usage limit of {seen.kind} {seen.name}"
    if seen.kind == "cluster":
        call("redshift", "create_usage_limit", what, **request)
    else:
        call(_SERVERLESS, "create_usage_limit", what, resourceArn=seen.arn, **request)


def modify_limit(seen: Warehouse, request: dict[str, Any]) -> None:
    """Change a usage limit. Source: ModifyUsageLimit, UpdateUsageLimit."""
    service, operation = ("redshift", "modify_usage_limit") if seen.kind == "cluster" else (_SERVERLESS, "update_usage_limit")
    call(service, operation, f"change a usage limit of {seen.kind} {seen.name}", **request)


def delete_limit(seen: Warehouse, request: dict[str, Any]) -> None:
    """Delete a usage limit. Source: DeleteUsageLimit."""
    service = "redshift" if seen.kind == "cluster" else _SERVERLESS
    call(service, "delete_usage_limit", f"delete a usage limit of {seen.kind} {seen.name}", **request)
