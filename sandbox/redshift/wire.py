"""The Redshift services on the wire: a request becomes a call of a backend's method, its answer or refusal becomes bytes.

Everything about formats, required members and error codes comes from botocore's service models on disk. Whatever happens,
the answer is well-formed for the protocol and names its reason.
"""

from __future__ import annotations

import re
import sys
import traceback
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from urllib.parse import unquote_plus

import botocore.session
from botocore import xform_name
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape
from botocore.validate import ParamValidator

from sandbox.kernel import ApiError
from sandbox.redshift.answers import NOT_SUPPORTED, not_supported
from sandbox.redshift.wire_codec import codec_for
from sandbox.world import Caller, World

_ACTION = re.compile(rb"(?:^|&)Action=([^&]*)")
_DEFAULT_ERROR_STATUS = 400

COMMON_CODES: Final[dict[str, int]] = {
    "AccessDenied": 403,
    "AccessDeniedException": 400,
    "InternalFailure": 500,
    "InvalidAction": 400,
    "InvalidParameterCombination": 400,
    "InvalidParameterValue": 400,
    "MissingAction": 400,
    "RequestLimitExceeded": 503,
    "SerializationException": 400,
    "ServiceUnavailable": 503,
    "Throttling": 400,
    "ThrottlingException": 400,
    "UnknownOperationException": 400,
    "ValidationException": 400,
    NOT_SUPPORTED: 501,
}
"""HTTP status of the codes that every service may answer and no service model lists."""


@dataclass(frozen=True)
class Response:
    """One HTTP answer. The host also sends `request_id` as the header `x-amzn-RequestId`."""

    status: int
    content_type: str
    body: bytes
    request_id: str


@cache
def service_model(name: str) -> ServiceModel:
    """The service model as botocore has it on disk."""
    return botocore.session.get_session().get_service_model(name)


@cache
def error_statuses(name: str) -> dict[str, int]:
    """HTTP status of every error code that the service can answer, the common ones included."""
    description = botocore.session.get_session().get_component("data_loader").load_service_model(name, "service-2")
    statuses = dict(COMMON_CODES)
    for shape_name, shape in description["shapes"].items():
        if shape.get("exception"):
            error = shape.get("error", {})
            statuses[error.get("code", shape_name)] = error.get("httpStatusCode", 500 if shape.get("fault") else _DEFAULT_ERROR_STATUS)
    return statuses


def operation_of(headers: Mapping[str, str], body: bytes) -> str | None:
    """The operation's name as the request states it, without reading the rest; None when it states none."""
    target = next((value for name, value in headers.items() if name.lower() == "x-amz-target"), None)
    if target is not None:
        return target.rpartition(".")[2] or None
    action = _ACTION.search(body)
    return unquote_plus(action[1].decode(errors="replace")) or None if action else None


