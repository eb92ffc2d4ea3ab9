"""Take a hint (a cluster's SNS message, an event, an ended execution) as a reason to look, and answer whoever waited for it."""

from __future__ import annotations

from typing import Any

from autopilot.aws import hinting
from autopilot.domain.hints import Hint, read_hints
from autopilot.runtime.handler import handler

PERMISSIONS = hinting.PERMISSIONS


@handler(dict[str, Any])
def handle(event: dict[str, Any]) -> dict[str, Any]:
    """Follow every hint in the event. Hints may come twice, late or out of order: only what is really there counts."""
    hints: list[Hint] = read_hints(event)
    return {"outcome": "woken", "answered": sum(hinting.follow(hint) for hint in hints), "hints": len(hints)}
