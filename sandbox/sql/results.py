"""What a statement gives back: columns and rows, as PostgreSQL answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from psycopg.raw_cursor import RawCursor


@dataclass(frozen=True)
class Column:
    """A column of a result; the type is PostgreSQL's number of it and its modifier (length, precision)."""

    name: str
    type_oid: int
    type_modifier: int


@dataclass(frozen=True)
class Result:
    """What a statement gave back: values as text, None for NULL. `row_count` also counts rows that were changed."""

    columns: tuple[Column, ...] = ()
    rows: list[tuple[str | None, ...]] = field(default_factory=list)
    row_count: int = 0
    query_id: int = 0

    @property
    def size_bytes(self) -> int:
        return sum(len(value) for row in self.rows for value in row if value is not None)


def fetched(cursor: RawCursor[Any]) -> Result:
    """The result of the statement that the cursor ran last."""
    answer = cursor.pgresult
    count = max(cursor.rowcount, 0)
    if answer is None or not answer.nfields:
        return Result(row_count=count)
    width = range(answer.nfields)
    columns = tuple(Column((answer.fname(c) or b"").decode(), answer.ftype(c), answer.fmod(c)) for c in width)
    rows = [tuple(None if (value := answer.get_value(r, c)) is None else value.decode() for c in width) for r in range(answer.ntuples)]
    return Result(columns, rows, count)
