"""A fault at every write call of a provisioning, one by one: the warehouse is complete or nothing of it is left, and a retry succeeds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.workflows.conftest import Stack
from tests.workflows.provisioned import FULL, left_of, writes

#: What a good run writes, as recorded by the desk, and how often; the test below holds it against one.
WRITES = {
    "cluster": {
        "ec2:CreateSecurityGroup": 1,
        "ec2:AuthorizeSecurityGroupIngress": 1,
        "redshift:CreateClusterParameterGroup": 1,
        "redshift:ModifyClusterParameterGroup": 1,
        "redshift:CreateCluster": 1,
        "redshift:EnableLogging": 1,
        "redshift:CreateUsageLimit": 1,
        "redshift-data:ExecuteStatement": 1,
    },
    "workgroup": {
        "ec2:CreateSecurityGroup": 1,
        "ec2:AuthorizeSecurityGroupIngress": 1,
        "redshift-serverless:CreateNamespace": 1,
        "redshift-serverless:CreateWorkgroup": 1,
        "redshift-serverless:CreateUsageLimit": 1,
        "redshift-data:ExecuteStatement": 1,
    },
}
SERVICES = ("redshift", "redshift-serverless", "ec2", "redshift-data")
#: A code of each service for a refusal that no retry mends.
REFUSALS = {
    "redshift": "UnauthorizedOperation",
    "redshift-serverless": "AccessDeniedException",
    "ec2": "UnauthorizedOperation",
    "redshift-data": "AccessDeniedException",
    "dynamodb": "AccessDeniedException",
}
CASES = [(kind, call) for kind, calls in WRITES.items() for call in calls]
#: What the workflow and its waits write beside it: the lock, the ledger's start, the first callback; its end, its callbacks and its lock.
TABLE = [("PutItem", 0), ("PutItem", 1), ("PutItem", 2), ("UpdateItem", 0), ("DeleteItem", 0), ("DeleteItem", 1)]


@pytest.fixture
def quick(stack: Stack) -> Iterator[Stack]:
    stack.sandbox.desk("POST", "clock", {"scale": 1200})
    yield stack
    stack.sandbox.desk("POST", "clock", {"scale": 120})


@pytest.mark.parametrize("kind", WRITES)
def test_good_run_writes_what_the_faults_below_are_injected_into(quick: Stack, kind: str) -> None:
    ended = quick.run("provision_warehouse", {"spec": {"name": f"good-{kind}", **FULL[kind]}})
    assert ended.succeeded, ended
    assert writes(quick, SERVICES) == WRITES[kind]


@pytest.mark.parametrize(("kind", "call"), CASES, ids=[f"{kind}-{call}" for kind, call in CASES])
def test_refused_call_leaves_nothing_behind_and_a_retry_succeeds(quick: Stack, kind: str, call: str) -> None:
    service, operation = call.split(":")
    name = f"f-{kind[:2]}-{operation.lower()}"
    spec = {"spec": {"name": name, **FULL[kind]}}
    quick.fault(service, operation, REFUSALS[service], times=1 if service != "redshift-data" else 20, message="not here")
    ended = quick.run("provision_warehouse", spec)
    assert (ended.status, "not here" in ended.cause) == ("FAILED", True), ended
    assert left_of(quick, name) == []
    assert quick.lock(name) is None
    entry = quick.ledger(name)[-1]
    assert entry["outcome"] == "failed"
    made_before = call != "ec2:CreateSecurityGroup"
    assert ("removed: " in entry["detail"]) is made_before, entry
    quick.sandbox.desk("DELETE", "faults")
    again = quick.run("provision_warehouse", spec)
    assert (again.status, again.output.get("event")) == ("SUCCEEDED", "Warehouse Provisioned"), again


@pytest.mark.parametrize(("operation", "number"), TABLE, ids=[f"{operation}-{number}" for operation, number in TABLE])
def test_refused_call_of_the_table_leaves_all_or_nothing(quick: Stack, operation: str, number: int) -> None:
    name = f"t-{operation.lower()}-{number}"
    spec = {"spec": {"name": name, "kind": "workgroup"}}
    quick.fault("dynamodb", operation, REFUSALS["dynamodb"], times=1, skip=number)
    ended = quick.run("provision_warehouse", spec)
    assert left_of(quick, name) == (["workgroup", "namespace"] if ended.succeeded else []), ended
    quick.sandbox.desk("DELETE", "faults")
    again = quick.run("provision_warehouse", spec)
    assert again.succeeded, again
    assert left_of(quick, name) == ["workgroup", "namespace"]
    quick.until(lambda: quick.lock(name) is None, "the lock is free")


def test_undo_stops_at_a_table_that_somebody_made_meanwhile(quick: Stack) -> None:
    """The last call of a provisioning fails after somebody has put data into the new warehouse: it stays, and the report says why."""
    name = "in-use"
    # The call takes so long that there is time to use the warehouse; then it is refused.
    quick.fault("redshift", "CreateUsageLimit", "UnauthorizedOperation", message="not here", delay_seconds=7, times=1)
    arn = quick.start("provision_warehouse", {"spec": {"name": name, **FULL["cluster"]}})
    quick.until(lambda: quick.calls("redshift:CreateUsageLimit") > 0, "the cluster is there")
    assert quick.sql(name, ["CREATE TABLE orders (a INT)", "INSERT INTO orders VALUES (1)"]).succeeded
    ended = quick.wait(arn)
    assert ended.status == "FAILED"
    assert "not removed: cluster in-use, which holds dev.public.orders" in ended.cause
    quick.sandbox.desk("DELETE", "faults")
    assert quick.rows(name, "SELECT a FROM orders") == [[1]]
    again = quick.run("provision_warehouse", {"spec": {"name": name, **FULL["cluster"]}})
    assert (again.status, again.output["event"]) == ("SUCCEEDED", "Warehouse Changed"), again
    assert quick.rows(name, "SELECT a FROM orders") == [[1]]
