"""A statement that a workflow waits for: submitted once, however often the task is retried; its callback lies under its token."""

from __future__ import annotations

from autopilot.aws import callbacks, cleaning, data_api, executions, files, looking, warehouses
from autopilot.aws.callbacks import Callback
from autopilot.domain.inputs import RunSqlInput
from autopilot.domain.signin import Target, target_of
from autopilot.domain.sql import PROBE, Unit, bind, client_token, units
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
    unit = units(asked, text)[call.unit]
    return _wait_for(call, call.target, unit, client_token(call.execution, call.unit), asked)


def probe(call: Probe) -> dict[str, str]:
    """Submit `SELECT 1`. Each attempt is a statement of its own: the one before may have failed for good."""
    target = target_of(warehouses.get(call.warehouse))
    return _wait_for(call, target, Unit([PROBE]), client_token(call.execution, "probe", call.token), None)


def _wait_for(call: Waiting, target: Target, unit: Unit, token: str, asked: RunSqlInput | None) -> dict[str, str]:
    statement = _submitted_before(call, token) or data_api.submit(
        target, unit.statements, data_api.STATEMENT_NAME, token, bind(asked.parameters) if asked else []
    )
    callback = Callback(
        goal="statement",
        token=call.token,
        execution=call.execution,
        name=target.name,
        key=token,
        subject=statement,
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
    return {"outcome": "answered" if answer else "waiting", "statement_id": statement}


def _submitted_before(call: Waiting, token: str) -> str | None:
    """The statement that an earlier attempt submitted: the Data API remembers a client token for 8 hours only, a query may run 24."""
    if not call.attempt:
        return None
    return next((callback.subject for callback in callbacks.of_execution(call.execution) if callback.key == token), None)
