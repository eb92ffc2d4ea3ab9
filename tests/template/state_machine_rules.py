"""The house rules of workflows. Each rule is a function of a definition and returns what breaks it, in words; nothing when it holds."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import botocore.session
from jsonata import Jsonata
from jsonata.jexception import JException

from autopilot.domain import errors

State = dict[str, Any]
Definition = dict[str, Any]
Rule = Callable[[Definition], list[str]]

TERMINAL = {"Succeed", "Fail"}
#: States that can fail in a way that a Catch of their own can answer.
CATCHING = {"Task", "Parallel", "Map"}

#: Source: Step Functions guide, "Error names", and for Http the page on calling HTTPS APIs.
STATES_ERRORS = {
    "States.ALL",
    "States.BranchFailed",
    "States.DataLimitExceeded",
    "States.ExceedToleratedFailureThreshold",
    "States.HeartbeatTimeout",
    "States.IntrinsicFailure",
    "States.ItemReaderFailed",
    "States.NoChoiceMatched",
    "States.ParameterPathFailure",
    "States.Permissions",
    "States.QueryEvaluationError",
    "States.ResultPathMatchFailure",
    "States.ResultWriterFailed",
    "States.Runtime",
    "States.TaskFailed",
    "States.Timeout",
}
#: Matching these is no choice of transient errors: they stand for (nearly) all.
CATCH_ALLS = {"States.ALL", "States.TaskFailed"}
#: Telling twice harms nobody, so these may be retried whatever failed.
PUBLISHING = "arn:aws:states:::events:putEvents"
TELLING = (PUBLISHING, "arn:aws:states:::sns:publish")
#: A retry of these is the slow poll or a hint, not a transient failure: it needs neither a cap nor jitter.
LOOKS = {"States.HeartbeatTimeout", "LookAgain"}

#: How an error's prefix follows from the integration, and the service model that knows its exceptions. Optimized integrations write
#: some names in their own way; those of the AWS SDK are the SDK's name of the service in PascalCase.
PREFIXES = {
    "lambda": ("Lambda", "lambda"),
    "dynamodb": ("DynamoDB", "dynamodb"),
    "events": ("EventBridge", "events"),
    "sns": ("SNS", "sns"),
    "sqs": ("SQS", "sqs"),
    "states": ("StepFunctions", "stepfunctions"),
    "aws-sdk:dynamodb": ("DynamoDb", "dynamodb"),
    "aws-sdk:redshift": ("Redshift", "redshift"),
    "aws-sdk:redshiftdata": ("RedshiftData", "redshift-data"),
    "aws-sdk:redshiftserverless": ("RedshiftServerless", "redshift-serverless"),
    "aws-sdk:s3": ("S3", "s3"),
    "aws-sdk:sfn": ("Sfn", "stepfunctions"),
    "aws-sdk:sns": ("Sns", "sns"),
}
#: Names that no service model holds. Source: Step Functions guide, "Handle transient Lambda service exceptions" and "PutEvents".
CLIENT_ERRORS = {
    "Lambda": {"AWSLambdaException", "ClientExecutionTimeoutException", "SdkClientException", "Unknown"},
    "DynamoDB": {"AmazonDynamoDBException", "SdkClientException"},
    "EventBridge": {"FailedEntry", "SdkClientException"},
}


class Placed(NamedTuple):
    """A state with its name and the states it lies among."""

    name: str
    state: State
    scope: Definition


def scopes(definition: Definition) -> Iterator[Definition]:
    """The workflow itself, and every branch and map processor in it."""
    yield definition
    for state in definition["States"].values():
        inner = [*state.get("Branches", []), *(state[key] for key in ("ItemProcessor", "Iterator") if key in state)]
        for scope in inner:
            yield from scopes(scope)


def placed(definition: Definition) -> Iterator[Placed]:
    """Every state of the workflow, at any depth."""
    for scope in scopes(definition):
        for name, state in scope["States"].items():
            yield Placed(name, state, scope)


def tasks(definition: Definition) -> Iterator[Placed]:
    """Every Task, at any depth."""
    return (item for item in placed(definition) if item.state["Type"] == "Task")


def followers(state: State) -> list[str]:
    """The states that can come right after."""
    ways = [state, *state.get("Choices", []), *state.get("Catch", [])]
    default = [state["Default"]] if "Default" in state else []
    return [way["Next"] for way in ways if "Next" in way] + default


def reached(scope: Definition, start: str, follow: Callable[[str], list[str]] | None = None) -> set[str]:
    """The states that can come at or after `start`, by the ways that `follow` gives for a state: all, unless told."""
    follow = follow or (lambda name: followers(scope["States"][name]))
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += follow(name)
    return seen


def ends(state: State) -> bool:
    """Whether the scope can end with this state."""
    return state["Type"] in TERMINAL or bool(state.get("End"))


# --- Rules ------------------------------------------------------------------------------------------------------------


def says_what_it_is(definition: Definition) -> list[str]:
    """A workflow has a comment, a bounded time and the query language of the house."""
    missing = [f"the workflow has no {key}" for key in ("Comment", "TimeoutSeconds") if not definition.get(key)]
    if definition.get("QueryLanguage") != "JSONata":
        missing.append("the workflow's QueryLanguage is not JSONata")
    return missing


def tasks_are_bounded(definition: Definition) -> list[str]:
    """Every task ends by itself one day."""
    return [f"{name}: no TimeoutSeconds" for name, state, _ in tasks(definition) if not state.get("TimeoutSeconds")]


def waits_look_again(definition: Definition) -> list[str]:
    """A task that waits for a callback has a slow poll: a heartbeat shorter than its timeout, retried a bounded number of times."""
    broken = []
    for name, state, _ in tasks(definition):
        if not state["Resource"].endswith(".waitForTaskToken"):
            continue
        looks = [retry for retry in state.get("Retry", []) if "States.HeartbeatTimeout" in retry["ErrorEquals"]]
        heartbeat, timeout = state.get("HeartbeatSeconds"), state.get("TimeoutSeconds")
        if not heartbeat:
            broken.append(f"{name}: waits for a callback without HeartbeatSeconds")
        if isinstance(heartbeat, int) and isinstance(timeout, int) and heartbeat >= timeout:
            broken.append(f"{name}: HeartbeatSeconds {heartbeat} is not below TimeoutSeconds {timeout}")
        if not any("MaxAttempts" in retry for retry in looks):
            broken.append(f"{name}: no Retry of States.HeartbeatTimeout with MaxAttempts")
        told = state.get("Arguments", {}).get("Payload", {}).get("last_attempt")
        if told is not None and told not in [retry.get("MaxAttempts") for retry in looks]:
            broken.append(f"{name}: the function is told that attempt {told} is the last, the Retry says otherwise")
    return broken


def retries_are_named_and_gentle(definition: Definition) -> list[str]:
    """Only named errors are retried, spread out and with a longest pause."""
    broken = []
    for name, state, _ in placed(definition):
        for retry in state.get("Retry", []):
            allowed = {"States.TaskFailed"} if state.get("Resource") in TELLING else set[str]()
            broken += [f"{name}: retries {error}" for error in sorted((CATCH_ALLS - allowed) & set(retry["ErrorEquals"]))]
            if set(retry["ErrorEquals"]) <= LOOKS:
                continue
            if "MaxDelaySeconds" not in retry:
                broken.append(f"{name}: Retry of {retry['ErrorEquals']} without MaxDelaySeconds")
            if retry.get("JitterStrategy") != "FULL":
                broken.append(f"{name}: Retry of {retry['ErrorEquals']} without JitterStrategy FULL")
    return broken


def errors_exist(definition: Definition) -> list[str]:
    """Every error that is matched or raised is one of ours, of Step Functions, or of the service that the task calls."""
    broken = []
    for name, state, _ in placed(definition):
        known = STATES_ERRORS | _service_errors(state)
        matched = [error for matcher in [*state.get("Retry", []), *state.get("Catch", [])] for error in matcher["ErrorEquals"]]
        broken += [f"{name}: nothing raises {error}" for error in matched if error not in known and not _is_ours(error)]
        raised = state.get("Error", "") if state["Type"] == "Fail" else ""
        if raised and not _is_expression(raised) and not _is_ours(raised):
            broken.append(f"{name}: fails with {raised}, which is not in autopilot.domain.errors")
    return broken


def _is_ours(error: str) -> bool:
    found = getattr(errors, error, None)
    return isinstance(found, type) and issubclass(found, errors.AutopilotError)


def _service_errors(state: State) -> set[str]:
    """What the called service can answer, as Step Functions names it; of every task inside where the state is no task itself."""
    if state["Type"] in {"Parallel", "Map"}:
        inner = [*state.get("Branches", []), *(state[key] for key in ("ItemProcessor", "Iterator") if key in state)]
        return {error for scope in inner for task in tasks(scope) for error in _service_errors(task.state)}
    integration = re.fullmatch(r"arn:[^:]+:states:::((?:aws-sdk:)?\w+):(\w+).*", state.get("Resource", ""))
    if integration is None or integration[1] not in PREFIXES:
        return set()
    prefix, service = PREFIXES[integration[1]]
    operation = integration[2][0].upper() + integration[2][1:]
    names = _modelled_errors(service, operation) | CLIENT_ERRORS.get(prefix, {"SdkClientException", f"{prefix}Exception"})
    # What a function that ran into its own timeout fails with is named after Lambda's runtime, not after its API.
    timed_out = {"Sandbox.Timedout"} if prefix == "Lambda" else set()
    return {f"{prefix}.{name}" for name in names} | timed_out


@functools.cache
def _modelled_errors(service: str, operation: str) -> set[str]:
    model = botocore.session.get_session().get_service_model(service)
    if operation not in model.operation_names:
        return set()
    return {_java_name(shape.name) for shape in model.operation_model(operation).error_shapes}


def _java_name(shape: str) -> str:
    """Step Functions calls services by the Java SDK, where every error's name ends with Exception."""
    return shape.removesuffix("Fault").removesuffix("Exception") + "Exception"


