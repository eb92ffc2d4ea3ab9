"""Cold starts: from a new process to its first answer, ours beside what one could write by hand, in interleaved rounds."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.bench.lambda_runtime import Program, RuntimeApi
from tests.bench.programs import RUN_STATEMENT, Programs

LEAST = "least by hand"
ALONE = "runtime alone"
_PROFILES = 5
#: Ours, and the handwritten handler beside which it is judged. Those by hand log nothing, count nothing and check nothing.
PAIRS = (
    ("pause", LEAST),
    ("wait", LEAST),
    ("run_sql", LEAST),
    ("wait", "calls of wait by hand"),
    ("run_sql, submitting", "calls of run_sql by hand"),
)


@dataclass
class Samples:
    """What the rounds gave for one program, in milliseconds."""

    first_ms: list[float] = field(default_factory=list)
    processor_ms: list[float] = field(default_factory=list)


def candidates(programs: Programs) -> dict[str, Program]:
    """Everything that takes part in a round."""
    return {
        ALONE: programs.by_hand("nothing"),
        LEAST: programs.by_hand("least"),
        "pause": programs.ours("pause"),
        "wait": programs.ours("wait"),
        "run_sql": programs.ours("run_sql"),
        "run_sql, submitting": programs.ours("run_sql", RUN_STATEMENT),
        "calls of wait by hand": programs.by_hand("wait"),
        "calls of run_sql by hand": programs.by_hand("run_sql"),
    }


def measure(api: RuntimeApi, programs: Mapping[str, Program], rounds: int) -> dict[str, Samples]:
    """Run every program once a round, in a new order each time; one round before them is thrown away."""
    found = {name: Samples() for name in programs}
    order = list(programs)
    for number in range(rounds + 1):
        random.shuffle(order)
        for name in order:
            run = api.run(programs[name])
            if number:
                found[name].first_ms.append(run.first_ms)
                found[name].processor_ms.append(run.processor_ms)
    return found


def imports(api: RuntimeApi, program: Program) -> dict[str, float]:
    """Milliseconds that the import of each package took by itself until the first answer, the dearest first, in the fastest of some runs.

    Source: `-X importtime`.
    """
    runs = [_by_package(imported(api.run(program, options=("-X", "importtime")).log)) for _ in range(_PROFILES)]
    fastest = min(runs, key=lambda spent: sum(spent.values()))
    return dict(sorted(fastest.items(), key=lambda item: -item[1]))


def _by_package(modules: list[tuple[int, str]]) -> dict[str, float]:
    spent: dict[str, float] = {}
    for microseconds, module in modules:
        package = module.partition(".")[0]
        spent[package] = spent.get(package, 0) + microseconds / 1000
    return spent


def imported(log: str) -> list[tuple[int, str]]:
    """Each imported module in a log of `-X importtime`, with the microseconds that it took by itself."""
    return [(int(line[1]), line[2]) for line in re.finditer(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", log)]
