"""Delete a warehouse that was named twice, with a final snapshot unless told otherwise."""

from __future__ import annotations

from typing import assert_never

from autopilot.aws import deleting, leftovers, warehouses
from autopilot.domain.decisions import Decision, decide_delete
from autopilot.domain.inputs import DeleteInput, check_confirmed, decode, reference_of
from autopilot.domain.steps import Delete, DeletePlan, Look, Sweep
from autopilot.domain.warehouse import Warehouse
from autopilot.runtime.handler import handler

PERMISSIONS = (*deleting.PERMISSIONS, *leftovers.PERMISSIONS)


@handler(Look | Delete | Sweep)
def handle(call: Look | Delete | Sweep) -> DeletePlan | deleting.Removed | leftovers.Swept:
    """The steps of `delete_warehouse` that need a decision."""
    match call:
        case Look():
            return look(decode(DeleteInput, call.input), call.execution)
        case Delete():
            return deleting.delete(call)
        case Sweep():
            return leftovers.remove(call.belonging_to)
        case _:
            assert_never(call)


def look(asked: DeleteInput, execution: str) -> DeletePlan:
    """What would be deleted, and how. Raises WarehouseProtected for a warehouse that must stay."""
    reference = reference_of(asked.warehouse)
    check_confirmed(reference, asked.confirm)
    seen = warehouses.find(reference)
    namespace = deleting.namespace_of(reference, seen)
    decision = decide_delete(reference.name, seen, namespace)
    known = seen or Warehouse.absent(reference, execution, kind=reference.kind or ("workgroup" if namespace else "cluster"))
    belonging = leftovers.belonging_to(reference, known, exists=seen is not None or bool(namespace))
    if decision.action == "nothing" and (left := leftovers.find(belonging)):
        decision = Decision("sweep", f"{decision.reason}; left of it: {', '.join(left)}")
    more = {"final_snapshot": asked.final_snapshot, "namespace": namespace, "belonging_to": belonging}
    return DeletePlan.of(known, decision, asked, **more)
