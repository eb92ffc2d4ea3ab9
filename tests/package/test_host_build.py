"""What is built runs on its own: every function loads from the build and the runtime's packages alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.package.built import ROOT, Built
from tests.template.template_rules import Template

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
    result = _run(built.functions[logical_id], built.function(logical_id), built.layer / "python", runtime_packages)
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
