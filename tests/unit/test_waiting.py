"""How an observation is judged: reached, still pending, or no longer possible."""

from __future__ import annotations

from typing import Any

import pytest

from autopilot.domain.waiting import Verdict, judge_resized, judge_snapshot, judge_warehouse
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


@pytest.mark.parametrize(
    ("status", "nodes", "resize", "outcome"),
    [
        ("available", 4, None, "reached"),
        ("available, resize-cleanup", 4, "SUCCEEDED", "reached"),
        ("available", 2, None, "pending"),
        ("available, prep-for-resize", 2, "IN_PROGRESS", "pending"),
        ("resizing", 2, "IN_PROGRESS", "pending"),
        ("available", 2, "FAILED", "impossible"),
        ("resizing", 2, "CANCELLING", "impossible"),
        ("storage-full", 2, "IN_PROGRESS", "impossible"),
        ("deleting", 4, None, "impossible"),
    ],
)
def test_resize_is_over_when_the_cluster_is_available_with_its_new_size(status: str, nodes: int, resize: str | None, outcome: str) -> None:
    assert judge_resized("analytics", cluster(status, nodes=nodes), "4 x ra3.large", resize).outcome == outcome


def test_resize_of_a_cluster_that_is_gone_cannot_end_well() -> None:
    assert judge_resized("analytics", None, "4 x ra3.large", None) == Verdict("impossible", "analytics no longer exists")


@pytest.mark.parametrize(("status", "detail"), [("cancelled", "snapshot before was cancelled"), ("deleted", "snapshot before was deleted")])
def test_snapshot_of_a_namespace_can_end_in_further_ways(status: str, detail: str) -> None:
    assert judge_snapshot("before", status) == Verdict("impossible", detail)
