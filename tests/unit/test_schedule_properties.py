"""What holds for every schedule: its edges are where its states change, also where clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autopilot.domain.schedules import Edge, Schedule, schedule_from_tag
from tests.unit.schedule_samples import DAY, MINUTE, Reading, any_periods, clock_changes, parsed

#: Zones with odd clocks, and a year in which each changes: by half an hour, by 15 minutes once for ever, backwards for Ramadan, at one minute
#: past midnight, at a quarter to, by two hours, at midnight, and by a whole day that was left out.
ZONES = [
    ("Australia/Lord_Howe", 2026),
    ("Asia/Kathmandu", 1986),
    ("Africa/Casablanca", 2026),
    ("America/St_Johns", 2010),
    ("Pacific/Chatham", 2026),
    ("Antarctica/Troll", 2026),
    ("Africa/Cairo", 2026),
    ("Pacific/Apia", 2011),
]
changes = lru_cache(clock_changes)
moments = st.integers(0, 366 * 86_400).map(lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))


def minutes_around(change: datetime) -> list[datetime]:
    """Every minute of the week around a clock change."""
    first = change - 3 * DAY
    return [first + MINUTE * n for n in range(7 * 1440)]


def assert_edges_are_changes(schedule: Schedule, minutes: list[datetime]) -> None:
    states = [schedule.state_at(minute) for minute in minutes]
    found = [
        (minute, "resume" if state == "running" else "pause")
        for minute, before, state in zip(minutes[1:], states, states[1:], strict=False)
        if state not in {before, "any"}
    ]
    assert list(schedule.edges(minutes[1], minutes[-1] + MINUTE)) == found


@pytest.mark.parametrize(("zone", "year"), ZONES)
@settings(max_examples=25)
@given(periods=any_periods, which=st.integers(0, 9))
def test_edges_are_where_the_state_changes_at_every_minute(zone: str, year: int, periods: list[dict[str, Any]], which: int) -> None:
    there = changes(zone, year)
    assert_edges_are_changes(parsed({"timezone": zone, "periods": periods}), minutes_around(there[which % len(there)]))


@pytest.mark.parametrize(("zone", "year"), ZONES)
@settings(max_examples=12)
@given(periods=any_periods, which=st.integers(0, 9), free=st.sets(st.integers(-3, 3), max_size=2))
def test_states_are_what_each_period_says_at_every_minute(
    zone: str, year: int, periods: list[dict[str, Any]], which: int, free: set[int]
) -> None:
    there, place = changes(zone, year), ZoneInfo(zone)
    change = there[which % len(there)]
    holidays = frozenset((change + DAY * n).astimezone(place).date() for n in free)
    given_holidays = {"holidays": {"dates": sorted(day.isoformat() for day in holidays)}} if holidays else {}
    schedule, reading = parsed({"timezone": zone, "periods": periods, **given_holidays}), Reading(periods, holidays)
    newest = datetime.min.replace(tzinfo=UTC)
    for minute in minutes_around(change):
        # What was due in an hour that comes twice is over when it comes again: the newest wall time counts.
        newest = max(newest, minute.astimezone(place).replace(tzinfo=UTC))
        assert schedule.state_at(minute) == reading.state_at(newest.replace(tzinfo=None)), minute


@settings(max_examples=30)
@given(
    periods=any_periods,
    start=moments,
    seconds=st.lists(st.integers(1, 10 * 86_400), min_size=1, max_size=5),
)
def test_edges_of_a_span_are_those_of_its_parts(periods: list[dict[str, Any]], start: datetime, seconds: list[int]) -> None:
    schedule = parsed({"timezone": "Europe/Berlin", "periods": periods})
    parts: list[Edge] = []
    moment = start
    for length in seconds:
        parts += schedule.edges(moment, moment + timedelta(seconds=length))
        moment += timedelta(seconds=length)
    assert list(schedule.edges(start, moment)) == parts


@settings(max_examples=30)
@given(
    periods=any_periods,
    now=moments,
    minutes=st.integers(0, 240),
)
def test_outlook_lies_between_its_edges(periods: list[dict[str, Any]], now: datetime, minutes: int) -> None:
    schedule = parsed({"timezone": "America/New_York", "periods": periods, "warm_up_minutes": str(minutes)})
    outlook = schedule.outlook(now)
    if outlook.edge is None:
        assert outlook.state == "any" or outlook.next_edge is None
        return
    ahead = outlook.edge.moment > now
    # An hour more where the clock is set back in between.
    assert outlook.edge.moment <= now + timedelta(minutes=minutes + 60)
    assert outlook.state == ("running" if ahead else schedule.state_at(now))
    assert outlook.edge.action == {"running": "resume", "stopped": "pause"}[outlook.state]
    if outlook.next_edge:
        between = list(schedule.edges(outlook.edge.moment, outlook.next_edge.moment + MINUTE))
        assert between == [outlook.edge, outlook.next_edge]


@settings(max_examples=30)
@given(periods=any_periods, start=moments, hours=st.integers(1, 24 * 30))
def test_spans_cut_the_time_where_the_state_changes(periods: list[dict[str, Any]], start: datetime, hours: int) -> None:
    schedule = parsed({"timezone": "Australia/Lord_Howe", "periods": periods})
    end = start + timedelta(hours=hours)
    spans = list(schedule.spans(start, end))
    assert [spans[0].start, *(span.end for span in spans)] == [*(span.start for span in spans), end]
    for span in spans:
        assert schedule.state_at(span.start) == schedule.state_at(span.end - MINUTE / 60) == span.state
        assert [edge for edge in schedule.edges(span.start, span.end) if edge.moment != span.start] == []
    assert all(one.state != other.state for one, other in pairwise(spans))


_days = st.sampled_from("MTWHFSU")
_time = st.tuples(st.one_of(_days, st.tuples(_days, _days).map("-".join)), st.integers(0, 23)).map(lambda pair: f"({pair[0]},{pair[1]})")
_spec = st.lists(_time, min_size=1, max_size=3).map(lambda items: items[0] if len(items) == 1 else f"[{','.join(items)}]")


@settings(max_examples=20)
@given(on=_spec, off=_spec, zone=st.sampled_from(["pt", "cet", "aet", "nzst", "america/st_johns"]))
def test_tag_of_custodian_holds_its_last_event_at_every_hour(on: str, off: str, zone: str) -> None:
    schedule = schedule_from_tag(f"off={off};on={on};tz={zone}")
    hours = [datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=30 * n) for n in range(48 * 40)]
    edges = {edge.moment: edge.action for edge in schedule.edges(hours[0], hours[-1] + MINUTE)}
    assert set(edges) <= set(hours)
    for hour in hours:
        if hour in edges:
            assert schedule.state_at(hour) == {"resume": "running", "pause": "stopped"}[edges[hour]]
        else:
            assert schedule.state_at(hour) == schedule.state_at(hour - MINUTE)


def test_a_year_of_edges_is_found_day_by_day() -> None:
    """A step a minute would take half a million looks; each day is looked at once, and each kind of day planned once."""
    schedule = parsed({"periods": [{"weekdays": "mon-fri", "begintime": "08:00", "endtime": "19:00"}]})
    looked: list[date] = []
    plan = schedule.calendar.plan

    class Counting:
        def plan(self, day: date) -> Any:
            looked.append(day)
            return plan(day)

    schedule.__dict__["calendar"] = Counting()
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert len(list(schedule.edges(start, start + 365 * DAY))) == 2 * 261
    assert len(looked) <= 365 + 5
