"""What a schedule says of each day, in the day's own wall clock: which state it opens with and at which minutes that changes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date, timedelta
from itertools import groupby
from typing import Literal, Protocol

import msgspec

from autopilot.domain.schedule_days import Days
from autopilot.domain.schedule_holidays import Holidays

State = Literal["running", "stopped", "any"]
DAY = timedelta(days=1)
MINUTES = 24 * 60
#: Where periods disagree, the higher rank wins. Source: Instance Scheduler on AWS, "Schedule reference".
_RANK: dict[State, int] = {"stopped": 0, "any": 1, "running": 2}


class Plan(msgspec.Struct, frozen=True):
    """One day: its state from 00:00, and at each of `minutes` (from 0, rising) the state of `states` with the same index begins."""

    opening: State
    minutes: tuple[int, ...] = ()
    states: tuple[State, ...] = ()

    @property
    def closing(self) -> State:
        return self.states[-1] if self.states else self.opening

    def state_at(self, minute: int) -> State:
        index = bisect_right(self.minutes, minute)
        return self.states[index - 1] if index else self.opening


class Period(msgspec.Struct, frozen=True):
    """A running period: from minute `begin` to minute `end` of the days on which it begins; an end before its begin lies on the next day.

    Without an end it runs until midnight and leaves alone what is before its begin; without a begin it stops at its end and leaves alone
    what is before; with neither it runs all day. Source: Instance Scheduler on AWS, "Period reference".
    """

    days: Days = Days()
    begin: int | None = None
    end: int | None = None

    def pieces(self) -> list[tuple[int, int, State]]:
        """What it says on a day on which it begins: (from minute, to minute, state); minutes beyond 24 hours are the next day's."""
        if self.begin is None and self.end is None:
            return [(0, MINUTES, "running")]
        if self.begin is None:
            return [(0, self.end or 0, "any")]
        if self.end is None:
            return [(0, self.begin, "any"), (self.begin, MINUTES, "running")]
        return [(self.begin, self.end if self.end > self.begin else self.end + MINUTES, "running")]


class Calendar(Protocol):
    """What knows each day's plan."""

    def plan(self, day: date) -> Plan: ...


class Always:
    """The same state for ever."""

    def __init__(self, state: State) -> None:
        self._plan = Plan(state)

    def plan(self, day: date) -> Plan:  # noqa: ARG002 - every day is the same
        return self._plan


class PeriodCalendar:
    """Days planned from periods: running beats any beats stopped; on a holiday none begins; a minute between two is no stop."""

    def __init__(self, periods: tuple[Period, ...], holidays: Holidays | None) -> None:
        self._periods = periods
        self._holidays = holidays
        self._of_day: dict[date, Plan] = {}
        self._begun: dict[date, int] = {}
        self._of_masks: dict[tuple[int, int, int], Plan] = {}

    def plan(self, day: date) -> Plan:
        plan = self._of_day.get(day)
        if plan is None:
            # A schedule is asked about this year and the next few; a test may ask about all of them.
            if len(self._of_day) > 5000:
                self._of_day.clear()
                self._begun.clear()
            plan = self._of_day[day] = self.plan_of(self._mask(day - DAY), self._mask(day), self._mask(day + DAY))
        return plan

    def beginning(self, day: date) -> int:
        """Which periods begin on a day that is no holiday: bit n stands for period n."""
        return sum(1 << index for index, period in enumerate(self._periods) if period.days.holds(day))

    def plan_of(self, before: int, today: int, after: int) -> Plan:
        """The plan of a day, by the periods that begin on the day before, on it and on the day after."""
        key = (before, today, after)
        plan = self._of_masks.get(key)
        if plan is None:
            plan = self._of_masks[key] = self._planned(*key)
        return plan

    def _mask(self, day: date) -> int:
        mask = self._begun.get(day)
        if mask is None:
            holiday = self._holidays is not None and self._holidays.holds(day)
            mask = self._begun[day] = 0 if holiday else self.beginning(day)
        return mask

    def _planned(self, before: int, today: int, after: int) -> Plan:
        """Three days in a row, of which the middle one is cut out: only so are gaps around midnight seen."""
        pieces = [
            (offset + first, offset + last, state)
            for offset, mask in ((-MINUTES, before), (0, today), (MINUTES, after))
            for index, period in enumerate(self._periods)
            if mask >> index & 1
            for first, last, state in period.pieces()
        ]
        runs = _without_gaps(_ranked(pieces, -MINUTES, 2 * MINUTES))
        inside = [(minute, state) for minute, state in runs if 0 < minute < MINUTES]
        opening = [state for minute, state in runs if minute <= 0][-1]
        return Plan(opening, tuple(minute for minute, _ in inside), tuple(state for _, state in inside))


def _ranked(pieces: list[tuple[int, int, State]], start: int, end: int) -> list[tuple[int, State]]:
    """The minutes at which the state changes, when the highest rank of all pieces counts and stopped is what nobody speaks of."""
    minutes = sorted({start} | {minute for first, last, _ in pieces for minute in (first, last) if start <= minute < end})
    states: list[tuple[int, State]] = [
        (minute, max((state for first, last, state in pieces if first <= minute < last), key=_RANK.__getitem__, default="stopped"))
        for minute in minutes
    ]
    return _changes(states)


def _without_gaps(runs: list[tuple[int, State]]) -> list[tuple[int, State]]:
    """A stop of one minute between two running times is none: `23:59` and `00:00` are neighbours. Source: as for Period."""
    filled = list(runs)
    for index in range(1, len(runs) - 1):
        (_, before), (begin, state), (end, after) = runs[index - 1 : index + 2]
        if state == "stopped" and end - begin == 1 and before == after == "running":
            filled[index] = (begin, "running")
    return _changes(filled)


def _changes(states: Iterable[tuple[int, State]]) -> list[tuple[int, State]]:
    return [next(run) for _, run in groupby(states, key=lambda item: item[1])]


class WeeklyEvents:
    """Days planned from moments of the week, each of which sets a state that holds until the next: what Cloud Custodian's tags say.

    `events` are (weekday, minute, state), 0 being Monday. An event is an edge even where its state held already.
    """

    def __init__(self, events: tuple[tuple[int, int, State], ...]) -> None:
        # At the same minute running wins, as everywhere.
        by_time = sorted(events, key=lambda event: (event[0], event[1], _RANK[event[2]]))
        last = {(weekday, minute): state for weekday, minute, state in by_time}
        state: State = by_time[-1][2] if by_time else "any"
        self._plans = []
        for weekday in range(7):
            today = [(minute, kept) for (day, minute), kept in last.items() if day == weekday]
            self._plans.append(Plan(state, tuple(minute for minute, _ in today), tuple(kept for _, kept in today)))
            state = self._plans[-1].closing

    def plan(self, day: date) -> Plan:
        return self._plans[day.weekday()]
