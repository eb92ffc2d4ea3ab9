"""SQL texts and statements: splitting, limits, names for the Data API, and the look at what runs."""

from __future__ import annotations

import hashlib
import re
from itertools import takewhile
from typing import Any

import msgspec

from autopilot.domain.decisions import Decision
from autopilot.domain.errors import InvalidInput, WarehouseUnavailable
from autopilot.domain.inputs import RunSqlInput, check_one_of
from autopilot.domain.warehouse import Warehouse, primary_status

#: Limits of the Data API. Source: Redshift management guide, considerations when calling the Data API.
MAX_STATEMENT_BYTES = 100_000
MAX_BATCH = 40
#: Each unit takes about ten events of an execution's history, which holds 25,000.
MAX_UNITS = 1000
#: Rows above this go to S3: a state's output may hold 256 KiB in all.
MAX_INLINE_BYTES = 200_000

#: What runs besides this session: ids only, never texts, which may hold secrets. The first result says whether all is seen.
#: Source: SYS_QUERY_HISTORY, `status` (planning, queued, running, returning are not final); an ordinary user sees own queries only.
LOOK_AT_QUERIES = [
    "SELECT usesuper FROM pg_user WHERE usename = current_user",
    "SELECT query_id FROM sys_query_history WHERE status IN ('planning', 'queued', 'running', 'returning') AND session_id <> pg_backend_pid()",
]
PROBE = "SELECT 1"
#: Of what a database says of a failed statement, what is kept where many are kept together.
MAX_MESSAGE = 500
_HASH = re.compile(r"sha256\|[0-9a-fA-F|]*")
_EXACT = 2**53
_NO_SQL = frozenset({"paused", "pausing", "creating", "resuming", "rebooting", "deleting", "final-snapshot"})
#: Statements that a transaction block refuses. Source: the Redshift SQL reference page of each.
_ALONE = re.compile(
    r'\s*(?:VACUUM|CREATE\s+DATABASE|DROP\s+DATABASE|ALTER\s+TABLE\s+(?:"[^"]*"|[^\s"])+\s+APPEND|CREATE\s+LIBRARY|DROP\s+LIBRARY)\b',
    re.IGNORECASE,
)


#: A quoted name, or what is no SQL by itself: a string, a comment, a dollar-quoted body.
_QUOTED = re.compile(r"""("(?:[^"]|"")*")|'(?:[^'\\]|\\.|'')*'|--[^\n]*|/\*.*?\*/|\$(\w*)\$.*?\$\2\$""", re.DOTALL)


def bare(statement: str) -> str:
    """A statement without its strings, bodies and comments: its verbs, names and parameters."""
    return _QUOTED.sub(lambda match: match[1] or " ", statement)


class Unit(msgspec.Struct, frozen=True):
    """What is submitted in one call: one statement, or several that share a transaction."""

    statements: list[str]


def units(request: RunSqlInput, text: str | None) -> list[Unit]:
    """The units of a request, in order. `text` is the file's content where `sql_uri` was given.

    Raises InvalidInput for what the Data API would refuse: no statement, too large, too many in one transaction, or one that a
    transaction cannot hold.
    """
    check_one_of({"sql": request.sql, "sql_uri": request.sql_uri})
    path = "sql" if request.sql_uri is None else "sql_uri"
    given = [text or ""] if request.sql is None else [request.sql] if isinstance(request.sql, str) else request.sql
    statements = [statement for part in given for statement in split(part, path)]
    if not statements:
        raise InvalidInput(f"{path}: holds no SQL statement")
    for number, statement in enumerate(statements, 1):
        size = len(statement.encode())
        if size > MAX_STATEMENT_BYTES:
            raise InvalidInput(
                f"{path}: statement {number} has {size} bytes; the Data API takes up to {MAX_STATEMENT_BYTES}. Load data by COPY instead"
            )
    if unknown := set(request.parameters) - {name for statement in statements for name in named_parameters(statement)}:
        raise InvalidInput(f"parameters: no statement names :{min(unknown)}; check the spelling, or leave it out")
    if len(statements) == 1 or not request.transaction:
        if len(statements) > MAX_UNITS:
            raise InvalidInput(f"{path}: {len(statements)} statements; up to {MAX_UNITS} are run one by one. Send them in several files")
        return [Unit([statement]) for statement in statements]
    if len(statements) > MAX_BATCH:
        raise InvalidInput(
            f"{path}: {len(statements)} statements in one transaction; the Data API takes up to {MAX_BATCH}. Set transaction to false, or send fewer"
        )
    for number, statement in enumerate(statements, 1):
        if _ALONE.match(bare(statement)):
            raise InvalidInput(f"{path}: statement {number} ({_excerpt(statement)}) cannot run in a transaction; set transaction to false")
    return [Unit(statements)]


def split(text: str, path: str = "sql") -> list[str]:
    """The statements of a text, split at semicolons outside strings, comments and dollar quotes. Raises InvalidInput if it cannot be read."""
    if ";" not in text:
        return [text.strip()] if bare(text).strip() else []
    from sqlglot.dialects.redshift import Redshift
    from sqlglot.errors import TokenError
    from sqlglot.tokenizer_core import TokenType

    try:
        tokens = Redshift().tokenize(text)
    except TokenError:
        # The tokenizer's own message quotes the text, which may hold secrets.
        raise InvalidInput(f"{path}: cannot be split into statements: a string, a quoted name or a comment is not closed") from None
    statements, start, begun = [], 0, False
    for token in tokens:
        if token.token_type is TokenType.SEMICOLON:
            if begun:
                statements.append(text[start : token.start].strip())
            start, begun = token.end + 1, False
        else:
            begun = True
    if begun:
        statements.append(text[start:].strip())
    return statements


