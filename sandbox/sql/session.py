"""One signed-in session of a warehouse: runs Redshift SQL, one statement after the other, and keeps the record of it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, Self

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.raw_cursor import RawCursor

from sandbox.sql.errors import SqlError, from_postgres, unsupported
from sandbox.sql.history import History, masked_text
from sandbox.sql.lexer import Statement, split
from sandbox.sql.outside import Outside, role_of
from sandbox.sql.results import Result, fetched


class Files(Protocol):
    """The S3 that COPY and UNLOAD use."""

    def s3_get(self, bucket: str, key: str) -> bytes: ...
    def s3_put(self, bucket: str, key: str, body: bytes) -> None: ...
    def s3_list(self, bucket: str, prefix: str) -> list[str]: ...
    def s3_delete(self, bucket: str, key: str) -> None: ...


class Administration(Protocol):
    """What a session and its statements ask of the databases: the users and databases of its warehouse, and the record."""

    history: History
    outside: Outside | None

    def admin_user(self, warehouse: str) -> str: ...
    def admin_role(self, warehouse: str) -> str: ...
    def user_exists(self, warehouse: str, user: str) -> bool: ...
    def create_database(self, warehouse: str, database: str, owner: str) -> None: ...
    def drop_database(self, warehouse: str, database: str) -> None: ...
    def vacuum(self, warehouse: str) -> contextlib.AbstractContextManager[None]: ...
    def forget(self, session: Session) -> None: ...


class Session:
    """A connection as one user to one database of one warehouse. One thread runs statements; any thread may cancel or close.

    `plan` finds the handler of a statement and the query type that goes on record; a handler gets the session and the statement.
    """

    def __init__(
        self,
        databases: Administration,
        warehouse: str,
        database: str,
        user: str,
        connection: psycopg.Connection[Any],
        plan: Plan,
        files: Files | None = None,
    ) -> None:
        self.databases, self.warehouse, self.database, self.user, self.files = databases, warehouse, database, user, files
        self.connection = connection
        self.pid = connection.info.backend_pid
        self.parameters: Mapping[str, str] = {}
        self.settings: dict[str, str] = {}
        #: While a materialized view is made: the readers of streams that its query asked for.
        self.new_readers: list[str] | None = None
        self.query_id = 0
        self.superuser, self.user_id = False, 0
        self._plan = plan
        self._transaction_id = 0
        self._closing = threading.Lock()
        self._set_up()

    def _set_up(self) -> None:
        facts = self.run("SELECT redshift_session_user_id(), redshift_is_superuser(redshift_session_user_id())").rows[0]
        self.user_id, self.superuser = int(facts[0] or 0), facts[1] == "t"
        self.run("SELECT set_config('search_path', quote_ident($1) || ', public', false)", (self.user,))
        if self.superuser:
            self.run(f"SET ROLE {self.databases.admin_role(self.warehouse)}")

    @property
    def query_group(self) -> str:
        return self.settings.get("query_group", "default")

    @property
    def outside(self) -> Outside:
        """What lies beyond the database."""
        if self.databases.outside is None:
            raise unsupported("what lies outside the database")
        return self.databases.outside

    def iam_role(self, asked: str) -> str:
        """The ARN of an IAM_ROLE, which the warehouse must have."""
        return role_of(self.outside, self.warehouse, asked)

    @property
    def case_sensitive(self) -> bool:
        """Whether a quoted name keeps its capital letters: as the session says, else as the warehouse's parameters do."""
        own = self.settings.get("enable_case_sensitive_identifier")
        return (
            own == "on"
            if own is not None
            else self.databases.outside is not None and self.databases.outside.is_case_sensitive(self.warehouse)
        )

    @property
    def in_transaction(self) -> bool:
        return self.connection.info.transaction_status is not TransactionStatus.IDLE

    def execute(self, sql: str, parameters: Mapping[str, str] | None = None) -> Result:
        """Run one statement of Redshift SQL. Raises SqlError, also when the text has several statements or none."""
        self.query_id = 0
        statements = split(sql)
        if len(statements) != 1:
            raise SqlError("cannot insert multiple commands into a prepared statement" if statements else "the query is empty", "42601")
        return self.execute_statement(statements[0], parameters)

    def execute_statement(self, statement: Statement, parameters: Mapping[str, str] | None = None) -> Result:
        """Run one statement that `split` found."""
        handler, query_type = self._plan(statement)
        self.parameters = parameters or {}
        known = self._transaction_id if self.in_transaction else None
        self.query_id = self.databases.history.begin(self, query_type, masked_text(statement), known)
        self._transaction_id = known or self.query_id
        try:
            with _translated(self.query_id):
                result = handler(self, statement)
        except SqlError as error:
            self._record("canceled" if error.canceled else "failed", error=str(error))
            raise
        except BaseException as error:
            self._record("failed", error=f"{type(error).__name__}: {error}")
            raise
        self._record("success", result)
        return Result(result.columns, result.rows, result.row_count, self.query_id)

    def _record(self, status: str, result: Result | None = None, error: str | None = None) -> None:
        answer = result or Result()
        self.databases.history.end(self.query_id, status, len(answer.rows), answer.size_bytes, error)

    def run(self, sql: str, values: Sequence[Any] = ()) -> Result:
        """Run PostgreSQL's own SQL with values for `$1`, `$2`, ...; raises psycopg.Error."""
        cursor = RawCursor(self.connection)
        cursor.execute(sql.encode(), list(values) or None, prepare=False)
        return fetched(cursor)

    def settle_statistics(self) -> None:
        """Let the counts of rows changed so far reach the views; PostgreSQL keeps them back for a second or more."""
        self.run("SELECT pg_stat_force_next_flush()")

    def bound(self, names: Sequence[str]) -> list[str]:
        """The values of those parameters."""
        missing = [name for name in names if name not in self.parameters]
        if missing:
            raise SqlError(f"there is no value for the parameter :{missing[0]}", "42P02")
        return [self.parameters[name] for name in names]

    @contextlib.contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Several statements of PostgreSQL as one of Redshift."""
        with self.connection.transaction():
            yield

    def refuse_in_transaction(self, what: str) -> None:
        if self.in_transaction:
            raise SqlError(f"{what} cannot run inside a transaction block", "25001")

    def begin(self) -> None:
        with _translated(0):
            self.run("BEGIN")

    def commit(self) -> None:
        with _translated(self.query_id):
            self.run("COMMIT")

    def rollback(self) -> None:
        with _translated(self.query_id):
            self.run("ROLLBACK")

    def cancel(self) -> None:
        """Ask the server to end the statement that runs now; harmless when none does."""
        with self._closing, contextlib.suppress(psycopg.Error):
            if not self.connection.closed:
                self.connection.cancel_safe(timeout=5)

    def close(self) -> None:
        with self._closing:
            self.connection.close()
        self.databases.forget(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextlib.contextmanager
def _translated(query_id: int) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise from_postgres(error, query_id) from error


Handler = Callable[[Session, Statement], Result]
Plan = Callable[[Statement], tuple[Handler, str]]
