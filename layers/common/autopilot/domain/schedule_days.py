"""On which days a period applies: the grammar of `weekdays`, `monthdays` and `months`.

Source: Instance Scheduler on AWS, "Period reference". Monday is 0, as there.
"""

from __future__ import annotations

import re
from datetime import date

import msgspec

_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_WEEKDAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTH_NAMES = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip
WEEKDAYS_ALLOWED = (
    "mon to sun or 0 (Monday) to 6; ranges mon-fri, fri-mon; steps mon-fri/2; the nth of a month mon#1; the last of a month friL; *"
)
MONTHS_ALLOWED = "jan to dec or 1 to 12; ranges jan-mar, nov-feb; steps jan-sep/2; *"
MONTHDAYS_ALLOWED = "1 to 31; ranges 1-5, 25-L; steps 1-15/7; the last day L; the weekday nearest to a day 15W; *"


class Weekdays(msgspec.Struct, frozen=True):
    """Every one of `plain` (0 is Monday), the `nth` such day of a month (weekday, n), and the `last` such day of a month."""

    plain: frozenset[int] = frozenset()
    nth: frozenset[tuple[int, int]] = frozenset()
    last: frozenset[int] = frozenset()

    def holds(self, day: date) -> bool:
        weekday = day.weekday()
        return (
            weekday in self.plain
            or (weekday, (day.day + 6) // 7) in self.nth
            or (weekday in self.last and day.day + 7 > days_in_month(day))
        )


class Monthdays(msgspec.Struct, frozen=True):
    """The days `plain` (1 to 31, where a month has them), the `last` of a month, and the working day `nearest` to a day."""

    plain: frozenset[int] = frozenset()
    nearest: frozenset[int] = frozenset()
    last: bool = False

    def holds(self, day: date) -> bool:
        return (
            day.day in self.plain
            or (self.last and day.day == days_in_month(day))
            or any(nearest_weekday(day, wanted) == day.day for wanted in self.nearest)
        )


class Days(msgspec.Struct, frozen=True):
    """The days on which all of `weekdays`, `monthdays` and `months` hold; None holds always."""

    weekdays: Weekdays | None = None
    monthdays: Monthdays | None = None
    months: frozenset[int] | None = None

    def holds(self, day: date) -> bool:
        return (
            (self.months is None or day.month in self.months)
            and (self.weekdays is None or self.weekdays.holds(day))
            and (self.monthdays is None or self.monthdays.holds(day))
        )

    @property
    def weekly(self) -> bool:
        """Whether every week is the same."""
        return self.months is None and self.monthdays is None and (self.weekdays is None or not (self.weekdays.nth or self.weekdays.last))


def days_in_month(day: date) -> int:
    """How many days the month of a day has."""
    leap = day.month == 2 and day.year % 4 == 0 and (day.year % 100 != 0 or day.year % 400 == 0)
    return 29 if leap else _LENGTHS[day.month - 1]


def nearest_weekday(month: date, wanted: int) -> int | None:
    """The Monday to Friday of that month nearest to its day `wanted`; None where the month has no such day."""
    length = days_in_month(month)
    if wanted > length:
        return None
    match month.replace(day=wanted).weekday():
        case 5:
            return wanted - 1 if wanted > 1 else wanted + 2
        case 6:
            return wanted + 1 if wanted < length else wanted - 2
        case _:
            return wanted


def parse_weekdays(texts: list[str]) -> Weekdays:
    """Read the items of `weekdays`. Raises ValueError saying what is wrong and what is allowed."""
    plain: set[int] = set()
    nth: set[tuple[int, int]] = set()
    last: set[int] = set()
    for text in texts:
        if match := re.fullmatch(r"(\w+)#([1-5])", text):
            nth.add((_value(match[1], _WEEKDAY_NAMES, 0, text, WEEKDAYS_ALLOWED), int(match[2])))
        elif match := re.fullmatch(r"(\w+)L", text):
            last.add(_value(match[1], _WEEKDAY_NAMES, 0, text, WEEKDAYS_ALLOWED))
        else:
            plain |= _range(text, _WEEKDAY_NAMES, 0, WEEKDAYS_ALLOWED)
    return Weekdays(frozenset(plain), frozenset(nth), frozenset(last))


def parse_months(texts: list[str]) -> frozenset[int]:
    """Read the items of `months`. Raises ValueError saying what is wrong and what is allowed."""
    return frozenset(month for text in texts for month in _range(text, _MONTH_NAMES, 1, MONTHS_ALLOWED))


def parse_monthdays(texts: list[str]) -> Monthdays:
    """Read the items of `monthdays`. Raises ValueError saying what is wrong and what is allowed."""
    plain: set[int] = set()
    nearest: set[int] = set()
    last = False
    for text in texts:
        if text.upper() == "L":
            last = True
        elif match := re.fullmatch(r"(\d{1,2})[wW]", text):
            nearest.add(_monthday(match[1], text))
        elif text == "*":
            plain |= set(range(1, 32))
        elif match := re.fullmatch(r"(\d{1,2})(?:-(\d{1,2}|[lL]))?(?:/(\d{1,2}))?", text):
            begin = _monthday(match[1], text)
            # As in Instance Scheduler, a step without a range runs to the end.
            end = 31 if (match[2] or "L").upper() == "L" else _monthday(match[2], text)
            if not match[2] and not match[3]:
                end = begin
            if end < begin or match[3] == "0":
                raise ValueError(f"{text!r} holds no day. Allowed: {MONTHDAYS_ALLOWED}")
            plain |= set(range(begin, end + 1, int(match[3] or 1)))
        else:
            raise ValueError(f"{text!r} is not a day of the month. Allowed: {MONTHDAYS_ALLOWED}")
    return Monthdays(frozenset(plain), frozenset(nearest), last)


def _monthday(digits: str, text: str) -> int:
    if not 1 <= int(digits) <= 31:
        raise ValueError(f"{text!r} is not a day of the month. Allowed: {MONTHDAYS_ALLOWED}")
    return int(digits)


def _range(text: str, names: tuple[str, ...], first: int, allowed: str) -> set[int]:
    """One name, a range (which may wrap), or either with a step."""
    every = range(first, first + len(names))
    if text == "*":
        return set(every)
    match = re.fullmatch(r"(\w+)(?:-(\w+))?(?:/(\d{1,2}))?", text)
    if not match or match[3] in {"0", "00"}:
        raise ValueError(f"{text!r} is not understood. Allowed: {allowed}")
    begin = _value(match[1], names, first, text, allowed)
    last = match[2] or (names[-1] if match[3] else match[1])
    end = _value(last, names, first, text, allowed)
    run = range(begin, end + 1) if begin <= end else [*range(begin, every[-1] + 1), *range(first, end + 1)]
    return set(run[:: int(match[3] or 1)])


def _value(word: str, names: tuple[str, ...], first: int, text: str, allowed: str) -> int:
    """A name, of which three letters are enough, or a number."""
    if word.isascii() and word.isdigit() and first <= int(word) < first + len(names):
        return int(word)
    for index, name in enumerate(names):
        if len(word) >= 3 and name.startswith(word.lower()):
            return index + first
    raise ValueError(f"{text!r} is not understood. Allowed: {allowed}")
