"""A warehouse's life: created, used, paused, resumed; each workflow says what it did and why, and leaves no lock behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.conftest import Stack

SAMPLES = Path(__file__).parents[2] / "events" / "workflows"


def sample(name: str, **changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text())
    return given | changes


def test_samples_take_a_cluster_through_its_life(stack: Stack) -> None:
    provisioned = stack.run("provision_warehouse", sample("provision_warehouse"))
    assert provisioned.succeeded, provisioned
    assert provisioned.output["changed"] is True
    answered = stack.run("run_sql", sample("run_sql"))
    assert answered.output["statements"][0]["rows"] == [["dev", "hello"]]
    assert answered.output["signed_in_as"] == "the admin secret that Redshift manages"
    paused = stack.run("pause_warehouse", sample("pause_warehouse"))
    assert paused.output["event"] == "Warehouse Paused"
    assert stack.status("analytics") == "paused"
    refused = stack.run("run_sql", sample("run_sql"))
    assert (refused.status, refused.error) == ("FAILED", "WarehouseUnavailable")
    assert "resume_warehouse" in refused.cause
    resumed = stack.run("resume_warehouse", sample("resume_warehouse"))
    assert resumed.output["event"] == "Warehouse Resumed"
    assert stack.run("run_sql", sample("run_sql")).succeeded
    assert stack.lock("analytics") is None
    assert not [item for item in stack.items("CALLBACK#") if item["owner"] in {provisioned.arn, answered.arn, paused.arn, resumed.arn}]


def test_ledger_holds_the_nodes_of_before_the_pause(stack: Stack) -> None:
    name = stack.provision(node_type="ra3.large", nodes=3)
    assert stack.run("pause_warehouse", {"warehouse": name, "reason": "night"}).succeeded
    entry = stack.ledger(name)[-1]
    assert (entry["action"], entry["outcome"], entry["nodes"], entry["node_type"], entry["reason"]) == (
        "pause",
        "done",
        "3",
        "ra3.large",
        "night",
    )
    assert entry["started_at"] < entry["ended_at"]


def test_workgroup_is_provisioned_and_answers_sql_and_needs_no_pause(stack: Stack) -> None:
    name = stack.provision("workgroup", base_rpu=8, max_rpu=64)
    assert stack.rows(name, "SELECT 6 * 7 AS answer") == [[42]]
    paused = stack.run("pause_warehouse", {"warehouse": name})
    assert paused.output["changed"] is False
    assert paused.output["detail"].startswith("nothing to pause")


def test_provisioning_the_same_spec_again_finds_nothing_to_do(stack: Stack) -> None:
    name = stack.provision(node_type="ra3.large", nodes=2)
    again = stack.run("provision_warehouse", {"spec": {"name": name, "compute": {"node_type": "ra3.large", "nodes": 2}}})
    assert again.output["changed"] is False
    assert stack.calls("redshift:CreateCluster") == 1


def test_pausing_and_resuming_twice_finds_nothing_to_do(stack: Stack) -> None:
    name = stack.provision()
    assert [stack.run("pause_warehouse", {"warehouse": name}).output["changed"] for _ in range(2)] == [True, False]
    assert [stack.run("resume_warehouse", {"warehouse": name}).output["changed"] for _ in range(2)] == [True, False]


@pytest.mark.parametrize("workflow", ["provision_warehouse", "pause_warehouse", "resume_warehouse", "run_sql"])
def test_dry_run_says_what_would_be_done_and_writes_nothing(stack: Stack, workflow: str) -> None:
    name = stack.provision()
    if workflow == "resume_warehouse":
        stack.run("pause_warehouse", {"warehouse": name})
    inputs: dict[str, dict[str, Any]] = {
        "provision_warehouse": {"spec": {"name": f"{name}-new"}},
        "pause_warehouse": {"warehouse": name},
        "resume_warehouse": {"warehouse": name},
        "run_sql": {"warehouse": name, "sql": "CREATE TABLE t (a INT)"},
    }
    before = stack.items("")
    ended = stack.run(workflow, {**inputs[workflow], "dry_run": True})
    assert ended.succeeded, ended
    assert ended.output["action"] in {"create", "pause", "resume", "run"}
    assert ended.output["reason"]
    assert stack.items("") == before


def test_end_of_an_execution_is_published_on_the_bus(stack: Stack) -> None:
    client = stack.sandbox.observe("sqs")
    queue = client.create_queue(QueueName="heard")["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
    client.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})})
    events = stack.sandbox.observe("events")
    events.put_rule(Name="hear", EventBusName=stack.outputs["BusName"], EventPattern=json.dumps({"source": ["redshift.autopilot"]}))
    events.put_targets(Rule="hear", EventBusName=stack.outputs["BusName"], Targets=[{"Id": "queue", "Arn": arn}])
    name = stack.provision()
    stack.run("pause_warehouse", {"warehouse": name, "reason": "weekend"})
    heard: list[dict[str, Any]] = []

    def both_heard() -> bool:
        messages = client.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        heard.extend(json.loads(message["Body"]) for message in messages)
        return len(heard) >= 2

    stack.until(both_heard, "two events on the bus")
    by_type = {event["detail-type"]: event["detail"] for event in heard}
    assert set(by_type) == {"Warehouse Provisioned", "Warehouse Paused"}
    assert by_type["Warehouse Paused"]["asked"] == "weekend"
    assert by_type["Warehouse Paused"]["warehouse"]["name"] == name
    assert by_type["Warehouse Paused"]["duration_seconds"] > 0


def test_busy_cluster_is_skipped_unless_forced(stack: Stack) -> None:
    name = stack.provision()
    assert stack.sql(name, ["CREATE TABLE t (a INT)", "INSERT INTO t SELECT generate_series(1, 2000)"]).succeeded
    query = stack.start("run_sql", {"warehouse": name, "sql": "SELECT COUNT(*) FROM t a, t b, t c"})
    stack.until(lambda: stack.items("CALLBACK#statement"), "the query is submitted")
    skipped = stack.run("pause_warehouse", {"warehouse": name, "drain_seconds": 0})
    assert (skipped.output["result"], skipped.output["changed"]) == ("skipped", False), skipped
    assert "1 query was running" in skipped.output["detail"]
    assert stack.status(name) == "available"
    forced = stack.run("pause_warehouse", {"warehouse": name, "drain_seconds": 0, "when_busy": "force"})
    assert forced.output["changed"] is True
    killed = stack.wait(query)
    assert (killed.status, killed.error) == ("FAILED", "StatementFailed"), killed


def test_queries_that_cannot_be_seen_count_as_busy(stack: Stack) -> None:
    name = stack.provision()
    stack.fault("redshift-data", "BatchExecuteStatement", "ValidationException", message="sign-in refused")
    ended = stack.run("pause_warehouse", {"warehouse": name, "drain_seconds": 0})
    assert ended.output["result"] == "skipped", ended
    assert "could not be seen" in ended.output["detail"]
    assert stack.status(name) == "available"


def test_cluster_without_a_recent_backup_gets_one_first(stack: Stack) -> None:
    name = stack.provision()
    redshift = stack.sandbox.observe("redshift")
    stack.sandbox.desk("POST", "snapshots", {"cluster": name, "older_by_hours": 48})
    ended = stack.run("pause_warehouse", {"warehouse": name})
    assert ended.output["changed"] is True, ended
    assert "Wait For Snapshot" in stack.driver.states(ended.arn)
    taken = [s for s in redshift.describe_cluster_snapshots(ClusterIdentifier=name)["Snapshots"] if s["SnapshotType"] == "manual"]
    assert [snapshot["ManualSnapshotRetentionPeriod"] for snapshot in taken] == [2]


def test_failed_provisioning_removes_what_it_created(stack: Stack) -> None:
    stack.fault("redshift-data", "ExecuteStatement", "ValidationException", message="no route to the endpoint")
    for kind in ("cluster", "workgroup"):
        ended = stack.run("provision_warehouse", {"spec": {"name": f"undone-{kind}", "kind": kind}})
        assert ended.status == "FAILED", ended
        assert "no route to the endpoint" in ended.cause
    assert "undone-cluster" not in json.dumps(
        stack.sandbox.observe("redshift").get_paginator("describe_clusters").paginate().build_full_result(), default=str
    )
    serverless = stack.sandbox.observe("redshift-serverless")

    def seen() -> list[str]:
        return [found["namespaceName"] for found in serverless.list_workgroups()["workgroups"] + serverless.list_namespaces()["namespaces"]]

    stack.until(lambda: "undone-workgroup" not in seen(), "neither workgroup nor namespace is left")
    assert stack.items("LOCK#") == []


def test_warehouse_of_somebody_else_is_never_removed_by_an_undo(stack: Stack) -> None:
    stack.sandbox.observe("redshift").create_cluster(
        ClusterIdentifier="theirs", NodeType="ra3.large", ClusterType="single-node", MasterUsername="them", MasterUserPassword="Abcd1234x"
    )
    stack.until(lambda: stack.status("theirs") == "available", "their cluster is available")
    ended = stack.run("provision_warehouse", {"spec": {"name": "theirs", "compute": {"nodes": 4}}})
    assert (ended.status, ended.error) == ("FAILED", "WarehouseDiffers")
    assert stack.status("theirs") == "available"


def test_cluster_without_a_managed_secret_is_entered_as_its_admin_user(stack: Stack) -> None:
    stack.sandbox.observe("redshift").create_cluster(
        ClusterIdentifier="by-hand",
        NodeType="ra3.large",
        ClusterType="single-node",
        MasterUsername="chief",
        MasterUserPassword="Abcd1234x",
        DBName="shop",
    )
    stack.until(lambda: stack.status("by-hand") == "available", "the cluster is available")
    ended = stack.sql("by-hand", "SELECT current_user AS me, current_database() AS db")
    assert ended.output["signed_in_as"] == "temporary credentials for chief", ended
    assert ended.output["statements"][0]["rows"] == [["chief", "shop"]]
    assert stack.run("pause_warehouse", {"warehouse": "by-hand"}).output["changed"] is True
