"""`make preview` shows what a document of schedules means."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from tools.preview import main

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "events" / "schedules.yaml"


def shown(*arguments: str) -> str:
    out = io.StringIO()
    assert main(arguments, Console(file=out, width=100, highlight=False)) == 0
    return out.getvalue()


def test_edges_are_shown_in_the_zone_of_the_schedule_and_in_utc() -> None:
    lines = shown(str(SAMPLE), "--schedule", "office-hours", "--start", "2026-12-23", "--days", "3").splitlines()
    assert lines[1] == "office-hours  Europe/Berlin"
    assert [line.rstrip() for line in lines[3:7]] == [
        "            0     6     12    18      edges in Europe/Berlin (in UTC)",
        "Wed 23 Dec  ········███████████·····  08:00 resume (07:00)  19:00 pause (18:00)",
        "Thu 24 Dec  ························  holiday",
        "Fri 25 Dec  ························  holiday",
    ]
    assert len(lines) == 9


def test_edge_on_another_day_of_utc_says_which() -> None:
    lines = shown(str(SAMPLE), "--schedule", "nightly-load", "--start", "2026-12-22", "--days", "1").splitlines()
    assert lines[4].rstrip() == "Tue 22 Dec  ██▌···················██  02:30 pause (07:30)  22:00 resume (Wed 03:00)"


def test_hours_saved_are_a_bar_of_the_week() -> None:
    *_, bar, years = shown(str(SAMPLE), "--schedule", "nightly-load", "--start", "2026-12-21", "--days", "1").splitlines()
    # Five nights of four and a half hours; the two clock changes of a year lie on Sundays.
    assert bar == "██████····································  saves 145.5 of 168 h a week (87 %)"
    assert years == "runs 22.5 h; a week of the year from 2026-12-21"


def test_time_left_alone_is_not_counted_as_saved() -> None:
    *_, bar, years = shown(str(SAMPLE), "--schedule", "stop-in-the-evening", "--start", "2026-12-21", "--days", "1").splitlines()
    assert bar == "░" * 35 + "·" * 7 + "  saves 28.0 of 168 h a week (17 %)"
    assert years == "runs 0.0 h, left alone 140.0 h; a week of the year from 2026-12-21"


def test_every_schedule_is_shown_for_two_weeks_from_today_unless_told_otherwise() -> None:
    text = shown(str(SAMPLE))
    assert all(f"\n{name}  " in text for name in ("office-hours", "nightly-load", "stop-in-the-evening", "month-end", "shut-down"))
    assert text.count("\nMon ") == 4 * 2


def test_errors_are_told_with_file_line_path_and_what_is_allowed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("schedules:\n  a:\n    periods: [{begintime: 25:00}]\n    when_busy: kill\n", encoding="utf-8")
    assert main([str(wrong)]) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"{wrong}:3: schedules.a.periods[0].begintime: '25:00' is not a time. Allowed: HH:MM from 00:00 to 23:59; the end of the day is 00:00",
        f"{wrong}:4: schedules.a.when_busy: 'kill' is not allowed. Allowed: wait, skip, force",
    ]


def test_schedule_that_is_not_there_is_told_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(SAMPLE), "--schedule", "office"]) == 1
    assert "no schedule is named 'office'. There are: office-hours, nightly-load" in capsys.readouterr().err


def test_file_that_cannot_be_read_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.yaml")]) == 2
    assert "No such file or directory" in capsys.readouterr().err


def make(*variables: str) -> subprocess.CompletedProcess[str]:
    # What runs this test is installed: make is not to look whether it should be installed anew.
    installed = [option for file in ("pyproject.toml", "uv.lock") for option in ("--old-file", file)]
    command = [shutil.which("make") or "make", *installed, "preview", *variables]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_command_of_the_readme_shows_the_sample() -> None:
    done = make(f"SCHEDULES={SAMPLE}", "DAYS=1", "SCHEDULE=month-end", "START=2026-12-28")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Mon 28 Dec  ████████████████████████  00:00 resume (00:00)" in done.stdout


def test_command_fails_for_a_wrong_document_and_without_one(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("schedules: 1", encoding="utf-8")
    done = make(f"SCHEDULES={wrong}")
    assert done.returncode != 0
    assert f"{wrong}:1: schedules: '1' is not a mapping" in done.stderr
    assert "Say which document" in make().stderr
