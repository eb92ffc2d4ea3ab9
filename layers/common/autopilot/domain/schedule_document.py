"""The document of schedules, as people write it: every field checked, every error found at once, each with its line and what is allowed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from autopilot.domain.documents import Document, read_document
from autopilot.domain.errors import InvalidInput
from autopilot.domain.schedule_clock import zone_names
from autopilot.domain.schedule_days import Days, parse_monthdays, parse_months, parse_weekdays
from autopilot.domain.schedule_holidays import Holidays, check_country
from autopilot.domain.schedule_plans import Period

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
#: What a tag means by itself: no schedule can have these names.
RESERVED_NAMES = frozenset({"ignore", "on", "off"})
#: A day of CloudWatch's one-minute periods is the most that one alarm looks back. Source: PutMetricAlarm, `EvaluationPeriods`.
IDLE_MINUTES = (15, 1440)
Fields = Mapping[str, Callable[[Any], Any]]


def read_schedules(text: str) -> dict[str, dict[str, Any]]:
    """The fields of each schedule by its name, checked and converted. Raises InvalidInput with all errors, one a line."""
    document = read_document(text, "schedules")
    return _Check(document).schedules()


class _Check:
    """Walks the document, converts each value by the function of its field, and gathers what is wrong."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[tuple[int, str]] = []

    def schedules(self) -> dict[str, dict[str, Any]]:
        root = self.fields(self.document.data, "", {"schedules": _mapping})
        given = root.get("schedules") or {}
        if not self.problems and "schedules" not in root:
            self.wrong("", "the field schedules is missing. Allowed: schedules: {name: {timezone: ..., periods: [...]}}")
        found = {name: self.schedule(name, value) for name, value in given.items()}
        if self.problems:
            raise InvalidInput("\n".join(text for _, text in sorted(self.problems)))
        return found

    def schedule(self, name: str, data: Any) -> dict[str, Any]:
        path = f"schedules.{name}"
        if not NAME.fullmatch(name) or name.lower() in RESERVED_NAMES:
            self.wrong(path, "this is not a name. Allowed: 1 to 63 letters, digits and . _ - but not ignore, on, off")
        fields = self.fields(data, path, _SCHEDULE)
        if isinstance(data, dict):
            self.rules(fields, data, path)
        return fields

    def rules(self, fields: dict[str, Any], data: dict[str, Any], path: str) -> None:
        """Convert the parts that have fields of their own."""
        periods = fields.pop("periods", None) or []
        fields["periods"] = tuple(self.period(item, f"{path}.periods[{index}]") for index, item in enumerate(periods))
        if not periods and data.get("periods") in (None, []) and data.get("override_status") is None:
            self.wrong(path, "it has neither periods nor override_status. Allowed: at least one period, such as {weekdays: mon-fri}")
        if (holidays := fields.pop("holidays", None)) is not None:
            fields["holidays"] = self.holidays(holidays, f"{path}.holidays")

    def period(self, data: Any, path: str) -> Period:
        fields = self.fields(data, path, _PERIOD)
        begin, end = fields.get("begintime"), fields.get("endtime")
        if begin is not None and begin == end:
            self.wrong(f"{path}.endtime", "it is the same as begintime. Allowed: another time, or neither of them for the whole day")
        return Period(Days(fields.get("weekdays"), fields.get("monthdays"), fields.get("months")), begin, end)

    def holidays(self, data: Any, path: str) -> Holidays:
        fields = self.fields(data, path, _HOLIDAYS)
        country, subdivision = fields.get("country"), fields.get("subdivision")
        if isinstance(data, dict) and not data.get("country") and (subdivision is not None or not data.get("dates")):
            self.wrong(path, "the country is missing. Allowed: country with or without subdivision, dates, or both")
        if country is not None:
            try:
                check_country(country, subdivision)
            except ValueError as error:
                self.wrong(path, str(error))
        return Holidays(country, subdivision, fields.get("dates") or frozenset())

    def fields(self, data: Any, path: str, allowed: Fields) -> dict[str, Any]:
        """The converted fields of one mapping; what is wrong with them is noted."""
        if not isinstance(data, dict):
            self.wrong(path, f"{_shown(data)} is not a mapping. Allowed: the fields {', '.join(allowed)}")
            return {}
        converted = {}
        for name, value in data.items():
            inner = f"{path}.{name}" if path else name
            if name not in allowed:
                meant = _near(name, allowed)
                self.wrong(inner, f"unknown field{f', is {meant[0]} meant?' if meant else '.'} Allowed: {', '.join(allowed)}")
            elif value is not None:
                try:
                    converted[name] = allowed[name](value)
                except ValueError as error:
                    self.wrong(inner, str(error))
        return converted

    def wrong(self, path: str, text: str) -> None:
        line = self.document.lines.get(path, 1)
        self.problems.append((line, f"line {line}: {path or 'document'}: {text}"))


