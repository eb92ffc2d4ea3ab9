"""What `provision_warehouse` sends with a spec, and the plan that it starts from: apart, as only who applies specs has to load what one can say."""

from __future__ import annotations

from typing import Literal, Self

import msgspec

from autopilot.domain.baseline import Consent, Tried
from autopilot.domain.changes import Change
from autopilot.domain.decisions import decide_provision, settles_as
from autopilot.domain.errors import WarehouseDiffers
from autopilot.domain.inputs import ProvisionInput
from autopilot.domain.inside.model import Context
from autopilot.domain.inside.report import MAX_STEP_BYTES, Shown, fitting, on_empty
from autopilot.domain.spec import Spec
from autopilot.domain.sql import takes_no_sql
from autopilot.domain.steps import Plan, Step
from autopilot.domain.warehouse import Reference, Warehouse


class Apply(Step, tag="apply", frozen=True, kw_only=True):
    """Make the next steps that a spec asks for, up to one that has to be waited for; `applied` counts those that this execution has made.

    `reboot` allows what drops sessions so that parameters take effect; `from_snapshot` is restored as the new warehouse.
    """

    spec: Spec
    applied: int = 0
    reboot: bool = False
    from_snapshot: str = ""


class Secure(Step, tag="secure", frozen=True, kw_only=True):
    """Make the next repair of a warehouse; `tried` are those that this execution has made. What a `spec` itself decides stays."""

    warehouse: Reference
    consent: Consent = Consent()
    spec: Spec | None = None
    tried: list[Tried] = msgspec.field(default_factory=list)


class InsidePlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done inside the warehouse: `nothing` where nothing is declared, `configure`, or for a dry run `look` or `show`.

    `show` is what would be made in a new warehouse; `steps` are as many as fit.
    """

    action: Literal["nothing", "configure", "look", "show"] = "nothing"
    reason: str = ""
    sections: list[str] = msgspec.field(default_factory=list)
    steps: list[Shown] = msgspec.field(default_factory=list)

    @classmethod
    def of_spec(cls, spec: Spec, seen: Warehouse | None, known: Warehouse, *, dry_run: bool) -> Self:
        """The plan for what a spec declares."""
        declared = spec.declared
        if not declared:
            return cls()
        if not dry_run:
            return cls(action="configure", sections=declared)
        if seen is None:
            steps = on_empty(spec, Context(warehouse=known.name, kind=known.kind, account=known.account, region=known.region))
            return cls(
                action="show", reason=f"{len(steps)} steps in the new warehouse", sections=declared, steps=fitting(steps, MAX_STEP_BYTES)
            )
        if takes_no_sql(seen):
            return cls(action="show", reason=f"it is {seen.status}, so what lies inside was not looked at", sections=declared)
        return cls(action="look", sections=declared)


class ProvisionPlan(Plan, frozen=True, kw_only=True):
    """A plan to provision: the spec as it was read and checked, and the steps that it asks for.

    `awaited` is the state that the warehouse comes to before anything can be done; `version` is that of the spec's file. The spec here says nothing
    of what lies `inside`: that is planned by itself.
    """

    spec: Spec
    changes: list[Change]
    awaited: str
    reboot: bool
    version: str | None = None
    from_snapshot: str = ""
    inside: InsidePlan = InsidePlan()

    @classmethod
    def of_spec(
        cls,
        spec: Spec,
        seen: Warehouse | None,
        planned: list[Change],
        asked: ProvisionInput,
        execution: str,
        version: str | None = None,
    ) -> Self:
        """The plan for a spec, in the region and account that the execution's ARN names. Raises WarehouseDiffers for what is to be left alone."""
        decision = decide_provision(spec, seen, planned)
        if decision.action == "differs" and not asked.dry_run:
            raise WarehouseDiffers(f"{decision.reason}. Nothing was changed")
        known = seen or Warehouse.absent(Reference(name=spec.name), execution, kind=spec.kind, database=spec.database)
        reboot, awaited = asked.reboot == "allow", settles_as(seen)
        return cls.of(
            known,
            decision,
            asked,
            spec=spec.without_inside,
            inside=InsidePlan.of_spec(spec, seen, known, dry_run=asked.dry_run),
            changes=planned,
            awaited=awaited,
            reboot=reboot,
            version=version,
            from_snapshot=asked.from_snapshot or "",
        )
