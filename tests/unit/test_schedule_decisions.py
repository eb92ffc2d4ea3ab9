"""What a schedule means for a warehouse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from autopilot.domain.decisions import decide
from autopilot.domain.schedules import Edge, parse_schedules

OFFICE = parse_schedules("schedules: {office: {periods: [{weekdays: mon-fri, begintime: 08:00, endtime: 19:00}], warm_up_minutes: 15}}")[
    "office"
]
WEDNESDAY = datetime(2026, 11, 25, tzinfo=UTC)
MORNING, EVENING = WEDNESDAY + timedelta(hours=8), WEDNESDAY + timedelta(hours=19)


def at(hour: int, minute: int = 0) -> datetime:
    return WEDNESDAY + timedelta(hours=hour, minutes=minute)


def test_edge_is_applied_once() -> None:
    last = Edge(MORNING, "resume")
    first = decide(OFFICE, {}, "available", last, at(19, 20))
    assert (first.action, first.settles) == ("pause", Edge(EVENING, "pause"))
    assert first.reason == "schedule office says stopped from 2026-11-25T19:00+00:00"
    again = decide(OFFICE, {}, "available", first.settles, at(20))
    assert (again.action, again.settles) == ("nothing", None)


def test_resume_starts_early_enough_to_be_ready_at_the_hour() -> None:
    last = Edge(EVENING - timedelta(days=1), "pause")
    assert decide(OFFICE, {}, "paused", last, at(7, 44)).action == "nothing"
    early = decide(OFFICE, {}, "paused", last, at(7, 45))
    assert (early.action, early.settles, early.next_edge) == ("resume", Edge(MORNING, "resume"), Edge(EVENING, "pause"))
    assert decide(OFFICE, {}, "paused", early.settles, at(8)).action == "nothing"


def test_hold_expires_and_the_schedule_goes_on() -> None:
    hold = {"autopilot:hold": "running", "autopilot:hold-until": "2026-11-25T21:00:00Z"}
    last = Edge(MORNING, "resume")
    held = decide(OFFICE, hold, "available", last, at(19))
    assert (held.action, held.settles, held.next_edge) == ("nothing", None, Edge(at(21), "pause"))
    assert decide(OFFICE, hold, "available", last, at(21)).action == "pause"
