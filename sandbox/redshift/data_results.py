"""Results as the Data API answers them: typed fields or CSV, in pages, with what is known of each column."""

from __future__ import annotations

import csv
import io
import json

from sandbox.kernel import ApiError
from sandbox.redshift.answers import Params
from sandbox.redshift.data_answers import entries_before, invalid, token_after
from sandbox.redshift.data_statements import Part, Request
from sandbox.sql.results import Column, Result

PAGE_ROWS = 1000

_TYPES: dict[int, tuple[str, str]] = {  # PostgreSQL's type -> its name in Redshift and the field that carries the value
    16: ("bool", "booleanValue"),
    17: ("varbyte", "stringValue"),
    18: ("char", "stringValue"),
    19: ("name", "stringValue"),
    20: ("int8", "longValue"),
    21: ("int2", "longValue"),
    23: ("int4", "longValue"),
    26: ("oid", "longValue"),
    700: ("float4", "doubleValue"),
    701: ("float8", "doubleValue"),
    1042: ("bpchar", "stringValue"),
    1082: ("date", "stringValue"),
    1083: ("time", "stringValue"),
    1114: ("timestamp", "stringValue"),
    1184: ("timestamptz", "stringValue"),
    1186: ("interval", "stringValue"),
    1266: ("timetz", "stringValue"),
    1700: ("numeric", "stringValue"),
    3802: ("super", "stringValue"),
}


def typed_records(request: Request, part: Part | None, next_token: str | None) -> Params:
    """A page of a result as fields that say their type."""
    result, rows, answer = _page_of_rows(request, part, next_token, "JSON")
    return answer | {"Records": [[_field(value, column) for value, column in zip(row, result.columns, strict=True)] for row in rows]}


def csv_records(request: Request, part: Part | None, next_token: str | None) -> Params:
    """A page of a result as CSV; the first begins with the names of the columns."""
    result, rows, answer = _page_of_rows(request, part, next_token, "CSV")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    if not next_token:
        writer.writerow([column.name for column in result.columns])
    writer.writerows([["" if value is None else value for value in row] for row in rows])
    return answer | {"Records": [{"CSVRecords": out.getvalue()}], "ResultFormat": "CSV"}


def _page_of_rows(
    request: Request, part: Part | None, next_token: str | None, wanted: str
) -> tuple[Result, list[tuple[str | None, ...]], Params]:
    chosen = part or (request.parts[0] if not request.batch else None)
    result = chosen.result if chosen and (request.status == "FINISHED" or request.auto_commit) else None
    if result is None or not result.columns:
        raise ApiError("ResourceNotFoundException", "Query does not have result. Please check query status with DescribeStatement.")
    if request.result_format != wanted:
        operation = "GetStatementResultV2" if request.result_format == "CSV" else "GetStatementResult"
        raise invalid(f"The result format of this statement is {request.result_format}: use {operation}.")
    start = entries_before(next_token)
    answer: Params = {"ColumnMetadata": [_metadata(column) for column in result.columns], "TotalNumRows": len(result.rows)}
    if start + PAGE_ROWS < len(result.rows):
        answer["NextToken"] = token_after(start + PAGE_ROWS)
    return result, result.rows[start : start + PAGE_ROWS], answer


def _field(value: str | None, column: Column) -> Params:
    if value is None:
        return {"isNull": True}
    kind = _TYPES.get(column.type_oid, ("varchar", "stringValue"))[1]
    if kind == "booleanValue":
        return {kind: value == "t"}
    if kind == "longValue":
        return {kind: int(value)}
    if kind == "doubleValue":
        return {kind: float(value)}
    if column.type_oid == 3802:
        return {kind: json.dumps(json.loads(value), separators=(",", ":"), ensure_ascii=False)}
    return {kind: value}


def _metadata(column: Column) -> Params:
    name, kind = _TYPES.get(column.type_oid, ("varchar", "stringValue"))
    modifier = column.type_modifier - 4 if column.type_modifier >= 4 else 0
    numeric = name == "numeric"
    return {
        "name": column.name, "label": column.name, "typeName": name, "nullable": 1, "schemaName": "", "tableName": "", "isCurrency": False,
        "isCaseSensitive": name in ("varchar", "bpchar", "char"), "isSigned": kind in ("longValue", "doubleValue") or numeric,
        "length": 0 if numeric else modifier, "precision": modifier >> 16 if numeric else modifier, "scale": modifier & 0xFFFF if numeric else 0,
    }  # fmt: skip
