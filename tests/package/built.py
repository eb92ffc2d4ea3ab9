"""What `sam build` makes of the product, and where to find the parts of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from tests.template.template_rules import Template

ROOT = Path(__file__).resolve().parents[2]
#: What layers hold of ours: the layer's folder in the repository, and its package. The layer of calendars holds nothing of ours.
PACKAGES = {"CommonLayer": ("common", "autopilot"), "ReportLayer": ("report", "report_page")}
LAYERS = sorted([*PACKAGES, "CalendarLayer"])


@dataclass(frozen=True)
class Built:
    """The output of one build."""

    folder: Path

    @property
    def functions(self) -> dict[str, dict[str, Any]]:
        """The properties of every function by logical id, as built."""
        return Template.read(self.folder / "template.yaml").functions

    def layer(self, logical_id: str = "CommonLayer") -> Path:
        """What one layer puts into `/opt` on Lambda."""
        return self.folder / logical_id

    def layers_of(self, logical_id: str) -> list[Path]:
        """The layers of a function: those that all have, and its own."""
        template = Template.read(self.folder / "template.yaml").body
        own = template["Resources"][logical_id]["Properties"].get("Layers", [])
        return [self.folder / layer["Ref"] for layer in template["Globals"]["Function"]["Layers"] + own]

    def packages_of(self, logical_id: str) -> list[Path]:
        """Where Python finds what a function's layers hold."""
        return [layer / "python" for layer in self.layers_of(logical_id)]

    def function(self, logical_id: str) -> Path:
        """What lies in `/var/task` on Lambda."""
        return self.folder / logical_id


class BuildError(Exception):
    """`sam build` failed; the message is what it printed."""


def build(folder: Path, **environment: str) -> Built:
    """Build the product as `make build` does, or for this machine with LAYER_TARGET=host."""
    sam = os.environ.get("SAM_CLI", str(ROOT / ".venv-sam" / "bin" / "sam"))
    options = ["--template-file", str(ROOT / "template.yaml"), "--build-dir", str(folder / "build"), "--no-cached"]
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("LAYER_", "MAKE"))}
    result = subprocess.run(
        [sam, "build", *options],
        cwd=ROOT,
        env={**inherited, **environment, "SAM_CLI_TELEMETRY": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise BuildError(result.stdout + result.stderr)
    return Built(folder / "build")


def copy_runtime_packages(folder: Path, *packages: str) -> Path:
    """A folder with these packages and what they need, and nothing else: what the Lambda runtime brings along."""
    for name in set().union(*map(_with_requirements, packages)):
        files = metadata.files(name) or []
        for top in {file.parts[0] for file in files if file.parts[0] not in {"..", "__pycache__"}}:
            source = Path(str(metadata.distribution(name).locate_file(top)))
            if source.is_dir():
                shutil.copytree(source, folder / top, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
            else:
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, folder / top)
    return folder


def _with_requirements(package: str) -> set[str]:
    """A package and everything that the lock file says it needs."""
    locked = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    needs = {entry["name"]: {item["name"] for item in entry.get("dependencies", [])} for entry in locked}
    found, waiting = set[str](), {package}
    while waiting:
        found |= waiting
        waiting = {need for name in waiting for need in needs[name]} - found
    return found
