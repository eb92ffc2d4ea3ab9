"""Clean up snapshots by rules: say what would go and why the rest stays, then delete what may go."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import assert_never

from autopilot.aws import snapshot_cleaning
from autopilot.domain.inputs import CleanInput, decode
from autopilot.domain.retention import tally
from autopilot.domain.steps import CleanPlan, CleanSnapshots, Look
from autopilot.runtime.handler import handler

PERMISSIONS = snapshot_cleaning.PERMISSIONS


@handler(Look | CleanSnapshots)
def handle(call: Look | CleanSnapshots) -> CleanPlan | snapshot_cleaning.Cleaned:
    """The steps of `clean_snapshots` that need a decision."""
    match call:
        case Look():
            return look(decode(CleanInput, call.input), call.execution)
        case CleanSnapshots():
            account = call.execution.split(":")[4]
            return snapshot_cleaning.clean(decode(CleanInput, call.input), call.started_at, account, call.failed)
        case _:
            assert_never(call)


def look(asked: CleanInput, execution: str) -> CleanPlan:
    """What would go and what stays; every verdict stands in the report."""
    judged = snapshot_cleaning.verdicts(asked, datetime.now(UTC), execution.split(":")[4])
    return CleanPlan.of_verdicts(judged, tally(judged), asked, snapshot_cleaning.write_report(judged, execution))
