"""Hold a warehouse against the security baseline, and repair what can be repaired, one operation at a time."""

from __future__ import annotations

import os
from typing import assert_never

from autopilot.aws import facts, securing, warehouses
from autopilot.domain.baseline_report import decide_secure, findings_of
from autopilot.domain.baseline_rules import judge
from autopilot.domain.inputs import SecureInput, decode, reference_of
from autopilot.domain.provision_steps import Secure
from autopilot.domain.steps import Look, SecurePlan
from autopilot.runtime.handler import handler

PERMISSIONS = securing.PERMISSIONS


@handler(Look | Secure)
def handle(call: Look | Secure) -> SecurePlan | securing.Secured:
    """The steps of `secure_warehouse` that need a decision."""
    match call:
        case Look():
            return look(decode(SecureInput, call.input))
        case Secure():
            return securing.repair(call)
        case _:
            assert_never(call)


def look(asked: SecureInput) -> SecurePlan:
    """What was found, and whether anything can be repaired."""
    seen = warehouses.get(reference_of(asked.warehouse))
    judged = judge(facts.of(seen), securing.settings(os.environ), asked.consent)
    findings = findings_of(judged, [])
    return SecurePlan.of(seen, decide_secure(seen, findings), asked, findings=findings, consent=asked.consent)
