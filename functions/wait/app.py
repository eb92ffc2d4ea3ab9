"""Wait for a warehouse, a snapshot or a lock: store the callback, then look; later hints and retries look again."""

from __future__ import annotations

from typing import Any

from autopilot.aws import callbacks, looking
from autopilot.aws.callbacks import Callback
from autopilot.domain.steps import Wait
from autopilot.runtime.handler import handler

PERMISSIONS = (*callbacks.PERMISSIONS, *looking.STATES)


@handler(Wait)
def handle(call: Wait) -> dict[str, Any]:
    """Answer the task at once when what it waits for is reached, or can no longer be."""
    callback = Callback(
        goal=call.goal,
        token=call.token,
        execution=call.execution,
        name=call.warehouse.name,
        kind=call.warehouse.kind or "",
        region=call.warehouse.region or "",
        key=call.key,
        subject=call.subject,
        first_look=call.attempt == 0,
        last_look=call.attempt >= call.last_attempt,
    )
    callbacks.store(callback)
    answer = looking.look(callback)
    if answer:
        callbacks.answer(callback, answer)
    return {"outcome": "answered" if answer else "waiting", "goal": call.goal}
