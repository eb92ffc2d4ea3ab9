"""AWS throttles and contradicts itself; all four workflows still end well."""

from __future__ import annotations

import pytest

from sandbox.driver import Ended
from tests.workflows.conftest import Stack

#: Every operation that the workflows call on Redshift, with the codes that its service uses for "slow down" and "not now".
OPERATIONS = {
    "redshift": ["DescribeClusters", "CreateCluster", "PauseCluster", "ResumeCluster", "DescribeClusterSnapshots"],
    "redshift-serverless": ["GetWorkgroup", "GetNamespace", "CreateNamespace", "CreateWorkgroup", "ListTagsForResource"],
    "redshift-data": ["ExecuteStatement", "BatchExecuteStatement", "DescribeStatement", "GetStatementResult"],
    "dynamodb": ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"],
    "states": ["DescribeExecution", "SendTaskSuccess"],
}
THROTTLE = {
    "redshift": "Throttling",
    "redshift-serverless": "ThrottlingException",
    "redshift-data": "ThrottlingException",
    "dynamodb": "ThrottlingException",
    "states": "ThrottlingException",
}


def _life(stack: Stack, name: str, kind: str) -> list[Ended]:
    ended = [stack.run("provision_warehouse", {"spec": {"name": name, "kind": kind}}), stack.sql(name, "SELECT 1 AS one")]
    if kind == "cluster":
        ended += [stack.run("pause_warehouse", {"warehouse": name}), stack.run("resume_warehouse", {"warehouse": name})]
    return ended


@pytest.mark.parametrize("kind", ["cluster", "workgroup"])
def test_throttling_of_the_first_three_calls_of_every_operation_is_survived(stack: Stack, kind: str) -> None:
    for service, operations in OPERATIONS.items():
        for operation in operations:
            stack.fault(service, operation, THROTTLE[service], times=3)
    ended = _life(stack, f"slow-{kind}", kind)
    assert all(one.succeeded for one in ended), ended
    fired = {f"{fault['service']}:{fault['operation']}": fault["fired"] for fault in stack.sandbox.desk("GET", "faults")["faults"]}
    assert fired["redshift:DescribeClusters"] == 3
    assert fired["dynamodb:PutItem"] == 3
    assert stack.items("LOCK#") == []


@pytest.mark.parametrize(
    ("kind", "service", "code"), [("cluster", "redshift", "InvalidClusterState"), ("workgroup", "redshift-serverless", "ConflictException")]
)
def test_not_now_from_the_first_three_calls_of_every_operation_is_survived(stack: Stack, kind: str, service: str, code: str) -> None:
    for operation in OPERATIONS[service]:
        stack.fault(service, operation, code, times=3)
    ended = _life(stack, f"fickle-{kind}", kind)
    assert all(one.succeeded for one in ended), ended


def test_refused_resume_ends_with_the_reason_and_a_free_lock(stack: Stack) -> None:
    name = stack.provision()
    stack.run("pause_warehouse", {"warehouse": name})
    stack.fault("redshift", "ResumeCluster", "UnauthorizedOperation", message="not in this account")
    ended = stack.run("resume_warehouse", {"warehouse": name})
    assert (ended.status, ended.error) == ("FAILED", "AccessDenied"), ended
    assert "not in this account" in ended.cause
    assert stack.ledger(name)[-1]["outcome"] == "failed"
    assert stack.items("LOCK#") == []
    stack.sandbox.desk("DELETE", "faults")
    assert stack.run("resume_warehouse", {"warehouse": name}).succeeded


def test_pause_that_aws_never_allows_is_a_final_answer(stack: Stack) -> None:
    name = stack.provision()
    stack.fault("redshift", "PauseCluster", "UnsupportedOperation", message="HSM clusters cannot be paused")
    ended = stack.run("pause_warehouse", {"warehouse": name})
    assert (ended.status, ended.error) == ("FAILED", "PauseRefused"), ended
    assert stack.calls("redshift:PauseCluster") == 1
