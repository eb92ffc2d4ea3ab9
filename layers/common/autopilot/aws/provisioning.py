"""Creating a warehouse and undoing it: every resource carries the tag of the execution that made it, and only that one removes it."""

from __future__ import annotations

import msgspec

from autopilot.aws import clusters, warehouses, workgroups
from autopilot.domain.decisions import Decision, decide_provision
from autopilot.domain.errors import WarehouseDiffers, WarehouseNotReady
from autopilot.domain.spec import MANAGED_TAG, OWNER_TAG, Spec, cluster_request, namespace_request, workgroup_request
from autopilot.domain.warehouse import Reference, primary_status

CREATE = (*warehouses.LOOK, *clusters.CREATE, *workgroups.CREATE)
UNDO = (*warehouses.LOOK, *clusters.DELETE, *workgroups.DELETE)


def create(spec: Spec, execution: str) -> Decision:
    """Create what is missing of the warehouse; what this execution made before is taken as made.

    Raises WarehouseDiffers when somebody else's warehouse or namespace of that name is in the way.
    """
    seen = warehouses.find(Reference(name=spec.name, kind=spec.kind))
    decision = decide_provision(spec, seen, execution)
    if decision.action == "differs":
        raise WarehouseDiffers(decision.reason)
    if decision.action == "retry":
        raise WarehouseNotReady(decision.reason)
    if decision.action == "create":
        created = clusters.create(cluster_request(spec, execution)) if spec.kind == "cluster" else _create_workgroup(spec, execution)
        if not created:
            raise WarehouseNotReady(f"{spec.kind} {spec.name} appeared while it was being created; looking again")
    return decision


def _create_workgroup(spec: Spec, execution: str) -> bool:
    created = workgroups.create_namespace(namespace_request(spec, execution))
    # Under the lock, a managed namespace without a workgroup can only be what an execution that died left half-way.
    if not created and MANAGED_TAG not in (workgroups.namespace_tags(spec.name) or {}):
        raise WarehouseDiffers(f"a namespace {spec.name} exists that Autopilot did not create; its data is left alone. Choose another name")
    return workgroups.create_workgroup(workgroup_request(spec, execution))


class Undone(msgspec.Struct, frozen=True):
    """One step of an undo: `next` is `deleted` while something is going away and more may follow, else `done`."""

    next: str
    reason: str


def undo(warehouse: Reference, execution: str) -> Undone:
    """Remove the newest thing that this execution created and that is still there; call again until `next` is `done`."""
    seen = warehouses.find(warehouse)
    if seen is not None:
        if seen.tags.get(OWNER_TAG) != execution:
            return Undone("done", f"{seen.kind} {seen.name} was not created by this execution and stays")
        if primary_status(seen.status) != "deleting":
            (clusters.delete_empty if seen.kind == "cluster" else workgroups.delete_workgroup)(seen.name)
        return Undone("deleted", f"removing {seen.kind} {seen.name}, which this execution created")
    if warehouse.kind == "workgroup" and (workgroups.namespace_tags(warehouse.name) or {}).get(OWNER_TAG) == execution:
        workgroups.delete_empty_namespace(warehouse.name)
        return Undone("done", f"removed workgroup and namespace {warehouse.name}, which this execution created")
    return Undone("done", f"nothing of {warehouse.name} is left")