class Service:
    """One service: `name` as botocore calls it, and the backend whose methods are its operations in snake case.

    A method takes the decoded input and the caller and returns the output in the model's member names, or raises ApiError
    with a code that the model knows. An operation without a method answers `NotSupportedInSandbox` (501).
    """

    def __init__(self, name: str, backend: object, world: World) -> None:
        self._name, self._backend, self._world = name, backend, world
        self._model = service_model(name)
        self._codec = codec_for(self._model)
        self._statuses = error_statuses(name)

    def handle(self, headers: Mapping[str, str], body: bytes, caller: Caller) -> Response:
        """Answer one request. Blocks (injected delays, databases): call it from a worker thread. Never raises."""
        request_id = str(uuid.uuid4())
        try:
            operation = self._operation(operation_of(headers, body))
            params = self._params(operation, body)
        except ApiError as error:
            return self._refusal(error, request_id)
        try:
            self._world.faults.check(self._name, operation.name)
        except ApiError as error:  # an injected code goes out as it is, also one that the model does not know
            return self._refusal(error, request_id)
        return self._answer(operation, params, caller, request_id)

    def _answer(self, operation: OperationModel, params: dict[str, Any], caller: Caller, request_id: str) -> Response:
        try:
            answer = self._call(operation, params, caller)
            return Response(200, self._codec.content_type, self._codec.write(operation, answer, request_id), request_id)
        except ApiError as error:
            if error.code in self._statuses:
                return self._refusal(error, request_id)
            return self._failure(ValueError(f"{self._name} has no error code {error.code} ({error.message})"), request_id)
        except Exception as error:  # noqa: BLE001 - a defect of the sandbox must reach the client as an error it can read
            return self._failure(error, request_id)

    def _operation(self, name: str | None) -> OperationModel:
        if name in self._model.operation_names:
            return self._model.operation_model(name)
        if self._model.metadata["protocol"] == "json":
            raise ApiError("UnknownOperationException", f"{name or 'An empty X-Amz-Target'} is not an operation of {self._name}.")
        if name is None:
            raise ApiError("MissingAction", "The request has no Action parameter.")
        raise ApiError("InvalidAction", f"The action {name} is not valid for this web service.")

    def _params(self, operation: OperationModel, body: bytes) -> dict[str, Any]:
        try:
            params = self._codec.read(operation, body)
        except UnicodeDecodeError as error:
            raise ApiError(self._codec.invalid_code, "The request is not UTF-8 text.") from error
        if operation.input_shape is not None:
            report = ParamValidator().validate(_without_secrets(operation.input_shape, params), operation.input_shape)
            problems = [report.generate_report()] if report.has_errors() else _broken_constraints(operation.input_shape, params, "")
            if problems:
                raise ApiError(self._codec.invalid_code, "; ".join(problems))
        return params

    def _call(self, operation: OperationModel, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        method = getattr(self._backend, xform_name(operation.name), None)
        if method is None:
            raise not_supported(f"{self._name} {operation.name}")
        answer: dict[str, Any] = method(params, caller)
        return answer or {}

    def _refusal(self, error: ApiError, request_id: str) -> Response:
        status = error.status if error.status != _DEFAULT_ERROR_STATUS else self._statuses.get(error.code, _DEFAULT_ERROR_STATUS)
        body = self._codec.write_error(error.code, error.message, status, request_id)
        return Response(status, self._codec.content_type, body, request_id)

    def _failure(self, error: Exception, request_id: str) -> Response:
        traceback.print_exception(error, file=sys.stderr)
        return self._refusal(ApiError("InternalFailure", f"{type(error).__name__}: {error}", 500), request_id)


def _without_secrets(shape: StructureShape, params: dict[str, Any]) -> dict[str, Any]:
    """The input for botocore's validator, which repeats a value of a wrong type in its report."""
    secrets = {name for name, value in params.items() if shape.members[name].metadata.get("sensitive") and not isinstance(value, str)}
    return {name: type(value)() if name in secrets else value for name, value in params.items()}


@cache
def python_pattern(pattern: str) -> re.Pattern[str]:
    """The model's pattern, which is Java's: Unicode categories are written as Python's nearest classes."""
    return re.compile(pattern.replace(r"\p{L}", r"\w").replace(r"\p{N}", r"\d").replace(r"\p{Z}", r"\s"))


def _broken_constraints(shape: Shape, value: Any, path: str) -> list[str]:
    """What the model forbids and botocore's validator leaves to the service: enums, patterns and upper bounds."""
    match shape:
        case StructureShape():
            members = shape.members
            return [
                line
                for name, item in value.items()
                for line in _broken_constraints(members[name], item, f"{path}.{name}" if path else name)
            ]
        case ListShape():
            items = [line for index, item in enumerate(value) for line in _broken_constraints(shape.member, item, f"{path}[{index}]")]
            return _too_much(shape, len(value), path, "items") + items
        case MapShape():
            return [line for key, item in value.items() for line in _broken_constraints(shape.value, item, f"{path}.{key}")]
    match shape.type_name:
        case "string":
            return _too_much(shape, len(value), path, "characters") + _wrong_text(shape, value, path)
        case "integer" | "long" | "float" | "double":
            return _too_much(shape, value, path, "")
    return []


def _too_much(shape: Shape, amount: float, path: str, unit: str) -> list[str]:
    most = shape.metadata.get("max")
    return [] if most is None or amount <= most else [f"{path} must be at most {most} {unit}".rstrip()]


def _wrong_text(shape: Shape, value: str, path: str) -> list[str]:
    allowed, pattern = shape.metadata.get("enum"), shape.metadata.get("pattern")
    problems = []
    if allowed and value not in allowed:
        problems.append(f"Value at '{path}' must be one of: {', '.join(allowed)}")
    if pattern and not python_pattern(pattern).fullmatch(value):
        problems.append(f"Value at '{path}' must match the pattern {pattern}")
    return problems
