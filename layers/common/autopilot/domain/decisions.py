"""What to do with a warehouse, and why: pure decisions that the handlers carry out."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from autopilot.domain.errors import WarehouseNotReady, WarehouseProtected
from autopilot.domain.tags import MANAGED_TAG, PROTECT_TAG
from autopilot.domain.warehouse import Warehouse, primary_status

if TYPE_CHECKING:
    from autopilot.domain.changes import Change
    from autopilot.domain.schedule_decisions import decide as decide  # noqa: PLC0414 - offered here, beside the other decisions
    from autopilot.domain.spec import Spec

#: PauseCluster needs a recent backup; older than this a temporary one is taken first.
MAX_BACKUP_AGE = timedelta(hours=24)
TEMPORARY_SNAPSHOT_DAYS = 2


class Decision(msgspec.Struct, frozen=True):
    """An action and the sentence that says why."""

    action: str
    reason: str


def decide_pause(seen: Warehouse) -> Decision:
    """`pause`, `await` (somebody already pauses it), `settle` (it will be available soon), `nothing`, or `retry`."""
    if seen.kind == "workgroup":
        return Decision("nothing", "nothing to pause: a Serverless workgroup bills compute only while queries run")
    status = primary_status(seen.status)
    match status:
        case "available":
            return Decision("pause", f"{seen.name} is available")
        case "pausing":
            return Decision("await", f"{seen.name} is already pausing")
        case "paused":
            return Decision("nothing", f"{seen.name} is already paused")
        case "resuming" | "modifying" | "rebooting" | "resizing":
            return Decision("settle", f"{seen.name} is {status}; it is paused when that has ended")
        case "deleting" | "final-snapshot":
            return Decision("nothing", f"{seen.name} is being deleted")
        case _:
            return Decision("retry", f"{seen.name} is {seen.status}; a cluster can be paused only from available")


def decide_resume(seen: Warehouse) -> Decision:
    """`resume`, `await` (already resuming), `settle` (it will be paused soon), `nothing`, or `retry`."""
    if seen.kind == "workgroup":
        return Decision("nothing", "nothing to resume: a Serverless workgroup is always ready")
    status = primary_status(seen.status)
    match status:
        case "paused":
            return Decision("resume", f"{seen.name} is paused")
        case "pausing":
            return Decision("settle", f"{seen.name} is pausing; it is resumed when that has ended")
        case "resuming" | "creating" | "rebooting" | "modifying" | "resizing":
            return Decision("await", f"{seen.name} is {status}")
        case "available":
            return Decision("nothing", f"{seen.name} is already available")
        case _:
            return Decision("retry", f"{seen.name} is {seen.status}; a cluster can be resumed only from paused")


def decide_delete(name: str, seen: Warehouse | None, namespace: str = "") -> Decision:
    """`delete`, `resume` (AWS deletes no paused cluster), `settle` (it will be paused soon), `await` (already deleting), `nothing`, `retry`.

    `namespace` is one that Autopilot made and whose workgroup is gone. Raises WarehouseProtected for what carries the tag.
    """
    if seen is None and namespace:
        return Decision("delete", f"the workgroup {name} is gone; its namespace is left")
    if seen is None:
        return Decision("nothing", f"no cluster and no workgroup of the name {name} exists")
    status = primary_status(seen.status)
    if status in {"deleting", "final-snapshot"}:
        return Decision("await", f"{name} is already being deleted")
    if seen.tags.get(PROTECT_TAG) == "true":
        raise WarehouseProtected(f"{name} carries the tag {PROTECT_TAG}=true; remove the tag first if it is really to be deleted")
    match status:
        case "available":
            return Decision("delete", f"{name} is available")
        case "paused":
            return Decision("resume", f"{name} is paused, and a paused cluster cannot be deleted; it is resumed first")
        case "pausing":
            return Decision("settle", f"{name} is pausing; it is resumed and deleted when that has ended")
        case _:
            return Decision("retry", f"{name} is {seen.status}; it can be deleted when that has ended")


def decide_provision(spec: Spec, seen: Warehouse | None, planned: list[Change]) -> Decision:
    """What a plan means: `create`, `change`, `resume` (first), `settle` (another state comes by itself), `await` (it is being created), `nothing`.

    `differs` when it must be left alone. Raises WarehouseProtected when only a replacement would do and the warehouse is protected.
    """
    if seen is None:
        return Decision("create", f"no {spec.kind} {spec.name} exists")
    status = primary_status(seen.status)
    if status in {"deleting", "final-snapshot"}:
        return Decision("settle", f"{spec.kind} {spec.name} is being deleted; it can be created when that has ended")
    if not planned:
        if status == "creating":
            return Decision("await", f"{spec.kind} {spec.name} is already being created")
        return Decision("nothing", f"{spec.kind} {spec.name} exists and is what the spec says")
    return _decide_change(seen, planned, status)


def _decide_change(seen: Warehouse, planned: list[Change], status: str) -> Decision:
    what = "; ".join(str(change) for change in planned)
    if any(change.action == "replace" for change in planned):
        return _refuse_replacement(seen, planned)
    if seen.tags.get(MANAGED_TAG) != "true":
        return Decision("differs", f"{seen.kind} {seen.name} exists, differs, and has no tag {MANAGED_TAG}=true: {what}")
    if status == "paused" and any(change.needs_running for change in planned):
        return Decision(
            "resume", f"{seen.kind} {seen.name} is paused; it is resumed first and paused again afterwards; to be changed: {what}"
        )
    if seen.status not in {"available", "paused"}:
        return Decision("settle", f"{seen.kind} {seen.name} is {seen.status}; it is changed when that has ended: {what}")
    return Decision("change", f"{seen.kind} {seen.name} exists; to be changed: {what}")


def _refuse_replacement(seen: Warehouse, planned: list[Change]) -> Decision:
    what = "; ".join(str(change) for change in planned)
    if seen.tags.get(PROTECT_TAG) == "true":
        raise WarehouseProtected(
            f"{seen.kind} {seen.name} carries the tag {PROTECT_TAG}=true and would have to be replaced, as it differs in what cannot be "
            f"changed: {what}"
        )
    return Decision(
        "differs",
        f"{seen.kind} {seen.name} exists and differs in what cannot be changed: {what}. Autopilot replaces no warehouse: take a snapshot, "
        "restore it under a new name with this spec, and delete the old one; or set the spec to what is there",
    )


def settles_as(seen: Warehouse | None) -> Literal["available", "paused", "deleted"]:
    """The state that a warehouse comes to by itself."""
    status = primary_status(seen.status) if seen else "deleted"
    return "deleted" if status in {"deleting", "final-snapshot", "deleted"} else "paused" if status == "pausing" else "available"


def carried_out(decision: Decision) -> Decision:
    """The decision, if a step can carry it out now. Raises WarehouseNotReady for one that has to wait."""
    if decision.action in {"retry", "settle"}:
        raise WarehouseNotReady(decision.reason)
    return decision


def snapshot_name(name: str, execution: str, kind: Literal["pause", "final", "manual", "resize"] = "pause") -> str:
    """The name of the snapshot that this execution takes of a warehouse: the same however often it asks."""
    return f"autopilot-{kind}-{name}-{hashlib.sha256(execution.encode()).hexdigest()[:12]}"


class Drain(msgspec.Struct, frozen=True):
    """What a look at the running queries means for a pause: `idle`, `busy` (not idle in the time given) or `pending`.

    `running` is None when the queries could not be seen; such a warehouse counts as busy.
    """

    outcome: Literal["idle", "busy", "pending"]
    running: int | None
    reason: str


def decide_drain(running: int | None, unseen_because: str, now: datetime, deadline: datetime) -> Drain:
    """Judge the number of running queries of others. `deadline` is when the patience of `drain_seconds` ends."""
    if running == 0:
        return Drain("idle", 0, "no query was running")
    what = (
        f"{running} quer{'y was' if running == 1 else 'ies were'} running"
        if running
        else f"its queries could not be seen ({unseen_because})"
    )
    if now >= deadline:
        return Drain("busy", running, f"{what} when the time to drain was over")
    return Drain("pending", running, what)


def __getattr__(name: str) -> Any:
    """`decide`, which decides by a schedule: loaded when it is asked for, as a cold start of all others need not know calendars."""
    if name == "decide":
        from autopilot.domain import schedule_decisions

        return schedule_decisions.decide
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
