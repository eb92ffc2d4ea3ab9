"""Tables and views: Redshift's attributes (distribution, sort keys, encodings) are taken off the statement and kept beside the table."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from sandbox.sql import policies
from sandbox.sql.errors import SqlError, unsupported
from sandbox.sql.lexer import Statement, quote, statement
from sandbox.sql.principals import alter_owned
from sandbox.sql.protection import refuse_restricted
from sandbox.sql.relations import translated
from sandbox.sql.results import Result
from sandbox.sql.rewrite import to_postgres
from sandbox.sql.session import Session

ENCODINGS = (
    "AZ64", "BYTEDICT", "DELTA", "DELTA32K", "LZO", "MOSTLY8", "MOSTLY16", "MOSTLY32", "RAW", "RUNLENGTH", "TEXT255", "TEXT32K", "ZSTD", "NONE",
)  # fmt: skip
_STYLES = ("AUTO", "EVEN", "ALL", "KEY")
_DEFAULT_LENGTHS = {"VARCHAR": "varchar(256)", "NVARCHAR": "varchar(256)", "TEXT": "varchar(256)"}
Attributes = dict[str, Any]


@dataclass
class Taken:
    """What was taken off a definition: attributes, the words to change for PostgreSQL, columns that take no null, a LIKE table."""

    attributes: Attributes = field(default_factory=dict)
    changes: list[tuple[int, int, str]] = field(default_factory=list)
    not_null: list[str] = field(default_factory=list)
    like: str | None = None


def create_table(session: Session, source: Statement) -> Result:
    """CREATE TABLE with a column list, LIKE, or AS a query."""
    name, index = _table_name(source)
    taken = Taken()
    if source.words[index : index + 1] == ("(",):
        close = source.closing(index)
        _columns(source, index + 1, close, taken)
        index = close + 1
    index = _table_options(source, index, taken)
    with session.all_or_nothing():
        if source.find("EXISTS") == source.find("TABLE") + 3 and _relation(session, name):
            return Result()
        result = _create(session, source, index, taken)
        target = str(_relation(session, name))
        if taken.like:
            session.run("SELECT redshift_copy_attributes($1::regclass, $2::oid)", (taken.like, target))
        _set_attributes(session, target, taken.attributes)
        for column in taken.not_null:
            session.run(f"ALTER TABLE {name} ALTER COLUMN {quote(column)} SET NOT NULL")
    return result


def _table_name(source: Statement) -> tuple[str, int]:
    index = source.find("TABLE") + 1
    if source.words[index : index + 3] == ("IF", "NOT", "EXISTS"):
        index += 3
    return source.qualified_name_at(index)


def _relation(session: Session, name: str) -> str | None:
    return session.run("SELECT to_regclass($1)::oid", (name,)).rows[0][0]


def _create(session: Session, source: Statement, index: int, taken: Taken) -> Result:
    if index == len(source.tokens):
        return session.run(to_postgres(statement(source.replaced(taken.changes))))
    head = statement(source.replaced(taken.changes))
    text, names = translated(session, source.text_of(index + 1))
    return session.run(f"{to_postgres(statement(head.text_of(0, head.find('AS'))))} AS {text}", session.bound(names))


def _columns(source: Statement, start: int, end: int, taken: Taken) -> None:
    """Take the attributes out of the column definitions."""
    for first, last in source.parts(start, end):
        word = source.words[first]
        if word == "LIKE":
            taken.like, _ = source.qualified_name_at(first + 1)
        elif word in ("PRIMARY", "UNIQUE", "FOREIGN", "CONSTRAINT"):
            taken.not_null += _table_constraint(source, first)
            taken.changes.append((first - 1, last, "") if first > start else (first, min(last + 1, end), ""))
        else:
            _column(source, first, last, taken)


def _table_constraint(source: Statement, first: int) -> list[str]:
    """Redshift enforces no key, only that the columns of a primary key are not null: these are returned."""
    at = first + 2 if source.words[first] == "CONSTRAINT" else first
    if source.words[at] not in ("PRIMARY", "UNIQUE", "FOREIGN"):
        raise unsupported(f"the constraint {source.words[at]}")
    return source.names_in_parentheses(at + 2)[0] if source.words[at] == "PRIMARY" else []


def _column(source: Statement, first: int, last: int, taken: Taken) -> None:
    """Take the attributes out of one column definition."""
    name, index = source.name_at(first), first + 1
    if source.words[index] in _DEFAULT_LENGTHS and source.words[index + 1 : index + 2] != ("(",):
        taken.changes.append((index, index + 1, _DEFAULT_LENGTHS[source.words[index]]))
    while index < last:
        if source.words[index] == "(":
            index = source.closing(index) + 1
            continue
        end = _column_attribute(source, name, index, taken)
        if end > index:
            taken.changes.append((index, end, ""))
        index = max(end, index + 1)


def _column_attribute(source: Statement, name: str, index: int, taken: Taken) -> int:
    """Take one attribute of a column; returns the index behind it, or `index` where there is none."""
    match source.words[index]:
        case "ENCODE":
            taken.attributes.setdefault("encodings", {})[name] = _encoding(source, index + 1)
            return index + 2
        case "DISTKEY":
            taken.attributes |= {"diststyle": "KEY", "distkey": name}
            return index + 1
        case "SORTKEY":
            taken.attributes |= {"sortstyle": "COMPOUND", "sortkeys": [name]}
            return index + 1
        case "UNIQUE":
            return index + 1
        case "PRIMARY":
            taken.not_null.append(name)
            return index + 2
        case "REFERENCES":
            _, end = source.qualified_name_at(index + 1)
            return source.closing(end) + 1 if source.words[end : end + 1] == ("(",) else end
        case _:
            return index


def _encoding(source: Statement, index: int) -> str:
    word = source.words[index] if index < len(source.words) else ""
    if word not in ENCODINGS:
        raise SqlError(f'invalid encoding "{word.lower()}"', "42601")
    return word


def _table_options(source: Statement, index: int, taken: Taken) -> int:
    """Take the attributes behind the column list; returns the index of what follows them."""
    while index < len(source.tokens) and source.words[index] != "AS":
        end = _option(source, index, taken.attributes)
        taken.changes.append((index, end, ""))
        index = end
    return index


def _option(source: Statement, index: int, attributes: Attributes) -> int:
    """One of BACKUP, DISTSTYLE, DISTKEY, SORTKEY, ENCODE; returns the index behind it."""
    word = source.words[index]
    argument = source.words[index + 1] if index + 1 < len(source.words) else ""
    if word == "BACKUP" and argument in ("YES", "NO"):
        attributes["backup"] = argument == "YES"
        return index + 2
    if word == "DISTSTYLE" and argument in _STYLES:
        attributes["diststyle"] = argument
        if argument != "KEY":
            return index + 2
        return index + 2 if source.words[index + 2 : index + 3] != ("DISTKEY",) else _option(source, index + 2, attributes)
    if word == "DISTKEY":
        (column, *rest), end = source.names_in_parentheses(index + 1)
        if rest:
            raise SqlError("a table has one distribution key", "42601")
        attributes |= {"diststyle": "KEY", "distkey": column}
        return end
    if word in ("SORTKEY", "COMPOUND", "INTERLEAVED"):
        return _sort_key(source, index, attributes)
    if word == "ENCODE" and argument == "AUTO":
        attributes["encodings"] = None
        return index + 2
    raise source.syntax_error(index)


def _sort_key(source: Statement, index: int, attributes: Attributes) -> int:
    style = source.words[index] if source.words[index] != "SORTKEY" else "COMPOUND"
    at = index + 1 if source.words[index] != "SORTKEY" else index
    if source.words[at : at + 2] in (("SORTKEY", "AUTO"), ("SORTKEY", "NONE")):
        attributes |= {"sortstyle": source.words[at + 1], "sortkeys": []}
        return at + 2
    if source.words[at : at + 1] != ("SORTKEY",):
        raise source.syntax_error(at)
    columns, end = source.names_in_parentheses(at + 1)
    attributes |= {"sortstyle": style, "sortkeys": columns}
    return end


def _set_attributes(session: Session, relation: str, attributes: Attributes) -> None:
    session.run("SELECT redshift_set_attributes($1::oid, $2::jsonb)", (relation, json.dumps(attributes)))


# ALTER TABLE --------------------------------------------------------------------------------------------------------


def alter_table(session: Session, source: Statement) -> Result:
    """ALTER TABLE: attributes are ours, rows of another table are moved, the rest is PostgreSQL's."""
    name, index = source.qualified_name_at(4 if source.words[2:4] == ("IF", "EXISTS") else 2)
    rest = source.words[index:]
    if rest[:2] == ("APPEND", "FROM"):
        return _append(session, name, source, index + 2)
    if (
        rest[:1] == ("ALTER",)
        and rest[1:2]
        and rest[1] in ("DISTKEY", "DISTSTYLE", "SORTKEY", "COMPOUND", "INTERLEAVED", "ENCODE", "COLUMN")
    ):
        if rest[1] != "COLUMN" or "ENCODE" in rest:
            return _alter_attributes(session, name, source, index + 1)
        session.refuse_in_transaction("ALTER TABLE ALTER COLUMN")
    if rest[:2] == ("OWNER", "TO"):
        return alter_owned(session, source)
    if rest[:1] in (("ROW",), ("MASKING",)):
        return policies.secure(session, name, rest)
    if rest[:2] == ("ADD", "PARTITION") or rest[:2] == ("SET", "LOCATION"):
        raise unsupported(f"ALTER TABLE {' '.join(rest[:3])}")
    if rest[:1] == ("ADD",) and any(word in ("PRIMARY", "UNIQUE", "FOREIGN") for word in rest):
        return _relation_exists(session, name)
    return _alter_columns(session, name, source, index)


