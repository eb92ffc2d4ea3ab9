"""What schedules rest on besides the warehouses: EventBridge Scheduler and the bus, in memory."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, ClassVar

from tests.handlers.fakes import ACCOUNT, REGION
from tests.handlers.wiring import Fake, Refusal


class Scheduler(Fake):
    """The entries of one group."""

    service: ClassVar[str] = "scheduler"
    PAGE = 2

    def __init__(self) -> None:
        self.entries: dict[str, dict[str, Any]] = {}

    def create_schedule(self, Name: str, **request: Any) -> dict[str, Any]:  # noqa: N803 - AWS's names
        if Name in self.entries:
            raise Refusal("ConflictException", f"{Name} exists", 409)
        self.entries[Name] = request
        return {"ScheduleArn": f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/{request['GroupName']}/{Name}"}

    def delete_schedule(self, Name: str, GroupName: str) -> dict[str, Any]:  # noqa: N803
        if Name not in self.entries:
            raise Refusal("ResourceNotFoundException", f"{Name} is not in {GroupName}", 404)
        del self.entries[Name]
        return {}

    def list_schedules(self, GroupName: str, NextToken: str = "") -> dict[str, Any]:  # noqa: N803
        rest = sorted(name for name in self.entries if name > NextToken)
        page = [{"Name": name, "GroupName": GroupName, "CreationDate": datetime.now(UTC)} for name in rest[: self.PAGE]]
        return {"Schedules": page} | ({"NextToken": rest[self.PAGE - 1]} if len(rest) > self.PAGE else {})

    def inputs(self) -> list[tuple[str, str, str, str]]:
        """Schedule, edge, expression and zone of every entry."""
        found = []
        for entry in self.entries.values():
            given = json.loads(entry["Target"]["Input"])
            found.append((given["schedule"], given["edge"], entry["ScheduleExpression"], entry["ScheduleExpressionTimezone"]))
        return sorted(found)


class Bus(Fake):
    """What was published."""

    service: ClassVar[str] = "events"

    def __init__(self) -> None:
        self.published: list[dict[str, Any]] = []

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.published += [json.loads(entry["Detail"]) for entry in Entries]
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in Entries]}
