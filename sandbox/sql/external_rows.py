"""What lies in the files of an external table, as rows of text: CSV, delimited text, JSON and Parquet, read as Spectrum reads them."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sandbox.sql.copy_formats import Row, json_text, parquet_text
from sandbox.sql.errors import SqlError, unsupported

#: Types of the catalog by those of the database. Source: CREATE EXTERNAL TABLE, data types.
_TYPES = {
    "boolean": "boolean",
    "tinyint": "smallint",
    "smallint": "smallint",
    "int": "integer",
    "integer": "integer",
    "bigint": "bigint",
    "float": "real",
    "real": "real",
    "double": "double precision",
    "double precision": "double precision",
    "date": "date",
    "timestamp": "timestamp",
    "string": "varchar(65535)",
    "binary": "bytea",
}
_SIZED = {"varchar": "varchar", "char": "char", "character": "char", "decimal": "numeric", "numeric": "numeric"}


def database_type(name: str) -> str:
    """The database's type for one of the catalog's; raises SqlError for a nested one."""
    plain = name.strip().lower()
    if plain in _TYPES:
        return _TYPES[plain]
    head, bracket, size = plain.partition("(")
    if head in _SIZED and all(part.strip().isdigit() for part in size.rstrip(")").split(",")) == bool(bracket):
        return _SIZED[head] + bracket + size
    raise unsupported(f"the type {name} of an external table")


def rows(name: str, body: bytes, description: dict[str, Any], parameters: dict[str, str], columns: list[tuple[str, str]]) -> Iterator[Row]:
    """The rows of one file. `description` is a StorageDescriptor of the catalog, `parameters` the table's; `columns` are names and the database's types."""
    serde = description.get("SerdeInfo", {})
    library, options = str(serde.get("SerializationLibrary", "")), dict(serde.get("Parameters", {}))
    skipped = int(parameters.get("skip.header.line.count") or options.get("skip.header.line.count") or 0)
    read = _READERS.get(library.rpartition(".")[2])
    if read is None:
        raise unsupported(f"the SerDe {library or 'of no name'} of an external table")
    if library.endswith("ParquetHiveSerDe"):
        yield from read(name, body, options, columns, 0)
        return
    for found in read(name, _decompressed(name, body), options, columns, skipped):
        filled = [*found[: len(columns)], *[None] * (len(columns) - len(found))]
        yield [_value(value, kind) for value, (_, kind) in zip(filled, columns, strict=True)]


def as_csv(found: Iterator[Row]) -> bytes:
    """Rows as the database reads them from a file: NULL is nothing, every text is in quotes."""
    return "".join(
        ",".join("" if value is None else '"' + value.replace('"', '""') + '"' for value in row) + "\n" for row in found
    ).encode()


def _value(value: str | None, kind: str) -> str | None:
    """An empty field is no number and no date: it is NULL."""
    return None if value == "" and not kind.startswith(("varchar", "char")) else value


def _decompressed(name: str, body: bytes) -> bytes:
    if name.endswith(".gz"):
        return gzip.decompress(body)
    return bz2.decompress(body) if name.endswith(".bz2") else body


def _csv(name: str, body: bytes, options: dict[str, str], _columns: list[tuple[str, str]], skipped: int) -> Iterator[Row]:
    reader = csv.reader(
        io.StringIO(body.decode("utf-8-sig", errors="replace")),
        delimiter=options.get("separatorChar", ","),
        quotechar=options.get("quoteChar", '"'),
        escapechar=options.get("escapeChar", "\\"),
    )
    try:
        for number, values in enumerate(reader):
            if number >= skipped and values:
                yield [*values]
    except csv.Error as error:
        raise SqlError(f"Spectrum Scan Error: '{name}' line {reader.line_num}: {error}", "XX000") from error


def _text(_name: str, body: bytes, options: dict[str, str], _columns: list[tuple[str, str]], skipped: int) -> Iterator[Row]:
    delimiter = (options.get("field.delim") or options.get("serialization.format") or "\x01").replace("\\t", "\t")
    null = options.get("serialization.null.format", "\\N")
    for line in body.decode("utf-8-sig", errors="replace").splitlines()[skipped:]:
        yield [None if value == null else value for value in line.split(delimiter if delimiter != "1" else "\x01")]


def _json(name: str, body: bytes, _options: dict[str, str], columns: list[tuple[str, str]], skipped: int) -> Iterator[Row]:
    for number, line in enumerate(body.decode("utf-8-sig", errors="replace").splitlines(), start=1):
        if number <= skipped or not line.strip():
            continue
        try:
            found = json.loads(line, parse_float=Decimal)
        except ValueError as error:
            raise SqlError(f"Spectrum Scan Error: '{name}' line {number} is not valid JSON", "XX000") from error
        fields = {key.lower(): value for key, value in found.items()} if isinstance(found, dict) else {}
        yield [json_text(fields.get(column)) for column, _ in columns]


def _parquet(name: str, body: bytes, _options: dict[str, str], columns: list[tuple[str, str]], _skipped: int) -> Iterator[Row]:
    try:
        table = pq.read_table(io.BytesIO(body))
    except pa.ArrowInvalid as error:
        raise SqlError(f"Spectrum Scan Error: File '{name}' is not a valid Parquet file", "XX000") from error
    for row in table.rename_columns([column.lower() for column in table.column_names]).to_pylist():
        yield [parquet_text(row.get(column)) for column, _ in columns]


_READERS: dict[str, Callable[[str, bytes, dict[str, str], list[tuple[str, str]], int], Iterator[Row]]] = {
    "OpenCSVSerde": _csv,
    "LazySimpleSerDe": _text,
    "JsonSerDe": _json,
    "ParquetHiveSerDe": _parquet,
}
