"""Step Functions executions: whether one still runs, and the answers to the tasks that wait in it."""

from __future__ import annotations

from typing import Any

import msgspec

from autopilot.aws.clients import call
from autopilot.domain.errors import AutopilotError

LOOK = ("states:DescribeExecution",)
START = ("states:StartExecution",)
ANSWER = ("states:SendTaskSuccess", "states:SendTaskFailure")
#: The task timed out, was answered before, or its execution has ended. Source: SendTaskSuccess, SendTaskFailure.
_TOO_LATE = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})
_MAX_CAUSE = 32_000


def status(execution: str) -> str | None:
    """AWS's word for how an execution stands, or None for one that AWS does not know. Source: DescribeExecution."""
    try:
        return str(call("stepfunctions", "describe_execution", f"describe execution {execution}", executionArn=execution)["status"])
    except AutopilotError as error:
        if error.code not in {"ExecutionDoesNotExist", "InvalidArn"}:
            raise
        return None


def is_running(execution: str) -> bool:
    """Whether the execution can still write. One that AWS no longer knows cannot."""
    return status(execution) in {"RUNNING", "PENDING_REDRIVE"}


def start(machine: str, name: str, given: dict[str, Any]) -> bool:
    """Start an execution of that name; False when there was one before. Source: StartExecution."""
    try:
        call(
            "stepfunctions",
            "start_execution",
            f"start {name} of {machine}",
            stateMachineArn=machine,
            name=name,
            input=msgspec.json.encode(given).decode(),
        )
    except AutopilotError as error:
        if error.code != "ExecutionAlreadyExists":
            raise
        return False
    return True


def succeed(token: str, output: object) -> bool:
    """Answer a waiting task; False if it waits no longer. Source: SendTaskSuccess."""
    return _answer("send_task_success", taskToken=token, output=msgspec.json.encode(output).decode())


def fail(token: str, error: str, cause: str) -> bool:
    """Fail a waiting task with an error name of `domain.errors`; False if it waits no longer. Source: SendTaskFailure."""
    return _answer("send_task_failure", taskToken=token, error=error, cause=cause[:_MAX_CAUSE])


def _answer(operation: str, **arguments: str) -> bool:
    try:
        call("stepfunctions", operation, "answer a waiting task", **arguments)
    except AutopilotError as error:
        if error.code not in _TOO_LATE:
            raise
        return False
    return True
