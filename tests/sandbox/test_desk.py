"""The test desk: faults, hints and the clock of a running sandbox, for its own services and for ministack's alike."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.process import Sandbox, SandboxError
from tests.sandbox.stage import LAMBDA_INVOKE, Stage, task


def raw(sandbox: Sandbox, method: str, path: str, body: bytes = b"") -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(f"{sandbox.endpoint}{path}", data=body or None, method=method)  # noqa: S310 - the sandbox's own address
    try:
        with urllib.request.urlopen(request) as response:  # noqa: S310 - as above
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_the_desk_is_healthy(sandbox: Sandbox) -> None:
    assert sandbox.desk("GET", "health")["status"] == "ok"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("GET", "/_sandbox/nothing", b"", 404, "faults"),
        ("PUT", "/_sandbox/faults", b"{}", 405, "DELETE, GET, POST"),
        ("POST", "/_sandbox/faults", b"{", 400, "not JSON"),
        ("POST", "/_sandbox/faults", b"[]", 400, "JSON object"),
        ("POST", "/_sandbox/faults", b"{}", 400, "needs a code"),
        ("POST", "/_sandbox/faults", b'{"code": "X", "servise": "s3"}', 400, "'servise'"),
        ("POST", "/_sandbox/faults", b'{"code": "X", "times": "3"}', 400, "'times' must be int"),
        ("POST", "/_sandbox/faults", b'{"code": "X", "times": true}', 400, "'times' must be int"),
        ("POST", "/_sandbox/faults", b'{"code": "X", "probability": 2}', 400, "between 0 and 1"),
        ("POST", "/_sandbox/events", b'{"duplicate": 0}', 400, "at least 1"),
        ("POST", "/_sandbox/events", b'{"lose": true}', 400, "'lose'"),
        ("POST", "/_sandbox/clock", b"{}", 400, "scale is missing"),
        ("POST", "/_sandbox/clock", b'{"scale": 0}', 400, "greater than 0"),
        ("POST", "/_sandbox/sources", b'{"database": "a", "user": "b"}', 400, "password is missing"),
        ("POST", "/_sandbox/sources", b'{"database": "postgres", "user": "sandbox", "password": "x"}', 400, "already exists"),
    ],
)
def test_what_the_desk_does_not_understand_is_refused_with_a_reason(
    sandbox: Sandbox, method: str, path: str, body: bytes, status: int, says: str
) -> None:
    answered, answer = raw(sandbox, method, path, body)

    assert answered == status
    assert says in answer["message"]


@pytest.mark.parametrize(
    ("service", "client", "operation", "call", "arguments"),
    [
        ("dynamodb", "dynamodb", "ListTables", "list_tables", {}),
        ("s3", "s3", "ListObjectsV2", "list_objects_v2", {"Bucket": "any"}),
        ("s3", "s3", "PutObject", "put_object", {"Bucket": "any", "Key": "a/b", "Body": b""}),
        ("states", "stepfunctions", "SendTaskSuccess", "send_task_success", {"taskToken": "t", "output": "{}"}),
        ("lambda", "lambda", "Invoke", "invoke", {"FunctionName": "any"}),
        ("lambda", "lambda", "GetFunction", "get_function", {"FunctionName": "any"}),
        ("sns", "sns", "Publish", "publish", {"TopicArn": "arn:aws:sns:us-east-1:000000000000:any", "Message": "x"}),
        ("sqs", "sqs", "ListQueues", "list_queues", {}),
        ("events", "events", "PutEvents", "put_events", {"Entries": [{"Source": "x"}]}),
        ("scheduler", "scheduler", "ListSchedules", "list_schedules", {}),
        ("secretsmanager", "secretsmanager", "ListSecrets", "list_secrets", {}),
        ("monitoring", "cloudwatch", "ListMetrics", "list_metrics", {}),
        ("logs", "logs", "DescribeLogGroups", "describe_log_groups", {}),
        ("iam", "iam", "ListRoles", "list_roles", {}),
        ("redshift", "redshift", "DescribeClusters", "describe_clusters", {}),
        ("redshift-data", "redshift-data", "ListStatements", "list_statements", {}),
        ("redshift-serverless", "redshift-serverless", "ListWorkgroups", "list_workgroups", {}),
    ],
)
def test_any_operation_can_be_made_to_fail_as_its_protocol_fails(
    sandbox: Sandbox, service: str, client: str, operation: str, call: str, arguments: dict[str, Any]
) -> None:
    sandbox.client("s3").create_bucket(Bucket="any")
    spec = {"service": service, "operation": operation, "code": "ThrottlingException", "message": "slow down", "times": 1, "status": 429}
    sandbox.desk("POST", "faults", spec)

    with pytest.raises(ClientError) as caught:
        getattr(sandbox.client(client), call)(**arguments)
    assert caught.value.response["Error"]["Code"] == "ThrottlingException"
    assert caught.value.response["Error"]["Message"] == "slow down"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429


def test_a_fault_fires_as_often_as_it_says_and_is_counted(sandbox: Sandbox) -> None:
    sandbox.desk("POST", "faults", {"service": "redshift", "operation": "DescribeClusters", "code": "Throttling", "times": 2})
    outcomes = []
    for _ in range(3):
        try:
            sandbox.client("redshift").describe_clusters()
            outcomes.append("ok")
        except ClientError as error:
            outcomes.append(error.response["Error"]["Code"])

    desk = sandbox.desk("GET", "faults")
    assert outcomes == ["Throttling", "Throttling", "ok"]
    assert (desk["faults"][0]["fired"], desk["calls"]["redshift:DescribeClusters"]) == (2, 3)


def test_a_slow_operation_slows_no_other(sandbox: Sandbox) -> None:
    sandbox.desk("POST", "faults", {"service": "dynamodb", "operation": "ListTables", "delay_seconds": 3, "times": 1})
    with ThreadPoolExecutor() as pool:
        began = time.monotonic()
        slow = pool.submit(sandbox.client("dynamodb").list_tables)
        while not sandbox.desk("GET", "faults")["faults"][0]["fired"]:
            time.sleep(0.02)
        sandbox.client("sqs").list_queues()
        quick = time.monotonic() - began
        slow.result()

    assert quick < 2.5 < time.monotonic() - began


@pytest.mark.parametrize(
    ("service", "operation", "resource", "error"),
    [
        ("dynamodb", "PutItem", "arn:aws:states:::dynamodb:putItem", "DynamoDB.ProvisionedThroughputExceededException"),
        ("dynamodb", "PutItem", "arn:aws:states:::aws-sdk:dynamodb:putItem", "DynamoDb.ProvisionedThroughputExceededException"),
        ("lambda", "Invoke", LAMBDA_INVOKE, "Lambda.ProvisionedThroughputExceededException"),
        ("sns", "Publish", "arn:aws:states:::sns:publish", "SNS.ProvisionedThroughputExceededException"),
        ("events", "PutEvents", "arn:aws:states:::events:putEvents", "EventBridge.ProvisionedThroughputExceededException"),
    ],
)
def test_calls_of_state_machines_can_be_made_to_fail(stage: Stage, service: str, operation: str, resource: str, error: str) -> None:
    spec = {"service": service, "operation": operation, "code": "ProvisionedThroughputExceededException", "times": 1}
    stage.sandbox.desk("POST", "faults", spec)
    arguments = {"FunctionName": "any", "TableName": "any", "Item": {}, "TopicArn": "any", "Message": "x", "Entries": []}

    assert stage.run(task(Resource=resource, Arguments=arguments))["error"] == error


def test_the_calls_of_the_sandbox_itself_are_not_counted(sandbox: Sandbox) -> None:
    sandbox.desk("POST", "faults", {"service": "secretsmanager", "code": "InternalServiceError"})
    redshift = sandbox.client("redshift")
    redshift.create_cluster(
        ClusterIdentifier="quiet", NodeType="ra3.large", MasterUsername="boss", ManageMasterPassword=True, NumberOfNodes=2
    )

    assert not [call for call in sandbox.desk("GET", "faults")["calls"] if call.startswith("secretsmanager")]


def test_the_clock_runs_as_fast_as_it_is_told(sandbox: Sandbox) -> None:
    before = sandbox.desk("GET", "clock")["scale"]
    assert sandbox.desk("POST", "clock", {"scale": 1200}) == {"scale": 1200}
    assert sandbox.desk("GET", "health")["clock_scale"] == 1200
    sandbox.desk("POST", "clock", {"scale": before})


def test_a_reset_forgets_warehouses_and_faults_and_keeps_what_is_deployed(stage: Stage) -> None:
    sandbox, table = stage.sandbox, stage.table()
    redshift = sandbox.client("redshift")
    redshift.create_cluster(
        ClusterIdentifier="gone", NodeType="ra3.large", MasterUsername="boss", ManageMasterPassword=True, NumberOfNodes=2
    )
    sandbox.desk("POST", "faults", {"service": "s3", "code": "SlowDown"})
    sandbox.desk("POST", "events", {"drop": True})
    source = {"database": "gone", "user": "gone", "password": "gone"}
    place = sandbox.desk("POST", "sources", source)
    sandbox.desk("POST", "reset")

    assert redshift.describe_clusters()["Clusters"] == []
    assert sandbox.desk("GET", "faults")["faults"] == []
    assert sandbox.desk("POST", "sources", source) == place
    assert sandbox.desk("GET", "events")["drop"] is False
    assert sandbox.client("dynamodb").describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE"


def test_the_python_api_says_what_the_desk_refused(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="unknown field 'speed'"):
        sandbox.desk("POST", "clock", {"speed": 3})
