"""A fleet under schedules: which warehouse is changed by which execution, what its tags then say, and what people are told."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from autopilot.domain.custodian_tags import is_custodian
from autopilot.domain.errors import InvalidInput
from autopilot.domain.inputs import Common
from autopilot.domain.schedule_decisions import IGNORE, SCHEDULE_TAG, Decision
from autopilot.domain.schedules import Edge, Schedule, schedule_from_tag
from autopilot.domain.steps import Step
from autopilot.domain.warehouse import Reference

LAST_ACTION_TAG = "autopilot:last-action"
LAST_REASON_TAG = "autopilot:last-reason"
NEXT_ACTION_TAG = "autopilot:next-action"
#: Source: Redshift tagging: up to 256 letters, digits, spaces and these.
_NOT_IN_TAGS, _LONGEST_TAG = re.compile(r"[^\w .:/=+\-@]"), 256
#: How often one edge of one warehouse is tried. What keeps failing needs a person, not another failure every hour.
MOST_ATTEMPTS = 3
#: Names told for each reason or outcome: what is told must fit into an event and an execution's output.
_MOST_TOLD = 10
_LONGEST_NAME = 80


class RunScheduleInput(Common, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Input of `run_schedule`: all warehouses under schedules, or those of one `schedule`, or those named in `warehouses`.

    `edge`, `scheduled_at` and `warm_up_minutes` are what an entry of EventBridge Scheduler says of itself. What is done is decided by what holds
    when it runs.
    """

    schedule: str | None = None
    edge: Literal["pause", "resume"] | None = None
    scheduled_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    warm_up_minutes: int | None = None
    warehouses: tuple[str | Reference, ...] = ()

    @property
    def is_reconcile(self) -> bool:
        """Whether everything is looked at, and not a part of it."""
        return self.schedule is None and not self.warehouses


class Compile(Step, tag="compile", frozen=True, kw_only=True):
    """Make the entries of EventBridge Scheduler what the document of schedules says now."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One warehouse to be paused or resumed: an item of the manifest. `name` is that of the execution which does it, `input` what it gets.

    `settles` is the edge that is applied by it, None for what is due until it is so; `follows` the value of the tag.
    """

    action: Literal["pause", "resume"]
    name: str
    input: dict[str, Any]
    warehouse: Reference
    key: str
    arn: str
    reason: str
    follows: str
    settles: Edge | None = None
    next_edge: Edge | None = None

    @property
    def stays_due(self) -> bool:
        """Whether its edge is still to be applied when it was skipped, as queries ran on for longer than one execution waits for them."""
        return self.input.get("when_busy") == "wait"


class Skipped(msgspec.Struct, frozen=True):
    """How many warehouses were left alone for the same reason, and some of their names."""

    reason: str
    count: int
    warehouses: list[str]


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided for one warehouse, for people."""

    warehouse: str
    kind: str
    action: str
    reason: str
    next_action: str


class FleetPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is going to do: `change` or `nothing`. `manifest` is the key of the file that lists the changes.

    `left_alone` sums up who is not changed and why; `decisions` is there for a dry run only, and not longer than an execution's output may be.
    """

    action: Literal["change", "nothing"]
    reason: str
    asked: str
    what: str
    dry_run: bool
    due: int
    left_alone: list[Skipped]
    bucket: str = ""
    manifest: str = ""
    results: str = ""
    decisions: list[Judged] = []


class Record(Step, tag="record", frozen=True, kw_only=True):
    """Keep what became of a change. `outcome` is the result of the execution that did it (done, nothing, skipped), `failed` or `repeated`."""

    change: Change
    outcome: Literal["done", "nothing", "skipped", "failed", "repeated"]
    detail: str = ""


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """What a change came to, for people."""

    warehouse: str
    key: str
    action: str
    outcome: Literal["done", "skipped", "failed"]
    reason: str
    follows: str


