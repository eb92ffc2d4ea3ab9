"""Executions that other executions start, and the names of executions, as Step Functions keeps them.

What ministack does otherwise: `startExecution.sync` runs the child as an Express workflow inside the task, fails with words instead of the
child's description, outlives a task that was stopped, and asks for no right to watch; and a second StartExecution of the same name and input
is refused even while the first one runs.
"""

from __future__ import annotations

import json
import time
from typing import Any

from ministack.core.responses import get_account_id, get_region, json_response
from ministack.services import stepfunctions as sfn

from sandbox.hosting import gateway, task_state
from sandbox.world import World

Json = dict[str, Any]

_GLANCE_SECONDS = 0.05
#: By this rule Step Functions learns of the child's end. Source: Step Functions guide, "IAM policies for calling Step Functions".
_RULE = "StepFunctionsGetEventsForStepFunctionsExecutionRule"


def apply(world: World) -> None:
    """Put it in place, once per process, after the patches that it builds on."""
    same_name_and_input()
    start_and_wait(world)


def same_name_and_input() -> None:
    """StartExecution of a name that runs with the same input answers with that execution; of any other known name it is refused."""
    start = sfn._start_execution

    def start_execution(request: Json) -> Any:
        machine = sfn._state_machines.get(sfn._resolve_state_machine_arn(request.get("stateMachineArn", "")) or "")
        name = request.get("name")
        arn = f"arn:aws:states:{get_region()}:{get_account_id()}:execution:{machine['name']}:{name}" if machine and name else ""
        running = sfn._executions.get(arn)
        if running and running["status"] == "RUNNING" and running["input"] == request.get("input", "{}"):
            return json_response({"executionArn": arn, "startDate": running["startDate"]})
        return start(request)

    sfn._start_execution = start_execution


def start_and_wait(world: World) -> None:
    """`startExecution.sync` (`.sync:2` decodes the output) starts a standard execution, waits for its end, and stops it with its own task."""

    def start_sync(resource: str, request: Any) -> Any:
        _check_rights(world, str(request.get("StateMachineArn") or ""))
        status, _, body = sfn._start_execution(sfn._nested_start_execution_request(request))
        answer = json.loads(body)
        if status >= 400:
            raise sfn._ExecutionError(f"StepFunctions.{answer['__type']}Exception", answer.get("message", ""))
        child = sfn._executions[answer["executionArn"]]
        _wait(child)
        ended = described(child)
        if child["status"] != "SUCCEEDED":
            raise sfn._ExecutionError("States.TaskFailed", json.dumps(ended))
        if resource.endswith(".sync:2"):
            ended["Output"] = json.loads(ended["Output"])
        return ended

    def start_only(_resource: str, request: Any) -> Any:
        _allowed(str(request.get("StateMachineArn") or ""), "states:StartExecution")
        world.faults.check("states", "StartExecution")
        status, _, body = sfn._start_execution(sfn._nested_start_execution_request(request))
        answer = json.loads(body)
        if status >= 400:
            raise sfn._ExecutionError(f"StepFunctions.{answer['__type']}Exception", answer.get("message", ""))
        return {"ExecutionArn": answer["executionArn"], "StartDate": answer["startDate"]}

    sfn._invoke_nested_start_execution_sync = start_sync
    sfn._invoke_nested_start_execution = start_only


def _check_rights(world: World, machine: str) -> None:
    from sandbox.hosting import fidelity

    fidelity._check_integration(world, "states", "StartExecution", "states:StartExecution", [machine])
    executions = machine.replace(":stateMachine:", ":execution:") + ":*"
    rule = f"arn:aws:events:{get_region()}:{get_account_id()}:rule/{_RULE}"
    for action, arn in [
        ("states:DescribeExecution", executions),
        ("states:StopExecution", executions),
        *((f"events:{name}", rule) for name in ("PutTargets", "PutRule", "DescribeRule")),
    ]:
        _allowed(arn, action)


def _allowed(arn: str, action: str) -> None:
    role = gateway.acting_role.get()
    principal = gateway.session_arn(role) if role else ""
    if principal and not gateway.allowed(principal, action, arn):
        cause = f"User: {principal} is not authorized to perform: {action} on resource: {arn} (Error Code: AccessDeniedException)"
        raise sfn._ExecutionError("StepFunctions.AWSStepFunctionsException", cause)


def _wait(child: Json) -> None:
    while child["status"] == "RUNNING":
        try:
            task_state.check_running(task_state.running_execution.get())
        except task_state.ExecutionEnded:
            sfn._stop_execution({"executionArn": child["executionArn"], "cause": "The execution that started it was stopped"})
            raise
        time.sleep(_GLANCE_SECONDS)


def described(child: Json) -> Json:
    """What DescribeExecution says, under the names of the Java SDK."""
    known = {
        "ExecutionArn": child["executionArn"],
        "Input": child["input"],
        "InputDetails": {"Included": True},
        "Name": child["name"],
        "StartDate": child["startDate"],
        "StateMachineArn": child["stateMachineArn"],
        "Status": child["status"],
        "StopDate": child["stopDate"],
    }
    if child["status"] == "SUCCEEDED":
        return {**known, "Output": child["output"], "OutputDetails": {"Included": True}}
    return known | {name: child[key] for name, key in (("Error", "error"), ("Cause", "cause")) if child.get(key)}