def states_are_reachable(definition: Definition) -> list[str]:
    """No state is left over from a change."""
    return [
        f"{name}: cannot be reached"
        for scope in scopes(definition)
        for name in sorted(set(scope["States"]) - reached(scope, scope["StartAt"]))
    ]


def locks_are_released(definition: Definition) -> list[str]:
    """Every way from `Take Lock` to an end goes through a state named `Release Lock ...`, errors included."""
    broken = []
    for scope in scopes(definition):
        if "Take Lock" not in scope["States"]:
            continue
        for name in sorted(_with_lock_held(scope)):
            state = scope["States"][name]
            if ends(state):
                broken.append(f"{name}: ends the workflow while the lock is held")
            if state["Type"] in CATCHING and not _catches_all(state):
                broken.append(f"{name}: an error there ends the workflow while the lock is held")
    return broken


def _with_lock_held(scope: Definition) -> set[str]:
    """The states that can come after the lock was taken and before the try to release it."""

    def follow(name: str) -> list[str]:
        if name.startswith("Release Lock"):
            return []
        state = scope["States"][name]
        # A failure handler that is shared with the time before the lock may ask whether a variable exists.
        for choice in state.get("Choices", []):
            asked = re.fullmatch(r"{%\s*\$exists\(\$(\w+)\)\s*%}", choice.get("Condition", ""))
            if asked and _is_assigned_before_lock(scope, asked[1]):
                return [choice["Next"]]
        return followers(state)

    return {name for name in reached(scope, scope["States"]["Take Lock"]["Next"], follow) if not name.startswith("Release Lock")}


