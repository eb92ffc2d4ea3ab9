"""The one error that SQL ends in, worded as Redshift words it."""

from __future__ import annotations

import re

import psycopg

# `w0a1b2c.alice`, `w0a1b2c@reader`, `w0a1b2c%etl`: how a name of Redshift is called on the server.
_SERVER_NAME = re.compile(r"\bw[0-9a-f]{6}[.@%]")
_SERVER_ROLE = re.compile(r'role "w[0-9a-f]{6}([.@%])')
_SYSTEM_RELATION = re.compile(r'relation "(?:pg_catalog\.)?((?:stl|stv|svv|svl|svcs|sys)_\w+)" does not exist')
_KINDS = {".": 'user "', "@": 'role "', "%": 'group "'}


class SqlError(Exception):
    """A statement failed. The text begins with `ERROR:` or `FATAL:`, as Redshift's does; `state` is the SQLSTATE."""

    def __init__(self, message: str, state: str = "XX000") -> None:
        super().__init__(message if message.startswith(("ERROR:", "FATAL:")) else f"ERROR: {message}")
        self.state = state

    @property
    def canceled(self) -> bool:
        return self.state == "57014"


def unsupported(what: str) -> SqlError:
    """The error for what Redshift knows and the sandbox does not."""
    return SqlError(f"{what} is not supported in the sandbox", "0A000")


def from_postgres(error: psycopg.Error, query_id: int = 0) -> SqlError:
    """PostgreSQL's error in Redshift's words, without the names that only the server knows."""
    state = error.sqlstate or "08006"
    if state == "57014":
        return SqlError(f"Query ({query_id}) cancelled on user's request", state)
    if state == "57P01" or (isinstance(error, psycopg.OperationalError) and error.sqlstate is None):
        return SqlError("FATAL: terminating connection due to administrator command", "57P01")
    message = error.diag.message_primary or str(error).splitlines()[0]
    if hidden := _SYSTEM_RELATION.search(message):
        return unsupported(f"the system view {hidden[1]}")
    message = _SERVER_ROLE.sub(lambda found: _KINDS[found[1]], message)
    return SqlError(_SERVER_NAME.sub("", message), state)
