from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import botocore.parsers
import botocore.serialize
import pytest
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from sandbox.kernel import ApiError
from sandbox.redshift.wire import Response, Service, error_statuses, operation_of, python_pattern, service_model
from sandbox.redshift.wire_codec import codec_for
from sandbox.world import Caller
from tests.sandbox.fakes import ROOT, FakeWorld, fake_world

SERVICES = ("redshift", "redshift-data", "redshift-serverless")
MOMENT = datetime(2026, 11, 22, 10, 11, 12, tzinfo=UTC)
AWKWARD = 'a&<b> "é"\r\n'


OPERATIONS = [(service, name) for service in SERVICES for name in service_model(service).operation_names]


def sample(shape: Shape, seen: tuple[str, ...] = ()) -> Any:
    """A value of the shape with every member set; None where the shape contains itself."""
    if shape.name in seen:
        return None
    seen = (*seen, shape.name)
    match shape:
        case StructureShape():
            members = list(shape.members.items())[: 1 if shape.is_tagged_union else None]
            values = {name: sample(member, seen) for name, member in members}
            return {name: value for name, value in values.items() if value is not None}
        case ListShape():
            value = sample(shape.member, seen)
            return None if value is None else [value, value]
        case MapShape():
            return {"k<1>": sample(shape.value, seen)}
    scalars = {"integer": 7, "long": 7, "float": 1.5, "double": 1.5, "boolean": True, "timestamp": MOMENT, "blob": b"\x00\x01"}
    return scalars.get(shape.type_name, AWKWARD)


def plain(value: Any) -> Any:
    match value:
        case dict():
            return {key: plain(item) for key, item in value.items() if key != "ResponseMetadata"}
        case list():
            return [plain(item) for item in value]
        case datetime():
            return value.astimezone(UTC)
    return value