def _relation_exists(session: Session, name: str) -> Result:
    """A key that is added is information for the planner; Redshift enforces none."""
    session.run(f"SELECT 1 FROM {name} LIMIT 0")  # noqa: S608 - names are quoted, values are bound
    return Result()


def _alter_attributes(session: Session, name: str, source: Statement, index: int) -> Result:
    attributes: Attributes = {}
    if source.words[index] == "DISTKEY":
        attributes = {"diststyle": "KEY", "distkey": source.name_at(index + 1)}
    elif source.words[index : index + 3] == ("DISTSTYLE", "KEY", "DISTKEY"):
        attributes = {"diststyle": "KEY", "distkey": source.name_at(index + 3)}
    elif source.words[index] in ("SORTKEY", "COMPOUND") and "(" in source.words[index : index + 3]:
        at = index + 1 if source.words[index] == "SORTKEY" else index + 2
        at -= 1 if source.words[at] == "SORTKEY" else 0
        columns, _ = source.names_in_parentheses(source.words.index("(", at))
        attributes = {"sortstyle": "COMPOUND", "sortkeys": columns}
    elif source.words[index] == "COLUMN":
        encodings = {}
        for first, last in source.parts(index, len(source.tokens)):
            column = first + (2 if source.words[first] == "ALTER" else 1)
            if source.words[column + 1 : column + 2] != ("ENCODE",) or last != column + 3:
                raise source.syntax_error(column + 1)
            encodings[source.name_at(column)] = _encoding(source, column + 2)
        attributes = {"encodings": encodings}
    else:
        _option(source, index, attributes)
    relation = session.run("SELECT $1::regclass::oid", (name,)).rows[0][0]
    _set_attributes(session, str(relation), attributes)
    return Result()


