"""Make what lies inside a warehouse what its spec says: read its catalog, plan, send statement after statement, and look again."""

from __future__ import annotations

from typing import Any, assert_never

from autopilot.aws import cleaning
from autopilot.aws.inside import configuring
from autopilot.domain.inputs import ConfigureInput, decode
from autopilot.domain.inside.steps import Compare, Note, Read, Send
from autopilot.domain.steps import Cancel, Look
from autopilot.runtime.handler import handler

PERMISSIONS = configuring.PERMISSIONS


@handler(Look | Read | Compare | Send | Note | Cancel)
def handle(call: Look | Read | Compare | Send | Note | Cancel) -> Any:
    """The steps of `configure_warehouse` that need a decision."""
    match call:
        case Look():
            return configuring.look(decode(ConfigureInput, call.input), call.execution)
        case Read():
            return configuring.read(call)
        case Compare():
            return configuring.compare(call)
        case Send():
            return configuring.send(call)
        case Note():
            return configuring.note(call)
        case Cancel():
            return {"outcome": "cancelled", "statements": cleaning.end_callbacks(call.execution)}
        case _:
            assert_never(call)
