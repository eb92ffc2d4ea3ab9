"""What a wait waits for, and how an observation is judged: reached, still pending, or no longer possible."""

from __future__ import annotations

from typing import Any, Literal, assert_never

import msgspec

from autopilot.domain.warehouse import Warehouse, primary_status

Goal = Literal["available", "paused", "resized", "deleted", "snapshot", "unlocked", "idle", "statement", "integration"]

#: Cluster states that no later state follows without a person. Source: DescribeClusters, `ClusterStatus`.
_STUCK = frozenset(
    {"hardware-failure", "incompatible-hsm", "incompatible-network", "incompatible-parameters", "incompatible-restore", "storage-full"}
)


class Verdict(msgspec.Struct, frozen=True):
    """What a look means for a wait. `detail` is a sentence for people."""

    outcome: Literal["reached", "pending", "impossible"]
    detail: str


def judge_available(name: str, seen: Warehouse | None, *, first_look: bool = False) -> Verdict:
    """Whether a warehouse that is being created, resumed or modified is available. On the first look it may not be visible yet."""
    if seen is None and first_look:
        return Verdict("pending", f"{name} is not visible yet")
    if seen is None:
        return Verdict("impossible", f"{name} no longer exists")
    status = primary_status(seen.status)
    if status == "available":
        return Verdict("reached", f"{name} is available")
    if status in _STUCK or status in {"deleting", "final-snapshot", "paused", "pausing"}:
        return Verdict("impossible", f"{name} is {status} and will not become available by itself")
    return Verdict("pending", f"{name} is {status}")


def judge_paused(name: str, seen: Warehouse | None) -> Verdict:
    """Whether a cluster that is being paused is paused. `available` counts as pending: AWS shows it for a moment after PauseCluster."""
    if seen is None:
        return Verdict("impossible", f"{name} no longer exists")
    status = primary_status(seen.status)
    if status == "paused":
        return Verdict("reached", f"{name} is paused")
    if status in _STUCK or status in {"deleting", "final-snapshot", "resuming"}:
        return Verdict("impossible", f"{name} is {status} and will not become paused by itself")
    return Verdict("pending", f"{name} is {status}")


def judge_resized(name: str, seen: Warehouse | None, size: str, resize_status: str | None) -> Verdict:
    """Whether a cluster that is being resized has its new size and is available. `resize_status` is DescribeResize's word, or None.

    `available` with the old size counts as pending: AWS shows it for a moment after ResizeCluster, and while an elastic resize prepares.
    """
    if seen is None:
        return Verdict("impossible", f"{name} no longer exists")
    status = primary_status(seen.status)
    if status == "available" and seen.size == size:
        return Verdict("reached", f"{name} has {size}")
    if status in _STUCK or status in {"deleting", "final-snapshot", "paused", "pausing"}:
        return Verdict("impossible", f"{name} is {status} and will not have {size} by itself")
    if resize_status in {"FAILED", "CANCELLING"}:
        return Verdict("impossible", f"AWS says that the resize of {name} to {size} is {resize_status}; it has {seen.size}")
    return Verdict("pending", f"{name} is {seen.status} with {seen.size}, not yet {size}")


def judge_deleted(name: str, seen: Warehouse | None) -> Verdict:
    """Whether a warehouse that is being deleted is gone."""
    if seen is None:
        return Verdict("reached", f"{name} is deleted")
    return Verdict("pending", f"{name} is {primary_status(seen.status)}")


def judge_warehouse(goal: Literal["available", "paused", "deleted"], name: str, seen: Warehouse | None, *, first_look: bool) -> Verdict:
    """The verdict on one of the goals that a warehouse's own state decides."""
    match goal:
        case "available":
            return judge_available(name, seen, first_look=first_look)
        case "paused":
            return judge_paused(name, seen)
        case "deleted":
            return judge_deleted(name, seen)
        case _:
            assert_never(goal)


def judge_snapshot(identifier: str, status: str | None) -> Verdict:
    """Whether a snapshot is available.

    Source: DescribeClusterSnapshots, `Status`: creating, available, final snapshot, failed; GetSnapshot, `status`: also deleted, cancelled.
    """
    if status is None:
        return Verdict("impossible", f"snapshot {identifier} no longer exists")
    if status == "available":
        return Verdict("reached", f"snapshot {identifier} is available")
    if status in {"failed", "cancelled", "deleted"}:
        return Verdict("impossible", f"snapshot {identifier} {status if status == 'failed' else f'was {status}'}")
    return Verdict("pending", f"snapshot {identifier} is {status}")


def judge_integration(arn: str, found: dict[str, Any] | None) -> Verdict:
    """Whether a zero-ETL integration is active. Source: DescribeInboundIntegrations, `Status` and `Errors`."""
    if found is None:
        return Verdict("impossible", f"integration {arn} no longer exists")
    name, status = f"from {found['SourceArn']}", found["Status"]
    if status == "active":
        return Verdict("reached", f"integration {name} is active")
    if status in {"failed", "deleting", "needs_attention"}:
        said = "; ".join(error.get("ErrorMessage") or error["ErrorCode"] for error in found.get("Errors", []))
        return Verdict("impossible", f"integration {name} is {status}" + (f": {said}" if said else ""))
    return Verdict("pending", f"integration {name} is {status}")
