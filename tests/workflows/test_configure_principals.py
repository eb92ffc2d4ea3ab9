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
    secret = stack.sandbox.observe("secretsmanager").get_secret_value(SecretId=f"autopilot/{warehouse}/reporter")["SecretString"]
    password = json.loads(secret)["password"]
    for ended in (failed, again, nothing):
        assert password not in json.dumps(stack.driver.history(ended.arn), default=str)
