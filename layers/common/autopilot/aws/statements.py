"""A statement that a workflow waits for: submitted once, however often the task is retried; its callback lies under its id."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec

from autopilot.aws import callbacks, cleaning, data_api, executions, files, looking, warehouses
from autopilot.aws.callbacks import Callback
from autopilot.domain.errors import WaitedTooLong
from autopilot.domain.inputs import RunSqlInput
from autopilot.domain.signin import Target, target_of
from autopilot.domain.sql import PROBE, bind, client_token, units
from autopilot.domain.steps import Probe, Run, Waiting
from autopilot.domain.waiting import Goal

PERMISSIONS = (
    *data_api.SUBMIT,
    *callbacks.PERMISSIONS,
    *looking.PERMISSIONS,
    *cleaning.PERMISSIONS,
    *files.READ,
    *warehouses.LOOK,
)


class Started(msgspec.Struct, frozen=True):
    """What was begun and is to be waited for: a statement by its id, or another goal's subject; with an empty subject it is done already."""

    subject: str
    goal: Goal = "statement"


def run(call: Run, asked: RunSqlInput) -> dict[str, str]:
    """Submit one unit of the request, or find that it was submitted, and look once."""
    text = files.read_text(asked.sql_uri, "sql_uri", call.version)[0] if asked.sql_uri else None
    found = units(asked, text)
    key = client_token(call.execution, call.unit)
    label = f"statement {call.unit + 1} of {len(found)}" if len(found) > 1 else ""
    submit = partial(submitted, call.target, found[call.unit].statements, key, bind(asked.parameters))
    return wait_for(call, call.target.name, key, submit, label=label)


def probe(call: Probe) -> dict[str, str]:
    """Submit `SELECT 1` and look once. After one that failed, the next attempt submits another: each has a token of its own."""

    def submit() -> Started:
        return submitted(target_of(warehouses.get(call.warehouse)), [PROBE], client_token(call.execution, call.token))

    return wait_for(call, call.warehouse.name, client_token(call.execution, "probe"), submit)


def submitted(target: Target, statements: list[str], token: str, parameters: list[dict[str, str]] | None = None) -> Started:
    """Submit statements, several as one transaction; the same token runs nothing twice."""
    return Started(data_api.submit(target, statements, data_api.STATEMENT_NAME, token, parameters or []))


def wait_for(
    call: Waiting, name: str, key: str, start: Callable[[], Started], *, label: str = "", kind: str = "", reports: bool = False
) -> dict[str, str]:
    """Start something, or find that an earlier attempt has, keep the callback and look once.

    `key` is the same for all attempts of one wait. With `reports` a statement's failure is told as an output instead of failing the task.
    """
    started = _started_before(call, key) or start()
    if not started.subject:
        executions.succeed(call.token, {})
        return {"outcome": "answered", "statement_id": ""}
    callback = Callback(
        goal=started.goal,
        token=call.token,
        execution=call.execution,
        name=name,
        kind=kind,
        key=key,
        subject=started.subject,
        label=label,
        reports=reports,
        last_look=call.last_look,
    )
    callbacks.store(callback)
    if not executions.is_running(call.execution):
        # Stopped between the task's start and now: nobody is left to wait for this statement, or to know what it costs.
        cleaning.end(callback)
        return {"outcome": "cancelled", "statement_id": started.subject}
    answer = looking.look(callback)
    if answer:
        callbacks.answer(callback, answer)
        if answer.error == WaitedTooLong.__name__:
            cleaning.end(callback)
    return {"outcome": "answered" if answer else "waiting", "statement_id": started.subject}


def _started_before(call: Waiting, key: str) -> Started | None:
    """What an earlier attempt started: the Data API remembers a client token for 8 hours only, a query may run 24."""
    if not call.attempt:
        return None
    mine = (callback for callback in callbacks.of_execution(call.execution) if callback.key == key)
    return next((Started(callback.subject, callback.goal) for callback in mine), None)
