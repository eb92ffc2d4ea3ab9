"""What `provision_warehouse` sends with a spec, and the plan that it starts from: apart, as only who applies specs has to load what one can say."""

from __future__ import annotations

from typing import Self

import msgspec

from autopilot.domain.baseline import Consent, Tried
from autopilot.domain.changes import Change
from autopilot.domain.decisions import decide_provision, settles_as
from autopilot.domain.errors import WarehouseDiffers
from autopilot.domain.inputs import ProvisionInput
from autopilot.domain.spec import Spec
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


class ProvisionPlan(Plan, frozen=True, kw_only=True):
    """A plan to provision: the spec as it was read and checked, and the steps that it asks for.

    `awaited` is the state that the warehouse comes to before anything can be done; `version` is that of the spec's file.
    """

    spec: Spec
    changes: list[Change]
    awaited: str
    reboot: bool
    version: str | None = None
    from_snapshot: str = ""

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
            spec=spec,
            changes=planned,
            awaited=awaited,
            reboot=reboot,
            version=version,
            from_snapshot=asked.from_snapshot or "",
        )
