"""The options of COPY and UNLOAD: how they are read, and what both mean by them."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.sql.errors import SqlError, unsupported
from sandbox.sql.lexer import Statement

_FLAGS = (
    "GZIP", "BZIP2", "MANIFEST", "EMPTYASNULL", "BLANKSASNULL", "TRIMBLANKS", "TRUNCATECOLUMNS", "FILLRECORD", "IGNOREBLANKLINES", "REMOVEQUOTES",
    "ESCAPE", "HEADER", "ALLOWOVERWRITE", "CLEANPATH", "ADDQUOTES", "EXPLICIT_IDS", "VERBOSE",
)  # fmt: skip


@dataclass
class Options:
    """The options of COPY or UNLOAD."""

    flags: set[str] = field(default_factory=set)
    values: dict[str, str] = field(default_factory=dict)
    format: str = "TEXT"

    def has(self, flag: str) -> bool:
        return flag in self.flags

    def number(self, name: str) -> int:
        text = self.values.get(name, "0")
        if not text.isdigit():
            raise SqlError(f"{name} must be a number, not {text}", "22023")
        return int(text)

    def delimiter(self, default: str) -> str:
        delimiter = self.values.get("DELIMITER", default).replace("\\t", "\t")
        if len(delimiter) != 1:
            raise unsupported("a DELIMITER of more than one character")
        return delimiter


def read_options(source: Statement, index: int, known: set[str]) -> Options:
    """The options that a statement ends with, from that index on; raises SqlError for one that is not known."""
    options = Options()
    while index < len(source.tokens):
        word = source.words[index]
        if word not in known:
            raise unsupported(f"the option {word or source.text_of(index, index + 1)} of {source.words[0]}")
        index = _option(source, index, options)
    return options


def _option(source: Statement, index: int, options: Options) -> int:
    """Read one option; returns the index behind it."""
    word, after = source.words[index], index + 1
    after += source.words[after : after + 1] == ("AS",) or (word == "FORMAT" and source.words[after : after + 1] == ("AS",))
    following = source.words[after] if after < len(source.words) else None
    if word == "FORMAT":
        if following not in ("CSV", "PARQUET", "JSON"):
            raise unsupported(f"the format {following}")
        return _option(source, after, options)
    if word in ("CSV", "PARQUET", "JSON"):
        options.format = word
        if word == "JSON" and following == "":
            options.values["JSON"] = source.string_at(after)
            return after + 1
        return index + 1
    if word in _FLAGS:
        options.flags.add(word)
        return index + 1
    if word in ("STATUPDATE", "COMPUPDATE", "ACCEPTINVCHARS", "PARALLEL", "ACCEPTANYDATE"):
        options.values[word] = following if following in ("ON", "OFF", "TRUE", "FALSE", "PRESET") else "ON"
        return after + (options.values[word] == following)
    if word in ("MAXFILESIZE", "ROWGROUPSIZE"):
        options.values[word] = source.tokens[after].text
        has_unit = source.words[after + 1 : after + 2] in (("MB",), ("GB",))
        options.values[f"{word} UNIT"] = source.words[after + 1] if has_unit else "MB"
        return after + 1 + has_unit
    if following is None:
        raise source.syntax_error(after)
    options.values[word] = source.tokens[after].text
    return after + 1
