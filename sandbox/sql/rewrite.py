"""Definitions (DDL, MERGE, procedures) from Redshift's words to PostgreSQL's, token by token: what is not named here stays as written."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot.tokenizer_core import TokenType

from sandbox.sql.errors import unsupported
from sandbox.sql.lexer import Statement, literal, quote, statement

DATE_PART_FIRST = ("DATEADD", "DATEDIFF", "DATE_PART", "DATE_TRUNC")
MISSING_TYPES = ("GEOMETRY", "GEOGRAPHY", "HLLSKETCH")
_WORDS = {
    "SYSDATE": "redshift_sysdate()",
    "CURRENT_USER": "redshift_current_user()",
    "SESSION_USER": "redshift_session_user()",
    "CURRENT_NAMESPACE": "redshift_current_namespace()",
}
_TYPES = {
    "SUPER": "jsonb",
    "NVARCHAR": "varchar",
    "NCHAR": "char",
    "BPCHAR": "char(256)",
    "VARBYTE": "bytea",
    "VARBINARY": "bytea",
    "DATETIME": "timestamp",
}
_MAX_LENGTH = {"VARCHAR": "65535", "NVARCHAR": "65535", "VARYING": "65535", "CHAR": "4096", "CHARACTER": "4096", "NCHAR": "4096"}
_NO_TYPE_AFTER = ("", ".", ",", "(", "AS", "SELECT", "TABLE", "ON", "TO", "FROM", "INTO", "BY")


def to_postgres(source: Statement, parameters: list[str] | None = None) -> str:
    """The statement in PostgreSQL's words. The names of its `:parameters` are added to `parameters`, in the order of `$n`."""
    return source.text[: source.tokens[0].start] + "".join(_pieces(source, parameters if parameters is not None else []))


def _pieces(source: Statement, parameters: list[str]) -> Iterator[str]:
    index, at = 0, source.tokens[0].start
    while index < len(source.tokens):
        replacement, used = _replacement(source, index, parameters)
        yield source.text[at : source.tokens[index].start]
        yield source.text_of(index, index + used) if replacement is None else replacement
        at = source.tokens[index + used - 1].end + 1
        index += used


def _replacement(source: Statement, index: int, parameters: list[str]) -> tuple[str | None, int]:
    """What takes the place of how many tokens; None keeps them."""
    token = source.tokens[index]
    if token.token_type is TokenType.STRING:
        return literal(token.text), 1
    if token.token_type is TokenType.IDENTIFIER:
        return quote(token.text.lower()), 1
    if token.token_type is TokenType.HEREDOC_STRING:
        return _body(token.text), 1
    if any(token.start == parameter.start for parameter in source.parameters):
        parameters.append(source.tokens[index + 1].text)
        return f"${len(parameters)}", 2
    return _type(source, index) or _expression(source, index) or (None, 1)


def _expression(source: Statement, index: int) -> tuple[str, int] | None:
    """A word that stands for a value, or a function whose first argument is the bare name of a date part."""
    word, before = source.words[index], source.words[index - 1] if index else ""
    if word in DATE_PART_FIRST and source.words[index + 1 : index + 2] == ("(",) and source.words[index + 3 : index + 4] == (",",):
        return f"{source.tokens[index].text}({literal(source.tokens[index + 2].text)}", 3
    if word in _WORDS and before not in ("TO", "AUTHORIZATION", "FOR"):
        return _WORDS[word], 1
    return None


def _type(source: Statement, index: int) -> tuple[str, int] | None:
    """A type, or the IDENTITY that follows one."""
    words, word = source.words, source.words[index]
    before = words[index - 1] if index else "SELECT"
    if word == "IDENTITY" and words[index + 1 : index + 2] == ("(",):
        return _identity(source, index)
    if word in _MAX_LENGTH and words[index + 1 : index + 4] == ("(", "MAX", ")"):
        return f"{'char' if word == 'NCHAR' else source.tokens[index].text}({_MAX_LENGTH[word]})", 4
    if before in _NO_TYPE_AFTER and not (index and source.tokens[index - 1].token_type is TokenType.IDENTIFIER):
        return None
    if word in MISSING_TYPES:
        raise unsupported(f"the type {word}")
    if word in ("VARBYTE", "VARBINARY") and words[index + 1 : index + 2] == ("(",):
        return "bytea", source.closing(index + 1) - index + 1
    return (_TYPES[word], 1) if word in _TYPES else None


def _identity(source: Statement, index: int) -> tuple[str, int]:
    close = source.closing(index + 1)
    seed, step = source.text_of(index + 2, index + 3), source.text_of(index + 4, close)
    by_default = source.words[max(0, index - 4) : index] == ("GENERATED", "BY", "DEFAULT", "AS")
    return f"{'' if by_default else 'GENERATED ALWAYS AS '}IDENTITY (START WITH {seed} INCREMENT BY {step})", close - index + 1


def _body(text: str) -> str:
    inner = statement(text)
    rewritten = to_postgres(inner) + text[inner.tokens[-1].end + 1 :] if inner.tokens else text
    tag = "$body$"
    while tag in rewritten:
        tag = f"$b{tag[1:]}"
    return f"{tag}{rewritten}{tag}"
