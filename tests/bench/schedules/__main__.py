"""`make bench-schedules`: decisions a second on one core, ours and Cloud Custodian's, on the same fleet at the same moment."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from tests.bench.schedules.sides import WEEKS, Side, both_sides, disagreements, hours, other_readings

SIZES = (1_000, 10_000, 100_000)
ROUNDS = 5
#: Six in the evening in Berlin, noon in New York: some are to be paused, most are to be left alone.
NOW = datetime(2026, 11, 25, 17, 0, 7, tzinfo=UTC)
LEAST_RATIO = 20
AGREE_SIZE, AGREE_TAGS = 50, 5_000


def main(arguments: Sequence[str]) -> int:
    """Compare first what is decided, then how fast. `arguments`: the number of rounds."""
    rounds = int(arguments[0]) if arguments else ROUNDS
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    with both_sides(SIZES[-1]) as (ours, theirs):
        if not _agree(ours, theirs):
            return 1
        return 0 if _measure(ours, theirs, rounds) else 1


def _agree(ours: Side, theirs: Side) -> bool:
    wrong = disagreements(ours, theirs, AGREE_SIZE, hours()) + other_readings(ours, theirs, AGREE_TAGS)
    print(f"agreement: every hour of {len(WEEKS)} weeks with clock changes, and {AGREE_TAGS} random tags: {len(wrong)} differences")
    for line in wrong[:10]:
        print(f"  {line}")
    return not wrong


def _measure(ours: Side, theirs: Side, rounds: int) -> bool:
    """Print the figures. Whether both decided the same throughout, and ours is as much faster as expected."""
    print(f"\n{'warehouses':>10}  {'Autopilot, decisions/s':^34}  {'Cloud Custodian, decisions/s':^34}  {'ratio':^20}")
    print(
        f"{'':>10}  {'median':>12} {'least':>10} {'most':>10}  {'median':>12} {'least':>10} {'most':>10}  {'median':>6} {'least':>6} {'most':>6}"
    )
    per_decision = {}
    for size in SIZES:
        # One after the other in each round, so that whatever else the machine does meets both.
        pairs = [(ours.decide(size, NOW), theirs.decide(size, NOW)) for _ in range(rounds)]
        if any((mine.pause, mine.resume) != (other.pause, other.resume) for mine, other in pairs):
            print(f"the two decide otherwise about {size:,} warehouses")
            return False
        rates = [[size / answer.seconds for answer in side] for side in zip(*pairs, strict=True)]
        ratios = [mine / other for mine, other in zip(*rates, strict=True)]
        shown = [f"{statistics.median(side):>12,.0f} {min(side):>10,.0f} {max(side):>10,.0f}" for side in rates]
        print(f"{size:>10,}  {'  '.join(shown)}  {statistics.median(ratios):>6.0f} {min(ratios):>6.0f} {max(ratios):>6.0f}")
        per_decision[size] = [1e6 / statistics.median(side) for side in rates]
        found = pairs[0][0]
    print(
        f"\nof {SIZES[-1]:,} warehouses with 50 schedules, {len(found.pause):,} were to be paused and {len(found.resume):,} to be resumed"
    )
    for name, index in (("Autopilot", 0), ("Cloud Custodian", 1)):
        grown = ", ".join(f"{size:,}: {times[index]:.2f} µs" for size, times in per_decision.items())
        print(f"{name}, CPU time a decision: {grown}")
    apart = statistics.median(SIZES[-1] / ours.decide(SIZES[-1], NOW, apart=True).seconds for _ in range(rounds))
    print(f"Autopilot, when each warehouse has a history of its own, so that no decision serves two: {apart:,.0f} decisions/s")
    print(f"expected: {LEAST_RATIO} times as many; found: {statistics.median(ratios):.0f}")
    return bool(statistics.median(ratios) >= LEAST_RATIO)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
