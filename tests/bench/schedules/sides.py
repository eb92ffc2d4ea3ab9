"""The two sides of the benchmark as processes that are asked one after the other, and whether they agree."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from tests.bench.schedules.fleet import fleet

ROOT = Path(__file__).parents[3]
CUSTODIAN_PYTHON = ROOT / ".venv-custodian" / "bin" / "python"
#: The Sundays on which clocks change in the United States and in Europe.
WEEKS = (datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC))


class Answer(NamedTuple):
    """The CPU time of one round, and the clusters that were found."""

    seconds: float
    pause: frozenset[str]
    resume: frozenset[str]


class Side:
    """One side: a process that keeps its fleet."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, **command: Any) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended with {self._process.wait()}")
        return json.loads(line)

    def decide(self, size: int, now: datetime, *, apart: bool = False) -> Answer:
        """One round over so many clusters. `apart` gives each a history that it shares with no other, so that no decision serves two."""
        found = self.ask(size=size, now=now.isoformat(), apart=apart)
        return Answer(found["seconds"], frozenset(found["pause"]), frozenset(found["resume"]))


@contextmanager
def both_sides(size: int) -> Iterator[tuple[Side, Side]]:
    """Ours and Cloud Custodian's, each with the same fleet of that size."""
    here = {"cwd": ROOT, "stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    ours = [sys.executable, "-m", "tests.bench.schedules.autopilot_side"]
    theirs = [str(CUSTODIAN_PYTHON), str(Path(__file__).parent / "custodian_side.py")]
    processes = [
        subprocess.Popen(ours, env={"PYTHONPATH": f"{ROOT}:{ROOT / 'layers' / 'common'}"}, **here),  # type: ignore[call-overload]
        subprocess.Popen(theirs, **here),  # type: ignore[call-overload]
    ]
    try:
        sides = Side(processes[0]), Side(processes[1])
        for side in sides:
            side.ask(fleet=fleet(size))
        yield sides
    finally:
        for process in processes:
            process.kill()
            process.wait()


def disagreements(ours: Side, theirs: Side, size: int, moments: Iterator[datetime]) -> list[str]:
    """The hours for which the two do not find the same clusters, and how far they differ."""
    found = []
    for now in moments:
        mine, other = ours.decide(size, now), theirs.decide(size, now)
        for what, left, right in (("pause", mine.pause, other.pause), ("resume", mine.resume, other.resume)):
            if left != right:
                found.append(f"{now}: {what}: ours alone {sorted(left - right)[:3]}, Custodian's alone {sorted(right - left)[:3]}")
    return found


def hours(days: int = 7) -> Iterator[datetime]:
    """Every hour of so many days of the weeks, a little later, as a scheduler is."""
    return (week + timedelta(hours=hour, seconds=7) for week in WEEKS for hour in range(days * 24))


def other_readings(ours: Side, theirs: Side, count: int) -> list[str]:
    """The tags that we read otherwise than Cloud Custodian does.

    It reads many a broken tag as something (a bracket forgotten, a zone that does not exist, `off(...)` for the default hours); those we may refuse.
    """
    tags = list(_tags(count))
    values = [value for value, _ in tags]
    readings = zip(tags, ours.ask(parse=values), theirs.ask(parse=values), strict=True)
    return [
        f"{value!r}: ours {mine}, Custodian's {other}"
        for (value, broken), mine, other in readings
        if _same(mine) != _same(other) and not (broken and mine is None)
    ]


def _same(reading: Any) -> Any:
    if reading is None:
        return None
    zone = reading["timezone"]
    if isinstance(zone, str):
        zone = [datetime(2026, month, 15, tzinfo=ZoneInfo(zone)).utcoffset().total_seconds() for month in range(1, 13)]  # type: ignore[union-attr]
    return zone, sorted(map(tuple, reading["on"])), sorted(map(tuple, reading["off"]))


def _tags(count: int) -> Iterator[tuple[str, bool]]:
    """Random tags, many of them escaped, and whether one character was broken."""
    dice = random.Random(7)
    days = "MTWHFSU"
    zones = ("et", "pt", "CET", "bst", "Europe/Berlin", "america/port_of_spain", "Australia/Sydney", "gmt", "")

    def time() -> str:
        span = dice.choice(days) if dice.random() < 0.4 else f"{dice.choice(days)}-{dice.choice(days)}"
        return f"({span},{dice.randrange(24)})"

    def times() -> str:
        several = [time() for _ in range(dice.choice((1, 1, 1, 2, 3)))]
        return several[0] if len(several) == 1 else f"[{','.join(several)}]"

    for _ in range(count):
        parts = (
            [f"off={times()}"] * (dice.random() < 0.9)
            + [f"on={times()}"] * (dice.random() < 0.9)
            + [f"tz={dice.choice(zones)}"] * (dice.random() < 0.8)
        )
        dice.shuffle(parts)
        value = (";".join(parts) or "on") + ";" * (dice.random() < 0.1)
        broken = dice.random() < 0.2
        if broken:
            place = dice.randrange(len(value))
            value = value[:place] + dice.choice("x9(,;=-") * (dice.random() < 0.5) + value[place + 1 :]
        if dice.random() < 0.5:
            for character in "()[],;" + "=/-" * (dice.random() < 0.3):
                value = value.replace(character, f"u{ord(character):x}")
        yield value, broken
