"""`delete`: look and decide, then remove what is there, one thing at a time."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from autopilot.aws import budgets
from autopilot.domain.budgets import Budget
from autopilot.domain.errors import InvalidInput, WarehouseNotReady, WarehouseProtected
from autopilot.domain.warehouse import Reference
from tests.handlers.account import Aws, Handle, execution, load, reference, sample
from tests.handlers.wiring import Refusal

ME = execution("delete-warehouse")
FINAL = "autopilot-final-analytics-"


def look(name: str = "analytics", **given: Any) -> dict[str, Any]:
    return sample("delete") | {"input": {"warehouse": name, "confirm": name, **given}}


def delete(name: str = "analytics", kind: str = "cluster", *, final_snapshot: bool = True, namespace: str = "") -> dict[str, Any]:
    step = {"step": "delete", "execution": ME, "warehouse": reference(name, kind)}
    return step | {"final_snapshot": final_snapshot, "namespace": namespace}


# --- look -------------------------------------------------------------------------------------------------------------


def test_sample_plans_the_deletion_and_changes_nothing(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    plan = handle(sample("delete"))
    assert (plan["action"], plan["final_snapshot"], plan["namespace"], plan["dry_run"]) == ("delete", True, "", True)
    assert aws.clusters.status_of("analytics") == "available"


@pytest.mark.parametrize(
    ("status", "action"), [("paused", "resume"), ("pausing", "settle"), ("deleting", "await"), ("final-snapshot", "await")]
)
def test_plan_brings_a_cluster_where_it_can_be_deleted(aws: Aws, handle: Handle, status: str, action: str) -> None:
    aws.clusters.add(status=status)
    assert handle(look())["action"] == action


def test_cluster_between_two_states_is_tried_again_later(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="resizing")
    with pytest.raises(WarehouseNotReady, match="can be deleted when that has ended"):
        handle(look())


def test_what_does_not_exist_needs_no_deletion(handle: Handle) -> None:
    plan = handle(look("nowhere"))
    assert (plan["action"], plan["reason"]) == ("nothing", "no cluster and no workgroup of the name nowhere exists")


@pytest.mark.parametrize("confirm", ["", "analytic", "Analytics"])
def test_name_must_be_repeated(aws: Aws, handle: Handle, confirm: str) -> None:
    aws.clusters.add()
    with pytest.raises(InvalidInput, match="confirm: must repeat the name of the warehouse that is to be deleted, 'analytics'"):
        handle(look(confirm=confirm))


def test_protected_warehouse_is_refused(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(tags={"autopilot:protect": "true"})
    aws.serverless.add(tags={"autopilot:protect": "true"})
    for name in ("analytics", "adhoc"):
        with pytest.raises(WarehouseProtected, match="autopilot:protect=true"):
            handle(look(name))


def test_namespace_that_a_dead_deletion_left_is_found(aws: Aws, handle: Handle) -> None:
    aws.serverless.add(tags={"autopilot:managed": "true"})
    del aws.serverless.workgroups["adhoc"]
    plan = handle(look("adhoc"))
    assert (plan["action"], plan["namespace"], plan["warehouse"]["kind"]) == ("delete", "adhoc", "workgroup")


def test_namespace_that_autopilot_did_not_make_is_no_left_over(aws: Aws, handle: Handle) -> None:
    aws.serverless.add()
    del aws.serverless.workgroups["adhoc"]
    assert handle(look("adhoc"))["action"] == "nothing"


def test_left_over_namespace_that_is_protected_stays(aws: Aws, handle: Handle) -> None:
    aws.serverless.add(tags={"autopilot:managed": "true", "autopilot:protect": "true"})
    del aws.serverless.workgroups["adhoc"]
    with pytest.raises(WarehouseProtected):
        handle(look("adhoc"))


# --- delete -----------------------------------------------------------------------------------------------------------


def test_cluster_is_deleted_once_with_a_final_snapshot(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    assert handle(delete())["next"] == "deleted"
    assert handle(delete())["next"] == "deleted"
    (request,) = aws.calls("delete_cluster")
    assert request["FinalClusterSnapshotIdentifier"].startswith(FINAL)
    assert request["SkipFinalClusterSnapshot"] is False
    del aws.clusters.clusters["analytics"]
    done = handle(delete())
    assert done["next"] == "done"
    assert request["FinalClusterSnapshotIdentifier"] in done["reason"]


def test_cluster_is_deleted_without_a_snapshot_when_told_so(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    handle(delete(final_snapshot=False))
    assert aws.calls("delete_cluster") == [{"ClusterIdentifier": "analytics", "SkipFinalClusterSnapshot": True}]


def test_cluster_that_was_paused_meanwhile_is_not_deleted(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="paused")
    with pytest.raises(WarehouseNotReady, match="resumed first"):
        handle(delete())
    assert aws.calls("delete_cluster") == []


def test_cluster_that_was_protected_meanwhile_is_not_deleted(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(tags={"autopilot:protect": "true"})
    with pytest.raises(WarehouseProtected):
        handle(delete())
    assert aws.calls("delete_cluster") == []


def test_workgroup_goes_first_and_then_its_namespace_with_a_final_snapshot(aws: Aws, handle: Handle) -> None:
    aws.serverless.add()
    step = delete("adhoc", "workgroup", namespace="adhoc")
    assert handle(step)["next"] == "deleted"
    assert aws.calls("delete_namespace") == []
    del aws.serverless.workgroups["adhoc"]
    removed = handle(step)
    assert (removed["next"], removed["subject"]) == ("deleted", "adhoc")
    (request,) = aws.calls("delete_namespace")
    assert request["finalSnapshotName"].startswith("autopilot-final-adhoc-")
    assert handle(step)["next"] == "done"
    assert len(aws.calls("delete_namespace")) == 1


# --- what is left -----------------------------------------------------------------------------------------------------


def set_budget(name: str = "analytics", kind: str = "cluster") -> None:
    budgets.put(msgspec.convert(reference(name, kind), Reference), Budget(amount=500))


def sweep(*belonging_to: dict[str, str]) -> dict[str, Any]:
    return {"step": "sweep", "execution": ME, "belonging_to": list(belonging_to)}


def test_budget_of_a_warehouse_that_is_gone_is_removed_once(aws: Aws, handle: Handle) -> None:
    set_budget()
    plan = handle(look())
    assert plan["action"] == "sweep"
    assert plan["reason"].endswith("exists; left of it: the budget of cluster analytics")
    assert handle(sweep(*plan["belonging_to"])) == {"removed": ["the budget of cluster analytics"], "kept": []}
    assert handle(look())["action"] == "nothing"
    assert handle(sweep(reference())) == {"removed": [], "kept": []}
    assert len(aws.calls("delete_budget")) == 1


def test_alarms_of_a_warehouse_that_is_gone_are_left_over_too(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(tags={"autopilot:managed": "true"})
    load("alarm")(sample("alarm"))
    aws.clusters.clusters.clear()
    plan = handle(look())
    assert (plan["action"], plan["reason"].rpartition("; ")[2]) == ("sweep", "left of it: the alarms of cluster analytics")
    load("alarm")({"step": "remove_alarms", "execution": ME, "warehouse": {"name": "analytics"}})
    assert handle(look())["action"] == "nothing"


def test_groups_that_were_made_for_a_warehouse_go_with_it(aws: Aws, handle: Handle) -> None:
    mine, theirs = [{"Key": "autopilot:managed", "Value": "true"}], [{"Key": "team", "Value": "a"}]
    aws.clusters.create_cluster_parameter_group("autopilot-cluster-analytics", Tags=mine)
    aws.clusters.create_cluster_parameter_group("autopilot-cluster-sales", Tags=theirs)
    assert handle(look())["reason"].endswith("left of it: parameter group autopilot-cluster-analytics")
    assert handle(sweep(reference(), reference("sales"))) == {"removed": ["parameter group autopilot-cluster-analytics"], "kept": []}
    assert handle(look())["action"] == handle(look("sales"))["action"] == "nothing"


def test_leftovers_of_the_other_kind_are_found_when_none_was_named(handle: Handle) -> None:
    set_budget("adhoc", "workgroup")
    assert handle(look("adhoc"))["action"] == "sweep"
    named = {"warehouse": {"kind": "cluster", "name": "adhoc"}, "confirm": "adhoc"}
    assert handle(sample("delete") | {"input": named})["action"] == "nothing"


def test_leftovers_of_a_namesake_that_lives_are_not_touched(aws: Aws, handle: Handle) -> None:
    set_budget("analytics", "workgroup")
    aws.clusters.add()
    assert handle(look())["belonging_to"] == [reference()]


def test_somebody_elses_budget_stays_and_is_said(aws: Aws, handle: Handle) -> None:
    set_budget()
    aws.budgets.tags["autopilot-cluster-us-east-1-analytics"] = []
    assert handle(look())["action"] == "nothing"
    swept = handle(sweep(reference()))
    assert swept["removed"] == []
    assert "it was left alone" in swept["kept"][0]


def test_account_that_may_not_see_budgets_can_delete_its_warehouses(aws: Aws, handle: Handle) -> None:
    aws.fail("budgets", "describe_budget", Refusal("AccessDeniedException"), times=3)
    assert handle(look())["action"] == "nothing"
    assert "AccessDeniedException" in handle(sweep(reference()))["kept"][0]
