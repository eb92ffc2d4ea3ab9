"""CREATE EXTERNAL SCHEMA: by what it is from."""

from __future__ import annotations

from sandbox.sql import streams
from sandbox.sql.errors import unsupported
from sandbox.sql.lexer import Statement
from sandbox.sql.results import Result
from sandbox.sql.session import Session


def create(session: Session, source: Statement) -> Result:
    """CREATE EXTERNAL SCHEMA [IF NOT EXISTS] name FROM what it is from."""
    start = source.find("FROM")
    if start < 0:
        raise source.syntax_error(len(source.tokens))
    kind = source.words[start + 1 : start + 2]
    if kind == ("KINESIS",):
        return streams.create_kinesis_schema(session, source)
    raise unsupported(f"CREATE EXTERNAL SCHEMA FROM {kind[0] if kind else ''}")
