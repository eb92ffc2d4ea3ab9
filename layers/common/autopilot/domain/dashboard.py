"""The dashboard over all managed warehouses: readable with one and with hundreds.

A few warehouses are a line each; of more, each graph shows the top ten of them. CloudWatch takes up to 500 metrics in a widget and 2500
in a dashboard: beyond what fits, the top ten are searched among all of the region, and the title says so.
Source: CloudWatch guide, "Dashboard body structure and syntax" and quotas.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from autopilot.domain.alarm_set import CLUSTER_METRICS, QUERY_TYPES, SERVERLESS_METRICS, prefix_of
from autopilot.domain.warehouse import Kind

#: So many lines can be told apart; so many metrics of a graph leave room for the others in the dashboard's 2500.
MAX_LINES, MAX_METRICS, TOP = 12, 250, 10
MAX_ALARMS = 100
_WIDTH, _HEIGHT, _TEXT_HEIGHT, _ALARM_HEIGHT = 12, 6, 3, 4


class Graph(msgspec.Struct, frozen=True):
    """One graph: a metric of every warehouse of a kind, with the further dimensions that it has."""

    kind: Kind
    title: str
    metric: str
    statistic: str
    further: tuple[tuple[str, str], ...] = ()


GRAPHS = (
    Graph("cluster", "CPU (%)", "CPUUtilization", "Average"),
    Graph("cluster", "Disk used (%)", "PercentageDiskSpaceUsed", "Maximum"),
    Graph("cluster", "Connections", "DatabaseConnections", "Maximum"),
    Graph("cluster", "Waiting in queues (ms in 5 minutes)", "QueryRuntimeBreakdown", "Maximum", (("stage", "QueryWaiting"),)),
    Graph("cluster", "Healthy (1 or 0)", "HealthStatus", "Minimum"),
    Graph("workgroup", "Capacity (RPU)", "ComputeCapacity", "Maximum"),
    Graph("workgroup", "Connections", "DatabaseConnections", "Maximum"),
    Graph("workgroup", "SELECT queries waiting", "QueriesQueued", "Maximum", (("QueryType", QUERY_TYPES[0]),)),
    Graph("workgroup", "SELECT queries failed (in 5 minutes)", "QueriesFailed", "Maximum", (("QueryType", QUERY_TYPES[0]),)),
)
_NAMESPACE: dict[Kind, tuple[str, str]] = {
    "cluster": (CLUSTER_METRICS, "ClusterIdentifier"),
    "workgroup": (SERVERLESS_METRICS, "Workgroup"),
}


def dashboard_body(names: dict[Kind, list[str]], alarm_arns: Sequence[str], stack: str, region: str) -> dict[str, Any]:
    """The body of the dashboard, as PutDashboard takes it, for the names of all managed warehouses by kind and the ARNs of their alarms."""
    widgets: list[dict[str, Any]] = [
        _placed(0, 0, 2 * _WIDTH, _TEXT_HEIGHT, "text", {"markdown": _heading(names, stack, region, len(alarm_arns))})
    ]
    top = _TEXT_HEIGHT
    if 0 < len(alarm_arns) <= MAX_ALARMS:
        properties = {"title": "Alarms", "alarms": sorted(alarm_arns)}
        widgets.append(_placed(0, top, 2 * _WIDTH, _ALARM_HEIGHT, "alarm", properties))
        top += _ALARM_HEIGHT
    graphs = [graph for graph in GRAPHS if names.get(graph.kind)]
    for number, graph in enumerate(graphs):
        place = (number % 2 * _WIDTH, top + number // 2 * _HEIGHT)
        widgets.append(_placed(*place, _WIDTH, _HEIGHT, "metric", _graph(graph, sorted(names[graph.kind]), region)))
    return {"widgets": widgets}


def metrics_of(body: dict[str, Any]) -> Iterable[list[Any]]:
    """Every metric that a dashboard's graphs name: namespace, metric, dimensions; expressions are none."""
    for widget in body["widgets"]:
        yield from (one for one in widget["properties"].get("metrics", []) if isinstance(one[0], str))


def _placed(x: int, y: int, width: int, height: int, kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "x": x, "y": y, "width": width, "height": height, "properties": properties}


def _heading(names: dict[Kind, list[str]], stack: str, region: str, alarms: int) -> str:
    counts = [f"{len(found)} {kind}{'s' if len(found) != 1 else ''}" for kind, found in names.items() if found]
    console = f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#alarmsV2:?search={stack}-"
    return f"# Warehouses of {stack}\n{' and '.join(counts) or 'none'} under Redshift Autopilot in {region}. [Their {alarms} alarms]({console})"


def _graph(graph: Graph, names: list[str], region: str) -> dict[str, Any]:
    kinds = f"{graph.kind.title()}s: {graph.title}"
    properties = {"region": region, "view": "timeSeries", "stat": graph.statistic, "period": 300}
    if len(names) <= MAX_LINES:
        return {**properties, "title": kinds, "metrics": [_metric(graph, name, {"label": name}) for name in names]}
    if len(names) <= MAX_METRICS:
        hidden = [_metric(graph, name, {"label": name, "id": f"m{number}", "visible": False}) for number, name in enumerate(names)]
        return {**properties, "title": f"{kinds}, top {TOP} of {len(names)}", "metrics": [_top("METRICS()"), *hidden]}
    return {
        **properties,
        "title": f"{kinds}, top {TOP} of all in {region}, managed or not",
        "metrics": [_top(_search(graph))],
    }


def _top(series: str) -> list[Any]:
    return [{"expression": f"SLICE(SORT({series}, MAX, DESC), 0, {TOP})", "id": "top"}]


def _metric(graph: Graph, name: str, options: dict[str, Any]) -> list[Any]:
    namespace, dimension = _NAMESPACE[graph.kind]
    return [namespace, graph.metric, dimension, name, *(text for pair in graph.further for text in pair), options]


def _search(graph: Graph) -> str:
    namespace, dimension = _NAMESPACE[graph.kind]
    schema = ",".join([namespace, dimension, *(name for name, _ in graph.further)])
    values = "".join(f' {name}="{value}"' for name, value in graph.further)
    return f"SEARCH('{{{schema}}} MetricName=\"{graph.metric}\"{values}', '{graph.statistic}', 300)"


def is_of_this_stack(stack: str, alarm: str) -> bool:
    """Whether an alarm's name says that it is one of a warehouse of this stack."""
    kinds: tuple[Kind, ...] = ("cluster", "workgroup")
    return any(alarm.startswith(prefix_of(stack, kind, "").removesuffix("-")) for kind in kinds)
