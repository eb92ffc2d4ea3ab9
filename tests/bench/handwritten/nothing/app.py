"""What the runtime itself takes: a handler that does nothing."""

from typing import Any


def handle(_event: Any, _context: Any) -> dict[str, Any]:
    return {}
