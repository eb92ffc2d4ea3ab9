"""A statement that a workflow waits for: submitted once, however often the task is retried; its callback lies under its id."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from autopilot.aws import callbacks, cleaning, data_api, executions, files, looking, warehouses
from autopilot.aws.callbacks import Callback
from autopilot.domain.errors import WaitedTooLong
from autopilot.domain.inputs import RunSqlInput
from autopilot.domain.signin import target_of
from autopilot.domain.sql import PROBE, bind, client_token, units
from autopilot.domain.steps import Probe, Run, Waiting

PERMISSIONS = (
    *data_api.SUBMIT,
    *callbacks.PERMISSIONS,
    *looking.PERMISSIONS,
    *cleaning.PERMISSIONS,
    *files.READ,
    *warehouses.LOOK,
)


def run(call: Run, asked: RunSqlInput) -> dict[str, str]:
    """Submit one unit of the request, or find that it was submitted, and look once."""
    text = files.read_text(asked.sql_uri, "sql_uri", call.version)[0] if asked.sql_uri else None
    found = units(asked, text)
    key = client_token(call.execution, call.unit)
    label = f"statement {call.unit + 1} of {len(found)}" if len(found) > 1 else ""
    submit = partial(data_api.submit, call.target, found[call.unit].statements, data_api.STATEMENT_NAME, key, bind(asked.parameters))
    return _wait_for(call, call.target.name, key, submit, label)


def probe(call: Probe) -> dict[str, str]:
    """Submit `SELECT 1` and look once. After one that failed, the next attempt submits another: each has a token of its own."""

    def submit() -> str:
        target = target_of(warehouses.get(call.warehouse))
        return data_api.submit(target, [PROBE], data_api.STATEMENT_NAME, client_token(call.execution, call.token), [])

    return _wait_for(call, call.warehouse.name, client_token(call.execution, "probe"), submit)


def _wait_for(call: Waiting, name: str, key: str, submit: Callable[[], str], label: str = "") -> dict[str, str]:
    statement = _submitted_before(call, key) or submit()
    callback = Callback(
        goal="statement",
        token=call.token,
        execution=call.execution,
        name=name,
        key=key,
        subject=statement,
        label=label,
        last_look=call.last_look,
    )
    callbacks.store(callback)
    if not executions.is_running(call.execution):
        # Stopped between the task's start and now: nobody is left to wait for this statement, or to know what it costs.
        cleaning.end(callback)
        return {"outcome": "cancelled", "statement_id": statement}
    answer = looking.look(callback)
    if answer:
        callbacks.answer(callback, answer)
        if answer.error == WaitedTooLong.__name__:
            data_api.cancel(statement)
    return {"outcome": "answered" if answer else "waiting", "statement_id": statement}


def _submitted_before(call: Waiting, key: str) -> str | None:
    """The statement that an earlier attempt submitted: the Data API remembers a client token for 8 hours only, a query may run 24."""
    if not call.attempt:
        return None
    return next((callback.subject for callback in callbacks.of_execution(call.execution) if callback.key == key), None)
