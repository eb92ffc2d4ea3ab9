"""Random schedules for the property tests, as the texts that people would write, and a second, plain reading of what they mean.

The second reading knows nothing of the product's: it asks every period at every minute, as Instance Scheduler on AWS does.
"""

from __future__ import annotations

import calendar
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from autopilot.domain.schedules import Schedule, parse_schedules

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

#: Half of the times lie where clocks change and where days end: there the mistakes are.
_minutes = st.one_of(
    st.integers(0, 1439), st.sampled_from([0, 1, 30, 60, 89, 90, 119, 120, 135, 150, 165, 179, 180, 225, 1410, 1438, 1439])
)
times = _minutes.map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")


def _one_or_range(names: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.sampled_from(names),
        st.tuples(st.sampled_from(names), st.sampled_from(names)).map("-".join),
        st.tuples(st.sampled_from(names), st.sampled_from(names), st.integers(1, 3)).map(lambda parts: f"{parts[0]}-{parts[1]}/{parts[2]}"),
    )


def _several(item: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(item, min_size=1, max_size=3).map(",".join)


plain_weekdays = _several(_one_or_range(WEEKDAYS))
special_weekdays = st.one_of(
    st.tuples(st.sampled_from(WEEKDAYS), st.integers(1, 5)).map(lambda pair: f"{pair[0]}#{pair[1]}"),
    st.sampled_from(WEEKDAYS).map(lambda name: f"{name}L"),
)
months = _several(_one_or_range(MONTHS))
plain_monthdays = _several(
    st.one_of(
        st.integers(1, 31).map(str),
        st.tuples(st.integers(1, 31), st.integers(1, 31)).map(lambda pair: f"{min(pair)}-{max(pair)}"),
    )
)
special_monthdays = st.one_of(st.just("L"), st.integers(1, 31).map(lambda day: f"{day}W"), st.integers(20, 31).map(lambda day: f"{day}-L"))


def fields(**optional: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Mappings with any of these fields."""
    return st.fixed_dictionaries({}, optional=optional).filter(lambda given: given.get("begintime", "-") != given.get("endtime"))


any_period = fields(
    begintime=times,
    endtime=times,
    weekdays=st.one_of(plain_weekdays, special_weekdays),
    monthdays=st.one_of(plain_monthdays, special_monthdays),
    months=months,
)
#: Most people's schedules: every week the same.
weekly_period = fields(begintime=times, endtime=times, weekdays=plain_weekdays)
any_periods = st.lists(st.one_of(weekly_period, weekly_period, any_period), min_size=1, max_size=4)


def parsed(given: dict[str, Any]) -> Schedule:
    return parse_schedules(json.dumps({"schedules": {"sample": given}}))["sample"]


# --- The second reading ------------------------------------------------------------------------------------------------


def _numbers(text: str, names: tuple[str, ...] | range) -> set[int]:
    """The indexes that a list of names, ranges and steps comes to."""
    every = [str(name) for name in names]
    found = set()
    for item in text.split(","):
        span, _, step = item.partition("/")
        first, _, last = span.partition("-")
        begin, end = every.index(first), every.index(last or first)
        run = list(range(begin, end + 1)) if begin <= end else [*range(begin, len(every)), *range(end + 1)]
        found |= set(run[:: int(step or 1)])
    return found


def applies(period: dict[str, Any], day: date) -> bool:
    """Whether a period's days hold, read from its text once more and by other means."""
    length = calendar.monthrange(day.year, day.month)[1]
    if (months := period.get("months")) and day.month - 1 not in _numbers(months, MONTHS):
        return False
    if weekdays := period.get("weekdays"):
        name = WEEKDAYS[day.weekday()]
        same = [n for n in range(1, length + 1) if day.replace(day=n).weekday() == day.weekday()]
        if "#" in weekdays:
            fits = weekdays.startswith(name) and same.index(day.day) + 1 == int(weekdays[-1])
        elif weekdays.endswith("L"):
            fits = weekdays.startswith(name) and same[-1] == day.day
        else:
            fits = day.weekday() in _numbers(weekdays, WEEKDAYS)
        if not fits:
            return False
    if monthdays := period.get("monthdays"):
        if monthdays == "L":
            return day.day == length
        if monthdays.endswith("-L"):
            return day.day >= int(monthdays[:-2])
        if monthdays.endswith("W"):
            return day.day == nearest_working_day(day, int(monthdays[:-1]))
        return day.day - 1 in _numbers(monthdays, range(1, 32))
    return True


def nearest_working_day(month: date, wanted: int) -> int | None:
    """The Monday to Friday of the month that has the fewest days between it and the wanted one."""
    length = calendar.monthrange(month.year, month.month)[1]
    if wanted > length:
        return None
    return min((n for n in range(1, length + 1) if month.replace(day=n).weekday() < 5), key=lambda n: abs(n - wanted))


class Reading:
    """What periods (and dates without any) say at a wall time."""

    def __init__(self, periods: list[dict[str, Any]], holidays: frozenset[date] = frozenset()) -> None:
        self.periods = [(period, _minute(period.get("begintime")), _minute(period.get("endtime"))) for period in periods]
        self.holidays = holidays
        self.known: dict[date, list[bool]] = {}

    def state_at(self, wall: datetime) -> str:
        state = self._ranked(wall)
        if state == "stopped" and self._ranked(wall - MINUTE) == self._ranked(wall + MINUTE) == "running":
            return "running"
        return state

    def _ranked(self, wall: datetime) -> str:
        today, yesterday = self._applying(wall.date()), self._applying(wall.date() - DAY)
        minute = wall.hour * 60 + wall.minute
        said = {
            _said(begin, end, minute, today=today[index], yesterday=yesterday[index]) for index, (_, begin, end) in enumerate(self.periods)
        }
        return next(state for state in ("running", "any", "stopped") if state in said)

    def _applying(self, day: date) -> list[bool]:
        if day not in self.known:
            self.known[day] = [day not in self.holidays and applies(period, day) for period, _, _ in self.periods]
        return self.known[day]


def _said(begin: int | None, end: int | None, minute: int, *, today: bool, yesterday: bool) -> str:
    if begin is not None and end is not None and end < begin:
        return "running" if (today and minute >= begin) or (yesterday and minute < end) else "stopped"
    if not today:
        return "stopped"
    if begin is not None and minute < begin:
        return "any" if end is None else "stopped"
    if end is not None:
        return "stopped" if minute >= end else ("any" if begin is None else "running")
    return "running"


def _minute(text: str | None) -> int | None:
    return None if text is None else int(text[:2]) * 60 + int(text[3:])


def clock_changes(zone: str, year: int) -> list[datetime]:
    """The moments at which a zone's offset changes in a year, found by looking at every minute around every changed day."""
    place = ZoneInfo(zone)
    days = [datetime(year, 1, 1, tzinfo=UTC) + DAY * n for n in range(-1, 367)]
    changed = [day for day in days[:-1] if day.astimezone(place).utcoffset() != (day + DAY).astimezone(place).utcoffset()]
    return [
        next(
            day + MINUTE * n
            for n in range(1, 1441)
            if (day + MINUTE * n).astimezone(place).utcoffset() != day.astimezone(place).utcoffset()
        )
        for day in changed
    ]
