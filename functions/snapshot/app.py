"""Take a snapshot of a warehouse, or list those there are."""

from __future__ import annotations

from typing import assert_never

from autopilot.aws import snapshots, warehouses
from autopilot.domain.decisions import Decision, snapshot_name
from autopilot.domain.inputs import SnapshotInput, decode, reference_of
from autopilot.domain.snapshots import MOST_LISTED, check_snapshot, decide_snapshot
from autopilot.domain.steps import Look, SnapshotPlan, TakeSnapshot
from autopilot.domain.warehouse import Warehouse
from autopilot.runtime.handler import handler

PERMISSIONS = (*warehouses.LOOK, *snapshots.LIST, *snapshots.TAKE)


@handler(Look | TakeSnapshot)
def handle(call: Look | TakeSnapshot) -> SnapshotPlan | dict[str, str]:
    """The steps of `snapshot_warehouse` that need a decision."""
    match call:
        case Look():
            asked = decode(SnapshotInput, call.input)
            check_snapshot(asked)
            return listed(asked, call.execution) if asked.action == "list" else look(asked, call.execution)
        case TakeSnapshot():
            seen = warehouses.get(call.warehouse)
            identifier = call.snapshot or snapshot_name(seen.name, call.execution, call.purpose)
            snapshots.take(seen, identifier, call.retention_days)
            return {"snapshot": identifier, "reason": f"taking snapshot {identifier} of {seen.name}"}
        case _:
            assert_never(call)


def look(asked: SnapshotInput, execution: str) -> SnapshotPlan:
    """What would be done, and why."""
    seen = warehouses.get(reference_of(asked.warehouse))
    identifier = asked.snapshot or snapshot_name(seen.name, execution, "manual")
    decision = decide_snapshot(seen, identifier, snapshots.find(seen.kind, identifier))
    return SnapshotPlan.of(seen, decision, asked, snapshot=identifier, retention_days=asked.retention_days)


def listed(asked: SnapshotInput, execution: str) -> SnapshotPlan:
    """The newest snapshots of a warehouse, which may be deleted."""
    reference = reference_of(asked.warehouse)
    seen = warehouses.find(reference) or Warehouse.absent(reference, execution, kind=reference.kind or "cluster")
    found = snapshots.of(seen.kind if seen.arn else reference.kind, seen.namespace or seen.name)
    decision = Decision("list", f"{seen.name} has {len(found)} snapshot{'' if len(found) == 1 else 's'}")
    return SnapshotPlan.of(seen, decision, asked, snapshots=found[:MOST_LISTED], found=len(found))
