"""What people are told of a plan and of what became of it: counts, a sentence, and as much of it as a workflow's state can carry."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from autopilot.domain.errors import ConfigurationIncomplete
from autopilot.domain.inside import ordering, sections
from autopilot.domain.inside.declared.everything import Inside
from autopilot.domain.inside.model import Context, Drift
from autopilot.domain.inside.progress import Progress, Tracked, Unit

#: A state of a workflow carries 256 KiB in all.
MAX_STEP_BYTES, MAX_DRIFT_BYTES = 100_000, 30_000
_NAMED, _BLOCKED_NAMED = 5, 50


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A step as people see it. In its SQL a password is a placeholder."""

    section: str
    step: str
    reason: str
    outcome: str
    message: str = ""
    sql: str = ""
    reverse: str = ""


class Counts(msgspec.Struct, frozen=True):
    """How many steps became what, and how much is there and not declared."""

    planned: int
    done: int
    failed: int
    blocked: int
    drift: int


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How an execution ends: the event, its sentence, and what there is to know.

    `failed` names each step with the database's message, `blocked` the first of those that were not tried, each with what it needs.
    """

    event: str
    result: Literal["done", "nothing", "failed"]
    changed: bool
    detail: str
    counts: Counts
    plan_uri: str
    error: str = ""
    failed: dict[str, str] = {}
    blocked: dict[str, str] = {}


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """What a look at the catalog comes to: `apply` (send the units), `finish`, or for a dry run `show`.

    `steps` and `drift` are as many as fit; all stand in the file at `plan_uri`.
    """

    action: Literal["apply", "finish", "show"]
    reason: str
    counts: Counts
    plan_uri: str
    units: list[Unit]
    steps: list[Shown]
    drift: list[Drift]
    outcome: Outcome | None = None


def round_of(progress: Progress, units: list[Unit], plan_uri: str) -> Round:
    """The answer to a look: what comes next, and all of it that fits."""
    action: Literal["apply", "finish", "show"] = "show" if progress.dry_run else "apply" if units else "finish"
    return Round(
        action=action,
        reason=_sentence(progress),
        counts=counts(progress),
        plan_uri=plan_uri,
        units=[] if progress.dry_run else units,
        steps=fitting([shown(one) for one in progress.tracked], MAX_STEP_BYTES),
        drift=fitting(progress.drift, MAX_DRIFT_BYTES),
        outcome=outcome_of(progress, plan_uri) if action == "finish" else None,
    )


def on_empty(spec: Inside, context: Context) -> list[Shown]:
    """The steps that a spec asks for in a warehouse that has just been made."""
    found = sections.compare(spec, {question.name: [] for question in sections.questions_of(spec)}, context)
    return [shown(Tracked(step=step)) for step in ordering.ordered(found.steps)]


def outcome_of(progress: Progress, plan_uri: str) -> Outcome:
    """How the execution ends."""
    bad, done = progress.of("failed") + progress.of("blocked"), progress.of("done")
    result: Literal["done", "nothing", "failed"] = "failed" if bad else "done" if done else "nothing"
    event = {"failed": "Warehouse Configuration Failed", "done": "Warehouse Configured", "nothing": "Warehouse Configuration Skipped"}
    return Outcome(
        event=event[result],
        result=result,
        changed=bool(done),
        detail=_sentence(progress) + (f"; every step: {plan_uri}" if bad else ""),
        counts=counts(progress),
        plan_uri=plan_uri,
        error=ConfigurationIncomplete.__name__ if bad else "",
        failed={one.step.name: one.message for one in progress.of("failed")},
        blocked={one.step.name: one.message for one in progress.of("blocked")[:_BLOCKED_NAMED]},
    )


def counts(progress: Progress) -> Counts:
    """How many steps became what."""
    planned, done, failed, blocked = (len(progress.of(outcome)) for outcome in ("planned", "done", "failed", "blocked"))
    return Counts(planned, done, failed, blocked, len(progress.drift))


def _sentence(progress: Progress) -> str:
    name, sums = progress.target.name, counts(progress)
    said = [f"{number} {word}" for word, number in msgspec.structs.asdict(sums).items() if number and word != "drift"]
    what = f"steps: {', '.join(said)}" if said else "what lies inside is what the spec says"
    failures = [f"{one.step.name}: {one.message}" for one in progress.of("failed")]
    more = f"; and {len(failures) - _NAMED} more" if len(failures) > _NAMED else ""
    fates = {fate: sum(one.fate == fate for one in progress.drift) for fate in ("reported", "kept", "removed")}
    drift = ", ".join(f"{number} {fate}" for fate, number in fates.items() if number)
    return (
        f"{name}: {what}"
        + (f"; failed: {'; '.join(failures[:_NAMED])}{more}" if failures else "")
        + (f"; there and not as declared: {drift}" if drift else "")
    )


def shown(one: Tracked) -> Shown:
    """A step as people see it."""
    step = one.step
    return Shown(
        section=step.section,
        step=step.name,
        reason=step.reason,
        outcome=one.outcome,
        message=one.message,
        sql=step.sql or f"AWS: {step.call}",
        reverse=step.reverse,
    )


def fitting(things: list[Any], budget_bytes: int) -> list[Any]:
    """The first of them that fit."""
    kept = []
    for thing in things:
        budget_bytes -= len(msgspec.json.encode(thing)) + 2
        if budget_bytes < 0:
            break
        kept.append(thing)
    return kept
