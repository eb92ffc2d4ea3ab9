"""How one Task state runs, as AWS runs it. Replaces ministack's own runner (see `fidelity.task_states`).

What ministack's runner does otherwise: one task token for all attempts of a state; no HeartbeatSeconds; time-outs only as
numbers; a function that fails does not fail the task that waits for its token; Retry without MaxDelaySeconds and
JitterStrategy; and a stopped execution goes on retrying.
"""

from __future__ import annotations

import base64
import json
import os
import random
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import stepfunctions as sfn

from sandbox.hosting import gateway

State = dict[str, Any]
Execution = dict[str, Any]
Context = dict[str, Any]

# How soon a waiting task notices that it was stopped, timed out or sent a heartbeat.
_GLANCE_SECONDS = 0.05
# What a state's input, output or task result may have at most.
_PAYLOAD_BYTES = 262_144
_ONE_YEAR = 31_536_000.0

# The execution that the present thread works for; empty outside of one.
running_execution: ContextVar[str] = ContextVar("sandbox_running_execution", default="")


class ExecutionEnded(sfn._ExecutionError):  # type: ignore[misc]  # ministack is untyped
    """Unwinds the threads of an execution that was stopped or timed out; nothing may retry or catch it."""

    def __init__(self) -> None:
        super().__init__("States.Runtime", "the execution has ended")


