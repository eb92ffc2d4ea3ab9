"""Streaming ingestion: external schemas on Kinesis, streaming materialized views, and their refresh.

A view that refreshes automatically is refreshed when it is read, so that a query finds what lies in the stream; Redshift does it by itself, some
seconds after the records came.
"""

from __future__ import annotations

import json

from sqlglot import exp

from sandbox.kernel import ApiError
from sandbox.sql import tables
from sandbox.sql.errors import SqlError, unsupported
from sandbox.sql.lexer import Statement, quote
from sandbox.sql.results import Result
from sandbox.sql.session import Session

KINESIS = 9
#: What is no view of a user, and so need not be looked at.
_SYSTEM = ("pg_", "stl_", "stv_", "svl_", "svv_", "sys_")


def create_kinesis_schema(session: Session, source: Statement) -> Result:
    """CREATE EXTERNAL SCHEMA [IF NOT EXISTS] name FROM KINESIS IAM_ROLE {default | 'arn'}."""
    index = 6 if source.words[3:6] == ("IF", "NOT", "EXISTS") else 3
    name, role = source.name_at(index), index + 3
    if source.words[role : role + 1] != ("IAM_ROLE",) or len(source.tokens) != role + 2:
        raise source.syntax_error(role)
    arn = "default" if source.words[role + 1] == "DEFAULT" else source.string_at(role + 1)
    if arn != "default" and not arn.startswith("arn:"):
        raise unsupported(f"IAM_ROLE '{arn}'")
    if index == 6 and session.run("SELECT 1 FROM pg_namespace WHERE nspname = $1", (name,)).rows:
        return Result()
    role_arn = session.iam_role(arn)
    with session.all_or_nothing():
        session.run(f"CREATE SCHEMA {quote(name)}")
        session.run(
            "SELECT redshift_set_external_schema($1, $2::integer, '', $3)", (name, str(KINESIS), json.dumps({"IAM_ROLE": role_arn}))
        )
    return Result()


def create_materialized_view(session: Session, source: Statement) -> Result:
    """CREATE MATERIALIZED VIEW, also over a stream, whose records come with its first refresh."""
    session.new_readers = []
    try:
        with session.all_or_nothing():
            result = tables.create_materialized_view(session, source)
            if len(session.new_readers) > 1:
                raise SqlError("a streaming materialized view reads one stream", "0A000")
            name, _ = source.qualified_name_at(source.find("VIEW") + 1)
            for reader in session.new_readers:
                session.run("SELECT redshift_bind_stream_reader($1::bigint, $2::regclass)", (reader, name))
        return result
    finally:
        session.new_readers = None


def refresh_materialized_view(session: Session, source: Statement) -> Result:
    """REFRESH MATERIALIZED VIEW name: a streaming one takes what its stream holds by now."""
    name, _ = source.qualified_name_at(3)
    with session.all_or_nothing():
        for reader in _readers(session, name, automatic=False):
            _take(session, reader, refreshing=False)
        return tables.refresh_materialized_view(session, source)


def relation(session: Session, table: exp.Table) -> exp.Expression | None:
    """A stream in the query of a view is read by the records that the view took; a view that refreshes automatically is refreshed before it is read."""
    if table.catalog and table.catalog.lower() != session.database:
        return None
    schema = table.db.lower()
    found = session.run("SELECT eskind, esoptions FROM redshift_external_schema($1)", (schema,)).rows if schema else []
    if found and found[0][0] == str(KINESIS):
        return _stream(session, table, schema, json.loads(str(found[0][1]))["IAM_ROLE"])
    if table.name.lower().startswith(_SYSTEM):
        return None
    name = f"{quote(schema)}.{quote(table.name.lower())}" if schema else quote(table.name.lower())
    for reader in _readers(session, name, automatic=True):
        _take(session, reader, refreshing=True)
    return None


def _stream(session: Session, table: exp.Table, schema: str, role: str) -> exp.Expression:
    name = exact_name(session, table.this)
    if session.new_readers is None:
        raise SqlError(f"{schema}.{name} is a stream: it can be read by a materialized view only", "0A000")
    _describe(session, role, name)
    reader = session.run("SELECT redshift_new_stream_reader($1, $2, $3)", (schema, name, role)).rows[0][0]
    session.new_readers.append(str(reader))
    records = exp.Anonymous(this="redshift_stream_records", expressions=[exp.Literal.number(str(reader))])
    return exp.Table(this=records, alias=exp.TableAlias(this=exp.to_identifier(table.alias or name, quoted=True)))


def exact_name(session: Session, name: exp.Expression) -> str:
    """The name of something outside the database: its capital letters count where the session keeps them, in quotes."""
    return name.name if name.args.get("quoted") and session.case_sensitive else name.name.lower()


def _describe(session: Session, role: str, stream: str) -> None:
    try:
        session.outside.describe_stream(role, stream)
    except ApiError as error:
        raise _refused(role, stream, error) from error


def _readers(session: Session, name: str, *, automatic: bool) -> list[tuple[str | None, ...]]:
    return session.run("SELECT id, stream, role, positions FROM redshift_stream_readers($1, $2)", (name, automatic)).rows


def _take(session: Session, reader: tuple[str | None, ...], *, refreshing: bool) -> None:
    """Take what the stream has behind the positions. A refresh that came in between has taken it already."""
    identity, stream, role, positions = map(str, reader)
    try:
        taken = session.outside.stream_records(role, stream, json.loads(positions))
    except ApiError as error:
        if refreshing:
            return  # what refreshes by itself fails without the reader's knowing; the view shows what it has
        raise _refused(role, stream, error) from error
    if taken:
        values = (identity, positions, json.dumps(taken), str(session.query_id), refreshing)
        session.run("SELECT redshift_take_records($1::bigint, $2::jsonb, $3::jsonb, $4::bigint, $5)", values)


def _refused(role: str, stream: str, error: ApiError) -> SqlError:
    return SqlError(f"Kinesis API call returned an error for stream {stream} with role {role}: {error.message} ({error.code})", "58000")
