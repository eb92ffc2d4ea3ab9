"""Alarms and dashboard: they appear with a warehouse, change with its settings, ring for its own data, and go with it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.workflows.conftest import Stack

PREFIX = "redshift-autopilot-"


def _alarm(stack: Stack, step: str, kind: str, name: str, **more: Any) -> dict[str, Any]:
    """One call of the function with its own role, as a workflow makes it."""
    given = {"step": step, "execution": "arn:aws:states:us-east-1:000000000000:execution:x:y", "warehouse": {"kind": kind, "name": name}}
    answer = stack.sandbox.observe("lambda").invoke(FunctionName=f"{PREFIX}alarm", Payload=json.dumps({**given, **more}))
    told: dict[str, Any] = json.loads(answer["Payload"].read())
    assert "errorType" not in told, told
    return told


def _alarms(stack: Stack, kind: str, name: str) -> dict[str, dict[str, Any]]:
    prefix = f"{PREFIX}{kind}-{name}-"
    found = stack.sandbox.observe("cloudwatch").describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"]
    return {alarm["AlarmName"].removeprefix(prefix): alarm for alarm in found}


def _dashboard(stack: Stack) -> str:
    cloudwatch = stack.sandbox.observe("cloudwatch")
    names = [one["DashboardName"] for one in cloudwatch.list_dashboards()["DashboardEntries"]]
    return str(cloudwatch.get_dashboard(DashboardName=names[0])["DashboardBody"]) if names else ""


@pytest.mark.parametrize(
    ("kind", "watched"),
    [
        ("cluster", ["commit-queue", "connections", "cpu", "disk", "health", "queue-wait"]),
        ("workgroup", ["queries-failed", "queries-queued"]),
    ],
)
def test_alarms_and_dashboard_follow_the_warehouse(stack: Stack, kind: str, watched: list[str]) -> None:
    name = stack.provision(kind)
    _alarm(stack, "set_alarms", kind, name)
    found = _alarms(stack, kind, name)
    assert sorted(found) == watched
    assert {tuple(alarm["AlarmActions"]) for alarm in found.values()} == {(stack.outputs["TopicArn"],)}
    assert f'"label": "{name}"' in _dashboard(stack)

    setting, what = ("disk_percent", "disk") if kind == "cluster" else ("queries_failed", "queries-failed")
    changed = _alarm(stack, "set_alarms", kind, name, alarms={setting: 42})
    assert changed["put"] == [f"{PREFIX}{kind}-{name}-{what}"]
    assert _alarms(stack, kind, name)[what]["Threshold"] == 42
    stack.sandbox.desk("DELETE", "faults")
    assert _alarm(stack, "set_alarms", kind, name, alarms={setting: 42})["action"] == "nothing"
    writes = ("PutMetricAlarm", "DeleteAlarms", "PutDashboard", "DeleteDashboards")
    assert [stack.calls(f"cloudwatch:{operation}") for operation in writes] == [0, 0, 0, 0]

    _alarm(stack, "remove_alarms", kind, name)
    assert _alarms(stack, kind, name) == {}
    assert f'"label": "{name}"' not in _dashboard(stack)


def test_alarm_rings_for_the_data_of_its_own_cluster(stack: Stack) -> None:
    name = stack.provision()
    _alarm(stack, "set_alarms", "cluster", name, alarms={"minutes": 5, "cpu_percent": 50})

    def publish(cluster: str) -> None:
        data = {"MetricName": "CPUUtilization", "Dimensions": [{"Name": "ClusterIdentifier", "Value": cluster}], "Value": 99.0}
        stack.sandbox.observe("cloudwatch").put_metric_data(Namespace="AWS/Redshift", MetricData=[data])

    publish("another")
    stack.until(lambda: _alarms(stack, "cluster", name)["cpu"]["StateValue"] == "OK", "the alarm is silent")
    publish(name)
    stack.until(lambda: _alarms(stack, "cluster", name)["cpu"]["StateValue"] == "ALARM", "the alarm rings")
    _alarm(stack, "remove_alarms", "cluster", name)
