"""A warehouse of its own for one test, on the PostgreSQL that all tests share."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from sandbox.sql.databases import Databases
from sandbox.sql.errors import SqlError
from sandbox.sql.results import Result
from sandbox.sql.session import Session
from tests.sandbox.fakes import FakePorts

ADMIN = "awsuser"
PASSWORD = "Abcdefg1"


@dataclass
class Warehouse:
    """One warehouse with the database `dev`; `files` is the S3 of its COPY and UNLOAD."""

    databases: Databases
    key: str = field(default_factory=lambda: f"cluster:{uuid.uuid4().hex}")
    files: FakePorts = field(default_factory=FakePorts)
    opened: list[Session] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.databases.create(self.key, "dev", ADMIN)

    def session(self, user: str = ADMIN, database: str = "dev") -> Session:
        session = self.databases.session(self.key, database, user, self.files)
        self.opened.append(session)
        return session

    def run(self, *sqls: str, user: str = ADMIN) -> list[tuple[str | None, ...]]:
        """The rows of the last statement, in a session of its own."""
        with self.session(user) as session:
            return [session.execute(sql) for sql in sqls][-1].rows

    def value(self, sql: str, user: str = ADMIN) -> str | None:
        return self.run(sql, user=user)[0][0]

    def remove(self) -> None:
        for session in self.opened:
            session.close()
        self.databases.drop(self.key)


def in_background(session: Session, sql: str) -> tuple[threading.Thread, list[Result | SqlError]]:
    """Run a statement on a thread; the list gets its result or error."""
    outcome: list[Result | SqlError] = []

    def run() -> None:
        try:
            outcome.append(session.execute(sql))
        except SqlError as error:
            outcome.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, outcome


def error_of(run: Callable[..., Any], *arguments: Any, **named: Any) -> str:
    """The message of the SqlError that must come."""
    with pytest.raises(SqlError) as caught:
        run(*arguments, **named)
    return str(caught.value)


def soon(look: Callable[[], Any], seconds: float = 10.0) -> Any:
    """The first answer that is true; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"nothing within {seconds} s"
        time.sleep(0.02)
    return found