class Count(Step, tag="count", frozen=True, kw_only=True):
    """Sum up the results of all changes: `results` is the key of the Map Run's manifest in the bucket, `due` how many there were to be."""

    results: str
    due: int
    what: str


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended. `notify` says whether people should be told."""

    result: Literal["done", "failed"]
    due: int
    done: int
    skipped: int
    failed: int
    detail: str
    notify: bool


def schedule_of(value: str, document: Mapping[str, Schedule]) -> Schedule | None:
    """The schedule that the tag's value stands for: one of the document, or one in Custodian's grammar. None where it is neither.

    Raises InvalidInput for what is meant in that grammar and is wrong.
    """
    if value in document:
        return document[value]
    if value == IGNORE or not is_custodian(value):
        return None
    found = schedule_from_tag(value)
    # Two ways to write the same are the same schedule there; here it must be found again by the tag as it is.
    return found if found.name == value else msgspec.structs.replace(found, name=value)


def inline_schedules(values: Iterable[str], document: Mapping[str, Schedule]) -> dict[str, Schedule]:
    """The schedules that tags themselves say, by the tag's value. What cannot be read is left to the run, which says so for its warehouse."""
    found = {}
    for value in sorted(set(values) - set(document)):
        try:
            schedule = schedule_of(value, document)
        except InvalidInput:
            continue
        if schedule:
            found[value] = schedule
    return found


def workflow_input(decision: Decision, schedule: Schedule, warehouse: Reference) -> dict[str, Any]:
    """What `pause_warehouse` or `resume_warehouse` gets. The same for the same edge, so that starting it twice is starting it once."""
    given: dict[str, Any] = {"warehouse": msgspec.to_builtins(warehouse), "reason": decision.reason[:500]}
    if decision.action == "pause":
        given |= {"when_busy": schedule.when_busy, "drain_seconds": schedule.drain_seconds}
        if schedule.when_busy == "wait" and decision.next_edge:
            given["until"] = decision.next_edge.moment.isoformat()
    return given


def execution_name(action: str, warehouse: str, edge: datetime, attempt: int = 1) -> str:
    """The name of the execution that applies an edge to a warehouse: always the same. Source: StartExecution, `name`: up to 80 characters."""
    stamp = f"{edge:%Y%m%dT%H%M}" + (f"-{attempt}" if attempt > 1 else "")
    digest = hashlib.sha256(warehouse.encode()).hexdigest()[:8]
    room = _LONGEST_NAME - len(action) - len(stamp) - len(digest) - 3
    return f"{action}-{warehouse[:room]}-{digest}-{stamp}"


def tag_value(text: str) -> str:
    """The text as far as a tag can hold it."""
    return _NOT_IN_TAGS.sub(" ", text)[:_LONGEST_TAG].strip()


def next_action(next_edge: Edge | None) -> str:
    """What the tag says of the next edge."""
    return tag_value(f"{next_edge.action} {next_edge.moment:%Y-%m-%dT%H:%MZ}") if next_edge else "none"


def changed_tags(wanted: Mapping[str, str], present: Mapping[str, str]) -> dict[str, str]:
    """The tags that are to be written, as the others are there already."""
    return {key: value for key, value in wanted.items() if present.get(key) != value}


def grouped(left_alone: Iterable[tuple[str, str]]) -> list[Skipped]:
    """Warehouse and reason, summed up by reason, the most frequent first."""
    names: dict[str, list[str]] = {}
    for warehouse, reason in left_alone:
        names.setdefault(reason, []).append(warehouse)
    return [Skipped(reason, len(who), sorted(who)[:_MOST_TOLD]) for reason, who in sorted(names.items(), key=lambda one: -len(one[1]))]


def summed_up(recorded: Iterable[Recorded], due: int, what: str) -> Summary:
    """The end of a run in numbers and in words. A change of which nothing was heard counts as failed."""
    found = list(recorded)
    counts = Counter(one.outcome for one in found)
    silent = due - len(found)
    failed = counts["failed"] + silent
    parts = [f"{counts['done']} of {due} due {'warehouse' if due == 1 else 'warehouses'} done"]
    for outcome in ("skipped", "failed"):
        told = [f"{one.warehouse} ({one.reason.rstrip('. ')})" for one in found if one.outcome == outcome]
        if told:
            more = f" and {len(told) - _MOST_TOLD} more" if len(told) > _MOST_TOLD else ""
            parts.append(f"{len(told)} {outcome}: {', '.join(told[:_MOST_TOLD])}{more}")
    if silent:
        parts.append(f"{silent} without a result")
    detail = f"{what}: {'; '.join(parts)}"
    # One that fails says so itself, too: the run is not failed by it, but when nothing at all worked.
    result: Literal["done", "failed"] = "failed" if due and failed == due else "done"
    return Summary(
        result=result,
        due=due,
        done=counts["done"],
        skipped=counts["skipped"],
        failed=failed,
        detail=detail,
        notify=bool(failed or counts["skipped"]),
    )


def follows(tags: Mapping[str, str]) -> str:
    """The value of the schedule's tag."""
    return tags.get(SCHEDULE_TAG, "")
