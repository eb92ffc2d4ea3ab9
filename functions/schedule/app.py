"""Run schedules: make the document into entries, find who is due and what is to be done, and keep and sum up what was done."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, assert_never

from autopilot.aws import fleet, fleet_runs, idle, schedules
from autopilot.domain.fleet import Compile, Count, Record, RunScheduleInput, follows
from autopilot.domain.idle import Idle
from autopilot.domain.inputs import decode
from autopilot.domain.steps import Look
from autopilot.runtime.handler import handler

PERMISSIONS = fleet_runs.PERMISSIONS


@handler(Look | Compile | Record | Count | Idle)
def handle(call: Look | Compile | Record | Count | Idle) -> Any:
    """The steps of `run_schedule`, and what a changed document or an alarm on an idle cluster asks for."""
    now = datetime.now(UTC)
    match call:
        case Look():
            return fleet_runs.look(decode(RunScheduleInput, call.input), call.execution, now)
        case Compile():
            return schedules.compile_document(follows(seen.tags) for seen in fleet.scheduled())
        case Record():
            return fleet_runs.record(call)
        case Count():
            return fleet_runs.count(call, now)
        case Idle():
            return idle.answer(call, now)
        case _:
            assert_never(call)
