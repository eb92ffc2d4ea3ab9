"""How the names of a warehouse become names of the one server that all warehouses share, and back."""

from __future__ import annotations

import hashlib
from typing import Literal

RoleKind = Literal[".", "@", "%", "!"]
USER: RoleKind = "."
ROLE: RoleKind = "@"
GROUP: RoleKind = "%"
MARKER: RoleKind = "!"
_LONGEST = 63  # bytes of a PostgreSQL name


def prefix(warehouse: str) -> str:
    """The short name of a warehouse on the server: `w` and six hexadecimal digits."""
    return "w" + hashlib.sha256(warehouse.encode()).hexdigest()[:6]


def on_server(warehouse: str, name: str, kind: RoleKind = USER) -> str:
    """A user, role, group or database (which is named as a user is) on the server; a long name is cut and told apart by a digest."""
    full = f"{prefix(warehouse)}{kind}{name}"
    if len(full.encode()) <= _LONGEST:
        return full
    digest = hashlib.sha256(name.encode()).hexdigest()[:10]
    return full.encode()[: _LONGEST - len(digest) - 1].decode(errors="ignore") + "~" + digest
