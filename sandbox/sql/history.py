"""The record of every statement that ran and runs, of all warehouses, in the database that the system views read."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any, Protocol

import psycopg
from psycopg import sql
from sqlglot.tokenizer_core import TokenType

from sandbox.sql.lexer import Statement
from sandbox.sql.names import prefix

_SECRET_BEFORE = ("PASSWORD", "CREDENTIALS", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")


class Author(Protocol):
    """Who runs a statement, as the record names it: a session."""

    warehouse: str
    database: str
    user: str
    user_id: int
    pid: int

    @property
    def query_group(self) -> str: ...


class History:
    """Writes through one connection of its own, so that a statement that is rolled back is still on record."""

    def __init__(self, conninfo: dict[str, Any]) -> None:
        self._lock = threading.Lock()
        self._connection = psycopg.connect(**conninfo, autocommit=True)

    def _execute(self, query: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        with self._lock:
            cursor = self._connection.execute(query, values)
            return cursor.fetchall() if cursor.description else []

    def begin(self, author: Author, query_type: str, text: str, transaction_id: int | None) -> int:
        """Record that a statement starts; returns its query id, which is the transaction's id too when it begins one."""
        columns = "warehouse, user_id, user_name, database_name, session_id, query_label, query_type, query_text, query_id, transaction_id"
        values = (
            prefix(author.warehouse),
            author.user_id,
            author.user,
            author.database,
            author.pid,
            author.query_group,
            query_type,
            text,
        )
        source = "SELECT %s, %s, %s, %s, %s, %s, %s, %s, n, coalesce(%s, n) FROM nextval('query_id') n"
        [(query_id,)] = self._execute(f"INSERT INTO query ({columns}) {source} RETURNING query_id", (*values, transaction_id))
        return int(query_id)

    def end(self, query_id: int, status: str, rows: int = 0, size: int = 0, error: str | None = None) -> None:
        """Record how it ended: `success`, `failed` or `canceled`."""
        change = "status = %s, returned_rows = %s, returned_bytes = %s, error_message = %s, end_time = clock_timestamp()"
        self._execute(f"UPDATE query SET {change} WHERE query_id = %s", (status, rows, size, error, query_id))  # noqa: S608 - names are quoted, values are bound

    def running(self, warehouse: str) -> int:
        """How many statements of that warehouse run now."""
        [(count,)] = self._execute("SELECT count(*) FROM query WHERE warehouse = %s AND end_time IS NULL", (prefix(warehouse),))
        return int(count)

    def since(self, moment: datetime) -> list[tuple[str, float, float | None, bool]]:
        """Every statement that ran since then, the moment being UTC.

        Its warehouse's prefix, the seconds that it ran since then, the seconds that it took in all (None while it runs), whether it failed.
        """
        query = """
            SELECT warehouse, extract(epoch FROM coalesce(end_time, clock_timestamp()::timestamp) - greatest(start_time, started))::float,
                   extract(epoch FROM end_time - start_time)::float, status NOT IN ('success', 'running')
            FROM query, (SELECT (%s::timestamptz)::timestamp AS started) AS moment
            WHERE end_time IS NULL OR end_time > started
        """
        return [(str(name), float(busy), took, bool(failed)) for name, busy, took, failed in self._execute(query, (moment,))]

    def add(self, table: str, **row: Any) -> None:
        """Add one row to `load_error`, `alert`, `recommendation` or `capacity`."""
        row["warehouse"] = prefix(row["warehouse"])
        insert = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join(sql.Placeholder() * len(row))
        )
        with self._lock:
            self._connection.execute(insert, tuple(row.values()))

    def set_capacity(self, warehouse: str, base_rpu: float) -> None:
        upsert = "INSERT INTO capacity VALUES (%s, %s) ON CONFLICT (warehouse) DO UPDATE SET base_rpu = excluded.base_rpu"
        self._execute(upsert, (prefix(warehouse), base_rpu))

    def forget(self, warehouse: str) -> None:
        """Remove all rows of a warehouse that is gone."""
        for table in ("query", "load_error", "alert", "recommendation", "capacity"):
            self._execute(f"DELETE FROM {table} WHERE warehouse = %s", (prefix(warehouse),))  # noqa: S608 - names are quoted, values are bound

    def close(self) -> None:
        with self._lock:
            self._connection.close()


def masked_text(source: Statement) -> str:
    """The text for the record: passwords and keys are left out."""
    pieces, at = [], 0
    for index, token in enumerate(source.tokens):
        before = [word for word in source.words[max(0, index - 2) : index] if word not in ("AS", "WITH", "=")]
        if token.token_type is TokenType.STRING and before and before[-1] in _SECRET_BEFORE:
            pieces += [source.text[at : token.start], "'***'"]
            at = token.end + 1
    return "".join([*pieces, source.text[at:]])
