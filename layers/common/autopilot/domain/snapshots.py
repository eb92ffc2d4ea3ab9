"""Snapshots of both kinds of warehouse in the same few words, and what is to be done to take one."""

from __future__ import annotations

from datetime import datetime

import msgspec

from autopilot.domain.decisions import Decision
from autopilot.domain.errors import InvalidInput, WarehouseUnavailable
from autopilot.domain.inputs import SnapshotInput
from autopilot.domain.warehouse import Kind, Warehouse, primary_status

#: How many snapshots a list gives at most: a state's output has a limit of 256 KB.
MOST_LISTED = 200


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One snapshot. `warehouse` is the cluster, or the namespace that it was taken of; `status` is AWS's own word in lower case.

    `retention_days` and `remaining_days` are -1 for one that is kept for ever, and None where AWS does not say; `size_mb` is the size of
    the whole backup in megabytes, of which others may share a part. `origin` tells a warehouse from a later one of the same name.
    """

    identifier: str
    kind: Kind
    warehouse: str
    arn: str
    created_at: datetime
    status: str
    automated: bool = False
    retention_days: int | None = None
    remaining_days: int | None = None
    size_mb: float | None = None
    size: str = ""
    owner: str = ""
    origin: str = ""
    database: str = ""
    shared_with: list[str] = []
    tags: dict[str, str] = {}


def check_snapshot(asked: SnapshotInput) -> None:
    """Raise InvalidInput for a retention that AWS does not have."""
    if asked.retention_days == 0:
        raise InvalidInput("retention_days: 0 is not allowed; 1 to 3653 days, or -1 to keep it for ever")


def decide_snapshot(seen: Warehouse, identifier: str, there: Snapshot | None) -> Decision:
    """`take`, `await` (one of that name is being taken), `nothing` (it is there), or `retry`.

    Raises InvalidInput when the name is taken by another warehouse's snapshot, and WarehouseUnavailable for a paused cluster.
    """
    if there is not None:
        if there.warehouse != (seen.namespace or seen.name):
            raise InvalidInput(f"snapshot: {identifier} exists and is one of {there.warehouse}; choose another name")
        if there.status == "available":
            return Decision("nothing", f"snapshot {identifier} of {seen.name} is there")
        return Decision("await", f"snapshot {identifier} of {seen.name} is {there.status}")
    status = primary_status(seen.status)
    if status in {"paused", "pausing"}:
        raise WarehouseUnavailable(
            f"{seen.name} is {status}, and AWS takes no snapshot of a paused cluster; its snapshots from before the pause are still there"
        )
    if status != "available":
        return Decision("retry", f"{seen.name} is {seen.status}; a snapshot can be taken when that has ended")
    return Decision("take", f"{seen.name} is available")
