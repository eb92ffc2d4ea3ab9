"""What a relation in a query stands for: one rule after the other may put something else in its place."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from sqlglot import exp

from sandbox.sql.dialect import translate
from sandbox.sql.protection import protected

if TYPE_CHECKING:
    from sandbox.sql.session import Session

#: What takes the place of a relation, in PostgreSQL's words; None leaves it to the next rule. A rule may also prepare the relation, as by loading its rows.
Rule = Callable[["Session", exp.Table], exp.Expression | None]
RULES: list[Rule] = []


def resolved(session: Session, table: exp.Table) -> exp.Expression | None:
    """What takes the place of a relation by the first rule that knows it. Names of common table expressions never come here."""
    return next((found for rule in RULES if (found := rule(session, table)) is not None), None)


def translated(session: Session, text: str, *, definition: bool = False) -> tuple[str, list[str]]:
    """A query in PostgreSQL's words for this session, and the names of its parameters in order.

    What policies hide from the session's user it does not show, unless it is the `definition` of a view, which is read by others.
    """
    plain, names = translate(text, session.database, partial(resolved, session))
    return (plain if definition else protected(session, plain, names)), names
