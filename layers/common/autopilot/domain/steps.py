"""What workflows send to handlers, and the plan that handlers send back: the contract between the two."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal, Self

import msgspec

from autopilot.domain.alarms import Alarms
from autopilot.domain.baseline import Consent, Finding
from autopilot.domain.decisions import Decision
from autopilot.domain.errors import ResizeRefused, WarehouseNotReady
from autopilot.domain.inputs import CleanInput, Common, ResizeInput
from autopilot.domain.report import Period
from autopilot.domain.resizing import SNAPSHOT_DAYS, Size, Way
from autopilot.domain.retention import Tally, Verdict
from autopilot.domain.signin import Target
from autopilot.domain.snapshots import MOST_LISTED, Snapshot
from autopilot.domain.warehouse import Reference, Warehouse


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="step"):
    """A call from a workflow. `execution` is the ARN of the execution that asks."""

    execution: str


class Waiting(Step, frozen=True, kw_only=True):
    """A call that the workflow waits for. `attempt` counts from 0 to `last_attempt`, after which no retry looks again."""

    token: str
    attempt: int = 0
    last_attempt: int = 0

    @property
    def last_look(self) -> bool:
        """Whether this is the last look that will be taken."""
        return self.attempt >= self.last_attempt


class Look(Step, tag="look", frozen=True, kw_only=True):
    """Look and decide; `input` is what the workflow was started with, `key` what it holds the lock of."""

    input: dict[str, Any]
    key: str = ""


class Act(Step, tag="act", frozen=True, kw_only=True):
    """Carry out what was decided for a warehouse, after looking again."""

    warehouse: Reference


class Drain(Waiting, tag="drain", frozen=True, kw_only=True):
    """Wait until a warehouse runs no query, for up to `drain_seconds` since the state was entered, and not beyond `until`."""

    warehouse: Reference
    drain_seconds: int
    entered_at: datetime
    until: datetime | None = None

    @property
    def deadline(self) -> datetime:
        """When the patience ends."""
        patience = self.entered_at + timedelta(seconds=self.drain_seconds)
        return min(patience, self.until) if self.until else patience


class Undo(Step, tag="undo", frozen=True, kw_only=True):
    """Remove what this execution created, newest first. `unseen` says that it could not be seen whether the workgroup held data.

    What was restored `from_snapshot` holds data that the snapshot keeps.
    """

    warehouse: Reference
    unseen: bool = False
    from_snapshot: str = ""


class Delete(Step, tag="delete", frozen=True, kw_only=True):
    """Remove the next thing of a warehouse: the cluster, or the workgroup and then its namespace with the data."""

    warehouse: Reference
    final_snapshot: bool
    namespace: str = ""


class Sweep(Step, tag="sweep", frozen=True, kw_only=True):
    """Remove what is left of warehouses that are gone."""

    belonging_to: list[Reference]


class Resize(Step, tag="resize", frozen=True, kw_only=True):
    """Make the next change towards a size: a cluster's `node_type` and `nodes`, or a workgroup's capacity. `applied` counts those made."""

    warehouse: Reference
    size: Size
    classic: bool = False
    applied: int = 0


class TakeSnapshot(Step, tag="take", frozen=True, kw_only=True):
    """Take a snapshot: of that name, or one that this execution takes for that purpose."""

    warehouse: Reference
    retention_days: int
    snapshot: str = ""
    purpose: Literal["manual", "resize"] = "manual"


class CleanSnapshots(Step, tag="clean", frozen=True, kw_only=True):
    """Delete the next snapshots that the rules of `input` give up, judged by their age at `started_at`; leave out those of `failed`."""

    input: dict[str, Any]
    started_at: datetime
    failed: dict[str, str] = {}


class SetAlarms(Step, tag="set_alarms", frozen=True, kw_only=True):
    """Make the alarms of a warehouse what its settings say, and the dashboard show it."""

    warehouse: Reference
    alarms: Alarms = Alarms()


class RemoveAlarms(Step, tag="remove_alarms", frozen=True, kw_only=True):
    """Delete the alarms of a warehouse and take it off the dashboard."""

    warehouse: Reference


class Run(Waiting, tag="run", frozen=True, kw_only=True):
    """Submit one unit of the SQL that `input` gives; `version` is the version of the file it lies in."""

    input: dict[str, Any]
    target: Target
    unit: int
    version: str | None = None


class Probe(Waiting, tag="probe", frozen=True, kw_only=True):
    """Prove that a warehouse answers SQL."""

    warehouse: Reference


class Fetch(Step, tag="fetch", frozen=True, kw_only=True):
    """Read the results of a unit's statements: into the answer up to `budget_bytes`, else, or if asked for, into the bucket."""

    statement_id: str
    unit: int
    result: str
    budget_bytes: int


class MakeReport(Step, tag="make", frozen=True, kw_only=True):
    """Make the cost report that was planned; `folder` is where in the bucket it goes."""

    period: Period
    warehouses: list[Reference] = []
    folder: str


class Cancel(Step, tag="cancel", frozen=True, kw_only=True):
    """Cancel the statements that this execution still runs."""


