"""What an execution that has ended left behind: a lock, running statements, callbacks. Cleaning up twice does no harm."""

from __future__ import annotations

from autopilot.aws import callbacks, data_api, executions, locks, table
from autopilot.domain.errors import AutopilotError

PERMISSIONS = (*executions.LOOK, *locks.PERMISSIONS, *data_api.CANCEL, *table.READ, *table.WRITE)


def free_locks(execution: str) -> list[str]:
    """Free the locks of an execution that no longer runs; the keys of their warehouses."""
    keys = [item["pk"].removeprefix(locks.partition("")) for item in table.of_owner(execution) if item["sk"] == locks.SORT_KEY]
    for key in keys:
        locks.free(key, execution)
    return keys


def end_callbacks(execution: str) -> int:
    """Cancel what an execution still runs in databases and forget its callbacks; how many there were.

    One that cannot be cancelled keeps none of the others running; its error is raised at the end.
    """
    found, failure = callbacks.of_execution(execution), None
    for callback in found:
        try:
            end(callback)
        except AutopilotError as error:
            failure = error
    if failure:
        raise failure
    return len(found)


def end(callback: callbacks.Callback) -> None:
    """Cancel the statement that a callback waits for, if it waits for one, and forget the callback."""
    if callback.goal in {"statement", "idle"} and callback.subject:
        data_api.cancel(callback.subject)
    callbacks.forget(callback)