class Tokens:
    """Which task tokens were ever given out, so that an answer that comes too late is told apart from nonsense."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._retired: set[str] = set()

    def give(self) -> tuple[str, State]:
        """A new token and the record on which its answer will arrive."""
        token = base64.b64encode(os.urandom(480)).decode()
        record: State = {"event": threading.Event(), "result": None, "error": None, "heartbeat": None}
        sfn._task_tokens[token] = record
        return token, record

    def retire(self, token: str) -> None:
        with self._lock:
            sfn._task_tokens.pop(token, None)
            self._retired.add(token)

    def answer(self, token: str, member: str, value: Any) -> tuple[int, dict[str, str], bytes]:
        """Put an answer on the record of a token that is still waited for; the error AWS sends when it is not."""
        with self._lock:
            record = sfn._task_tokens.get(token)
            if record is None and token not in self._retired:
                return _error("InvalidToken", "Invalid Token: 'Invalid token'")
            if record is None or record["event"].is_set():
                return _error("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
            record[member] = value
            if member != "heartbeat":
                record["event"].set()
        done: tuple[int, dict[str, str], bytes] = json_response({})
        return done

    def fail(self, record: State, error: str, cause: str) -> None:
        """The call that should have sent the token out failed; an answer that came before counts more."""
        with self._lock:
            if not record["event"].is_set():
                record["error"] = {"Error": error, "Cause": cause}
                record["event"].set()


tokens = Tokens()


def send_task_success(request: State) -> tuple[int, dict[str, str], bytes]:
    """SendTaskSuccess."""
    output = request.get("output", "")
    try:
        json.loads(output)
    except ValueError:
        return _error("InvalidOutput", "Invalid Output: 'The output is not valid JSON'")
    return tokens.answer(request.get("taskToken", ""), "result", output)


def send_task_failure(request: State) -> tuple[int, dict[str, str], bytes]:
    """SendTaskFailure."""
    failure = {"Error": request.get("error") or "", "Cause": request.get("cause") or ""}
    return tokens.answer(request.get("taskToken", ""), "error", failure)


def send_task_heartbeat(request: State) -> tuple[int, dict[str, str], bytes]:
    """SendTaskHeartbeat."""
    return tokens.answer(request.get("taskToken", ""), "heartbeat", time.monotonic())


def _error(code: str, message: str) -> tuple[int, dict[str, str], bytes]:
    answer: tuple[int, dict[str, str], bytes] = error_response_json(code, message, 400)
    return answer


def pause(seconds: float) -> None:
    """Sleep for a Wait state or between attempts, scaled by SFN_WAIT_SCALE, and end at once with the execution."""
    until = time.monotonic() + seconds * sfn._SFN_WAIT_SCALE
    while (left := until - time.monotonic()) > 0:
        check_running(running_execution.get())
        time.sleep(min(left, _GLANCE_SECONDS))
    check_running(running_execution.get())


def check_running(execution_arn: str) -> None:
    """Raise ExecutionEnded when the execution is no longer running."""
    execution = sfn._executions.get(execution_arn)
    if execution is not None and execution["status"] != "RUNNING":
        raise ExecutionEnded


def retry_delay(retrier: State, retries_so_far: int, chance: Callable[[], float] = random.random) -> float:
    """Seconds before the next attempt: interval times backoff, at most MaxDelaySeconds, drawn from below it when jitter is FULL."""
    delay = float(retrier.get("IntervalSeconds", 1)) * float(retrier.get("BackoffRate", 2.0)) ** retries_so_far
    delay = min(delay, float(retrier.get("MaxDelaySeconds", _ONE_YEAR)))
    return delay * chance() if retrier.get("JitterStrategy") == "FULL" else delay


def with_retry_and_catch(
    state: State, raw_input: Any, context: Context, attempt: Callable[[], tuple[Any, str | None]]
) -> tuple[Any, str | None]:
    """Run attempts of a Task, Parallel or Map state until one succeeds, a Catch takes the error, or the error is final."""
    entered = context["State"]
    retries: dict[int, int] = {}
    while True:
        context["State"] = {**entered, "RetryCount": sum(retries.values())}
        try:
            return attempt()
        except ExecutionEnded:
            raise
        except sfn._ExecutionError as error:
            check_running(running_execution.get())
            retrier, index = sfn._find_matching_retrier(state.get("Retry", []), error.error, retries)
            if retrier is None:
                return _catch(state, raw_input, context, error)
            pause(retry_delay(retrier, retries.get(index, 0)))
            retries[index] = retries.get(index, 0) + 1


def _catch(state: State, raw_input: Any, context: Context, error: Any) -> tuple[Any, str | None]:
    catcher = sfn._find_matching_catcher(state.get("Catch", []), error.error)
    if catcher is None:
        raise error
    language = sfn._state_query_language(state, context)
    output = sfn._apply_catcher(catcher, raw_input, context, language, {"Error": error.error, "Cause": error.cause})
    return output, catcher["Next"]


def execute_task(state: State, raw_input: Any, execution: Execution, context: Context) -> tuple[Any, str | None]:
    """Run one Task state to its output and the name of the next state."""
    gateway.acting_role.set(_role_of(execution))
    return with_retry_and_catch(state, raw_input, context, lambda: _attempt(state, raw_input, execution, context))


def _role_of(execution: Execution) -> str:
    # The child of a Distributed Map names its machine `<machine>/<label>` and acts with that machine's role.
    machine = sfn._state_machines.get(execution["stateMachineArn"].partition("/")[0])
    return machine["roleArn"] if machine else ""


def _attempt(state: State, raw_input: Any, execution: Execution, context: Context) -> tuple[Any, str | None]:
    check_running(running_execution.get())
    if ".waitForTaskToken" not in state["Resource"]:
        return _run(state, raw_input, execution, context, lambda request: _call(state, request, raw_input, context))
    token, record = tokens.give()
    context["Task"] = {"Token": token}
    try:
        return _run(state, raw_input, execution, context, lambda request: _call_back(state, request, raw_input, context, execution, record))
    finally:
        tokens.retire(token)


def _run(state: State, raw_input: Any, execution: Execution, context: Context, call: Callable[[Any], Any]) -> tuple[Any, str | None]:
    """One attempt with its events in the history: the request is made from the state's arguments, the output from the result."""
    resource = state["Resource"]
    names = {"resourceType": _resource_type(resource), "resource": resource.rpartition(":::")[2].partition(":")[2] or resource}
    try:
        request = _request(state, raw_input, context)
        scheduled = {**names, "region": resource.split(":")[3], "parameters": json.dumps(request)}
        sfn._add_event(execution, "TaskScheduled", {"taskScheduledEventDetails": scheduled})
        sfn._add_event(execution, "TaskStarted", {"taskStartedEventDetails": names})
        result = _within_limit(call(request))
        sfn._add_event(execution, "TaskSucceeded", {"taskSucceededEventDetails": {**names, "output": json.dumps(result)}})
        return _within_limit(_output(state, raw_input, context, result)), sfn._next_or_end(state)
    except ExecutionEnded:
        raise
    except sfn._ExecutionError as error:
        details = {**names, "error": error.error, "cause": error.cause}
        if error.error in ("States.Timeout", "States.HeartbeatTimeout"):
            sfn._add_event(execution, "TaskTimedOut", {"taskTimedOutEventDetails": details})
        else:
            sfn._add_event(execution, "TaskFailed", {"taskFailedEventDetails": details})
        raise


