"""Locks: one writer per warehouse. Workflows take and release them; here they are looked at, and freed when their owner died."""

from __future__ import annotations

from autopilot.aws import executions, table

PERMISSIONS = (*table.READ, *table.WRITE, *executions.LOOK)
SORT_KEY = "LOCK"


def partition(key: str) -> str:
    """The partition key of a warehouse's lock."""
    return f"LOCK#{key}"


def holder(key: str) -> str | None:
    """The execution that holds the lock of a warehouse, or None. A lock whose owner no longer runs is freed on the way."""
    item = table.get(partition(key), SORT_KEY)
    if item is None:
        return None
    if executions.is_running(item["owner"]):
        return item["owner"]
    free(key, item["owner"])
    return None


def free(key: str, owner: str) -> bool:
    """Release the lock if that execution still holds it."""
    return table.delete_if(partition(key), SORT_KEY, "owner", owner)
