"""What is uploaded fits Lambda: the platform, the size, and nothing that the runtime brings or that only tests need."""

from __future__ import annotations

import filecmp
import struct
from pathlib import Path

import pytest

from tests.package.built import ROOT, Built

#: Lambda's limit for a function and its layers, unzipped. Source: Lambda guide, "Lambda quotas".
MOST_BYTES = 250 * 1024 * 1024
#: The machine field of an ELF header. Source: ELF for the Arm 64-bit Architecture.
AARCH64 = 183
RUNTIME_TAG = "cp313-cp313-"


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _machine(library: Path) -> int:
    (machine,) = struct.unpack_from("<H", library.read_bytes(), 18)
    return int(machine)


def _tags(layer: Path) -> list[tuple[str, str]]:
    lines = [(file.parent.name, line) for file in layer.glob("python/*.dist-info/WHEEL") for line in file.read_text().splitlines()]
    return [(package, line.removeprefix("Tag: ")) for package, line in lines if line.startswith("Tag: ")]


def test_wheels_of_the_layer_are_pure_or_for_the_runtime_on_arm64(built_for_aws: Built) -> None:
    tags = _tags(built_for_aws.layer)
    compiled = [tag for _, tag in tags if tag.startswith(RUNTIME_TAG)]
    foreign = [(package, tag) for package, tag in tags if not tag.endswith("-none-any") and tag not in compiled]
    assert foreign == []
    assert compiled
    assert [tag for tag in compiled if not tag.endswith("_aarch64")] == []


def test_compiled_libraries_of_the_layer_are_for_arm64(built_for_aws: Built) -> None:
    libraries = [file for file in built_for_aws.layer.rglob("*.so*") if file.is_file()]
    assert {file.name: _machine(file) for file in libraries} == {file.name: AARCH64 for file in libraries}
    assert any("msgspec" in file.parts for file in libraries)


def test_layer_holds_our_package_as_it_is_in_the_repository(built_for_aws: Built) -> None:
    source, copy = ROOT / "layers" / "common" / "autopilot", built_for_aws.layer / "python" / "autopilot"
    files = [str(file.relative_to(source)) for file in source.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    assert filecmp.cmpfiles(source, copy, files, shallow=False) == (files, [], [])


@pytest.mark.parametrize("name", ["boto3", "botocore", "__pycache__", "tests", "bin", "sandbox", "moto", "ministack"])
def test_layer_holds_nothing_that_does_not_belong_there(name: str, built_for_aws: Built) -> None:
    assert [str(found) for found in built_for_aws.layer.rglob(name)] == []


def test_functions_hold_their_own_code_only(built_for_aws: Built) -> None:
    for logical_id in built_for_aws.functions:
        assert [file.name for file in built_for_aws.function(logical_id).rglob("*") if file.is_file()] == ["app.py"]


def test_every_function_fits_lambda_together_with_the_layer(built_for_aws: Built, capsys: pytest.CaptureFixture[str]) -> None:
    layer = _size(built_for_aws.layer)
    functions = {logical_id: _size(built_for_aws.function(logical_id)) for logical_id in built_for_aws.functions}
    with capsys.disabled():
        print(f"\nlayer {layer / 2**20:.1f} MiB unzipped, functions {sum(functions.values()) / 2**10:.1f} KiB in all")
    assert {logical_id for logical_id, size in functions.items() if size + layer > MOST_BYTES} == set()
