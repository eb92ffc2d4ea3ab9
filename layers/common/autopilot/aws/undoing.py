"""Undoing a failed provisioning: what carries the tag of its execution is removed, newest first, unless it holds data."""

from __future__ import annotations

import msgspec

from autopilot.aws import budgets, clusters, contents, surrounding, warehouses, workgroups
from autopilot.domain.decisions import snapshot_name
from autopilot.domain.restoring import is_unmarked
from autopilot.domain.steps import Undo
from autopilot.domain.tags import OWNER_TAG, owner_of
from autopilot.domain.warehouse import Warehouse, primary_status

PERMISSIONS = (*warehouses.LOOK, *clusters.DELETE, *workgroups.DELETE, *surrounding.DELETE, *contents.PERMISSIONS, *budgets.REMOVE)


class Undone(msgspec.Struct, frozen=True):
    """One step of an undo: `next` says what to wait for before the next step, `available` or `deleted`, or that it is `done`.

    `subject` names a namespace that is going away; `removed` and `kept` are what this step says of single things; `unseen` is handed to
    the next step.
    """

    next: str
    reason: str
    subject: str = ""
    removed: list[str] = []
    kept: list[str] = []
    unseen: bool = False


def undo(call: Undo) -> Undone:
    """Remove the newest thing that this execution created and that is still there; call again until `next` is `done`."""
    name, seen = call.warehouse.name, warehouses.find(call.warehouse)
    if seen is not None and (_is_own(seen.tags, call) or (call.from_snapshot and is_unmarked(seen))):
        return _undo_warehouse(seen, call)
    namespace = workgroups.find_namespace(name) if seen is None and call.warehouse.kind == "workgroup" else None
    if namespace is not None and _is_own(namespace.tags, call):
        snapshot = _final(call, seen=not call.unseen)
        if namespace.status != "deleting":
            workgroups.delete_namespace(name, snapshot)
        what = f"namespace {name}{_kept_by(snapshot)}"
        return Undone("deleted", f"removing {what}, which this execution created", subject=name, removed=[what])
    removed = [*surrounding.remove(call.warehouse, seen, call.execution), *budgets.remove_if_made_by(call.warehouse, call.execution)]
    stays = f"{seen.kind} {name} was not created by this execution and stays" if seen else f"nothing of {name} is left"
    return Undone("done", stays, removed=removed)


def _undo_warehouse(seen: Warehouse, call: Undo) -> Undone:
    """Remove a warehouse without a table in it. One that cannot be looked into is removed with a snapshot that keeps what it may hold."""
    what, status = f"{seen.kind} {seen.name}", primary_status(seen.status)
    if status in {"creating", "modifying", "resizing", "rebooting"}:
        return Undone("available", f"{what} is {status} and can be removed only when that has ended")
    if status in {"deleting", "final-snapshot"}:
        return Undone("deleted", f"{what} is being removed", unseen=call.unseen)
    # What was restored is kept by its snapshot.
    table = "no" if call.from_snapshot else contents.holds_data(seen)
    if table not in {None, "no"}:
        return Undone("done", f"{what} stays: it holds data already, such as {table}", kept=[f"{what}, which holds {table}"])
    snapshot = _final(call, seen=table is not None)
    warehouses.remove(seen, snapshot if seen.kind == "cluster" else None)
    kept_by = _kept_by(snapshot) if seen.kind == "cluster" else ""
    return Undone("deleted", f"removing {what}{kept_by}, which this execution created", removed=[f"{what}{kept_by}"], unseen=table is None)


def _final(call: Undo, *, seen: bool) -> str | None:
    return None if seen else snapshot_name(call.warehouse.name, call.execution, "final")


def _kept_by(snapshot: str | None) -> str:
    return f" (it could not be looked into; snapshot {snapshot} keeps what it may hold)" if snapshot else ""


def _is_own(tags: dict[str, str], call: Undo) -> bool:
    return tags.get(OWNER_TAG) == owner_of(call.execution)
