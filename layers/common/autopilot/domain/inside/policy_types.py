"""The types of columns: many words for one type, of which the catalog gives another one than was written."""

from __future__ import annotations

import re

#: Source: Redshift database developer guide, "Data types": the aliases of each.
_ALIASES = {
    "int2": "smallint",
    "int": "integer",
    "int4": "integer",
    "int8": "bigint",
    "numeric": "decimal",
    "float4": "real",
    "float": "double precision",
    "float8": "double precision",
    "bool": "boolean",
    "character": "char",
    "nchar": "char",
    "character varying": "varchar",
    "nvarchar": "varchar",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "time without time zone": "time",
    "time with time zone": "timetz",
    "binary varying": "varbyte",
    "varbinary": "varbyte",
}
#: What a type is where its size is not said.
_SIZES = {"char": "(1)", "varchar": "(256)", "decimal": "(18,0)"}
_WHOLE = {
    "text": "varchar(256)",
    "bpchar": "char(256)",
    "varchar(max)": "varchar(65535)",
    "char(max)": "char(4096)",
    "decimal(18)": "decimal(18,0)",
}


def same_type(one: str, other: str) -> bool:
    """Whether two texts mean one type of Redshift: `int` and `integer`, `varchar(64)` and `character varying(64)`."""
    return _canonical(one) == _canonical(other)


def _canonical(text: str) -> str:
    plain = re.sub(r"\s*([(),])\s*", r"\1", " ".join(text.lower().split()))
    whole = _WHOLE.get(plain, plain)
    match = re.fullmatch(r"([a-z0-9 ]+?)(?:(\([^)]*\))( .*)?)?", whole)
    if not match:
        return whole
    name = match[1] + (match[3] or "")
    name = _ALIASES.get(name, name)
    size = match[2] or _SIZES.get(name, "")
    if name == "decimal" and "," not in size:
        size = size.replace(")", ",0)")
    return f"{name}{size}"
