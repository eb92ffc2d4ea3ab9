"""`pause`: look and decide, let running queries end, and pause with a recent backup in hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from autopilot.domain.decisions import snapshot_name
from autopilot.domain.errors import AwsRefused, InvalidInput, LookAgain, PauseRefused, Throttled, WarehouseNotFound, WarehouseNotReady
from autopilot.domain.sql import LOOK_AT_QUERIES
from tests.handlers.account import Aws, Handle, execution, reference, sample
from tests.handlers.wiring import Refusal

NOT_A_NAME = """warehouse: "'; drop" is not a warehouse name. Allowed: 1 to 64 lowercase letters, digits and hyphens"""


def look(**given: Any) -> dict[str, Any]:
    return sample("pause") | {"input": {"warehouse": "analytics", **given}}


def act() -> dict[str, Any]:
    return {"step": "act", "execution": execution(), "warehouse": reference()}


def drain(*, seconds_ago: int = 0, **more: Any) -> dict[str, Any]:
    entered = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    given = {"drain_seconds": 900, "entered_at": entered.isoformat(), "token": "token", "attempt": 0, "last_attempt": 720}
    return {"step": "drain", "execution": execution(), "warehouse": reference(), **given, **more}


IDLE = {"outcome": "idle", "running": 0, "reason": "no query was running"}


def nothing_runs(aws: Aws) -> None:
    """The look that was asked last ends, and has seen no query."""
    aws.data.finish(aws.data.last, (["usesuper"], [[True]]), (["query_id"], []))


# --- look -------------------------------------------------------------------------------------------------------------


def test_sample_plans_the_pause_of_an_available_cluster(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(nodes=4)
    assert handle(sample("pause")) == {
        "action": "pause",
        "reason": "analytics is available",
        "asked": "end of the working day",
        "warehouse": reference(),
        "key": "cluster#us-east-1#analytics",
        "dry_run": False,
        "status": "available",
        "node_type": "ra3.large",
        "nodes": 4,
        "when_busy": "skip",
        "drain_seconds": 900,
        "until": None,
    }


def test_wait_lets_queries_end_for_a_day_but_not_beyond_the_time_it_is_given(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    planned = handle(look(when_busy="wait", drain_seconds=0, until="2026-11-25T08:00:00+01:00"))
    assert (planned["when_busy"], planned["drain_seconds"], planned["until"]) == ("wait", 86_400, "2026-11-25T08:00:00+01:00")
    with pytest.raises(InvalidInput, match="until"):
        handle(look(when_busy="wait", until="2026-11-25T08:00:00"))


@pytest.mark.parametrize(("seconds_left", "outcome"), [(60, "pending"), (-1, "busy")])
def test_drain_ends_at_the_time_it_is_given_however_patient(aws: Aws, handle: Handle, seconds_left: int, outcome: str) -> None:
    aws.clusters.add()
    aws.fail("redshift-data", "batch_execute_statement", Refusal("AccessDeniedException", "no"))
    until = datetime.now(UTC) + timedelta(seconds=seconds_left)
    assert handle(drain(drain_seconds=86_400, until=until.isoformat()))["outcome"] == outcome


@pytest.mark.parametrize(
    ("status", "action"),
    [
        ("pausing", "await"),
        ("paused", "nothing"),
        ("deleting", "nothing"),
        ("final-snapshot", "nothing"),
        ("available, prep-for-resize", "pause"),
        ("modifying", "settle"),
        ("resuming", "settle"),
    ],
)
def test_plan_converges_with_what_is_under_way(aws: Aws, handle: Handle, status: str, action: str) -> None:
    aws.clusters.add(status=status)
    assert handle(look())["action"] == action


def test_workgroup_has_nothing_to_pause(aws: Aws, handle: Handle) -> None:
    aws.serverless.add()
    plan = handle(look(warehouse="adhoc"))
    assert plan["action"] == "nothing"
    assert plan["reason"] == "nothing to pause: a Serverless workgroup bills compute only while queries run"
    assert plan["warehouse"] == reference("adhoc", "workgroup")


def test_cluster_is_preferred_to_a_workgroup_of_its_name(aws: Aws, handle: Handle) -> None:
    aws.clusters.add("shared")
    aws.serverless.add("shared")
    assert handle(look(warehouse="shared"))["warehouse"]["kind"] == "cluster"
    assert handle(look(warehouse={"name": "shared", "kind": "workgroup"}))["warehouse"]["kind"] == "workgroup"


def test_cluster_in_a_state_that_no_plan_can_wait_for_is_tried_again_later(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="storage-full")
    with pytest.raises(WarehouseNotReady, match=r"^analytics is storage-full; a cluster can be paused only from available$"):
        handle(look())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"when_busy": "kill"}, "when_busy: Invalid enum value 'kill'"),
        ({"drain_seconds": -1}, "drain_seconds: Expected `int` >= 0"),
        ({"drain_seconds": "900"}, "drain_seconds: Expected `int`, got `str`"),
        ({"warehouse": ""}, "warehouse: must not be empty"),
        (
            {"warehouse": "'; drop"},
            NOT_A_NAME,
        ),
    ],
)
def test_bad_input_is_refused_in_words_before_aws_is_asked(aws: Aws, handle: Handle, given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        handle(look(**given))
    assert str(refused.value) == message
    assert aws.order == []


# --- act --------------------------------------------------------------------------------------------------------------


def test_cluster_with_a_recent_backup_is_paused(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    aws.clusters.add_snapshot("rs:recent")
    assert handle(act()) == {"next": "paused", "action": "pause", "reason": "analytics is available"}
    assert aws.clusters.status_of("analytics") == "pausing"
    assert aws.calls("create_cluster_snapshot") == []


def test_cluster_without_a_recent_backup_gets_one_that_removes_itself(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    aws.clusters.add_snapshot("rs:old", age=timedelta(hours=25))
    aws.clusters.add_snapshot("rs:unfinished", status="creating")
    aws.clusters.add_snapshot("rs:of-another", "finance")
    aws.clusters.add_snapshot("rs:of-its-predecessor", of_namesake=True)
    answer = handle(act())
    assert (answer["next"], answer["snapshot"]) == ("snapshot", snapshot_name("analytics", execution()))
    assert answer["reason"] == "analytics has no recent backup, which a pause needs"
    asked = aws.calls("create_cluster_snapshot")[0]
    assert asked["ManualSnapshotRetentionPeriod"] == 2
    assert aws.clusters.status_of("analytics") == "available"


def test_retry_waits_for_the_snapshot_taken_before_and_then_pauses(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    first = handle(act())
    assert handle(act())["snapshot"] == first["snapshot"]
    assert len(aws.clusters.snapshots) == 1
    aws.clusters.snapshots[first["snapshot"]]["Status"] = "available"
    assert handle(act())["next"] == "paused"


@pytest.mark.parametrize("status", ["pausing", "paused"])
def test_cluster_that_somebody_else_paused_meanwhile_is_not_paused_again(aws: Aws, handle: Handle, status: str) -> None:
    aws.clusters.add(status=status)
    assert handle(act())["next"] == "paused"
    assert aws.calls("pause_cluster") == []


def test_cluster_that_aws_never_pauses_is_refused_for_good(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    aws.clusters.add_snapshot("rs:recent")
    aws.fail("redshift", "pause_cluster", Refusal("UnsupportedOperation", "HSM cluster"))
    with pytest.raises(PauseRefused) as refused:
        handle(act())
    assert str(refused.value) == (
        "AWS refused to pause cluster analytics: HSM cluster (UnsupportedOperation). "
        "AWS does not pause such clusters; leave this one out of pause schedules"
    )


@pytest.mark.parametrize(
    ("operation", "code", "raised"),
    [
        ("pause_cluster", "InvalidClusterState", WarehouseNotReady),
        ("pause_cluster", "ClusterNotFound", WarehouseNotFound),
        ("pause_cluster", "Throttling", Throttled),
        ("describe_cluster_snapshots", "Throttling", Throttled),
        ("create_cluster_snapshot", "ClusterSnapshotQuotaExceeded", AwsRefused),
    ],
)
def test_refusals_keep_their_own_name(aws: Aws, handle: Handle, operation: str, code: str, raised: type[Exception]) -> None:
    aws.clusters.add()
    if operation == "pause_cluster":
        aws.clusters.add_snapshot("rs:recent")
    aws.fail("redshift", operation, Refusal(code, "no"))
    with pytest.raises(raised) as refused:
        handle(act())
    assert type(refused.value) is raised
    assert str(refused.value).endswith(f"cluster analytics: no ({code})")


@pytest.mark.parametrize("hours", [1, 23])
def test_snapshot_of_the_last_day_is_a_recent_backup(aws: Aws, handle: Handle, hours: int) -> None:
    aws.clusters.add()
    aws.clusters.add_snapshot("rs:recent", age=timedelta(hours=hours))
    assert handle(act())["action"] == "pause"


@pytest.mark.parametrize("status", ["modifying", "rebooting", "resizing", "storage-full"])
def test_cluster_that_began_to_change_while_it_drained_is_tried_again(aws: Aws, handle: Handle, status: str) -> None:
    aws.clusters.add(status=status)
    with pytest.raises(WarehouseNotReady, match=f"^analytics is {status}; "):
        handle(act())
    assert (aws.calls("pause_cluster"), aws.calls("create_cluster_snapshot")) == ([], [])


# --- drain ------------------------------------------------------------------------------------------------------------


def test_drain_asks_what_runs_and_waits_for_the_answer(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    assert handle(drain()) == {"outcome": "pending", "running": None, "reason": "asked analytics what runs"}
    request = aws.calls("batch_execute_statement")[0]
    assert request["Sqls"] == LOOK_AT_QUERIES
    assert (request["DbUser"], request["WithEvent"]) == ("awsuser", True)
    assert aws.waiting() == ["token"]
    assert aws.order.index("put_item") < aws.order.index("describe_statement")


def test_question_that_is_still_being_answered_is_not_asked_again(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    handle(drain())
    handle(drain(token="second", attempt=1))
    assert len(aws.data.statements) == 1
    assert aws.waiting() == ["second"]


def test_answer_as_old_as_the_heartbeat_is_not_trusted_but_asked_for_again(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    handle(drain())
    nothing_runs(aws)
    with pytest.raises(LookAgain, match=r"^asked analytics again what runs$"):
        handle(drain(token="second", attempt=1))
    assert len(aws.data.statements) == 2
    assert aws.executions.answers == {}
    nothing_runs(aws)
    handle(drain(token="third", attempt=2))
    assert aws.answer_to("third") == {"output": IDLE}
    assert (len(aws.data.statements), aws.waiting()) == (2, [])


def test_warehouse_that_cannot_be_asked_counts_as_busy_until_patience_ends(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    aws.fail("redshift-data", "batch_execute_statement", Refusal("AccessDeniedException", "no"), times=2)
    assert handle(drain())["outcome"] == "pending"
    assert aws.answer_to("token") is None
    outcome = handle(drain(seconds_ago=901))
    assert outcome == {
        "outcome": "busy",
        "running": None,
        "reason": "its queries could not be seen (AWS refused to run SQL in dev of cluster analytics: no (AccessDeniedException)) "
        "when the time to drain was over",
    }
    assert aws.answer_to("token") == {"output": outcome}


def test_last_attempt_ends_the_patience(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    aws.fail("redshift-data", "batch_execute_statement", Refusal("AccessDeniedException", "no"))
    assert handle(drain(attempt=720))["outcome"] == "busy"


def test_throttled_drain_is_tried_again_instead_of_taken_for_busy(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    aws.fail("redshift-data", "batch_execute_statement", Refusal("ThrottlingException", "Rate exceeded"))
    with pytest.raises(Throttled):
        handle(drain(seconds_ago=901))
    assert aws.executions.answers == {}


def test_look_that_ended_at_once_is_answered_at_once(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    aws.data.at_once = lambda: nothing_runs(aws)
    assert handle(drain()) == IDLE
    assert aws.answer_to("token") == {"output": IDLE}
    assert aws.waiting() == []


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("paused", "analytics is already paused"),
        ("pausing", "analytics is already pausing"),
        ("deleting", "analytics is being deleted"),
    ],
)
def test_drain_of_a_cluster_that_takes_no_query_any_more_is_over(aws: Aws, handle: Handle, status: str, reason: str) -> None:
    aws.clusters.add(status=status)
    handle(drain())
    assert aws.answer_to("token") == {"output": {"outcome": "idle", "running": None, "reason": reason}}
    assert (aws.data.statements, aws.waiting()) == ({}, [])


def test_cluster_that_is_paused_while_it_drains_is_not_asked_again(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    handle(drain())
    aws.clusters.become("analytics", "paused")
    assert handle(drain(token="second", attempt=1))["outcome"] == "idle"
    assert len(aws.data.statements) == 1


def test_slow_look_without_a_hint_is_waited_for_and_not_asked_anew(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    handle(drain(seconds_ago=880))
    nothing_runs(aws)
    for attempt in (1, 2, 3):
        with pytest.raises(LookAgain, match=r"^asked analytics again what runs$"):
            handle(drain(seconds_ago=899, token=f"token-{attempt}", attempt=attempt))
    aws.data.finish(aws.data.last, (["usesuper"], [[True]]), (["query_id"], [[1]]), seconds_ago=2)
    handle(drain(seconds_ago=901, token="last", attempt=4))
    assert aws.answer_to("last") == {
        "output": {"outcome": "busy", "running": 1, "reason": "1 query was running when the time to drain was over"}
    }
    assert (len(aws.data.statements), aws.waiting()) == (2, [])


def test_answer_to_a_repeated_question_that_is_old_by_now_is_asked_for_once_more(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    handle(drain())
    nothing_runs(aws)
    with pytest.raises(LookAgain):
        handle(drain(token="second", attempt=1))
    aws.data.finish(aws.data.last, (["usesuper"], [[True]]), (["query_id"], []), seconds_ago=60)
    with pytest.raises(LookAgain):
        handle(drain(token="third", attempt=2))
    assert len(aws.data.statements) == 3
    assert aws.executions.answers == {}


def test_repeated_look_that_sees_queries_goes_back_to_waiting_for_a_hint(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    handle(drain())
    nothing_runs(aws)
    with pytest.raises(LookAgain):
        handle(drain(token="second", attempt=1))
    aws.data.finish(aws.data.last, (["usesuper"], [[True]]), (["query_id"], [[1]]))
    assert handle(drain(token="third", attempt=2))["outcome"] == "pending"
    assert aws.executions.answers == {}
    assert aws.waiting() == ["third"]


@pytest.mark.parametrize(("seconds_late", "outcome"), [(30, "pending"), (61, "busy")])
def test_look_that_does_not_end_counts_as_busy_a_minute_after_the_patience(
    aws: Aws, handle: Handle, seconds_late: int, outcome: str
) -> None:
    aws.clusters.add()
    handle(drain())
    aws.data.age(aws.data.last, 900 + seconds_late)
    assert handle(drain(token="second", attempt=1, seconds_ago=900 + seconds_late))["outcome"] == outcome
    reason = "its queries could not be seen (the look at them has not ended) when the time to drain was over"
    busy = {"output": {"outcome": "busy", "running": None, "reason": reason}}
    assert aws.answer_to("second") == (busy if outcome == "busy" else None)
    assert aws.waiting() == ([] if outcome == "busy" else ["second"])


def test_earlier_look_that_cannot_be_seen_counts_as_busy_until_patience_ends(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    handle(drain())
    aws.fail("redshift-data", "describe_statement", Refusal("ValidationException", "Query is not yours."), times=2)
    assert handle(drain(token="second", attempt=1))["outcome"] == "pending"
    assert aws.executions.answers == {}
    handle(drain(token="third", attempt=2, seconds_ago=901))
    told = aws.answer_to("third")
    assert told
    assert (told["output"]["outcome"], told["output"]["running"]) == ("busy", None)
    assert "Query is not yours." in told["output"]["reason"]


def test_earlier_look_that_aws_has_forgotten_is_asked_anew(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    handle(drain())
    first = aws.data.last
    aws.fail("redshift-data", "describe_statement", Refusal("ResourceNotFoundException", "Query does not exist."))
    assert handle(drain(token="second", attempt=1))["outcome"] == "pending"
    assert aws.data.last != first


def test_question_asked_long_after_the_patience_is_given_time_for_its_answer(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    handle(drain())
    aws.data.finish(aws.data.last, (["usesuper"], [[True]]), (["query_id"], [[1]]), seconds_ago=200)
    with pytest.raises(LookAgain):
        handle(drain(token="second", attempt=1, seconds_ago=1000))
    nothing_runs(aws)
    handle(drain(token="third", attempt=2, seconds_ago=1002))
    assert aws.answer_to("third") == {"output": IDLE}
