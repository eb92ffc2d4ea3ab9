"""Making a warehouse what its spec says: step after step, each after a fresh look, up to one that has to be waited for."""

from __future__ import annotations

import msgspec

from autopilot.aws import budgets, clusters, foundation, operations, snapshots, surrounding, warehouses
from autopilot.domain.changes import Change
from autopilot.domain.decisions import decide_provision, settles_as
from autopilot.domain.errors import WarehouseDiffers, WarehouseNotReady
from autopilot.domain.plans import plan
from autopilot.domain.provision_steps import Apply
from autopilot.domain.requests import creation_tags
from autopilot.domain.restoring import RESTORED_TAG, check_source, check_target, is_unmarked
from autopilot.domain.spec import Spec
from autopilot.domain.warehouse import Reference, Warehouse, cluster_size

LOOK = (*surrounding.LOOK, *foundation.LOOK, *snapshots.FIND)
PERMISSIONS = (*LOOK, *operations.PERMISSIONS)
#: More steps than a spec has fields: AWS takes one and does not carry it out.
MAX_STEPS = 120
NEEDS_REBOOT = "; some parameters wait for a reboot, which drops sessions: start again with reboot: allow, or reboot it when it suits"
#: Steps of one call; a call must end before its function's timeout.
STEPS_AT_ONCE = 12


class Applied(msgspec.Struct, frozen=True):
    """What a call did. `next` is what is to be waited for before the next call: `available`, `resized`, `paused`, `deleted`, or it is `done`.

    `subject` is the size that a resize leads to; `applied` counts the steps that this execution has made; `note` is for people.
    """

    next: str
    reason: str
    applied: int
    subject: str = ""
    note: str = ""


def look(spec: Spec, execution: str, *, reboot: bool = False, from_snapshot: str = "") -> tuple[Warehouse | None, list[Change]]:
    """The warehouse as it is, and the steps to what the spec says.

    Raises InvalidInput for a node type that is not sold and for a snapshot that cannot be restored so, WarehouseDiffers for one restored
    from something else.
    """
    offered = foundation.of_stack()
    seen = warehouses.find(Reference(name=spec.name, kind=spec.kind))
    if from_snapshot:
        check_target(seen, from_snapshot)
    if from_snapshot and seen is None:
        check_source(spec, from_snapshot, snapshots.find(spec.kind, from_snapshot))
    around = surrounding.look(spec, seen, offered)
    planned = plan(spec, seen, around, offered, execution, reboot=reboot, from_snapshot=from_snapshot)
    if any(change.operation in {"create_cluster", "resize_cluster"} for change in planned):
        foundation.check_is_sold(spec)
    return seen, planned


def apply(call: Apply) -> Applied:
    """Make the next steps. Raises WarehouseDiffers for one that must not be made, or when steps do not take hold."""
    spec, applied, offered = call.spec, call.applied, foundation.of_stack()
    did: list[str] = []
    while True:
        seen = _marked(warehouses.find(Reference(name=spec.name, kind=spec.kind)), call)
        around = surrounding.look(spec, seen, offered)
        planned = plan(spec, seen, around, offered, call.execution, reboot=call.reboot, from_snapshot=call.from_snapshot)
        decision = decide_provision(spec, seen, planned)
        if decision.action == "differs":
            raise WarehouseDiffers(decision.reason)
        if decision.action in {"settle", "await"}:
            return Applied(settles_as(seen), decision.reason, applied)
        if decision.action == "resume":
            raise WarehouseNotReady(decision.reason)
        if not planned:
            return Applied("done", "; ".join(did) or decision.reason, applied, note=_note(seen, spec))
        if applied >= MAX_STEPS:
            raise WarehouseDiffers(f"{spec.kind} {spec.name} does not become what the spec says: {'; '.join(map(str, planned))}")
        waits = operations.make(seen, planned[0], call.execution)
        applied += 1
        did.append(str(planned[0]))
        if waits or len(did) >= STEPS_AT_ONCE:
            return Applied(waits or "available", "; ".join(did), applied, _subject(planned[0]))


def _marked(seen: Warehouse | None, call: Apply) -> Warehouse | None:
    """A cluster that this execution restores carries its marks, also when an attempt died between restoring and tagging it.

    It was not there when the lock was taken, which is still held.
    """
    if seen is None or not call.from_snapshot or not is_unmarked(seen):
        return seen
    marks = {**creation_tags(call.spec, call.execution), RESTORED_TAG: call.from_snapshot}
    clusters.mark(seen.name, marks)
    return msgspec.structs.replace(seen, tags={**seen.tags, **marks})


def _note(seen: Warehouse | None, spec: Spec) -> str:
    uncounted = budgets.note() if spec.budget else ""
    return (NEEDS_REBOOT if seen and seen.reboot_pending else "") + (f"; {uncounted}" if uncounted else "")


def _subject(step: Change) -> str:
    arguments = step.arguments
    return cluster_size(arguments["NodeType"], arguments["NumberOfNodes"]) if step.operation == "resize_cluster" else ""
