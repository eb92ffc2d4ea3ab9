"""What policies leave of a query: relations with other values in masked columns, and without the rows that are not for the session's user.

A query that reads nothing protected stays as it is. Of another one PostgreSQL first checks the rights, as it is; then each relation that a policy
changes, in views too, is put in by a function that reads it with all rights, since views and policies read what their users may not.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from sandbox.sql.dialect import Plain
from sandbox.sql.errors import SqlError, unsupported
from sandbox.sql.lexer import quote
from sandbox.sql.session import Session

#: What a text of ours is sealed with, so that nobody else's is run with all rights.
SEAL = secrets.token_hex(16)


def protected(session: Session, text: str, names: list[str]) -> str:
    """A query in PostgreSQL's words as the policies leave it for this user. Raises SqlError for what the policies do not let pass."""
    if session.run("SELECT redshift_has_policies()").rows[0][0] != "t":
        return text
    try:
        tree = parse_one(text, read=Plain)
    except SqlglotError as error:
        raise unsupported("a query of this form where there are policies") from error
    query = _Query(session)
    query.rewrite(tree)
    if not query.pieces:
        return text
    session.run(f"EXPLAIN {text}", session.bound(names))
    return query.text_of(tree, inside=False)


def refuse_restricted(session: Session, what: str) -> None:
    """Raises SqlError for a statement whose queries PostgreSQL runs by itself, when policies hold for this user."""
    if session.run("SELECT redshift_is_restricted()").rows[0][0] == "t":
        raise unsupported(f"{what} by a user for whom policies hold")


@dataclass(frozen=True)
class Piece:
    """What takes a relation's place, or a condition on the rows of a changed one. `columns` are names and types."""

    query: str
    alias: str
    columns: list[tuple[str, str]]
    condition: bool = False


@dataclass
class _Query:
    session: Session
    pieces: dict[str, Piece] = field(default_factory=dict)

    def rewrite(self, tree: exp.Expr) -> None:
        """Put marks in the place of what policies change; the text of each mark stands in `pieces`."""
        for table in list(tree.find_all(exp.Table)):
            if not isinstance(table.this, exp.Identifier) or _is_common(table):
                continue
            if isinstance(table.parent, exp.Schema) or (isinstance(table.parent, exp.Insert) and table.arg_key == "this"):
                continue
            if isinstance(table.parent, exp.Update | exp.Delete) and table.arg_key == "this":
                self._restrict_target(table, table.parent)
            else:
                self._replace(table)
        if self.pieces:
            for column in tree.find_all(exp.Column):
                column.set("db", None)

    def _replace(self, table: exp.Table) -> None:
        found = _protection(self.session, table)
        if (seen := _shown(self.session, found)) is None:
            return
        query, columns = seen
        given = [one.name for one in (table.args["alias"].columns if table.args.get("alias") else [])]
        columns = [(given[n] if n < len(given) else name, kind) for n, (name, kind) in enumerate(columns)]
        mark = self._mark(Piece(query, table.alias or table.name.lower(), columns))
        table.set("this", exp.to_identifier(mark, quoted=True))
        for part in ("db", "alias"):
            table.set(part, None)

    def _restrict_target(self, table: exp.Table, statement: exp.Update | exp.Delete) -> None:
        found = _protection(self.session, table)
        if found is None:
            return
        alias = table.alias_or_name.lower()
        hidden = {column for mask in found["masks"] for column in mask["masks"]}
        assigned = {id(one.this) for one in statement.args.get("expressions") or [] if isinstance(one, exp.EQ)}
        for column in statement.find_all(exp.Column):
            if id(column) not in assigned and column.name.lower() in hidden and column.table.lower() in ("", alias):
                verb = "UPDATE" if isinstance(statement, exp.Update) else "DELETE"
                raise unsupported(f"{verb} that reads the masked column {column.name} of the table that it changes")
        if found["rows"] is not None:
            query = f"SELECT r.ctid FROM {found['name']} AS r WHERE {_condition(found)}"  # noqa: S608 - of names that the database gave, quoted
            mark = self._mark(Piece(query, alias, [("row", "tid")], condition=True))
            statement.where(exp.column(mark, quoted=True), copy=False)

    def _mark(self, piece: Piece) -> str:
        mark = f"policy piece {len(self.pieces)}"
        self.pieces[mark] = piece
        return mark

    def text_of(self, tree: exp.Expr, *, inside: bool) -> str:
        """The text with every piece in its place; `inside` of another piece all rights are there already."""
        text = tree.sql(dialect=Plain)
        for mark, piece in self.pieces.items():
            text = text.replace(quote(mark), self._placed(piece, inside=inside))
        return text

    def _placed(self, piece: Piece, *, inside: bool) -> str:
        names = ", ".join(quote(name) for name, _ in piece.columns)
        if inside:
            return f"({piece.query}) AS {quote(piece.alias)} ({names})"
        who = self.session.connection.info.user
        seal = hashlib.sha256(f"{SEAL}{who}{piece.query}".encode()).hexdigest()
        typed = ", ".join(f"{quote(name)} {kind}" for name, kind in piece.columns)
        call = f"redshift_shown({_text(piece.query)}, '{seal}')"
        if piece.condition:
            return f'({quote(piece.alias)}.ctid IN (SELECT s."row" FROM {call} AS s ({typed})))'  # noqa: S608 - sealed text
        return f"{call} AS {quote(piece.alias)} ({typed})"


