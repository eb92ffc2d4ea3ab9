"""Applying a spec again: only the difference happens, one change at a time; the same spec makes no write call at all."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workflows.conftest import Stack

WRITES = ("CreateCluster", "ModifyCluster", "ResizeCluster", "CreateTags", "DeleteCluster")
SERVERLESS_WRITES = ("CreateNamespace", "CreateWorkgroup", "UpdateWorkgroup", "TagResource", "DeleteWorkgroup", "DeleteNamespace")


def _apply(stack: Stack, spec: dict[str, Any], **more: Any) -> dict[str, Any]:
    ended = stack.run("provision_warehouse", {"spec": spec, **more})
    assert ended.succeeded, ended
    return ended.output


def _cluster(stack: Stack, name: str) -> dict[str, Any]:
    found: dict[str, Any] = stack.sandbox.observe("redshift").describe_clusters(ClusterIdentifier=name)["Clusters"][0]
    return found


def test_cluster_becomes_what_each_new_spec_says(stack: Stack) -> None:
    spec: dict[str, Any] = {"name": "changing", "compute": {"node_type": "ra3.large", "nodes": 2}, "tags": {"team": "a"}}
    assert _apply(stack, spec)["event"] == "Warehouse Provisioned"
    assert stack.sql("changing", ["CREATE TABLE kept (a INT)", "INSERT INTO kept VALUES (7)"]).succeeded
    steps: list[tuple[str, dict[str, Any]]] = [
        ("compute.nodes", {"compute": {"node_type": "ra3.large", "nodes": 4}}),
        ("compute.node_type", {"compute": {"node_type": "ra3.xlplus", "nodes": 4}}),
        ("network.security_group_ids", {"network": {"security_group_ids": ["sg-0a1b2c3d"]}}),
        ("tags.team", {"tags": {"team": "b"}}),
        ("protect", {"protect": True}),
    ]
    for field, change in steps:
        spec |= change
        planned = _apply(stack, spec, dry_run=True)
        assert (planned["action"], [one["field"] for one in planned["changes"]]) == ("change", [field])
        assert _apply(stack, spec)["event"] == "Warehouse Changed"
    seen = _cluster(stack, "changing")
    assert (seen["NodeType"], seen["NumberOfNodes"]) == ("ra3.xlplus", 4)
    assert {"Key": "team", "Value": "b"} in seen["Tags"]
    assert stack.rows("changing", "SELECT a FROM kept") == [[7]]


def test_workgroup_becomes_what_each_new_spec_says(stack: Stack) -> None:
    spec: dict[str, Any] = {"name": "flexible", "kind": "workgroup", "compute": {"base_rpu": 8, "max_rpu": 16}}
    _apply(stack, spec)
    for compute in ({"base_rpu": 32, "max_rpu": 64}, {"base_rpu": 16, "max_rpu": 24}):
        done = _apply(stack, {**spec, "compute": compute})
        assert done["event"] == "Warehouse Changed", done
    _apply(stack, {**spec, "compute": {"base_rpu": 16}, "tags": {"team": "a"}})
    seen = stack.sandbox.observe("redshift-serverless").get_workgroup(workgroupName="flexible")["workgroup"]
    assert (seen["baseCapacity"], seen["maxCapacity"]) == (16, 24)


@pytest.mark.parametrize(
    ("kind", "service", "writes"), [("cluster", "redshift", WRITES), ("workgroup", "redshift-serverless", SERVERLESS_WRITES)]
)
def test_unchanged_spec_makes_no_write_call(stack: Stack, kind: str, service: str, writes: tuple[str, ...]) -> None:
    spec = {"name": f"steady-{kind}", "kind": kind, "tags": {"team": "a"}}
    _apply(stack, spec)
    stack.sandbox.desk("DELETE", "faults")
    again = _apply(stack, spec)
    assert again["changed"] is False
    assert {operation: stack.calls(f"{service}:{operation}") for operation in writes} == dict.fromkeys(writes, 0)


def test_change_that_aws_refuses_keeps_what_stands(stack: Stack) -> None:
    name = stack.provision(node_type="ra3.large", nodes=2)
    stack.fault("redshift", "ResizeCluster", "InvalidClusterState", message="not now", times=2)
    stack.fault("redshift", "CreateTags", "TagLimitExceededFault", message="too many tags")
    ended = stack.run("provision_warehouse", {"spec": {"name": name, "compute": {"nodes": 4}, "tags": {"team": "a"}}})
    assert (ended.status, ended.error) == ("FAILED", "AwsRefused"), ended
    assert _cluster(stack, name)["NumberOfNodes"] == 4
    assert stack.lock(name) is None
    stack.sandbox.desk("DELETE", "faults")
    assert _apply(stack, {"name": name, "compute": {"nodes": 4}, "tags": {"team": "a"}})["event"] == "Warehouse Changed"


def test_paused_cluster_is_not_changed(stack: Stack) -> None:
    name = stack.provision(node_type="ra3.large", nodes=2)
    stack.run("pause_warehouse", {"warehouse": name})
    ended = stack.run("provision_warehouse", {"spec": {"name": name, "tags": {"team": "a"}}})
    assert (ended.status, ended.error) == ("FAILED", "WarehouseUnavailable"), ended
    assert stack.status(name) == "paused"
