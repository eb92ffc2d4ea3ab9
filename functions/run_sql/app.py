"""Run SQL through the Data API: check it, submit it, have its end answered by a hint, and read its results."""

from __future__ import annotations

from typing import Any, assert_never

from autopilot.aws import cleaning, files, results, statements, warehouses
from autopilot.domain.inputs import RunSqlInput, decode, reference_of
from autopilot.domain.signin import target_of
from autopilot.domain.sql import MAX_INLINE_BYTES, bind, check_takes_sql, units
from autopilot.domain.steps import Cancel, Fetch, Look, Probe, Run, SqlPlan
from autopilot.runtime.handler import handler

PERMISSIONS = (*statements.PERMISSIONS, *results.PERMISSIONS)


@handler(Look | Run | Probe | Fetch | Cancel)
def handle(call: Look | Run | Probe | Fetch | Cancel) -> Any:
    """The steps of `run_sql`, and the probe that other workflows end with."""
    match call:
        case Look():
            return look(decode(RunSqlInput, call.input))
        case Run():
            return statements.run(call, decode(RunSqlInput, call.input))
        case Probe():
            return statements.probe(call)
        case Fetch():
            return results.fetch(call)
        case Cancel():
            return {"outcome": "cancelled", "statements": cleaning.end_callbacks(call.execution)}
        case _:
            assert_never(call)


def look(asked: RunSqlInput) -> SqlPlan:
    """What would be run, where, and signed in how."""
    bind(asked.parameters)
    text, version = files.read_text(asked.sql_uri, "sql_uri") if asked.sql_uri and asked.sql is None else (None, None)
    found = units(asked, text)
    seen = warehouses.get(reference_of(asked.warehouse))
    target = target_of(seen, asked.database)
    return SqlPlan.of(
        seen,
        check_takes_sql(seen, len(found)),
        asked,
        target=target,
        signed_in_as=target.signed_in_as,
        units=list(range(len(found))),
        statements=sum(len(unit.statements) for unit in found),
        result=asked.result,
        budget_bytes=MAX_INLINE_BYTES // len(found),
        version=version,
    )
