"""Alarms: which a warehouse gets, on what, and from which threshold on; and the dashboard over all warehouses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from autopilot.domain.alarm_set import UsageLimit, alarms_of, is_alarm_of, same
from autopilot.domain.alarms import FIELDS, Alarms, alarm_problems, threshold
from autopilot.domain.dashboard import MAX_ALARMS, dashboard_body, is_of_this_stack, metrics_of
from autopilot.domain.warehouse import Kind, Warehouse
from tests.unit.builders import cluster, workgroup
from tests.unit.metrics import DOCUMENTED, carries_data

TOPIC = "arn:aws:sns:us-east-1:000000000000:people"
LIMITS = [UsageLimit("0a1b2c3d-0000-1111-2222-333344445555", "serverless-compute", 200)]
BOTH = [cluster(), workgroup()]


def _alarms(seen: Warehouse, alarms: Alarms | None = None, limits: list[UsageLimit] | None = None) -> dict[str, dict[str, Any]]:
    made = alarms_of(seen, alarms or Alarms(), LIMITS if limits is None else limits, "stack", TOPIC).alarms
    return {alarm["AlarmName"].removeprefix(f"stack-{seen.kind}-{seen.name}-"): alarm for alarm in made}


def _metrics(alarm: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, str]]]:
    single = [alarm] if "MetricName" in alarm else [one["MetricStat"]["Metric"] for one in alarm["Metrics"] if "MetricStat" in one]
    for one in single:
        yield one["Namespace"], one["MetricName"], {pair["Name"]: pair["Value"] for pair in one["Dimensions"]}


# --- settings -----------------------------------------------------------------------------------------------------------


def test_threshold_that_is_left_out_is_the_default_of_the_kind() -> None:
    assert threshold("cluster", Alarms(), "cpu_percent") == 90
    assert threshold("cluster", Alarms(cpu_percent=75), "cpu_percent") == 75
    assert threshold("workgroup", Alarms(), "queries_queued") == 10


def test_threshold_of_the_other_kind_is_a_problem_with_its_path() -> None:
    assert alarm_problems("cluster", Alarms(cpu_percent=75)) == []
    assert alarm_problems("workgroup", Alarms(cpu_percent=75)) == [
        "spec.alarms.cpu_percent: belongs to a cluster; a workgroup takes queries_queued, queries_failed, usage_limit_percent"
    ]


def test_every_threshold_belongs_to_one_kind() -> None:
    fields = [field.name for field in msgspec.structs.fields(Alarms) if field.name not in {"enabled", "minutes"}]
    assert sorted(fields) == sorted([*FIELDS["cluster"], *FIELDS["workgroup"]])


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"cpu_percent": 0}, "`int` >= 1"),
        ({"disk_percent": 101}, "`int` <= 100"),
        ({"minutes": 0}, "`int` >= 1"),
        ({"cpu": 90}, "unknown field `cpu`"),
    ],
)
def test_alarm_settings_are_read_strictly(given: dict[str, object], complaint: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=complaint):
        msgspec.convert(given, Alarms)


# --- alarms -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seen", BOTH, ids=lambda seen: seen.kind)
def test_every_alarm_is_on_a_metric_that_carries_data_for_its_dimensions(seen: Warehouse) -> None:
    found = [metric for alarm in _alarms(seen).values() for metric in _metrics(alarm)]
    assert found
    assert [metric for metric in found if not carries_data(*metric)] == []


def test_metric_without_the_dimension_it_needs_would_be_noticed() -> None:
    assert not carries_data("AWS/Redshift", "QueryRuntimeBreakdown", {"ClusterIdentifier": "x"})
    assert not carries_data("AWS/Redshift-Serverless", "QueriesQueued", {"Workgroup": "x"})
    assert not carries_data("AWS/Redshift", "QueryRuntimeBreakdown", {"ClusterIdentifier": "x", "stage": "Waiting"})
    assert not carries_data("AWS/Redshift", "QueryQueueTime", {"ClusterIdentifier": "x"})


def test_every_documented_metric_has_its_source() -> None:
    assert all(source.startswith("https://docs.aws.amazon.com/redshift/") and sets for source, sets in DOCUMENTED.values())


@pytest.mark.parametrize("seen", BOTH, ids=lambda seen: seen.kind)
def test_alarms_are_silent_without_data_and_tell_the_topic(seen: Warehouse) -> None:
    for alarm in _alarms(seen).values():
        assert (alarm["TreatMissingData"], alarm["AlarmActions"]) == ("notBreaching", [TOPIC])
        assert alarm["AlarmDescription"].startswith(f"{seen.kind.title()} {seen.name}: ")


def test_a_cluster_is_watched_for_load_space_health_and_queues() -> None:
    alarms = _alarms(cluster(), Alarms(cpu_percent=70, minutes=20, queue_wait_seconds=90))
    assert sorted(alarms) == ["commit-queue", "connections", "cpu", "disk", "health", "queue-wait"]
    assert (alarms["cpu"]["Threshold"], alarms["cpu"]["Period"] * alarms["cpu"]["EvaluationPeriods"]) == (70.0, 20 * 60)
    assert alarms["queue-wait"]["Threshold"] == 90_000
    assert (alarms["health"]["ComparisonOperator"], alarms["health"]["Threshold"]) == ("LessThanThreshold", 1.0)


def test_connections_are_held_against_what_the_node_type_allows() -> None:
    assert _alarms(cluster())["connections"]["Threshold"] == 400
    assert _alarms(cluster(), Alarms(connections_limit=2000, connections_percent=50))["connections"]["Threshold"] == 1000


def test_unknown_node_type_has_no_alarm_on_connections_and_says_so() -> None:
    made = alarms_of(cluster(node_type="rx9.huge"), Alarms(), [], "stack", TOPIC)
    assert not any(alarm["AlarmName"].endswith("-connections") for alarm in made.alarms)
    assert made.notes == ["no alarm on connections: how many a rx9.huge cluster takes is unknown; say it in alarms.connections_limit"]
    assert "connections" in _alarms(cluster(node_type="rx9.huge"), Alarms(connections_limit=100))


def test_a_workgroup_is_watched_for_queries_and_each_of_its_usage_limits() -> None:
    alarms = _alarms(workgroup(), Alarms(usage_limit_percent=75))
    limit = f"usage-limit-{LIMITS[0].id}"
    assert sorted(alarms) == ["queries-failed", "queries-queued", limit]
    assert alarms[limit]["Threshold"] == 150
    assert {"Name": "UsageType", "Value": "SERVERLESS_COMPUTE"} in alarms[limit]["Dimensions"]
    assert sum("MetricStat" in one for one in alarms["queries-queued"]["Metrics"]) <= 10
    assert [one["Expression"] for one in alarms["queries-queued"]["Metrics"] if one["ReturnData"]] == ["SUM(METRICS())"]


@pytest.mark.parametrize("seen", BOTH, ids=lambda seen: seen.kind)
def test_warehouse_whose_alarms_are_off_has_none(seen: Warehouse) -> None:
    assert _alarms(seen, Alarms(enabled=False)) == {}


def test_alarms_of_another_warehouse_whose_name_begins_alike_are_left_alone() -> None:
    assert is_alarm_of("stack", "cluster", "sales", "stack-cluster-sales-cpu")
    assert not is_alarm_of("stack", "cluster", "sales", "stack-cluster-sales-2-cpu")
    assert not is_alarm_of("stack", "workgroup", "sales", "stack-cluster-sales-cpu")
    assert is_alarm_of("stack", "workgroup", "sales", f"stack-workgroup-sales-usage-limit-{LIMITS[0].id}")
    assert not is_alarm_of("stack", "workgroup", "sales", "stack-workgroup-sales-usage-limit-x-queries-failed")
    for seen in BOTH:
        assert all(is_alarm_of("stack", seen.kind, seen.name, f"stack-{seen.kind}-{seen.name}-{what}") for what in _alarms(seen))


@pytest.mark.parametrize("seen", BOTH, ids=lambda seen: seen.kind)
def test_alarm_that_is_there_as_wanted_is_the_same_and_any_change_is_seen(seen: Warehouse) -> None:
    for alarm in _alarms(seen).values():
        there = {**alarm, "StateValue": "OK", "AlarmArn": "arn", "OKActions": [], "Metrics": alarm.get("Metrics", [])}
        if "Dimensions" in alarm:
            there["Dimensions"] = list(reversed(alarm["Dimensions"]))
        assert same(alarm, there)
        assert not same(alarm, {**there, "Threshold": alarm["Threshold"] + 1})
        assert not same(alarm, {**there, "AlarmActions": []})
        assert not same(alarm, {})


# --- dashboard ------------------------------------------------------------------------------------------------------------


def _body(clusters: int, workgroups: int, alarms: int = 4) -> dict[str, Any]:
    names: dict[Kind, list[str]] = {
        "cluster": [f"cluster-{number}" for number in range(clusters)],
        "workgroup": [f"workgroup-{number}" for number in range(workgroups)],
    }
    return dashboard_body(names, [f"arn:{number}" for number in range(alarms)], "stack", "us-east-1")


def test_few_warehouses_are_a_line_each() -> None:
    body = _body(1, 2)
    titles = [widget["properties"].get("title") for widget in body["widgets"]]
    assert titles[:3] == [None, "Alarms", "Clusters: CPU (%)"]
    assert body["widgets"][0]["properties"]["markdown"].startswith("# Warehouses of stack\n1 cluster and 2 workgroups under")
    graph = next(widget["properties"] for widget in body["widgets"] if widget["properties"].get("title") == "Workgroups: Capacity (RPU)")
    assert [metric[-1]["label"] for metric in graph["metrics"]] == ["workgroup-0", "workgroup-1"]


def test_many_warehouses_are_shown_by_the_top_ten_of_them() -> None:
    graph = _body(100, 0)["widgets"][2]["properties"]
    assert graph["title"] == "Clusters: CPU (%), top 10 of 100"
    assert graph["metrics"][0] == [{"expression": "SLICE(SORT(METRICS(), MAX, DESC), 0, 10)", "id": "top"}]
    assert len(graph["metrics"]) == 101
    assert all(metric[-1]["visible"] is False for metric in graph["metrics"][1:])


def test_more_than_a_dashboard_can_hold_are_searched_and_the_title_says_so() -> None:
    graph = _body(2000, 0)["widgets"][-1]["properties"]
    assert graph["title"].endswith("top 10 of all in us-east-1, managed or not")
    assert "SEARCH('{AWS/Redshift,ClusterIdentifier} MetricName=\"HealthStatus\"', 'Minimum', 300)" in graph["metrics"][0][0]["expression"]


@pytest.mark.parametrize("count", [0, 1, 12, 13, 100, 250, 251, 5000])
def test_dashboard_stays_within_the_limits_of_cloudwatch(count: int) -> None:
    body = _body(count, count, alarms=count)
    assert len(body["widgets"]) <= 500
    sizes = [len(widget["properties"].get("metrics", [])) for widget in body["widgets"]]
    assert max(sizes, default=0) <= 500
    assert sum(1 for _ in metrics_of(body)) <= 2500
    assert all(len(widget["properties"]["alarms"]) <= MAX_ALARMS for widget in body["widgets"] if widget["type"] == "alarm")


def test_every_graph_is_of_a_metric_that_carries_data_for_its_dimensions() -> None:
    found = list(metrics_of(_body(1, 1)))
    assert found
    for namespace, metric, *rest in found:
        dimensions = dict(zip(rest[:-1:2], rest[1:-1:2], strict=True))
        assert carries_data(namespace, metric, dimensions), metric


def test_widgets_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for widget in _body(20, 20)["widgets"]:
        cells = {(widget["x"] + x, widget["y"] + y) for x in range(widget["width"]) for y in range(widget["height"])}
        assert not taken & cells
        taken |= cells
        assert widget["x"] + widget["width"] <= 24


def test_alarms_of_warehouses_are_told_from_others_of_the_stack() -> None:
    assert is_of_this_stack("stack", "stack-workgroup-adhoc-queries-failed")
    assert not is_of_this_stack("stack", "stack-dead-letters")
