"""What an execution that has ended left behind: a lock, running statements, callbacks. Cleaning up twice does no harm."""

from __future__ import annotations

from autopilot.aws import callbacks, data_api, executions, locks, table
from autopilot.domain.errors import AutopilotError

PERMISSIONS = (*executions.LOOK, *locks.PERMISSIONS, *data_api.CANCEL, *table.READ, *table.WRITE)


def clean_up(execution: str) -> list[str]:
    """Free the locks and cancel the statements of an execution that no longer runs; the keys of the freed locks are returned."""
    if executions.is_running(execution):
        return []
    freed, failure = [], None
    for item in table.of_owner(execution):
        if item["sk"] == locks.SORT_KEY:
            key = item["pk"].removeprefix(locks.partition(""))
            locks.free(key, execution)
            freed.append(key)
        elif callback := callbacks.of_item(item):
            try:
                end(callback)
            except AutopilotError as error:
                failure = error
    if failure:
        raise failure
    return freed


def cancel_statements(execution: str) -> int:
    """Cancel what an execution still runs in a database; how many callbacks of statements were found."""
    found = [callback for callback in callbacks.of_execution(execution) if callback.goal == "statement"]
    for callback in found:
        end(callback)
    return len(found)


def end(callback: callbacks.Callback) -> None:
    """Cancel the statement that a callback waits for, if it waits for one, and forget the callback."""
    if callback.goal in {"statement", "idle"} and callback.subject:
        data_api.cancel(callback.subject)
    callbacks.forget(callback)
