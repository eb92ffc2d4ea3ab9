"""One run over the warehouses under schedules: who is due, what became of each, and what it came to."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from autopilot.aws import clusters, executions, files, fleet, idle, schedules
from autopilot.domain.errors import AutopilotError, InvalidInput, PauseRefused
from autopilot.domain.fleet import (
    LAST_ACTION_TAG,
    LAST_REASON_TAG,
    MOST_ATTEMPTS,
    NEXT_ACTION_TAG,
    Change,
    Count,
    FleetPlan,
    Judged,
    Record,
    Recorded,
    RunScheduleInput,
    Summary,
    execution_name,
    follows,
    grouped,
    next_action,
    schedule_of,
    summed_up,
    tag_value,
    workflow_input,
)
from autopilot.domain.idle import idle_minutes
from autopilot.domain.inputs import reference_of
from autopilot.domain.schedule_decisions import SCHEDULE_TAG, Decision, decide
from autopilot.domain.schedules import Schedule
from autopilot.domain.warehouse import Reference, Warehouse
from autopilot.domain.warm_up import learnt_minutes, resume_seconds

PERMISSIONS = (*fleet.FIND, *fleet.TAG, *fleet.REMEMBER, *executions.LOOK, *schedules.PERMISSIONS, *idle.PERMISSIONS)
#: What a plan shows must fit into an execution's output: 256 KiB.
_MOST_SHOWN, _MOST_REASONS = 200, 40
_LEARNT_FROM = timedelta(days=30)
_CLOCKS_DIFFER = timedelta(minutes=1)
_STILL_RUNS = frozenset({"RUNNING", "PENDING_REDRIVE"})


class _Case(msgspec.Struct, frozen=True):
    """A warehouse with its schedule and what was decided for it."""

    seen: Warehouse
    schedule: Schedule | None
    decision: Decision


def look(asked: RunScheduleInput, execution: str, now: datetime) -> FleetPlan:
    """Decide for every warehouse that was asked for, keep what needs no action, and write down what is to be changed.

    A look at everything makes the schedule entries good first. A dry run writes nothing.
    """
    now = _moment(asked, now)
    found = fleet.scheduled(asked.schedule)
    if asked.is_reconcile and not asked.dry_run:
        schedules.compile_document(follows(seen.tags) for seen in found)
    chosen, missing = _chosen(found, asked.warehouses)
    cases = _judged(chosen, asked, now)
    if asked.is_reconcile and not asked.dry_run:
        minutes = {case.seen.name: idle_minutes(case.schedule, case.seen.tags, now) for case in cases if case.seen.kind == "cluster"}
        idle.keep_alarms({name: after for name, after in minutes.items() if after is not None}, now)
    changes, left_alone = [], list(missing)
    for case in cases:
        change = _change(case, now, look_before=asked.scheduled_at is None)
        if isinstance(change, Change):
            changes.append(change)
        else:
            left_alone.append((case.seen.name, change))
        if not asked.dry_run:
            _keep(case, change)
    return _planned(asked, execution, cases, changes, left_alone)


def _moment(asked: RunScheduleInput, now: datetime) -> datetime:
    """When it is: never before the moment for which an entry fired, as clocks differ by so little. What lies further ahead is none of a clock."""
    scheduled = asked.scheduled_at or now
    return scheduled if now < scheduled <= now + _CLOCKS_DIFFER else now


def _chosen(found: list[Warehouse], asked: tuple[str | Reference, ...]) -> tuple[list[Warehouse], list[tuple[str, str]]]:
    """The warehouses that were asked for (all where none is named), and those named that follow no schedule."""
    if not asked:
        return found, []
    wanted = [reference_of(one) for one in asked]
    chosen = [seen for seen in found if any(seen.name == one.name and one.kind in {None, seen.kind} for one in wanted)]
    names = {seen.name for seen in chosen}
    return chosen, [(one.name, f"it does not exist, or carries no tag {SCHEDULE_TAG}") for one in wanted if one.name not in names]


def _judged(chosen: list[Warehouse], asked: RunScheduleInput, now: datetime) -> list[_Case]:
    known, edges = schedules.in_force(), fleet.last_edges()
    cases = []
    for seen in chosen:
        value = follows(seen.tags)
        if seen.kind == "workgroup":
            reason = "nothing to pause: a Serverless workgroup bills compute only while queries run"
            cases.append(_Case(seen, None, Decision("nothing", reason)))
            continue
        try:
            schedule = schedule_of(value, known.document)
        except InvalidInput as error:
            cases.append(_Case(seen, None, Decision("nothing", f"left alone: its tag {SCHEDULE_TAG} cannot be read: {error}")))
            continue
        warm_up = known.warm_ups.get(value) if asked.warm_up_minutes is None else asked.warm_up_minutes
        decision = decide(schedule, seen.tags, seen.status, edges.get(seen.key), now, warm_up_minutes=warm_up)
        cases.append(_Case(seen, schedule, decision))
    return cases


def _change(case: _Case, now: datetime, *, look_before: bool) -> Change | str:
    """The change that a decision asks for, or why there is none.

    An entry starts each edge for the first time. Whoever comes later looks whether that is still at it, or has failed: then it is tried again.
    """
    decision, seen = case.decision, case.seen
    if decision.action == "nothing" or case.schedule is None:
        return decision.reason
    moment = decision.settles.moment if decision.settles else now
    names = [execution_name(decision.action, seen.name, moment, attempt) for attempt in range(1, MOST_ATTEMPTS + 1)]
    name = names[0]
    if look_before:
        for name in names:
            status = executions.status(_execution(decision.action, name))
            if status in _STILL_RUNS:
                return f"execution {name} is at it"
            if status is None:
                break
        else:
            return f"{decision.action} has been tried {MOST_ATTEMPTS} times; it needs a person"
    return Change(
        action=decision.action,
        name=name,
        input=workflow_input(decision, case.schedule, seen.reference),
        warehouse=seen.reference,
        key=seen.key,
        arn=seen.arn,
        reason=decision.reason,
        follows=follows(seen.tags),
        settles=decision.settles,
        next_edge=decision.next_edge,
    )


def _execution(action: str, name: str) -> str:
    machine = os.environ["PAUSE_WAREHOUSE_ARN" if action == "pause" else "RESUME_WAREHOUSE_ARN"]
    return f"{machine.replace(':stateMachine:', ':execution:')}:{name}"


def _keep(case: _Case, change: Change | str) -> None:
    """Remember an edge that asks for nothing more, and show on the warehouse what is going to happen.

    A paused cluster takes no tags, so that of a pause are written before it.
    """
    decision, seen = case.decision, case.seen
    if decision.action == "nothing" and decision.settles:
        fleet.remember(seen.key, decision.settles, decision.reason)
    if case.schedule is not None:
        done = _action_tags(change.action, change.reason) if isinstance(change, Change) else {}
        fleet.write_tags(seen, {**done, NEXT_ACTION_TAG: next_action(decision.next_edge)})


def _action_tags(action: str, reason: str) -> dict[str, str]:
    return {LAST_ACTION_TAG: tag_value(action), LAST_REASON_TAG: tag_value(reason)}


def _planned(
    asked: RunScheduleInput, execution: str, cases: list[_Case], changes: list[Change], left_alone: list[tuple[str, str]]
) -> FleetPlan:
    what = f"schedule {asked.schedule}" if asked.schedule else "all schedules" if asked.is_reconcile else "the warehouses asked for"
    folder = f"fleet/{execution.rpartition(':')[2]}"
    plan = FleetPlan(
        action="change" if changes else "nothing",
        reason=f"{len(changes)} of {len(cases)} warehouses under {what} are due",
        asked=asked.reason,
        what=what,
        dry_run=asked.dry_run,
        due=len(changes),
        left_alone=grouped(left_alone)[:_MOST_REASONS],
    )
    if asked.dry_run:
        return msgspec.structs.replace(plan, decisions=[_shown(case) for case in cases[:_MOST_SHOWN]])
    if not changes:
        return plan
    manifest = f"{folder}/manifest.json"
    files.write_text(manifest, msgspec.json.encode(changes), "application/json")
    return msgspec.structs.replace(plan, bucket=files.bucket(), manifest=manifest, results=f"{folder}/results")


def _shown(case: _Case) -> Judged:
    decision = case.decision
    return Judged(
        warehouse=case.seen.name,
        kind=case.seen.kind,
        action=decision.action,
        reason=decision.reason,
        next_action=next_action(decision.next_edge),
    )


def record(call: Record) -> Recorded:
    """Keep what became of a change: the edge as applied, unless it is to be tried again; and, where it says anything new, in the tags."""
    change, outcome = call.change, call.outcome
    refused = outcome == "failed" and call.detail.startswith(PauseRefused.__name__)
    let_go = outcome == "skipped" and not change.stays_due
    if change.settles and (outcome in {"done", "nothing"} or let_go or refused):
        fleet.remember(change.key, change.settles, call.detail)
    if not (change.action == "pause" and outcome in {"done", "nothing"}):
        said = change.action if outcome in {"done", "nothing"} else f"{change.action} {outcome}"
        _tag(change.arn, {**_action_tags(said, call.detail), NEXT_ACTION_TAG: next_action(change.next_edge)})
    return Recorded(
        warehouse=change.warehouse.name,
        key=change.key,
        action=change.action,
        outcome="done" if outcome in {"done", "nothing"} else "failed" if outcome == "failed" else "skipped",
        reason=call.detail or change.reason,
        follows=change.follows,
    )


def _tag(arn: str, tags: dict[str, str]) -> None:
    """Set tags if AWS takes them now: nothing depends on them."""
    try:
        clusters.tag(arn, tags)
    except AutopilotError as error:
        if error.code not in {"InvalidClusterState", "ResourceNotFoundFault"}:
            raise


def count(call: Count, now: datetime) -> Summary:
    """Read the results of a Map Run, learn from them how long resuming takes, and sum them up."""
    recorded = list(_results(call.results))
    _learn(recorded, now)
    return summed_up(recorded, call.due, call.what)


def _results(manifest: str) -> Iterable[Recorded]:
    """What every child of a Map Run returned, or failed with. Source: Step Functions guide, "ResultWriter"."""
    written = files.read_json(manifest)["ResultFiles"]
    for file in written.get("SUCCEEDED", []):
        for child in files.read_json(file["Key"]):
            yield msgspec.json.decode(child["Output"], type=Recorded)
    for file in written.get("FAILED", []):
        for child in files.read_json(file["Key"]):
            change = msgspec.json.decode(child["Input"], type=Change)
            yield Recorded(
                warehouse=change.warehouse.name,
                key=change.key,
                action=change.action,
                outcome="failed",
                reason=f"{child.get('Error', 'failed')}: {child.get('Cause', '')}"[:500],
                follows=change.follows,
            )


def _learn(recorded: list[Recorded], now: datetime) -> None:
    """Learn the warm-up of every schedule that says `auto` and has just resumed warehouses, from the ledgers of these."""
    resumed: dict[str, list[str]] = {}
    for one in recorded:
        if one.action == "resume" and one.outcome == "done":
            resumed.setdefault(one.follows, []).append(one.key)
    if not resumed:
        return
    known = schedules.in_force()
    for value, keys in resumed.items():
        schedule: Any = known.document.get(value)
        if schedule is None or schedule.warm_up_minutes != "auto":
            continue
        minutes = learnt_minutes(resume_seconds(fleet.resumes(keys, now - _LEARNT_FROM)))
        if minutes is not None and minutes != known.warm_ups.get(value):
            schedules.learn(value, minutes)
