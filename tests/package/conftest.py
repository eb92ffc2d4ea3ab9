"""The product as `sam build` makes it, once for the machine that runs the tests and once for AWS."""

from __future__ import annotations

import os
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from tests.package.built import ROOT, Built


def _build(folder: Path, **environment: str) -> Built:
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
    assert result.returncode == 0, result.stdout + result.stderr
    return Built(folder / "build")


@pytest.fixture(scope="session")
def built_for_aws(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The build that `make deploy` uploads."""
    return _build(tmp_path_factory.mktemp("aws"))


@pytest.fixture(scope="session")
def built_for_host(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The build that the local AWS runs."""
    return _build(tmp_path_factory.mktemp("host"), LAYER_TARGET="host")


@pytest.fixture(scope="session")
def runtime_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with boto3 and what it needs, and nothing else: what the Lambda runtime brings along."""
    folder = tmp_path_factory.mktemp("runtime")
    for name in _with_requirements("boto3"):
        files = metadata.files(name) or []
        for top in {file.parts[0] for file in files if file.parts[0] not in {"..", "__pycache__"}}:
            (folder / top).symlink_to(Path(str(metadata.distribution(name).locate_file(top))))
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
