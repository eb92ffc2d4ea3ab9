"""Days as EventBridge Scheduler's cron can name them.

Source: EventBridge Scheduler user guide, "Schedule types": minutes, hours, day of month, month, day of week (1 is Sunday), year; `?` in one of
the two day fields; one `#` or `L` in a field; `W` for the weekday nearest to a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

import msgspec

from autopilot.domain.schedule_days import days_in_month, nearest_weekday
from autopilot.domain.schedule_plans import DAY

Kind = Literal["weekdays", "last_day", "monthdays", "nth", "last_weekday", "nearest"]
ALL_MONTHS = frozenset(range(1, 13))
_NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


class Dates(msgspec.Struct, frozen=True, order=True):
    """Days that one expression can name, by `kind`, in `months`.

    `values` are weekdays (0 is Monday) or days of the month; one value for all other kinds: weekday * 10 + n for the nth, the weekday for the
    last, the day for the working day nearest to it.
    """

    kind: Kind
    values: tuple[int, ...] = ()
    months: tuple[int, ...] = tuple(sorted(ALL_MONTHS))

    @classmethod
    def of_weekdays(cls, days: Iterable[date]) -> Dates:
        return cls("weekdays", tuple(sorted({day.weekday() for day in days})))

    def holds(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        match self.kind:
            case "weekdays":
                return day.weekday() in self.values
            case "monthdays":
                return day.day in self.values
            case "last_day":
                return day.day == days_in_month(day)
            case "nth":
                return day.weekday() * 10 + (day.day + 6) // 7 == self.values[0]
            case "last_weekday":
                return day.weekday() == self.values[0] and day.day + 7 > days_in_month(day)
            case "nearest":
                return nearest_weekday(day, self.values[0]) == day.day


class _Atom(NamedTuple):
    """The least that one expression can name, and the days that it comes to in some years."""

    dates: Dates
    days: frozenset[date]


def expression(minute: int, days: Dates) -> str:
    """`cron(...)` for a minute of the day on these days."""
    of_month, of_week = "?", "?"
    match days.kind:
        case "weekdays" if len(days.values) == 7:
            of_month = "*"
        case "weekdays":
            of_week = _ranges([(weekday + 1) % 7 for weekday in days.values], _NAMES)
        case "monthdays":
            of_month = _ranges(days.values)
        case "last_day":
            of_month = "L"
        case "nth":
            of_week = f"{_number(days.values[0] // 10)}#{days.values[0] % 10}"
        case "last_weekday":
            of_week = f"{_number(days.values[0])}L"
        case "nearest":
            of_month = f"{days.values[0]}W"
    month = "*" if len(days.months) == 12 else _ranges(days.months)
    return f"cron({minute % 60} {minute // 60} {of_month} {month} {of_week} *)"


def covers(days: set[date], years: tuple[int, ...]) -> list[Dates]:
    """Expressions that name these days of the given years, and no others if few expressions can say so."""
    by_month = {month: frozenset(day for day in days if day.month == month and day.year in years) for month in ALL_MONTHS}
    of_month = {month: _cover(wanted, month, years) for month, wanted in sorted(by_month.items()) if wanted}
    return sorted(_merged(of_month))


def _cover(wanted: frozenset[date], month: int, years: tuple[int, ...]) -> list[Dates]:
    """Expressions for the days of one month: exactly these if few expressions can say so, else these and few others."""
    atoms = _atoms(month, years)
    ways = [_touching(wanted, atoms, kind) for kind in get_args(Kind)]
    plain = min(ways, key=lambda way: _price(way, wanted, len(years)))
    if _price(plain, wanted, len(years)) == 0:
        return _joined(plain)
    return _joined(min(plain, _exact(wanted, atoms), key=lambda way: _price(way, wanted, len(years))))


def _touching(wanted: frozenset[date], atoms: list[_Atom], kind: Kind) -> list[_Atom]:
    """Everything of this kind that names a wanted day."""
    return [atom for atom in atoms if atom.dates.kind == kind and not atom.days.isdisjoint(wanted)]


def _exact(wanted: frozenset[date], atoms: list[_Atom]) -> list[_Atom]:
    """What names none but wanted days, taking what names most first; nothing where this does not name them all."""
    fitting = [atom for atom in atoms if atom.days <= wanted]
    chosen: list[_Atom] = []
    left = set(wanted)
    while left:
        best = max(fitting, key=lambda atom: len(atom.days & left), default=None)
        if best is None or best.days.isdisjoint(left):
            return []
        chosen.append(best)
        left -= best.days
    return chosen


def _price(way: list[_Atom], wanted: frozenset[date], years: int) -> float:
    """What a way costs: the days that it names besides, a year, and each further expression as much as one such day. Not to name all is beyond price."""
    named = {day for atom in way for day in atom.days}
    if not named >= wanted:
        return float("inf")
    return len(named - wanted) / years + len(_joined(way)) - 1


def _joined(way: list[_Atom]) -> list[Dates]:
    """Weekdays together, days of the month together: one expression names many of them, but only one of any other kind."""
    joined: dict[tuple[Kind, tuple[int, ...]], Dates] = {}
    for atom, _ in way:
        key = (atom.kind, () if atom.kind in {"weekdays", "monthdays"} else atom.values)
        before = joined.get(key)
        joined[key] = Dates(atom.kind, tuple(sorted({*atom.values, *(before.values if before else ())})), atom.months)
    return list(joined.values())


def _merged(of_month: dict[int, list[Dates]]) -> Iterator[Dates]:
    """The same days of several months in one expression. Days that a month does not have may be named for the sake of others that have them."""
    groups: list[Dates] = []
    for month, cover in of_month.items():
        for dates in cover:
            for index, group in enumerate(groups):
                if (together := _together(group, dates, month)) is not None:
                    groups[index] = together
                    break
            else:
                groups.append(dates)
    yield from groups


def _together(group: Dates, dates: Dates, month: int) -> Dates | None:
    months = tuple(sorted({*group.months, month}))
    if group.kind != dates.kind or month in group.months:
        return None
    if group.values == dates.values:
        return Dates(group.kind, group.values, months)
    if group.kind != "monthdays":
        return None
    union = tuple(sorted({*group.values, *dates.values}))
    same = _existing(union, month) == _existing(dates.values, month) and all(
        _existing(union, other) == _existing(group.values, other) for other in group.months
    )
    return Dates("monthdays", union, months) if same else None


def _existing(days: tuple[int, ...], month: int) -> tuple[int, ...]:
    most = 29 if month == 2 else days_in_month(date(2001, month, 1))
    return tuple(day for day in days if day <= most)


@lru_cache(maxsize=16)
def _atoms(month: int, years: tuple[int, ...]) -> list[_Atom]:
    """Everything that an expression can name of one month, and the days it comes to in these years; the plainest first."""
    every = [date(year, month, 1) + DAY * n for year in years for n in range(days_in_month(date(year, month, 1)))]
    only = (month,)
    atoms = [
        *(Dates("weekdays", (weekday,), only) for weekday in range(7)),
        Dates("last_day", (), only),
        *(Dates("monthdays", (day,), only) for day in range(1, 32)),
        *(Dates("nth", (weekday * 10 + n,), only) for weekday in range(7) for n in range(1, 6)),
        *(Dates("last_weekday", (weekday,), only) for weekday in range(7)),
        *(Dates("nearest", (day,), only) for day in range(1, 32)),
    ]
    found = [_Atom(atom, frozenset(day for day in every if atom.holds(day))) for atom in atoms]
    return [atom for atom in found if atom.days]


def _ranges(values: Iterable[int], names: tuple[str, ...] | None = None) -> str:
    """`1-5,15` of numbers, or of the names they stand for."""
    runs: list[list[int]] = []
    for value in sorted(values):
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    shown = (lambda value: names[value]) if names else str
    return ",".join(shown(run[0]) if len(run) == 1 else f"{shown(run[0])}-{shown(run[-1])}" for run in runs)


def _number(weekday: int) -> int:
    """EventBridge's number of a weekday: 1 is Sunday."""
    return (weekday + 1) % 7 + 1
