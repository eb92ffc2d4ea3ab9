"""When a schedule says running, stopped or neither."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from autopilot.domain.schedules import Edge, Schedule, parse_schedules, schedule_from_tag


def schedule(periods: str, **fields: str) -> Schedule:
    """A schedule of these periods (YAML, in brackets), in Berlin unless told otherwise."""
    lines = "".join(f"    {name}: {value}\n" for name, value in {"timezone": "Europe/Berlin", **fields}.items())
    return parse_schedules(f"schedules:\n  sample:\n{lines}    periods: {periods}\n")["sample"]


def states(of: Schedule, *moments: str) -> list[str]:
    return [of.state_at(datetime.fromisoformat(moment).replace(tzinfo=of.zone)) for moment in moments]


def edges(of: Schedule, start: str, days: int) -> list[str]:
    """The edges of so many days from a local date on, in local time."""
    first = datetime.fromisoformat(start).replace(tzinfo=of.zone)
    return [f"{edge.moment.astimezone(of.zone):%a %d %H:%M} {edge.action}" for edge in of.edges(first, first + timedelta(days=days))]


def test_period_runs_from_its_begin_up_to_its_end() -> None:
    office = schedule("[{weekdays: mon-fri, begintime: 08:00, endtime: 19:00}]")
    assert states(office, "2026-11-25T07:59", "2026-11-25T08:00", "2026-11-25T18:59", "2026-11-25T19:00", "2026-11-28T12:00") == [
        "stopped", "running", "running", "stopped", "stopped",
    ]  # fmt: skip
    assert edges(office, "2026-11-27", 4) == ["Fri 27 08:00 resume", "Fri 27 19:00 pause", "Mon 30 08:00 resume", "Mon 30 19:00 pause"]


def test_period_without_an_end_leaves_alone_what_is_before_and_runs_until_midnight() -> None:
    early = schedule("[{weekdays: wed, begintime: 06:00}]")
    assert states(early, "2026-11-25T05:59", "2026-11-25T06:00", "2026-11-25T23:59", "2026-11-26T00:00") == [
        "any",
        "running",
        "running",
        "stopped",
    ]
    assert edges(early, "2026-11-25", 2) == ["Wed 25 06:00 resume", "Thu 26 00:00 pause"]


def test_period_without_a_begin_leaves_alone_what_is_before_its_end() -> None:
    late = schedule("[{endtime: 19:00}]")
    assert states(late, "2026-11-25T00:00", "2026-11-25T18:59", "2026-11-25T19:00") == ["any", "any", "stopped"]
    assert edges(late, "2026-11-25", 2) == ["Wed 25 19:00 pause", "Thu 26 19:00 pause"]


def test_period_with_neither_time_is_the_whole_day() -> None:
    assert edges(schedule("[{weekdays: mon-fri}]"), "2026-11-25", 7) == ["Sat 28 00:00 pause", "Mon 30 00:00 resume"]


def test_period_that_ends_before_it_begins_goes_past_midnight() -> None:
    night = schedule("[{weekdays: fri, begintime: 22:00, endtime: 06:00}]")
    assert edges(night, "2026-11-23", 7) == ["Fri 27 22:00 resume", "Sat 28 06:00 pause"]


def test_running_beats_any_beats_stopped() -> None:
    both = schedule("[{weekdays: wed, begintime: 09:00}, {begintime: 08:00, endtime: 10:00}]")
    assert states(both, "2026-11-25T07:00", "2026-11-25T08:30", "2026-11-25T10:00") == ["any", "running", "running"]


@pytest.mark.parametrize(("end", "begin"), [("12:00", "12:00"), ("11:59", "12:00")])
def test_adjacent_periods_do_not_flap(end: str, begin: str) -> None:
    halves = schedule(f"[{{begintime: 08:00, endtime: '{end}'}}, {{begintime: '{begin}', endtime: 17:00}}]")
    assert edges(halves, "2026-11-25", 1) == ["Wed 25 08:00 resume", "Wed 25 17:00 pause"]


def test_minute_before_midnight_is_no_gap() -> None:
    assert edges(schedule("[{weekdays: mon-fri, begintime: 00:00, endtime: 23:59}]"), "2026-11-25", 6) == [
        "Fri 27 23:59 pause",
        "Mon 30 00:00 resume",
    ]


def test_gap_of_two_minutes_is_a_stop() -> None:
    halves = schedule("[{begintime: 08:00, endtime: 11:58}, {begintime: 12:00, endtime: 17:00}]")
    assert edges(halves, "2026-11-25", 1)[1:3] == ["Wed 25 11:58 pause", "Wed 25 12:00 resume"]


def test_no_period_begins_on_a_holiday_and_one_that_began_before_goes_on_to_its_end() -> None:
    night = schedule("[{begintime: 22:00, endtime: 06:00}]", holidays="{dates: [2026-12-25]}")
    assert edges(night, "2026-12-24T12:00", 2) == ["Thu 24 22:00 resume", "Fri 25 06:00 pause"]


def test_holidays_of_a_country_and_of_its_parts_are_known() -> None:
    office = schedule("[{begintime: 08:00, endtime: 19:00}]", holidays="{country: DE, subdivision: BE}")
    assert edges(office, "2026-12-25", 1) == []
    assert edges(office, "2026-03-08", 1) == []
    assert len(edges(office, "2026-11-25", 1)) == 2


def test_norway_is_a_country() -> None:
    assert edges(schedule("[{begintime: 08:00, endtime: 19:00}]", holidays="{country: NO}"), "2026-05-17", 1) == []


def test_override_holds_at_all_times_and_has_no_edges() -> None:
    off = schedule("[{begintime: 08:00, endtime: 19:00}]", override_status="stopped")
    assert states(off, "2026-11-25T12:00") == ["stopped"]
    assert edges(off, "2026-11-25", 30) == []


def test_time_that_does_not_exist_happens_at_the_shift() -> None:
    assert edges(schedule("[{begintime: 02:30, endtime: 05:00}]"), "2026-03-29", 1) == ["Sun 29 03:00 resume", "Sun 29 05:00 pause"]


def test_period_within_the_skipped_hour_is_no_edge_at_all() -> None:
    assert edges(schedule("[{begintime: 02:15, endtime: 02:45}]"), "2026-03-29", 1) == []


def test_time_that_exists_twice_happens_the_first_time() -> None:
    shifted = schedule("[{begintime: 02:15, endtime: 02:45}]")
    first = datetime(2026, 10, 25, 0, 15, tzinfo=UTC)
    assert [edge.moment for edge in shifted.edges(first - timedelta(hours=6), first + timedelta(hours=6))] == [
        first,
        first + timedelta(minutes=30),
    ]
    assert shifted.state_at(first + timedelta(minutes=70)) == "stopped"


def test_two_moments_of_an_hour_that_comes_twice_are_told_apart() -> None:
    """Python itself takes them for equal where they are given in the zone, and forgets which one is meant when it reckons with them."""
    night = schedule("[{begintime: 02:30, endtime: 05:00}]")
    first, second = (datetime(2026, 10, 25, 2, 15, tzinfo=night.zone, fold=fold) for fold in (0, 1))
    assert first == second
    begin = Edge(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "resume")
    assert [night.outlook(moment).state for moment in (first, second)] == ["stopped", "running"]
    assert [night.next_edge(moment) for moment in (first, second)] == [begin, Edge(datetime(2026, 10, 25, 4, tzinfo=UTC), "pause")]
    assert night.last_edge(second) == begin


def test_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="must say its time zone"):
        schedule("[{weekdays: mon}]").state_at(datetime(2026, 11, 25))  # noqa: DTZ001 - what is tested


def test_custodian_tag_runs_from_on_to_off() -> None:
    tagged = schedule_from_tag("off=u28M-Fu2c19u29u3bon=u28M-Fu2c7u29u3btz=cet")
    assert tagged.timezone == "Europe/Berlin"
    assert edges(tagged, "2026-11-27", 4) == ["Fri 27 07:00 resume", "Fri 27 19:00 pause", "Mon 30 07:00 resume", "Mon 30 19:00 pause"]
    assert tagged.state_at(datetime(2026, 11, 29, 12, tzinfo=ZoneInfo("Europe/Berlin"))) == "stopped"


def test_last_and_next_edge_are_found_years_away() -> None:
    leap = schedule("[{months: feb, monthdays: 29}]", timezone="UTC")
    now = datetime(2097, 1, 1, tzinfo=UTC)
    last, following = leap.last_edge(now), leap.next_edge(now)
    assert last is not None
    assert following is not None
    assert (last.moment.date().isoformat(), following.moment.date().isoformat()) == ("2096-03-01", "2104-02-29")
