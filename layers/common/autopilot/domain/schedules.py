"""Schedules: when a warehouse is to run and when to stop, in the time zone of the people who use it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from autopilot.domain.custodian_tags import escaped, parse_tag
from autopilot.domain.schedule_clock import moment_of, wall_at
from autopilot.domain.schedule_document import read_schedules
from autopilot.domain.schedule_holidays import Holidays
from autopilot.domain.schedule_plans import DAY, Always, Calendar, Period, PeriodCalendar, State, WeeklyEvents

EdgeAction = Literal["resume", "pause"]
WhenBusy = Literal["wait", "skip", "force"]
#: How long a warehouse takes to resume, where nothing was learnt yet. Source: Redshift management guide, "Pausing and resuming a cluster".
UNKNOWN_WARM_UP_MINUTES = 15
#: What brings a state about; `any` needs nothing.
ACTIONS: dict[str, EdgeAction] = {"running": "resume", "stopped": "pause"}
#: How far an edge is searched, in growing steps: most are near, the rarest (29 February over a year like 2100) is eight years away.
_SEARCHES = [timedelta(days=days) for days in (2, 8, 35, 370, 3000)]


class Edge(NamedTuple):
    """A moment (in UTC) at which a schedule says something new, and what it says then."""

    moment: datetime
    action: EdgeAction


class Span(NamedTuple):
    """A time (in UTC) in which a schedule says the same throughout."""

    start: datetime
    end: datetime
    state: State


class Outlook(msgspec.Struct, frozen=True):
    """What a schedule wants at one moment: the `state`, the last `edge` that led to it, and the `next_edge`.

    With a warm-up, a resume that is due within it counts as reached: `edge` may then lie ahead. None where there is no edge in eight years.
    """

    state: State
    edge: Edge | None
    next_edge: Edge | None


class Schedule(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A named schedule. Its rules are `periods` and `holidays`, or `events` (weekday, minute, state) where it comes from a Custodian tag.

    `override_status` holds instead of them. `enforced` undoes what people do by hand between edges. A resume starts `warm_up_minutes` before its
    edge, `auto` being what was learnt from earlier ones. When queries still run after `drain_seconds`, `when_busy` says what a pause does: `wait`
    (the edge stays due), `skip` (this edge is let go), `force`. What nobody used for `idle_pause_minutes` is paused.
    """

    name: str
    timezone: str = "UTC"
    description: str = ""
    periods: tuple[Period, ...] = ()
    events: tuple[tuple[int, int, State], ...] = ()
    override_status: Literal["running", "stopped"] | None = None
    enforced: bool = False
    holidays: Holidays | None = None
    warm_up_minutes: int | Literal["auto"] = 0
    when_busy: WhenBusy = "wait"
    drain_seconds: int = 900
    idle_pause_minutes: int | None = None

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @cached_property
    def calendar(self) -> Calendar:
        """The plan of each day."""
        if self.override_status:
            return Always(self.override_status)
        if self.periods:
            return PeriodCalendar(self.periods, self.holidays)
        return WeeklyEvents(self.events)

    def state_at(self, moment: datetime) -> State:
        """What the schedule wants at an aware moment: `any` where it leaves the warehouse alone."""
        wall = wall_at(_utc(moment), self.zone)
        return self.calendar.plan(wall.date()).state_at(wall.hour * 60 + wall.minute)

    def edges(self, start: datetime, end: datetime) -> Iterator[Edge]:
        """The edges from `start` up to, not including, `end` (both aware), in order: where the state becomes running or stopped.

        Wall times that a clock change skips happen at the change, together: what they come to is one edge, or none.
        """
        start, end = _utc(start), _utc(end)
        state: State = "any"
        for moment, changes in groupby(self._changes(start, end), key=itemgetter(0)):
            *passed, (_, last) = changes
            before, state = state, last
            if start <= moment < end and last != "any" and not (passed and last == before):
                yield Edge(moment, ACTIONS[last])

    def spans(self, start: datetime, end: datetime) -> Iterator[Span]:
        """The time from `start` to `end` (both aware) cut where the state changes, in order and without gaps."""
        begin, end = _utc(start), _utc(end)
        state = self.state_at(begin)
        for moment, changes in groupby(self._changes(begin, end), key=itemgetter(0)):
            *_, (_, last) = changes
            if begin < moment < end and last != state:
                yield Span(begin, moment, state)
                begin, state = moment, last
        if begin < end:
            yield Span(begin, end, state)

    def _changes(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, State]]:
        """Every change of the plans of these days and the one before and after, at its moment; the first tells the state before."""
        day, last = start.astimezone(self.zone).date() - DAY, end.astimezone(self.zone).date() + DAY
        state = self.calendar.plan(day - DAY).closing
        yield moment_of(datetime.combine(day - DAY, time()), self.zone), state
        while day <= last:
            plan = self.calendar.plan(day)
            midnight = datetime.combine(day, time())
            if plan.opening != state:
                yield moment_of(midnight, self.zone), plan.opening
            for minute, begun in zip(plan.minutes, plan.states, strict=True):
                yield moment_of(midnight + timedelta(minutes=minute), self.zone), begun
            state = plan.closing
            day += DAY

    def last_edge(self, now: datetime) -> Edge | None:
        """The newest edge that is not after `now`; None where there was none in eight years."""
        after = _utc(now) + timedelta(microseconds=1)
        for back in _SEARCHES:
            if edges := list(self.edges(after - back, after)):
                return edges[-1]
        return None

    def next_edge(self, now: datetime) -> Edge | None:
        """The first edge after `now`; None where there is none in eight years."""
        after = _utc(now) + timedelta(microseconds=1)
        return next((edge for ahead in _SEARCHES for edge in self.edges(after, after + ahead)), None)

    def outlook(self, now: datetime, warm_up_minutes: int | None = None) -> Outlook:
        """What the schedule wants at `now`, when a resume starts `warm_up_minutes` (its own where None) before its edge."""
        now, minutes = _utc(now), self.warm_up(warm_up_minutes)
        outlook = self._outlooks.get((now, minutes))
        if outlook is None:
            if len(self._outlooks) > 16:
                self._outlooks.clear()
            outlook = self._outlooks[now, minutes] = self._look(now, timedelta(minutes=minutes))
        return outlook

    def warm_up(self, learnt_minutes: int | None = None) -> int:
        """How many minutes before its edge a resume starts; `learnt_minutes` counts only where the schedule says `auto`."""
        if self.warm_up_minutes != "auto":
            return self.warm_up_minutes
        return UNKNOWN_WARM_UP_MINUTES if learnt_minutes is None else learnt_minutes

    @cached_property
    def _outlooks(self) -> dict[tuple[datetime, int], Outlook]:
        return {}

    @cached_property
    def shared(self) -> dict[Hashable, Any]:
        """A place for what was worked out about this schedule and holds for every warehouse that follows it."""
        return {}

    def _look(self, now: datetime, warm_up: timedelta) -> Outlook:
        state, ahead = self.state_at(now), None
        if self.override_status is None:
            ahead = self.next_edge(now)
        edge = self.last_edge(now) if ahead else None
        if ahead and ahead.action == "resume" and self._early(ahead, warm_up) <= now:
            return Outlook("running", ahead, self.next_edge(ahead.moment))
        return Outlook(state, edge if state != "any" else None, ahead)

    def _early(self, edge: Edge, warm_up: timedelta) -> datetime:
        """When the resume for an edge starts: so long before it, and on the wall clock too, which is what an entry goes by.

        The two differ where the clock is set back in between: the entry may then fire earlier.
        """
        wall = edge.moment.astimezone(self.zone).replace(tzinfo=None)
        return min(edge.moment - warm_up, moment_of(wall - warm_up, self.zone))


def parse_schedules(text: str) -> dict[str, Schedule]:
    """Read the document of all schedules, YAML or JSON, strictly.

    Raises InvalidInput with every error at once, a line for each: where in the document, the path, what is wrong and what is allowed.
    """
    return {name: Schedule(name=name, **fields) for name, fields in read_schedules(text).items()}


def schedule_from_tag(value: str) -> Schedule:
    """The schedule that a tag in Cloud Custodian's grammar stands for, escaped or plain. Raises InvalidInput saying what is allowed."""
    hours = parse_tag(value)
    on: list[tuple[int, int, State]] = [(day, hour * 60, "running") for day, hour in hours.on]
    off: list[tuple[int, int, State]] = [(day, hour * 60, "stopped") for day, hour in hours.off]
    return Schedule(name=escaped(value), timezone=hours.timezone, events=(*on, *off))


def _utc(moment: datetime) -> datetime:
    """The same moment in UTC. In any other zone, Python reckons with the wall clock and takes two moments of a repeated hour for one."""
    if moment.tzinfo is None:
        raise ValueError("a moment must say its time zone")
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
