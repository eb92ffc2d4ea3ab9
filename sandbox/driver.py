"""Starting workflows from outside and waiting for their end, as a person with the console would."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.process import Sandbox

_POLL_SECONDS = 0.1
#: The stack's output that names each workflow's ARN.
OUTPUTS = {
    "provision_warehouse": "ProvisionWarehouseArn",
    "pause_warehouse": "PauseWarehouseArn",
    "resume_warehouse": "ResumeWarehouseArn",
    "run_sql": "RunSqlArn",
    "delete_warehouse": "DeleteWarehouseArn",
    "resize_warehouse": "ResizeWarehouseArn",
    "snapshot_warehouse": "SnapshotWarehouseArn",
    "clean_snapshots": "CleanSnapshotsArn",
    "secure_warehouse": "SecureWarehouseArn",
    "report_costs": "ReportCostsArn",
    "run_schedule": "RunScheduleArn",
    "configure_warehouse": "ConfigureWarehouseArn",
    "share_data": "ShareDataArn",
}


class StillRunningError(Exception):
    """An execution did not end in the time given; the message names the state it was in."""


@dataclass(frozen=True)
class Ended:
    """How an execution ended. `output` is its decoded output when it succeeded; `error` and `cause` say why it did not."""

    arn: str
    status: str
    output: dict[str, Any]
    error: str
    cause: str
    seconds: float

    @property
    def succeeded(self) -> bool:
        return self.status == "SUCCEEDED"


class Driver:
    """The workflows of a deployed stack."""

    def __init__(self, sandbox: Sandbox, outputs: Mapping[str, str]) -> None:
        self.sandbox, self.outputs = sandbox, outputs
        self._states = sandbox.observe("stepfunctions")

    def start(self, workflow: str, given: Mapping[str, Any]) -> str:
        """Start a workflow by its name, such as `pause_warehouse`; its execution's ARN."""
        arn = self.outputs[OUTPUTS[workflow]]
        return str(self._states.start_execution(stateMachineArn=arn, input=json.dumps(given))["executionArn"])

    def wait(self, arn: str, timeout_seconds: float = 120) -> Ended:
        """Wait until an execution has ended. Raises StillRunningError when it has not in that time."""
        deadline = time.monotonic() + timeout_seconds
        # ministack says how an execution ended a moment before it says when.
        while "stopDate" not in (seen := self._states.describe_execution(executionArn=arn)):
            if time.monotonic() > deadline:
                raise StillRunningError(f"{arn} still runs after {timeout_seconds:.0f} s, in {self.states(arn)[-1:]}")
            time.sleep(_POLL_SECONDS)
        return Ended(
            arn=arn,
            status=seen["status"],
            output=json.loads(seen.get("output") or "{}"),
            error=seen.get("error") or "",
            cause=seen.get("cause") or "",
            seconds=(seen["stopDate"] - seen["startDate"]).total_seconds(),
        )

    def run(self, workflow: str, given: Mapping[str, Any], timeout_seconds: float = 120) -> Ended:
        """Start a workflow and wait for its end."""
        return self.wait(self.start(workflow, given), timeout_seconds)

    def states(self, arn: str) -> list[str]:
        """The names of the states that an execution has entered, in order."""
        return [event["stateEnteredEventDetails"]["name"] for event in self.history(arn) if "stateEnteredEventDetails" in event]

    def history(self, arn: str) -> list[dict[str, Any]]:
        """All events of an execution's history."""
        pages = self._states.get_paginator("get_execution_history").paginate(executionArn=arn)
        return [event for page in pages for event in page["events"]]
