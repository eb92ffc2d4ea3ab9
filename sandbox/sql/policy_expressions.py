"""The expressions of policies: in PostgreSQL's words, with every name bound, and in the form that the catalog gives them back in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlglot import exp, parse_one

from sandbox.sql.dialect import Plain, translate
from sandbox.sql.errors import SqlError
from sandbox.sql.lexer import quote
from sandbox.sql.session import Session

_TEXTS = ("text", "character varying", "unknown")


@dataclass(frozen=True)
class Input:
    """A column that a policy takes, and its type."""

    name: str
    type: str


def define(session: Session, kind: str, inputs: list[Input], alias: str, texts: list[str]) -> tuple[dict[str, Any], list[str]]:
    """A policy's definition as it is kept, and the tables that it looks things up in. Raises SqlError for what no policy may hold."""
    row = ", ".join(f"CAST(NULL AS {one.type}) AS {quote(one.name)}" for one in inputs) or "1 AS nothing"
    shown = [f"({text})" for text in texts]
    plain, names = translate(f"SELECT {', '.join(shown)} FROM (SELECT {row}) AS {quote(alias)}", session.database)  # noqa: S608 - the policy's own SQL
    if names:
        raise SqlError("a policy takes no parameters", "42P02")
    tree = parse_one(plain, read=Plain)
    lookups = [_lookup(session, kind, table) for table in list(tree.find_all(exp.Table))]
    for column in list(tree.find_all(exp.Column)):
        _bind(session, column, {one.name for one in inputs}, alias)
    types = _types(session, tree.sql(dialect=Plain), kind)
    run = [expression.sql(dialect=Plain) for expression in tree.expressions]
    if kind == "rls" and types != ["boolean"]:
        raise SqlError(f"argument of USING must be type boolean, not type {types[0]}", "42804")
    return {
        "inputs": [
            {"colname": one.name, "type": given} for one, given in zip(inputs, _input_types(session, row) if inputs else [], strict=True)
        ],
        "alias": alias,
        "shown": [
            {"expr": _told(text, {one.name for one in inputs}, alias), "type": given} for text, given in zip(texts, types, strict=True)
        ],
        "run": run,
    }, lookups


def _lookup(session: Session, kind: str, table: exp.Table) -> str:
    """Bind a table of a subquery to its schema; returns its number."""
    name = ".".join(quote(part.name.lower()) for part in table.parts)
    query = (
        "SELECT c.oid, n.nspname, c.relname, c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname NOT IN ('pg_catalog', 'information_schema'), "
        "redshift_protection(format('%I.%I', n.nspname, c.relname)) ->> 'rows' IS NOT NULL OR EXISTS "
        "(SELECT FROM svv_rls_relation s WHERE s.relschema = n.nspname AND s.relname = c.relname AND s.is_rls_on) "
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::regclass"
    )
    oid, schema, relation, plain, protected = session.run(query, (name,)).rows[0]
    if plain != "t" or (kind == "rls" and protected == "t"):
        raise SqlError(f"{name} cannot be used in the definition of a policy", "0A000")
    table.set("db", exp.to_identifier(schema, quoted=True))
    if not table.alias:
        table.set("alias", exp.TableAlias(this=exp.to_identifier(relation, quoted=True)))
    return str(oid)


def _bind(session: Session, column: exp.Column, inputs: set[str], alias: str) -> None:
    """Say of a column of the policy whose it is, unless a table of a subquery around it has one of that name."""
    if column.table or column.name.lower() not in inputs:
        return
    select = column.find_ancestor(exp.Select)
    while select is not None:
        tables = [source.this for source in (select.args.get("from_"), *(select.args.get("joins") or [])) if source]
        if any(isinstance(table, exp.Table) and _has(session, table, column.name.lower()) for table in tables):
            return
        select = select.find_ancestor(exp.Select)
    column.set("table", exp.to_identifier(alias, quoted=True))


def _has(session: Session, table: exp.Table, column: str) -> bool:
    name = ".".join(quote(part.name.lower()) for part in table.parts)
    query = "SELECT 1 FROM pg_attribute WHERE attrelid = $1::regclass AND attname = $2 AND attnum > 0 AND NOT attisdropped"
    return bool(session.run(query, (name, column)).rows)


def _types(session: Session, query: str, kind: str) -> list[str]:
    """The types of what the expressions give; texts of any length are one type."""
    answer = session.run(f"SELECT * FROM ({_numbered(query)}) q LIMIT 0")  # noqa: S608 - the policy's own SQL
    types = [_type_name(session, column.type_oid, -1) for column in answer.columns]
    return ["character varying(65535)" if kind == "masking" and one in _TEXTS else one for one in types]


def _numbered(query: str) -> str:
    tree = parse_one(query, read=Plain)
    tree.set("expressions", [exp.alias_(expression, f"c{n}") for n, expression in enumerate(tree.expressions)])
    return tree.sql(dialect=Plain)


def _input_types(session: Session, row: str) -> list[str]:
    plain, _ = translate(f"SELECT {row}", session.database)
    answer = session.run(f"SELECT * FROM ({plain}) q LIMIT 0")  # noqa: S608 - the policy's own SQL
    return [_type_name(session, column.type_oid, column.type_modifier) for column in answer.columns]


def _type_name(session: Session, oid: int, modifier: int) -> str:
    return str(session.run("SELECT redshift_type_name($1::oid, $2::integer)", (str(oid), str(modifier))).rows[0][0])


def _told(text: str, inputs: set[str], alias: str) -> str:
    """The expression as the catalog tells it: written anew, with every column's table."""
    tree = parse_one(text, read="redshift")
    for column in tree.find_all(exp.Column):
        if not column.table and column.name.lower() in inputs and not column.find_ancestor(exp.Select):
            column.set("this", exp.to_identifier(column.name.lower(), quoted=True))
            column.set("table", exp.to_identifier(alias, quoted=True))
    return tree.sql(dialect="redshift")
