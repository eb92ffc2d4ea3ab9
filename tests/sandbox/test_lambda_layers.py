"""A layer lies on the disk once, however many processes use it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from sandbox.hosting.lambda_layers import SharedZipFile


def packed(folder: Path, text: str) -> Path:
    archive = folder / "layer.zip"
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("python/common.py", text)
    return archive


def unpacked(archive: Path, target: Path) -> Path:
    target.mkdir(parents=True)
    with SharedZipFile(archive) as opened:
        opened.extractall(target)
    return target / "python" / "common.py"


def test_same_layer_is_unpacked_once_and_another_one_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    archive = packed(tmp_path, "NAME = 'one'")
    first, second = unpacked(archive, tmp_path / "a" / "layer_0"), unpacked(archive, tmp_path / "b" / "layer_0")
    assert first.samefile(second)
    changed = unpacked(packed(tmp_path, "NAME = 'two'"), tmp_path / "c" / "layer_0")
    assert (first.read_text(), changed.read_text()) == ("NAME = 'one'", "NAME = 'two'")


def test_code_of_a_function_is_its_own(tmp_path: Path) -> None:
    archive = packed(tmp_path, "NAME = 'one'")
    assert not unpacked(archive, tmp_path / "a" / "code").samefile(unpacked(archive, tmp_path / "b" / "code"))
