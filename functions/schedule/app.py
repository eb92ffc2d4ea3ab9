"""Run schedules: make the document into entries, find who is due and what is to be done, and keep and sum up what was done."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, assert_never

from autopilot.aws import fleet, fleet_runs, schedules
from autopilot.domain.fleet import Compile, Count, Record, RunScheduleInput, follows
from autopilot.domain.inputs import decode
from autopilot.domain.steps import Look
from autopilot.runtime.handler import handler

PERMISSIONS = fleet_runs.PERMISSIONS


@handler(Look | Compile | Record | Count)
def handle(call: Look | Compile | Record | Count) -> Any:
    """The steps of `run_schedule`, and what a changed document asks for."""
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
        case _:
            assert_never(call)
