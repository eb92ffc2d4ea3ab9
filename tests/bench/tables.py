"""The report as tables for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.table import Table

from tests.bench.figures import Figure
from tests.bench.prices import LOOP_SECONDS, POLL_SECONDS

Json = dict[str, Any]
_DEAREST = 8


def of(report: Json) -> Iterator[Table]:
    """One table for each part that was measured."""
    yield _cold(report["cold_start"])
    yield _ratios(report["cold_start"])
    yield _imports(report["cold_start"])
    yield _warm(report["warm"])
    yield _sizes(report["sizes"])
    if "workflows" in report:
        yield _loop(report["workflows"])
        yield _reactions(report["workflows"])


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", expand=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    return table


def _cold(cold: Json) -> Table:
    table = _table(
        f"Cold start, {cold['rounds']} interleaved rounds: median (quartiles)", "handler", "to the first answer", "processor time"
    )
    for name, found in cold["programs"].items():
        table.add_row(name, Figure(**found["first_ms"]).text(" ms"), Figure(**found["processor_ms"]).text(" ms"))
    return table


def _ratios(cold: Json) -> Table:
    table = _table("Cold start, ratio of the same rounds: median (quartiles)", "ours", "beside", "to the first answer", "processor time")
    for row in cold["ratios"]:
        table.add_row(row["ours"], row["beside"], Figure(**row["first"]).text("", 2), Figure(**row["processor"]).text("", 2))
    return table


def _imports(cold: Json) -> Table:
    table = _table("Where a cold start imports: milliseconds by package", "handler", "in all", "dearest packages")
    for name, spent in cold["imports_ms"].items():
        dearest = ", ".join(f"{package} {ms:.0f}" for package, ms in list(spent.items())[:_DEAREST])
        table.add_row(name, f"{sum(spent.values()):.0f}", dearest)
    return table


def _warm(warm: Json) -> Table:
    table = _table("Warm invocation: median (quartiles)", "handler", "ours", "the same calls by hand", "on top")
    for name, found in warm.items():
        table.add_row(name, *(Figure(**found[key]).text(" ms", 1) for key in ("ours_ms", "by_hand_ms", "over_ms")))
    return table


def _sizes(sizes: Json) -> Table:
    table = _table("Packages as uploaded", "layer or function", "zipped", "unzipped")
    for name, found in sizes.items():
        table.add_row(name, _kib(found["zipped_bytes"]), _kib(found["unzipped_bytes"]))
    return table


def _kib(size: int) -> str:
    return f"{size / 1024:,.1f} KiB"


def _loop(workflows: Json) -> Table:
    table = _table(
        f"One execution beside a loop of {LOOP_SECONDS} s (by formula)",
        "workflow",
        "waits for",
        "transitions",
        "loop",
        "invocations",
        "dollars for 1,000",
        "loop",
    )
    for row in workflows["beside_a_loop"]:
        ours, loop = row["ours"], row["loop"]
        table.add_row(
            row["workflow"],
            f"{row['waited_seconds']} s",
            str(ours["transitions"]),
            str(loop["transitions"]),
            str(ours["invocations"]),
            f"{1000 * ours['dollars']:.3f}",
            f"{1000 * loop['dollars']:.3f}",
        )
    return table


def _reactions(workflows: Json) -> Table:
    table = _table("From a cluster's change of state to the workflow's next step: median (quartiles)", "how", "seconds")
    for name, found in workflows["reaction_seconds"].items():
        table.add_row(name, Figure(**found).text(" s", 2))
    table.add_row(
        f"without hints, PollSeconds {POLL_SECONDS}, by formula", f"{POLL_SECONDS / 2:.0f} s on average, {POLL_SECONDS} s at most"
    )
    table.add_row(f"a loop of {LOOP_SECONDS} s, by formula", f"{LOOP_SECONDS / 2:.0f} s on average, {LOOP_SECONDS} s at most")
    return table
