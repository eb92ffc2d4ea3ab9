"""Datashares between accounts: looked at, authorised by the producer, associated by the consumer."""

from __future__ import annotations

from typing import Any

from autopilot.aws.clients import call
from autopilot.aws.statements import Started
from autopilot.domain.errors import AutopilotError
from autopilot.domain.inside.model import Context, Step

LOOK = ("redshift:DescribeDataShares",)
PERMISSIONS = (*LOOK, "redshift:AuthorizeDataShare", "redshift:AssociateDataShareConsumer")
_DONE = Started("")


def described(arns: list[str]) -> list[dict[str, Any]]:
    """Those of these datashares that there are and that this account sees. Source: DescribeDataShares."""
    return [share for arn in arns for share in _find(arn)]


def _find(arn: str) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = call("redshift", "describe_data_shares", f"look at datashare {arn}", DataShareArn=arn)["DataShares"]
    except AutopilotError as error:
        if error.code != "InvalidDataShareFault":
            raise
        return []
    return found


def authorize(step: Step, _context: Context) -> Started:
    """Let another account associate a datashare, unless it may already. It takes effect at once. Source: AuthorizeDataShare."""
    arn, account = step.arguments["DataShareArn"], step.arguments["ConsumerIdentifier"]
    if not _has(arn, account, ("AUTHORIZED", "ACTIVE")):
        call("redshift", "authorize_data_share", f"{step.name}", DataShareArn=arn, ConsumerIdentifier=account)
    return _DONE


def associate(step: Step, _context: Context) -> Started:
    """Associate another account's datashare with a namespace, unless it is already. It takes effect at once. Source: AssociateDataShareConsumer."""
    arn, namespace = step.arguments["DataShareArn"], step.arguments["ConsumerArn"]
    if not _has(arn, namespace, ("ACTIVE",)):
        call("redshift", "associate_data_share_consumer", f"{step.name}", DataShareArn=arn, ConsumerArn=namespace)
    return _DONE


def _has(arn: str, consumer: str, statuses: tuple[str, ...]) -> bool:
    associations = [found for share in _find(arn) for found in share.get("DataShareAssociations", [])]
    return any(found["ConsumerIdentifier"] == consumer and found["Status"] in statuses for found in associations)
