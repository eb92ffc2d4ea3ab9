"""Watch a warehouse: set its CloudWatch alarms, or remove them, and keep the dashboard over all warehouses true."""

from __future__ import annotations

from typing import assert_never

from autopilot.aws import alarms
from autopilot.domain.steps import RemoveAlarms, SetAlarms
from autopilot.runtime.handler import handler

PERMISSIONS = alarms.PERMISSIONS


@handler(SetAlarms | RemoveAlarms)
def handle(call: SetAlarms | RemoveAlarms) -> alarms.Watched:
    """The steps of workflows that create, change or delete a warehouse."""
    match call:
        case SetAlarms():
            return alarms.set_alarms(call)
        case RemoveAlarms():
            return alarms.remove_alarms(call)
        case _:
            assert_never(call)
