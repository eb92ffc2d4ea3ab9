"""The entries of EventBridge Scheduler fire at the edges. `cronsim` says when they fire: it knows nothing of our calendars."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from autopilot.domain.schedule_entries import Entry, compile_entries
from autopilot.domain.schedules import Schedule, parse_schedules, schedule_from_tag
from tests.unit.schedule_samples import (
    DAY,
    any_periods,
    fields,
    months,
    nearest_working_day,
    parsed,
    plain_weekdays,
    times,
    weekly_period,
)

START, END = datetime(2027, 1, 1, tzinfo=UTC), datetime(2029, 4, 1, tzinfo=UTC)
#: What EventBridge Scheduler's user guide allows: one of the two day fields is `?`, one `#`, `L` or `W` stands alone in its field.
_DAY = r"(SUN|MON|TUE|WED|THU|FRI|SAT)"
_LIST = r"\d{1,2}(-\d{1,2})?(,\d{1,2}(-\d{1,2})?)*"
ALLOWED = re.compile(
    rf"cron\((?P<minute>\d{{1,2}}) (?P<hour>\d{{1,2}}) "
    rf"(?:(?P<dom>\*|L|\d{{1,2}}W|{_LIST}) (?P<month>\*|{_LIST}) \?|\? (?P<month2>\*|{_LIST}) "
    rf"(?P<dow>[1-7]#[1-5]|[1-7]L|{_DAY}(-{_DAY})?(,{_DAY}(-{_DAY})?)*)) \*\)"
)


def firings(entry: Entry, start: datetime = START, end: datetime = END) -> Iterator[datetime]:
    """Every wall time at which an entry fires, as if the clock never changed."""
    assert ALLOWED.fullmatch(entry.expression), entry.expression
    minute, hour, of_month, month, of_week, _ = entry.expression.removeprefix("cron(").removesuffix(")").split()
    # EventBridge counts weekdays from 1 (Sunday), cronsim from 0.
    of_week = re.sub(r"^([1-7])(?=[#L])", lambda match: str(int(match[1]) - 1), of_week.replace("?", "*"))
    nearest = re.fullmatch(r"(\d+)W", of_month)
    walls = CronSim(f"{minute} {hour} {'*' if nearest else of_month.replace('?', '*')} {month} {of_week}", start - timedelta(seconds=1))
    for wall in walls:
        if wall >= end:
            return
        if nearest is None or nearest_working_day(wall.date(), int(nearest[1])) == wall.day:
            yield wall


def fired(schedule: Schedule, **learnt: int) -> set[tuple[datetime, str]]:
    entries = compile_entries({schedule.name: schedule}, learnt)
    assert len({entry.name for entry in entries}) == len(entries)
    return {(moment, entry.action) for entry in entries for moment in firings(entry)}


def due(schedule: Schedule, warm_up: int = 0) -> set[tuple[datetime, str]]:
    """Every edge, a resume so many minutes early."""
    early = {"resume": timedelta(minutes=warm_up), "pause": timedelta(0)}
    edges = [(edge.moment - early[edge.action], str(edge.action)) for edge in schedule.edges(START, END + DAY)]
    return {(moment, action) for moment, action in edges if START <= moment < END}


@settings(max_examples=40)
@given(periods=st.lists(weekly_period, min_size=1, max_size=4), warm_up=st.integers(0, 240))
def test_entries_of_weekly_schedules_fire_at_exactly_the_edges(periods: list[dict[str, Any]], warm_up: int) -> None:
    schedule = parsed({"periods": periods, "warm_up_minutes": str(warm_up)})
    assert fired(schedule) == due(schedule, warm_up)


_in_one_day = (
    st.tuples(times, times).filter(lambda pair: pair[0] != pair[1]).map(lambda pair: {"begintime": min(pair), "endtime": max(pair)})
)
_named_days = st.one_of(
    fields(months=months, weekdays=plain_weekdays),
    fields(months=months).flatmap(
        lambda chosen: st.sampled_from(
            [{"monthdays": days} for days in ("1", "5,20", "10-15/2", "25-L", "L", "29", "31", "15W", "1W", "31W")]
            + [{"weekdays": days} for days in ("mon#1", "fri#5", "sun#2", "friL", "monL")]
        ).map(lambda days: {**chosen, **days})
    ),
)


@settings(max_examples=30)
@given(hours=_in_one_day, days=_named_days)
def test_entries_of_a_period_within_its_days_fire_at_exactly_the_edges(hours: dict[str, Any], days: dict[str, Any]) -> None:
    schedule = parsed({"periods": [{**hours, **days}]})
    assert fired(schedule) == due(schedule)


@settings(max_examples=40)
@given(periods=any_periods, warm_up=st.integers(0, 240), free=st.sets(st.integers(0, 820), max_size=4))
def test_no_edge_of_any_schedule_is_without_its_entry(periods: list[dict[str, Any]], warm_up: int, free: set[int]) -> None:
    dates = sorted((START + DAY * n).date().isoformat() for n in free)
    schedule = parsed({"periods": periods, "warm_up_minutes": str(warm_up), **({"holidays": {"dates": dates}} if dates else {})})
    assert due(schedule, warm_up) <= fired(schedule)


@settings(max_examples=15)
@given(
    periods=st.lists(weekly_period, min_size=1, max_size=3),
    zone=st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Antarctica/Troll"]),
)
def test_what_fires_in_the_zone_of_the_schedule_is_its_edges_but_for_skipped_times(periods: list[dict[str, Any]], zone: str) -> None:
    schedule = parsed({"periods": periods, "timezone": zone})
    entries = compile_entries({"sample": schedule})
    assert {entry.timezone for entry in entries} <= {zone}
    happened = {(moment, entry.action) for entry in entries for wall in firings(entry) if (moment := _happening(wall, schedule))}
    edges = {(edge.moment, edge.action) for edge in schedule.edges(START + DAY, END - DAY)}
    inside = {(moment, action) for moment, action in happened if START + DAY <= moment < END - DAY}
    # EventBridge Scheduler leaves out a time that its zone skips; the edge then lies at the clock change, where reconcile finds it.
    assert all(_is_clock_change(moment, schedule) for moment, _ in edges - inside)
    # A period that lies in what is skipped, or begins there, has fewer edges that day.
    assert all(any(_is_clock_change(moment - timedelta(hours=n / 2), schedule) for n in range(60)) for moment, _ in inside - edges)


def _happening(wall: datetime, schedule: Schedule) -> datetime | None:
    """The first moment of a wall time; None where the zone skips it."""
    moment = wall.replace(tzinfo=schedule.zone, fold=0).astimezone(UTC)
    return moment if moment.astimezone(schedule.zone).replace(tzinfo=UTC) == wall else None


def _is_clock_change(moment: datetime, schedule: Schedule) -> bool:
    before, after = (moment - timedelta(seconds=1)).astimezone(schedule.zone), moment.astimezone(schedule.zone)
    return before.utcoffset() != after.utcoffset()


def expressions(periods: str, **more: str) -> set[str]:
    lines = "".join(f"    {name}: {value}\n" for name, value in more.items())
    schedules = parse_schedules(f"schedules:\n  sample:\n{lines}    periods: {periods}\n")
    return {f"{entry.action} {entry.expression}" for entry in compile_entries(schedules)}


@pytest.mark.parametrize(
    ("periods", "expected"),
    [
        ("[{weekdays: mon-fri, begintime: 08:00, endtime: 19:30}]", {"resume cron(0 8 ? * MON-FRI *)", "pause cron(30 19 ? * MON-FRI *)"}),
        ("[{weekdays: sat-sun, begintime: 08:00, endtime: 12:00}]", {"resume cron(0 8 ? * SUN,SAT *)", "pause cron(0 12 ? * SUN,SAT *)"}),
        ("[{begintime: 22:00, endtime: 06:00}]", {"resume cron(0 22 * * ? *)", "pause cron(0 6 * * ? *)"}),
        ("[{weekdays: fri, begintime: 22:00, endtime: 06:00}]", {"resume cron(0 22 ? * FRI *)", "pause cron(0 6 ? * SAT *)"}),
        ("[{weekdays: mon-fri}]", {"resume cron(0 0 ? * MON *)", "pause cron(0 0 ? * SAT *)"}),
        ("[{months: dec, monthdays: L, begintime: 06:00}]", {"resume cron(0 6 L 12 ? *)", "pause cron(0 0 1 1 ? *)"}),
        ("[{monthdays: 15W, begintime: 06:00, endtime: 07:00}]", {"resume cron(0 6 15W * ? *)", "pause cron(0 7 15W * ? *)"}),
        ("[{weekdays: mon#1, begintime: 06:00, endtime: 07:00}]", {"resume cron(0 6 ? * 2#1 *)", "pause cron(0 7 ? * 2#1 *)"}),
        ("[{weekdays: friL, months: jan-mar, begintime: 6:00, endtime: 7:00}]", {"resume cron(0 6 ? 1-3 6L *)", "pause cron(0 7 ? 1-3 6L *)"}),
        ("[{weekdays: mon, begintime: 08:00, endtime: 12:00}, {weekdays: mon, begintime: 12:00, endtime: 13:00}]", {
            "resume cron(0 8 ? * MON *)", "pause cron(0 13 ? * MON *)",
        }),
        ("[{weekdays: mon-sun}]", set()),
        ("[{months: jan, monthdays: 5, begintime: 08:00, endtime: 9:00}, {months: feb, monthdays: 7, begintime: 08:00, endtime: 9:00}]", {
            "resume cron(0 8 5 1 ? *)", "resume cron(0 8 7 2 ? *)", "pause cron(0 9 5 1 ? *)", "pause cron(0 9 7 2 ? *)",
        }),
        # Mondays and the last day of a month: two expressions that name no other day.
        ("[{weekdays: mon, begintime: 08:00, endtime: 9:00}, {monthdays: L, begintime: 08:00, endtime: 9:00}]", {
            "resume cron(0 8 ? * MON *)", "resume cron(0 8 L * ? *)", "pause cron(0 9 ? * MON *)", "pause cron(0 9 L * ? *)",
        }),
        # All working days but the first Monday: five expressions could say so, and one that fires twelve times a year in vain is better.
        ("[{weekdays: mon-fri, begintime: 08:00, endtime: 9:00}, {weekdays: mon#1, begintime: 07:00, endtime: 9:00}]", {
            "resume cron(0 8 ? * MON-FRI *)", "resume cron(0 7 ? * 2#1 *)", "pause cron(0 9 ? * MON-FRI *)",
        }),
        # A Friday and a 13th: cron can say one of them, and the 13th comes less often.
        ("[{weekdays: fri, monthdays: 13, begintime: 08:00, endtime: 09:00}]", {"resume cron(0 8 13 * ? *)", "pause cron(0 9 13 * ? *)"}),
    ],
)  # fmt: skip
def test_days_are_said_in_the_words_of_eventbridge(periods: str, expected: set[str]) -> None:
    assert expressions(periods) == expected


def test_early_resume_may_lie_on_the_day_before() -> None:
    assert "resume cron(50 23 ? * SUN *)" in expressions("[{weekdays: mon, begintime: 00:10, endtime: 07:00}]", warm_up_minutes="20")
    assert "resume cron(50 23 L * ? *)" in expressions("[{monthdays: 1, begintime: 00:10, endtime: 07:00}]", warm_up_minutes="20")


def test_warm_up_that_is_learnt_is_given_by_the_caller() -> None:
    schedules = parse_schedules("schedules: {a: {warm_up_minutes: auto, periods: [{begintime: 08:00, endtime: 09:00}]}}")
    assert {(e.expression, e.warm_up_minutes) for e in compile_entries(schedules, {"a": 7}) if e.action == "resume"} == {
        ("cron(53 7 * * ? *)", 7)
    }
    assert {(e.expression, e.warm_up_minutes) for e in compile_entries(schedules) if e.action == "resume"} == {("cron(45 7 * * ? *)", 15)}


def test_entry_keeps_its_name_until_something_in_it_changes() -> None:
    def names(text: str) -> set[str]:
        return {entry.name for entry in compile_entries(parse_schedules(text))}

    before = "schedules: {a: {periods: [{begintime: 08:00, endtime: 19:00}]}, b: {periods: [{begintime: 08:00, endtime: 19:00}]}}"
    after = before.replace("19:00}]}}", "20:00}]}}")
    assert len(names(before)) == 4
    assert len(names(before) & names(after)) == 3
    assert names(before.replace("{periods", "{description: other words, enforced: true, periods")) == names(before)


@pytest.mark.parametrize("name", ["a", "x" * 63, "Office.Hours_2-3"])
def test_entry_has_a_name_that_eventbridge_takes(name: str) -> None:
    (first, _) = compile_entries(parse_schedules(f"schedules: {{{name}: {{periods: [{{begintime: 08:00, endtime: 19:00}}]}}}}"))
    assert re.fullmatch(r"[0-9a-zA-Z_.-]{1,64}", first.name)
    assert first.schedule == name


def test_tag_of_custodian_is_compiled_with_every_event() -> None:
    schedule = schedule_from_tag("off=(F,19);on=[(M-F,6),(U,10)];tz=pt")
    entries = compile_entries({schedule.name: schedule})
    assert {(entry.action, entry.expression, entry.timezone) for entry in entries} == {
        ("pause", "cron(0 19 ? * FRI *)", "America/Los_Angeles"),
        ("resume", "cron(0 6 ? * MON-FRI *)", "America/Los_Angeles"),
        ("resume", "cron(0 10 ? * SUN *)", "America/Los_Angeles"),
    }
    assert all(re.fullmatch(r"[0-9a-zA-Z_.-]{1,64}", entry.name) for entry in entries)


def test_override_needs_no_entry() -> None:
    assert compile_entries(parse_schedules("schedules: {a: {override_status: running, periods: [{begintime: 08:00}]}}")) == []


def test_judge_reads_the_dialect_of_eventbridge() -> None:
    """The translation to cronsim is checked against a calendar, so that the judge judges what is meant."""

    def days(expression: str) -> list[date]:
        entry = Entry("x", "x", "resume", expression, "UTC")
        return [wall.date() for wall in firings(entry, datetime(2028, 2, 1, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC))]

    assert days("cron(0 0 L * ? *)") == [date(2028, 2, 29)]
    assert days("cron(0 0 ? * 2#1 *)") == [date(2028, 2, 7)]
    assert days("cron(0 0 ? * 6L *)") == [date(2028, 2, 25)]
    assert days("cron(0 0 ? * SUN *)") == [date(2028, 2, n) for n in (6, 13, 20, 27)]
    assert days("cron(0 0 12W * ? *)") == [date(2028, 2, 11)]
    assert calendar.weekday(2028, 2, 12) == calendar.SATURDAY
