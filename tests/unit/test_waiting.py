"""How an observation is judged: reached, still pending, or no longer possible."""

from __future__ import annotations

from typing import Any

import pytest

from autopilot.domain.waiting import Verdict, judge_snapshot, judge_warehouse
from autopilot.domain.warehouse import primary_status
from tests.unit.builders import cluster

STUCK = ["hardware-failure", "incompatible-hsm", "incompatible-network", "incompatible-parameters", "incompatible-restore", "storage-full"]
OUTCOMES: dict[str, dict[str, list[str]]] = {
    "available": {
        "reached": ["available", "available, prep-for-resize", "Available"],
        "pending": ["creating", "resuming", "modifying", "rebooting", "resizing", "rotating-keys"],
        "impossible": [*STUCK, "deleting", "final-snapshot", "paused", "pausing"],
    },
    "paused": {
        "reached": ["paused"],
        "pending": ["available", "pausing", "modifying"],
        "impossible": [*STUCK, "deleting", "final-snapshot", "resuming"],
    },
    "deleted": {"reached": [], "pending": ["deleting", "final-snapshot", "available", *STUCK], "impossible": []},
}
CASES = [(goal, status, outcome) for goal, by in OUTCOMES.items() for outcome, statuses in by.items() for status in statuses]


@pytest.mark.parametrize(("goal", "status", "outcome"), CASES)
def test_state_is_judged_for_each_goal(goal: Any, status: str, outcome: str) -> None:
    assert judge_warehouse(goal, "analytics", cluster(status), first_look=False).outcome == outcome


@pytest.mark.parametrize(
    ("goal", "verdict"),
    [
        ("available", Verdict("impossible", "analytics no longer exists")),
        ("paused", Verdict("impossible", "analytics no longer exists")),
        ("deleted", Verdict("reached", "analytics is deleted")),
    ],
)
def test_warehouse_that_is_gone_is_judged_for_each_goal(goal: Any, verdict: Verdict) -> None:
    assert judge_warehouse(goal, "analytics", None, first_look=False) == verdict


@pytest.mark.parametrize(
    ("goal", "verdict"),
    [
        ("available", Verdict("pending", "analytics is not visible yet")),
        ("paused", Verdict("impossible", "analytics no longer exists")),
        ("deleted", Verdict("reached", "analytics is deleted")),
    ],
)
def test_only_what_is_being_made_may_be_invisible_at_first(goal: Any, verdict: Verdict) -> None:
    assert judge_warehouse(goal, "analytics", None, first_look=True) == verdict


def test_first_look_believes_what_it_sees() -> None:
    assert judge_warehouse("available", "analytics", cluster("paused"), first_look=True).outcome == "impossible"


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("available", Verdict("reached", "snapshot before is available")),
        ("creating", Verdict("pending", "snapshot before is creating")),
        ("final snapshot", Verdict("pending", "snapshot before is final snapshot")),
        ("failed", Verdict("impossible", "snapshot before failed")),
        (None, Verdict("impossible", "snapshot before no longer exists")),
    ],
)
def test_snapshot_is_judged_by_its_status(status: str | None, verdict: Verdict) -> None:
    assert judge_snapshot("before", status) == verdict


@pytest.mark.parametrize("compound", ["available, prep-for-resize", "available , x", " Available"])
def test_first_word_of_a_compound_status_counts(compound: str) -> None:
    assert primary_status(compound) == "available"
