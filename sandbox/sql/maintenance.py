"""VACUUM, ANALYZE, ANALYZE COMPRESSION and CANCEL."""

from __future__ import annotations

import zlib

from sandbox.sql.errors import SqlError, unsupported
from sandbox.sql.lexer import Statement
from sandbox.sql.results import Column, Result
from sandbox.sql.session import Session

_TEXT_OID, _NUMERIC_OID, _VARCHAR_OID = 25, 1700, 1043
_MODES: dict[tuple[str, ...], tuple[bool, bool]] = {  # words -> (sorts, reclaims)
    ("FULL",): (True, True),
    ("SORT", "ONLY"): (True, False),
    ("DELETE", "ONLY"): (False, True),
    ("REINDEX",): (True, True),
    ("RECLUSTER",): (True, False),
}
_SAMPLE_ROWS = 100_000


def vacuum(session: Session, source: Statement) -> Result:
    """VACUUM [mode] [table] [TO n PERCENT] [BOOST]: really sorts the rows by the sort key and reclaims deleted ones."""
    session.refuse_in_transaction("VACUUM")
    sorts, reclaims, index = True, True, 1
    for words, (mode_sorts, mode_reclaims) in _MODES.items():
        if source.words[1 : 1 + len(words)] == words:
            sorts, reclaims, index = mode_sorts, mode_reclaims, 1 + len(words)
    table = None
    if index < len(source.tokens) and source.words[index] != "BOOST":
        table, index = source.qualified_name_at(index)
    _threshold(source, index)
    session.settle_statistics()
    with session.databases.vacuum(session.warehouse):
        for name in [table] if table else _own_tables(session):
            if sorts:
                _sort(session, name)
            session.run(f"VACUUM {name}" if reclaims else f"SELECT 1 FROM {name} LIMIT 0")  # noqa: S608 - names are quoted, values are bound
    return Result()


def _threshold(source: Statement, index: int) -> None:
    if source.words[index : index + 1] == ("TO",):
        if source.words[index + 2 : index + 3] != ("PERCENT",):
            raise source.syntax_error(index + 1)
        index += 3
    if source.words[index:] not in ((), ("BOOST",)):
        raise source.syntax_error(index)


def _own_tables(session: Session) -> list[str]:
    query = (
        "SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' "
        "AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'sandbox_private') AND pg_has_role(c.relowner, 'USAGE')"
    )
    return [str(name) for (name,) in session.run(query).rows]


def _sort(session: Session, table: str) -> None:
    keys = session.run("SELECT array_to_string(redshift_sort_columns($1::regclass), ', ')", (table,)).rows[0][0]
    if not keys:
        return
    with session.all_or_nothing():
        session.run(f"CREATE INDEX sandbox_vacuum ON {table} ({keys})")
        session.run(f"CLUSTER {table} USING sandbox_vacuum")
        schema = session.run(
            "SELECT quote_ident(n.nspname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::regclass",
            (table,),
        )
        session.run(f"DROP INDEX {schema.rows[0][0]}.sandbox_vacuum")


def analyze(session: Session, source: Statement) -> Result:
    """ANALYZE [VERBOSE] [table [(columns)]] [PREDICATE COLUMNS | ALL COLUMNS]."""
    session.settle_statistics()
    index = 2 if source.words[1:2] == ("VERBOSE",) else 1
    if index == len(source.tokens):
        for name in _own_tables(session):
            session.run(f"ANALYZE {name}")
        return Result()
    table, index = source.qualified_name_at(index)
    columns = ""
    if source.words[index : index + 1] == ("(",):
        close = source.closing(index)
        columns, index = source.text_of(index, close + 1), close + 1
    if source.words[index:] not in ((), ("PREDICATE", "COLUMNS"), ("ALL", "COLUMNS")):
        raise source.syntax_error(index)
    session.run("SELECT redshift_own($1::regclass)", (table,))
    return session.run(f"ANALYZE {table} {columns}")


def analyze_compression(session: Session, source: Statement) -> Result:
    """ANALYZE COMPRESSION table: each column's values are compressed, and the saving is what really came out."""
    if len(source.tokens) < 3:
        raise unsupported("ANALYZE COMPRESSION of all tables")
    table, index = source.qualified_name_at(2)
    if index < len(source.tokens):
        raise unsupported(f"ANALYZE COMPRESSION with {source.words[index]}")
    sample = session.run(f"SELECT * FROM {table} LIMIT {_SAMPLE_ROWS}")  # noqa: S608 - names are quoted, values are bound
    rows: list[tuple[str | None, ...]] = []
    for position, column in enumerate(sample.columns):
        saved = _saving_percent([row[position] or "" for row in sample.rows])
        encoding = "raw" if saved < 1 else "zstd" if column.type_oid in (_TEXT_OID, _VARCHAR_OID) else "az64"
        rows.append((table.replace('"', "").split(".")[-1], column.name, encoding, f"{saved if encoding != 'raw' else 0:.2f}"))
    names = (("Table", _TEXT_OID), ("Column", _TEXT_OID), ("Encoding", _TEXT_OID), ("Est_reduction_pct", _NUMERIC_OID))
    return Result(tuple(Column(name, oid, -1) for name, oid in names), rows, len(rows))


def _saving_percent(values: list[str]) -> float:
    plain = "\n".join(values).encode()
    return max(0.0, 100 - 100 * len(zlib.compress(plain)) / len(plain)) if plain else 0.0


def cancel(session: Session, source: Statement) -> Result:
    """CANCEL process id ['message']."""
    if len(source.tokens) < 2 or not source.tokens[1].text.isdigit():
        raise source.syntax_error(1)
    found = session.run("SELECT pg_cancel_backend($1::integer)", (source.tokens[1].text,)).rows[0][0]
    if found != "t":
        raise SqlError(f"there is no process {source.tokens[1].text}", "42704")
    return Result()
