"""Pausing what nobody uses: the alarm on a cluster that says so, and when it is believed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from autopilot.domain.alarm_set import CLUSTER_METRICS
from autopilot.domain.schedule_decisions import hold_of
from autopilot.domain.schedules import Schedule
from autopilot.domain.steps import Step

#: Who resumed a warehouse is given so long to begin.
GRACE = timedelta(minutes=15)
_PERIOD_SECONDS = 300
#: Queries are counted by these only, never all together. Source: management guide, QueriesCompletedPerSecond.
_LATENCIES = ("short", "medium", "long")


class Idle(Step, tag="idle", frozen=True, kw_only=True):
    """The alarm of that name says since `rang_at` that nobody uses its cluster."""

    alarm: str
    rang_at: datetime


def prefix(stack: str) -> str:
    """How the names of all these alarms begin."""
    return f"{stack}-idle-"


def idle_minutes(schedule: Schedule | None, tags: Mapping[str, str], now: datetime) -> int | None:
    """After how many unused minutes a cluster is paused; None for never.

    Not while it is held running, and not where the schedule is enforced, which would resume it again.
    """
    if schedule is None or schedule.idle_pause_minutes is None or schedule.enforced:
        return None
    hold = hold_of(tags, now)
    # What cannot be understood of a hold is taken for one.
    return schedule.idle_pause_minutes if hold is None or (hold.state == "stopped" and not hold.problem) else None


def idle_alarm(stack: str, cluster: str, minutes: int) -> dict[str, Any]:
    """The PutMetricAlarm request: no connection was open and no query ended in any five minutes of that time.

    A paused cluster has no data, which counts as used. Queries through the Data API may leave no connection at the moment that is counted.
    """
    own = {"ClusterIdentifier": cluster}
    connections = _metric("connections", "DatabaseConnections", own)
    queries = [_metric(latency, "QueriesCompletedPerSecond", {**own, "latency": latency}) for latency in _LATENCIES]
    used = {"Id": "used", "Expression": "SUM(METRICS())", "Label": "connections and queries", "ReturnData": True}
    return {
        "AlarmName": f"{prefix(stack)}{cluster}",
        "AlarmDescription": f"Cluster {cluster}: nobody was connected and no query ended for {minutes} minutes; it is paused",
        "Metrics": [connections, *queries, used],
        "EvaluationPeriods": max(1, -(-minutes * 60 // _PERIOD_SECONDS)),
        "Threshold": 0.0,
        "ComparisonOperator": "LessThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
    }


def _metric(identifier: str, name: str, dimensions: dict[str, str]) -> dict[str, Any]:
    named = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    metric = {"Namespace": CLUSTER_METRICS, "MetricName": name, "Dimensions": named}
    return {"Id": identifier, "MetricStat": {"Metric": metric, "Period": _PERIOD_SECONDS, "Stat": "Maximum"}, "ReturnData": False}


def was_just_resumed(resumes: list[Mapping[str, str]], now: datetime) -> bool:
    """Whether the ledger tells of a resume that ended, or goes on, within the time of grace."""
    moments = [entry.get("ended_at") or entry.get("started_at") or entry["sk"].partition("#")[0] for entry in resumes]
    return any(now - datetime.fromisoformat(moment) < GRACE for moment in moments)
