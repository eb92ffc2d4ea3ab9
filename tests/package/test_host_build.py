"""What is built runs on its own: every function loads from the build and the runtime's packages alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.package.built import ROOT, Built
from tests.page.samples import many
from tests.template.template_rules import Template

#: What a page may weigh, and what it may take to make it: half of the memory that functions have.
MOST_PAGE_BYTES, MOST_MEMORY_MIB = 2_000_000, 256
FUNCTIONS = sorted(Template.read(ROOT / "template.yaml").functions)

#: Loads a handler as Lambda does, in the order in which Lambda searches, and says where everything came from.
LOAD = """
import importlib, json, sys
module, _, name = sys.argv[1].rpartition(".")
sys.path[:0] = sys.argv[2:]
function = getattr(importlib.import_module(module), name)
files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
print(json.dumps({"callable": callable(function), "defined_in": function.__module__, "files": [file for file in files if file]}))
"""


def _environment(function: dict[str, Any]) -> dict[str, str]:
    """What Lambda and the template put into the environment; what only a deployment knows has a made-up value."""
    declared = function.get("Environment", {}).get("Variables", {})
    given = {key: value if isinstance(value, str) else "made-up" for key, value in declared.items()}
    return {"AWS_REGION": "us-east-1", "AWS_LAMBDA_FUNCTION_NAME": "made-up", **given}


def _run(function: dict[str, Any], *places: Path) -> subprocess.CompletedProcess[str]:
    """Load a handler in an interpreter without site-packages, user packages or PYTHON* settings."""
    command = [sys.executable, "-I", "-S", "-B", "-c", LOAD, function["Handler"], *map(str, places)]
    return subprocess.run(command, env=_environment(function), cwd="/", capture_output=True, text=True, check=False)


@pytest.mark.parametrize("logical_id", FUNCTIONS)
def test_function_loads_from_the_build_alone(logical_id: str, built_for_host: Built, runtime_packages: Path) -> None:
    built = built_for_host
    result = _run(built.functions[logical_id], built.function(logical_id), *built.packages_of(logical_id), runtime_packages)
    assert result.returncode == 0, result.stderr
    loaded = json.loads(result.stdout.splitlines()[-1])
    assert loaded["callable"]
    assert loaded["defined_in"] == "app", "Handler names something that app.py only imported"
    allowed = (str(built.folder), str(runtime_packages), sys.base_prefix)
    assert [file for file in loaded["files"] if not file.startswith(allowed)] == []


def test_function_does_not_load_without_the_layer(built_for_host: Built, runtime_packages: Path) -> None:
    built = built_for_host
    result = _run(built.functions[FUNCTIONS[0]], built.function(FUNCTIONS[0]), runtime_packages)
    assert "No module named 'autopilot'" in result.stderr


#: Looks at a schedule with holidays in a zone, and says where everything came from.
SCHEDULE = """
import json, sys
sys.path[:0] = sys.argv[1:]
from datetime import datetime, timedelta, timezone
from autopilot.domain.schedules import parse_schedules
text = "schedules: {a: {timezone: Europe/Berlin, holidays: {country: DE}, periods: [{begintime: 08:00, endtime: 09:00}]}}"
start = datetime(2026, 12, 24, tzinfo=timezone.utc)
edges = [str(edge.moment) for edge in parse_schedules(text)["a"].edges(start, start + timedelta(days=2))]
files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
print(json.dumps({"edges": edges, "files": [file for file in files if file]}))
"""


def test_schedule_finds_holidays_and_zones_in_the_layers_of_its_function(built_for_host: Built) -> None:
    """The runtime does not promise a database of time zones: here there is none but the layer's."""
    command = [sys.executable, "-S", "-B", "-c", SCHEDULE, *map(str, built_for_host.packages_of("ScheduleFunction"))]
    result = subprocess.run(command, cwd="/", env={"PYTHONTZPATH": ""}, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["edges"] == ["2026-12-24 07:00:00+00:00", "2026-12-24 08:00:00+00:00"]
    assert [file for file in found["files"] if not file.startswith((str(built_for_host.folder), sys.base_prefix))] == []


#: Makes the page and the sheet of a report, and says where everything came from and how much memory it took at most.
RENDER = """
import json, resource, sys, time
from pathlib import Path
sys.path[:0] = sys.argv[2:]

def most_mib():
    # Linux counts what this process had before it became this program in ru_maxrss; VmHWM begins anew.
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    found = [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")]
    return found[0] if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

import msgspec
from autopilot.domain.report import Report
report = msgspec.json.decode(open(sys.argv[1], "rb").read(), type=Report)
before, started = most_mib(), time.monotonic()
from report_page import render_html, to_csv
page, sheet = render_html(report), to_csv(report)
seconds, peak = time.monotonic() - started, most_mib()
files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
print(json.dumps({"page": len(page.encode()), "sheet": len(sheet.encode()), "seconds": seconds, "before_mib": before, "peak_mib": peak,
                  "files": [file for file in files if file]}))
"""


@pytest.mark.parametrize("count", [1, 500])
def test_page_is_made_by_the_layers_alone_small_and_within_a_functions_memory(
    count: int, built_for_host: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report.json").write_bytes(msgspec.json.encode(many(count)))
    places = [str(built_for_host.layer(layer) / "python") for layer in ("CommonLayer", "ReportLayer")]
    command = [sys.executable, "-I", "-S", "-B", "-c", RENDER, str(tmp_path / "report.json"), *places]
    result = subprocess.run(command, cwd="/", env={}, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    made = json.loads(result.stdout)
    with capsys.disabled():
        print(
            f"\n{count} warehouses: page {made['page'] / 1e6:.2f} MB, sheet {made['sheet'] / 1e3:.0f} kB, imported and made in "
            f"{made['seconds']:.1f} s, {made['peak_mib']:.0f} MiB of memory at most, {made['before_mib']:.0f} MiB before"
        )
    assert [file for file in made["files"] if not file.startswith((str(built_for_host.folder), sys.base_prefix))] == []
    assert made["page"] < MOST_PAGE_BYTES
    assert made["peak_mib"] < MOST_MEMORY_MIB
