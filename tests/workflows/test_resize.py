"""Resizing: elastic where AWS allows it, classic only where a person does, a paused cluster ends paused, and twice is like once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workflows.conftest import Stack


def _cluster(stack: Stack, name: str) -> dict[str, Any]:
    found: dict[str, Any] = stack.sandbox.observe("redshift").describe_clusters(ClusterIdentifier=name)["Clusters"][0]
    return found


def _snapshots(stack: Stack, name: str) -> list[dict[str, Any]]:
    found = stack.sandbox.observe("redshift").describe_cluster_snapshots(ClusterIdentifier=name)["Snapshots"]
    return [one for one in found if one["SnapshotType"] == "manual"]


def _entry(stack: Stack, name: str, action: str) -> dict[str, Any]:
    return [one for one in stack.ledger(name) if one["action"] == action][-1]


def test_cluster_grows_in_place_and_a_second_run_finds_nothing_to_do(stack: Stack) -> None:
    name = stack.provision(node_type="ra3.large", nodes=2)
    assert stack.sql(name, ["CREATE TABLE kept (a INT)", "INSERT INTO kept VALUES (7)"]).succeeded
    given = {"warehouse": name, "nodes": 4, "reason": "end of the quarter"}
    stack.fault("redshift", "DescribeNodeConfigurationOptions", "InvalidClusterState", times=1)
    stack.fault("redshift", "ResizeCluster", "InvalidClusterState", times=2)
    ended = stack.run("resize_warehouse", given)
    assert (ended.output["event"], ended.output["changed"]) == ("Warehouse Resized", True), ended
    assert _cluster(stack, name)["NumberOfNodes"] == 4
    assert stack.rows(name, "SELECT a FROM kept") == [[7]]
    entry = _entry(stack, name, "resize")
    assert (entry["outcome"], entry["before"], entry["after"], entry["method"]) == ("done", "2 x ra3.large", "4 x ra3.large", "elastic")
    asked = stack.calls("redshift:ResizeCluster")
    again = stack.run("resize_warehouse", given)
    assert (again.output["result"], again.output["changed"]) == ("nothing", False)
    assert stack.calls("redshift:ResizeCluster") == asked
    assert stack.lock(name) is None


def test_paused_cluster_is_resumed_resized_and_paused_again_whatever_comes(stack: Stack) -> None:
    name = stack.provision(node_type="ra3.large", nodes=2)
    stack.run("pause_warehouse", {"warehouse": name})
    stack.fault("redshift", "ResizeCluster", "UnsupportedOperation", message="not this one", times=1)
    failed = stack.run("resize_warehouse", {"warehouse": name, "nodes": 4})
    assert (failed.status, failed.error) == ("FAILED", "AwsRefused"), failed
    assert "not this one" in failed.cause
    assert stack.status(name) == "paused"
    assert stack.lock(name) is None
    ended = stack.run("resize_warehouse", {"warehouse": name, "nodes": 4})
    assert ended.succeeded, ended
    assert ended.output["detail"].startswith(f"{name} has 4 x ra3.large, before 2 x ra3.large, and answered SELECT 1; {name} is paused")
    assert stack.status(name) == "paused"
    paused = _entry(stack, name, "pause")
    assert (paused["outcome"], paused["nodes"]) == ("done", "4")
    resumed = stack.calls("redshift:ResumeCluster")
    again = stack.run("resize_warehouse", {"warehouse": name, "nodes": 4})
    assert again.output["detail"] == f"{name} is paused and had 4 x ra3.large before"
    assert stack.calls("redshift:ResumeCluster") == resumed


def test_classic_resize_is_refused_until_it_is_allowed_and_then_keeps_a_snapshot(stack: Stack) -> None:
    name = stack.provision(node_type="ra3.large", nodes=2)
    assert stack.sql(name, ["CREATE TABLE kept (a INT)", "INSERT INTO kept VALUES (7)"]).succeeded
    refused = stack.run("resize_warehouse", {"warehouse": name, "nodes": 1})
    assert (refused.status, refused.error) == ("FAILED", "ResizeRefused"), refused
    assert "the cluster is read-only until the new nodes take over" in refused.cause
    planned = stack.run("resize_warehouse", {"warehouse": name, "nodes": 1, "classic": "allow", "dry_run": True})
    assert (planned.output["method"], planned.output["snapshot_days"]) == ("classic", 7)
    assert _cluster(stack, name)["NumberOfNodes"] == 2
    assert _snapshots(stack, name) == []
    stack.fault("redshift", "CreateClusterSnapshot", "InvalidClusterState", times=1)
    stack.fault("redshift", "DescribeResize", "Throttling", times=4)
    ended = stack.run("resize_warehouse", {"warehouse": name, "nodes": 1, "classic": "allow"})
    assert ended.succeeded, ended
    (snapshot,) = _snapshots(stack, name)
    assert (snapshot["NumberOfNodes"], snapshot["ManualSnapshotRetentionPeriod"]) == (2, 7)
    assert snapshot["SnapshotIdentifier"] in ended.output["detail"]
    assert _cluster(stack, name)["NumberOfNodes"] == 1
    assert stack.rows(name, "SELECT a FROM kept") == [[7]]


def test_workgroup_gets_the_capacity_asked_for(stack: Stack) -> None:
    name = stack.provision("workgroup", base_rpu=8, max_rpu=16)
    ended = stack.run("resize_warehouse", {"warehouse": name, "base_rpu": 32, "max_rpu": 64})
    assert ended.output["event"] == "Warehouse Resized", ended
    seen = stack.sandbox.observe("redshift-serverless").get_workgroup(workgroupName=name)["workgroup"]
    assert (seen["baseCapacity"], seen["maxCapacity"]) == (32, 64)
    assert stack.run("resize_warehouse", {"warehouse": name, "base_rpu": 32}).output["changed"] is False


@pytest.mark.parametrize(("when_busy", "result", "nodes"), [("skip", "skipped", 2), ("force", "done", 4)])
def test_busy_cluster_is_resized_only_when_told_so(stack: Stack, when_busy: str, result: str, nodes: int) -> None:
    name = stack.provision(node_type="ra3.large", nodes=2)
    query = stack.start("run_sql", {"warehouse": name, "sql": "SELECT pg_sleep(60)"})
    stack.until(lambda: stack.items("CALLBACK#statement"), "the query is submitted")
    ended = stack.run("resize_warehouse", {"warehouse": name, "nodes": 4, "drain_seconds": 1, "when_busy": when_busy})
    assert ended.output["result"] == result, ended
    assert _cluster(stack, name)["NumberOfNodes"] == nodes
    stack.sandbox.observe("stepfunctions").stop_execution(executionArn=query)


def test_resize_that_was_stopped_half_way_is_taken_over(stack: Stack) -> None:
    name = stack.provision(node_type="ra3.large", nodes=2)
    arn = stack.start("resize_warehouse", {"warehouse": name, "nodes": 4})
    stack.until(lambda: stack.calls("redshift:ResizeCluster"), "the cluster is being resized")
    stack.sandbox.observe("stepfunctions").stop_execution(executionArn=arn)
    ended = stack.run("resize_warehouse", {"warehouse": name, "nodes": 4})
    assert ended.succeeded, ended
    assert _cluster(stack, name)["NumberOfNodes"] == 4
    assert stack.calls("redshift:ResizeCluster") == 1
