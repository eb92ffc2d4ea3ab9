"""Making an existing warehouse what its spec says: one change a call, each after a fresh look."""

from __future__ import annotations

from typing import assert_never

import msgspec

from autopilot.aws import clusters, warehouses, workgroups
from autopilot.domain.changes import Change, plan_changes
from autopilot.domain.decisions import decide_provision
from autopilot.domain.errors import WarehouseDiffers
from autopilot.domain.spec import Spec
from autopilot.domain.steps import Change as Step
from autopilot.domain.warehouse import Reference, Warehouse, primary_status

PERMISSIONS = (*warehouses.LOOK, *clusters.CHANGE, *workgroups.CHANGE)
#: More changes than a spec has fields: AWS takes one and does not carry it out.
MAX_CHANGES = 60


class Changed(msgspec.Struct, frozen=True):
    """What a step did. `next` is `available` while a change goes on or more may follow, else `done`."""

    next: str
    reason: str


def change(call: Step) -> Changed:
    """Make the next change. Raises WarehouseDiffers for one that must not be made, or when changes do not take hold."""
    spec = call.spec
    seen = warehouses.get(Reference(name=spec.name, kind=spec.kind))
    changes = plan_changes(spec, seen)
    if not changes:
        return Changed("done", f"{spec.kind} {spec.name} is what the spec says")
    if call.applied >= MAX_CHANGES:
        raise WarehouseDiffers(f"{spec.kind} {spec.name} does not become what the spec says: {'; '.join(map(str, changes))}")
    if primary_status(seen.status) != "available":
        return Changed("available", f"{spec.kind} {spec.name} is {seen.status}")
    decision = decide_provision(spec, seen, call.execution)
    if decision.action != "change":
        raise WarehouseDiffers(decision.reason)
    _make(spec, seen, changes[0])
    return Changed("available", str(changes[0]))


def _make(spec: Spec, seen: Warehouse, planned: Change) -> None:
    match planned.operation:
        case "resize_cluster":
            clusters.resize(spec.name, planned.arguments)
        case "modify_cluster":
            clusters.modify(spec.name, planned.arguments)
        case "update_workgroup":
            workgroups.update(spec.name, planned.arguments)
        case "tag":
            (clusters.tag if spec.kind == "cluster" else workgroups.tag)(seen.arn, planned.arguments)
        case "none":
            raise WarehouseDiffers(str(planned))
        case _:
            assert_never(planned.operation)
