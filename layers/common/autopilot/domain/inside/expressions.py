"""SQL that a spec brings along: checked to be what it is said to be, so that it cannot break out of the statement that it is put into."""

from __future__ import annotations


def selected_problem(text: str) -> str:
    """Why a text is not what may stand between SELECT and FROM, in words that follow the field; empty when it is."""
    return _problem(text, f"SELECT {text}", {"kind", "hint", "expressions", "operation_modifiers"}, "a list of columns and expressions")


def condition_problem(text: str) -> str:
    """Why a text is not one condition, as stands behind WHERE, in words that follow the field; empty when it is."""
    return _problem(text, f"SELECT 1 WHERE {text}", {"kind", "hint", "expressions", "operation_modifiers", "where"}, "one condition")


def _problem(text: str, statement: str, clauses: set[str], wanted: str) -> str:
    """The text is alone in its clause: parsed as such, it has made no other clause, no second statement and no comment."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        trees = sqlglot.parse(statement, read="redshift")
    except SqlglotError as error:
        return f"is no SQL that can stand there: {str(error).splitlines()[0]}"
    if len(trees) != 1 or not isinstance(trees[0], exp.Select):
        return f"must be {wanted}, without a semicolon"
    tree = trees[0]
    if any(node.comments for node in tree.walk()) or _has_comment(text):
        return "must hold no comment"
    if others := [name for name, value in tree.args.items() if value and name not in clauses]:
        return f"must be {wanted}, and brings a clause of its own ({others[0].strip('_')})"
    if not tree.expressions:
        return f"must be {wanted}"
    return ""


def _has_comment(text: str) -> bool:
    """Outside strings and quoted names no mark of a comment may stand: some comments get lost when the text is parsed."""
    from sqlglot.dialects.redshift import Redshift

    at = 0
    for token in Redshift().tokenize(text):
        if any(mark in text[at : token.start] for mark in ("--", "/*", "*/", ";")):
            return True
        at = token.end + 1
    return any(mark in text[at:] for mark in ("--", "/*", "*/", ";"))