def _append(session: Session, name: str, source: Statement, index: int) -> Result:
    """ALTER TABLE target APPEND FROM source: the rows move."""
    session.refuse_in_transaction("ALTER TABLE APPEND")
    refuse_restricted(session, "ALTER TABLE APPEND")
    origin, end = source.qualified_name_at(index)
    if end < len(source.tokens):
        raise unsupported(f"ALTER TABLE APPEND with {source.words[end]}")
    columns = "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attname) FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped"
    first, second = (session.run(columns, (table,)).rows[0][0] for table in (origin, name))
    if first != second:
        raise SqlError(f"the columns of {origin} and {name} do not match", "42804")
    with session.all_or_nothing():
        return session.run(f"WITH moved AS (DELETE FROM {origin} RETURNING *) INSERT INTO {name} ({first}) SELECT {first} FROM moved")  # noqa: S608 - names are quoted, values are bound


def _alter_columns(session: Session, name: str, source: Statement, index: int) -> Result:
    taken = Taken()
    if source.words[index] == "ADD":
        _column(source, index + (2 if source.words[index + 1] == "COLUMN" else 1), len(source.tokens), taken)
        if taken.not_null or set(taken.attributes) - {"encodings"}:
            raise SqlError("a column that is added can be no key", "42601")
    with session.all_or_nothing():
        result = session.run(to_postgres(statement(source.replaced(taken.changes))))
        if taken.attributes:
            _set_attributes(session, str(_relation(session, name)), taken.attributes)
    return result


