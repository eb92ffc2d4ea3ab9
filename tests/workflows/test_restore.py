"""Restoring a snapshot under a new name by the same spec: with its data, once, undone when it fails; and the budget that the spec asks for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workflows.conftest import Stack

ACCOUNT = "000000000000"


def _budget(stack: Stack, kind: str, name: str) -> dict[str, Any] | None:
    found = stack.sandbox.observe("budgets").describe_budgets(AccountId=ACCOUNT)["Budgets"]
    return next((one for one in found if one["BudgetName"] == f"autopilot-{kind}-us-east-1-{name}"), None)


def _exists(stack: Stack, kind: str, name: str) -> bool:
    if kind == "cluster":
        pages = stack.sandbox.observe("redshift").get_paginator("describe_clusters").paginate()
        return name in {one["ClusterIdentifier"] for page in pages for one in page["Clusters"]}
    return name in {one["namespaceName"] for one in stack.sandbox.observe("redshift-serverless").list_namespaces()["namespaces"]}


@pytest.mark.parametrize("kind", ["cluster", "workgroup"])
def test_snapshot_lives_on_under_a_new_name(stack: Stack, kind: str) -> None:
    name, copy = stack.provision(kind), f"copy-{kind}"
    assert stack.sql(name, ["CREATE TABLE kept (a INT)", "INSERT INTO kept VALUES (7)"]).succeeded
    snapshot = f"for-copy-{kind}"
    assert stack.run("snapshot_warehouse", {"warehouse": name, "snapshot": snapshot}).succeeded
    given = {"spec": {"name": copy, "kind": kind, "budget": {"amount": 50}, "tags": {"team": "a"}}, "from_snapshot": snapshot}

    service, operation = ("redshift", "RestoreFromClusterSnapshot") if kind == "cluster" else ("redshift-serverless", "RestoreFromSnapshot")
    stack.fault(service, operation, "UnsupportedOperation" if kind == "cluster" else "ValidationException", message="not today", times=1)
    failed = stack.run("provision_warehouse", given)
    assert (failed.status, failed.error) == ("FAILED", "AwsRefused"), failed
    assert not _exists(stack, kind, copy)

    ended = stack.run("provision_warehouse", given)
    assert ended.succeeded, ended
    assert f"it was restored from snapshot {snapshot}" in ended.output["detail"]
    assert stack.rows(copy, "SELECT a FROM kept") == [[7]]
    kept = _budget(stack, kind, copy)
    assert kept is not None
    assert kept["BudgetLimit"] == {"Amount": "50.00", "Unit": "USD"}
    again = stack.run("provision_warehouse", given)
    assert again.output["changed"] is False, again
    # A snapshot is not restored over what is there.
    over = stack.run("provision_warehouse", {"spec": {"name": name, "kind": kind}, "from_snapshot": snapshot})
    assert (over.status, over.error) == ("FAILED", "WarehouseDiffers"), over
    assert stack.rows(name, "SELECT a FROM kept") == [[7]]


def test_restore_that_fails_late_is_undone_although_it_holds_data(stack: Stack) -> None:
    name = stack.provision()
    assert stack.sql(name, ["CREATE TABLE kept (a INT)", "INSERT INTO kept VALUES (7)"]).succeeded
    assert stack.run("snapshot_warehouse", {"warehouse": name, "snapshot": "for-undo"}).succeeded
    stack.fault("budgets", "CreateBudget", "AccessDeniedException", message="not in this organization", times=1)
    spec = {"name": "undone", "budget": {"amount": 5}}
    failed = stack.run("provision_warehouse", {"spec": spec, "from_snapshot": "for-undo"})
    assert (failed.status, failed.error) == ("FAILED", "AccessDenied"), failed
    assert not _exists(stack, "cluster", "undone")
    assert _budget(stack, "cluster", "undone") is None
    snapshots = stack.sandbox.observe("redshift").describe_cluster_snapshots(SnapshotIdentifier="for-undo")["Snapshots"]
    assert [one["Status"] for one in snapshots] == ["available"]


def test_budget_becomes_what_each_new_spec_says(stack: Stack) -> None:
    spec: dict[str, Any] = {"name": "budgeted"}
    assert stack.run("provision_warehouse", {"spec": spec}).succeeded
    assert _budget(stack, "cluster", "budgeted") is None
    for amount, told in ((100, [80, 100]), (120.5, [50])):
        wanted = {**spec, "budget": {"amount": amount, "alert_at_percent": told, "alert_at_forecast_percent": []}}
        planned = stack.run("provision_warehouse", {"spec": wanted, "dry_run": True})
        assert [one["field"] for one in planned.output["changes"]] == ["budget"]
        assert stack.run("provision_warehouse", {"spec": wanted}).output["event"] == "Warehouse Changed"
        kept = _budget(stack, "cluster", "budgeted")
        assert kept is not None
        assert float(kept["BudgetLimit"]["Amount"]) == amount
        alerts = stack.sandbox.observe("budgets").describe_notifications_for_budget(AccountId=ACCOUNT, BudgetName=kept["BudgetName"])
        assert sorted(int(one["Threshold"]) for one in alerts["Notifications"]) == told
        stack.sandbox.desk("DELETE", "faults")
        assert stack.run("provision_warehouse", {"spec": wanted}).output["changed"] is False
        writes = ("CreateBudget", "UpdateBudget", "DeleteBudget", "CreateNotification", "DeleteNotification")
        assert [stack.calls(f"budgets:{operation}") for operation in writes] == [0] * 5
    assert stack.run("provision_warehouse", {"spec": spec}).output["changed"] is True
    assert _budget(stack, "cluster", "budgeted") is None
