"""Roles, users and grants through the whole workflow: a password that only Secrets Manager holds, and rights that the database enforces."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.workflows.conftest import Stack


@pytest.fixture(scope="module")
def warehouse(deployed: Stack) -> str:
    return deployed.provision()


def staff(warehouse: str, *grants: dict[str, Any]) -> dict[str, Any]:
    return {
        "spec": {
            "name": warehouse,
            "schemas": [{"name": "sales"}],
            "roles": [{"name": "analyst"}],
            "users": [{"name": "reporter", "login": "password", "roles": ["analyst"]}],
            "grants": [{"to": {"role": "analyst"}, "privileges": ["usage"], "object": {"schema": "sales"}}, *grants],
        }
    }


def as_reporter(stack: Stack, warehouse: str, sql: str) -> dict[str, Any]:
    """What becomes of a statement that is signed in to with the user's secret."""
    data = stack.sandbox.observe("redshift-data")
    secret = stack.sandbox.observe("secretsmanager").describe_secret(SecretId=f"autopilot/{warehouse}/reporter")["ARN"]
    statement = data.execute_statement(ClusterIdentifier=warehouse, Database="dev", SecretArn=secret, Sql=sql)["Id"]
    stack.until(lambda: data.describe_statement(Id=statement)["Status"] in {"FINISHED", "FAILED", "ABORTED"}, "the statement has ended")
    found: dict[str, Any] = data.describe_statement(Id=statement)
    return found


def test_staff_is_made_signs_in_and_a_failed_grant_is_made_up_for(stack: Stack, warehouse: str) -> None:
    table = {"to": {"role": "analyst"}, "privileges": ["select"], "object": {"schema": "sales", "table": "orders"}}
    failed = stack.run("configure_warehouse", staff(warehouse, table))
    assert (failed.status, failed.error) == ("FAILED", "ConfigurationIncomplete")
    assert "grant select on sales.orders to role analyst" in failed.cause
    assert "does not exist" in failed.cause
    assert as_reporter(stack, warehouse, "SELECT 1")["Status"] == "FINISHED"

    assert stack.sql(warehouse, "CREATE TABLE sales.orders (id int)").succeeded
    assert "permission denied" in as_reporter(stack, warehouse, "SELECT * FROM sales.orders")["Error"]
    again = stack.run("configure_warehouse", staff(warehouse, table))
    assert again.succeeded, again
    assert as_reporter(stack, warehouse, "SELECT * FROM sales.orders")["Status"] == "FINISHED"
    assert "permission denied" in as_reporter(stack, warehouse, "DELETE FROM sales.orders")["Error"]

    nothing = stack.run("configure_warehouse", staff(warehouse, table))
    assert (nothing.output["event"], nothing.output["changed"]) == ("Warehouse Configuration Skipped", False)
    executions = [stack.driver.history(ended.arn) for ended in (failed, again, nothing)]
    assert _password(stack, warehouse) not in json.dumps([executions, _everything_kept(stack)], default=str)


def test_changed_secret_is_the_password_from_then_on(stack: Stack, warehouse: str) -> None:
    assert stack.run("configure_warehouse", staff(warehouse)).succeeded
    before, secrets = _password(stack, warehouse), stack.sandbox.observe("secretsmanager")
    content = json.dumps({"username": "reporter", "password": "Another5word"})
    secrets.put_secret_value(SecretId=f"autopilot/{warehouse}/reporter", SecretString=content)
    assert as_reporter(stack, warehouse, "SELECT 1")["Status"] == "FAILED"
    changed = stack.run("configure_warehouse", staff(warehouse))
    assert changed.succeeded, changed
    assert as_reporter(stack, warehouse, "SELECT 1")["Status"] == "FINISHED"
    texts = json.dumps([stack.driver.history(changed.arn), _everything_kept(stack)], default=str)
    assert before not in texts
    assert "Another5word" not in texts


def _password(stack: Stack, warehouse: str) -> str:
    secret = stack.sandbox.observe("secretsmanager").get_secret_value(SecretId=f"autopilot/{warehouse}/reporter")["SecretString"]
    return str(json.loads(secret)["password"])


def _everything_kept(stack: Stack) -> list[Any]:
    """Plan files, the table, the function's log, the Data API's texts and what the local AWS prints."""
    bucket, s3, data = stack.outputs["BucketName"], stack.sandbox.observe("s3"), stack.sandbox.observe("redshift-data")
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="plans/")["Contents"]
    plans = [s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read().decode() for one in listed]
    logged = stack.sandbox.observe("logs").filter_log_events(logGroupName="/aws/lambda/redshift-autopilot-configure")["events"]
    statements = data.list_statements(Status="ALL")["Statements"]
    assert logged
    return [plans, stack.items(""), logged, statements, stack.sandbox.log()]