def serialized(operation: OperationModel, params: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:
    protocol = operation.service_model.metadata["protocol"]
    request = botocore.serialize.create_serializer(protocol, include_validation=False).serialize_to_request(params, operation)
    body = request["body"]
    return request["headers"], urlencode(body).encode() if isinstance(body, dict) else body


def parsed(response: Response, operation: Any) -> dict[str, Any]:
    parser = botocore.parsers.create_parser(operation.service_model.metadata["protocol"])
    document = {"status_code": response.status, "headers": {}, "body": response.body}
    answer: dict[str, Any] = parser.parse(document, operation.output_shape)
    return answer


class Backend:
    """Answers every operation with what it was made with, and keeps what it was asked."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer
        self.asked: list[tuple[dict[str, Any], Caller]] = []

    def __getattr__(self, _operation: str) -> Callable[[dict[str, Any], Caller], Any]:
        return self._do

    def _do(self, params: dict[str, Any], caller: Caller) -> Any:
        self.asked.append((params, caller))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer or {}


@pytest.fixture
def world() -> FakeWorld:
    return fake_world()


def call(world: FakeWorld, service: str, name: str, params: Mapping[str, Any], backend: object | None = None) -> Response:
    headers, body = serialized(service_model(service).operation_model(name), params)
    return Service(service, backend or Backend(), world).handle(headers, body, ROOT)


def error_of(response: Response, service: str) -> dict[str, Any]:
    operation = service_model(service).operation_model(service_model(service).operation_names[0])
    error: dict[str, Any] = parsed(response, operation)["Error"]
    return error


@pytest.mark.parametrize(("service", "name"), OPERATIONS)
def test_every_request_that_an_sdk_writes_is_read_as_it_was_meant(service: str, name: str) -> None:
    operation = service_model(service).operation_model(name)
    params = sample(operation.input_shape) if operation.input_shape else {}
    _, body = serialized(operation, params)
    assert plain(codec_for(service_model(service)).read(operation, body)) == plain(params)


@pytest.mark.parametrize(("service", "name"), OPERATIONS)
def test_every_answer_is_read_by_an_sdk_as_it_was_meant(service: str, name: str) -> None:
    operation = service_model(service).operation_model(name)
    answer = sample(operation.output_shape) if operation.output_shape else {}
    codec = codec_for(service_model(service))
    response = Response(200, codec.content_type, codec.write(operation, answer, "id"), "id")
    assert plain(parsed(response, operation)) == plain(answer)


@pytest.mark.parametrize(("service", "name"), OPERATIONS)
def test_an_operation_without_a_method_says_that_the_sandbox_lacks_it(world: FakeWorld, service: str, name: str) -> None:
    operation = service_model(service).operation_model(name)
    # What the model forbids is refused before, so the request is the smallest that the model allows.
    headers, body = serialized(operation, least(operation.input_shape) if operation.input_shape else {})
    response = Service(service, object(), world).handle(headers, body, ROOT)
    error = error_of(response, service)
    assert (response.status, error["Code"]) == (501, "NotSupportedInSandbox")
    assert "not supported in the sandbox" in error["Message"]


PATTERNED = (
    "abc",
    "123456789012",
    "a.example.com",
    "ipv4",
    "all",
    "a1b2c3d4-0000-4000-8000-000000000000",
    "arn:aws:acm:us-east-1:123456789012:certificate/1",
    "arn:aws:dynamodb:us-east-1:123456789012:table/t",
    "arn:aws:redshift:us-east-1:123456789012:namespace:a1",
    "arn:aws:glue:us-east-1:123456789012:catalog",
    "arn:aws:redshift:us-east-1:123456789012:integration:a1b2c3d4-0000-4000-8000-000000000000",
)


def least(shape: Shape) -> Any:
    """The smallest value of the shape that satisfies its constraints."""
    match shape:
        case StructureShape():
            names = shape.required_members or list(shape.members)[:1]  # a form cannot say "an empty structure"
            return {name: least(shape.members[name]) for name in names}
        case ListShape():
            return [least(shape.member)]
        case MapShape():
            return {}
    limits, fewest = shape.metadata, shape.metadata.get("min", 1)
    if limits.get("enum"):
        return limits["enum"][0]
    if "pattern" in limits:
        return next(text for text in PATTERNED if python_pattern(limits["pattern"]).fullmatch(text) and len(text) >= fewest)
    scalars = {"integer": fewest, "long": fewest, "boolean": True, "timestamp": MOMENT, "double": 1.0, "blob": b""}
    return scalars.get(shape.type_name, "x" * fewest)


def test_every_pattern_of_the_models_can_be_checked() -> None:
    for service in SERVICES:
        model = service_model(service)
        patterns = {model.shape_for(name).metadata.get("pattern") for name in model.shape_names} - {None}
        assert all(python_pattern(pattern) for pattern in patterns)


def test_the_operation_is_told_from_the_request_alone() -> None:
    assert operation_of({"x-amz-TARGET": "RedshiftData.ExecuteStatement"}, b"{}") == "ExecuteStatement"
    assert operation_of({}, b"Version=2012-12-01&Action=PauseCluster&ClusterIdentifier=a") == "PauseCluster"
    assert operation_of({}, b"ActionType=x&Other=Action") is None


def test_the_method_gets_the_decoded_input_and_the_caller(world: FakeWorld) -> None:
    backend = Backend({"Cluster": {"ClusterIdentifier": "a", "NumberOfNodes": 2, "PubliclyAccessible": False}})
    response = call(world, "redshift", "ResizeCluster", {"ClusterIdentifier": "a", "NumberOfNodes": 4, "Classic": True}, backend)
    assert backend.asked == [({"ClusterIdentifier": "a", "NumberOfNodes": 4, "Classic": True}, ROOT)]
    answer = parsed(response, service_model("redshift").operation_model("ResizeCluster"))
    assert plain(answer) == {"Cluster": {"ClusterIdentifier": "a", "NumberOfNodes": 2, "PubliclyAccessible": False}}


def test_a_list_is_also_read_the_way_step_functions_writes_it(world: FakeWorld) -> None:
    backend = Backend()
    body = b"Action=DescribeClusters&TagKeys.member.1=owner&TagKeys.member.2=team"
    assert Service("redshift", backend, world).handle({}, body, ROOT).status == 200
    assert backend.asked[0][0] == {"TagKeys": ["owner", "team"]}


def test_a_whole_number_may_be_written_as_a_float(world: FakeWorld) -> None:
    backend = Backend({"namespaces": []})
    response = Service("redshift-serverless", backend, world).handle(
        {"X-Amz-Target": "RedshiftServerless.ListNamespaces"}, b'{"maxResults": 8.0}', ROOT
    )
    assert (response.status, backend.asked[0][0]) == (200, {"maxResults": 8})


@pytest.mark.parametrize(
    ("service", "headers", "body", "code", "names"),
    [
        ("redshift", {}, b"Action=PauseCluster", "InvalidParameterValue", "ClusterIdentifier"),
        ("redshift", {}, b"Action=PauseCluster&ClusterIdentifier=a&Force=true", "InvalidParameterValue", "Force"),
        ("redshift", {}, b"Action=ResizeCluster&ClusterIdentifier=a&NumberOfNodes=two", "InvalidParameterValue", "NumberOfNodes"),
        ("redshift", {}, b"Action=ResizeCluster&ClusterIdentifier=a&Classic=maybe", "InvalidParameterValue", "Classic"),
        ("redshift", {}, b"Action=DescribeEvents&SourceType=planet", "InvalidParameterValue", "SourceType"),
        ("redshift", {}, b"Action=PauseCluster&ClusterIdentifier=\xff", "InvalidParameterValue", "UTF-8"),
        ("redshift", {}, b"Action=Explode", "InvalidAction", "Explode"),
        ("redshift", {}, b"", "MissingAction", "Action"),
        ("redshift-serverless", {"X-Amz-Target": "RedshiftServerless.GetNamespace"}, b"{}", "ValidationException", "namespaceName"),
        ("redshift-serverless", {"X-Amz-Target": "RedshiftServerless.GetNamespace"}, b'{"name": "a"}', "ValidationException", "name"),
        (
            "redshift-serverless",
            {"X-Amz-Target": "RedshiftServerless.GetNamespace"},
            b'{"namespaceName": 7}',
            "ValidationException",
            "namespaceName",
        ),
        (
            "redshift-serverless",
            {"X-Amz-Target": "RedshiftServerless.GetNamespace"},
            b'{"namespaceName": "A B"}',
            "ValidationException",
            "pattern",
        ),
        (
            "redshift-serverless",
            {"X-Amz-Target": "RedshiftServerless.ListNamespaces"},
            b'{"maxResults": 101}',
            "ValidationException",
            "at most 100",
        ),
        ("redshift-serverless", {"X-Amz-Target": "RedshiftServerless.GetNamespace"}, b"{", "SerializationException", "JSON"),
        ("redshift-serverless", {"X-Amz-Target": "RedshiftServerless.GetNamespace"}, b"[]", "SerializationException", "object"),
        ("redshift-data", {"X-Amz-Target": "RedshiftData.Explode"}, b"{}", "UnknownOperationException", "Explode"),
        ("redshift-data", {"X-Amz-Target": "RedshiftData.ExecuteStatement"}, b'{"Sql": ["x"]}', "ValidationException", "Sql"),
    ],
)
def test_a_bad_request_is_refused_by_name(
    world: FakeWorld, service: str, headers: dict[str, str], body: bytes, code: str, names: str
) -> None:
    backend = Backend()
    response = Service(service, backend, world).handle(headers, body, ROOT)
    error = error_of(response, service)
    assert (response.status, error["Code"]) == (400, code)
    assert names in error["Message"]
    assert backend.asked == []


@pytest.mark.parametrize("secret", ["Secret4Me", 19283746, ["Secret4Me", 19283746], {"text": "Secret4Me"}])
def test_a_refusal_never_repeats_a_secret(world: FakeWorld, secret: Any) -> None:
    body = json.dumps({"namespaceName": "B A D", "adminUserPassword": secret}).encode()
    response = Service("redshift-serverless", Backend(), world).handle({"X-Amz-Target": "RedshiftServerless.CreateNamespace"}, body, ROOT)
    assert response.status == 400
    assert b"Secret4Me" not in response.body
    assert b"19283746" not in response.body


@pytest.mark.parametrize(
    ("code", "status"),
    [("ClusterNotFound", 404), ("InvalidClusterState", 400), ("LimitExceededFault", 400), ("DependentServiceAccessDenied", 403)],
)
def test_a_refusal_has_the_status_of_the_service_model(world: FakeWorld, code: str, status: int) -> None:
    response = call(world, "redshift", "PauseCluster", {"ClusterIdentifier": "a"}, Backend(ApiError(code, "no & never")))
    error = error_of(response, "redshift")
    assert (response.status, error["Code"], error["Message"]) == (status, code, "no & never")


def test_an_internal_error_of_a_json_service_has_status_500(world: FakeWorld) -> None:
    assert error_statuses("redshift-serverless")["InternalServerException"] == 500
    response = call(
        world, "redshift-serverless", "GetNamespace", {"namespaceName": "abc"}, Backend(ApiError("InternalServerException", "no"))
    )
    assert response.status == 500


@pytest.mark.parametrize(
    "problem",
    [
        KeyError("boom"),
        ApiError("ClusterNotFoundFault", "a class name, not a wire code"),
    ],
)
def test_a_defect_of_a_backend_is_a_well_formed_failure(world: FakeWorld, problem: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    response = call(world, "redshift", "PauseCluster", {"ClusterIdentifier": "a"}, Backend(problem))
    error = error_of(response, "redshift")
    assert (response.status, error["Code"]) == (500, "InternalFailure")
    assert ("boom" in error["Message"]) or ("ClusterNotFoundFault" in error["Message"])
    assert "Error" in capsys.readouterr().err


def test_an_answer_that_the_model_does_not_know_is_a_failure_and_not_dropped(world: FakeWorld) -> None:
    response = call(world, "redshift", "PauseCluster", {"ClusterIdentifier": "a"}, Backend({"Cluster": {"Identifier": "a"}}))
    assert response.status == 500
    assert b"Identifier" in response.body


def test_control_characters_in_a_message_do_not_break_the_xml(world: FakeWorld) -> None:
    response = call(world, "redshift", "PauseCluster", {"ClusterIdentifier": "a"}, Backend(ApiError("ClusterNotFound", "a\x00b\x1b")))
    assert error_of(response, "redshift")["Code"] == "ClusterNotFound"


def test_an_injected_fault_answers_before_the_backend_is_called(world: FakeWorld) -> None:
    backend = Backend()
    world.faults.add(service="redshift", operation="PauseCluster", code="Throttling", times=1)
    first = call(world, "redshift", "PauseCluster", {"ClusterIdentifier": "a"}, backend)
    second = call(world, "redshift", "PauseCluster", {"ClusterIdentifier": "a"}, backend)
    assert (first.status, error_of(first, "redshift")["Code"], second.status) == (400, "Throttling", 200)
    assert len(backend.asked) == 1
    assert world.faults.calls == {"redshift:PauseCluster": 2}


def test_the_answer_of_a_json_service_is_json_and_that_of_a_query_service_xml(world: FakeWorld) -> None:
    namespace = {"namespace": {"namespaceName": "abc", "creationDate": MOMENT}}
    response = call(world, "redshift-serverless", "GetNamespace", {"namespaceName": "abc"}, Backend(namespace))
    assert response.content_type == "application/x-amz-json-1.1"
    assert json.loads(response.body) == {"namespace": {"namespaceName": "abc", "creationDate": "2026-11-22T10:11:12.000Z"}}
    response = call(world, "redshift", "PauseCluster", {"ClusterIdentifier": "a"})
    assert response.content_type == "text/xml"
    assert response.request_id.encode() in response.body
