"""Results of SQL: rows into a workflow's output while they are few, else a file of JSON lines in the bucket."""

from __future__ import annotations

import json
import tempfile
from itertools import chain
from typing import Any

import msgspec

from autopilot.aws import data_api, files
from autopilot.domain.sql import unique
from autopilot.domain.steps import Fetch

PERMISSIONS = (*data_api.FETCH, *files.WRITE)


def fetch(call: Fetch) -> dict[str, Any]:
    """The outcome of each statement of a unit; those that return rows carry `columns` and `rows`, or a `result_uri`."""
    outcomes, budget = [], call.budget_bytes if call.result == "rows" else 0
    for number, result in enumerate(data_api.results(data_api.describe(call.statement_id)), 1):
        outcome: dict[str, Any] = {"number": number, "rows_affected": result.rows, "duration_ms": result.duration_ms}
        if result.has_result:
            read = _read(result.statement_id, budget, f"results/{call.execution.rsplit(':', 1)[-1]}/{call.unit + 1}-{number}.jsonl")
            budget -= read.pop("bytes", 0)
            outcome |= read
        outcomes.append(outcome)
    return {"statement_id": call.statement_id, "statements": outcomes}


def _read(statement_id: str, budget_bytes: int, key: str) -> dict[str, Any]:
    columns, rows = data_api.read(statement_id)
    kept: list[list[Any]] = []
    size = _bytes(columns)
    for row in rows:
        kept.append(row)
        size += _bytes(row)
        if size > budget_bytes:
            return {"result_uri": _write(columns, chain(kept, rows), key)}
    if size > budget_bytes:
        return {"result_uri": _write(columns, iter(kept), key)}
    return {"columns": columns, "rows": kept, "bytes": size}


def _bytes(value: list[Any]) -> int:
    """What a value takes in a state's output at most: Lambda writes it as the standard library does."""
    return len(json.dumps(value)) + 2


def _write(columns: list[str], rows: Any, key: str) -> str:
    names = unique(columns)
    with tempfile.NamedTemporaryFile() as file:
        for row in rows:
            file.write(msgspec.json.encode(dict(zip(names, row, strict=True))) + b"\n")
        file.flush()
        return files.write_file(key, file.name)
