"""What a handler takes on top of the AWS calls it makes, once it is warm: beside a handler that makes the same calls by hand."""

from __future__ import annotations

import random
import statistics

from tests.bench.lambda_runtime import RuntimeApi
from tests.bench.programs import RUN_STATEMENT, Programs

_INVOCATIONS = 60
#: The first answers after the very first one still import and connect.
_SKIPPED = 5


def measure(api: RuntimeApi, programs: Programs, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Milliseconds of a warm invocation of ours and of the same calls by hand, one figure a round: what nine in ten take longer than.

    The slower ones tell what else the machine does: an invocation takes a few milliseconds, and waits as long for a processor.
    """
    pairs = {
        "wait": {"ours": programs.ours("wait"), "by hand": programs.by_hand("wait")},
        "run_sql, submitting": {"ours": programs.ours("run_sql", RUN_STATEMENT), "by hand": programs.by_hand("run_sql")},
    }
    found: dict[str, dict[str, list[float]]] = {name: {side: [] for side in sides} for name, sides in pairs.items()}
    runs = [(name, side, program) for name, sides in pairs.items() for side, program in sides.items()]
    for _ in range(rounds):
        random.shuffle(runs)
        for name, side, program in runs:
            later_ms = api.run(program, _INVOCATIONS + _SKIPPED).later_ms
            found[name][side].append(statistics.quantiles(later_ms[_SKIPPED:], n=10)[0])
    return found
