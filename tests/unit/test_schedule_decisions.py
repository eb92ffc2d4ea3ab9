"""What a schedule means for a warehouse: the whole table in `schedule_decisions.txt`, and what happens from one decision to the next."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autopilot.domain.decisions import decide
from autopilot.domain.schedule_decisions import Decision
from autopilot.domain.schedules import Edge, Schedule, parse_schedules, schedule_from_tag
from tests.unit.schedule_samples import any_periods, parsed

PERIODS = "[{weekdays: mon-fri, begintime: 08:00, endtime: 19:00}, {weekdays: sat, begintime: 10:00}]"
WEDNESDAY = datetime(2026, 11, 25, tzinfo=UTC)
HELD_UNTIL = "2026-12-01T00:00:00Z"
#: Source: Redshift management guide, "Tagging resources": what a tag's value may hold.
TAG_VALUE = re.compile(r"[\w .:/=+\-@]{1,256}", re.ASCII)


def at(hour: int, minute: int = 0, day: int = 0) -> datetime:
    """So many days after Wednesday."""
    return WEDNESDAY + timedelta(days=day, hours=hour, minutes=minute)


def office(**fields: str) -> Schedule:
    lines = "".join(f"    {name}: {value}\n" for name, value in fields.items())
    return parse_schedules(f"schedules:\n  office:\n{lines}    periods: {PERIODS}\n")["office"]


# --- The table ---------------------------------------------------------------------------------------------------------

VALUES = {
    "state": ("running", "stopped", "any"),
    "hold": ("none", "running", "stopped", "over"),
    "edge": ("new", "applied"),
    "observed": ("available", "paused"),
    "busy": ("no", "yes"),
    "enforced": ("no", "yes"),
    "when_busy": ("wait", "skip", "force"),
}
NOW = {"running": at(12), "stopped": at(20), "any": at(9, day=3)}
#: The edge before now, and the one before that.
EDGES = {
    "running": (Edge(at(8), "resume"), Edge(at(19, day=-1), "pause")),
    "stopped": (Edge(at(19), "pause"), Edge(at(8), "resume")),
    "any": (Edge(at(19, day=2), "pause"), Edge(at(8, day=2), "resume")),
}
HOLDS: dict[str, dict[str, str]] = {
    "none": {},
    "running": {"autopilot:hold": "running", "autopilot:hold-until": HELD_UNTIL},
    "stopped": {"autopilot:hold": "stopped", "autopilot:hold-until": HELD_UNTIL},
    "over": {"autopilot:hold": "running", "autopilot:hold-until": "2026-11-25T12:00:00Z"},
}


class Row(NamedTuple):
    situation: dict[str, tuple[str, ...]]
    action: str
    settles: str
    reason: str


def read_table() -> list[Row]:
    lines = (Path(__file__).parent / "schedule_decisions.txt").read_text(encoding="utf-8").splitlines()
    rows = []
    for line in lines:
        if line and not line.startswith("#"):
            left, right = line.split(" | ")
            cells = dict(zip(VALUES, left.split(), strict=True))
            situation = {name: VALUES[name] if cell == "-" else tuple(cell.split("/")) for name, cell in cells.items()}
            rows.append(Row(situation, *right.strip().split(maxsplit=2)))
    return rows


TABLE = read_table()
SITUATIONS = [dict(zip(VALUES, values, strict=True)) for values in product(*VALUES.values())]


def rows_for(situation: dict[str, str]) -> list[Row]:
    return [row for row in TABLE if all(value in row.situation[name] for name, value in situation.items())]


def decided(situation: dict[str, str]) -> Decision:
    last, before = EDGES[situation["state"]]
    return decide(
        office(enforced={"no": "false", "yes": "true"}[situation["enforced"]], when_busy=situation["when_busy"]),
        {"autopilot:schedule": "office", **HOLDS[situation["hold"]]},
        situation["observed"],
        last if situation["edge"] == "applied" else before,
        NOW[situation["state"]],
        busy=situation["busy"] == "yes",
    )


def test_table_has_one_row_for_every_situation_and_needs_every_row() -> None:
    assert len(SITUATIONS) == 576
    matching = [rows_for(situation) for situation in SITUATIONS]
    assert [situation for situation, rows in zip(SITUATIONS, matching, strict=True) if len(rows) != 1] == []
    assert all(any(rows[0] is row for rows in matching) for row in TABLE)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.reason[:60]}")
def test_decision_is_what_the_table_says(row: Row) -> None:
    for situation in SITUATIONS:
        if rows_for(situation) == [row]:
            now, action = NOW[situation["state"]], {"running": "resume", "stopped": "pause"}.get(situation["hold"])
            settles = {"none": None, "schedule": EDGES[situation["state"]][0], "now": Edge(now, action or "none")}[row.settles]  # type: ignore[arg-type]
            decision = decided(situation)
            assert (decision.action, decision.settles, decision.reason) == (row.action, settles, row.reason), situation


def test_reasons_of_the_table_fit_into_a_tag() -> None:
    assert [row.reason for row in TABLE if not TAG_VALUE.fullmatch(row.reason)] == []


# --- One decision after another ----------------------------------------------------------------------------------------


def follow(schedule: Schedule, start: datetime, steps: int, every: timedelta, **given_tags: str) -> list[tuple[datetime, str]]:
    """What is done when every decision is carried out at once, from a running warehouse that was never decided about."""
    observed, last = "available", None
    done: list[tuple[datetime, str]] = []
    for step in range(steps):
        now = start + every * step
        decision = decide(schedule, {key.replace("_", "-"): value for key, value in given_tags.items()}, observed, last, now)
        if decision.action != "nothing":
            done.append((now, decision.action))
            observed = {"pause": "paused", "resume": "available"}[decision.action]
        last = decision.settles or last
    return done


def test_edge_is_applied_once() -> None:
    first = decide(office(), {}, "available", Edge(at(8), "resume"), at(19, 20))
    assert (first.action, first.settles, first.next_edge) == ("pause", Edge(at(19), "pause"), Edge(at(8, day=1), "resume"))
    again = decide(office(), {}, "available", first.settles, at(20))
    assert (again.action, again.settles) == ("nothing", None)


def test_edge_that_was_missed_is_healed_if_its_state_still_holds() -> None:
    last = Edge(at(8), "resume")
    assert decide(office(), {}, "available", last, at(3, day=1)).action == "pause"
    assert decide(office(), {}, "available", last, at(9, day=1)).action == "nothing"


def test_warehouse_that_was_never_decided_about_follows_the_schedule_at_once() -> None:
    assert decide(office(), {}, "available", None, at(20)).action == "pause"
    assert decide(office(), {}, "paused", None, at(12)).action == "resume"


def test_resume_starts_early_enough_to_be_ready_at_the_hour() -> None:
    early, last = office(warm_up_minutes="15"), Edge(at(19, day=-1), "pause")
    assert decide(early, {}, "paused", last, at(7, 44)).action == "nothing"
    decision = decide(early, {}, "paused", last, at(7, 45))
    assert (decision.action, decision.settles, decision.next_edge) == ("resume", Edge(at(8), "resume"), Edge(at(19), "pause"))
    assert decide(early, {}, "paused", decision.settles, at(8)).action == "nothing"


def test_warm_up_that_was_learnt_counts_where_the_schedule_says_auto() -> None:
    last = Edge(at(19, day=-1), "pause")
    assert decide(office(warm_up_minutes="auto"), {}, "paused", last, at(7, 35), warm_up_minutes=25).action == "resume"
    assert decide(office(warm_up_minutes="auto"), {}, "paused", last, at(7, 34), warm_up_minutes=25).action == "nothing"
    assert decide(office(warm_up_minutes="5"), {}, "paused", last, at(7, 35), warm_up_minutes=25).action == "nothing"


def test_entry_that_fires_in_the_hour_that_comes_twice_resumes() -> None:
    """Its entry says 02:50 in Berlin, which comes twice that day: more than an hour before the edge, and once more 15 minutes before it."""
    early = parsed({"timezone": "Europe/Berlin", "warm_up_minutes": "15", "periods": [{"begintime": "03:05", "endtime": "07:00"}]})
    last = Edge(datetime(2026, 10, 24, 5, tzinfo=UTC), "pause")
    for moment in (datetime(2026, 10, 25, 0, 50, tzinfo=UTC), datetime(2026, 10, 25, 1, 50, tzinfo=UTC)):
        assert decide(early, {}, "paused", last, moment).settles == Edge(datetime(2026, 10, 25, 2, 5, tzinfo=UTC), "resume")
    assert decide(early, {}, "paused", last, datetime(2026, 10, 25, 0, 49, tzinfo=UTC)).action == "nothing"


def test_decision_in_the_second_pass_of_an_hour_is_not_that_of_the_first() -> None:
    night = parsed({"timezone": "Europe/Berlin", "periods": [{"begintime": "02:30", "endtime": "05:00"}]})
    last = Edge(datetime(2026, 10, 24, 3, tzinfo=UTC), "pause")
    first, second = (datetime(2026, 10, 25, 2, 15, tzinfo=night.zone, fold=fold) for fold in (0, 1))
    assert [decide(night, {}, "paused", last, now).action for now in (first, second)] == ["nothing", "resume"]


def test_stop_shorter_than_the_warm_up_is_none() -> None:
    lunch = parsed(
        {"warm_up_minutes": "15", "periods": [{"begintime": "08:00", "endtime": "12:00"}, {"begintime": "12:10", "endtime": "17:00"}]}
    )
    assert follow(lunch, at(8), 60, timedelta(minutes=10)) == [(at(17), "pause")]


def test_schedule_goes_on_after_a_hold_as_if_nothing_had_been() -> None:
    quarter = timedelta(minutes=15)
    held = {"autopilot:hold": "running", "autopilot:hold_until": at(22, 10).isoformat()}
    assert follow(office(), at(8), 4 * 24, quarter, **held) == [(at(22, 15), "pause")]
    stopped = {"autopilot:hold": "stopped", "autopilot:hold_until": at(14).isoformat()}
    assert follow(office(), at(12), 4 * 8, quarter, **stopped) == [(at(12), "pause"), (at(14), "resume"), (at(19), "pause")]


def test_decision_under_a_hold_says_what_happens_after_it() -> None:
    hold = {"autopilot:hold": "running", "autopilot:hold-until": "2026-11-25T22:00:00+01:00"}
    assert decide(office(), hold, "available", Edge(at(8), "resume"), at(20)).next_edge == Edge(at(21), "pause")
    longer = {**hold, "autopilot:hold-until": "2026-11-26T10:00:00Z"}
    assert decide(office(), longer, "available", Edge(at(8), "resume"), at(20)).next_edge == Edge(at(19, day=1), "pause")
    assert decide(office(), {"autopilot:hold": "running"}, "available", None, at(20)).next_edge is None


def test_schedule_that_was_changed_is_followed_at_once() -> None:
    """The last edge applied was a resume; by the new document it is to be stopped since before that edge."""
    later = parse_schedules("schedules: {office: {periods: [{begintime: 14:00, endtime: 19:00}]}}")["office"]
    decision = decide(later, {}, "available", Edge(at(8), "resume"), at(12))
    assert (decision.action, decision.settles) == ("pause", Edge(at(12), "pause"))
    assert decide(later, {}, "available", decision.settles, at(13)).action == "nothing"
    assert decide(later, {}, "available", decision.settles, at(14)).settles == Edge(at(14), "resume")


def test_override_is_applied_once_and_again_when_it_ends() -> None:
    down, last = office(override_status="stopped"), Edge(at(8), "resume")
    first = decide(down, {}, "available", last, at(12))
    assert (first.action, first.settles, first.next_edge) == ("pause", Edge(at(12), "pause"), None)
    assert first.reason == "schedule office says stopped"
    by_hand = decide(down, {}, "available", first.settles, at(13))
    assert (
        by_hand.reason == "schedule office says stopped: somebody changed it to available. Left alone until its schedule or its tags change"
    )
    assert decide(office(), {}, "paused", first.settles, at(14)).action == "resume"


@settings(max_examples=40)
@given(
    periods=any_periods,
    hours=st.lists(st.integers(1, 60), min_size=2, max_size=12),
    enforced=st.booleans(),
    minutes=st.integers(0, 60),
)
def test_whenever_it_is_looked_at_the_warehouse_ends_up_as_the_schedule_says(
    periods: list[dict[str, Any]], hours: list[int], enforced: bool, minutes: int
) -> None:
    schedule = parsed({"timezone": "Europe/Berlin", "periods": periods, "enforced": str(enforced).lower(), "warm_up_minutes": str(minutes)})
    now, last, observed = datetime(2026, 3, 27, tzinfo=UTC), None, "available"
    for wait in hours:
        now += timedelta(hours=wait)
        decision = decide(schedule, {}, observed, last, now)
        observed = {"pause": "paused", "resume": "available", "nothing": observed}[decision.action]
        wanted = schedule.outlook(now).state
        assert wanted == "any" or observed == {"running": "available", "stopped": "paused"}[wanted]
        last = decision.settles or last
        assert decide(schedule, {}, observed, last, now).action == "nothing"
        assert decide(schedule, {}, observed, last, now).settles is None
        assert TAG_VALUE.fullmatch(decision.reason)


# --- What else may be seen or written --------------------------------------------------------------------------------------


@pytest.mark.parametrize("tags", [{}, {"autopilot:hold": "stopped"}])
def test_ignored_warehouse_is_left_alone_whatever_else_its_tags_say(tags: dict[str, str]) -> None:
    decision = decide(office(), {"autopilot:schedule": "ignore", **tags}, "available", None, at(20))
    assert (decision.action, decision.settles, decision.reason) == ("nothing", None, "left alone: its tag says autopilot:schedule=ignore")


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"autopilot:schedule": "ofice"}, "left alone: no schedule is named ofice"),
        ({"autopilot:schedule": "ofice", "autopilot:hold": "stopped"}, "left alone: no schedule is named ofice"),
        ({}, "left alone: it has no tag autopilot:schedule"),
    ],
)
def test_warehouse_whose_schedule_does_not_exist_is_left_alone(tags: dict[str, str], reason: str) -> None:
    assert decide(None, tags, "available", None, at(20)) == Decision("nothing", reason)


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"autopilot:hold": "paused"}, "left alone: autopilot:hold is neither running nor stopped"),
        (
            {"autopilot:hold": "running", "autopilot:hold-until": "tomorrow"},
            "left alone: autopilot:hold-until is no ISO time with its zone such as 2026-12-24T18:00:00Z",
        ),
        (
            {"autopilot:hold": "running", "autopilot:hold-until": "2026-12-24T18:00:00"},
            "left alone: autopilot:hold-until is no ISO time with its zone such as 2026-12-24T18:00:00Z",
        ),
        ({"autopilot:hold-until": HELD_UNTIL}, f"left alone until {HELD_UNTIL}: autopilot:hold-until without autopilot:hold"),
    ],
)
def test_hold_that_is_not_understood_leaves_the_warehouse_alone(tags: dict[str, str], reason: str) -> None:
    decision = decide(office(), tags, "available", None, at(20))
    assert (decision.action, decision.settles, decision.reason) == ("nothing", None, reason)
    assert TAG_VALUE.fullmatch(decision.reason)


def test_hold_without_an_end_holds_until_its_tag_is_gone() -> None:
    decision = decide(office(), {"autopilot:hold": "running"}, "paused", Edge(at(19), "pause"), at(20))
    assert (decision.action, decision.reason) == ("resume", "held running by its tag")


@pytest.mark.parametrize("status", ["resuming", "modifying", "rebooting", "resizing", "available, prep-for-resize"])
def test_cluster_that_runs_or_will_is_paused_and_needs_no_resume(status: str) -> None:
    assert decide(office(), {}, status, None, at(20)).action == "pause"
    resume = decide(office(), {}, status, None, at(12))
    assert (resume.action, resume.settles) == ("nothing", Edge(at(8), "resume"))


def test_cluster_that_is_pausing_is_resumed_and_needs_no_pause() -> None:
    assert decide(office(), {}, "pausing", None, at(12)).action == "resume"
    assert decide(office(), {}, "pausing", None, at(20)).settles == Edge(at(19), "pause")


@pytest.mark.parametrize("status", ["creating", "deleting", "final-snapshot", "hardware-failure", "incompatible-network", "storage-full"])
def test_cluster_in_any_other_state_is_left_alone_and_looked_at_again(status: str) -> None:
    for hour in (12, 20):
        decision = decide(office(), {}, status, None, at(hour))
        assert (decision.action, decision.settles) == ("nothing", None)
        assert f"it is {status} and can be neither paused nor resumed" in decision.reason


def test_tag_of_custodian_that_says_off_is_never_touched() -> None:
    never = schedule_from_tag("off")
    decision = decide(never, {}, "available", None, at(20))
    assert decision.reason == "schedule off says nothing now. Left alone until its schedule or its tags change"


def test_reason_names_a_custodian_tag_in_the_form_that_redshift_takes() -> None:
    tagged = schedule_from_tag("off=(M-F,19);on=(M-F,7);tz=et")
    decision = decide(tagged, {}, "available", None, at(3))
    assert decision.action == "pause"
    assert decision.reason == "schedule off=u28M-Fu2c19u29u3bon=u28M-Fu2c7u29u3btz=et says stopped from 2026-11-24T19:00-05:00"
    assert TAG_VALUE.fullmatch(decision.reason)


def test_reason_of_a_long_custodian_tag_still_fits_into_a_tag() -> None:
    on, off = (",".join(f"({day},{hour})" for day in "MTWHFSU") for hour in (7, 19))
    tagged = schedule_from_tag(f"off=[{off}];on=[{on}];tz=et")
    reasons = [decide(tagged, {}, "modifying", last, at(12)).reason for last in (None, Edge(at(12), "resume"), Edge(at(12), "pause"))]
    assert [reason for reason in reasons if not TAG_VALUE.fullmatch(reason)] == []
