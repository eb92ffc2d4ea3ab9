"""Make a warehouse what its spec says: create it, or change the one that is there; and undo what a failed provisioning created."""

from __future__ import annotations

from typing import Any, assert_never

from autopilot.aws import changing, foundation, specs, undoing
from autopilot.domain.errors import InvalidInput
from autopilot.domain.inputs import ProvisionInput, decode
from autopilot.domain.provision_steps import Apply, ProvisionPlan
from autopilot.domain.spec import parse_spec
from autopilot.domain.steps import Look, Undo
from autopilot.runtime.handler import handler

PERMISSIONS = (*changing.PERMISSIONS, *undoing.PERMISSIONS, *specs.PERMISSIONS)


@handler(Look | Apply | Undo)
def handle(call: Look | Apply | Undo) -> Any:
    """The steps of `provision_warehouse` that need a decision."""
    match call:
        case Look():
            return look(decode(ProvisionInput, call.input), call)
        case Apply():
            return changing.apply(call)
        case Undo():
            return undoing.undo(call)
        case _:
            assert_never(call)


def look(asked: ProvisionInput, call: Look) -> ProvisionPlan:
    """What would be done, and why. Raises WarehouseDiffers when a warehouse of that name is to be left alone."""
    data, version = specs.read(asked.spec, asked.spec_uri)
    spec = foundation.with_key_arns(parse_spec(data))
    seen, planned = changing.look(spec, call.execution, reboot=asked.reboot == "allow", from_snapshot=asked.from_snapshot or "")
    plan = ProvisionPlan.of_spec(spec, seen, planned, asked, call.execution, version)
    if call.key not in {"", plan.key}:
        raise InvalidInput(f"spec_uri: the file was rewritten and describes {spec.kind} {spec.name} now; start again with it")
    return plan
