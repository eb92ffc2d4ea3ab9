"""CREATE, ALTER and DROP of external schemas, by what they are from."""

from __future__ import annotations

import json
from typing import Any

from sandbox.kernel import ApiError
from sandbox.sql import streams
from sandbox.sql.errors import SqlError, unsupported
from sandbox.sql.external_tables import CATALOG, POSTGRES, ExternalSchema, external_schema, refused
from sandbox.sql.lexer import Statement, quote
from sandbox.sql.results import Result
from sandbox.sql.rewrite import to_postgres
from sandbox.sql.session import Session

_TEXTS = ("DATABASE", "SCHEMA", "REGION", "SECRET_ARN", "URI", "CATALOG_ROLE")
_MAKE = ("CREATE", "EXTERNAL", "DATABASE", "IF", "NOT", "EXISTS")
_ALLOWED = {
    CATALOG: {"DATABASE", "REGION", "IAM_ROLE", "CATALOG_ROLE", "CREATE"},
    POSTGRES: {"DATABASE", "SCHEMA", "URI", "PORT", "IAM_ROLE", "SECRET_ARN"},
}
_NEEDED = {CATALOG: {"DATABASE", "IAM_ROLE"}, POSTGRES: {"DATABASE", "URI", "IAM_ROLE", "SECRET_ARN"}}


def create(session: Session, source: Statement) -> Result:
    """CREATE EXTERNAL SCHEMA [IF NOT EXISTS] name FROM what it is from."""
    start = source.find("FROM")
    if start < 0:
        raise source.syntax_error(len(source.tokens))
    kind = source.words[start + 1 : start + 3]
    if kind[:1] == ("KINESIS",):
        return streams.create_kinesis_schema(session, source)
    if kind == ("DATA", "CATALOG"):
        return _create(session, source, CATALOG, start + 3)
    if kind[:1] == ("POSTGRES",):
        return _create(session, source, POSTGRES, start + 2)
    raise unsupported(f"CREATE EXTERNAL SCHEMA FROM {' '.join(kind if kind[:1] == ('HIVE',) else kind[:1])}")


def _create(session: Session, source: Statement, kind: int, index: int) -> Result:
    at = 6 if source.words[3:6] == ("IF", "NOT", "EXISTS") else 3
    name, given = source.name_at(at), _options(source, kind, index)
    if at == 6 and session.run("SELECT 1 FROM pg_namespace WHERE nspname = $1", (name,)).rows:
        return Result()
    made, database = given.pop("CREATE", False), str(given.pop("DATABASE"))
    given["IAM_ROLE"] = session.iam_role(given["IAM_ROLE"])
    if "CATALOG_ROLE" in given:
        session.iam_role(given["CATALOG_ROLE"])
    if kind == POSTGRES:
        given = {"SCHEMA": "public", "PORT": 5432} | given
    with session.all_or_nothing():
        session.run(f"CREATE SCHEMA {quote(name)}")
        _describe(session, ExternalSchema(name, kind, database, given))
        if made:
            _make_database(session, ExternalSchema(name, kind, database, given))
    return Result()


def _options(source: Statement, kind: int, index: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while index < len(source.tokens):
        word = source.words[index]
        if word not in _ALLOWED[kind] or word in found:
            raise source.syntax_error(index)
        if word == "CREATE":
            if source.words[index : index + len(_MAKE)] != _MAKE:
                raise source.syntax_error(index)
            found[word], index = True, index + len(_MAKE)
            continue
        found[word], index = _value(source, word, index + 1), index + 2
    if missing := _NEEDED[kind] - set(found):
        raise SqlError(f"{min(missing)} is required for this external schema", "42601")
    return found


def _value(source: Statement, word: str, index: int) -> Any:
    if word in _TEXTS:
        return source.string_at(index)
    if word == "IAM_ROLE":
        return _role(source, index)
    if index >= len(source.tokens) or not source.tokens[index].text.isdigit():
        raise source.syntax_error(index)
    return int(source.tokens[index].text)


def _role(source: Statement, index: int) -> str:
    if source.words[index : index + 1] == ("DEFAULT",):
        return "default"
    arn = source.string_at(index)
    if not arn.startswith("arn:"):
        raise unsupported(f"IAM_ROLE '{arn}'")
    return arn


def _describe(session: Session, schema: ExternalSchema) -> None:
    values = (schema.name, str(schema.kind), schema.database, json.dumps(schema.options))
    session.run("SELECT redshift_set_external_schema($1, $2::integer, $3, $4)", values)


def _make_database(session: Session, schema: ExternalSchema) -> None:
    try:
        session.outside.lake.make_database(schema.catalog_role(session), schema.region, schema.database)
    except ApiError as error:
        if error.code != "AlreadyExistsException":
            raise refused(schema, error) from error


def alter(session: Session, source: Statement) -> Result:
    """ALTER EXTERNAL SCHEMA name IAM_ROLE {default | 'arn'}, which schemas from the data catalog take."""
    name = source.name_at(3)
    found = external_schema(session, name)
    if found is None:
        raise SqlError(f'external schema "{name}" does not exist', "3F000")
    if found.kind != CATALOG:
        raise SqlError("only external schemas created from DATA CATALOG, KAFKA, or MSK can be altered", "0A000")
    if source.words[4:5] != ("IAM_ROLE",) or len(source.tokens) != 6:
        raise source.syntax_error(4)
    role = session.iam_role(_role(source, 5))
    _describe(session, ExternalSchema(name, found.kind, found.database, found.options | {"IAM_ROLE": role}))
    return Result()


def drop_schema(session: Session, source: Statement) -> Result:
    """DROP SCHEMA, of external schemas with what stands for their tables. What lies behind them stays."""
    if "EXTERNAL" in source.words:
        raise unsupported("DROP SCHEMA with DROP EXTERNAL DATABASE")
    start = 4 if source.words[2:4] == ("IF", "EXISTS") else 2
    last = source.words[-1] if source.words[-1] in ("CASCADE", "RESTRICT") and len(source.tokens) > start + 1 else ""
    with session.all_or_nothing():
        for index in range(start, len(source.tokens) - bool(last), 2):
            session.run("SELECT redshift_drop_external_tables($1, $2)", (source.name_at(index), last))
        return session.run(to_postgres(source))
