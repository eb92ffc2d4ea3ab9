"""Letting a warehouse's running queries end: ask what runs, as a statement, and wait for its answer like for any other."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from autopilot.aws import callbacks, data_api, looking, warehouses
from autopilot.aws.callbacks import Answer, Callback
from autopilot.domain.decisions import Drain as Outcome
from autopilot.domain.decisions import decide_drain
from autopilot.domain.errors import AutopilotError, TransientError
from autopilot.domain.signin import target_of
from autopilot.domain.sql import LOOK_AT_QUERIES, client_token
from autopilot.domain.steps import Drain

PERMISSIONS = (*warehouses.LOOK, *data_api.SUBMIT, *callbacks.PERMISSIONS, *looking.PERMISSIONS)


def ask(call: Drain, now: datetime) -> Outcome:
    """Submit the look at the running queries, store the callback, and look once. A warehouse that cannot be asked counts as busy.

    What is returned is for people: the waiting task gets its answer when the look has ended, or is asked again by its heartbeat.
    """
    deadline = now if call.last_look else call.entered_at + timedelta(seconds=call.drain_seconds)
    waiting = _callback(call, deadline)
    try:
        target = target_of(warehouses.get(call.warehouse))
        statement = data_api.submit(target, LOOK_AT_QUERIES, data_api.LOOK_NAME, client_token(call.token), [])
    except TransientError:
        raise
    except AutopilotError as error:
        outcome = decide_drain(None, str(error), now, deadline)
        if outcome.outcome != "pending":
            callbacks.answer(waiting, Answer(output=outcome))
        return outcome
    waiting = msgspec.structs.replace(waiting, subject=statement)
    callbacks.store(waiting)
    if answer := looking.look(waiting):
        callbacks.answer(waiting, answer)
    return Outcome("pending", None, f"asked {call.warehouse.name} what runs")


def _callback(call: Drain, deadline: datetime) -> Callback:
    return Callback(
        goal="idle",
        token=call.token,
        execution=call.execution,
        name=call.warehouse.name,
        kind=call.warehouse.kind or "",
        region=call.warehouse.region or "",
        deadline=deadline.isoformat(),
    )
