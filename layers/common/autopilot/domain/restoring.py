"""Restoring a snapshot under a new name by a spec: what is asked of AWS, and how one that was begun is told from any other warehouse."""

from __future__ import annotations

from typing import Any

from autopilot.domain.errors import InvalidInput, WarehouseDiffers
from autopilot.domain.snapshots import Snapshot
from autopilot.domain.spec import Spec
from autopilot.domain.tags import OWNER_TAG
from autopilot.domain.warehouse import Warehouse

#: The snapshot that a warehouse is being restored from; and, once its data is there, the one that it was restored from.
RESTORING_TAG, RESTORED_TAG = "autopilot:restoring", "autopilot:restored-from"
#: What CreateCluster takes and RestoreFromClusterSnapshot does not: the snapshot says it, or it comes afterwards.
_NOT_RESTORED = ("ClusterType", "DBName", "MasterUsername", "Tags")


def check_source(spec: Spec, identifier: str, found: Snapshot | None) -> None:
    """Raise InvalidInput unless the snapshot can be restored as this spec says. A namespace's snapshot does not tell its database."""
    if found is None or found.kind != spec.kind:
        raise InvalidInput(f"from_snapshot: no snapshot {identifier} of a {spec.kind} exists in this account and region")
    if found.status != "available":
        raise InvalidInput(f"from_snapshot: snapshot {identifier} is {found.status}; it can be restored when it is available")
    if found.database and found.database != spec.database:
        raise InvalidInput(f"spec.database: snapshot {identifier} has the database {found.database}, the spec says {spec.database}")


def check_target(seen: Warehouse | None, identifier: str) -> None:
    """Raise WarehouseDiffers for a warehouse that is there and was not begun as a restore of this very snapshot."""
    if seen is None or identifier in {seen.tags.get(RESTORING_TAG), seen.tags.get(RESTORED_TAG)}:
        return
    raise WarehouseDiffers(
        f"{seen.kind} {seen.name} exists and was not restored from snapshot {identifier}; its data was left alone. Choose a new name"
    )


def restoring_tags(identifier: str) -> dict[str, str]:
    """What marks what is created to restore a snapshot into."""
    return {RESTORING_TAG: identifier} if identifier else {}


def restore_request(request: dict[str, Any], spec: Spec, identifier: str) -> dict[str, Any]:
    """The RestoreFromClusterSnapshot request of a spec, from its CreateCluster request; the size is the snapshot's unless the spec says it."""
    left_out = {*_NOT_RESTORED, *([] if spec.compute.node_type else ["NodeType"]), *([] if spec.compute.nodes else ["NumberOfNodes"])}
    return {"SnapshotIdentifier": identifier, **{key: value for key, value in request.items() if key not in left_out}}


def namespace_request(spec: Spec, identifier: str) -> dict[str, Any]:
    """The RestoreFromSnapshot request that fills a new namespace."""
    return {"namespaceName": spec.name, "workgroupName": spec.name, "snapshotName": identifier, "manageAdminPassword": True}


def is_unmarked(seen: Warehouse) -> bool:
    """Whether a cluster was restored and nobody has tagged it yet: RestoreFromClusterSnapshot takes no tags."""
    return seen.kind == "cluster" and seen.restored and OWNER_TAG not in seen.tags


def is_to_be_filled(seen: Warehouse, identifier: str) -> bool:
    """Whether a workgroup was made for the snapshot and its data is not there yet."""
    return seen.kind == "workgroup" and seen.tags.get(RESTORING_TAG) == identifier and RESTORED_TAG not in seen.tags
