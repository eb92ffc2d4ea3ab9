"""Databases from zero-ETL integrations: made, set, refreshed, dropped, and their tables in queries, as `database.public."table"`.

The source is looked at when a query names one of its tables, so a change is seen at once; on AWS it comes with the next refresh. Of the sources only
DynamoDB's rows are brought. A database's settings are kept and shown, and do nothing; only superusers read its tables.
"""

from __future__ import annotations

import json
from typing import Any

from sqlglot import exp, parse_one

from sandbox.sql import datashares
from sandbox.sql.errors import SqlError, unsupported
from sandbox.sql.lexer import Statement, literal, quote
from sandbox.sql.results import Result
from sandbox.sql.session import Session
from sandbox.sql.streams import exact_name

_VIEWS = ("svv_integration", "svv_integration_table_state")
_TRUTHS = ("ACCEPTINVCHARS", "QUERY_ALL_STATES", "TRUNCATECOLUMNS", "HISTORY_MODE", "AUTO_REMEDIATION")
_KEY_TYPES = {"S": "varchar", "N": "numeric", "B": "varchar"}


def create_database(session: Session, source: Statement) -> Result:
    """CREATE DATABASE name FROM INTEGRATION 'id' [DATABASE 'source'] [[SET] settings]; other forms are those of datashares and principals."""
    if source.words[3:5] != ("FROM", "INTEGRATION"):
        return datashares.create_database(session, source)
    session.refuse_in_transaction("CREATE DATABASE")
    identity, index, origin = source.string_at(5), 6, ""
    if source.words[index : index + 1] == ("DATABASE",):
        origin, index = source.string_at(index + 1), index + 2
    _see(session)
    values = (source.name_at(2), identity, origin, _settings(source, index))
    session.run("SELECT redshift_create_integration_database($1, $2, $3, $4)", values)
    _look(session)
    return Result()


def _settings(source: Statement, index: int) -> str:
    """The settings from that index on, each as it is written."""
    found = []
    index += source.words[index : index + 1] == ("SET",)
    while index < len(source.tokens):
        word = source.words[index]
        value = index + (2 if source.words[index + 1 : index + 2] == ("=",) else 1)
        if word == "REFRESH_INTERVAL" and source.words[value : value + 1] and source.tokens[value].text.isdigit():
            found.append(f"{word} {source.tokens[value].text}")
        elif word in _TRUTHS and source.words[value : value + 1] in (("TRUE",), ("FALSE",)):
            found.append(f"{word} = {source.words[value]}")
        else:
            raise source.syntax_error(index)
        index = value + 1
    return " ".join(found)


def alter_database(session: Session, source: Statement) -> Result:
    """ALTER DATABASE name INTEGRATION {SET settings | REFRESH {ALL | INERROR} TABLES}."""
    name, words = source.name_at(2), source.words
    if words[3:4] != ("INTEGRATION",):
        raise unsupported(f"ALTER DATABASE {' '.join(words[3:5])}")
    if _source_of(session, name) is None:
        raise SqlError(f'database "{name}" is not created from an integration', "42809")
    if words[4:5] == ("SET",) and len(words) > 5:
        session.run("SELECT redshift_set_integration_database($1, $2)", (name, _settings(source, 5)))
    elif words[4:] in (("REFRESH", "ALL", "TABLES"), ("REFRESH", "INERROR", "TABLES")):
        session.run("SELECT redshift_refresh_integration_tables($1, $2)", (name, words[5] == "ALL"))
    elif words[4:5] == ("REFRESH",):
        raise unsupported("ALTER DATABASE ... INTEGRATION REFRESH of single tables or schemas")
    else:
        raise source.syntax_error(4)
    return Result()


def drop_database(session: Session, source: Statement) -> Result:
    """DROP DATABASE of one that shows an integration; others are those of datashares and principals."""
    name = source.name_at(2)
    if _source_of(session, name) is None:
        return datashares.drop_database(session, source)
    session.refuse_in_transaction("DROP DATABASE")
    session.run("SELECT redshift_drop_integration_database($1)", (name,))
    return Result()


def relation(session: Session, table: exp.Table) -> exp.Expression | None:
    """The items of a source in the place of `database.public.table`; the two system views are brought up to date before they are read."""
    if not table.catalog:
        if table.name.lower() in _VIEWS and session.databases.outside is not None:
            _see(session)
            _look(session)
        return None
    database = table.catalog.lower()
    if database == session.database or session.databases.outside is None:
        return None
    _see(session)
    origin = _source_of(session, database)
    if origin is None:
        return None
    session.run("SELECT redshift_own_integration_database($1)", (database,))
    if ":dynamodb:" not in origin:
        raise unsupported("reading what Aurora and RDS bring through an integration")
    name = exact_name(session, table.this)
    if table.db.lower() != "public" or name != origin.rpartition("/")[2]:
        raise SqlError(f'relation "{table.db}.{name}" does not exist', "42P01")
    keys, items = session.outside.table_items(origin)
    return _rows(keys, items, table.alias or name)


def _rows(keys: list[tuple[str, str]], items: list[dict[str, Any]], alias: str) -> exp.Expression:
    """The key attributes as columns, and each item in DynamoDB's JSON as `value`."""
    columns = [f"(i #>> ARRAY[{literal(name)}, {literal(kind)}])::{_KEY_TYPES[kind]} AS {quote(name.lower())}" for name, kind in keys]
    text = f"SELECT {', '.join(columns)}, i AS value FROM jsonb_array_elements({literal(json.dumps(items))}::jsonb) AS i"  # noqa: S608 - names and values are quoted
    found = parse_one(text, read="postgres")
    assert isinstance(found, exp.Select)
    return found.subquery(exp.to_identifier(alias, quoted=True))


def _see(session: Session) -> None:
    """Bring what SQL knows of the integrations up to date."""
    seen = session.outside.integrations(session.warehouse)
    session.run("SELECT redshift_see_integrations($1::jsonb)", (json.dumps(seen),))


def _look(session: Session) -> None:
    """Bring what SQL knows of the tables up to date: each DynamoDB integration brings one, named as its source is."""
    for database, origin in session.run("SELECT name, source_arn FROM redshift_integration_databases()").rows:
        if ":dynamodb:" not in str(origin):
            continue
        name, there = str(origin).rpartition("/")[2], session.outside.table_exists(str(origin))
        count = len(session.outside.table_items(str(origin))[1]) if there else 0
        state, why = ("Synced", "") if there else ("Failed", "the source table does not exist")
        values = (database, name, state, why, str(count))
        session.run("SELECT redshift_see_integration_table($1, $2, $3, $4, $5::bigint)", values)


def _source_of(session: Session, database: str) -> str | None:
    """The ARN of what a database shows; None for another database."""
    rows = session.run("SELECT source_arn FROM redshift_integration_database($1)", (database,)).rows
    return str(rows[0][0] or "") if rows else None
