"""The fields of COPY as PostgreSQL reads them: cut to their column, and dates and times in the form that was asked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from sandbox.sql.copy_formats import Record
from sandbox.sql.transfer_options import Options

_DATE_WORDS = (
    ("YYYY", "%Y"), ("YY", "%y"), ("MONTH", "%B"), ("MON", "%b"), ("MM", "%m"), ("DD", "%d"), ("HH24", "%H"), ("HH12", "%I"), ("HH", "%H"),
    ("MI", "%M"), ("SS", "%S"), ("AM", "%p"), ("PM", "%p"),
)  # fmt: skip


def converted(records: list[Record], columns: list[tuple[str, str]], options: Options) -> list[Record]:
    """The records with each field as PostgreSQL reads its type."""
    convert = [(name, _converter(kind, options)) for name, kind in columns]
    for record in records:
        for index, (value, (name, change)) in enumerate(zip(record.values, convert, strict=False)):
            try:
                record.values[index] = None if value is None else change(value)
            except ValueError:
                record.unreadable = record.unreadable or name
    return records


def _converter(kind: str, options: Options) -> Callable[[str], str]:
    """How a field's text becomes text that PostgreSQL reads as that type; the converter raises ValueError for what it cannot read."""
    if kind.startswith(("character", "text")):
        length = re.search(r"\((\d+)\)", kind)
        cut = int(length[1]) if length and options.has("TRUNCATECOLUMNS") else None
        return lambda value: value[:cut]
    if kind == "date" and (form := options.values.get("DATEFORMAT", "auto")).lower() != "auto":
        return lambda value: datetime.strptime(value, _strptime(form)).date().isoformat()  # noqa: DTZ007 - a date has no zone
    if kind.startswith("timestamp") and (form := options.values.get("TIMEFORMAT", "auto")).lower() != "auto":
        if form.lower() in ("epochsecs", "epochmillisecs"):
            unit = 1 if form.lower() == "epochsecs" else 1000
            return lambda value: datetime.fromtimestamp(float(value) / unit, UTC).isoformat()
        return lambda value: datetime.strptime(value, _strptime(form)).isoformat()  # noqa: DTZ007 - a timestamp of Redshift has no zone
    return str


def _strptime(form: str) -> str:
    pattern = "|".join(word for word, _ in _DATE_WORDS)
    return re.sub(pattern, lambda found: dict(_DATE_WORDS)[found[0].upper()], form.replace("%", "%%"), flags=re.IGNORECASE)
