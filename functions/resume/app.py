"""Resume a cluster: look and decide, then start the resume."""

from __future__ import annotations

from typing import assert_never

from autopilot.aws import clusters, warehouses
from autopilot.domain.decisions import Decision, carried_out, decide_resume
from autopilot.domain.inputs import ResumeInput, decode, reference_of
from autopilot.domain.steps import Act, Look, Plan
from autopilot.runtime.handler import handler

PERMISSIONS = (*warehouses.LOOK, *clusters.RESUME)


@handler(Look | Act)
def handle(call: Look | Act) -> Plan | Decision:
    """The steps of `resume_warehouse` that need a decision."""
    match call:
        case Look():
            return look(decode(ResumeInput, call.input))
        case Act():
            return act(call)
        case _:
            assert_never(call)


def look(asked: ResumeInput) -> Plan:
    """What would be done, and why."""
    seen = warehouses.get(reference_of(asked.warehouse))
    return Plan.of(seen, decide_resume(seen), asked)


def act(call: Act) -> Decision:
    """Look again, then resume what is still paused."""
    decision = carried_out(decide_resume(warehouses.get(call.warehouse)))
    if decision.action == "resume":
        clusters.resume(call.warehouse.name)
    return decision
