"""Events on the Autopilot bus from functions that no workflow asked; workflows publish their own ends."""

from __future__ import annotations

import os
from typing import Any

import msgspec

from autopilot.aws.clients import call
from autopilot.domain.errors import Throttled

PUBLISH = ("events:PutEvents",)


def publish(event: str, detail: dict[str, Any]) -> None:
    """Publish an event. `message` is for people, who get it where `notify` is true. Raises Throttled when it was not taken. Source: PutEvents."""
    entry = {
        "Source": "redshift.autopilot",
        "DetailType": event,
        "EventBusName": os.environ["BUS_NAME"],
        "Detail": msgspec.json.encode(detail | {"event": event}).decode(),
    }
    answer = call("events", "put_events", f"publish {event}", Entries=[entry])
    if answer["FailedEntryCount"]:
        raise Throttled(f"EventBridge did not take {event}: {answer['Entries'][0].get('ErrorMessage')}")
