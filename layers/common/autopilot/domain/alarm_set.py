"""Which CloudWatch alarms a warehouse gets: each on a metric whose dimensions carry data, and silent while there is none.

Source of metrics and dimensions: management guide, "Performance data in Amazon Redshift" and "Monitoring queries and workloads with
Amazon Redshift Serverless"; tests/unit/metrics.py holds them as they are documented.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from autopilot.domain.alarms import Alarms, threshold
from autopilot.domain.node_types import NODE_TYPES
from autopilot.domain.warehouse import Kind, Warehouse

CLUSTER_METRICS, SERVERLESS_METRICS = "AWS/Redshift", "AWS/Redshift-Serverless"
#: Queries are counted by these types only, never all together. Source: Serverless metrics, dimension QueryType.
QUERY_TYPES = ("SELECT", "INSERT", "UPDATE", "DELETE", "LOAD", "UNLOAD", "CTAS", "OTHER")
_FIVE_MINUTES = 300
_USAGE_LIMIT = re.compile(r"usage-limit-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_KINDS_OF_ALARM: dict[Kind, frozenset[str]] = {
    "cluster": frozenset({"cpu", "connections", "disk", "health", "queue-wait", "commit-queue"}),
    "workgroup": frozenset({"queries-queued", "queries-failed"}),
}


class UsageLimit(msgspec.Struct, frozen=True):
    """A usage limit of a workgroup: its id, AWS's word for what is limited, and the amount (RPU-hours or TB)."""

    id: str
    usage_type: str
    amount: int


class AlarmSet(msgspec.Struct, frozen=True):
    """The alarms as PutMetricAlarm takes them, and what people should know of those that could not be made."""

    alarms: list[dict[str, Any]]
    notes: list[str] = []


def prefix_of(stack: str, kind: Kind, name: str) -> str:
    """How the names of a warehouse's alarms begin."""
    return f"{stack}-{kind}-{name}-"


def is_alarm_of(stack: str, kind: Kind, name: str, alarm: str) -> bool:
    """Whether an alarm is one of this warehouse's: the name of another one may begin with this name."""
    what = alarm.removeprefix(prefix_of(stack, kind, name))
    return alarm.startswith(prefix_of(stack, kind, name)) and (
        what in _KINDS_OF_ALARM[kind] or (kind == "workgroup" and bool(_USAGE_LIMIT.fullmatch(what)))
    )


def alarms_of(seen: Warehouse, alarms: Alarms, limits: list[UsageLimit], stack: str, topic: str) -> AlarmSet:
    """The alarms that a warehouse should have; none when they are not enabled."""
    if not alarms.enabled:
        return AlarmSet([])
    notes: list[str] = []
    wanted = _of_cluster(seen, alarms, notes) if seen.kind == "cluster" else _of_workgroup(seen, alarms, limits)
    prefix = prefix_of(stack, seen.kind, seen.name)
    shared = {"TreatMissingData": "notBreaching", "AlarmActions": [topic]}
    return AlarmSet([{"AlarmName": prefix + what, **shared, **alarm} for what, alarm in wanted], notes)


