"""Let one warehouse read what another one has: say what each side declares, and what proves that rows arrive."""

from __future__ import annotations

from typing import Any, assert_never

from autopilot.aws import warehouses
from autopilot.domain.inputs import decode, reference_of
from autopilot.domain.inside.sharing import Prove, ShareInput, plan, proof
from autopilot.domain.steps import Look
from autopilot.runtime.handler import handler

PERMISSIONS = warehouses.LOOK


@handler(Look | Prove)
def handle(call: Look | Prove) -> Any:
    """The steps of `share_data` that need a decision."""
    match call:
        case Look():
            asked = decode(ShareInput, call.input)
            return plan(asked, warehouses.get(reference_of(asked.producer)), warehouses.get(reference_of(asked.consumer)))
        case Prove():
            return {"sql": proof(decode(ShareInput, call.input), call)}
        case _:
            assert_never(call)
