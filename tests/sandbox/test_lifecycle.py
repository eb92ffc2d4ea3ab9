from __future__ import annotations

import threading

import pytest

from sandbox.kernel import Clock
from sandbox.redshift.lifecycle import Timeline
from tests.sandbox.fakes import PATIENCE_SECONDS, HandClock


def test_nothing_happens_before_it_is_due_and_everything_due_happens_once_in_order() -> None:
    clock, done = HandClock(), []
    timeline = Timeline(clock)
    timeline.after(20, lambda: done.append("second"))
    timeline.after(10, lambda: done.append("first"))
    timeline.after(30, lambda: done.append("third"))
    clock.advance(9)
    timeline.settle()
    assert done == []
    clock.advance(12)
    timeline.settle()
    timeline.settle()
    assert done == ["first", "second"]


def test_a_chain_of_changes_does_not_stretch_when_nobody_looks() -> None:
    clock, done = HandClock(), []
    timeline = Timeline(clock)
    timeline.after(10, lambda: timeline.after(10, lambda: timeline.after(10, lambda: done.append("end"))))
    clock.advance(31)
    timeline.settle()
    assert done == ["end"]


def test_a_broken_change_is_reported_and_does_not_stop_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    clock, done = HandClock(), []
    timeline = Timeline(clock)
    timeline.after(1, lambda: done.append(str(1 / 0)))
    timeline.after(2, lambda: done.append("next"))
    clock.advance(3)
    timeline.settle()
    assert done == ["next"]
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_cleared_timeline_forgets_everything() -> None:
    clock, done = HandClock(), []
    timeline = Timeline(clock)
    timeline.after(1, lambda: done.append("never"))
    timeline.clear()
    clock.advance(2)
    timeline.settle()
    assert done == []


def test_changes_happen_on_time_when_nobody_looks() -> None:
    timeline, happened = Timeline(Clock(scale=1000)), threading.Event()
    timeline.after(50, happened.set)
    assert happened.wait(PATIENCE_SECONDS)
    timeline.close()


class AskedClock(Clock):
    """A clock that says when somebody wants to know how long to wait."""

    def __init__(self) -> None:
        super().__init__(scale=0.001)
        self.asked = threading.Event()

    def real_delay(self, life_cycle_seconds: float) -> float:
        self.asked.set()
        return super().real_delay(life_cycle_seconds)


def test_a_faster_clock_brings_waiting_changes_forward() -> None:
    clock, happened = AskedClock(), threading.Event()
    timeline = Timeline(clock)
    timeline.after(100, happened.set)  # more than a day at this scale
    assert clock.asked.wait(PATIENCE_SECONDS)
    with timeline._condition:  # free only when the timer thread has gone to sleep
        clock.scale = 100_000
    assert happened.wait(PATIENCE_SECONDS)
    timeline.close()


def test_one_thread_serves_all_changes() -> None:
    timeline = Timeline(Clock(scale=0.001))
    before = threading.active_count()
    for _ in range(50):
        timeline.after(100, lambda: None)
    assert threading.active_count() <= before + 1
    timeline.close()


def test_a_second_look_waits_for_the_change_that_is_under_way() -> None:
    clock, started, go_on, seen = HandClock(), threading.Event(), threading.Event(), []
    timeline = Timeline(clock)

    def change() -> None:
        started.set()
        assert go_on.wait(PATIENCE_SECONDS)
        seen.append("changed")

    def look() -> None:
        timeline.settle()
        seen.append("looked")

    timeline.after(1, change)
    clock.advance(2)
    first = threading.Thread(target=timeline.settle)
    first.start()
    assert started.wait(PATIENCE_SECONDS)
    second = threading.Thread(target=look)
    second.start()
    go_on.set()
    first.join(PATIENCE_SECONDS)
    second.join(PATIENCE_SECONDS)
    assert seen == ["changed", "looked"]
