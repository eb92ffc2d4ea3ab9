"""Redshift SQL as tokens: statements told apart, words looked at, names and literals read, without touching quoted text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import ClassVar

from sqlglot.dialects.redshift import Redshift
from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import Token, TokenType

from sandbox.sql.errors import SqlError


class _Lexer(Redshift):
    class Tokenizer(Redshift.Tokenizer):
        # sqlglot would swallow the rest of such a statement as one string; here every statement is looked at.
        COMMANDS: ClassVar[set[TokenType]] = set()
        # PRIMARY KEY, GROUP BY and the like are one token to sqlglot; here a word is a word.
        KEYWORDS: ClassVar[dict[str, TokenType]] = {word: kind for word, kind in Redshift.Tokenizer.KEYWORDS.items() if " " not in word}


def tokenize(sql: str) -> list[Token]:
    """The tokens of any number of statements."""
    try:
        return _Lexer().tokenize(sql)
    except TokenError as error:
        raise SqlError(f"syntax error: {str(error).splitlines()[0]}", "42601") from error


@dataclass(frozen=True)
class Parameter:
    """A `:name` in a statement, with its place in the text."""

    name: str
    start: int
    end: int


@dataclass(frozen=True)
class Statement:
    """One statement: its text, and its tokens with places relative to that text."""

    text: str
    tokens: tuple[Token, ...]

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Each token in upper case; a quoted name or a literal is an empty string, so that it is never taken for a keyword."""
        quoted = (TokenType.IDENTIFIER, TokenType.STRING, TokenType.HEREDOC_STRING)
        return tuple("" if token.token_type in quoted else token.text.upper() for token in self.tokens)

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """Every `:name`, in order. A cast (`::`) is another token and an array slice (`a[1:x]`) follows a number."""
        found = []
        for before, colon, name in zip((None, *self.tokens), self.tokens, self.tokens[1:], strict=False):
            if colon.token_type is not TokenType.COLON or name.start != colon.end + 1 or name.token_type is TokenType.STRING:
                continue
            if before is not None and before.end + 1 == colon.start and before.token_type in (TokenType.NUMBER, TokenType.VAR):
                continue
            found.append(Parameter(name.text, colon.start, name.end))
        return tuple(found)

    def starts_with(self, *words: str) -> bool:
        return self.words[: len(words)] == words

    def find(self, word: str, start: int = 0) -> int:
        """Index of the first such word outside parentheses from `start` on; -1 when there is none."""
        depth = 0
        for index in range(start, len(self.words)):
            depth += {"(": 1, ")": -1}.get(self.words[index], 0)
            if depth == 0 and self.words[index] == word:
                return index
        return -1

    def text_of(self, start: int, end: int | None = None) -> str:
        """The text of the tokens from index `start` up to `end`."""
        chosen = self.tokens[start:end]
        return self.text[chosen[0].start : chosen[-1].end + 1] if chosen else ""

    def name_at(self, index: int) -> str:
        """The name at that token, folded as Redshift folds it: lower case, even in quotes."""
        if index >= len(self.tokens) or self.tokens[index].token_type in (
            TokenType.STRING,
            TokenType.NUMBER,
            TokenType.COMMA,
            TokenType.L_PAREN,
        ):
            raise self.syntax_error(index)
        return self.tokens[index].text.lower()

    def qualified_name_at(self, index: int) -> tuple[str, int]:
        """A name such as `schema.table`, quoted for PostgreSQL, and the index behind it."""
        parts = [self.name_at(index)]
        index += 1
        while self.words[index : index + 1] == (".",):
            parts.append(self.name_at(index + 1))
            index += 2
        return ".".join(quote(part) for part in parts), index

    def string_at(self, index: int) -> str:
        """The value of the string literal at that token."""
        if index >= len(self.tokens) or self.tokens[index].token_type not in (TokenType.STRING, TokenType.HEREDOC_STRING):
            raise self.syntax_error(index)
        return self.tokens[index].text

    def names_in_parentheses(self, index: int) -> tuple[list[str], int]:
        """The names of `(a, b)` at that token, and the index behind it."""
        close = self.closing(index)
        return [self.name_at(i) for i in range(index + 1, close, 2)], close + 1

    def parts(self, start: int, end: int) -> list[tuple[int, int]]:
        """The index ranges of a list: its parts, told apart by commas outside of parentheses."""
        found, first, depth = [], start, 0
        for index in range(start, end):
            depth += {"(": 1, ")": -1}.get(self.words[index], 0)
            if depth == 0 and self.words[index] == ",":
                found.append((first, index))
                first = index + 1
        return [*found, (first, end)]

    def closing(self, index: int) -> int:
        """Index of the parenthesis that closes the one at `index`."""
        if self.words[index : index + 1] != ("(",):
            raise self.syntax_error(index)
        depth = 0
        for at in range(index, len(self.words)):
            depth += {"(": 1, ")": -1}.get(self.words[at], 0)
            if depth == 0:
                return at
        raise self.syntax_error(len(self.tokens))

    def syntax_error(self, index: int) -> SqlError:
        if index >= len(self.tokens):
            return SqlError("syntax error at end of input", "42601")
        return SqlError(f'syntax error at or near "{self.text_of(index, index + 1)}"', "42601")

    def replaced(self, changes: list[tuple[int, int, str]]) -> str:
        """The text with other words in the place of the tokens of those index ranges."""
        kept, at = [], 0
        for start, end, words in sorted(changes):
            kept += [self.text[at : self.tokens[start].start], words]
            at = self.tokens[end - 1].end + 1
        return "".join([*kept, self.text[at:]])


def statement(sql: str) -> Statement:
    """One statement from its text."""
    return Statement(sql, tuple(tokenize(sql)))


def split(sql: str) -> list[Statement]:
    """The statements of a text, without the semicolons and without empty ones."""
    tokens = tokenize(sql)
    edges = [-1, *(i for i, token in enumerate(tokens) if token.token_type is TokenType.SEMICOLON), len(tokens)]
    pieces = [tokens[start + 1 : end] for start, end in pairwise(edges)]
    return [statement(sql[piece[0].start : piece[-1].end + 1]) for piece in pieces if piece]


def quote(name: str) -> str:
    """A name as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as a string literal of standard SQL; a backslash needs the escape form."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'" if "\\" not in doubled else "E'" + doubled.replace("\\", "\\\\") + "'"
