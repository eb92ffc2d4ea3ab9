"""`make bench`: how fast and how cheap the product is, as tables and as build/bench.json."""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from tests.bench import cold_start, prices, sizes, tables, warm, workflows
from tests.bench.figures import Figure, ratio
from tests.bench.lambda_runtime import RuntimeApi
from tests.bench.programs import Programs, stub
from tests.package.built import ROOT, build

Json = dict[str, Any]
#: For how long a change or a statement is waited for, in the comparison with a loop.
WAITED_SECONDS = (300, 900)
REACTION_ROUNDS = 4


def main() -> None:
    """Measure everything, show it and write it."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("rounds", type=int, nargs="?", default=30, help="interleaved rounds of cold starts (30)")
    parser.add_argument("--without-workflows", action="store_true", help="measure without the local AWS")
    chosen = parser.parse_args()
    console = Console(width=max(120, Console().width))
    report: Json = {"machine": machine(), "load_before": os.getloadavg()}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for name, part in handler_parts(Path(folder), chosen.rounds).items():
            _measure(console, report, name, part)
    if not chosen.without_workflows:
        billed_ms = prices.billed_ms_of_cold_start(report["cold_start"]["programs"]["wait"]["processor_ms"]["median"])
        _measure(console, report, "workflows", lambda: workflow_part(billed_ms))
    report["load_after"] = os.getloadavg()
    target = ROOT / "build" / "bench.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(report, indent=2) + "\n")
    for table in tables.of(report):
        console.print(table)
    console.print(f"written to {target.relative_to(ROOT)}")


def _measure(console: Console, report: Json, name: str, part: Callable[[], Json]) -> None:
    started = time.monotonic()
    with console.status(f"measuring {name.replace('_', ' ')} ..."):
        report[name] = part()
    console.print(f"measured {name.replace('_', ' ')} in {time.monotonic() - started:.0f} s, load {os.getloadavg()[0]:.1f}")


def machine() -> Json:
    """What it was measured on."""
    return {
        "python": platform.python_version(),
        "processor": platform.machine(),
        "processors": os.cpu_count(),
        "system": platform.platform(),
    }


def handler_parts(folder: Path, rounds: int) -> dict[str, Callable[[], Json]]:
    """The measurements that need no local AWS."""

    def with_programs(measure: Callable[[RuntimeApi, Programs], Json]) -> Json:
        with stub(folder) as endpoint:
            api = RuntimeApi()
            try:
                return measure(api, Programs(host, folder, endpoint, folder / "ca.pem"))
            finally:
                api.close()

    host = build(folder / "host", LAYER_TARGET="host")
    return {
        "sizes": lambda: dict(sizes.sizes(build(folder / "aws"))),
        "cold_start": lambda: with_programs(lambda api, programs: cold_part(api, programs, rounds)),
        "warm": lambda: with_programs(lambda api, programs: warm_part(api, programs, max(1, rounds // 3))),
    }


def cold_part(api: RuntimeApi, programs: Programs, rounds: int) -> Json:
    """Cold starts with their ratios, and where the time goes."""
    candidates = cold_start.candidates(programs)
    found = cold_start.measure(api, candidates, rounds)
    return {
        "rounds": rounds,
        "programs": {
            name: {"first_ms": vars(Figure.of(each.first_ms)), "processor_ms": vars(Figure.of(each.processor_ms))}
            for name, each in found.items()
        },
        "ratios": [
            {
                "ours": ours,
                "beside": beside,
                "first": vars(ratio(found[ours].first_ms, found[beside].first_ms)),
                "processor": vars(ratio(found[ours].processor_ms, found[beside].processor_ms)),
            }
            for ours, beside in cold_start.PAIRS
        ],
        "imports_ms": {name: cold_start.imports(api, candidates[name]) for name in (cold_start.LEAST, "pause", "wait", "run_sql")},
    }


def warm_part(api: RuntimeApi, programs: Programs, rounds: int) -> Json:
    """What each handler takes on top of its AWS calls."""
    return {
        name: {
            "ours_ms": vars(Figure.of(sides["ours"])),
            "by_hand_ms": vars(Figure.of(sides["by hand"])),
            "over_ms": vars(Figure.of([mine - other for mine, other in zip(sides["ours"], sides["by hand"], strict=True)])),
        }
        for name, sides in warm.measure(api, programs, rounds).items()
    }


def workflow_part(billed_ms: float) -> Json:
    """What workflows use, beside a loop, and how soon they react."""
    with workflows.deployed() as driver:
        used = workflows.usages(driver)
        heard = workflows.reactions(driver, REACTION_ROUNDS, hints=True)
        unheard = workflows.reactions(driver, REACTION_ROUNDS, hints=False)
    return {
        "billed_ms": billed_ms,
        "usage": {name: vars(usage) for name, usage in used.items()},
        "beside_a_loop": [
            {
                "workflow": name,
                "waited_seconds": seconds,
                "ours": _priced(usage.waiting(seconds), billed_ms),
                "loop": _priced(prices.loop(seconds), billed_ms),
            }
            for name, usage in used.items()
            for seconds in WAITED_SECONDS
        ],
        "reaction_seconds": {
            "with hints": vars(Figure.of(heard)),
            f"without hints, PollSeconds {workflows.POLL_SECONDS}": vars(Figure.of(unheard)),
        },
    }


def _priced(usage: prices.Usage, billed_ms: float) -> Json:
    return {"transitions": usage.transitions, "invocations": usage.invocations, "dollars": usage.dollars(billed_ms)}


if __name__ == "__main__":
    main()
