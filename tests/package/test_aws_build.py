"""What is uploaded fits Lambda: the platform, the size, and nothing that the runtime brings or that only tests need."""

from __future__ import annotations

import filecmp
import importlib.util
import struct
import sys
from pathlib import Path

import pytest

from tests.package.built import LAYERS, PACKAGES, ROOT, Built

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


EVERY_LAYER = pytest.mark.parametrize("logical_id", LAYERS)


@EVERY_LAYER
def test_wheels_of_the_layer_are_pure_or_for_the_runtime_on_arm64(logical_id: str, built_for_aws: Built) -> None:
    tags = _tags(built_for_aws.layer(logical_id))
    compiled = [tag for _, tag in tags if tag.startswith(RUNTIME_TAG)]
    foreign = [(package, tag) for package, tag in tags if not tag.endswith("-none-any") and tag not in compiled]
    assert foreign == []
    assert tags
    assert [tag for tag in compiled if not tag.endswith("_aarch64")] == []


@pytest.mark.parametrize(("logical_id", "compiled"), [("CommonLayer", "msgspec"), ("ReportLayer", "markupsafe")])
def test_compiled_libraries_of_the_layer_are_for_arm64(logical_id: str, compiled: str, built_for_aws: Built) -> None:
    libraries = [file for file in built_for_aws.layer(logical_id).rglob("*.so*") if file.is_file()]
    assert {file.name: _machine(file) for file in libraries} == {file.name: AARCH64 for file in libraries}
    assert any(compiled in file.parts for file in libraries)


@pytest.mark.parametrize("logical_id", sorted(PACKAGES))
def test_layer_holds_our_package_as_it_is_in_the_repository(logical_id: str, built_for_aws: Built) -> None:
    folder, package = PACKAGES[logical_id]
    source, copy = ROOT / "layers" / folder / package, built_for_aws.layer(logical_id) / "python" / package
    files = [str(file.relative_to(source)) for file in source.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    assert filecmp.cmpfiles(source, copy, files, shallow=False) == (files, [], [])


@EVERY_LAYER
@pytest.mark.skipif(sys.version_info[:2] != (3, 13), reason="only the runtime's own Python can compile for it")
def test_layer_is_compiled_so_that_no_cold_start_compiles_it(logical_id: str, built_for_aws: Built) -> None:
    sources = list((built_for_aws.layer(logical_id) / "python").rglob("*.py"))
    compiled = [Path(importlib.util.cache_from_source(str(file))) for file in sources]
    assert [str(file) for file in compiled if not file.is_file()] == []
    # The second word's bits say that the source's hash stands in the file, and that nobody compares it. Source: PEP 552.
    assert {struct.unpack_from("<I", file.read_bytes(), 4) for file in compiled} == {(0b01,)}


@pytest.mark.parametrize("name", ["boto3", "botocore", "tests", "bin", "sandbox", "moto", "ministack", "lxml"])
@EVERY_LAYER
def test_layer_holds_nothing_that_does_not_belong_there(logical_id: str, name: str, built_for_aws: Built) -> None:
    assert [str(found) for found in built_for_aws.layer(logical_id).rglob(name)] == []


def test_layers_hold_nothing_twice(built_for_aws: Built) -> None:
    held = [
        name for layer in LAYERS for name in {file.name for file in (built_for_aws.layer(layer) / "python").iterdir()} - {"__pycache__"}
    ]
    assert sorted(held) == sorted(set(held))


def test_functions_hold_their_own_code_only(built_for_aws: Built) -> None:
    for logical_id in built_for_aws.functions:
        assert [file.name for file in built_for_aws.function(logical_id).rglob("*") if file.is_file()] == ["app.py"]


def test_every_function_fits_lambda_together_with_its_layers(built_for_aws: Built, capsys: pytest.CaptureFixture[str]) -> None:
    layers = {logical_id: _size(built_for_aws.layer(logical_id)) for logical_id in LAYERS}
    functions = {logical_id: _size(built_for_aws.function(logical_id)) for logical_id in built_for_aws.functions}
    with capsys.disabled():
        said = ", ".join(f"{logical_id} {size / 2**20:.1f} MiB" for logical_id, size in layers.items())
        print(f"\n{said} unzipped, functions {sum(functions.values()) / 2**10:.1f} KiB in all")
    whole = {logical_id: size + sum(map(_size, built_for_aws.layers_of(logical_id))) for logical_id, size in functions.items()}
    assert {logical_id for logical_id, size in whole.items() if size > MOST_BYTES} == set()
