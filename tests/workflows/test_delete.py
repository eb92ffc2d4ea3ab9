"""Deleting: what was named twice goes, its data is kept in a final snapshot, and what is protected or not ours stays."""

from __future__ import annotations

import json

import pytest

from tests.workflows.conftest import Stack


def _clusters(stack: Stack) -> list[str]:
    pages = stack.sandbox.observe("redshift").get_paginator("describe_clusters").paginate()
    return [found["ClusterIdentifier"] for page in pages for found in page["Clusters"]]


def _namespaces(stack: Stack) -> list[str]:
    return [found["namespaceName"] for found in stack.sandbox.observe("redshift-serverless").list_namespaces()["namespaces"]]


def test_deleted_cluster_lives_on_in_its_final_snapshot(stack: Stack) -> None:
    name = stack.provision()
    assert stack.sql(name, ["CREATE TABLE kept (a INT)", "INSERT INTO kept VALUES (42)"]).succeeded
    ended = stack.run("delete_warehouse", {"warehouse": name, "confirm": name, "reason": "the project has ended"})
    assert (ended.output["event"], ended.output["changed"]) == ("Warehouse Deleted", True), ended
    assert name not in _clusters(stack)
    redshift = stack.sandbox.observe("redshift")
    final = [s for s in redshift.describe_cluster_snapshots(ClusterIdentifier=name)["Snapshots"] if s["SnapshotType"] == "manual"]
    assert len(final) == 1
    assert final[0]["SnapshotIdentifier"] in ended.output["detail"]
    redshift.restore_from_cluster_snapshot(ClusterIdentifier=f"{name}-again", SnapshotIdentifier=final[0]["SnapshotIdentifier"])
    stack.until(lambda: stack.status(f"{name}-again") == "available", "the restored cluster is available")
    assert stack.rows(f"{name}-again", "SELECT a FROM kept") == [[42]]
    assert [entry["action"] for entry in stack.ledger(name)][-1] == "delete"


def test_paused_cluster_is_resumed_before_it_is_deleted(stack: Stack) -> None:
    name = stack.provision()
    stack.run("pause_warehouse", {"warehouse": name})
    ended = stack.run("delete_warehouse", {"warehouse": name, "confirm": name, "final_snapshot": False})
    assert ended.succeeded, ended
    assert "Resume First" in stack.driver.states(ended.arn)
    assert name not in _clusters(stack)
    assert "without a final snapshot" in ended.output["detail"]


def test_workgroup_goes_with_its_namespace_whose_data_is_kept(stack: Stack) -> None:
    name = stack.provision("workgroup")
    _set_budget(stack, "workgroup", name)
    ended = stack.run("delete_warehouse", {"warehouse": name, "confirm": name})
    assert ended.succeeded, ended
    assert not any(name in budget for budget in _budgets(stack))
    assert name not in _namespaces(stack)
    snapshots = stack.sandbox.observe("redshift-serverless").get_paginator("list_snapshots").paginate().build_full_result()["snapshots"]
    assert [snapshot["namespaceName"] for snapshot in snapshots if snapshot["snapshotName"] in ended.output["detail"]] == [name]


def test_deleting_again_finds_nothing_to_do(stack: Stack) -> None:
    name = stack.provision()
    given = {"warehouse": name, "confirm": name, "final_snapshot": False}
    assert stack.run("delete_warehouse", given).output["changed"] is True
    asked = stack.calls("redshift:DeleteCluster")
    assert stack.run("delete_warehouse", given).output["changed"] is False
    assert stack.calls("redshift:DeleteCluster") == asked


def test_deletion_that_was_stopped_half_way_is_taken_over(stack: Stack) -> None:
    name = stack.provision("workgroup")
    given = {"warehouse": name, "confirm": name, "final_snapshot": False}
    stack.sandbox.desk("POST", "clock", {"scale": 30})
    try:
        arn = stack.start("delete_warehouse", given)
        stack.until(lambda: stack.calls("redshift-serverless:DeleteWorkgroup"), "the workgroup is being deleted")
        stack.sandbox.observe("stepfunctions").stop_execution(executionArn=arn)
        ended = stack.run("delete_warehouse", given)
    finally:
        stack.sandbox.desk("POST", "clock", {"scale": 120})
    assert ended.succeeded, ended
    assert name not in _namespaces(stack)


