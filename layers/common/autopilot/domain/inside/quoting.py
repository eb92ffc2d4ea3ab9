"""Names and texts in SQL: one function each, and nothing else puts a name or a text into a statement."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from autopilot.domain.errors import InvalidInput

#: Source: Redshift database developer guide, "Names and identifiers".
MAX_IDENTIFIER_BYTES = 127
#: Source: Redshift database developer guide, "Character types": the longest VARCHAR.
MAX_LITERAL_BYTES = 65_535


def identifier(name: str) -> str:
    """A name as a quoted identifier, which the database gives back as it was written. Raises InvalidInput for one that it would not.

    Redshift folds ASCII letters to lower case, also in quotes, and takes printable characters other than the double quote itself. Source: Redshift
    database developer guide, "Names and identifiers".
    """
    if problem := identifier_problem(name):
        raise InvalidInput(f"{name[:60]!r} {problem}")
    return f'"{name}"'


def exact_identifier(name: str) -> str:
    """The name of something outside the warehouse, such as a stream, whose capital letters count.

    Redshift takes them only where `enable_case_sensitive_identifier` is on. Source: Redshift database developer guide, "Names and identifiers".
    """
    identifier(_folded(name))
    return f'"{name}"'


def _folded(name: str) -> str:
    return "".join(character.lower() if "A" <= character <= "Z" else character for character in name)


def identifier_problem(name: str) -> str:
    """Why a name cannot be quoted, in words that follow the name; empty when it can."""
    size = len(name.encode("utf-8", "surrogatepass"))
    if not name:
        return "is empty; a name has 1 to 127 bytes"
    if size > MAX_IDENTIFIER_BYTES:
        return f"has {size} bytes; a name has up to {MAX_IDENTIFIER_BYTES}"
    if '"' in name:
        return "holds a double quote, which no name in Redshift may"
    if any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in name):
        return "holds a control character; a name has printable characters only"
    if any("A" <= character <= "Z" for character in name):
        return "holds a capital letter, which Redshift folds to lower case; write it in lower case"
    return ""


def name_problems(named: Iterable[tuple[str, str | None]]) -> list[str]:
    """What is wrong with names, each after its path; a name that is left out has no problem."""
    return [f"{path}: {name[:60]!r} {problem}" for path, name in named if name is not None and (problem := identifier_problem(name))]


def qualified(*names: str) -> str:
    """A name with the names that it lies in: `schema.table`."""
    return ".".join(identifier(name) for name in names)


def grantee(kind: str, name: str) -> str:
    """A role, user or group, or `public`, as it stands behind TO and FROM. Source: GRANT. A name that the catalog gives keeps its capital letters."""
    if kind == "public":
        return "PUBLIC"
    return exact_identifier(name) if kind == "user" else f"{kind.upper()} {exact_identifier(name)}"


def literal(text: str) -> str:
    """A text as a string literal. In Redshift a backslash escapes, so it is doubled as the quote is. Raises InvalidInput for what no literal can hold."""
    if "\x00" in text:
        raise InvalidInput("a text holds the character NUL, which no string in Redshift may")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidInput("a text holds half a surrogate pair, which is no character")
    if len(text.encode()) > MAX_LITERAL_BYTES:
        raise InvalidInput(f"a text has {len(text.encode())} bytes; a string in Redshift has up to {MAX_LITERAL_BYTES}")
    doubled = text.replace("\\", "\\\\").replace("'", "''")
    return f"'{doubled}'"
