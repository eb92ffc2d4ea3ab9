"""Deleting a warehouse step by step, each one safe to repeat: the cluster, or the workgroup and then the namespace with its data."""

from __future__ import annotations

import msgspec

from autopilot.aws import clusters, warehouses, workgroups
from autopilot.domain.decisions import carried_out, decide_delete, snapshot_name
from autopilot.domain.errors import WarehouseNotReady, WarehouseProtected
from autopilot.domain.steps import Delete
from autopilot.domain.tags import MANAGED_TAG, PROTECT_TAG
from autopilot.domain.warehouse import Reference, Warehouse, can_be_named

PERMISSIONS = (*warehouses.LOOK, *clusters.DELETE, *workgroups.DELETE)


class Removed(msgspec.Struct, frozen=True):
    """What a step did. `next` is `deleted` while something goes away (`subject` names a namespace that does), else `done`."""

    next: str
    reason: str
    subject: str = ""


def namespace_of(reference: Reference, seen: Warehouse | None) -> str:
    """The namespace that goes with a workgroup: also one whose workgroup a deletion that died has removed already.

    Only a namespace that Autopilot made has the name of its workgroup. Raises WarehouseProtected for one that carries the tag.
    """
    if seen is not None or reference.kind == "cluster" or not can_be_named("workgroup", reference.name):
        return (seen.namespace if seen else None) or ""
    left = workgroups.find_namespace(reference.name)
    if left is None or MANAGED_TAG not in left.tags:
        return ""
    if left.tags.get(PROTECT_TAG) == "true":
        raise WarehouseProtected(f"namespace {reference.name} carries the tag {PROTECT_TAG}=true; remove the tag first")
    return reference.name


def delete(call: Delete) -> Removed:
    """Remove the next thing that is still there. Raises WarehouseProtected, and WarehouseNotReady between two states."""
    name = call.warehouse.name
    snapshot = snapshot_name(name, call.execution, "final") if call.final_snapshot else None
    kept = f"snapshot {snapshot} keeps its data" if snapshot else "without a final snapshot"
    seen = warehouses.find(call.warehouse)
    if seen is None:
        return _delete_namespace(call.namespace, snapshot, kept) if call.namespace else Removed("done", f"{name} is deleted; {kept}")
    decision = carried_out(decide_delete(name, seen))
    if decision.action == "resume":
        raise WarehouseNotReady(decision.reason)
    if decision.action == "delete":
        warehouses.remove(seen, snapshot)
    return Removed("deleted", f"{seen.kind} {name} is being deleted")


def _delete_namespace(name: str, snapshot: str | None, kept: str) -> Removed:
    namespace = workgroups.find_namespace(name)
    if namespace is None:
        return Removed("done", f"workgroup and namespace {name} are deleted; {kept}")
    if namespace.status != "deleting":
        workgroups.delete_namespace(name, snapshot)
    return Removed("deleted", f"namespace {name} is being deleted", name)