def _text(text: str) -> str:
    tag = "$piece$"
    while tag in text:
        tag = f"$p{tag[1:]}"
    return f"{tag}{text}{tag}"


def _is_common(table: exp.Table) -> bool:
    """Whether a name is that of a common table expression that can be seen where it stands."""
    before: exp.Expr = table
    node = table.parent
    while node is not None and not table.db:
        common = node if isinstance(node, exp.With) else node.args.get("with_")
        if isinstance(common, exp.With) and before is not common:
            names = [cte.alias.lower() for cte in common.expressions]
            # One of them sees only those before it, unless they are recursive.
            position = names.index(before.alias.lower()) if node is common and not common.recursive else len(names)
            if table.name.lower() in names[:position]:
                return True
        before, node = node, node.parent
    return False


def _protection(session: Session, table: exp.Table) -> dict[str, Any] | None:
    """What holds for this user of a relation; None for one that is no table or view of a user."""
    name = ".".join(quote(part.name if part.args.get("quoted") else part.name.lower()) for part in table.parts)
    answer = session.run("SELECT redshift_protection($1)", (name,)).rows[0][0]
    found: dict[str, Any] | None = json.loads(answer) if answer else None
    for policy in [*(found["rows"] or []), *found["masks"]] if found else []:
        if policy["unreadable"]:
            raise SqlError(f"permission denied for relation {policy['unreadable']} (lookup of policy {policy['policy']})", "42501")
    return found


def _shown(session: Session, found: dict[str, Any] | None) -> tuple[str, list[tuple[str, str]]] | None:
    """The query that shows a relation and its columns with their types; None where no policy changes it."""
    if found is None:
        return None
    source = found["name"]
    inner = _Query(session)
    if found["view"]:
        tree = parse_one(found["view"].rstrip().rstrip(";"), read=Plain)
        inner.rewrite(tree)
        source = f"({inner.text_of(tree, inside=True)})"
    if found["rows"] is None and not found["masks"] and not inner.pieces:
        return None
    masks: dict[str, tuple[str, str]] = {}
    for mask in found["masks"]:
        for number, column in enumerate(mask["masks"]):
            kind = mask["definition"]["shown"][number]["type"]
            masks.setdefault(column, (_evaluated(mask, number, kind), _sizeless(kind)))
    chosen, columns = [], []
    for name, kind in found["columns"]:
        value, type_ = masks.get(name, (f"r.{quote(name)}", _sizeless(kind) if inner.pieces else kind))
        chosen.append(f"CAST({value} AS {type_}) AS {quote(name)}")
        columns.append((name, type_))
    where = f" WHERE {_condition(found)}" if found["rows"] is not None else ""
    return f"SELECT {', '.join(chosen)} FROM {source} AS r{where}", columns  # noqa: S608 - of names that the database gave, quoted


def _condition(found: dict[str, Any]) -> str:
    """Which rows are seen: none without a policy."""
    conditions = [f"coalesce({_evaluated(policy, 0, 'boolean')}, false)" for policy in found["rows"]]
    joined = (" OR " if found["conjunction"] == "or" else " AND ").join(conditions)
    return f"({joined})" if conditions else "false"


def _evaluated(policy: dict[str, Any], number: int, kind: str) -> str:
    """An expression of a policy for the row `r`, whose columns it takes under its own names."""
    made = policy["definition"]
    row = ", ".join(
        f"CAST(r.{quote(column)} AS {one['type']}) AS {quote(one['colname'])}"
        for column, one in zip(policy["takes"], made["inputs"], strict=True)
    )
    expression = f"CAST({made['run'][number]} AS {kind})"
    return f"(SELECT {expression} FROM (SELECT {row or '1 AS nothing'}) AS {quote(made['alias'])})"  # noqa: S608 - of names that the database gave, quoted


def _sizeless(kind: str) -> str:
    """A masked value may be longer than the column."""
    return "character varying" if kind.startswith("character varying") else kind
