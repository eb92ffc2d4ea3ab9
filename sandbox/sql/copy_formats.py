"""What COPY reads: a file of CSV, delimited text, JSON or Parquet as records of text fields."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sandbox.sql.errors import SqlError, unsupported
from sandbox.sql.session import Files
from sandbox.sql.transfer_files import content, decompressed
from sandbox.sql.transfer_options import Options

Row = list[str | None]


@dataclass
class Record:
    """One record of a file, as the database will be given it; `unreadable` names the column whose format is not as asked for."""

    file: str
    line: int
    values: Row
    raw: str
    unreadable: str = ""


def read_records(files: Files, name: str, columns: list[tuple[str, str]], options: Options) -> Iterator[Record]:
    """The records of one file, as its format and the options say."""
    body = decompressed(content(files, name), options)
    if options.format == "PARQUET":
        yield from _parquet_records(name, body, columns)
        return
    text = body.decode("utf-8-sig", errors="replace" if "ACCEPTINVCHARS" in options.values else "strict")
    if options.format == "JSON":
        parsed = _json_records(files, name, text, columns, options)
    elif options.format == "CSV":
        parsed = _csv_records(name, text, options)
    else:
        parsed = _text_records(name, text, options)
    for record in parsed:
        values = [_cleaned(value, options) for value in record.values]
        if len(values) < len(columns) and options.has("FILLRECORD"):
            values += [None] * (len(columns) - len(values))
        yield Record(record.file, record.line, values, record.raw)


def _cleaned(value: str | None, options: Options) -> str | None:
    if value is None or value == options.values.get("NULL", "\\N" if options.format == "TEXT" else None):
        return None
    if options.has("TRIMBLANKS"):
        value = value.rstrip(" ")
    if (value == "" and (options.has("EMPTYASNULL") or options.has("BLANKSASNULL"))) or (options.has("BLANKSASNULL") and value.isspace()):
        return None
    return value


def _csv_records(name: str, text: str, options: Options) -> Iterator[Record]:
    reader = csv.reader(io.StringIO(text), delimiter=options.delimiter(","), quotechar=options.values.get("QUOTE", '"'), strict=True)
    skip, end = options.number("IGNOREHEADER"), 0
    lines = text.splitlines()
    try:
        for values in reader:
            start, end = end + 1, reader.line_num
            if start > skip and (values or not options.has("IGNOREBLANKLINES")):
                yield Record(name, start, list(values), "\n".join(lines[start - 1 : end]))
    except csv.Error as error:
        raise SqlError(f"Invalid CSV in '{name}' line {reader.line_num}: {error}", "22P04") from error


def _text_records(name: str, text: str, options: Options) -> Iterator[Record]:
    delimiter, skip = options.delimiter("|"), options.number("IGNOREHEADER")
    for number, line in enumerate(text.splitlines(), start=1):
        if number <= skip or (not line and options.has("IGNOREBLANKLINES")):
            continue
        yield Record(name, number, [*_text_values(line, delimiter, options)], line)


def _text_values(line: str, delimiter: str, options: Options) -> Iterator[str]:
    quoted, escaped = options.has("REMOVEQUOTES"), options.has("ESCAPE")
    value, inside, at = "", "", 0
    while at < len(line):
        character = line[at]
        if escaped and character == "\\" and at + 1 < len(line):
            value, at = value + line[at + 1], at + 2
            continue
        if quoted and character in "\"'" and (character == inside or (not inside and not value)):
            inside = "" if inside else character
        elif character == delimiter and not inside:
            yield value
            value = ""
        else:
            value += character
        at += 1
    yield value


def _json_records(files: Files, name: str, text: str, columns: list[tuple[str, str]], options: Options) -> Iterator[Record]:
    mode = options.values.get("JSON", "auto")
    pick = _json_picker(files, mode, columns)
    decoder, at = json.JSONDecoder(parse_float=Decimal), 0
    while (at := _skip_space(text, at)) < len(text):
        line = text.count("\n", 0, at) + 1
        try:
            value, end = decoder.raw_decode(text, at)
        except ValueError as error:
            raise SqlError(f"Invalid JSON format in '{name}' line {line}: {error}", "22P02") from error
        yield from (Record(name, line, pick(each), text[at:end]) for each in (value if isinstance(value, list) else [value]))
        at = end


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _json_picker(files: Files, mode: str, columns: list[tuple[str, str]]) -> Callable[[Any], Row]:
    if mode in ("auto", "auto ignorecase"):
        fold: Callable[[str], str] = str.lower if mode == "auto ignorecase" else str
        return lambda value: [json_text({fold(key): v for key, v in value.items()}.get(column)) for column, _ in columns]
    if not mode.startswith("s3://"):
        raise unsupported(f"JSON '{mode}'")
    try:
        paths = [_json_path(path) for path in json.loads(content(files, mode))["jsonpaths"]]
    except (ValueError, KeyError, TypeError) as error:
        raise SqlError(f"Invalid JSONPath file '{mode}'", "22023") from error
    return lambda value: [json_text(_walk(value, path)) for path in paths]


def _json_path(path: str) -> list[str | int]:
    found = re.findall(r"\.(\w+)|\[(\d+)\]|\['([^']+)'\]", path)
    if not path.startswith("$") or sum(map(len, re.findall(r"\.\w+|\[\d+\]|\['[^']+'\]", path))) != len(path) - 1:
        raise SqlError(f"Invalid JSONPath format: {path}", "22023")
    return [int(index) if index else plain or quoted for plain, index, quoted in found]


def _walk(value: Any, path: list[str | int]) -> Any:
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def json_text(value: Any) -> str | None:
    """A value of JSON as text; what is nested stays JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal | int):
        return str(value)
    return json.dumps(value, separators=(",", ":"), default=float)


def _parquet_records(name: str, body: bytes, columns: list[tuple[str, str]]) -> Iterator[Record]:
    try:
        table = pq.read_table(io.BytesIO(body))
    except pa.ArrowInvalid as error:
        raise SqlError(f"Spectrum Scan Error: File '{name}' is not a valid Parquet file", "XX000") from error
    if table.num_columns != len(columns):
        raise SqlError(f"Spectrum Scan Error: File '{name}' has {table.num_columns} columns, {len(columns)} were expected", "XX000")
    for number, row in enumerate(zip(*(column.to_pylist() for column in table.columns), strict=True), start=1):
        values = [parquet_text(value) for value in row]
        yield Record(name, number, values, "|".join(value or "" for value in values))


def parquet_text(value: Any) -> str | None:
    """A value of Parquet as text that the database reads."""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    return json_text(value) if isinstance(value, dict | list | bool) or value is None else str(value)
