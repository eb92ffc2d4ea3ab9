"""An alarm that changes its state says so on the default bus; ministack carries out the alarm's actions only.

Source: CloudWatch guide, "Alarm events and EventBridge".
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ministack.services import cloudwatch

from sandbox.world import World

Json = dict[str, Any]


def apply(world: World) -> None:
    """Put it in place, once per process."""
    dispatch = cloudwatch._dispatch_alarm_actions

    def dispatch_actions(alarm: Json, before: str, state: str, reason: str, *more: Any) -> None:
        dispatch(alarm, before, state, reason, *more)
        detail = {
            "alarmName": alarm["AlarmName"],
            "state": {"value": state, "reason": reason},
            "previousState": {"value": before},
            "configuration": {"description": alarm.get("AlarmDescription", "")},
        }
        event = ("aws.cloudwatch", "CloudWatch Alarm State Change", [alarm.get("AlarmArn", "")], detail)
        world.hints.send(partial(world.ports.put_event, *event))

    cloudwatch._dispatch_alarm_actions = dispatch_actions