class Wait(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Wait for a warehouse, a snapshot or a lock.

    `key` is the warehouse's key for a lock; `subject` is a snapshot's identifier, or the size in words that a resize leads to.
    """

    goal: Literal["available", "paused", "resized", "deleted", "snapshot", "unlocked"]
    warehouse: Reference
    execution: str
    token: str
    attempt: int = 0
    last_attempt: int = 0
    key: str = ""
    subject: str = ""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a workflow is going to do and why. `key` is what the warehouse's lock and ledger are filed under.

    `node_type` and `nodes` are those before anything is done: AWS describes a paused multi-node cluster as single-node.
    """

    action: str
    reason: str
    asked: str
    warehouse: Reference
    key: str
    dry_run: bool
    status: str = "absent"
    node_type: str = ""
    nodes: int = 0

    @classmethod
    def of(cls, seen: Warehouse, decision: Decision, asked: Common, **more: Any) -> Self:
        """The plan for a warehouse. Raises WarehouseNotReady while it is between two states that no plan can wait for."""
        if decision.action == "retry":
            raise WarehouseNotReady(decision.reason)
        return cls(
            action=decision.action,
            reason=decision.reason,
            asked=asked.reason,
            warehouse=seen.reference,
            key=seen.key,
            dry_run=asked.dry_run,
            status=seen.status,
            node_type=seen.node_type or "",
            nodes=seen.nodes or 0,
            **more,
        )


class PausePlan(Plan, frozen=True, kw_only=True):
    """A plan to pause, with what to do about running queries."""

    when_busy: str
    drain_seconds: int
    until: datetime | None = None


class ResizePlan(Plan, frozen=True, kw_only=True):
    """A plan to resize: from `before` to `after` by `method`, what that means, and the sizes that an elastic resize reaches."""

    size: Size
    before: str
    after: str
    when_busy: str
    drain_seconds: int
    method: str = ""
    consequence: str = ""
    snapshot_days: int = SNAPSHOT_DAYS
    possible: list[str] = []

    @classmethod
    def of_way(cls, seen: Warehouse, way: Way, asked: ResizeInput) -> Self:
        """The plan for a warehouse. Raises ResizeRefused, unless it is a dry run, for a size that only a forbidden way reaches."""
        if way.action == "refuse" and not asked.dry_run:
            raise ResizeRefused(way.reason)
        return cls.of(
            seen,
            Decision(way.action, way.reason),
            asked,
            size=way.size,
            before=seen.size,
            after=str(way.size),
            when_busy=asked.when_busy,
            drain_seconds=asked.drain_seconds,
            method=way.method or "",
            consequence=way.consequence,
            possible=[str(option) for option in way.possible] if asked.dry_run else [],
        )


class SnapshotPlan(Plan, frozen=True, kw_only=True):
    """A plan to take a snapshot; or the newest snapshots that there are, and how many there are in all."""

    snapshot: str = ""
    retention_days: int = 0
    snapshots: list[Snapshot] = []
    found: int = 0


class CleanPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A plan to clean up snapshots: how many of what size go, how many stay for which reason, and where the verdict on each stands."""

    action: Literal["clean", "nothing"]
    reason: str
    asked: str
    dry_run: bool
    report: str
    tally: Tally
    deleting: list[str] = []

    @classmethod
    def of_verdicts(cls, judged: list[Verdict], figures: Tally, asked: CleanInput, report: str) -> Self:
        """The plan for what was judged; it names the first that go."""
        kept = ", ".join(f"{count} {kind}" for kind, count in sorted(figures.kept.items()))
        stay = f"{figures.found - figures.deleting} stay" + (f" ({kept})" if kept else "")
        return cls(
            action="clean" if figures.deleting else "nothing",
            reason=f"{figures.deleting} of {figures.found} snapshots go, with up to {figures.size_mb:,.0f} MB; {stay}",
            asked=asked.reason,
            dry_run=asked.dry_run,
            report=report,
            tally=figures,
            deleting=[one.snapshot.identifier for one in judged if one.action == "delete"][:MOST_LISTED],
        )


class DeletePlan(Plan, frozen=True, kw_only=True):
    """A plan to delete, with the namespace that goes with a workgroup, and whose leftovers are removed afterwards."""

    final_snapshot: bool
    namespace: str = ""
    belonging_to: list[Reference]


class SecurePlan(Plan, frozen=True, kw_only=True):
    """A plan to secure, with what was found, and what people agreed to."""

    findings: list[Finding]
    consent: Consent


class ReportPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a cost report is going to be on: all warehouses when none is named. It costs what Cost Explorer's calls cost, once a day."""

    action: str
    reason: str
    asked: str
    dry_run: bool
    period: Period
    warehouses: list[Reference]
    folder: str


class SqlPlan(Plan, frozen=True, kw_only=True):
    """A plan to run SQL: how many units, where, signed in how, and the version of the file that holds them."""

    target: Target
    signed_in_as: str
    units: list[int]
    statements: int
    result: str
    budget_bytes: int
    version: str | None = None
