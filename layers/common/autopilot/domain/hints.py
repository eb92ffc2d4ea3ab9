"""Reading hints: what an event may be about. Its own words about states are not read: only names, to know where to look."""

from __future__ import annotations

import json
from typing import Any, Literal

import msgspec

Subject = Literal["cluster", "workgroup", "statement", "execution", "warehouse", "integration"]


class Hint(msgspec.Struct, frozen=True):
    """Something may have happened to this: a cluster's name, a statement's id, an execution's ARN, a warehouse's key, an integration's ARN.

    A workgroup is not named reliably by its events, so `name` holds the event's whole text, in which a waiting name is searched.
    """

    subject: Subject
    name: str
    region: str = ""


def read_hints(event: dict[str, Any]) -> list[Hint]:
    """The hints in one event: an SNS delivery of cluster events, or an EventBridge event. What is neither gives none."""
    if "Records" in event:
        return [hint for record in event["Records"] if (hint := _of_cluster_message(record))]
    detail, region = event.get("detail") or {}, str(event.get("region", ""))
    match event.get("source"):
        case "aws.redshift-data" if detail.get("statementId"):
            return [Hint("statement", str(detail["statementId"]), region)]
        case "aws.redshift-serverless":
            return [Hint("workgroup", json.dumps([event.get("resources"), detail]), region)]
        case "aws.redshift":
            # Source: EventBridge's event reference, "Redshift Integration Monitoring" and its like: `resources` names the integration.
            return [Hint("integration", arn, region) for arn in event.get("resources") or [] if ":integration:" in str(arn)]
        case "aws.states" if detail.get("executionArn"):
            return [Hint("execution", str(detail["executionArn"]), region)]
        case "redshift.autopilot" if detail.get("key"):
            return [Hint("warehouse", str(detail["key"]), region)]
        case _:
            return []


def _of_cluster_message(record: dict[str, Any]) -> Hint | None:
    """The cluster that a Redshift event notification names. Source: Redshift management guide, event notifications (SNS, JSON)."""
    sns = record.get("Sns") or {}
    try:
        message = json.loads(sns.get("Message") or "null")
    except ValueError:
        return None
    if not isinstance(message, dict):
        return None
    name = next((message[key] for key in ("SourceId", "Resource") if isinstance(message.get(key), str)), None)
    region = str(sns.get("TopicArn", "")).split(":")[3:4]
    return Hint("cluster", name.strip(), region[0] if region else "") if name else None
