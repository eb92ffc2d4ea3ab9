"""Both sides of `make bench-schedules` decide the same: what is compared is the same work."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.bench.schedules.fleet import fleet, schedule_tags
from tests.bench.schedules.sides import CUSTODIAN_PYTHON, Side, both_sides, disagreements, hours, other_readings

SIZE = 50
pytestmark = pytest.mark.skipif(not CUSTODIAN_PYTHON.exists(), reason="Cloud Custodian is not installed: `make custodian` installs it")


@pytest.fixture(scope="module")
def sides() -> Iterator[tuple[Side, Side]]:
    with both_sides(SIZE) as started:
        yield started


def test_same_clusters_are_paused_and_resumed_in_every_hour_around_clock_changes(sides: tuple[Side, Side]) -> None:
    assert disagreements(*sides, SIZE, hours(days=2)) == []


def test_some_clusters_are_to_be_paused_and_some_to_be_resumed(sides: tuple[Side, Side]) -> None:
    ours, _ = sides
    evening = ours.decide(SIZE, datetime(2026, 11, 25, 17, 0, 7, tzinfo=UTC))
    morning = ours.decide(SIZE, datetime(2026, 11, 25, 7, 0, 7, tzinfo=UTC))
    assert evening.pause
    assert morning.resume


def test_difference_would_be_noticed(sides: tuple[Side, Side]) -> None:
    """Were the one side given another clock, hours would differ."""
    ours, theirs = sides

    class Late(Side):
        def __init__(self) -> None:
            super().__init__(theirs._process)

        def ask(self, **command: object) -> object:
            return theirs.ask(**{**command, "now": str(command["now"]).replace("T17:", "T18:")})

    assert disagreements(ours, Late(), SIZE, iter([datetime(2026, 11, 25, 17, 0, 7, tzinfo=UTC)])) != []


def test_tags_are_read_as_cloud_custodian_reads_them(sides: tuple[Side, Side]) -> None:
    assert other_readings(*sides, 2_000) == []


def test_fleet_follows_fifty_schedules() -> None:
    assert len(set(schedule_tags())) == 50
    assert len({tag["Value"] for cluster in fleet(100) for tag in cluster["Tags"] if tag["Key"] == "autopilot:schedule"}) == 50
