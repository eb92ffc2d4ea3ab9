"""Shows what a document of schedules means, without AWS: `make preview SCHEDULES=schedules.yaml [DAYS=14] [SCHEDULE=name] [START=2026-12-01]`.

A calendar of edges for each schedule, in its own zone and in UTC, and how many hours of a week it saves. What is wrong in the document is told with
its line, and then the exit code is 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from autopilot.domain.errors import InvalidInput
from autopilot.domain.schedules import Edge, Schedule, Span, parse_schedules

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
#: A year of whole weeks: holidays and months count with their share.
YEAR = timedelta(weeks=52)
WEEK_HOURS = 168
BAR_WIDTH = 42
_STYLES = {"running": "green", "any": "yellow", "stopped": "dim"}


def main(arguments: Sequence[str], console: Console | None = None) -> int:
    """Print the preview. Returns the exit code: 1 for a wrong document, 2 for one that cannot be read."""
    options = _options(arguments)
    out = console or Console(highlight=False)
    # What does not fit is better broken by the window than left out.
    out.width = max(out.width, 100)
    try:
        text = options.path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        print(f"{options.path}: {error}", file=sys.stderr)
        return 2
    try:
        schedules = _chosen(parse_schedules(text), options.schedule)
    except InvalidInput as error:
        for line in str(error).splitlines():
            print(
                f"{options.path}:{line.removeprefix('line ')}" if line.startswith("line ") else f"{options.path}: {line}", file=sys.stderr
            )
        return 1
    for schedule in schedules:
        _show(schedule, options.start, options.days, out)
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="preview", description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--days", type=_days, default=14)
    parser.add_argument("--schedule", default="")
    parser.add_argument("--start", type=date.fromisoformat, default=None)
    return parser.parse_args(arguments)


def _days(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 400:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days. Allowed: 1 to 400")
    return int(text)


def _chosen(schedules: dict[str, Schedule], name: str) -> list[Schedule]:
    if name and name not in schedules:
        raise InvalidInput(f"no schedule is named {name!r}. There are: {', '.join(schedules) or 'none'}")
    return [schedules[name]] if name else list(schedules.values())


def _show(schedule: Schedule, start: date | None, days: int, out: Console) -> None:
    first = start or datetime.now(schedule.zone).date()
    out.print(f"\n[bold]{escape(schedule.name)}[/bold]  {schedule.timezone}")
    if facts := _facts(schedule):
        out.print(escape(facts), style="italic")
    if schedule.override_status is None:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for heading in ("", "0     6     12    18", f"edges in {schedule.timezone} (in UTC)"):
            table.add_column(heading, no_wrap=True)
        for offset in range(days):
            table.add_row(*_day(schedule, first + DAY * offset))
        out.print(table)
    out.print(_saved(schedule, first))


def _facts(schedule: Schedule) -> str:
    early = schedule.warm_up_minutes
    facts = [
        schedule.description,
        f"always {schedule.override_status} by override_status" if schedule.override_status else "",
        "enforced" if schedule.enforced else "",
        "resumes early by what was learnt" if early == "auto" else f"resumes {early} minutes early" if early else "",
        f"paused after {schedule.idle_pause_minutes} idle minutes" if schedule.idle_pause_minutes else "",
    ]
    return "; ".join(fact for fact in facts if fact)


def _day(schedule: Schedule, day: date) -> tuple[str, Text, str]:
    start, end = (datetime.combine(each, time(), tzinfo=schedule.zone) for each in (day, day + DAY))
    free = schedule.holidays is not None and schedule.holidays.holds(day)
    edges = [f"{edge.moment.astimezone(schedule.zone):%H:%M} {edge.action} ({_utc(edge, day)})" for edge in schedule.edges(start, end)]
    # Two in a line, so that a day of many edges stays readable in a narrow window.
    told = "\n".join("  ".join(edges[index : index + 2]) for index in range(0, len(edges), 2))
    return f"{day:%a %d %b}", _hours(schedule, start), told or ("holiday" if free else "")


def _hours(schedule: Schedule, start: datetime) -> Text:
    """A cell for each hour on the wall: running, left alone, stopped, or half of an hour that is split."""
    cells = Text()
    for hour in range(24):
        wall = datetime.combine(start.date(), time(hour), tzinfo=start.tzinfo)
        states = [schedule.state_at(wall + timedelta(minutes=minute)) for minute in (0, 15, 30, 45)]
        if len(set(states)) == 1:
            cells.append({"running": "█", "any": "░", "stopped": "·"}[states[0]], _STYLES[states[0]])
        else:
            cells.append("▐" if states[-1] == "running" else "▌", _STYLES["running"])
    return cells


def _utc(edge: Edge, day: date) -> str:
    """The time in UTC, with the day where it is another one."""
    return f"{edge.moment:%H:%M}" if edge.moment.date() == day else f"{edge.moment:%a %H:%M}"


def _saved(schedule: Schedule, first: date) -> Text:
    """The hours of a week as a bar: running, left alone, and saved."""
    start = datetime.combine(first, time(), tzinfo=schedule.zone).astimezone(UTC)
    spans = list(schedule.spans(start, start + YEAR))
    running, free, stopped = (_weekly(spans, state) for state in ("running", "any", "stopped"))
    cells = [round(BAR_WIDTH * hours / WEEK_HOURS) for hours in (running, free)]
    told = Text()
    told.append("█" * cells[0], _STYLES["running"])
    told.append("░" * cells[1], _STYLES["any"])
    told.append("·" * (BAR_WIDTH - sum(cells)), _STYLES["stopped"])
    told.append(f"  saves {stopped:.1f} of {WEEK_HOURS} h a week ({100 * stopped / WEEK_HOURS:.0f} %)\n")
    told.append(f"runs {running:.1f} h{f', left alone {free:.1f} h' if free else ''}; a week of the year from {first}", "dim")
    return told


def _weekly(spans: list[Span], state: str) -> float:
    return sum((span.end - span.start) / HOUR for span in spans if span.state == state) / 52


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
