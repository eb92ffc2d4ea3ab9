"""Hours that were really paused, and what they were worth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopilot.domain.savings import (
    Entry,
    Fleet,
    Pause,
    Reservation,
    covered_nodes,
    hour_of,
    microseconds,
    pauses,
    reserved_rates,
    saved,
    within,
)
from tests.unit.months import paused, utc

NOW = utc(31)
PRICES = {"ra3.xlplus": Decimal("1.086")}


def entry(action: str, outcome: str, begun: datetime, ended: datetime | None = None, before: str = "available") -> Entry:
    return Entry(action=action, outcome=outcome, started_at=begun, ended_at=ended, status_before=before, node_type="ra3.xlplus", nodes=2)


def stands(entries: list[Entry], status: str = "available", ran: Any = None) -> list[tuple[datetime, datetime]]:
    found, _ = pauses(entries, now=NOW, status=status, ran=ran)
    return [(one.start, one.end) for one in found]


def test_pause_counts_from_its_end_to_the_beginning_of_the_resume() -> None:
    entries = [entry("pause", "done", utc(1, 20), utc(1, 20.25)), entry("resume", "done", utc(2, 6), utc(2, 6.5), "paused")]
    assert stands(entries) == [(utc(1, 20.25), utc(2, 6))]


@pytest.mark.parametrize("outcome", ["started", "skipped", "failed"])
def test_pause_that_did_not_happen_saves_nothing(outcome: str) -> None:
    assert stands([entry("pause", outcome, utc(1, 20), None if outcome == "started" else utc(1, 21))]) == []


def test_pause_without_a_resume_lasts_until_now_while_the_cluster_is_paused() -> None:
    assert stands([entry("pause", "done", utc(1), utc(1, 1))], status="paused") == [(utc(1, 1), NOW)]


def test_pause_that_somebody_ended_by_hand_is_not_guessed() -> None:
    found, doubts = pauses([entry("pause", "done", utc(1), utc(1, 1))], now=NOW, status="available", ran=None)
    assert found == []
    assert doubts == ["the pause of 2026-10-01 01:00 UTC was ended outside of Autopilot and no metric says when; it is not counted"]


def test_pause_that_somebody_ended_by_hand_counts_up_to_the_first_hour_with_metrics() -> None:
    ran = {hour_of(utc(1, 0)), *range(hour_of(utc(3, 7)), hour_of(NOW))}
    assert stands([entry("pause", "done", utc(1), utc(1, 0.5))], ran=ran) == [(utc(1, 0.5), utc(3, 7))]


def test_hour_that_begins_as_the_pause_does_shows_a_resume_by_hand() -> None:
    entries = [entry("pause", "done", utc(1, 19), utc(1, 20)), entry("resume", "done", utc(2), utc(2, 1), "paused")]
    assert stands(entries, ran={hour_of(utc(1, 20))}) == []
    # An hour that a pause or a resume cuts in two has data of its other part.
    cut = [entry("pause", "done", utc(1, 19), utc(1, 19.5)), entry("resume", "done", utc(2, 0.5), utc(2, 1), "paused")]
    assert stands(cut, ran={hour_of(utc(1, 19)), hour_of(utc(2))}) == [(utc(1, 19.5), utc(2, 0.5))]


def test_second_pause_shows_that_somebody_resumed_in_between() -> None:
    entries = [
        entry("pause", "done", utc(1), utc(1, 1)),
        entry("pause", "done", utc(5, 19), utc(5, 20)),
        entry("resume", "done", utc(6), utc(6, 1), "paused"),
    ]
    assert stands(entries) == [(utc(5, 20), utc(6))]
    ran = range(hour_of(utc(2)), hour_of(utc(5, 20)))
    assert stands(entries, ran=ran) == [(utc(1, 1), utc(2)), (utc(5, 20), utc(6))]


def test_pause_that_ran_into_somebody_elses_counts_once() -> None:
    entries = [
        entry("pause", "done", utc(1), utc(1, 1)),
        entry("pause", "done", utc(1, 0.5), utc(1, 1.5), "pausing"),
        entry("resume", "done", utc(2), utc(2, 1), "paused"),
    ]
    assert stands(entries) == [(utc(1, 1), utc(2))]


def test_failed_resume_ends_a_pause_unless_the_cluster_was_seen_paused_afterwards() -> None:
    begun = [entry("pause", "done", utc(1), utc(1, 1)), entry("resume", "failed", utc(2), utc(2, 1), "paused")]
    assert stands(begun) == [(utc(1, 1), utc(2))]
    assert stands(begun, status="paused") == [(utc(1, 1), NOW)]
    assert stands([*begun, entry("resume", "done", utc(3), utc(3, 1), "paused")]) == [(utc(1, 1), utc(3))]


def test_deletion_ends_a_pause() -> None:
    assert stands([entry("pause", "done", utc(1), utc(1, 1)), entry("delete", "done", utc(2), utc(2, 1), "paused")]) == [
        (utc(1, 1), utc(2))
    ]


def test_what_was_paused_is_priced_as_it_was_before_the_pause() -> None:
    found, _ = pauses(paused(utc(1), utc(1, 10), node_type="ra3.xlplus", nodes=4), now=NOW, status="available", ran=None)
    figure = saved(found, PRICES, 0, {}, "USD")
    # 10 h x 4 x 1.086
    assert (str(figure.paused_hours), str(figure.amount), figure.reserved_amount) == ("10.0000", "43.44", None)
    assert figure.arithmetic == "10.00 h x 4 x ra3.xlplus at 1.086 USD = 43.44 USD"


def test_pause_that_somebody_else_began_is_priced_by_what_was_seen_before_it() -> None:
    # While it is pausing AWS describes a cluster of four nodes as one.
    joined = Entry(
        action="pause",
        outcome="done",
        started_at=utc(3),
        ended_at=utc(3, 1),
        status_before="pausing",
        node_type="ra3.xlplus",
        nodes=1,
    )
    before = paused(utc(1), utc(1, 10), node_type="ra3.xlplus", nodes=4)
    found, _ = pauses([*before, joined], now=utc(3, 11), status="paused", ran=None)
    assert [one.nodes for one in found] == [4, 4]
    unknown, _ = pauses([joined], now=utc(3, 11), status="paused", ran=None)
    assert saved(unknown, PRICES, 0, {}, "USD").amount is None


def test_reserved_nodes_are_billed_all_the_same() -> None:
    found = [Pause(start=utc(1), end=utc(1, 10), node_type="ra3.xlplus", nodes=4)]
    figure = saved(found, PRICES, 3, {"ra3.xlplus": Decimal("0.7")}, "USD")
    # 10 h x 1 x 1.086 saved; 10 h x 3 x 0.7 paid for nothing
    assert (str(figure.amount), str(figure.reserved_amount)) == ("10.86", "21.00")
    assert "3 reserved nodes are billed all the same, at 0.7000 USD" in figure.arithmetic


def test_half_a_cent_out_of_thirds_of_an_hour_is_exact() -> None:
    # 20 minutes are a third of an hour: 1/3 h x 3 x 0.005 = 0.005, which is rounded up and not lost in a third of 28 digits
    found = [Pause(start=utc(1), end=utc(1) + timedelta(minutes=20), node_type="ra3.xlplus", nodes=3)]
    assert str(saved(found, {"ra3.xlplus": Decimal("0.005")}, 0, {}, "USD").amount) == "0.01"


@pytest.mark.parametrize(("node_type", "nodes"), [("ra3.new", 2), ("", 2), ("ra3.xlplus", 0)])
def test_size_without_a_price_gives_hours_and_no_money(node_type: str, nodes: int) -> None:
    figure = saved([Pause(start=utc(1), end=utc(2), node_type=node_type, nodes=nodes)], PRICES, 0, {}, "USD")
    assert (str(figure.paused_hours), figure.amount) == ("24.0000", None)
    assert "no price is known" in figure.arithmetic


def test_reservations_are_used_up_by_clusters_that_never_pause() -> None:
    reservations = [Reservation(node_type="ra3.xlplus", nodes=5, hourly=Decimal("0.7"))]
    fleet = [
        Fleet(name="a", node_type="ra3.xlplus", nodes=4, paused=True),
        Fleet(name="b", node_type="ra3.xlplus", nodes=3, paused=False),
        Fleet(name="c", node_type="ra3.large", nodes=2, paused=True),
    ]
    assert covered_nodes(fleet, reservations) == {"b": 3, "a": 2, "c": 0}


def test_rate_of_reserved_nodes_is_the_average_over_the_reservations() -> None:
    given_ = [
        Reservation(node_type="ra3.xlplus", nodes=1, hourly=Decimal("0.8")),
        Reservation(node_type="ra3.xlplus", nodes=3, hourly=Decimal("0.6")),
    ]
    # (0.8 + 3 x 0.6) / 4
    assert reserved_rates(given_) == {"ra3.xlplus": Decimal("0.65")}


# --- whatever the ledger says ------------------------------------------------------------------------------------------

START, END = utc(1), utc(29)
moments = st.integers(-10 * 24 * 3600, 40 * 24 * 3600).map(lambda seconds: START + timedelta(seconds=seconds))
statuses = st.sampled_from(["available", "paused", "pausing", "resuming", "modifying", ""])


@st.composite
def ledgers(draw: st.DrawFn) -> list[Entry]:
    entries = []
    for begun in draw(st.lists(moments, max_size=12)):
        outcome = draw(st.sampled_from(["started", "done", "skipped", "failed"]))
        ended = None if outcome == "started" else begun + timedelta(seconds=draw(st.integers(0, 100_000)))
        action = draw(st.sampled_from(["pause", "pause", "resume", "delete", "resize"]))
        entries.append(entry(action, outcome, begun, ended, draw(statuses)))
    return entries


hours_seen = st.none() | st.sets(st.integers(hour_of(START), hour_of(END)), max_size=40)


@given(ledgers(), statuses, hours_seen)
def test_saved_hours_are_never_negative_and_never_more_than_the_period(entries: list[Entry], status: str, ran: set[int] | None) -> None:
    found, _ = pauses(entries, now=NOW, status=status, ran=ran)
    cut = within(found, START, END)
    assert 0 <= microseconds(cut) <= (END - START) // timedelta(microseconds=1)
    assert all(before.end <= after.start for before, after in pairwise(found))
    figure = saved(cut, PRICES, 0, {}, "USD")
    assert figure.amount is not None
    assert 0 <= figure.amount <= Decimal(28 * 24 * 2) * PRICES["ra3.xlplus"]


@given(ledgers(), statuses, hours_seen, moments)
def test_saved_hours_are_the_same_however_the_period_is_split(
    entries: list[Entry], status: str, ran: set[int] | None, middle: datetime
) -> None:
    found, _ = pauses(entries, now=NOW, status=status, ran=ran)
    cut = min(max(middle, START), END)
    parts = microseconds(within(found, START, cut)) + microseconds(within(found, cut, END))
    assert parts == microseconds(within(found, START, END))


@given(ledgers(), statuses, st.sets(st.integers(hour_of(START), hour_of(END)), min_size=1, max_size=40))
def test_no_hour_that_is_seen_to_have_run_is_counted_as_paused(entries: list[Entry], status: str, ran: set[int]) -> None:
    found, _ = pauses(entries, now=NOW, status=status, ran=ran)
    for hour in ran:
        begun = datetime.fromtimestamp(hour * 3600, UTC)
        assert microseconds(within(found, begun, begun + timedelta(hours=1))) < 3_600_000_000
