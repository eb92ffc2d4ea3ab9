"""The arithmetic of the benchmarks: spreads, ratios, and what executions cost."""

from __future__ import annotations

import pytest

from tests.bench.figures import Figure, ratio
from tests.bench.prices import Usage, billed_ms_of_cold_start, loop


def test_figure_is_the_median_with_its_quartiles() -> None:
    assert Figure.of([5, 1, 2, 4, 3]) == Figure(median=3, low=2, high=4, count=5)
    assert Figure.of([7]) == Figure(median=7, low=7, high=7, count=1)


def test_ratio_compares_the_values_of_one_round() -> None:
    assert ratio([1, 20, 300], [2, 40, 600]) == Figure(median=0.5, low=0.5, high=0.5, count=3)
    with pytest.raises(ValueError, match="shorter"):
        ratio([1, 2], [1])


@pytest.mark.parametrize(("seconds", "transitions"), [(1, 5), (30, 5), (31, 8), (300, 32), (900, 92)])
def test_loop_takes_three_transitions_for_each_half_minute(seconds: float, transitions: int) -> None:
    assert loop(seconds) == Usage(transitions=transitions, invocations=0)


def test_waiting_adds_one_retry_for_each_missed_heartbeat() -> None:
    used = Usage(transitions=15, invocations=7, writes=9, reads=4, events=1)
    assert used.waiting(119) == used
    assert used.waiting(300) == Usage(transitions=17, invocations=9, writes=11, reads=4, events=1)


def test_dollars_are_those_of_a_bill_written_by_hand() -> None:
    used = Usage(transitions=1000, invocations=1_000_000, writes=1_000_000, reads=1_000_000, events=1_000_000)
    # 0.025 transitions; 0.20 requests and 500,000 GB-seconds (1 s of half a GB each); 1.25 writes, table and index; 0.125 reads; 1.00 events
    assert used.dollars(billed_ms=1000) == pytest.approx(0.025 + 0.20 + 500_000 * 0.0000133334 + 1.25 + 0.125 + 1.00)


def test_cold_start_takes_longer_with_half_a_gigabytes_share_of_a_processor() -> None:
    assert billed_ms_of_cold_start(100) == pytest.approx(345.5, abs=0.1)
