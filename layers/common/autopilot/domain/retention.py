"""Which snapshots may go, and why each other one stays: pure rules over a list of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from autopilot.domain.inputs import CleanInput
from autopilot.domain.snapshots import Snapshot
from autopilot.domain.warehouse import Kind

KEEP_TAG = "autopilot:keep"
#: How the names of final snapshots begin that `delete_warehouse` takes.
FINAL_PREFIX = "autopilot-final-"
#: Which names and tags AWS Backup gives to what it keeps by its own rules.
_BACKUP_NAME, _BACKUP_TAG = "awsbackup:", "aws:backup:"
_OWN_TAGS = "autopilot:"


class Existing(msgspec.Struct, frozen=True, kw_only=True):
    """A cluster or namespace that exists: its `origin` as its snapshots name it, and its tags, which AWS may copy to them."""

    kind: Kind
    name: str
    origin: str
    tags: dict[str, str] = {}


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one snapshot, and why."""

    snapshot: Snapshot
    action: Literal["delete", "keep"]
    reason: str


def judge(snapshots: Sequence[Snapshot], existing: Sequence[Existing], rules: CleanInput, now: datetime, account: str) -> list[Verdict]:
    """One verdict for each snapshot, in order. Whatever the rules say, the newest of each warehouse that ever was stays."""
    there = {(one.kind, one.origin): one for one in existing}
    newest = _newest(snapshots, rules.keep_last)
    return [_judge(one, there.get((one.kind, one.origin)), newest, rules, now, account) for one in snapshots]


def _newest(snapshots: Sequence[Snapshot], count: int) -> set[tuple[Kind, str]]:
    """The newest usable manual snapshots of each warehouse, by kind and identifier."""
    by_origin: dict[tuple[Kind, str, str], list[Snapshot]] = {}
    for one in snapshots:
        if not one.automated and one.status == "available":
            by_origin.setdefault((one.kind, one.warehouse, one.origin), []).append(one)
    kept = (sorted(group, key=lambda one: (one.created_at, one.identifier), reverse=True)[:count] for group in by_origin.values())
    return {(one.kind, one.identifier) for group in kept for one in group}


def _judge(
    one: Snapshot, warehouse: Existing | None, newest: set[tuple[Kind, str]], rules: CleanInput, now: datetime, account: str
) -> Verdict:
    reason = (
        _protected(one, warehouse, account)
        or (f"one of the newest {rules.keep_last} of {one.warehouse}" if (one.kind, one.identifier) in newest else "")
        or _left_out(one, rules)
        or _too_young(one, warehouse, rules, now)
    )
    if reason:
        return Verdict(snapshot=one, action="keep", reason=reason)
    age = (now - one.created_at).days
    gone = "" if warehouse else f", and {one.warehouse} is deleted"
    return Verdict(snapshot=one, action="delete", reason=f"{age} days old{gone}")


def _protected(one: Snapshot, warehouse: Existing | None, account: str) -> str:
    """Why no rule may give this snapshot up, or nothing."""
    copied = warehouse.tags if warehouse else {}
    foreign = sorted(key for key, value in one.tags.items() if not key.startswith(_OWN_TAGS) and copied.get(key) != value)
    backup = one.identifier.startswith(_BACKUP_NAME) or any(key.startswith(_BACKUP_TAG) for key in one.tags)
    reasons = (
        (one.automated, "automated: AWS removes it by itself"),
        (one.status != "available", f"its status is {one.status}"),
        (one.owner not in {"", account}, f"it belongs to account {one.owner}"),
        (one.identifier.startswith(FINAL_PREFIX), "a final snapshot"),
        (backup, "AWS Backup keeps it by its own rules"),
        (one.shared_with, f"shared with {len(one.shared_with)} account{'' if len(one.shared_with) == 1 else 's'}"),
        (KEEP_TAG in one.tags, f"it carries the tag {KEEP_TAG}"),
        (foreign, f"somebody tagged it: {', '.join(foreign[:3])}"),
        (one.remaining_days is not None and one.remaining_days >= 0, "it removes itself when its retention ends"),
    )
    return next((reason for applies, reason in reasons if applies), "")


def _left_out(one: Snapshot, rules: CleanInput) -> str:
    if rules.warehouses and one.warehouse not in rules.warehouses:
        return "its warehouse is not among those named"
    return "it is not among those named" if rules.snapshots and one.identifier not in rules.snapshots else ""


def _too_young(one: Snapshot, warehouse: Existing | None, rules: CleanInput, now: datetime) -> str:
    days = rules.older_than_days if warehouse else rules.orphans_older_than_days
    if days is None:
        return f"{one.warehouse} is deleted, and snapshots of deleted warehouses stay"
    if now - one.created_at >= timedelta(days=days):
        return ""
    return f"younger than {days} days" + ("" if warehouse else f", and {one.warehouse} is deleted")


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Verdicts in figures: how many of what size (in megabytes, of those whose size AWS says) go, and how many stay for which reason."""

    found: int
    deleting: int
    size_mb: float
    kept: dict[str, int]


def tally(verdicts: Sequence[Verdict]) -> Tally:
    """Count. Reasons that differ in names and numbers only are counted together by their first words."""
    going = [one.snapshot for one in verdicts if one.action == "delete"]
    kept: dict[str, int] = {}
    for one in verdicts:
        if one.action == "keep":
            kind = _kind_of(one.reason)
            kept[kind] = kept.get(kind, 0) + 1
    return Tally(found=len(verdicts), deleting=len(going), size_mb=round(sum(one.size_mb or 0 for one in going), 3), kept=kept)


#: Reasons to keep, by how they begin: what they are counted under.
_KINDS: Mapping[str, str] = {
    "automated": "automated",
    "its status": "not available",
    "it belongs": "of another account",
    "a final": "final",
    "AWS Backup": "AWS Backup",
    "shared": "shared",
    "it carries": "kept by tag",
    "somebody": "tagged",
    "it removes": "removes itself",
    "one of": "among the newest",
    "younger": "too young",
    "it is not": "not named",
    "its warehouse": "not named",
}


def _kind_of(reason: str) -> str:
    return next((kind for start, kind in _KINDS.items() if reason.startswith(start)), "of a deleted warehouse")
