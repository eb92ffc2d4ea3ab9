"""Copies of a warehouse's data for snapshots, taken as soon as PostgreSQL can take them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sandbox.redshift.lifecycle import Timeline
from sandbox.sql.errors import SqlError
from sandbox.world import DatabasesLike

_OBJECT_IN_USE = "55006"
_RETRY_SECONDS = 5.0


def copy_when_idle(
    databases: DatabasesLike, timeline: Timeline, source: str, target: str, is_wanted: Callable[[], bool], then: Callable[[], None]
) -> None:
    """Copy `source` to `target` and call `then`: now, or as soon as nobody is signed in to `source`.

    PostgreSQL copies a database only while it has no sessions, where Redshift needs no such peace. The copy is given up
    when `is_wanted` says no. Raises what the databases raise for any other reason.
    """
    if not is_wanted():
        return
    try:
        databases.copy(source, target)
    except SqlError as error:
        if error.state != _OBJECT_IN_USE:
            raise
        databases.drop(target)
        timeline.after(_RETRY_SECONDS, partial(copy_when_idle, databases, timeline, source, target, is_wanted, then))
        return
    then()
