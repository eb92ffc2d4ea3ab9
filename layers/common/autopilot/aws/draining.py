"""Letting a warehouse's running queries end: ask what runs, as a statement, and wait for its answer like for any other."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from autopilot.aws import callbacks, data_api, looking, warehouses
from autopilot.aws.callbacks import Answer, Callback
from autopilot.domain.decisions import Drain as Outcome
from autopilot.domain.decisions import decide_drain
from autopilot.domain.errors import AutopilotError, LookAgain, TransientError
from autopilot.domain.signin import target_of
from autopilot.domain.sql import LOOK_AT_QUERIES, client_token
from autopilot.domain.steps import Drain

#: How old an answer may be that a pause rests on.
FRESH = timedelta(seconds=30)
PERMISSIONS = (*warehouses.LOOK, *data_api.SUBMIT, *callbacks.PERMISSIONS, *looking.PERMISSIONS)


def wait(call: Drain, now: datetime) -> Outcome:
    """Ask what runs, store the callback, and look. A warehouse that cannot be asked counts as busy.

    A retry that finds a question asked before asks again: the answer to the old one is as old as the heartbeat. Because hints seem
    to get lost, it then raises LookAgain, and the retry that follows reads the answer. What is returned is for people.
    """
    waiting = _callback(call, now)
    earlier = callbacks.stored(waiting)
    if earlier is not None:
        description = data_api.describe(earlier.subject)
        if description["Status"] not in data_api.ENDED or (earlier.again and now - description["UpdatedAt"] < FRESH):
            return _look(msgspec.structs.replace(waiting, subject=earlier.subject))
    try:
        target = target_of(warehouses.get(call.warehouse))
        statement = data_api.submit(target, LOOK_AT_QUERIES, data_api.LOOK_NAME, client_token(call.token), [])
    except TransientError:
        raise
    except AutopilotError as error:
        outcome = decide_drain(None, str(error), now, datetime.fromisoformat(waiting.deadline))
        if outcome.outcome != "pending":
            callbacks.answer(waiting, Answer(output=outcome))
        return outcome
    outcome = _look(msgspec.structs.replace(waiting, subject=statement, again=earlier is not None))
    if earlier is not None and outcome.outcome == "pending":
        raise LookAgain(f"asked {call.warehouse.name} again what runs")
    return outcome


def _look(waiting: Callback) -> Outcome:
    callbacks.store(waiting)
    answer = looking.look(waiting)
    if answer is None:
        return Outcome("pending", None, f"asked {waiting.name} what runs")
    callbacks.answer(waiting, answer)
    return answer.output if isinstance(answer.output, Outcome) else Outcome("busy", None, answer.cause)


def _callback(call: Drain, now: datetime) -> Callback:
    deadline = now if call.last_look else call.entered_at + timedelta(seconds=call.drain_seconds)
    return Callback(
        goal="idle",
        token=call.token,
        execution=call.execution,
        name=call.warehouse.name,
        kind=call.warehouse.kind or "",
        region=call.warehouse.region or "",
        deadline=deadline.isoformat(),
    )
