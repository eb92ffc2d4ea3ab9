"""Idle pause: an alarm on every cluster whose schedule asks for it, and the pause that it starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from autopilot.aws import clusters, executions, fleet, schedules
from autopilot.aws.clients import call, client, translated
from autopilot.domain.alarm_set import same
from autopilot.domain.errors import AutopilotError, InvalidInput
from autopilot.domain.fleet import execution_name, follows, schedule_of
from autopilot.domain.idle import GRACE, Idle, idle_alarm, idle_minutes, prefix, was_just_resumed
from autopilot.domain.warehouse import Warehouse, primary_status

PERMISSIONS = (*executions.START, "cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms")
#: A resume in the ledger is filed under when it began; none takes longer.
_LONGEST_RESUME = timedelta(hours=3)
#: DeleteAlarms takes so many names.
_BATCH = 100


class Answer(msgspec.Struct, frozen=True):
    """What became of a ringing alarm: `started` or `nothing`, and why."""

    outcome: str
    reason: str


def keep_alarms(minutes: Mapping[str, int], now: datetime) -> None:
    """Make the alarms those of these clusters; one that has rung unheard, or too early, is answered now.

    Only what differs is put, what is gone is deleted. Source: DescribeAlarms, PutMetricAlarm, DeleteAlarms.
    """
    stack = os.environ["STACK_NAME"]
    wanted = {alarm["AlarmName"]: alarm for alarm in (idle_alarm(stack, name, after) for name, after in minutes.items())}
    there = {alarm["AlarmName"]: alarm for alarm in _alarms(stack)}
    for name, alarm in wanted.items():
        if not same(alarm, there.get(name, {})):
            call("cloudwatch", "put_metric_alarm", f"put alarm {name}", **alarm)
        elif there[name]["StateValue"] == "ALARM":
            answer(Idle(execution="reconcile", alarm=name, rang_at=now), now)
    gone = sorted(there.keys() - wanted.keys())
    for start in range(0, len(gone), _BATCH):
        try:
            call("cloudwatch", "delete_alarms", "delete alarms", AlarmNames=gone[start : start + _BATCH])
        except AutopilotError as error:
            if error.code != "ResourceNotFound":
                raise


def _alarms(stack: str) -> list[dict[str, Any]]:
    pages = client("cloudwatch").get_paginator("describe_alarms")
    with translated("list the alarms on idle clusters"):
        return [
            alarm for page in pages.paginate(AlarmNamePrefix=prefix(stack), AlarmTypes=["MetricAlarm"]) for alarm in page["MetricAlarms"]
        ]


def answer(rang: Idle, now: datetime) -> Answer:
    """Start the pause of an unused cluster, unless its tags or the ledger say otherwise by now. The pause looks again for queries."""
    name = rang.alarm.removeprefix(prefix(os.environ["STACK_NAME"]))
    seen = clusters.find(name)
    if seen is None or primary_status(seen.status) != "available":
        return Answer("nothing", f"{name} is {seen.status if seen else 'gone'}")
    minutes = _minutes(seen, now)
    if minutes is None:
        return Answer("nothing", f"{name} is not to be paused when it is idle any more")
    if was_just_resumed(list(fleet.resumes([seen.key], now - GRACE - _LONGEST_RESUME)), now):
        return Answer("nothing", f"{name} was resumed less than {GRACE.seconds // 60} minutes ago")
    given = {
        "warehouse": msgspec.to_builtins(seen.reference),
        "reason": f"nobody used it for {minutes} minutes",
        "when_busy": "skip",
        "drain_seconds": 0,
    }
    started = executions.start(os.environ["PAUSE_WAREHOUSE_ARN"], execution_name("idle", name, rang.rang_at), given)
    return Answer("started" if started else "nothing", given["reason"] if started else f"the pause of {name} was started before")


def _minutes(seen: Warehouse, now: datetime) -> int | None:
    try:
        schedule = schedule_of(follows(seen.tags), schedules.in_force().document)
    except InvalidInput:
        return None
    return idle_minutes(schedule, seen.tags, now)