# Views --------------------------------------------------------------------------------------------------------------


def create_view(session: Session, source: Statement) -> Result:
    """CREATE VIEW, also WITH NO SCHEMA BINDING as long as what it reads exists."""
    body, end = source.find("AS"), len(source.tokens)
    if body < 0:
        raise source.syntax_error(end)
    late = source.words[-4:] == ("WITH", "NO", "SCHEMA", "BINDING")
    if late:
        end -= 4
    text, names = translated(session, source.text_of(body + 1, end), definition=True)
    if names:
        raise SqlError("a view takes no parameters", "42P02")
    head = to_postgres(statement(source.text_of(0, body)))
    name, _ = source.qualified_name_at(source.find("VIEW") + 1)
    with session.all_or_nothing():
        result = session.run(f"{head} AS {text}")
        session.run("SELECT redshift_set_late_binding($1::regclass, $2)", (name, source.text if late else None))
    return result


def create_materialized_view(session: Session, source: Statement) -> Result:
    """CREATE MATERIALIZED VIEW name [BACKUP ...] [table options] [AUTO REFRESH YES | NO] AS query."""
    name, index = source.qualified_name_at(source.find("VIEW") + 1)
    attributes: Attributes = {}
    auto_refresh = False
    while index < len(source.tokens) and source.words[index] != "AS":
        if source.words[index : index + 2] == ("AUTO", "REFRESH") and source.words[index + 2] in ("YES", "NO"):
            auto_refresh, index = source.words[index + 2] == "YES", index + 3
        else:
            index = _option(source, index, attributes)
    refuse_restricted(session, "CREATE MATERIALIZED VIEW")
    text, names = translated(session, source.text_of(index + 1), definition=True)
    with session.all_or_nothing():
        result = session.run(f"CREATE MATERIALIZED VIEW {name} AS {text}", session.bound(names))
        session.run("SELECT redshift_set_auto_refresh($1::regclass, $2)", (name, auto_refresh))
        _set_attributes(session, str(_relation(session, name)), attributes)
    return result


def alter_materialized_view(session: Session, source: Statement) -> Result:
    """ALTER MATERIALIZED VIEW name AUTO REFRESH YES | NO, or ROW LEVEL SECURITY."""
    name, index = source.qualified_name_at(3)
    if source.words[index : index + 1] == ("ROW",):
        return policies.secure(session, name, source.words[index:])
    if source.words[index : index + 2] != ("AUTO", "REFRESH") or source.words[index + 2 :] not in (("YES",), ("NO",)):
        raise unsupported("ALTER MATERIALIZED VIEW of this form")
    session.run("SELECT redshift_set_auto_refresh($1::regclass, $2)", (name, source.words[index + 2] == "YES"))
    return Result()


def refresh_materialized_view(session: Session, source: Statement) -> Result:
    """REFRESH MATERIALIZED VIEW name."""
    name, index = source.qualified_name_at(3)
    if index < len(source.tokens):
        raise source.syntax_error(index)
    return session.run(f"REFRESH MATERIALIZED VIEW {name}")
