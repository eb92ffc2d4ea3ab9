"""`snapshot`: look and decide, take one under a name that stays the same, and list those there are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from autopilot.domain.errors import InvalidInput, WarehouseNotReady, WarehouseUnavailable
from tests.handlers.account import Aws, Handle, execution, reference, sample

ME = execution("snapshot-warehouse")


def look(name: str = "analytics", **given: Any) -> dict[str, Any]:
    return {"step": "look", "execution": ME, "input": {"warehouse": name, **given}}


def take(name: str = "analytics", kind: str = "cluster", **more: Any) -> dict[str, Any]:
    return {"step": "take", "execution": ME, "warehouse": reference(name, kind), "retention_days": 7, **more}


def test_plan_names_the_snapshot_and_how_long_it_is_kept(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    plan = handle(look())
    assert (plan["action"], plan["retention_days"]) == ("take", 30)
    assert plan["snapshot"].startswith("autopilot-manual-analytics-")
    assert aws.calls("create_cluster_snapshot") == []


def test_sample_takes_a_snapshot_of_a_cluster_once(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    first, again = handle(sample("snapshot")), handle(sample("snapshot"))
    assert first == again
    request, _ = aws.calls("create_cluster_snapshot")
    assert (request["SnapshotIdentifier"], request["ManualSnapshotRetentionPeriod"]) == (first["snapshot"], 30)
    assert request["Tags"] == [{"Key": "autopilot:managed", "Value": "true"}]


def test_snapshot_of_a_workgroup_is_one_of_its_namespace(aws: Aws, handle: Handle) -> None:
    aws.serverless.add()
    first, again = (handle(take("adhoc", "workgroup", snapshot="before-release")) for _ in range(2))
    assert first == again
    assert list(aws.serverless.snapshots) == ["before-release"]
    request = aws.calls("create_snapshot")[0]
    assert (request["namespaceName"], request["retentionPeriod"]) == ("adhoc", 7)


def test_snapshot_that_is_there_is_not_taken_again(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    aws.clusters.add_snapshot("before-release")
    assert handle(look(snapshot="before-release"))["action"] == "nothing"
    aws.clusters.snapshots["before-release"]["Status"] = "creating"
    assert handle(look(snapshot="before-release"))["action"] == "await"


def test_name_of_another_warehouses_snapshot_is_refused(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    aws.clusters.add_snapshot("before-release", "other")
    with pytest.raises(InvalidInput, match="snapshot: before-release exists and is one of other"):
        handle(look(snapshot="before-release"))


@pytest.mark.parametrize("status", ["paused", "pausing"])
def test_paused_cluster_gives_no_snapshot(aws: Aws, handle: Handle, status: str) -> None:
    aws.clusters.add(status=status)
    with pytest.raises(WarehouseUnavailable, match="no snapshot of a paused cluster"):
        handle(look())


def test_cluster_between_two_states_is_tried_again_later(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="modifying")
    with pytest.raises(WarehouseNotReady):
        handle(look())


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"retention_days": 0}, "retention_days: 0 is not allowed; 1 to 3653 days, or -1"),
        ({"retention_days": 4000}, "retention_days: Expected `int` <= 3653"),
        ({"snapshot": "Two--Dashes"}, "snapshot: Expected `str` matching regex"),
        ({"action": "delete"}, "action: Invalid enum value 'delete'"),
    ],
)
def test_wrong_input_is_refused(aws: Aws, handle: Handle, given: dict[str, Any], complaint: str) -> None:
    aws.clusters.add()
    with pytest.raises(InvalidInput) as refused:
        handle(look(**given))
    assert complaint in str(refused.value)


def test_list_gives_the_newest_first_and_says_how_many_there_are(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    for number in range(205):
        aws.clusters.add_snapshot(f"snapshot-{number}", age=timedelta(hours=number + 1))
    aws.clusters.add_snapshot("of-another", "other")
    plan = handle(look(action="list"))
    assert (plan["action"], plan["found"], len(plan["snapshots"])) == ("list", 205, 200)
    assert [one["identifier"] for one in plan["snapshots"][:2]] == ["snapshot-0", "snapshot-1"]


def test_list_knows_the_snapshots_of_a_deleted_warehouse(aws: Aws, handle: Handle) -> None:
    aws.clusters.add_snapshot("autopilot-final-gone-1", "gone")
    aws.serverless.add_snapshot("autopilot-final-gone-2", "gone", age=timedelta(hours=2))
    found = handle(look("gone", action="list"))["snapshots"]
    assert [(one["identifier"], one["kind"]) for one in found] == [
        ("autopilot-final-gone-1", "cluster"),
        ("autopilot-final-gone-2", "workgroup"),
    ]
    assert handle(look("nowhere", action="list"))["snapshots"] == []