def _within_limit(value: Any) -> Any:
    if len(json.dumps(value).encode()) > _PAYLOAD_BYTES:
        raise sfn._ExecutionError("States.DataLimitExceeded", f"The state/task returned a result larger than {_PAYLOAD_BYTES} bytes")
    return value


def _resource_type(resource: str) -> str:
    if resource.startswith("arn:aws:states:::"):
        return resource.removeprefix("arn:aws:states:::").rpartition(":")[0]
    return "activity" if ":activity:" in resource else "lambda"


def _request(state: State, raw_input: Any, context: Context) -> Any:
    if sfn._state_query_language(state, context) == "JSONata":
        return sfn._apply_jsonata_arguments(state, raw_input, context)
    return sfn._apply_parameters(state, sfn._apply_input_path(state, raw_input, context), context)


def _output(state: State, raw_input: Any, context: Context, result: Any) -> Any:
    if sfn._state_query_language(state, context) == "JSONata":
        output = sfn._apply_jsonata_output(state, raw_input, context, result=result, default=result)
        sfn._apply_state_assign(state, raw_input, context, result=result)
        return output
    selected = sfn._apply_result_selector(state, result)
    return sfn._apply_output_path(state, sfn._apply_result_path(state, raw_input, selected), context)


def _call(state: State, request: Any, raw_input: Any, context: Context) -> Any:
    timeout = _seconds(state, "TimeoutSeconds", raw_input, context)
    # An activity's time-out begins when a worker takes the task, which ministack sees to itself.
    if timeout is None or ":activity:" in state["Resource"]:
        return sfn._invoke_resource(state["Resource"], request)
    return sfn._invoke_resource_with_timeout(state["Resource"], request, timeout)


def _call_back(state: State, request: Any, raw_input: Any, context: Context, execution: Execution, record: State) -> Any:
    """Send the token out, then wait for the answer. The call runs beside the wait, for the answer may come before it returns."""
    timeout = _seconds(state, "TimeoutSeconds", raw_input, context)
    heartbeat = _seconds(state, "HeartbeatSeconds", raw_input, context)
    resource = state["Resource"].replace(".waitForTaskToken", "")
    _in_thread(lambda: _send(resource, request, record))
    sfn._add_event(execution, "TaskSubmitted", {"taskSubmittedEventDetails": {"resourceType": _resource_type(resource)}})
    _wait(record, timeout, heartbeat)
    if record["error"] is not None:
        raise sfn._ExecutionError(record["error"]["Error"], record["error"]["Cause"])
    return json.loads(record["result"])


def _send(resource: str, request: Any, record: State) -> None:
    try:
        sfn._invoke_resource(resource, request)
    except sfn._ExecutionError as error:
        tokens.fail(record, error.error, error.cause)
    except Exception as error:
        # A defect of ministack must fail the task that meets it, not leave it waiting for ever.
        tokens.fail(record, "States.Runtime", f"{type(error).__name__}: {error}")
        raise


def _wait(record: State, timeout: float | None, heartbeat: float | None) -> None:
    started = time.monotonic()
    answered: threading.Event = record["event"]
    while not answered.wait(_GLANCE_SECONDS):
        check_running(running_execution.get())
        now = time.monotonic()
        if timeout is not None and now - started >= timeout:
            raise sfn._ExecutionError("States.Timeout", "")
        if heartbeat is not None and now - max(started, record["heartbeat"] or 0.0) >= heartbeat:
            raise sfn._ExecutionError("States.HeartbeatTimeout", "")


def _in_thread(work: Callable[[], None]) -> None:
    threading.Thread(target=copy_context().run, args=(work,), daemon=True).start()


def _seconds(state: State, field: str, raw_input: Any, context: Context) -> float | None:
    """A time-out of the state in seconds: a number, a JSONata expression, or a JSONPath in `<field>Path`."""
    if path := state.get(f"{field}Path"):
        return float(sfn._resolve_path_or_ctx(path, raw_input, context))
    if field not in state:
        return None
    if sfn._state_query_language(state, context) == "JSONata":
        return float(sfn._jsonata_state_field(state, field, "number", raw_input, context))
    return float(state[field])
