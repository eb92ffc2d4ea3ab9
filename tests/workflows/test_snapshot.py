"""Snapshots: taken once and waited for, listed with what was before, and never a reason to change a warehouse."""

from __future__ import annotations

import pytest

from tests.workflows.conftest import Stack


@pytest.mark.parametrize("kind", ["cluster", "workgroup"])
def test_snapshot_is_taken_once_and_is_then_listed(stack: Stack, kind: str) -> None:
    name = stack.provision(kind)
    given = {"warehouse": name, "snapshot": f"before-{kind}", "retention_days": 3, "reason": "before the release"}
    service, operation = ("redshift", "CreateClusterSnapshot") if kind == "cluster" else ("redshift-serverless", "CreateSnapshot")
    stack.fault(service, operation, "InvalidClusterState" if kind == "cluster" else "ConflictException", times=1)
    ended = stack.run("snapshot_warehouse", given)
    assert (ended.output["event"], ended.output["snapshot"]) == ("Warehouse Snapshot Taken", f"before-{kind}"), ended
    assert [entry["action"] for entry in stack.ledger(name)][-1] == "snapshot"
    listed = stack.run("snapshot_warehouse", {"warehouse": name, "action": "list"}).output["snapshots"]
    (found,) = [one for one in listed if one["identifier"] == f"before-{kind}"]
    assert (found["status"], found["retention_days"], found["warehouse"]) == ("available", 3, name)
    asked = stack.calls(f"{service}:{operation}")
    again = stack.run("snapshot_warehouse", given)
    assert (again.output["result"], again.output["changed"]) == ("nothing", False)
    assert stack.calls(f"{service}:{operation}") == asked
    assert stack.lock(name) is None


def test_snapshot_whose_taker_was_stopped_is_waited_for(stack: Stack) -> None:
    name = stack.provision()
    given = {"warehouse": name, "snapshot": "taken-over"}
    stack.sandbox.desk("POST", "clock", {"scale": 20})
    try:
        arn = stack.start("snapshot_warehouse", given)
        stack.until(
            lambda: any(item["sk"].startswith(f"{name}#") for item in stack.items("CALLBACK#cluster#")), "the snapshot is waited for"
        )
        stack.sandbox.observe("stepfunctions").stop_execution(executionArn=arn)
        asked = stack.calls("redshift:CreateClusterSnapshot")
        ended = stack.run("snapshot_warehouse", given)
    finally:
        stack.sandbox.desk("POST", "clock", {"scale": 120})
    assert (ended.output["event"], ended.output["changed"]) == ("Warehouse Snapshot Taken", False), ended
    assert stack.calls("redshift:CreateClusterSnapshot") == asked


def test_paused_cluster_is_left_paused(stack: Stack) -> None:
    name = stack.provision()
    stack.run("pause_warehouse", {"warehouse": name})
    ended = stack.run("snapshot_warehouse", {"warehouse": name})
    assert (ended.status, ended.error) == ("FAILED", "WarehouseUnavailable"), ended
    assert stack.status(name) == "paused"
