"""AWS's service models, read faster than botocore does by itself: most of what making a client costs."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from typing import IO, Any

import msgspec
from botocore.loaders import JSONFileLoader, Loader

_OPENED_BY: dict[str, Callable[[str, Any], IO[Any]]] = {".json": open, ".json.gz": gzip.open}


class _Files(JSONFileLoader):
    """Decodes with msgspec into plain dicts, several times as fast as `json` into ordered ones; plain ones keep the order too."""

    def load_file(self, file_path: str) -> Any:
        for ending, opened in _OPENED_BY.items():
            try:
                with opened(file_path + ending, "rb") as file:
                    return msgspec.json.decode(file.read())
            except FileNotFoundError:
                continue
        return None


class Models(Loader):
    """botocore's loader, which looks for a service in its folder instead of searching the folders of all 400 first."""

    FILE_LOADER_CLASS = _Files

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - botocore's signature
        return os.listdir(self.BUILTIN_DATA_PATH)  # noqa: PTH208 - pathlib would be imported for this alone
