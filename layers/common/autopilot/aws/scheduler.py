"""The entries of EventBridge Scheduler that start `run_schedule`, in a group of their own.

An entry's name ends with a hash of all that it says. So what is there is compared by its names alone, an entry is never changed, only replaced,
and its successor is there before it goes.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from autopilot.aws.clients import call, client, translated
from autopilot.domain.errors import AutopilotError
from autopilot.domain.schedule_entries import Entry

PERMISSIONS = ("scheduler:ListSchedules", "scheduler:CreateSchedule", "scheduler:DeleteSchedule", "iam:PassRole")
#: What comes later than that is left to the hourly reconcile.
_LONGEST_DELAY_SECONDS, _MOST_ATTEMPTS = 3600, 20
_CONTEXT_TIME = "<aws.scheduler.scheduled-time>"


class Made(msgspec.Struct, frozen=True):
    """The names of the entries that were created and deleted, and how many there are now."""

    created: list[str]
    deleted: list[str]
    entries: int

    def __str__(self) -> str:
        return f"{self.entries} schedule entries, {len(self.created)} created and {len(self.deleted)} deleted"


def make(entries: Iterable[Entry]) -> Made:
    """Create what is missing, then delete what is too much. Doing it twice does nothing the second time."""
    wanted = {request["Name"]: request for request in map(_request, entries)}
    present = _present()
    created, deleted = sorted(set(wanted) - present), sorted(present - set(wanted))
    for name in created:
        _create(wanted[name])
    for name in deleted:
        _delete(name)
    return Made(created, deleted, len(wanted))


def _present() -> set[str]:
    """The names of all entries. Source: ListSchedules."""
    pages = client("scheduler").get_paginator("list_schedules")
    with translated("list the schedule entries"):
        return {entry["Name"] for page in pages.paginate(GroupName=_group()) for entry in page["Schedules"]}


def _create(request: dict[str, Any]) -> None:
    """Source: CreateSchedule."""
    try:
        call("scheduler", "create_schedule", f"create schedule entry {request['Name']}", **request)
    except AutopilotError as error:
        if error.code != "ConflictException":
            raise


def _delete(name: str) -> None:
    """Source: DeleteSchedule."""
    try:
        call("scheduler", "delete_schedule", f"delete schedule entry {name}", Name=name, GroupName=_group())
    except AutopilotError as error:
        if error.code != "ResourceNotFoundException":
            raise


def _request(entry: Entry) -> dict[str, Any]:
    given = {
        "schedule": entry.schedule,
        "edge": entry.action,
        "scheduled_at": _CONTEXT_TIME,
        "warm_up_minutes": entry.warm_up_minutes,
        "reason": f"schedule {entry.schedule}",
    }
    request: dict[str, Any] = {
        "GroupName": _group(),
        "Description": f"{entry.action} what follows the schedule {entry.schedule}"[:512],
        "ScheduleExpression": entry.expression,
        "ScheduleExpressionTimezone": entry.timezone,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {
            "Arn": os.environ["RUN_SCHEDULE_ARN"],
            "RoleArn": os.environ["SCHEDULER_ROLE_ARN"],
            "Input": msgspec.json.encode(given).decode(),
            "RetryPolicy": {"MaximumEventAgeInSeconds": _LONGEST_DELAY_SECONDS, "MaximumRetryAttempts": _MOST_ATTEMPTS},
            "DeadLetterConfig": {"Arn": os.environ["DEAD_LETTERS_ARN"]},
        },
    }
    digest = hashlib.sha256(msgspec.json.encode(request, order="deterministic")).hexdigest()[:16]
    readable = re.sub(r"[^0-9a-zA-Z_.-]", "_", entry.schedule)[:38]
    return {"Name": f"{readable}-{entry.action}-{digest}", "ClientToken": digest, **request}


def _group() -> str:
    return os.environ["SCHEDULE_GROUP"]