def _set_budget(stack: Stack, kind: str, name: str) -> None:
    budget = {"BudgetName": f"autopilot-{kind}-us-east-1-{name}", "BudgetType": "COST", "TimeUnit": "MONTHLY"}
    stack.sandbox.observe("budgets").create_budget(
        AccountId="000000000000",
        Budget=budget | {"BudgetLimit": {"Amount": "5", "Unit": "USD"}},
        ResourceTags=[{"Key": "autopilot:managed", "Value": "true"}],
    )


def _budgets(stack: Stack) -> list[str]:
    return [one["BudgetName"] for one in stack.sandbox.observe("budgets").describe_budgets(AccountId="000000000000")["Budgets"]]


def _alarms(stack: Stack, name: str) -> list[str]:
    found = stack.sandbox.observe("cloudwatch").describe_alarms()["MetricAlarms"]
    return [one["AlarmName"] for one in found if name in json.dumps([one.get("Dimensions"), one.get("Metrics")])]


def _put_alarm(stack: Stack, name: str) -> None:
    stack.sandbox.observe("cloudwatch").put_metric_alarm(
        AlarmName=f"redshift-autopilot-cluster-{name}-cpu",
        Namespace="AWS/Redshift",
        MetricName="CPUUtilization",
        Dimensions=[{"Name": "ClusterIdentifier", "Value": name}],
        Statistic="Average",
        Period=300,
        EvaluationPeriods=1,
        Threshold=90,
        ComparisonOperator="GreaterThanThreshold",
    )


def test_what_was_made_for_a_warehouse_goes_with_it_also_after_a_deletion_that_died(stack: Stack) -> None:
    name = stack.provision()
    _set_budget(stack, "cluster", name)
    _put_alarm(stack, name)
    given = {"warehouse": name, "confirm": name, "final_snapshot": False}
    arn = stack.start("delete_warehouse", given)
    stack.until(lambda: stack.calls("redshift:DeleteCluster"), "the cluster is being deleted")
    stack.sandbox.observe("stepfunctions").stop_execution(executionArn=arn)
    stack.until(lambda: name not in _clusters(stack), "the cluster is gone")
    assert any(name in budget for budget in _budgets(stack))
    stack.fault("budgets", "DeleteBudget", "ThrottlingException", times=4)
    ended = stack.run("delete_warehouse", given)
    assert (ended.output["event"], ended.output["changed"]) == ("Warehouse Deleted", True), ended
    assert f"removed too: the budget of cluster {name}" in ended.output["detail"]
    assert not any(name in budget for budget in _budgets(stack))
    assert _alarms(stack, name) == []
    assert stack.run("delete_warehouse", given).output["changed"] is False


@pytest.mark.parametrize("confirm", ["", "analytic", "ANALYTICS"])
def test_name_must_be_given_twice(stack: Stack, confirm: str) -> None:
    name = stack.provision()
    ended = stack.run("delete_warehouse", {"warehouse": name, "confirm": confirm})
    assert (ended.status, ended.error) == ("FAILED", "InvalidInput")
    assert f"confirm: must repeat the name of the warehouse that is to be deleted, '{name}'" in ended.cause
    assert name in _clusters(stack)


def test_protected_warehouse_stays(stack: Stack) -> None:
    for kind in ("cluster", "workgroup"):
        name = f"guarded-{kind}"
        assert stack.run("provision_warehouse", {"spec": {"name": name, "kind": kind, "protect": True}}).succeeded
        ended = stack.run("delete_warehouse", {"warehouse": name, "confirm": name})
        assert (ended.status, ended.error) == ("FAILED", "WarehouseProtected"), ended
    assert "guarded-cluster" in _clusters(stack)
    assert "guarded-workgroup" in _namespaces(stack)


def test_dry_run_deletes_nothing_and_says_what_it_would(stack: Stack) -> None:
    name = stack.provision()
    ended = stack.run("delete_warehouse", {"warehouse": name, "confirm": name, "dry_run": True})
    assert (ended.output["action"], ended.output["final_snapshot"]) == ("delete", True)
    assert name in _clusters(stack)
    assert stack.lock(name) is None
