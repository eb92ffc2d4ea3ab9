"""Queries (SELECT, INSERT, UPDATE, DELETE) from Redshift's dialect to PostgreSQL's.

sqlglot knows most functions and rewrites them by their usual meaning, which is not always Redshift's. So functions are kept as
they are written (the database has the missing ones), and only what has another form in PostgreSQL is changed here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.dialects.redshift import Redshift
from sqlglot.errors import ErrorLevel, ParseError, TokenError, UnsupportedError
from sqlglot.parsers.postgres import PostgresParser
from sqlglot.parsers.redshift import RedshiftParser

from sandbox.sql.errors import SqlError, unsupported
from sandbox.sql.rewrite import DATE_PART_FIRST, MISSING_TYPES
from sandbox.sql.super_paths import navigated

logging.getLogger("sqlglot").setLevel(logging.ERROR)

_RENAMED_RELATIONS = {"pg_database": "redshift_databases"}


class _Reader(Redshift):
    class Parser(RedshiftParser):
        FUNCTIONS: ClassVar[dict[str, Any]] = {"COUNT": RedshiftParser.FUNCTIONS["COUNT"]}


class _Writer(Postgres):
    INDEX_OFFSET = 0  # SUPER arrays count from 0 on both sides


class Plain(_Writer):
    """PostgreSQL's words, read and written: functions stay as they are written."""

    class Parser(PostgresParser):
        """Knows no function."""

        FUNCTIONS: ClassVar[dict[str, Any]] = {"COUNT": PostgresParser.FUNCTIONS["COUNT"]}


Resolver = Callable[[exp.Table], exp.Expression | None]


def translate(sql: str, database: str, resolve: Resolver | None = None) -> tuple[str, list[str]]:
    """The query for PostgreSQL, and the names of its parameters in the order of `$1`, `$2`, ...

    `resolve` gives what takes the place of a relation, None for one that stays as it is.
    """
    try:
        tree = sqlglot.parse_one(sql, read=_Reader)
    except (ParseError, TokenError) as error:
        raise SqlError(_syntax_message(error), "42601") from error
    if isinstance(tree, exp.Command):
        raise unsupported(f"{sql.split(None, 1)[0].upper()} of this form")
    names: list[str] = []
    common = {cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE)}

    def change(node: exp.Expression) -> exp.Expression:
        if resolve and isinstance(node, exp.Table) and (node.db or node.name.lower() not in common):
            return resolve(node) or _change(node, database, names)
        return _change(node, database, names)

    tree = tree.transform(change, copy=False)
    try:
        return tree.sql(dialect=_Writer, unsupported_level=ErrorLevel.RAISE, comments=False), names
    except UnsupportedError as error:
        raise SqlError(f"not supported in the sandbox: {str(error).splitlines()[0]}", "0A000") from error


def _syntax_message(error: ParseError | TokenError) -> str:
    details = getattr(error, "errors", None)
    if not details:
        return "syntax error: " + str(error).splitlines()[0]
    near = details[0].get("highlight") or "end of input"
    return f'syntax error at or near "{near}" (line {details[0].get("line")}, column {details[0].get("col")})'


def _change(node: exp.Expression, database: str, names: list[str]) -> exp.Expression:
    if isinstance(node, exp.Placeholder):
        names.append(node.name)
        return exp.Parameter(this=exp.Literal.number(len(names)))
    if isinstance(node, exp.Table):
        return _table(node, database)
    if isinstance(node, exp.Select) and node.args.get("qualify") and node.is_star:
        return _qualify_star(node)
    change = _CHANGES.get(type(node))
    return change(node) if change else node


def _qualify_star(node: exp.Select) -> exp.Expression:
    """`SELECT * ... QUALIFY condition` of one relation: the rows travel whole beside the condition, so that no column is added."""
    source = node.args["from_"].this if node.args.get("from_") else None
    if node.args.get("joins") or len(node.expressions) != 1 or not isinstance(source, exp.Table | exp.Subquery):
        raise unsupported("QUALIFY with * and anything but one relation")
    alias = source.alias_or_name
    condition, order, limit = node.args["qualify"].this, node.args.get("order"), node.args.get("limit")
    for part in ("qualify", "order", "limit"):
        node.set(part, None)
    rows = exp.select(exp.column(alias).as_("_row"), exp.paren(condition).as_("_kept")).from_(node.subquery(alias))
    rows.set("order", order)
    kept = (
        exp.select(exp.Dot(this=exp.paren(exp.column("_row")), expression=exp.Star()))
        .from_(rows.subquery("_rows"))
        .where(exp.column("_kept"))
    )
    kept.set("limit", limit)
    return kept


def _identifier(node: exp.Expression) -> exp.Expression:
    if node.args.get("quoted"):
        node.set("this", node.name.lower())
    return node


