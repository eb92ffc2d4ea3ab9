"""The door in front of every service of ministack: calls are counted, may be made to fail, and are held to a role's policies.

A request comes through this door in three ways: over HTTP (where ministack has already enforced IAM), from a state machine
through an `aws-sdk:` integration, and from a state machine through an optimised integration that calls into a service's code
without any request at all. Only the last two need the role check that is made here.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region

from sandbox.clients import OBSERVER
from sandbox.kernel import ApiError
from sandbox.world import World

Answer = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, dict[str, str], Any, dict[str, Any]], Awaitable[Answer]]

# The role of the state machine whose task makes the present call; empty for a call that came over HTTP.
acting_role: ContextVar[str] = ContextVar("sandbox_acting_role", default="")

_S3_OPERATIONS = {
    ("GET", "ListAllMyBuckets"): "ListBuckets",
    ("GET", "ListBucket"): "ListObjectsV2",
    ("HEAD", "ListBucket"): "HeadBucket",
    ("HEAD", "GetObject"): "HeadObject",
}


def wrap_services(world: World) -> None:
    """Put the door in front of every service that ministack serves at this moment."""
    for service, handler in list(app.SERVICE_HANDLERS.items()):
        app.SERVICE_HANDLERS[service] = _guarded(world, service, handler)


def _guarded(world: World, service: str, handler: Handler) -> Handler:
    async def handle(method: str, path: str, headers: dict[str, str], body: Any, query: dict[str, Any]) -> Answer:
        if OBSERVER in headers.get("user-agent", ""):
            return await handler(method, path, headers, body, query)
        raw = body.encode() if isinstance(body, str) else body or b""
        denied = role_denial(service, method, path, headers, raw, query)
        if denied is not None:
            return denied
        operation = operation_name(service, method, path, headers, raw, query)
        try:
            if operation:
                await asyncio.to_thread(world.faults.check, service, operation)
        except ApiError as error:
            return error_answer(service, error, headers)
        acting_role.set("")
        return await handler(method, path, headers, body, query)

    return handle


def operation_name(service: str, method: str, path: str, headers: Mapping[str, str], body: bytes, query: dict[str, Any]) -> str:
    """The API operation of a request (`PutItem`, `Invoke`, `GetObject`), or an empty string when the request names none."""
    if target := headers.get("x-amz-target", ""):
        return target.rsplit(".", 1)[-1]
    if "/operation/" in path:
        return path.rsplit("/", 1)[-1]
    action = iam_actions._action_from_query(query, body, headers.get("content-type", ""))
    if action:
        return str(action)
    if service == "s3":
        if "x-amz-copy-source" in headers:
            return "CopyObject"
        permission = iam_actions._s3_action(method, path, query) or ""
        return _S3_OPERATIONS.get((method, permission), permission)
    if service == "lambda":
        permission = iam_actions._lambda_action(method, path) or ""
        return "Invoke" if permission == "InvokeFunction" else permission
    return iam_actions._match_rest_action(service, method, path, query) or ""


def error_answer(service: str, error: ApiError, headers: Mapping[str, str]) -> Answer:
    """The error in the protocol of the service, so that every SDK reads its code and message."""
    _, answer_headers, body = iam_actions.access_denied_response(
        service, "", "", str(uuid.uuid4()), error_code=error.code, message=error.message, headers=dict(headers)
    )
    return error.status, answer_headers, body


def role_denial(service: str, method: str, path: str, headers: Mapping[str, str], body: bytes, query: dict[str, Any]) -> Answer | None:
    """The denial when the present call is made by a state machine whose role does not allow it, else None."""
    role = acting_role.get()
    if not role:
        return None
    params = app._routing_params(method, path, headers, body, query)
    action = iam_actions.extract_iam_action(service, method, path, headers, body, params)
    if action is None:
        return None
    resource = iam_actions.extract_resource_arn(service, method, path, headers, body, params, get_region(), get_account_id())
    if allowed(session_arn(role), action, resource):
        return None
    answer: Answer = iam_actions.access_denied_response(
        service, action, session_arn(role), str(uuid.uuid4()), headers=dict(headers), resource_arn=resource
    )
    return answer


def session_arn(role_arn: str, session: str = "StepFunctions") -> str:
    """The principal that a service becomes when it takes on the role."""
    account, role_name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    return f"arn:aws:sts::{account}:assumed-role/{role_name}/{session}"


def allowed(principal_arn: str, action: str, resource: str, **condition_keys: str) -> bool:
    """Whether the policies of a root, user or assumed role allow the action on the resource. An unknown principal may nothing.

    `condition_keys` are what the calling service tells IAM, such as `passedtoservice` for `iam:PassedToService`.
    """
    account = principal_arn.split(":")[4]
    name = principal_arn.split(":", 5)[5]
    if name == "root":
        return True
    if name.startswith("assumed-role/"):
        kind, policies = "AssumedRole", iam_evaluator._gather_role_policies(name.split("/")[1], account)
    elif name.startswith("user/"):
        kind, policies = "User", iam_evaluator._gather_user_policies(name.rsplit("/", 1)[-1], account)
    else:
        return False
    context = iam_evaluator.EvalContext(
        principal_arn=principal_arn,
        principal_type=kind,
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=get_region(),
        service_context={
            "aws:tagkeys": None,
            **{f"{action.split(':', maxsplit=1)[0]}:{name}": value for name, value in condition_keys.items()},
        },
    )
    return bool(iam_evaluator.evaluate(context, policies).decision == "Allow")
