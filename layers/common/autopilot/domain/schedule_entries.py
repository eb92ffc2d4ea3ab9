"""Schedules as entries of EventBridge Scheduler: cron expressions that fire at the edges, so that nothing has to run between them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import date
from itertools import product

import msgspec

from autopilot.domain.schedule_cron import Dates, covers, expression
from autopilot.domain.schedule_plans import DAY, MINUTES, PeriodCalendar, Plan
from autopilot.domain.schedules import ACTIONS, EdgeAction, Schedule

#: A year of each kind, by its first weekday and its length: what holds in these holds in all.
_YEARS = (2001, 2002, 2003, 2009, 2010, 2005, 2006, 1996, 2008, 2020, 2004, 2016, 2000, 2012)
#: A Monday. Where every week is the same, one is enough.
_SOME_MONDAY = date(2001, 1, 8)


class Entry(msgspec.Struct, frozen=True):
    """One entry: `expression` is `cron(...)`, evaluated in `timezone`. The `name` follows from all the rest, so a changed entry is another one.

    A resume fires `warm_up_minutes` before its edge: whoever decides then must decide with the same number.
    """

    name: str
    schedule: str
    action: EdgeAction
    expression: str
    timezone: str
    warm_up_minutes: int = 0


def compile_entries(schedules: Mapping[str, Schedule], learnt_minutes: Mapping[str, int] | None = None) -> list[Entry]:
    """The entries of all schedules, by name. `learnt_minutes` is the warm-up by schedule, for those that say `auto`.

    They fire at every edge and at no other time, but for holidays and days of which cron cannot say that two conditions must hold: there they may
    fire more often, and what is to be done is decided then.
    """
    learnt = learnt_minutes or {}
    entries = [entry for name, schedule in schedules.items() for entry in _compiled(schedule, schedule.warm_up(learnt.get(name)))]
    return sorted(entries, key=lambda entry: entry.name)


def _compiled(schedule: Schedule, warm_up: int) -> Iterable[Entry]:
    fired: dict[tuple[EdgeAction, int], set[date]] = {}
    weekly, edges = _edges(schedule)
    for day, minute, action in edges:
        at = minute - warm_up if action == "resume" else minute
        on = day + DAY * (at // MINUTES)
        fired.setdefault((action, at % MINUTES), set()).add(on)
    for (action, minute), days in fired.items():
        for cover in [Dates.of_weekdays(days)] if weekly else covers(days, _YEARS):
            yield _entry(schedule, action, expression(minute, cover), warm_up if action == "resume" else 0)


def _edges(schedule: Schedule) -> tuple[bool, Iterable[tuple[date, int, EdgeAction]]]:
    """Whether every week is the same, and every edge of one week or of all kinds of years."""
    calendar = schedule.calendar
    if not isinstance(calendar, PeriodCalendar):
        week = [_SOME_MONDAY + DAY * n for n in range(7)]
        return True, [edge for day in week for edge in _edges_of(day, calendar.plan(day - DAY), calendar.plan(day))]
    if all(period.days.weekly for period in schedule.periods):
        return True, _edges_of_days(schedule, calendar, _SOME_MONDAY, 7)
    # The first day of the next year too: its early resumes fire in this one.
    return False, [edge for year in _YEARS for edge in _edges_of_days(schedule, calendar, date(year, 1, 1), 367)]


def _edges_of_days(schedule: Schedule, calendar: PeriodCalendar, first: date, count: int) -> Iterable[tuple[date, int, EdgeAction]]:
    """The edges of so many days. Any day may be a holiday in some year: then each is looked at both ways."""
    days = [first + DAY * n for n in range(-2, count + 1)]
    masks = [calendar.beginning(day) for day in days]
    known: dict[tuple[int, ...], set[tuple[int, EdgeAction]]] = {}
    for index in range(2, count + 2):
        around = tuple(masks[index - 2 : index + 2])
        if around not in known:
            ways = product(*({mask, 0} for mask in around)) if schedule.holidays else [around]
            known[around] = {
                (minute, action)
                for a, b, c, d in ways
                for _, minute, action in _edges_of(days[index], calendar.plan_of(a, b, c), calendar.plan_of(b, c, d))
            }
        yield from ((days[index], minute, action) for minute, action in sorted(known[around]))


def _edges_of(day: date, yesterday: Plan, today: Plan) -> Iterable[tuple[date, int, EdgeAction]]:
    opening = [(0, today.opening)] if today.opening != yesterday.closing else []
    for minute, state in [*opening, *zip(today.minutes, today.states, strict=True)]:
        if state != "any":
            yield day, minute, ACTIONS[state]


def _entry(schedule: Schedule, action: EdgeAction, cron: str, warm_up: int) -> Entry:
    facts = "\n".join((schedule.name, action, cron, schedule.timezone, str(warm_up)))
    readable = re.sub(r"[^A-Za-z0-9_.-]+", "-", schedule.name)[:46]
    # At most 64 letters, digits and . _ -. Source: CreateSchedule, `Name`.
    name = f"{readable}-{action}-{hashlib.sha256(facts.encode()).hexdigest()[:10]}"
    return Entry(name, schedule.name, action, cron, schedule.timezone, warm_up)
