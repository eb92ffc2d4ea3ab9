"""EventBridge Scheduler's API: pages, tokens, limits and roles. When schedules fire stands in `fidelity.schedules`.

What ministack does otherwise: ListSchedules gives one page and ignores its token; nothing is idempotent by ClientToken; names, groups,
windows, inputs and retry policies of any kind are taken; the role is neither checked for who may pass it nor for who may assume it; and IAM
is asked about every schedule as if it were in the default group.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import request_scope
from ministack.services import iam, scheduler

from sandbox.hosting import gateway

Json = dict[str, Any]
Answer = tuple[int, Json, bytes]

#: Source: EventBridge Scheduler API reference, CreateSchedule and its types.
_NAME = re.compile(r"[0-9a-zA-Z\-_.]{1,64}")
_PAGE = 100
_LONGEST_AGE, _SHORTEST_AGE, _MOST_ATTEMPTS = 86_400, 60, 185


def apply() -> None:
    """Put it in place, once per process, after `fidelity.schedules`."""
    tokens: dict[tuple[str, str, str], Json] = {}
    scheduler._create_schedule = _checked(scheduler._create_schedule, tokens, "create")
    scheduler._update_schedule = _checked(scheduler._update_schedule, tokens, "update")
    scheduler._list_schedules = _paged(scheduler._list_schedules, "Schedules")
    scheduler._list_schedule_groups = _paged(scheduler._list_schedule_groups, "ScheduleGroups")
    _resources()


def _resources() -> None:
    """What IAM is asked about: the schedule in its own group; lists take no resource. Source: service authorization reference."""
    known = iam_actions.extract_resource_arn

    def extract(  # noqa: PLR0913, PLR0917 - ministack's signature
        service: str, method: str, path: str, headers: Any, body: bytes, query: Any, region: str, account: str
    ) -> str:
        if service != "scheduler" or not path.startswith("/schedules/"):
            return str(known(service, method, path, headers, body, query, region, account))
        asked = json.loads(body).get("GroupName") if body else query.get("groupName")
        group = (asked[0] if isinstance(asked, list) else asked) or "default"
        return f"arn:aws:scheduler:{region}:{account}:schedule/{group}/{path.removeprefix('/schedules/')}"

    iam_actions.extract_resource_arn = extract


def _checked(write: Callable[[str, Json], Answer], tokens: dict[tuple[str, str, str], Json], verb: str) -> Callable[[str, Json], Answer]:
    def handle(name: str, body: Json) -> Answer:
        if problem := _problem(name, body):
            return _refuse("ValidationException", problem)
        refused = _role_refused(body["Target"]["RoleArn"])
        if refused:
            return refused
        token = body.get("ClientToken")
        key = (verb, f"{body.get('GroupName', 'default')}/{name}", str(token))
        if token and tokens.get(key) == body and key[1] in scheduler._schedules:
            return _ok({"ScheduleArn": scheduler._schedules[key[1]]["Arn"]})
        answer = write(name, body)
        if token and answer[0] == 200:
            tokens[key] = body
        return answer

    return handle


def _problem(name: str, body: Json) -> str:
    """What is wrong with a schedule, or an empty text. What ministack checks itself is left to it."""
    window, target = body.get("FlexibleTimeWindow") or {}, body.get("Target") or {}
    retry = target.get("RetryPolicy") or {}
    if not _NAME.fullmatch(name):
        return f"Value '{name}' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: {_NAME.pattern}"
    if window.get("Mode") not in {"OFF", "FLEXIBLE"} or (window["Mode"] == "OFF") == ("MaximumWindowInMinutes" in window):
        return "Invalid FlexibleTimeWindow: MaximumWindowInMinutes goes with the mode FLEXIBLE, and with no other."
    if not target.get("Arn") or not target.get("RoleArn"):
        return "Target Arn and RoleArn are required."
    if not _SHORTEST_AGE <= retry.get("MaximumEventAgeInSeconds", _LONGEST_AGE) <= _LONGEST_AGE:
        return f"Value at 'target.retryPolicy.maximumEventAgeInSeconds' must be between {_SHORTEST_AGE} and {_LONGEST_AGE}"
    if not 0 <= retry.get("MaximumRetryAttempts", _MOST_ATTEMPTS) <= _MOST_ATTEMPTS:
        return f"Value at 'target.retryPolicy.maximumRetryAttempts' must be between 0 and {_MOST_ATTEMPTS}"
    return _input_problem(target)


def _input_problem(target: Json) -> str:
    """Step Functions and Lambda take JSON. Context attributes stand inside texts, so they do not disturb."""
    if target.get("Input") and target["Arn"].split(":")[2] in {"states", "lambda"}:
        try:
            json.loads(target["Input"])
        except ValueError:
            return f"Invalid Input for target {target['Arn']}: it is not JSON."
    return ""


def _role_refused(role: str) -> Answer | None:
    """The refusal when the caller may not pass the role, or Scheduler may not assume it."""
    caller = gateway.session_arn(gateway.acting_role.get()) if gateway.acting_role.get() else iam_evaluator.caller_arn()
    if not gateway.allowed(caller, "iam:PassRole", role, passedtoservice="scheduler.amazonaws.com"):
        return _refuse("AccessDeniedException", f"User: {caller} is not authorized to perform: iam:PassRole on resource: {role}", 403)
    with request_scope(role.split(":")[4], scheduler.get_region()):
        known = iam._roles.get(role.rpartition("/")[2])
    trust = json.dumps(known.get("AssumeRolePolicyDocument")) if known else ""
    if "scheduler.amazonaws.com" not in trust:
        return _refuse("ValidationException", "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")
    return None


def _paged(collect: Callable[[Json], Answer], member: str) -> Callable[[Json], Answer]:
    def handle(query: Json) -> Answer:
        size = int(query.get("MaxResults", _PAGE))
        if not 1 <= size <= _PAGE:
            return _refuse("ValidationException", f"Value '{size}' at 'maxResults' failed to satisfy constraint: between 1 and {_PAGE}")
        group = query.get("ScheduleGroup")
        if group and group != "default" and group not in scheduler._schedule_groups:
            return _refuse("ResourceNotFoundException", f"Schedule group {group} does not exist.", 404)
        _, _, body = collect({**query, "MaxResults": str(10**9)})
        found = {f"{one.get('GroupName', '')}/{one['Name']}": one for one in json.loads(body)[member]}
        rest = sorted(place for place in found if place > query.get("NextToken", ""))
        page = [found[place] for place in rest[:size]]
        more = {"NextToken": rest[size - 1]} if len(rest) > size else {}
        return _ok({member: page, **more})

    return handle


def _ok(body: Json) -> Answer:
    answer: Answer = scheduler._json_resp(200, body)
    return answer


def _refuse(code: str, message: str, status: int = 400) -> Answer:
    answer: Answer = scheduler._error(status, code, message)
    return answer
