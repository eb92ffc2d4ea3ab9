"""`wait`: the callback is stored, then the state is looked at; the answer comes at once, by a hint, or by a later attempt."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from autopilot.domain.errors import AwsRefused, InvalidInput, Throttled
from tests.handlers.account import Aws, Handle, execution, key_of, reference, sample
from tests.handlers.wiring import Refusal

OTHER = execution("resume-warehouse", "other")


def wait(goal: str = "paused", **more: Any) -> dict[str, Any]:
    return sample("wait") | {"goal": goal} | more


def test_sample_waits_for_a_cluster_that_is_still_pausing(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="pausing")
    assert handle(sample("wait")) == {"outcome": "waiting", "goal": "paused"}
    assert aws.waiting() == ["sample-task-token"]
    assert aws.executions.answers == {}


def test_callback_is_stored_before_the_state_is_looked_at(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="pausing")
    handle(wait())
    assert aws.order == ["put_item", "describe_clusters"]


@pytest.mark.parametrize(
    ("goal", "status", "detail"),
    [
        ("paused", "paused", "analytics is paused"),
        ("available", "available", "analytics is available"),
        ("available", "available, resize-cleanup", "analytics is available"),
    ],
)
def test_what_is_already_reached_is_answered_at_once_and_forgotten(aws: Aws, handle: Handle, goal: str, status: str, detail: str) -> None:
    aws.clusters.add(status=status)
    assert handle(wait(goal))["outcome"] == "answered"
    assert aws.answer_to("sample-task-token") == {"output": {"detail": detail}}
    assert aws.waiting() == []


def test_deletion_is_reached_when_the_warehouse_is_gone(aws: Aws, handle: Handle) -> None:
    handle(wait("deleted"))
    assert aws.answer_to("sample-task-token") == {"output": {"detail": "analytics is deleted"}}


@pytest.mark.parametrize(
    ("goal", "status", "cause"),
    [
        ("paused", "deleting", "analytics is deleting and will not become paused by itself"),
        ("available", "hardware-failure", "analytics is hardware-failure and will not become available by itself"),
    ],
)
def test_what_can_no_longer_be_reached_fails_the_task(aws: Aws, handle: Handle, goal: str, status: str, cause: str) -> None:
    aws.clusters.add(status=status)
    handle(wait(goal))
    assert aws.answer_to("sample-task-token") == {"error": "WarehouseFailed", "cause": cause}


def test_warehouse_that_is_not_visible_yet_is_waited_for_once(aws: Aws, handle: Handle) -> None:
    assert handle(wait("available"))["outcome"] == "waiting"
    assert handle(wait("available", token="second", attempt=1))["outcome"] == "answered"
    assert aws.answer_to("second") == {"error": "WarehouseFailed", "cause": "analytics no longer exists"}


def test_warehouse_of_another_region_is_refused(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="paused")
    with pytest.raises(InvalidInput, match=r"^warehouse\.region: eu-west-1 is not us-east-1"):
        handle(wait(warehouse=reference() | {"region": "eu-west-1"}))
    assert aws.executions.answers == {}


@pytest.mark.parametrize("status", ["CREATING", "MODIFYING"])
def test_workgroup_is_waited_for_in_its_own_words(aws: Aws, handle: Handle, status: str) -> None:
    aws.serverless.add(status=status)
    waiting = wait("available", warehouse=reference("adhoc", "workgroup"))
    assert handle(waiting)["outcome"] == "waiting"
    aws.serverless.workgroups["adhoc"]["status"] = "AVAILABLE"
    assert handle(waiting)["outcome"] == "answered"


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("creating", None),
        ("available", {"output": {"detail": "snapshot before is available"}}),
        ("failed", {"error": "WarehouseFailed", "cause": "snapshot before failed"}),
    ],
)
def test_snapshot_is_judged_by_its_own_status(aws: Aws, handle: Handle, status: str, told: dict[str, Any] | None) -> None:
    aws.clusters.add_snapshot("before", status=status)
    handle(wait("snapshot", subject="before"))
    assert aws.answer_to("sample-task-token") == told


def test_snapshot_of_a_namespace_is_asked_of_serverless(aws: Aws, handle: Handle) -> None:
    aws.serverless.add_snapshot("before", status="CREATING")
    waiting = wait("snapshot", subject="before", warehouse=reference("adhoc", "workgroup"))
    assert handle(waiting)["outcome"] == "waiting"
    aws.serverless.snapshots["before"]["status"] = "AVAILABLE"
    assert handle(waiting)["outcome"] == "answered"


def test_resize_is_waited_for_until_the_size_is_there(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="resizing", nodes=2)
    waiting = wait("resized", subject="4 x ra3.large")
    assert handle(waiting)["outcome"] == "waiting"
    aws.clusters.clusters["analytics"] |= {"ClusterStatus": "available, resize-cleanup", "NumberOfNodes": 4}
    assert handle(waiting)["outcome"] == "answered"
    assert aws.answer_to("sample-task-token") == {"output": {"detail": "analytics has 4 x ra3.large"}}


def test_resize_that_aws_gave_up_fails_the_task(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(nodes=2)
    aws.clusters.resizes["analytics"] = "FAILED"
    handle(wait("resized", subject="4 x ra3.large"))
    cause = "AWS says that the resize of analytics to 4 x ra3.large is FAILED; it has 2 x ra3.large"
    assert aws.answer_to("sample-task-token") == {"error": "WarehouseFailed", "cause": cause}


def test_snapshot_that_is_gone_fails_the_task(aws: Aws, handle: Handle) -> None:
    handle(wait("snapshot", subject="before"))
    assert aws.answer_to("sample-task-token") == {"error": "WarehouseFailed", "cause": "snapshot before no longer exists"}


def test_lock_of_a_running_execution_is_waited_for(aws: Aws, handle: Handle) -> None:
    aws.start(OTHER)
    aws.take_lock(OTHER)
    assert handle(wait("unlocked", key=key_of()))["outcome"] == "waiting"
    assert aws.lock_owner() == OTHER


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"])
def test_dead_owners_lock_is_freed(aws: Aws, handle: Handle, status: str) -> None:
    aws.executions.status[OTHER] = status
    aws.take_lock(OTHER)
    handle(wait("unlocked", key=key_of()))
    assert aws.lock_owner() is None
    assert aws.answer_to("sample-task-token") == {"output": {"detail": "the lock of analytics is free"}}


def test_lock_of_an_execution_that_aws_forgot_is_freed(aws: Aws, handle: Handle) -> None:
    aws.take_lock(OTHER)
    handle(wait("unlocked", key=key_of()))
    assert aws.lock_owner() is None


def test_last_look_says_what_was_seen_last(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="pausing")
    assert handle(wait(attempt=60, last_attempt=60))["outcome"] == "answered"
    assert aws.answer_to("sample-task-token") == {"error": "WaitedTooLong", "cause": "gave up waiting: analytics is pausing"}


def test_last_look_at_a_lock_names_who_holds_it(aws: Aws, handle: Handle) -> None:
    aws.start(OTHER)
    aws.take_lock(OTHER)
    handle(wait("unlocked", key=key_of(), attempt=60))
    told = aws.answer_to("sample-task-token")
    assert told == {"error": "WaitedTooLong", "cause": f"gave up waiting: {OTHER} holds the lock of analytics"}


def test_retry_writes_its_token_over_the_earlier_one(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="pausing")
    handle(wait(token="first"))
    handle(wait(token="second", attempt=1))
    assert aws.waiting() == ["second"]


def test_waits_of_two_executions_for_one_cluster_live_side_by_side(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="pausing")
    handle(wait(token="mine"))
    handle(wait(token="theirs", execution=OTHER))
    assert aws.waiting() == ["mine", "theirs"]


def test_token_of_an_ended_task_is_forgotten(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="paused")
    aws.executions.gone.add("sample-task-token")
    assert handle(wait())["outcome"] == "answered"
    assert aws.waiting() == []


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (Refusal("Throttling", "Rate exceeded"), Throttled),
        (Refusal("InternalFailure", "", 500), Throttled),
        (Refusal("OptInRequired"), AwsRefused),
        (EndpointConnectionError(endpoint_url="https://redshift"), Throttled),
    ],
)
def test_callback_outlives_a_look_that_fails(aws: Aws, handle: Handle, error: Any, raised: type[Exception]) -> None:
    aws.fail("redshift", "describe_clusters", error)
    with pytest.raises(raised, match="describe cluster analytics"):
        handle(wait())
    assert aws.waiting() == ["sample-task-token"]


def test_answer_that_step_functions_does_not_take_now_is_reported_and_kept(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="paused")
    aws.fail("stepfunctions", "send_task_success", Refusal("ThrottlingException", "Rate exceeded"))
    with pytest.raises(Throttled, match=r"^AWS refused to answer a waiting task: Rate exceeded \(ThrottlingException\)$"):
        handle(wait())
    assert aws.waiting() == ["sample-task-token"]


def test_unknown_goal_is_refused_and_nothing_is_stored(aws: Aws, handle: Handle) -> None:
    with pytest.raises(InvalidInput, match=r"^goal: Invalid enum value 'asleep'$"):
        handle(wait("asleep"))
    assert aws.items() == []


def test_callback_expires_two_days_after_it_was_stored(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="pausing")
    handle(wait())
    left_seconds = int(aws.items()[0]["expires_at"]) - time.time()
    assert 48 * 3600 - 60 < left_seconds <= 48 * 3600


def test_token_stays_out_of_the_log(aws: Aws, handle: Handle, log: Callable[[], str]) -> None:
    aws.clusters.add(status="paused")
    handle(wait())
    written = log()
    assert '"goal":"paused"' in written
    assert "sample-task-token" not in written
