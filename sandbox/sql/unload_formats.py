"""What UNLOAD writes: rows as a file of CSV, delimited text, JSON or Parquet."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sandbox.sql.results import Column
from sandbox.sql.transfer_options import Options


def render(columns: tuple[Column, ...], rows: Iterable[tuple[str | None, ...]], options: Options) -> bytes:
    """The content of one file, in the format of the options."""
    body = {"CSV": _csv_body, "TEXT": _text_body, "JSON": _json_body, "PARQUET": _parquet_body}[options.format]
    return body(columns, rows, options)


def _csv_body(columns: tuple[Column, ...], rows: Iterable[tuple[str | None, ...]], options: Options) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=options.delimiter(","), lineterminator="\n")
    if options.has("HEADER"):
        writer.writerow([column.name for column in columns])
    for row in rows:
        writer.writerow([options.values.get("NULL", "") if value is None else value for value in row])
    return out.getvalue().encode()


def _text_body(columns: tuple[Column, ...], rows: Iterable[tuple[str | None, ...]], options: Options) -> bytes:
    delimiter, null = options.delimiter("|"), options.values.get("NULL", "")
    lines = [delimiter.join(column.name for column in columns)] if options.has("HEADER") else []
    lines += [delimiter.join(null if value is None else _text_field(value, delimiter, options) for value in row) for row in rows]
    return "".join(line + "\n" for line in lines).encode()


def _text_field(value: str, delimiter: str, options: Options) -> str:
    if options.has("ESCAPE"):
        value = re.sub(rf"([\\\n\r\"'{re.escape(delimiter)}])", r"\\\1", value)
    return f'"{value}"' if options.has("ADDQUOTES") else value


def _json_body(columns: tuple[Column, ...], rows: Iterable[tuple[str | None, ...]], _options: Options) -> bytes:
    lines = [
        json.dumps(
            {column.name: _json_value(value, column) for column, value in zip(columns, row, strict=True) if value is not None},
            separators=(",", ":"),
        )
        for row in rows
    ]
    return "".join(line + "\n" for line in lines).encode()


def _json_value(value: str | None, column: Column) -> Any:
    if value is not None and column.type_oid in (114, 3802):
        return json.loads(value)
    typed = _python_value(value, column)
    return float(typed) if isinstance(typed, Decimal) else value if isinstance(typed, date | datetime) else typed


def _python_value(value: str | None, column: Column) -> Any:
    if value is None:
        return None
    match column.type_oid:
        case 16:
            return value == "t"
        case 20 | 21 | 23 | 26:
            return int(value)
        case 700 | 701:
            return float(value)
        case 1700:
            return Decimal(value)
        case 1082:
            return date.fromisoformat(value)
        case 1114 | 1184:
            return datetime.fromisoformat(value + ":00" if column.type_oid == 1184 and value[-3] in "+-" else value)
        case _:
            return value


def _parquet_body(columns: tuple[Column, ...], rows: Iterable[tuple[str | None, ...]], _options: Options) -> bytes:
    listed = list(rows)
    arrays = [pa.array([_python_value(row[i], column) for row in listed], type=_arrow_type(column)) for i, column in enumerate(columns)]
    out = io.BytesIO()
    pq.write_table(pa.table(arrays, names=[column.name for column in columns]), out)
    return out.getvalue()


def _arrow_type(column: Column) -> pa.DataType:
    if column.type_oid == 1700:
        if column.type_modifier < 4:
            return pa.decimal128(38, 10)
        return pa.decimal128((column.type_modifier - 4) >> 16, (column.type_modifier - 4) & 0xFFFF)
    simple = {
        16: pa.bool_(),
        20: pa.int64(),
        21: pa.int16(),
        23: pa.int32(),
        26: pa.int64(),
        700: pa.float32(),
        701: pa.float64(),
        1082: pa.date32(),
    }
    stamps = {1114: pa.timestamp("us"), 1184: pa.timestamp("us", tz="UTC")}
    return simple.get(column.type_oid) or stamps.get(column.type_oid) or pa.string()
