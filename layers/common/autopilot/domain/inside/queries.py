"""Queries that a spec brings along, and those that the catalog gives back: checked, read, and made comparable. sqlglot is imported when one is looked at."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple


class Named(NamedTuple):
    """A relation as a query names it; `database` and `schema` are empty where the query does not say."""

    database: str
    schema: str
    name: str


def query_problem(text: str) -> str:
    """Why a text is not one query that can stand at the end of a statement, in words that follow the field; empty when it is."""
    from sqlglot.dialects.redshift import Redshift
    from sqlglot.errors import SqlglotError
    from sqlglot.tokenizer_core import TokenType

    try:
        tokens = Redshift().tokenize(text)
        if any(token.token_type is TokenType.SEMICOLON for token in tokens):
            return "holds a semicolon; it must be one SELECT, without the semicolon behind it"
        if not tokens or text[tokens[-1].end + 1 :].strip():
            return "ends with a comment, which would swallow what follows it" if tokens else "holds no query"
        tree = _tree(text)
    except SqlglotError as error:
        return f"is no query: {str(error).splitlines()[0]}"
    return _kind_problem(tree)


def _kind_problem(tree: Any) -> str:
    from sqlglot import exp

    if not isinstance(tree, exp.Query):
        return "must be one SELECT, or WITH ... SELECT"
    if tree.find(exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Into, exp.DDL, exp.Command) or any(tree.find_all(exp.Into)):
        return "must only read: it changes or creates something"
    return ""


@lru_cache(maxsize=512)
def _tree(text: str) -> Any:
    """The one statement of a text, not to be changed. Raises SqlglotError."""
    import sqlglot
    from sqlglot.errors import ParseError

    trees = sqlglot.parse(text, read="redshift")
    if len(trees) != 1 or trees[0] is None:
        raise ParseError("must be one statement")
    return trees[0]


def reads(text: str) -> list[Named]:
    """The relations that a query names, each once, as the database folds them; none of its own common table expressions.

    A definition from the catalog may be a whole CREATE statement. Raises SqlglotError for what cannot be read.
    """
    from sqlglot import exp

    tree = _tree(text)
    body = tree.expression if isinstance(tree, exp.Create) and tree.expression else tree
    common = {cte.alias_or_name.lower() for cte in body.find_all(exp.CTE)}
    named = [Named(*(part.lower() for part in (table.catalog, table.db, table.name))) for table in body.find_all(exp.Table) if table.name]
    return list(dict.fromkeys(one for one in named if one.schema or one.name not in common))


def reads_if_readable(text: str) -> list[Named]:
    """The same; none for what cannot be read."""
    from sqlglot.errors import SqlglotError

    try:
        return reads(text)
    except SqlglotError:
        return []


def columns(text: str) -> list[str] | None:
    """The names of a query's columns; None where they cannot be told from its text, as for `*` or an expression without a name."""
    from sqlglot import exp

    tree = _tree(text)
    if not isinstance(tree, exp.Query) or not tree.selects or any(not isinstance(one, exp.Column | exp.Alias) for one in tree.selects):
        return None
    return [one.alias_or_name.lower() for one in tree.selects] if not tree.is_star else None


def normalised(text: str) -> str:
    """A query without its layout and comments."""
    from sqlglot.dialects.redshift import Redshift

    return " ".join(text[token.start : token.end + 1] for token in Redshift().tokenize(text))


def shape(text: str) -> str:
    """What decides which columns a query has, and their types: all of it but the conditions, groups and order of the outermost SELECT."""
    from sqlglot import exp

    tree = _tree(text)
    if isinstance(tree, exp.Select):
        tree = tree.copy()
        for clause in ("where", "group", "having", "qualify", "order", "limit", "offset", "distinct"):
            tree.set(clause, None)
    return str(tree.sql(dialect="redshift", comments=False))


def clauses(text: str) -> list[str]:
    """Which of ORDER BY, LIMIT and OFFSET a query has, in itself or in a query within it; a window's order is none of them."""
    from sqlglot import exp

    names = {"order": "ORDER BY", "limit": "LIMIT", "offset": "OFFSET"}
    queries = list(_tree(text).find_all(exp.Query))
    return [name for key, name in names.items() if any(query.args.get(key) for query in queries)]