def _near(word: str, known: Iterable[str]) -> list[str]:
    import difflib

    return difflib.get_close_matches(word, known, 3)


def _shown(value: Any) -> str:
    return repr(value[:60]) if isinstance(value, str) else {dict: "a mapping", list: "a list", type(None): "nothing"}[type(value)]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{_shown(value)} is not a text")  # noqa: TRY004 - one kind of error for every field
    return value


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{_shown(value)} is not a mapping. Allowed: names with their fields")  # noqa: TRY004 - as above
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{_shown(value)} is not a list. Allowed: a list, each item after a dash or within [ ]")  # noqa: TRY004 - as above
    return value


def _whole(value: Any) -> dict[str, Any] | list[Any] | str:
    """A part whose own fields are converted later."""
    found: dict[str, Any] | list[Any] | str = value
    return found


def _items(value: Any) -> list[str]:
    """Several texts: a list, or one text with commas."""
    texts = [_text(item).strip() for item in value] if isinstance(value, list) else [item.strip() for item in _text(value).split(",")]
    if not all(texts) or not texts:
        raise ValueError("it is empty. Allowed: leave the field out to allow every day")
    return texts


def _one_of(*allowed: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"{_shown(value)} is not allowed. Allowed: {', '.join(allowed)}")
        return str(value)

    return read


def _number(least: int, most: int, *words: str) -> Callable[[Any], int | str]:
    def read(value: Any) -> int | str:
        if value in words:
            return str(value)
        if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,6}", value) or not least <= int(value) <= most:
            raise ValueError(f"{_shown(value)} is not allowed. Allowed: {' or '.join([*words, f'a whole number from {least} to {most}'])}")
        return int(value)

    return read


def _yes_or_no(value: Any) -> bool:
    known = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
    if not isinstance(value, str) or value.lower() not in known:
        raise ValueError(f"{_shown(value)} is not allowed. Allowed: true, false")
    return known[value.lower()]


def _minute(value: Any) -> int:
    match = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", _text(value))
    if not match:
        raise ValueError(f"{_shown(value)} is not a time. Allowed: HH:MM from 00:00 to 23:59; the end of the day is 00:00")
    return int(match[1]) * 60 + int(match[2])


def _zone(value: Any) -> str:
    name = _text(value)
    if name not in zone_names():
        near = _near(name, zone_names()) or ["Europe/Berlin", "UTC"]
        raise ValueError(f"{_shown(name)} is not a time zone. Allowed: IANA names such as {', '.join(near)}")
    return name


def _dates(value: Any) -> frozenset[date]:
    return frozenset(_date(item) for item in (value if isinstance(value, list) else [value]))


def _date(value: Any) -> date:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        raise ValueError(f"{_shown(value)} is not a date. Allowed: YYYY-MM-DD")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f"{value!r} is not a date: {error}. Allowed: YYYY-MM-DD") from error


_SCHEDULE: Fields = {
    "timezone": _zone,
    "description": _text,
    "periods": _list,
    "override_status": _one_of("running", "stopped"),
    "enforced": _yes_or_no,
    "holidays": _whole,
    "warm_up_minutes": _number(0, 240, "auto"),
    "when_busy": _one_of("wait", "skip", "force"),
    "drain_seconds": _number(0, 86_400),
    "idle_pause_minutes": _number(*IDLE_MINUTES),
}
_PERIOD: Fields = {
    "begintime": _minute,
    "endtime": _minute,
    "weekdays": lambda value: parse_weekdays(_items(value)),
    "monthdays": lambda value: parse_monthdays(_items(value)),
    "months": lambda value: parse_months(_items(value)),
    "name": _text,
    "description": _text,
}
_HOLIDAYS: Fields = {"country": _text, "subdivision": _text, "dates": _dates}
