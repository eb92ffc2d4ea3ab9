"""Datashares: CREATE, ALTER and DROP DATASHARE, who may use them, databases made from them, and queries on those.

The rights of PostgreSQL's own roles hold what is shared with whom (`datashares.sql`), so that a revoked usage ends every reading at once.
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from sandbox.sql import principals
from sandbox.sql.errors import SqlError, unsupported
from sandbox.sql.lexer import Statement
from sandbox.sql.results import Result
from sandbox.sql.session import Session

_ACCOUNT_DIGITS = 12


def _call(session: Session, function: str, *values: Any) -> Result:
    marks = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    session.run(f"SELECT pg_catalog.{function}({marks})", values)
    return Result()


# The producer's side ------------------------------------------------------------------------------------------------


def create_datashare(session: Session, source: Statement) -> Result:
    """CREATE DATASHARE name [[SET] PUBLICACCESSIBLE [=] TRUE | FALSE]."""
    index = 4 if source.words[3:4] == ("SET",) else 3
    public = _public_accessible(source, index) if index < len(source.tokens) else False
    return _call(session, "redshift_create_datashare", source.name_at(2), public)


def drop_datashare(session: Session, source: Statement) -> Result:
    """DROP DATASHARE name."""
    _ends(source, 3)
    return _call(session, "redshift_drop_datashare", source.name_at(2))


def alter_datashare(session: Session, source: Statement) -> Result:
    """ALTER DATASHARE name {ADD | REMOVE} objects, SET PUBLICACCESSIBLE, SET INCLUDENEW ... FOR SCHEMA."""
    name, change = source.name_at(2), source.words[3:4]
    if change == ("SET",) and source.words[4:5] == ("INCLUDENEW",):
        value = 6 if source.words[5:6] == ("=",) else 5
        if source.words[value + 1 : value + 3] != ("FOR", "SCHEMA"):
            raise source.syntax_error(value + 1)
        _ends(source, value + 4)
        return _call(session, "redshift_set_include_new", name, source.name_at(value + 3), _truth(source, value))
    if change == ("SET",):
        return _call(session, "redshift_set_public_accessible", name, _public_accessible(source, 4))
    if change not in (("ADD",), ("REMOVE",)):
        raise source.syntax_error(3)
    with session.all_or_nothing():
        _change_objects(session, source, name, adding=change == ("ADD",))
    return Result()


def _change_objects(session: Session, source: Statement, share: str, *, adding: bool) -> None:
    match source.words[4:8]:
        case ("SCHEMA", *_):
            for (schema,) in _listed(source, 5, parts=1):
                _call(session, "redshift_share_schema", share, schema, adding)
        case ("TABLE", *_):
            for schema, relation in _listed(source, 5, parts=2):
                _call(session, "redshift_share_relation", share, schema, relation, adding)
        case ("ALL", "TABLES", "IN", "SCHEMA"):
            for (schema,) in _listed(source, 8, parts=1):
                _call(session, "redshift_share_all", share, schema, adding)
        case ("FUNCTION", *_) | ("ALL", "FUNCTIONS", *_):
            raise unsupported("a function in a datashare")
        case _:
            raise source.syntax_error(4)


def _listed(source: Statement, index: int, parts: int) -> list[list[str]]:
    """Names with commas between them, each of so many parts."""
    found = []
    while True:
        names, index = _parts(source, index)
        if len(names) != parts:
            raise source.syntax_error(index - 1)
        found.append(names)
        if source.words[index : index + 1] != (",",):
            _ends(source, index)
            return found
        index += 1


def _parts(source: Statement, index: int) -> tuple[list[str], int]:
    names = [source.name_at(index)]
    index += 1
    while source.words[index : index + 1] == (".",):
        names.append(source.name_at(index + 1))
        index += 2
    return names, index


def _public_accessible(source: Statement, index: int) -> bool:
    if source.words[index : index + 1] != ("PUBLICACCESSIBLE",):
        raise source.syntax_error(index)
    value = index + 2 if source.words[index + 1 : index + 2] == ("=",) else index + 1
    _ends(source, value + 1)
    return _truth(source, value)


def _truth(source: Statement, index: int) -> bool:
    if source.words[index : index + 1] not in (("TRUE",), ("FALSE",)):
        raise source.syntax_error(index)
    return source.words[index] == "TRUE"


def _ends(source: Statement, index: int) -> None:
    if index != len(source.tokens):
        raise source.syntax_error(index)


# Rights -------------------------------------------------------------------------------------------------------------


def grant(session: Session, source: Statement) -> Result:
    """GRANT and REVOKE on a datashare and on what a shared database shows; all others are those of principals."""
    on = source.find("ON")
    if on >= 0 and source.words[on + 1 : on + 2] == ("DATASHARE",):
        return _grant_usage(session, source, on + 2)
    if on >= 0 and (target := _shared_target(session, source, on + 1)):
        return _grant_shared(session, source, *target)
    return principals.grant(session, source)


def _grant_usage(session: Session, source: Statement, index: int) -> Result:
    """GRANT USAGE ON DATASHARE name TO {NAMESPACE 'id' | ACCOUNT 'number' [VIA DATA CATALOG]}."""
    if source.words[1 : index - 2] != ("USAGE",):
        raise unsupported(f"{source.words[0]} {' '.join(source.words[1 : index - 2])} ON DATASHARE")
    granting = source.words[0] == "GRANT"
    if source.words[index + 1 : index + 2] != ("TO" if granting else "FROM",):
        raise source.syntax_error(index + 1)
    share, kind, consumer = source.name_at(index), source.words[index + 2 : index + 3], source.string_at(index + 3)
    catalog = source.words[index + 4 :] == ("VIA", "DATA", "CATALOG")
    if not catalog:
        _ends(source, index + 4)
    if kind == ("NAMESPACE",) and not catalog:
        return _call(session, "redshift_share_usage", share, "", consumer, catalog, granting)
    if kind != ("ACCOUNT",):
        raise source.syntax_error(index + 2)
    if len(consumer) != _ACCOUNT_DIGITS or not consumer.isdigit():
        raise SqlError(f'invalid account "{consumer}"', "22023")
    return _call(session, "redshift_share_usage", share, consumer, "", catalog, granting)


def _shared_target(session: Session, source: Statement, index: int) -> tuple[str, str, str, int] | None:
    """Database, schema and relation (`*` for all of a schema) of a grant that is on a shared database, and the index behind them."""
    words = source.words
    whole_schema = words[index : index + 4] == ("ALL", "TABLES", "IN", "SCHEMA")
    kind = "ALL" if whole_schema else words[index]
    names, end = _parts(source, index + (4 if whole_schema else 1 if kind in ("DATABASE", "SCHEMA", "TABLE") else 0))
    if len(names) != {"DATABASE": 1, "SCHEMA": 2, "ALL": 2}.get(kind, 3) or not is_shared(session, names[0]):
        return None
    schema, relation = (*names[1:], "", "")[:2]
    return names[0], schema, "*" if whole_schema else relation, end


def _grant_shared(session: Session, source: Statement, database: str, schema: str, relation: str, index: int) -> Result:
    right = source.words[1 : source.find("ON")]
    if right != (("SELECT",) if relation else ("USAGE",)):
        raise unsupported(f"the permission {' '.join(right)} on a shared database")
    granting = source.words[0] == "GRANT"
    if source.words[index : index + 1] != ("TO" if granting else "FROM",):
        raise source.syntax_error(index)
    roles, rest = principals._grantees(session, source, index + 1)
    if rest:
        raise unsupported(f"{rest} on a shared database")
    with session.all_or_nothing():
        for role in roles.split(", "):
            plain = "" if role == "PUBLIC" else role[1:-1].replace('""', '"')
            _call(session, "redshift_grant_shared", database, schema, relation, plain, granting)
    return Result()


# The consumer's side ------------------------------------------------------------------------------------------------


def create_database(session: Session, source: Statement) -> Result:
    """CREATE DATABASE name [WITH PERMISSIONS] FROM DATASHARE share OF [ACCOUNT 'number'] NAMESPACE 'id'; other forms are those of principals."""
    index = 5 if source.words[3:5] == ("WITH", "PERMISSIONS") else 3
    if source.words[index : index + 2] != ("FROM", "DATASHARE"):
        return principals.create_database(session, source)
    session.refuse_in_transaction("CREATE DATABASE")
    at = index + 3
    if source.words[at : at + 1] != ("OF",):
        raise source.syntax_error(at)
    at += 1
    if source.words[at : at + 1] == ("ACCOUNT",):
        source.string_at(at + 1)
        at += 2
    if source.words[at : at + 1] != ("NAMESPACE",):
        raise source.syntax_error(at)
    _ends(source, at + 2)
    name, share, producer = source.name_at(2), source.name_at(index + 2), source.string_at(at + 1)
    return _call(session, "redshift_create_shared_database", name, share, producer, index > 3)


def drop_database(session: Session, source: Statement) -> Result:
    """DROP DATABASE of a shared database, which ends what reads it; others are those of principals."""
    if not is_shared(session, source.name_at(2)):
        return principals.drop_database(session, source)
    session.refuse_in_transaction("DROP DATABASE")
    return _call(session, "redshift_drop_shared_database", source.name_at(2))


def is_shared(session: Session, database: str) -> bool:
    """Whether that is a database made from a datashare."""
    return session.run("SELECT pg_catalog.redshift_is_shared_database($1)", (database,)).rows[0][0] == "t"


def shared_relation(session: Session, table: exp.Table) -> exp.Expression | None:
    """What shows `database.schema.relation` of a shared database: a rule for relations in queries."""
    database = table.catalog.lower()
    if not database or database == session.database or not is_shared(session, database):
        return None
    schema, relation = table.db.lower(), table.name.lower()
    shown = session.run("SELECT pg_catalog.redshift_shared_relation($1, $2, $3)", (database, schema, relation)).rows[0][0]
    if not table.alias:
        table.set("alias", exp.TableAlias(this=exp.to_identifier(relation, quoted=True)))
    table.set("catalog", None)
    table.set("db", exp.to_identifier("sandbox_shared"))
    table.set("this", exp.to_identifier(str(shown).removeprefix("sandbox_shared.").strip('"').replace('""', '"'), quoted=True))
    return table
