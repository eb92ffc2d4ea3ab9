"""What docs/schedules.md shows is what happens."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from autopilot.domain.custodian_tags import escaped
from autopilot.domain.schedule_document import _PERIOD, _SCHEDULE
from autopilot.domain.schedule_entries import compile_entries
from autopilot.domain.schedules import parse_schedules, schedule_from_tag
from tools.preview import main

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "schedules.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_preview_shows_what_is_printed() -> None:
    (block,) = blocks("console")
    command, _, shown = block.partition("\n")
    out = io.StringIO()
    given = dict(pair.split("=") for pair in command.partition("#")[0].split() if "=" in pair)
    options = ["--schedule", given["SCHEDULE"], "--days", given["DAYS"], "--start", given["START"]]
    assert main([str(ROOT / given["SCHEDULES"]), *options], Console(file=out, width=100, highlight=False)) == 0
    assert [line.rstrip() for line in out.getvalue().splitlines()] == shown.splitlines()


def test_example_is_a_valid_document() -> None:
    (block,) = blocks("yaml")
    assert list(parse_schedules(block)) == ["office-hours"]


@pytest.mark.parametrize("field", [*_SCHEDULE, *_PERIOD])
def test_every_field_is_explained(field: str) -> None:
    assert re.search(rf"^\| [^|]*`{field}`", TEXT, re.MULTILINE)


def test_entries_are_those_that_are_made() -> None:
    shown = re.findall(r"^\| `(\{.*\})` \| (`cron.*`) \|$", TEXT, re.MULTILINE)
    assert len(shown) == 4
    for period, expressions in shown:
        entries = compile_entries(parse_schedules(f"schedules: {{a: {{periods: [{period}]}}}}"))
        assert {entry.expression for entry in entries} == set(re.findall(r"`(cron\(.*?\))`", expressions)), period


def test_escaped_tag_is_the_plain_one() -> None:
    plain = re.findall(r"`(off=\(.*?)`", TEXT)[0]
    assert f"autopilot:schedule = {escaped(plain)}\n" in TEXT
    assert schedule_from_tag(escaped(plain)) == schedule_from_tag(plain)
