"""Pause a cluster: look and decide, let its running queries end, and pause it with a recent backup in hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, assert_never

from autopilot.aws import clusters, draining, warehouses
from autopilot.domain.decisions import MAX_BACKUP_AGE, TEMPORARY_SNAPSHOT_DAYS, carried_out, decide_pause, snapshot_name
from autopilot.domain.inputs import PauseInput, decode, reference_of
from autopilot.domain.steps import Act, Drain, Look, PausePlan
from autopilot.runtime.handler import handler

PERMISSIONS = (*warehouses.LOOK, *draining.PERMISSIONS, *clusters.PAUSE)


@handler(Look | Drain | Act)
def handle(call: Look | Drain | Act) -> Any:
    """The steps of `pause_warehouse` that need a decision."""
    match call:
        case Look():
            return look(decode(PauseInput, call.input))
        case Drain():
            return draining.wait(call, datetime.now(UTC))
        case Act():
            return act(call)
        case _:
            assert_never(call)


def look(asked: PauseInput) -> PausePlan:
    """What would be done, and why."""
    seen = warehouses.get(reference_of(asked.warehouse))
    drain = {"when_busy": asked.when_busy, "drain_seconds": asked.patience_seconds, "until": asked.until}
    return PausePlan.of(seen, decide_pause(seen), asked, **drain)


def act(call: Act) -> dict[str, str]:
    """Look again, then pause; or first take the snapshot without which AWS refuses the pause. `next` says what to wait for."""
    name = call.warehouse.name
    decision = carried_out(decide_pause(warehouses.get(call.warehouse)))
    if decision.action != "pause":
        return {"next": "paused", "action": decision.action, "reason": decision.reason}
    if not clusters.has_backup_since(name, datetime.now(UTC) - MAX_BACKUP_AGE):
        snapshot = snapshot_name(name, call.execution)
        clusters.take_snapshot(name, snapshot, TEMPORARY_SNAPSHOT_DAYS)
        return {
            "next": "snapshot",
            "snapshot": snapshot,
            "action": "snapshot",
            "reason": f"{name} has no recent backup, which a pause needs",
        }
    clusters.pause(name)
    return {"next": "paused", "action": "pause", "reason": decision.reason}
