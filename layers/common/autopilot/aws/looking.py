"""One look at what a callback waits for: the answer it deserves now, or None while it has to wait on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import assert_never

from autopilot.aws import clusters, data_api, locks, warehouses, workgroups
from autopilot.aws.callbacks import Answer, Callback
from autopilot.domain.decisions import Drain, decide_drain
from autopilot.domain.errors import AutopilotError, StatementAborted, StatementFailed, TransientError, WaitedTooLong, WarehouseFailed
from autopilot.domain.sql import failure_of, failure_text
from autopilot.domain.waiting import Verdict, judge_integration, judge_resized, judge_snapshot, judge_warehouse

#: How long a look at the queries may take, even when the patience of a drain has ended meanwhile.
_GRACE = timedelta(seconds=60)
INTEGRATIONS = ("redshift:DescribeInboundIntegrations",)
STATES = (
    *warehouses.LOOK,
    *INTEGRATIONS,
    *clusters.LOOK_AT_SNAPSHOT,
    *workgroups.LOOK_AT_SNAPSHOT,
    *clusters.LOOK_AT_RESIZE,
    *locks.PERMISSIONS,
)
PERMISSIONS = (*STATES, *data_api.FETCH)


def look(callback: Callback) -> Answer | None:
    """Look at the real state and judge it. An answer on the last look also says that the wait was too long, and what was seen."""
    match callback.goal:
        case "statement":
            answer = _statement(callback)
        case "integration":
            answer = _of_verdict(_integration(callback))
        case "idle":
            answer = _idle(callback)
        case "unlocked":
            answer = _of_verdict(_lock(callback))
        case "snapshot":
            status = workgroups.snapshot_status if callback.kind == "workgroup" else clusters.snapshot_status
            answer = _of_verdict(judge_snapshot(callback.subject, status(callback.subject)))
        case "resized":
            answer = _of_verdict(_resize(callback))
        case "deleted" if callback.subject:
            namespace = workgroups.find_namespace(callback.subject)
            answer = f"namespace {callback.subject} is {namespace.status}" if namespace else Answer(output={"detail": "deleted"})
        case "available" | "paused" | "deleted":
            answer = _of_verdict(
                judge_warehouse(callback.goal, callback.name, warehouses.find(callback.reference), first_look=callback.first_look)
            )
        case _:
            assert_never(callback.goal)
    if isinstance(answer, Answer):
        return answer
    return Answer.of(WaitedTooLong(f"gave up waiting: {answer}")) if callback.last_look else None


def _of_verdict(verdict: Verdict) -> Answer | str:
    match verdict.outcome:
        case "reached":
            return Answer(output={"detail": verdict.detail})
        case "impossible":
            return Answer.of(WarehouseFailed(verdict.detail))
        case "pending":
            return verdict.detail
        case _:
            assert_never(verdict.outcome)


def _resize(callback: Callback) -> Verdict:
    seen = warehouses.find(callback.reference)
    verdict = judge_resized(callback.name, seen, callback.subject, None)
    if verdict.outcome != "pending":
        return verdict
    return judge_resized(callback.name, seen, callback.subject, clusters.resize_status(callback.name))


def _lock(callback: Callback) -> Verdict:
    owner = locks.holder(callback.key)
    return (
        Verdict("pending", f"{owner} holds the lock of {callback.name}")
        if owner
        else Verdict("reached", f"the lock of {callback.name} is free")
    )


def _integration(callback: Callback) -> Verdict:
    # Only who waits for one pays for loading it.
    from autopilot.aws.inside import integrations

    return judge_integration(callback.subject, integrations.find(callback.subject))


def _statement(callback: Callback) -> Answer | str:
    description = data_api.describe(callback.subject)
    match description["Status"]:
        case "FINISHED":
            results = data_api.results(description)
            return Answer(output={"statement_id": callback.subject, "results": results})
        case "FAILED" | "ABORTED" if callback.reports:
            return Answer(output={"statement_id": callback.subject, "failure": failure_of(description)})
        case "FAILED":
            return Answer.of(StatementFailed(_labelled(callback, failure_text(description))))
        case "ABORTED":
            return Answer.of(StatementAborted(_labelled(callback, failure_text(description))))
        case status:
            return f"the statement {callback.subject} is {status}"


def _labelled(callback: Callback, text: str) -> str:
    return f"{callback.label}: {text}" if callback.label else text


def _idle(callback: Callback) -> Answer | str:
    description = data_api.describe(callback.subject)
    now, deadline = datetime.now(UTC), datetime.fromisoformat(callback.deadline)
    if description["Status"] not in data_api.ENDED and now < max(deadline, description["CreatedAt"]) + _GRACE:
        return f"the look at the queries of {callback.name} is {description['Status']}"
    running, unseen_because = count_running(description)
    drain: Drain = decide_drain(running, unseen_because, now, deadline)
    return drain.reason if drain.outcome == "pending" else Answer(output=drain)


def count_running(description: dict[str, object]) -> tuple[int | None, str]:
    """How many queries of others an ended look has found, or None and why they could not be seen."""
    if description["Status"] not in data_api.ENDED:
        return None, "the look at them has not ended"
    if description["Status"] != "FINISHED":
        return None, failure_text(description)
    superuser, queries = data_api.results(description)
    try:
        sees_all = next(data_api.read(superuser.statement_id)[1], [False])[0]
    except TransientError:
        raise
    except AutopilotError as error:
        return None, str(error)
    return (queries.rows, "") if sees_all else (None, "the user signed in as is no superuser and sees only its own queries")
