"""`wake`: a hint is a reason to look. Who waited is answered by what is really there, and by nothing that the hint says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from autopilot.domain.errors import AccessDenied, AwsRefused, Throttled
from autopilot.domain.sql import LOOK_AT_QUERIES
from tests.handlers.account import Aws, Handle, execution, key_of, sample
from tests.handlers.wiring import Refusal

DEAD = execution("pause-warehouse", "dead")
FAR_AWAY = "2999-01-01T00:00:00+00:00"


def cluster_hint(name: str = "analytics", region: str = "us-east-1") -> dict[str, Any]:
    message = {"Event Source": "cluster", "SourceId": name, "Event Message": "whatever it says"}
    return {"Records": [{"Sns": {"TopicArn": f"arn:aws:sns:{region}:000000000000:events", "Message": json.dumps(message)}}]}


def statement_hint(statement_id: str) -> dict[str, Any]:
    event = sample("wake")
    return event | {"detail": event["detail"] | {"statementId": statement_id}}


def execution_hint(arn: str) -> dict[str, Any]:
    return {"source": "aws.states", "region": "us-east-1", "detail": {"executionArn": arn, "status": "ABORTED"}}


def workgroup_hint(name: str) -> dict[str, Any]:
    resources = [f"arn:aws:redshift-serverless:us-east-1:000000000000:workgroup/{name}"]
    return {"source": "aws.redshift-serverless", "region": "us-east-1", "resources": resources, "detail": {"status": "AVAILABLE"}}


def lock_hint(name: str = "analytics") -> dict[str, Any]:
    return {"source": "redshift.autopilot", "region": "us-east-1", "detail": {"key": key_of(name), "result": "done"}}


def submit(aws: Aws, sqls: list[str] | None = None, cluster: str = "analytics") -> str:
    """A statement in a cluster; its id."""
    target = {"ClusterIdentifier": cluster, "Database": "dev"}
    if sqls is None:
        return str(aws.data.execute_statement(Sql="SELECT 1", ClientToken=f"token-{len(aws.data.statements)}", **target)["Id"])
    return str(aws.data.batch_execute_statement(Sqls=sqls, ClientToken=f"token-{len(aws.data.statements)}", **target)["Id"])


# --- clusters and workgroups ------------------------------------------------------------------------------------------


def test_sample_of_a_cluster_answers_who_waits_for_it(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="paused")
    aws.wait_for("paused", "token")
    assert handle(sample("wake_cluster")) == {"outcome": "woken", "answered": 1, "hints": 1}
    assert aws.answer_to("token") == {"output": {"detail": "analytics is paused"}}
    assert aws.waiting() == []


def test_words_of_a_hint_are_not_believed(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="pausing")
    aws.wait_for("paused", "token")
    assert handle(sample("wake_cluster"))["answered"] == 0
    assert aws.waiting() == ["token"]


def test_hint_sent_three_times_answers_once(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="paused")
    aws.wait_for("paused", "token")
    assert [handle(cluster_hint())["answered"] for _ in range(3)] == [1, 0, 0]
    assert len(aws.calls("send_task_success")) == 1


def test_callback_of_a_task_that_waits_no_longer_is_forgotten_and_not_counted(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="paused")
    aws.wait_for("paused", "token")
    aws.executions.gone.add("token")
    assert handle(cluster_hint())["answered"] == 0
    assert aws.waiting() == []


def test_token_that_a_retry_stored_meanwhile_is_kept(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="paused")
    aws.wait_for("paused", "first")
    aws.executions.gone.add("first")
    aws.executions.meanwhile = lambda: aws.wait_for("paused", "second")
    handle(cluster_hint())
    assert aws.waiting() == ["second"]


@pytest.mark.parametrize("hint", [cluster_hint("analytics-2"), cluster_hint("analytic"), cluster_hint(region="eu-west-1")])
def test_hint_about_another_cluster_wakes_nobody(aws: Aws, handle: Handle, hint: dict[str, Any]) -> None:
    aws.clusters.add(status="paused")
    aws.wait_for("paused", "token")
    assert handle(hint)["answered"] == 0


def test_event_that_is_no_hint_changes_nothing(aws: Aws, handle: Handle) -> None:
    assert handle({"source": "aws.ec2", "detail": {}}) == {"outcome": "woken", "answered": 0, "hints": 0}
    assert aws.order == []


def test_workgroup_is_found_in_the_text_of_its_event(aws: Aws, handle: Handle) -> None:
    aws.serverless.add("adhoc")
    aws.serverless.add("finance")
    aws.wait_for("available", "adhoc", name="adhoc", kind="workgroup")
    aws.wait_for("available", "finance", name="finance", kind="workgroup")
    assert handle(workgroup_hint("adhoc"))["answered"] == 1
    assert aws.waiting() == ["finance"]


# --- statements -------------------------------------------------------------------------------------------------------


def test_sample_of_an_ended_statement_answers_who_waits_for_it(aws: Aws, handle: Handle) -> None:
    submitted = submit(aws)
    statement = sample("wake")["detail"]["statementId"]
    aws.data.statements[statement] = aws.data.statements.pop(submitted)
    aws.data.requests[statement] = aws.data.requests.pop(submitted)
    aws.data.finish(statement, (["n"], [[1]]))
    aws.wait_for("statement", "token", subject=statement)
    assert handle(sample("wake"))["answered"] == 1
    told = aws.answer_to("token")
    assert told
    assert told["output"]["results"] == [{"statement_id": submitted, "rows": 1, "duration_ms": 12, "has_result": True}]


def test_event_of_a_statement_that_still_runs_answers_nobody(aws: Aws, handle: Handle) -> None:
    statement = submit(aws)
    aws.wait_for("statement", "token", subject=statement)
    assert handle(statement_hint(statement))["answered"] == 0
    assert aws.waiting() == ["token"]


@pytest.mark.parametrize(("status", "error"), [("FAILED", "StatementFailed"), ("ABORTED", "StatementAborted")])
def test_statement_that_ended_badly_fails_its_task_with_the_databases_words(aws: Aws, handle: Handle, status: str, error: str) -> None:
    statement = submit(aws)
    aws.data.end_badly(statement, status, "ERROR: no such table")
    aws.wait_for("statement", "token", subject=statement)
    handle(statement_hint(statement))
    assert aws.answer_to("token") == {"error": error, "cause": "ERROR: no such table"}


def test_failing_statement_of_a_batch_is_named(aws: Aws, handle: Handle) -> None:
    statement = submit(aws, ["CREATE TABLE a (i int)", "INSERT INTO b VALUES (1)"])
    aws.data.end_badly(statement, "FAILED", "ERROR: no such table", number=2)
    aws.wait_for("statement", "token", subject=statement)
    handle(statement_hint(statement))
    assert aws.answer_to("token") == {"error": "StatementFailed", "cause": "statement 2 of 2 (INSERT INTO b): ERROR: no such table"}


def test_end_of_a_query_has_the_draining_pause_look_again(aws: Aws, handle: Handle) -> None:
    aws.wait_for("idle", "token", subject="an-earlier-look", deadline=FAR_AWAY)
    query = submit(aws)
    aws.data.finish(query, 1)
    assert handle(statement_hint(query))["answered"] == 1
    assert aws.answer_to("token") == {"error": "LookAgain", "cause": "another query of the warehouse has ended"}


def test_end_of_a_query_elsewhere_does_not_disturb_a_draining_pause(aws: Aws, handle: Handle) -> None:
    aws.wait_for("idle", "token", subject="an-earlier-look", deadline=FAR_AWAY)
    query = submit(aws, cluster="finance")
    aws.data.finish(query, 1)
    assert handle(statement_hint(query))["answered"] == 0


@pytest.mark.parametrize(
    ("superuser", "running", "deadline", "told"),
    [
        (True, 0, FAR_AWAY, {"outcome": "idle", "running": 0, "reason": "no query was running"}),
        (True, 2, FAR_AWAY, None),
        (False, 0, FAR_AWAY, None),
        (
            True,
            2,
            "2000-01-01T00:00:00+00:00",
            {"outcome": "busy", "running": 2, "reason": "2 queries were running when the time to drain was over"},
        ),
        (
            False,
            0,
            "2000-01-01T00:00:00+00:00",
            {
                "outcome": "busy",
                "running": None,
                "reason": "its queries could not be seen (the user signed in as is no superuser and sees only its own queries) "
                "when the time to drain was over",
            },
        ),
    ],
)
def test_look_at_the_queries_is_judged_when_it_has_ended(
    aws: Aws, handle: Handle, superuser: bool, running: int, deadline: str, told: dict[str, Any] | None
) -> None:
    look = submit(aws, LOOK_AT_QUERIES)
    aws.data.finish(look, (["usesuper"], [[superuser]]), (["query_id"], [[n] for n in range(running)]))
    aws.wait_for("idle", "token", subject=look, deadline=deadline)
    handle(statement_hint(look))
    assert aws.answer_to("token") == (told and {"output": told})


def test_look_of_another_pause_is_no_reason_to_look_again(aws: Aws, handle: Handle) -> None:
    theirs = submit(aws, LOOK_AT_QUERIES)
    aws.data.finish(theirs, (["usesuper"], [[True]]), (["query_id"], []))
    aws.wait_for("idle", "token", subject="my-look", deadline=FAR_AWAY)
    assert handle(statement_hint(theirs))["answered"] == 0
    assert aws.waiting() == ["token"]


def test_look_that_failed_leaves_the_warehouse_busy(aws: Aws, handle: Handle) -> None:
    look = submit(aws, LOOK_AT_QUERIES)
    aws.data.end_badly(look, "FAILED", "permission denied")
    aws.wait_for("idle", "token", subject=look, deadline="2000-01-01T00:00:00+00:00")
    handle(statement_hint(look))
    told = aws.answer_to("token")
    assert told
    assert told["output"]["outcome"] == "busy"
    assert "permission denied" in told["output"]["reason"]


def test_look_whose_result_cannot_be_read_leaves_the_warehouse_busy(aws: Aws, handle: Handle) -> None:
    look = submit(aws, LOOK_AT_QUERIES)
    aws.data.finish(look, (["usesuper"], [[True]]), (["query_id"], []))
    aws.wait_for("idle", "token", subject=look, deadline="2000-01-01T00:00:00+00:00")
    aws.fail("redshift-data", "get_statement_result", Refusal("AccessDeniedException", "not authorized"))
    handle(statement_hint(look))
    told = aws.answer_to("token")
    assert told
    assert (told["output"]["outcome"], told["output"]["running"]) == ("busy", None)


def test_throttled_look_is_reported_so_that_the_hint_comes_again(aws: Aws, handle: Handle) -> None:
    look = submit(aws, LOOK_AT_QUERIES)
    aws.data.finish(look, (["usesuper"], [[True]]), (["query_id"], []))
    aws.wait_for("idle", "token", subject=look, deadline=FAR_AWAY)
    aws.fail("redshift-data", "get_statement_result", Refusal("ThrottlingException", "Rate exceeded"))
    with pytest.raises(Throttled):
        handle(statement_hint(look))
    assert aws.waiting() == ["token"]


# --- executions and locks ---------------------------------------------------------------------------------------------


def test_sample_of_an_aborted_execution_frees_its_lock_and_wakes_who_waited(aws: Aws, handle: Handle) -> None:
    ended = sample("wake_execution")["detail"]["executionArn"]
    aws.executions.status[ended] = "ABORTED"
    aws.take_lock(ended)
    aws.wait_for("unlocked", "next", key=key_of(), execution=execution(name="next"))
    assert handle(sample("wake_execution"))["answered"] == 1
    assert aws.lock_owner() is None
    assert aws.answer_to("next") == {"output": {"detail": "the lock of analytics is free"}}


def test_statement_of_a_dead_execution_is_cancelled(aws: Aws, handle: Handle) -> None:
    statement = submit(aws)
    aws.executions.status[DEAD] = "ABORTED"
    aws.wait_for("statement", "token", subject=statement, execution=DEAD)
    handle(execution_hint(DEAD))
    assert aws.data.statements[statement][0].status == "ABORTED"
    assert aws.waiting() == []


def test_clean_up_goes_on_after_a_cancel_that_is_refused(aws: Aws, handle: Handle) -> None:
    statements = [submit(aws), submit(aws)]
    aws.executions.status[DEAD] = "ABORTED"
    for statement in statements:
        aws.wait_for("statement", statement, subject=statement, execution=DEAD)
    aws.take_lock(DEAD)
    aws.fail("redshift-data", "cancel_statement", Refusal("AccessDeniedException", "no"))
    with pytest.raises(AccessDenied, match="cancel statement"):
        handle(execution_hint(DEAD))
    assert aws.lock_owner() is None
    assert [aws.data.statements[statement][0].status for statement in statements].count("ABORTED") == 1
    assert len(aws.waiting()) == 1
    handle(execution_hint(DEAD))
    assert [aws.data.statements[statement][0].status for statement in statements] == ["ABORTED", "ABORTED"]
    assert aws.waiting() == []


def test_lock_freed_beside_a_refused_cancel_wakes_who_waited(aws: Aws, handle: Handle) -> None:
    statement = submit(aws)
    aws.executions.status[DEAD] = "ABORTED"
    aws.wait_for("statement", "token", subject=statement, execution=DEAD)
    aws.take_lock(DEAD)
    aws.wait_for("unlocked", "next", key=key_of(), execution=execution(name="next"))
    aws.fail("redshift-data", "cancel_statement", Refusal("ThrottlingException", "Rate exceeded"))
    with pytest.raises(Throttled):
        handle(execution_hint(DEAD))
    handle(execution_hint(DEAD))
    assert aws.answer_to("next")


def test_look_of_a_dead_pause_is_cancelled(aws: Aws, handle: Handle) -> None:
    look = submit(aws, LOOK_AT_QUERIES)
    aws.executions.status[DEAD] = "TIMED_OUT"
    aws.wait_for("idle", "token", subject=look, execution=DEAD, deadline=FAR_AWAY)
    handle(execution_hint(DEAD))
    assert aws.calls("cancel_statement") == [{"Id": look}]
    assert aws.waiting() == []


def test_callback_of_a_dead_execution_is_forgotten_though_its_statement_had_ended(aws: Aws, handle: Handle) -> None:
    statement = submit(aws)
    aws.data.finish(statement, 0)
    aws.executions.status[DEAD] = "FAILED"
    aws.wait_for("statement", "token", subject=statement, execution=DEAD)
    handle(execution_hint(DEAD))
    assert aws.waiting() == []


def test_wait_of_a_dead_execution_cancels_nothing(aws: Aws, handle: Handle) -> None:
    aws.executions.status[DEAD] = "FAILED"
    aws.wait_for("snapshot", "token", subject="before", execution=DEAD)
    handle(execution_hint(DEAD))
    assert aws.calls("cancel_statement") == []
    assert aws.waiting() == []


def test_event_of_an_execution_that_runs_cleans_up_nothing(aws: Aws, handle: Handle) -> None:
    aws.start(DEAD)
    aws.take_lock(DEAD)
    aws.wait_for("paused", "token", execution=DEAD)
    handle(execution_hint(DEAD))
    assert aws.lock_owner() == DEAD
    assert aws.waiting() == ["token"]


def test_clean_up_leaves_what_other_executions_hold(aws: Aws, handle: Handle) -> None:
    other = execution("resume-warehouse", "other")
    aws.start(other)
    aws.executions.status[DEAD] = "ABORTED"
    aws.take_lock(other)
    aws.wait_for("available", "theirs", execution=other)
    handle(execution_hint(DEAD))
    assert aws.lock_owner() == other
    assert aws.waiting() == ["theirs"]


def test_lock_taken_over_meanwhile_stays(aws: Aws, handle: Handle) -> None:
    other = execution("resume-warehouse", "other")
    aws.start(other)
    aws.take_lock(other)
    aws.wait_for("unlocked", "next", key=key_of(), execution=execution(name="next"))
    assert handle(lock_hint())["answered"] == 0
    assert aws.waiting() == ["next"]


def test_released_lock_wakes_all_who_wait_for_it_and_nobody_else(aws: Aws, handle: Handle) -> None:
    for number in (1, 2):
        aws.wait_for("unlocked", f"next-{number}", key=key_of(), execution=execution(name=f"next-{number}"))
    aws.wait_for("unlocked", "elsewhere", key=key_of("finance"), name="finance")
    assert handle(lock_hint())["answered"] == 2
    assert aws.waiting() == ["elsewhere"]


# --- what hints must not break ----------------------------------------------------------------------------------------


def test_more_callbacks_than_a_page_holds_are_all_answered(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="paused")
    for number in range(30):
        aws.wait_for("paused", f"token-{number}", execution=execution(name=str(number)), key="x" * 90_000)
    assert handle(cluster_hint())["answered"] == 30
    assert len(aws.calls("query")) > 1


def test_one_look_that_is_refused_does_not_keep_others_waiting(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="paused")
    aws.wait_for("idle", "first", subject="no-such-statement", deadline=FAR_AWAY)
    aws.wait_for("paused", "second", execution=DEAD)
    with pytest.raises(AwsRefused, match="describe statement no-such-statement"):
        handle(cluster_hint())
    assert aws.answer_to("second") == {"output": {"detail": "analytics is paused"}}
    assert aws.waiting() == ["first"]


def test_one_answer_that_is_not_taken_does_not_keep_others_waiting(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="paused")
    for number in (1, 2, 3):
        aws.wait_for("paused", f"token-{number}", execution=execution(name=str(number)))
    aws.fail("stepfunctions", "send_task_success", Refusal("ThrottlingException", "Rate exceeded"))
    with pytest.raises(Throttled):
        handle(cluster_hint())
    assert aws.waiting() == ["token-1"]
    assert handle(cluster_hint())["answered"] == 1
