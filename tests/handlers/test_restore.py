"""`create` with `from_snapshot`: the snapshot is restored as the spec's new warehouse, marked, adopted after a crash, and undone as a copy."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from autopilot.domain.errors import InvalidInput, WarehouseDiffers
from tests.handlers.account import Aws, Handle, execution, load, reference

ME = execution("provision-warehouse")
CLUSTER: dict[str, Any] = {"name": "copy", "kind": "cluster"}
WORKGROUP: dict[str, Any] = {"name": "copy-wg", "kind": "workgroup", "compute": {"base_rpu": 8}}


@pytest.fixture
def handle(aws: Aws) -> Handle:
    aws.clusters.add_snapshot("before", NodeType="ra3.large", NumberOfNodes=2, DBName="dev")
    aws.serverless.add()
    aws.serverless.add_snapshot("sl-before", age=timedelta(days=1))
    return load("create")


def look(spec: dict[str, Any], snapshot: str, **more: Any) -> dict[str, Any]:
    return {"step": "look", "execution": ME, "input": {"spec": spec, "from_snapshot": snapshot, **more}}


def apply(spec: dict[str, Any], snapshot: str, applied: int = 0) -> dict[str, Any]:
    return {"step": "apply", "execution": ME, "spec": spec, "from_snapshot": snapshot, "applied": applied}


def undo(name: str, kind: str, snapshot: str) -> dict[str, Any]:
    return {"step": "undo", "execution": ME, "warehouse": reference(name, kind), "from_snapshot": snapshot}


def tags_of(aws: Aws, cluster: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in aws.clusters.clusters[cluster]["Tags"]}


def restore(aws: Aws, handle: Handle) -> None:
    """A cluster that is restored, and marked as soon as AWS takes its tags."""
    assert handle(apply(CLUSTER, "before"))["next"] == "available"
    aws.clusters.become("copy", "available")
    handle(apply(CLUSTER, "before", 1))


# --- look -------------------------------------------------------------------------------------------------------------


def test_plan_says_from_which_snapshot(handle: Handle) -> None:
    plan = handle(look(CLUSTER, "before"))
    assert (plan["action"], plan["from_snapshot"]) == ("create", "before")
    first = plan["changes"][0]
    assert (first["operation"], first["after"]) == ("restore_cluster", "cluster copy from snapshot before")
    filled = [(one["operation"], one["after"]) for one in handle(look(WORKGROUP, "sl-before"))["changes"]]
    assert filled[-1] == ("restore_namespace", "that of snapshot sl-before")


@pytest.mark.parametrize(
    ("spec", "snapshot", "complaint"),
    [
        (CLUSTER, "nowhere", "from_snapshot: no snapshot nowhere of a cluster exists"),
        (WORKGROUP, "before", "from_snapshot: no snapshot before of a workgroup exists"),
        (CLUSTER | {"database": "sales"}, "before", "spec.database: snapshot before has the database dev, the spec says sales"),
        (CLUSTER, "No'; --", "from_snapshot: Expected `str` matching regex"),
    ],
)
def test_snapshot_that_cannot_be_restored_so_is_refused(handle: Handle, spec: dict[str, Any], snapshot: str, complaint: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        handle(look(spec, snapshot))
    assert complaint in str(refused.value)


def test_snapshot_that_is_not_ready_is_refused(aws: Aws, handle: Handle) -> None:
    aws.clusters.snapshots["before"]["Status"] = "creating"
    with pytest.raises(InvalidInput, match="snapshot before is creating"):
        handle(look(CLUSTER, "before"))


def test_nothing_is_restored_over_a_warehouse_that_is_there(aws: Aws, handle: Handle) -> None:
    aws.clusters.add("copy", tags={"autopilot:managed": "true"})
    with pytest.raises(WarehouseDiffers, match="was not restored from snapshot before; its data was left alone"):
        handle(look(CLUSTER, "before"))


def test_second_run_finds_what_it_restored(aws: Aws, handle: Handle) -> None:
    restore(aws, handle)
    assert handle(look(CLUSTER, "before"))["action"] == "nothing"


# --- apply ------------------------------------------------------------------------------------------------------------


def test_cluster_is_restored_with_the_snapshots_size_and_marked(aws: Aws, handle: Handle) -> None:
    restore(aws, handle)
    (request,) = aws.calls("restore_from_cluster_snapshot")
    assert (request["SnapshotIdentifier"], request["ManageMasterPassword"], request["Encrypted"]) == ("before", True, True)
    assert {"NodeType", "NumberOfNodes", "ClusterType", "DBName", "MasterUsername", "Tags"} & set(request) == set()
    tags = tags_of(aws, "copy")
    assert (tags["autopilot:restored-from"], tags["autopilot:managed"], tags["autopilot:execution"]) == ("before", "true", ME)


def test_size_of_the_spec_is_asked_for(aws: Aws, handle: Handle) -> None:
    handle(apply(CLUSTER | {"compute": {"node_type": "ra3.large", "nodes": 4}}, "before"))
    (request,) = aws.calls("restore_from_cluster_snapshot")
    assert (request["NodeType"], request["NumberOfNodes"]) == ("ra3.large", 4)


def test_cluster_is_marked_as_soon_as_aws_takes_its_tags(aws: Aws, handle: Handle) -> None:
    handle(apply(CLUSTER, "before"))
    assert tags_of(aws, "copy") == {}
    aws.clusters.become("copy", "available")
    assert handle(apply(CLUSTER, "before", 1))["next"] == "done"
    assert tags_of(aws, "copy")["autopilot:execution"] == ME
    assert len(aws.calls("restore_from_cluster_snapshot")) == 1


def test_workgroup_is_made_first_and_then_filled_once(aws: Aws, handle: Handle) -> None:
    assert handle(apply(WORKGROUP, "sl-before"))["next"] == "available"
    assert aws.calls("restore_from_snapshot") == []
    aws.serverless.workgroups["copy-wg"]["status"] = "AVAILABLE"
    assert handle(apply(WORKGROUP, "sl-before", 2))["next"] == "available"
    assert aws.calls("restore_from_snapshot") == [
        {"namespaceName": "copy-wg", "workgroupName": "copy-wg", "snapshotName": "sl-before", "manageAdminPassword": True}
    ]
    assert handle(apply(WORKGROUP, "sl-before", 3))["next"] == "done"


# --- undo -------------------------------------------------------------------------------------------------------------


def test_restored_cluster_is_undone_without_looking_into_it(aws: Aws, handle: Handle) -> None:
    restore(aws, handle)
    assert handle(undo("copy", "cluster", "before"))["next"] == "deleted"
    assert aws.calls("delete_cluster") == [{"ClusterIdentifier": "copy", "SkipFinalClusterSnapshot": True}]
    assert aws.calls("list_tables") == []


def test_restored_cluster_that_nobody_marked_is_undone_too(aws: Aws, handle: Handle) -> None:
    handle(apply(CLUSTER, "before"))
    aws.clusters.become("copy", "available")
    assert handle(undo("copy", "cluster", "before"))["next"] == "deleted"


def test_restored_cluster_of_somebody_else_stays(aws: Aws, handle: Handle) -> None:
    aws.clusters.add("copy", tags={"autopilot:execution": "other"}, RestoreStatus={"Status": "completed"})
    assert handle(undo("copy", "cluster", "before"))["next"] == "done"
    assert aws.calls("delete_cluster") == []
