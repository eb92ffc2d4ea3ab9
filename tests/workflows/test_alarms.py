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


def _writes(stack: Stack) -> int:
    """How many times alarms and dashboards were written; CloudWatch signs as `monitoring`."""
    return sum(
        stack.calls(f"monitoring:{operation}") for operation in ("PutMetricAlarm", "DeleteAlarms", "PutDashboard", "DeleteDashboards")
    )


def _apply(stack: Stack, spec: dict[str, Any]) -> dict[str, Any]:
    ended = stack.run("provision_warehouse", {"spec": spec})
    assert ended.succeeded, ended
    return ended.output


@pytest.mark.parametrize(
    ("kind", "watched", "setting", "what"),
    [
        ("cluster", ["commit-queue", "connections", "cpu", "disk", "health", "queue-wait"], "disk_percent", "disk"),
        ("workgroup", ["queries-failed", "queries-queued"], "queries_failed", "queries-failed"),
    ],
)
def test_alarms_and_dashboard_follow_the_warehouse(stack: Stack, kind: str, watched: list[str], setting: str, what: str) -> None:
    spec: dict[str, Any] = {"name": f"watched-{kind}", "kind": kind}
    _apply(stack, spec)
    found = _alarms(stack, kind, spec["name"])
    assert sorted(found) == watched
    assert {tuple(alarm["AlarmActions"]) for alarm in found.values()} == {(stack.outputs["TopicArn"],)}
    assert f'"label": "{spec["name"]}"' in _dashboard(stack)

    changed = _apply(stack, {**spec, "alarms": {setting: 42}})
    assert (changed["event"], changed["detail"]) == ("Warehouse Changed", f"{spec['name']} is what the spec says; changed: alarms")
    assert _alarms(stack, kind, spec["name"])[what]["Threshold"] == 42
    assert _writes(stack) > 0
    stack.sandbox.desk("DELETE", "faults")
    assert _apply(stack, {**spec, "alarms": {setting: 42}})["changed"] is False
    assert _writes(stack) == 0

    _alarm(stack, "remove_alarms", kind, spec["name"])
    assert _alarms(stack, kind, spec["name"]) == {}
    assert f'"label": "{spec["name"]}"' not in _dashboard(stack)


def test_new_warehouse_whose_alarms_are_refused_is_removed_with_those_that_were_put(stack: Stack) -> None:
    stack.fault("monitoring", "PutDashboard", "InvalidParameterInput", message="not this dashboard")
    ended = stack.run("provision_warehouse", {"spec": {"name": "unwatched", "kind": "workgroup"}})
    assert (ended.status, ended.error) == ("FAILED", "AwsRefused"), ended
    assert _alarms(stack, "workgroup", "unwatched") == {}
    assert "unwatched" not in [one["workgroupName"] for one in stack.sandbox.observe("redshift-serverless").list_workgroups()["workgroups"]]
    assert stack.lock("unwatched") is None


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