def _of_cluster(seen: Warehouse, alarms: Alarms, notes: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    name, periods = seen.name, _periods(alarms.minutes)

    def metric(metric_name: str, statistic: str, above: float, says: str, **more: str) -> dict[str, Any]:
        return {
            "AlarmDescription": f"Cluster {name}: {says}",
            "Namespace": CLUSTER_METRICS,
            "MetricName": metric_name,
            "Dimensions": _dimensions(ClusterIdentifier=name, **more),
            "Statistic": statistic,
            "Period": _FIVE_MINUTES,
            "EvaluationPeriods": periods,
            "Threshold": float(above),
            "ComparisonOperator": "GreaterThanThreshold",
        }

    cpu, disk = threshold("cluster", alarms, "cpu_percent"), threshold("cluster", alarms, "disk_percent")
    yield (
        "cpu",
        metric("CPUUtilization", "Average", cpu, f"CPU above {cpu} % for {periods * 5} minutes. Look at running queries, or resize"),
    )
    yield (
        "disk",
        metric("PercentageDiskSpaceUsed", "Maximum", disk, f"more than {disk} % of the disk is used. Delete or unload data, or resize"),
    )
    limit = _connections_limit(seen, alarms, notes)
    if limit:
        most = limit * threshold("cluster", alarms, "connections_percent") // 100
        yield "connections", metric("DatabaseConnections", "Maximum", most, f"more than {most} of {limit} possible connections are open")
    wait, queue = threshold("cluster", alarms, "queue_wait_seconds"), threshold("cluster", alarms, "commit_queue")
    # The stage's metric needs no queue's name, which every change of the workload management could change.
    waited = f"queries waited more than {wait} s in queues within five minutes. Look at workload management and concurrency scaling"
    yield "queue-wait", metric("QueryRuntimeBreakdown", "Maximum", wait * 1000, waited, stage="QueryWaiting")
    yield "commit-queue", metric("CommitQueueLength", "Maximum", queue, f"more than {queue} transactions wait to commit. Commit less often")
    unhealthy = metric("HealthStatus", "Maximum", 1, "unhealthy for five minutes: it does not answer a simple query")
    yield "health", unhealthy | {"Period": 60, "EvaluationPeriods": 5, "ComparisonOperator": "LessThanThreshold"}


def _connections_limit(seen: Warehouse, alarms: Alarms, notes: list[str]) -> int | None:
    known = NODE_TYPES.get(seen.node_type or "")
    limit = alarms.connections_limit or (known.connections if known else None)
    if limit is None:
        notes.append(f"no alarm on connections: how many a {seen.node_type} cluster takes is unknown; say it in alarms.connections_limit")
    return limit


def _of_workgroup(seen: Warehouse, alarms: Alarms, limits: list[UsageLimit]) -> Iterator[tuple[str, dict[str, Any]]]:
    name, periods = seen.name, _periods(alarms.minutes)
    queued, failed = threshold("workgroup", alarms, "queries_queued"), threshold("workgroup", alarms, "queries_failed")
    waits = f"Workgroup {name}: more than {queued} queries wait for {periods * 5} minutes. Raise its capacity"
    yield "queries-queued", _by_query_type(name, "QueriesQueued", queued, periods) | {"AlarmDescription": waits}
    fails = f"Workgroup {name}: more than {failed} queries failed within five minutes"
    yield "queries-failed", _by_query_type(name, "QueriesFailed", failed, 1) | {"AlarmDescription": fails}
    percent = threshold("workgroup", alarms, "usage_limit_percent")
    for limit in limits:
        used = f"Workgroup {name}: {percent} % of its usage limit of {limit.amount} ({limit.usage_type}) is used"
        yield (
            f"usage-limit-{limit.id}",
            {
                "AlarmDescription": used,
                "Namespace": SERVERLESS_METRICS,
                "MetricName": "UsageLimitConsumed",
                "Dimensions": _dimensions(UsageLimitId=limit.id, UsageType=limit.usage_type.upper().replace("-", "_"), Workgroup=name),
                "Statistic": "Maximum",
                "Period": _FIVE_MINUTES,
                "EvaluationPeriods": 1,
                "Threshold": limit.amount * percent / 100,
                "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            },
        )


def _by_query_type(workgroup: str, metric_name: str, above: int, periods: int) -> dict[str, Any]:
    """An alarm on the sum over all types of queries: the metric exists by type only."""
    metrics = [
        {
            "Id": query_type.lower(),
            "MetricStat": {
                "Metric": {
                    "Namespace": SERVERLESS_METRICS,
                    "MetricName": metric_name,
                    "Dimensions": _dimensions(QueryType=query_type, Workgroup=workgroup),
                },
                "Period": _FIVE_MINUTES,
                "Stat": "Maximum",
            },
            "ReturnData": False,
        }
        for query_type in QUERY_TYPES
    ]
    total = {"Id": "total", "Expression": "SUM(METRICS())", "Label": metric_name, "ReturnData": True}
    return {
        "Metrics": [*metrics, total],
        "EvaluationPeriods": periods,
        "Threshold": float(above),
        "ComparisonOperator": "GreaterThanThreshold",
    }


def _periods(minutes: int) -> int:
    return max(1, -(-minutes * 60 // _FIVE_MINUTES))


def _dimensions(**values: str) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in values.items()]


def same(wanted: dict[str, Any], there: dict[str, Any]) -> bool:
    """Whether an alarm that is there, as DescribeAlarms shows it, is the wanted one. The order of dimensions means nothing."""
    return all(_plain(there.get(member)) == _plain(value) for member, value in wanted.items()) and bool(there.get("Metrics")) == (
        "Metrics" in wanted
    )


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return sorted(map(_plain, value), key=repr)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items() if inner not in (None, [], "")}
    return value