def _is_assigned_before_lock(scope: Definition, variable: str) -> bool:
    """Whether no way leads to `Take Lock` without assigning the variable."""

    def follow(name: str) -> list[str]:
        state = scope["States"][name]
        # A state assigns when it succeeds, not when its error is caught.
        return [catch["Next"] for catch in state.get("Catch", [])] if variable in state.get("Assign", {}) else followers(state)

    return "Take Lock" not in reached(scope, scope["StartAt"], follow)


def _catches_all(state: State) -> bool:
    return any("States.ALL" in catch["ErrorEquals"] for catch in state.get("Catch", []))


def ends_are_published(definition: Definition) -> list[str]:
    """Every way to an end goes through the event that says how it ended, with a `message` for people and whether to `notify` them.

    A dry run ends in `Report Plan`: it changed nothing and answers whoever asked.
    """

    def follow(name: str) -> list[str]:
        return [] if name == "Report Plan" or states[name].get("Resource") == PUBLISHING else followers(states[name])

    states = definition["States"]
    silent = reached(definition, definition["StartAt"], follow)
    broken = [f"{name}: ends the workflow without an event" for name in sorted(silent) if ends(states[name]) and name != "Report Plan"]
    for name, state, _ in tasks(definition):
        if state["Resource"] == PUBLISHING:
            detail = json.dumps(state.get("Arguments", {}).get("Entries", []))
            broken += [
                f"{name}: the event has no {field}" for field in ("message", "notify") if not re.search(rf"[\"']{field}[\"']", detail)
            ]
    return broken


def expressions_parse(definition: Definition) -> list[str]:
    """Every JSONata expression is one, and fills its string: Step Functions takes anything else as plain text."""
    broken = []
    for where, text in _strings(definition):
        if _is_expression(text):
            try:
                Jsonata.jsonata(text[2:-2].strip())
            except JException as error:
                broken.append(f"{where}: {error} in {text}")
        elif "{%" in text or "%}" in text:
            broken.append(f"{where}: an expression must be the whole string: {text}")
    return broken


def _is_expression(text: str) -> bool:
    return text.startswith("{%") and text.endswith("%}")


def _strings(value: object, where: str = "") -> Iterator[tuple[str, str]]:
    match value:
        case str():
            yield where, value
        case dict():
            for key, inner in value.items():
                yield from _strings(inner, f"{where}/{key}")
        case list():
            for index, inner in enumerate(value):
                yield from _strings(inner, f"{where}/{index}")


RULES: list[Rule] = [
    says_what_it_is,
    tasks_are_bounded,
    waits_look_again,
    retries_are_named_and_gentle,
    errors_exist,
    states_are_reachable,
    locks_are_released,
    ends_are_published,
    expressions_parse,
]
