"""Streams and integrations through the workflow: a record and an item become rows, also when no event comes, and what fails says why."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from tests.workflows.conftest import Stack

CASE = {"enable_case_sensitive_identifier": True}


@pytest.fixture(scope="module")
def role(deployed: Stack) -> str:
    """A role that reads streams, which Redshift may assume."""
    iam, name = deployed.sandbox.client("iam"), f"streams-{uuid.uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "redshift.amazonaws.com"}}
    reads = {"Effect": "Allow", "Action": ["kinesis:Describe*", "kinesis:Get*", "kinesis:List*"], "Resource": "*"}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))["Role"][
        "Arn"
    ]
    iam.put_role_policy(RoleName=name, PolicyName="reads", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [reads]}))
    return str(arn)


@pytest.fixture(scope="module")
def spec(deployed: Stack, role: str) -> dict[str, Any]:
    """What a workgroup is made of that takes streams and integrations."""
    name = f"flows-{uuid.uuid4().hex[:6]}"
    made = {"name": name, "kind": "workgroup", "parameters": {"values": CASE}, "iam_roles": {"arns": [role]}}
    ended = deployed.run("provision_warehouse", {"spec": made})
    assert ended.succeeded, ended
    return made


def table(stack: Stack, *, ready: bool) -> str:
    """A table with one item; `ready` gives it what a source of an integration must have. Its ARN."""
    tables, name = stack.sandbox.client("dynamodb"), f"Orders-{uuid.uuid4().hex[:6]}"
    key = {
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    }
    arn = str(tables.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", **key)["TableDescription"]["TableArn"])
    tables.put_item(TableName=name, Item={"id": {"S": "first"}, "total": {"N": "12"}})
    if ready:
        tables.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "redshift.amazonaws.com"},
            "Action": ["dynamodb:ExportTableToPointInTime", "dynamodb:DescribeTable"],
            "Resource": arn,
        }
        tables.put_resource_policy(ResourceArn=arn, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    return arn


def integration(arn: str) -> dict[str, Any]:
    suffix = arn[-6:]
    return {"name": f"orders-{suffix}", "source_arn": arn, "database": f"orders_{suffix}"}


def test_a_record_of_kinesis_becomes_a_row(stack: Stack, spec: dict[str, Any], role: str) -> None:
    kinesis, name = stack.sandbox.client("kinesis"), f"clicks-{uuid.uuid4().hex[:6]}"
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.put_record(StreamName=name, Data=b'{"page": "home"}', PartitionKey="k")
    given = {"spec": {**spec, "streams": [{"name": "clicks", "external_schema": "kds", "stream": name, "role": role}]}}
    ended = stack.run("configure_warehouse", given)
    assert ended.succeeded, ended
    assert [step["step"] for step in ended.output["steps"]] == ["create external schema kds", "create streaming view public.clicks"]
    assert stack.rows(spec["name"], "SELECT data.page::varchar FROM clicks") == [["home"]]
    assert stack.run("configure_warehouse", given).output["result"] == "nothing"


@pytest.mark.parametrize("lost", [False, True], ids=["with events", "with every event lost"])
def test_an_item_of_dynamodb_becomes_a_row_once_the_integration_is_active(stack: Stack, spec: dict[str, Any], lost: bool) -> None:
    arn = table(stack, ready=True)
    declared = integration(arn)
    stack.hints(drop=lost)
    given = {"spec": {**spec, "integrations": [declared]}}
    ended = stack.run("configure_warehouse", given)
    stack.hints()
    assert ended.succeeded, ended
    assert [step["step"] for step in ended.output["steps"]] == [
        f"create integration {declared['name']}",
        f"create database {declared['database']}",
    ]
    assert not lost or stack.heartbeats(ended.arn)
    relation = f'{declared["database"]}.public."{arn.rpartition("/")[2]}"'
    assert stack.rows(spec["name"], f'SELECT id, value."total"."N"::varchar FROM {relation}') == [["first", "12"]]  # noqa: S608 - names of this test's own
    assert stack.run("configure_warehouse", given).output["result"] == "nothing"


def test_an_integration_that_fails_says_why(stack: Stack, spec: dict[str, Any]) -> None:
    declared = integration(table(stack, ready=False))
    given = {"spec": {**spec, "integrations": [declared]}}
    for _ in range(2):
        ended = stack.run("configure_warehouse", given)
        assert (ended.status, ended.error) == ("FAILED", "ConfigurationIncomplete"), ended
        assert "Point-in-time recovery is not enabled" in ended.cause, ended.cause
