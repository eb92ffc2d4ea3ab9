"""Hints only make waiting faster: lost, doubled, late or out of order, they change nothing that is done."""

from __future__ import annotations

import pytest

from tests.workflows.conftest import Stack

LIFE = ("provision_warehouse", "run_sql", "pause_warehouse", "resume_warehouse")


def _through_life(stack: Stack, name: str) -> dict[str, str]:
    """Take a cluster through all four workflows; the ARN of each execution."""
    arns = {}
    for workflow in LIFE:
        given = {"warehouse": name} if workflow != "provision_warehouse" else {"spec": {"name": name}}
        arns[workflow] = stack.start(
            workflow, given | ({"sql": "SELECT COUNT(*) FROM generate_series(1, 3000000)"} if workflow == "run_sql" else {})
        )
        ended = stack.wait(arns[workflow])
        assert ended.succeeded, ended
    return arns


def test_everything_finishes_when_all_hints_are_lost(stack: Stack) -> None:
    stack.hints(drop=True)
    arns = _through_life(stack, "unheard")
    assert stack.status("unheard") == "available"
    assert stack.sandbox.desk("GET", "events")["dropped"] > 0
    assert all(stack.heartbeats(arns[workflow]) for workflow in ("provision_warehouse", "pause_warehouse", "resume_warehouse"))
    assert stack.run("provision_warehouse", {"spec": {"name": "unheard-too", "kind": "workgroup"}}).succeeded


def test_nothing_is_done_twice_when_each_hint_comes_three_times_and_out_of_order(stack: Stack) -> None:
    stack.hints(duplicate=3, delay_seconds=0.7, shuffle=True)
    _through_life(stack, "echo")
    done = {operation: stack.calls(f"redshift:{operation}") for operation in ("CreateCluster", "PauseCluster", "ResumeCluster")}
    assert done == {"CreateCluster": 1, "PauseCluster": 1, "ResumeCluster": 1}
    assert [entry["action"] for entry in stack.ledger("echo")] == ["provision", "run_sql", "pause", "resume"]
    assert stack.items("LOCK#") == []


def test_hint_wakes_a_wait_before_its_poll(stack: Stack) -> None:
    name = stack.provision()
    ended = stack.run("pause_warehouse", {"warehouse": name})
    assert ended.succeeded, ended
    assert stack.sandbox.desk("GET", "events")["sent"] > 0


@pytest.mark.parametrize("seconds", [0.0, 3.5])
def test_late_hint_of_an_ended_wait_is_harmless(stack: Stack, seconds: float) -> None:
    name = stack.provision()
    stack.hints(delay_seconds=seconds)
    assert stack.run("pause_warehouse", {"warehouse": name}).succeeded
    assert stack.run("resume_warehouse", {"warehouse": name}).succeeded
    stack.hints(drop=False)
    assert stack.run("pause_warehouse", {"warehouse": name}).output["changed"] is True