def takes_no_sql(seen: Warehouse) -> bool:
    """Whether the warehouse takes no SQL in its present state."""
    return primary_status(seen.status) in _NO_SQL


def check_takes_sql(seen: Warehouse, count: int) -> Decision:
    """The decision to run so many units. Raises WarehouseUnavailable when the warehouse takes no SQL in its present state."""
    status = primary_status(seen.status)
    if status in {"paused", "pausing"}:
        raise WarehouseUnavailable(f"{seen.kind} {seen.name} is {status} and takes no SQL; start resume_warehouse for it first")
    if takes_no_sql(seen):
        raise WarehouseUnavailable(f"{seen.kind} {seen.name} is {status} and takes no SQL; wait until it is available")
    return Decision("run", f"{count} unit{'s' if count != 1 else ''} of SQL to run in {seen.kind} {seen.name}")


def bind(parameters: dict[str, str | int | float | bool]) -> list[dict[str, str]]:
    """Named parameters as the Data API takes them: text, whose type the database derives. Raises InvalidInput for a bad name or no value."""
    bound = []
    for name, value in parameters.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise InvalidInput(
                f"parameters: {name[:40]!r} is not a parameter name; letters, digits and underscores, not starting with a digit"
            )
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if not text:
            raise InvalidInput(f"parameters.{name}: must not be empty; the Data API takes values of 1 character or more")
        bound.append({"name": name, "value": text})
    return bound


def named_parameters(statement: str) -> set[str]:
    """The names that a statement uses as `:name`, outside strings and comments; `::` is a cast."""
    return set(re.findall(r"(?<!:):([A-Za-z_][A-Za-z0-9_]*)", bare(statement)))


def client_token(*parts: object) -> str:
    """An idempotency token for the Data API, which takes 64 characters: the hash of what makes a submission unique."""
    return hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).hexdigest()


def failure_text(description: dict[str, Any]) -> str:
    """What the database said of a failed statement; of a batch, which statement it was."""
    subs = description.get("SubStatements") or []
    for number, sub in enumerate(subs, 1):
        if sub.get("Status") in {"FAILED", "ABORTED"} and sub.get("Error"):
            return f"statement {number} of {len(subs)} ({_excerpt(sub.get('QueryString', ''))}): {sub['Error']}"
    return str(description.get("Error") or "the database gave no message")


class Failure(msgspec.Struct, frozen=True):
    """Why a unit failed: the database's message, and which of its statements it was, from 0; None where the database does not say.

    `final` is what ended the whole unit for good, such as its cancellation.
    """

    message: str
    number: int | None = None
    final: bool = False


def failure_of(description: dict[str, Any]) -> Failure:
    """What became of a failed statement or batch. A password's hash that the message quotes is left out. Source: DescribeStatement."""
    subs = description.get("SubStatements") or [description]
    number = next((place for place, sub in enumerate(subs) if sub.get("Status") == "FAILED" and sub.get("Error")), None)
    said = (subs[number] if number is not None else description).get("Error") or "the database gave no message"
    aborted = description.get("Status") == "ABORTED"
    message = f"it was cancelled: {said}" if aborted else str(said)
    return Failure(_HASH.sub("sha256|...", message)[:MAX_MESSAGE], number, final=aborted)


def _excerpt(sql: str) -> str:
    """The first words of a statement as far as they are plain names: its verb and object, never its values."""
    words = takewhile(re.compile(r"[A-Za-z_][\w.]*").fullmatch, bare(sql).split()[:3])
    return " ".join(words)[:60]


def is_look(description: dict[str, Any]) -> bool:
    """Whether a statement is one of our looks at what runs; its end is no reason for another look."""
    return [sub.get("QueryString") for sub in description.get("SubStatements") or []] == LOOK_AT_QUERIES


def unique(columns: list[str]) -> list[str]:
    """Column names that can be keys: a name that stands there before gets a number, `count`, `count_2`."""
    seen: dict[str, int] = {}
    for name in columns:
        seen[name] = seen.get(name, 0) + 1
    counted: dict[str, int] = {}
    names = []
    for name in columns:
        counted[name] = counted.get(name, 0) + 1
        label = name if counted[name] == 1 else f"{name}_{counted[name]}"
        while label != name and label in seen:
            label += "_"
        names.append(label)
    return names


def cell(field: dict[str, Any]) -> str | int | float | bool | None:
    """The value of one field of GetStatementResult, which is a union of one key.

    A whole number that JSON readers would round (Step Functions' JSONata among them) is given as text.
    """
    if field.get("isNull"):
        return None
    if abs(field.get("longValue", 0)) > _EXACT:
        return str(field["longValue"])
    for key in ("longValue", "doubleValue", "booleanValue", "stringValue", "blobValue"):
        if key in field:
            value: str | int | float | bool = field[key]
            return value
    raise ValueError(f"a field of GetStatementResult has none of the known keys: {sorted(field)}")