def _table(node: exp.Table, database: str) -> exp.Expression:
    catalog = node.catalog
    if catalog and catalog.lower() != database.lower():
        raise unsupported(f'a query on another database ("{catalog}")')
    node.set("catalog", None)
    if node.name.lower() in _RENAMED_RELATIONS and node.db.lower() in ("", "pg_catalog"):
        if not node.alias:
            node.set("alias", exp.TableAlias(this=exp.to_identifier(node.name)))
        node.set("this", exp.to_identifier(_RENAMED_RELATIONS[node.name.lower()]))
    return node


def _type(node: exp.Expression) -> exp.Expression:
    name = str(node.this.name if isinstance(node.this, exp.DType) else node.this)
    if name in MISSING_TYPES:
        raise unsupported(f"the type {name}")
    if name == "SUPER":
        return exp.DataType.build("jsonb", dialect="postgres")
    if name in ("VARCHAR", "NVARCHAR") and any(size.name.upper() == "MAX" for size in node.expressions):
        return exp.DataType.build("varchar(65535)")
    return node


def _named(node: exp.Expression, function: str, label: str) -> exp.Expression:
    """A call that, as a column of a result, keeps the name Redshift gives it."""
    call = exp.Anonymous(this=function)
    in_result = isinstance(node.parent, exp.Select) and node.arg_key == "expressions"
    return exp.Alias(this=call, alias=exp.to_identifier(label)) if in_result else call


def _now(node: exp.Expression) -> exp.Expression:
    return _named(node, "redshift_sysdate", "sysdate") if node.args.get("sysdate") else node


def _column(node: exp.Expression) -> exp.Expression:
    if node.name.lower() != "current_namespace" or node.args.get("table") or node.this.args.get("quoted"):
        return navigated(node) if isinstance(node, exp.Column) else node
    return _named(node, "redshift_current_namespace", "current_namespace")


def _function(node: exp.Expression) -> exp.Expression:
    name, arguments = str(node.this).upper(), node.expressions
    if name in DATE_PART_FIRST and arguments and isinstance(arguments[0], exp.Column | exp.Var):
        arguments[0].replace(exp.Literal.string(arguments[0].name))
    elif name == "NVL":
        node.set("this", "COALESCE")
    elif name == "MEDIAN":
        order = exp.Order(expressions=[exp.Ordered(this=arguments[0])])
        return exp.WithinGroup(this=exp.Anonymous(this="PERCENTILE_CONT", expressions=[exp.Literal.number("0.5")]), expression=order)
    elif name == "LISTAGG" and not isinstance(node.parent, exp.WithinGroup):
        return _string_agg(node, None)
    return node


def _within_group(node: exp.Expression) -> exp.Expression:
    inner = node.this
    if isinstance(inner, exp.Anonymous) and str(inner.this).upper() == "LISTAGG":
        return _string_agg(inner, node.args.get("expression"))
    return node


def _string_agg(call: exp.Expression, order: exp.Expression | None) -> exp.Expression:
    first = call.expressions[0]
    distinct = isinstance(first, exp.Distinct)
    value, *rest = first.expressions if distinct else call.expressions
    delimiter = rest[0] if rest else exp.Literal.string("")
    text = exp.cast(value.copy(), "text")
    if order is not None:
        for ordered in order.find_all(exp.Ordered):
            # PostgreSQL orders distinct values only by the very expression that it aggregates
            if distinct and ordered.this == value:
                ordered.set("this", text.copy())
        delimiter = exp.Order(this=delimiter, expressions=order.expressions)
    arguments = [text, delimiter]
    if distinct:
        arguments[0] = exp.Distinct(expressions=[text])
    return exp.Anonymous(this="STRING_AGG", expressions=arguments)


def _ratio(node: exp.Expression) -> exp.Expression:
    call = node.this
    if not isinstance(call, exp.Anonymous) or str(call.this).upper() != "RATIO_TO_REPORT":
        return node
    value = call.expressions[0]
    node.set("this", exp.Anonymous(this="SUM", expressions=[value.copy()]))
    return exp.Div(this=exp.cast(value.copy(), "double"), expression=node.copy())


_CHANGES: dict[type[exp.Expression], Callable[[exp.Expression], exp.Expression]] = {
    exp.Identifier: _identifier,
    exp.DataType: _type,
    exp.CurrentUser: lambda node: _named(node, "redshift_current_user", "current_user"),
    exp.SessionUser: lambda node: _named(node, "redshift_session_user", "session_user"),
    exp.CurrentTimestamp: _now,
    exp.Column: _column,
    exp.Anonymous: _function,
    exp.WithinGroup: _within_group,
    exp.Window: _ratio,
    exp.ApproxDistinct: lambda node: exp.Anonymous(this="COUNT", expressions=[exp.Distinct(expressions=[node.this])]),
}
