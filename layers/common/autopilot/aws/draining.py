"""Letting a warehouse's running queries end: ask what runs, as a statement, and wait for its answer like for any other."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from autopilot.aws import callbacks, data_api, looking, warehouses
from autopilot.aws.callbacks import Answer, Callback
from autopilot.domain.decisions import Drain as Outcome
from autopilot.domain.decisions import decide_drain, decide_pause
from autopilot.domain.errors import AutopilotError, LookAgain, TransientError
from autopilot.domain.signin import target_of
from autopilot.domain.sql import LOOK_AT_QUERIES, client_token
from autopilot.domain.steps import Drain
from autopilot.domain.warehouse import Warehouse

#: How old an answer may be that a pause rests on.
FRESH = timedelta(seconds=30)
PERMISSIONS = (*warehouses.LOOK, *data_api.SUBMIT, *callbacks.PERMISSIONS, *looking.PERMISSIONS)


def wait(call: Drain, now: datetime) -> Outcome:
    """Ask what runs, store the callback, and look. A warehouse that cannot be asked counts as busy.

    A retry that finds a question asked before asks again: the answer to the old one is as old as the heartbeat. Because hints seem
    to get lost, it then raises LookAgain, and the retry that follows reads the answer. What is returned is for people.
    """
    waiting = _callback(call, now)
    seen = warehouses.get(call.warehouse)
    decision = decide_pause(seen)
    if decision.action in {"await", "nothing"}:
        return _answer(waiting, Outcome("idle", None, decision.reason))
    try:
        return _ask(waiting, seen, now)
    except TransientError:
        raise
    except AutopilotError as error:
        outcome = decide_drain(None, str(error), now, datetime.fromisoformat(waiting.deadline))
        return outcome if outcome.outcome == "pending" else _answer(waiting, outcome)


def _ask(waiting: Callback, seen: Warehouse, now: datetime) -> Outcome:
    earlier = callbacks.stored(waiting)
    description = _described(earlier.subject) if earlier else None
    if earlier is None or description is None:
        return _look(waiting, _submit(seen, waiting))
    if description["Status"] in data_api.ENDED:
        if earlier.again and now - description["UpdatedAt"] < FRESH:
            return _look(waiting, earlier.subject)
        outcome = _look(waiting, _submit(seen, waiting), again=True)
    else:
        outcome = _look(waiting, earlier.subject, again=earlier.again)
        if not earlier.again:
            return outcome
    if outcome.outcome == "pending":
        raise LookAgain(f"asked {waiting.name} again what runs")
    return outcome


def _described(statement: str) -> dict[str, Any] | None:
    """The statement, or None when AWS no longer knows it."""
    try:
        return data_api.describe(statement)
    except AutopilotError as error:
        if error.code != "ResourceNotFoundException":
            raise
        return None


def _submit(seen: Warehouse, waiting: Callback) -> str:
    return data_api.submit(target_of(seen), LOOK_AT_QUERIES, data_api.LOOK_NAME, client_token(waiting.token), [])


def _look(waiting: Callback, statement: str, *, again: bool = False) -> Outcome:
    asked = msgspec.structs.replace(waiting, subject=statement, again=again)
    callbacks.store(asked)
    answer = looking.look(asked)
    return (
        _answer(asked, answer.output)
        if answer and isinstance(answer.output, Outcome)
        else Outcome("pending", None, f"asked {waiting.name} what runs")
    )


def _answer(waiting: Callback, outcome: Outcome) -> Outcome:
    callbacks.answer(waiting, Answer(output=outcome))
    return outcome


def _callback(call: Drain, now: datetime) -> Callback:
    deadline = now if call.last_look else call.deadline
    return Callback(
        goal="idle",
        token=call.token,
        execution=call.execution,
        name=call.warehouse.name,
        kind=call.warehouse.kind or "",
        region=call.warehouse.region or "",
        deadline=deadline.isoformat(),
    )
