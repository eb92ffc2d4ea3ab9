"""Create a warehouse from its spec, or change the one that is there; and undo what a failed provisioning created."""

from __future__ import annotations

from typing import Any, assert_never

from autopilot.aws import changing, files, provisioning, warehouses
from autopilot.domain.decisions import decide_provision
from autopilot.domain.errors import WarehouseDiffers
from autopilot.domain.inputs import ProvisionInput, check_one_of, decode
from autopilot.domain.spec import parse_spec, parse_text
from autopilot.domain.steps import Change, Create, Look, ProvisionPlan, Undo
from autopilot.domain.warehouse import Reference
from autopilot.runtime.handler import handler

PERMISSIONS = (*provisioning.CREATE, *changing.PERMISSIONS, *provisioning.UNDO, *files.READ)


@handler(Look | Create | Change | Undo)
def handle(call: Look | Create | Change | Undo) -> Any:
    """The steps of `provision_warehouse` that need a decision."""
    match call:
        case Look():
            return look(decode(ProvisionInput, call.input), call.execution)
        case Create():
            return provisioning.create(call.spec, call.execution)
        case Change():
            return changing.change(call)
        case Undo():
            return provisioning.undo(call.warehouse, call.execution)
        case _:
            assert_never(call)


def look(asked: ProvisionInput, execution: str) -> ProvisionPlan:
    """What would be done, and why. Raises WarehouseDiffers when a warehouse of that name is not what the spec says."""
    check_one_of({"spec": asked.spec, "spec_uri": asked.spec_uri})
    spec = parse_spec(asked.spec if asked.spec_uri is None else parse_text(files.read_text(asked.spec_uri, "spec_uri")[0]))
    seen = warehouses.find(Reference(name=spec.name, kind=spec.kind))
    decision = decide_provision(spec, seen, execution)
    if decision.action == "differs":
        raise WarehouseDiffers(f"{decision.reason}. Nothing was changed")
    return ProvisionPlan.of_spec(spec, seen, decision, asked, execution)
