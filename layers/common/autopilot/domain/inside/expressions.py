"""SQL that a spec brings along: checked to be what it is said to be, so that it cannot break out of the statement that it is put into."""

from __future__ import annotations


def selected_problem(text: str) -> str:
    """Why a text is not what may stand between SELECT and FROM, in words that follow the field; empty when it is."""
    return _problem(text, f"SELECT {text}", {"kind", "hint", "expressions", "operation_modifiers"}, "a list of columns and expressions")


def condition_problem(text: str) -> str:
    """Why a text is not one condition, as stands behind WHERE, in words that follow the field; empty when it is."""
    return _problem(text, f"SELECT 1 WHERE {text}", {"kind", "hint", "expressions", "operation_modifiers", "where"}, "one condition")


def expression_problem(text: str) -> str:
    """Why a text is not one expression that stays within the parentheses it is put into, in words that follow its path; empty when it is."""
    # Whether a backslash escapes a quote makes where a string ends: the text has to be one expression either way.
    return _one_expression_problem(text, "redshift") or _one_expression_problem(text, "postgres")


def _one_expression_problem(text: str, dialect: str) -> str:
    from sqlglot import exp, parse
    from sqlglot.errors import SqlglotError

    try:
        if _has_comment(text, dialect):
            return "holds a comment, which could swallow what follows; leave it out"
        trees = parse(f"SELECT ({text})", read=dialect)
    except SqlglotError:
        # The parser's message quotes the text around the mistake with colours of a terminal in it.
        return "is no expression in SQL; are quotes and parentheses closed?"
    tree = trees[0] if len(trees) == 1 else None
    if (
        not isinstance(tree, exp.Select)
        or [name for name, value in tree.args.items() if value] != ["expressions"]
        or len(tree.expressions) != 1
    ):
        return "must be one expression, without a semicolon"
    inside = tree.expressions[0]
    if not isinstance(inside, exp.Paren | exp.Subquery) or isinstance(inside.this, exp.Alias | exp.Tuple | exp.Star):
        return "must be one expression, without a name of its own or anything outside its parentheses"
    return ""


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


def _has_comment(text: str, dialect: str = "redshift") -> bool:
    """Outside strings and quoted names no mark of a comment may stand: some comments get lost when the text is parsed."""
    import sqlglot

    at = 0
    for token in sqlglot.tokenize(text, read=dialect):
        if any(mark in text[at : token.start] for mark in ("--", "/*", "*/", ";")):
            return True
        at = token.end + 1
    return any(mark in text[at:] for mark in ("--", "/*", "*/", ";"))
