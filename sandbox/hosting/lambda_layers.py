"""A layer is unpacked once for all execution environments, as it is mounted read-only there.

ministack unpacks it anew for every process of every function: most of what starting one costs, and of what the sandbox has to delete in the end.
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack.core import lambda_runtime

_LAYER = "layer_"
_lock = threading.Lock()


class SharedZipFile(zipfile.ZipFile):
    """Unpacks a layer where it was unpacked before, and puts a link to it where it was asked for."""

    def extractall(self, path: Any = None, *arguments: Any, **options: Any) -> None:
        """Everything but a layer is unpacked as ever."""
        target = Path(path or ".")
        if not target.name.startswith(_LAYER):
            super().extractall(path, *arguments, **options)
            return
        shared = Path(tempfile.gettempdir()) / "layers" / self._digest()
        with _lock:
            if not shared.exists():
                begun = shared.with_suffix(".begun")
                super().extractall(begun)
                begun.rename(shared)
        target.rmdir()
        target.symlink_to(shared, target_is_directory=True)

    def _digest(self) -> str:
        facts = [(item.filename, item.file_size, item.CRC) for item in self.infolist()]
        return hashlib.sha256(repr(facts).encode()).hexdigest()


def apply() -> None:
    """Put it in place, once per process."""
    lambda_runtime.zipfile = SimpleNamespace(**{**vars(zipfile), "ZipFile": SharedZipFile})
