"""A fleet's names, tags and sums: pure, and the same however often they are asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from autopilot.domain.errors import InvalidInput
from autopilot.domain.fleet import (
    Recorded,
    changed_tags,
    execution_name,
    grouped,
    inline_schedules,
    next_action,
    schedule_of,
    summed_up,
    tag_value,
)
from autopilot.domain.schedules import Edge, parse_schedules
from autopilot.domain.warm_up import learnt_minutes, resume_seconds

EDGE = datetime(2026, 11, 25, 18, 0, tzinfo=UTC)
CUSTODIAN = "off=(M-F,19);on=(M-F,7);tz=utc"


def test_name_of_an_execution_follows_from_warehouse_and_edge() -> None:
    assert execution_name("pause", "analytics", EDGE) == execution_name("pause", "analytics", EDGE)
    others = {
        execution_name("pause", "analytics", EDGE),
        execution_name("resume", "analytics", EDGE),
        execution_name("pause", "analytics", EDGE + timedelta(minutes=1)),
        execution_name("pause", "analytic", EDGE),
        execution_name("pause", "analytics", EDGE, 2),
    }
    assert len(others) == 5


def test_longest_names_stay_different_and_within_what_step_functions_takes() -> None:
    names = {execution_name("resume", "a" * 62 + end, EDGE, 3) for end in "xy"}
    assert len(names) == 2
    assert all(len(name) <= 80 for name in names)


def test_tag_holds_only_what_redshift_takes() -> None:
    assert tag_value("busy: (2 queries), [x]; 'y'") == "busy:  2 queries    x    y"
    assert len(tag_value("x" * 300)) == 256


def test_only_tags_that_differ_are_written() -> None:
    assert changed_tags({"a": "1", "b": "2"}, {"a": "1", "c": "3"}) == {"b": "2"}


def test_next_action_says_when_in_utc() -> None:
    assert next_action(Edge(EDGE, "pause")) == "pause 2026-11-25T18:00Z"
    assert next_action(None) == "none"


def test_tag_names_a_schedule_or_is_one() -> None:
    document = parse_schedules("schedules: {office: {override_status: stopped}}")
    assert schedule_of("office", document) is document["office"]
    found = schedule_of(CUSTODIAN, document)
    assert found
    assert (found.name, found.timezone) == (CUSTODIAN, "Etc/UTC")
    assert schedule_of("unknown", document) is None
    assert schedule_of("ignore", document) is None
    with pytest.raises(InvalidInput):
        schedule_of("off=(nonsense", document)


def test_schedules_in_tags_are_found_once_and_broken_ones_left_out() -> None:
    assert list(inline_schedules([CUSTODIAN, CUSTODIAN, "unknown", "off=(nonsense", "ignore"], {})) == [CUSTODIAN]


def test_reasons_are_summed_up_the_most_frequent_first() -> None:
    found = grouped([("b", "held"), ("c", "busy"), ("a", "held")])
    assert [(one.reason, one.count, one.warehouses) for one in found] == [("held", 2, ["a", "b"]), ("busy", 1, ["c"])]


def test_long_lists_are_told_in_part() -> None:
    failed = [Recorded(warehouse=f"w{n}", key="k", action="pause", outcome="failed", reason="no", follows="s") for n in range(30)]
    summary = summed_up(failed, 31, "all schedules")
    assert "30 failed" in summary.detail
    assert "and 20 more" in summary.detail
    assert (summary.failed, summary.result) == (31, "failed")


@pytest.mark.parametrize(
    ("seconds", "minutes"),
    [
        ([], None),
        ([60.0, 60.0], None),
        ([60.0] * 3, 3),
        ([300.0] * 9 + [3000.0], 6),
        ([300.0] * 8 + [900.0, 3000.0], 16),
        ([86_400.0] * 5, 60),
    ],
)
def test_warm_up_is_what_nine_of_ten_resumes_needed_within_bounds(seconds: list[float], minutes: int | None) -> None:
    assert learnt_minutes(seconds) == minutes


def test_only_resumes_that_worked_say_how_long_resuming_takes() -> None:
    done = {"action": "resume", "outcome": "done", "started_at": "2026-11-25T07:00:00Z", "ended_at": "2026-11-25T07:05:00Z"}
    others = [{**done, "outcome": "failed"}, {**done, "action": "pause"}, {"action": "resume", "outcome": "done"}]
    assert resume_seconds([done, *others]) == [300.0]
