"""Hourly metrics of many warehouses from CloudWatch: 500 metrics a call, read a call at a time so that memory stays small."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from autopilot.aws.clients import call
from autopilot.domain.errors import AutopilotError
from autopilot.domain.spending import Key
from autopilot.domain.using import Readings
from autopilot.domain.warehouse import Warehouse

READ = ("cloudwatch:GetMetricData", "cloudwatch:ListMetrics")
#: Source: GetMetricData, `MetricDataQueries`.
MOST_QUERIES = 500
_HOUR = 3600
_CLUSTERS, _WORKGROUPS = "AWS/Redshift", "AWS/Redshift-Serverless"
#: What CloudWatch answers for a metric that it could not read. Source: GetMetricData, `StatusCode`.
_NOT_READ = frozenset({"InternalError", "Forbidden"})
_LATENCIES = ("short", "medium", "long")
Dimensions = tuple[tuple[str, str], ...]


class Wanted(NamedTuple):
    """A metric, the field of the readings that it belongs to, and by what its values are multiplied there. Several of one field add up."""

    field: str
    metric: str
    statistic: str
    dimensions: Dimensions
    factor: float = 1.0


class Extra(NamedTuple):
    """Metrics whose dimensions nobody can know beforehand: queues by name, queries by type. By warehouse, as ListMetrics found them."""

    queues: dict[str, list[Dimensions]]
    running: dict[str, list[Dimensions]]
    succeeded: dict[str, list[Dimensions]]
    failed: dict[str, list[Dimensions]]


class Read(NamedTuple):
    """What could be read of one warehouse; `readings` is None and `why` says the reason where it could not."""

    key: Key
    readings: Readings | None
    why: str = ""


def read(warehouses: Iterable[Warehouse], start: datetime, end: datetime) -> Iterator[Read]:
    """The readings of each warehouse over a period, in any order. Source: ListMetrics, GetMetricData.

    A call that fails costs only the figures of its warehouses. Raises what ListMetrics refuses.
    """
    listed = list(warehouses)
    extra = Extra(
        queues=_listed(_CLUSTERS, "WLMQueueWaitTime", ("ClusterIdentifier", "QueueName")),
        running=_listed(_WORKGROUPS, "QueriesRunning", ("Workgroup", "QueryType")),
        succeeded=_listed(_WORKGROUPS, "QueriesSucceeded", ("Workgroup", "QueryType")),
        failed=_listed(_WORKGROUPS, "QueriesFailed", ("Workgroup", "QueryType")),
    )
    for batch in _batches([(seen, _wanted(seen, extra)) for seen in listed]):
        yield from _read_batch(batch, start, end)


def _wanted(seen: Warehouse, extra: Extra) -> list[Wanted]:
    """The metrics of a warehouse. Source: management guide, performance data; "Monitoring Redshift Serverless with CloudWatch"."""
    if seen.kind == "workgroup":
        own = (("Workgroup", seen.name),)
        return [
            Wanted("rpu_seconds", "ComputeSeconds", "Sum", own),
            Wanted("connections_average", "DatabaseConnections", "Average", own),
            Wanted("connections_maximum", "DatabaseConnections", "Maximum", own),
            *(Wanted("running", "QueriesRunning", "Average", found) for found in extra.running.get(seen.name, [])),
            *(Wanted("queries", "QueriesSucceeded", "Sum", found) for found in extra.succeeded.get(seen.name, [])),
            *(Wanted("queries", "QueriesFailed", "Sum", found) for found in extra.failed.get(seen.name, [])),
        ]
    own = (("ClusterIdentifier", seen.name),)
    return [
        Wanted("cpu_average", "CPUUtilization", "Average", own),
        Wanted("cpu_maximum", "CPUUtilization", "Maximum", own),
        Wanted("disk_maximum", "PercentageDiskSpaceUsed", "Maximum", own),
        Wanted("connections_average", "DatabaseConnections", "Average", own),
        Wanted("connections_maximum", "DatabaseConnections", "Maximum", own),
        # An average number a second, by how long queries take: an hour has so many of them.
        *(Wanted("queries", "QueriesCompletedPerSecond", "Average", (*own, ("latency", one)), _HOUR) for one in _LATENCIES),
        # Milliseconds, in intervals of some minutes.
        *(Wanted("queue_seconds", "WLMQueueWaitTime", "Sum", found, 0.001) for found in extra.queues.get(seen.name, [])),
    ]


def _listed(namespace: str, metric: str, names: tuple[str, str]) -> dict[str, list[Dimensions]]:
    """The dimensions under which a metric exists, by warehouse (the first name), where it has exactly these. Source: ListMetrics."""
    found: dict[str, list[Dimensions]] = defaultdict(list)
    request: dict[str, Any] = {"Namespace": namespace, "MetricName": metric, "Dimensions": [{"Name": name} for name in names]}
    while True:
        page = call("cloudwatch", "list_metrics", f"list the metrics {metric}", **request)
        for one in page["Metrics"]:
            dimensions = {item["Name"]: item["Value"] for item in one["Dimensions"]}
            if set(dimensions) == set(names):
                found[dimensions[names[0]]].append(tuple((name, dimensions[name]) for name in names))
        if not page.get("NextToken"):
            return found
        request["NextToken"] = page["NextToken"]


def _batches(wanted: list[tuple[Warehouse, list[Wanted]]]) -> Iterator[list[tuple[Warehouse, list[Wanted]]]]:
    """As many warehouses at a time as their metrics fit into one call."""
    batch: list[tuple[Warehouse, list[Wanted]]] = []
    size = 0
    for seen, metrics in wanted:
        if batch and size + len(metrics) > MOST_QUERIES:
            yield batch
            batch, size = [], 0
        batch.append((seen, metrics[:MOST_QUERIES]))
        size += len(metrics)
    if batch:
        yield batch


def _read_batch(batch: list[tuple[Warehouse, list[Wanted]]], start: datetime, end: datetime) -> Iterator[Read]:
    targets = [(seen, one) for seen, metrics in batch for one in metrics]
    values: list[dict[int, float]] = [{} for _ in targets]
    failed: dict[Key, str] = {}
    request: dict[str, Any] = {
        "MetricDataQueries": [_query(number, seen, one) for number, (seen, one) in enumerate(targets)],
        "StartTime": start,
        "EndTime": end,
        "ScanBy": "TimestampAscending",
    }
    try:
        while True:
            page = call("cloudwatch", "get_metric_data", "read metrics", **request)
            for result in page["MetricDataResults"]:
                number = int(result["Id"][1:])
                seen, one = targets[number]
                if result.get("StatusCode") in _NOT_READ:
                    failed[seen.kind, seen.name] = f"CloudWatch answered {result['StatusCode']} for {one.metric}"
                for moment, value in zip(result["Timestamps"], result["Values"], strict=True):
                    values[number][int(moment.timestamp()) // _HOUR] = value * one.factor
            if not page.get("NextToken"):
                break
            request["NextToken"] = page["NextToken"]
    except AutopilotError as error:
        yield from (Read((seen.kind, seen.name), None, str(error)) for seen, _ in batch)
        return
    number = 0
    for seen, metrics in batch:
        key = (seen.kind, seen.name)
        own = values[number : number + len(metrics)]
        number += len(metrics)
        yield Read(key, None, failed[key]) if key in failed else Read(key, _readings(metrics, own))


def _query(number: int, seen: Warehouse, one: Wanted) -> dict[str, Any]:
    metric = {
        "Namespace": _CLUSTERS if seen.kind == "cluster" else _WORKGROUPS,
        "MetricName": one.metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in one.dimensions],
    }
    return {"Id": f"m{number}", "MetricStat": {"Metric": metric, "Period": _HOUR, "Stat": one.statistic}}


def _readings(metrics: list[Wanted], values: list[dict[int, float]]) -> Readings:
    """The values by field; those of several metrics of one field are added up hour by hour."""
    fields: dict[str, dict[int, float]] = {}
    for one, series in zip(metrics, values, strict=True):
        into = fields.setdefault(one.field, {})
        if not into:
            into.update(series)
            continue
        for hour, value in series.items():
            into[hour] = into.get(hour, 0.0) + value
    return Readings(**fields)
