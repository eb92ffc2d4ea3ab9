"""Executions that are stopped half-way, or that meet on one warehouse, leave no lock, no running statement and no doubt."""

from __future__ import annotations

import pytest

from tests.workflows.conftest import Stack


@pytest.mark.parametrize("drop", [False, True], ids=["hints", "no-hints"])
def test_stopped_pause_frees_its_lock_and_the_next_one_converges(stack: Stack, drop: bool) -> None:
    name = stack.provision()
    stack.hints(drop=drop)
    stack.sandbox.desk("POST", "clock", {"scale": 30})
    try:
        arn = stack.start("pause_warehouse", {"warehouse": name})
        stack.until(lambda: stack.status(name) == "pausing", "the cluster is pausing")
        assert stack.lock(name)
        stack.sandbox.observe("stepfunctions").stop_execution(executionArn=arn)
        ended = stack.run("pause_warehouse", {"warehouse": name})
    finally:
        stack.sandbox.desk("POST", "clock", {"scale": 120})
    assert ended.succeeded, ended
    assert stack.status(name) == "paused"
    assert stack.lock(name) is None
    assert stack.calls("redshift:PauseCluster") == 1


def test_stopped_execution_frees_its_lock_without_anybody_asking_for_it(stack: Stack) -> None:
    name = stack.provision()
    stack.sandbox.desk("POST", "clock", {"scale": 30})
    try:
        arn = stack.start("pause_warehouse", {"warehouse": name})
        stack.until(lambda: stack.status(name) == "pausing", "the cluster is pausing")
        stack.sandbox.observe("stepfunctions").stop_execution(executionArn=arn)
        stack.until(lambda: stack.lock(name) is None, "the lock is free", 10)
    finally:
        stack.sandbox.desk("POST", "clock", {"scale": 120})


def test_statement_of_a_stopped_execution_is_cancelled(stack: Stack) -> None:
    name = stack.provision()
    arn = stack.start("run_sql", {"warehouse": name, "sql": "SELECT pg_sleep(120)"})
    stack.until(lambda: stack.items("CALLBACK#statement"), "the statement is submitted")
    data, statement = stack.sandbox.observe("redshift-data"), stack.items("CALLBACK#statement")[0]["sk"]
    stack.until(lambda: data.describe_statement(Id=statement)["Status"] == "STARTED", "the statement runs")
    stack.sandbox.observe("stepfunctions").stop_execution(executionArn=arn)
    stack.until(lambda: data.describe_statement(Id=statement)["Status"] == "ABORTED", "the statement is cancelled", 10)
    stack.until(lambda: not [item for item in stack.items("CALLBACK#") if item["owner"] == arn], "its callback is gone", 10)
    assert stack.rows(name, "SELECT 1 AS one") == [[1]]


def test_stopped_provisioning_is_taken_over_by_the_next(stack: Stack) -> None:
    stack.sandbox.desk("POST", "clock", {"scale": 30})
    try:
        for kind in ("cluster", "workgroup"):
            spec = {"spec": {"name": f"adopted-{kind}", "kind": kind}}
            arn = stack.start("provision_warehouse", spec)
            stack.until(lambda: stack.items("CALLBACK#"), "it waits for the warehouse")
            stack.sandbox.observe("stepfunctions").stop_execution(executionArn=arn)
            ended = stack.run("provision_warehouse", spec)
            assert ended.succeeded, ended
            assert stack.rows(f"adopted-{kind}", "SELECT 1 AS one") == [[1]]
    finally:
        stack.sandbox.desk("POST", "clock", {"scale": 120})


def test_two_pauses_at_once_write_once(stack: Stack) -> None:
    name = stack.provision()
    both = [stack.start("pause_warehouse", {"warehouse": name}) for _ in range(2)]
    ended = [stack.wait(arn) for arn in both]
    assert all(one.succeeded for one in ended), ended
    assert sorted(one.output["changed"] for one in ended) == [False, True]
    assert stack.calls("redshift:PauseCluster") == 1
    assert stack.items("LOCK#") == []


def test_pause_and_resume_at_once_take_turns(stack: Stack) -> None:
    name = stack.provision()
    pause = stack.start("pause_warehouse", {"warehouse": name})
    stack.until(lambda: stack.lock(name), "the pause holds the lock")
    stack.until(lambda: stack.status(name) in {"pausing", "paused"}, "the cluster is pausing")
    resume = stack.start("resume_warehouse", {"warehouse": name})
    paused, resumed = stack.wait(pause), stack.wait(resume)
    assert paused.succeeded, paused
    assert resumed.succeeded, resumed
    assert stack.status(name) == "available"
    assert (stack.calls("redshift:PauseCluster"), stack.calls("redshift:ResumeCluster")) == (1, 1)
    assert stack.items("LOCK#") == []


def test_two_provisionings_of_one_name_create_one_warehouse(stack: Stack) -> None:
    both = [stack.start("provision_warehouse", {"spec": {"name": "twin"}}) for _ in range(2)]
    ended = [stack.wait(arn) for arn in both]
    assert all(one.succeeded for one in ended), ended
    assert stack.calls("redshift:CreateCluster") == 1
