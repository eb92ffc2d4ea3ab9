"""Days as EventBridge Scheduler's cron can name them.

Source: EventBridge Scheduler user guide, "Schedule types": minutes, hours, day of month, month, day of week (1 is Sunday), year; `?` in one of
the two day fields; one `#` or `L` in a field; `W` for the weekday nearest to a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache
from typing import Literal

import msgspec

from autopilot.domain.schedule_days import days_in_month, nearest_weekday
from autopilot.domain.schedule_plans import DAY

Kind = Literal["weekdays", "monthdays", "last_day", "nth", "last_weekday", "nearest"]
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
    """The fewest expressions found whose days are exactly these of the given years, or, where there are none, hold them all and few others."""
    by_month = {month: frozenset(day for day in days if day.month == month and day.year in years) for month in ALL_MONTHS}
    of_month = {month: _cover(wanted, month, years) for month, wanted in sorted(by_month.items()) if wanted}
    return sorted(_merged(of_month))


def _cover(wanted: frozenset[date], month: int, years: tuple[int, ...]) -> list[Dates]:
    """Expressions for the days of one month: what covers most without naming another day, again and again; else what names fewest others."""
    atoms = _atoms(month, years)
    chosen: list[Dates] = []
    left = set(wanted)
    fitting = [(dates, found) for dates, found in atoms if found <= wanted]
    while left:
        best = max(fitting, key=lambda atom: len(atom[1] & left), default=None)
        if best is None or not best[1] & left:
            return _approximate(wanted, atoms)
        chosen.append(best[0])
        left -= best[1]
    if len(chosen) == 1:
        return chosen
    for kind in ("weekdays", "monthdays"):
        whole = Dates(kind, tuple(sorted(value for dates, found in fitting if dates.kind == kind for value in dates.values)), (month,))
        if set(wanted) == {day for dates, found in fitting if dates.kind == kind for day in found}:
            return [whole]
    return _joined(chosen)


def _approximate(wanted: frozenset[date], atoms: list[tuple[Dates, frozenset[date]]]) -> list[Dates]:
    """The kind of expressions that names the fewest days besides."""
    ways = []
    for kind in ("weekdays", "monthdays", "nth"):
        touched = [(dates, found) for dates, found in atoms if dates.kind == kind and found & wanted]
        ways.append((sum(len(found) for _, found in touched), [dates for dates, _ in touched]))
    return _joined(min(ways, key=lambda way: way[0])[1])


def _joined(atoms: Iterable[Dates]) -> list[Dates]:
    """Weekdays together, days of the month together: one expression names many of them, but only one of any other kind."""
    joined: dict[tuple[Kind, tuple[int, ...]], Dates] = {}
    for atom in atoms:
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
def _atoms(month: int, years: tuple[int, ...]) -> list[tuple[Dates, frozenset[date]]]:
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
    found = [(atom, frozenset(day for day in every if atom.holds(day))) for atom in atoms]
    return [(atom, days) for atom, days in found if days]


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
