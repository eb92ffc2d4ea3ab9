"""COPY: files of the sandbox's S3 into a table; what cannot be loaded is found in the load error views."""

from __future__ import annotations

import re
from dataclasses import dataclass

import psycopg

from sandbox.sql.copy_formats import Record, read_records
from sandbox.sql.copy_values import converted
from sandbox.sql.errors import SqlError
from sandbox.sql.lexer import Statement, quote
from sandbox.sql.results import Result
from sandbox.sql.session import Session
from sandbox.sql.transfer_files import files_of, objects_in_manifest, objects_under
from sandbox.sql.transfer_options import Options, read_options

_COPY_OPTIONS = {
    "GZIP", "BZIP2", "MANIFEST", "EMPTYASNULL", "BLANKSASNULL", "TRIMBLANKS", "TRUNCATECOLUMNS", "FILLRECORD", "IGNOREBLANKLINES", "REMOVEQUOTES",
    "ESCAPE", "EXPLICIT_IDS", "IAM_ROLE", "CREDENTIALS", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "FORMAT", "CSV", "PARQUET", "JSON",
    "QUOTE", "DELIMITER", "IGNOREHEADER", "NULL", "DATEFORMAT", "TIMEFORMAT", "REGION", "MAXERROR", "STATUPDATE", "COMPUPDATE", "ENCODING",
    "ACCEPTINVCHARS", "ACCEPTANYDATE",
}  # fmt: skip
_LOAD_ERRORS = {  # SQLSTATE -> Redshift's code and reason
    "22P02": (1207, "Invalid digit, value or format for the column's type"),
    "22003": (1216, "Overflow, the value is out of range for the column's type"),
    "22001": (1204, "String length exceeds DDL length"),
    "22007": (1206, "Invalid date or timestamp format"),
    "22008": (1205, "Date or timestamp out of range"),
    "23502": (1213, "Missing data for not-null field"),
}


@dataclass(frozen=True)
class Rejection:
    """Why a record could not be loaded: its position, the column, and Redshift's code and reason."""

    position: int
    column: str
    code: int
    reason: str


def copy(session: Session, source: Statement) -> Result:
    """COPY table [(columns)] FROM 's3://...' with the usual options; a bad row fails it, and is found in the load error views."""
    table, index = source.qualified_name_at(1)
    wanted: list[str] = []
    if source.words[index : index + 1] == ("(",):
        wanted, index = source.names_in_parentheses(index)
    if source.words[index : index + 1] != ("FROM",):
        raise source.syntax_error(index)
    uri = source.string_at(index + 1)
    options = read_options(source, index + 2, _COPY_OPTIONS)
    files = files_of(session)
    columns = _table_columns(session, table, wanted, options)
    names = objects_in_manifest(files, uri) if options.has("MANIFEST") else objects_under(files, uri)
    records = [record for name in names for record in read_records(files, name, columns, options)]
    return _load(session, table, columns, records, options)


def _table_columns(session: Session, table: str, wanted: list[str], options: Options) -> list[tuple[str, str]]:
    """Names and types of the columns that the file fills, in its order."""
    query = (
        "SELECT attname, redshift_type_name(atttypid, atttypmod), attidentity FROM pg_attribute "
        "WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    )
    found = {str(name): (str(kind), identity) for name, kind, identity in session.run(query, (table,)).rows}
    for name in wanted:
        if name not in found:
            raise SqlError(f'column "{name}" of relation {table} does not exist', "42703")
    skipped = () if options.has("EXPLICIT_IDS") else ("a", "d")
    return [(name, found[name][0]) for name in (wanted or [n for n, (_, identity) in found.items() if identity not in skipped])]


def _load(session: Session, table: str, columns: list[tuple[str, str]], records: list[Record], options: Options) -> Result:
    allowed, rejected, pending = options.number("MAXERROR"), 0, converted(records, columns, options)
    was_empty = session.run("SELECT pg_relation_size($1::regclass)", (table,)).rows == [("0",)]
    with session.all_or_nothing():
        while failure := _try_load(session, table, columns, pending):
            bad = pending[failure.position]
            _record_error(session, table, bad, failure, dict(columns))
            rejected += 1
            if rejected > allowed:
                raise _load_failed(table, bad, failure)
            pending = pending[: failure.position] + pending[failure.position + 1 :]
    session.run("SELECT set_config('redshift.last_copy_count', $1, false)", (str(len(pending)),))
    if options.values.get("STATUPDATE", "ON" if was_empty else "OFF") in ("ON", "TRUE"):
        session.settle_statistics()
        session.run(f"ANALYZE {table}")
    return Result(row_count=len(pending))


def _try_load(session: Session, table: str, columns: list[tuple[str, str]], records: list[Record]) -> Rejection | None:
    """Load all records or none; returns why the first bad one was rejected."""
    for position, record in enumerate(records):
        if len(record.values) < len(columns):
            return Rejection(position, columns[len(record.values)][0], 1214, "Delimiter not found")
        if len(record.values) > len(columns):
            return Rejection(position, "", 1202, "Extra column(s) found")
        if record.unreadable:
            return Rejection(position, record.unreadable, *_LOAD_ERRORS["22007"])
    names = ", ".join(quote(name) for name, _ in columns)
    try:
        with (
            session.all_or_nothing(),
            session.connection.cursor() as cursor,
            cursor.copy(f"COPY {table} ({names}) FROM STDIN".encode()) as stream,
        ):
            for record in records:
                stream.write_row(record.values)
    except (psycopg.DataError, psycopg.errors.NotNullViolation) as error:
        return _rejection(error)
    return None


def _rejection(error: psycopg.Error) -> Rejection:
    context = error.diag.context or ""
    line, column = re.search(r"line (\d+)", context), re.search(r"column (\w+)", context)
    if not line:
        raise error
    code, reason = _LOAD_ERRORS.get(error.sqlstate or "", (1224, "Unknown type conversion error"))
    name = column[1] if column else error.diag.column_name or ""
    return Rejection(int(line[1]) - 1, name, code, f"{reason} ({error.diag.message_primary})")


def _record_error(session: Session, table: str, record: Record, failure: Rejection, types: dict[str, str]) -> None:
    table_id = session.run("SELECT $1::regclass::oid", (table,)).rows[0][0]
    session.databases.history.add(
        "load_error", warehouse=session.warehouse, user_id=session.user_id, user_name=session.user, query_id=session.query_id,
        table_id=int(table_id or 0), table_name=_plain(table), session_id=session.pid, database_name=session.database, file_name=record.file,
        line_number=record.line, column_name=failure.column, column_type=types.get(failure.column, ""), raw_line=record.raw,
        error_code=failure.code, error_message=failure.reason,
    )  # fmt: skip


def _load_failed(table: str, bad: Record, failure: Rejection) -> SqlError:
    place = f"{bad.file} line {bad.line}" + (f", column {failure.column}" if failure.column else "")
    hint = "Check 'sys_load_error_detail' system table for details."
    return SqlError(f"Load into table '{_plain(table)}' failed. {hint} ({place}: {failure.reason})", "XX000")


def _plain(table: str) -> str:
    return table.replace('"', "").split(".")[-1]
