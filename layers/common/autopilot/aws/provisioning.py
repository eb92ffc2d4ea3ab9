"""Creating a warehouse and undoing it: every resource carries the tag of the execution that made it, and only that one removes it."""

from __future__ import annotations

import msgspec

from autopilot.aws import clusters, warehouses, workgroups
from autopilot.domain.decisions import Decision, carried_out, decide_provision
from autopilot.domain.errors import WarehouseDiffers, WarehouseNotReady
from autopilot.domain.requests import cluster_request, namespace_request, workgroup_request
from autopilot.domain.spec import MANAGED_TAG, OWNER_TAG, Spec, owner_of
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
    if carried_out(decision).action == "create":
        created = clusters.create(cluster_request(spec, execution)) if spec.kind == "cluster" else _create_workgroup(spec, execution)
        if not created:
            raise WarehouseNotReady(f"{spec.kind} {spec.name} appeared while it was being created; looking again")
    return decision


def _create_workgroup(spec: Spec, execution: str) -> bool:
    created = workgroups.create_namespace(namespace_request(spec, execution))
    # Under the lock, a managed namespace without a workgroup can only be what an execution that died left half-way.
    left = None if created else workgroups.find_namespace(spec.name)
    if left is not None and MANAGED_TAG not in left.tags:
        raise WarehouseDiffers(f"a namespace {spec.name} exists that Autopilot did not create; its data is left alone. Choose another name")
    if left is not None and left.database != spec.database:
        raise WarehouseDiffers(f"a namespace {spec.name} is left over with the database {left.database}, the spec says {spec.database}")
    return workgroups.create_workgroup(workgroup_request(spec, execution))


class Undone(msgspec.Struct, frozen=True):
    """One step of an undo: `next` says what to wait for before the next step, `available` or `deleted`, or that it is `done`.

    `subject` names a namespace that is going away.
    """

    next: str
    reason: str
    subject: str = ""


def undo(warehouse: Reference, execution: str) -> Undone:
    """Remove the newest thing that this execution created and that is still there; call again until `next` is `done`."""
    seen = warehouses.find(warehouse)
    if seen is not None:
        if seen.tags.get(OWNER_TAG) != owner_of(execution):
            return Undone("done", f"{seen.kind} {seen.name} was not created by this execution and stays")
        if primary_status(seen.status) in {"creating", "modifying"}:
            return Undone("available", f"{seen.kind} {seen.name} is {seen.status} and can be removed only when that has ended")
        if primary_status(seen.status) != "deleting":
            # It was created a moment ago and never held data: there is nothing that a snapshot could keep.
            warehouses.remove(seen, final_snapshot=None)
        return Undone("deleted", f"removing {seen.kind} {seen.name}, which this execution created")
    namespace = workgroups.find_namespace(warehouse.name) if warehouse.kind == "workgroup" else None
    if namespace is not None and namespace.tags.get(OWNER_TAG) == owner_of(execution):
        if namespace.status != "deleting":
            workgroups.delete_namespace(warehouse.name, final_snapshot=None)
        return Undone("deleted", f"removing namespace {warehouse.name}, which this execution created", warehouse.name)
    return Undone("done", f"nothing of {warehouse.name} is left")
