"""Secrets stay in Secrets Manager, and every role may do its work and no more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.workflows.conftest import Stack


def _secrets(stack: Stack) -> list[str]:
    client = stack.sandbox.observe("secretsmanager")
    values = [json.loads(client.get_secret_value(SecretId=found["ARN"])["SecretString"]) for found in client.list_secrets()["SecretList"]]
    return [value["password"] for value in values]


def _logs(stack: Stack) -> Iterator[str]:
    client = stack.sandbox.observe("logs")
    for group in client.get_paginator("describe_log_groups").paginate().search("logGroups[].logGroupName"):
        for page in client.get_paginator("filter_log_events").paginate(logGroupName=group):
            yield from (event["message"] for event in page["events"])


def _histories(stack: Stack) -> Iterator[str]:
    client = stack.sandbox.observe("stepfunctions")
    for name in ("ProvisionWarehouseArn", "PauseWarehouseArn", "ResumeWarehouseArn", "RunSqlArn"):
        for execution in client.list_executions(stateMachineArn=stack.outputs[name])["executions"]:
            yield json.dumps(stack.driver.history(execution["executionArn"]), default=str)


def test_no_secret_is_in_any_log_history_item_or_output(stack: Stack) -> None:
    for kind in ("cluster", "workgroup"):
        name = stack.provision(kind)
        assert stack.sql(name, "SELECT 1 AS one").succeeded
    secrets = _secrets(stack)
    said = [*_logs(stack), *_histories(stack), json.dumps(stack.items("")), stack.sandbox.log(10_000_000)]
    assert len(secrets) >= 2
    assert len(said) > 20
    assert [text[:200] for text in said for secret in secrets if secret in text] == []


def test_search_for_secrets_would_find_one(stack: Stack) -> None:
    """What the test above relies on: text that a query returns does show in histories."""
    name = stack.provision()
    stack.sql(name, "SELECT 'needle-in-a-haystack' AS found")
    assert any("needle-in-a-haystack" in text for text in _histories(stack))


FORBIDDEN: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
    "create": [
        ("redshift", "pause_cluster", {"ClusterIdentifier": "any"}),
        ("redshift-data", "execute_statement", {"ClusterIdentifier": "any", "Sql": "SELECT 1"}),
    ],
    "wait": [("redshift", "pause_cluster", {"ClusterIdentifier": "any"}), ("s3", "list_buckets", {})],
    "wake": [
        ("redshift", "delete_cluster", {"ClusterIdentifier": "any", "SkipFinalClusterSnapshot": True}),
        ("redshift-data", "execute_statement", {"ClusterIdentifier": "any", "Sql": "SELECT 1"}),
    ],
    "run-sql": [("redshift", "pause_cluster", {"ClusterIdentifier": "any"}), ("secretsmanager", "list_secrets", {})],
    "pause": [
        ("redshift", "delete_cluster", {"ClusterIdentifier": "any", "SkipFinalClusterSnapshot": True}),
        ("redshift", "resume_cluster", {"ClusterIdentifier": "any"}),
    ],
    "resume": [("redshift", "pause_cluster", {"ClusterIdentifier": "any"}), ("dynamodb", "list_tables", {})],
}


@pytest.mark.parametrize("function", sorted(FORBIDDEN))
def test_role_of_a_function_is_denied_what_it_does_not_need(stack: Stack, function: str) -> None:
    role = stack.sandbox.observe("lambda").get_function_configuration(FunctionName=f"redshift-autopilot-{function}")["Role"]
    given = stack.sandbox.observe("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    for service, operation, arguments in FORBIDDEN[function]:
        with pytest.raises(ClientError) as refused:
            getattr(stack.sandbox.client(service, credentials=given), operation)(**arguments)
        assert refused.value.response["Error"]["Code"] in {"AccessDenied", "AccessDeniedException"}, (service, operation)
