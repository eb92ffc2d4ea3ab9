"""What a spec itself decides against the security baseline: securing leaves that alone, or the next apply would only turn it back."""

from __future__ import annotations

from autopilot.domain.baseline import PARAMETERS, RuleName
from autopilot.domain.baseline_rules import LOG_EXPORTS, MIN_RETENTION_DAYS
from autopilot.domain.spec import Spec


def accepted_by(spec: Spec) -> dict[RuleName, str]:
    """The rules that a spec knowingly breaks, each with what it says."""
    accepted: dict[RuleName, str] = {}
    network, days, logging, parameters = spec.network, spec.backups.automated_days, spec.logging, spec.parameters
    if network.public:
        accepted["not_public"] = f"its spec says public: {network.public_reason or 'true'}"
    if not network.enhanced_vpc_routing:
        accepted["enhanced_vpc_routing"] = "its spec turns it off"
    if days is not None and days < MIN_RETENTION_DAYS:
        accepted["snapshot_retention"] = f"its spec says {days} days"
    if logging is not None and (logging.destination == "none" or not set(LOG_EXPORTS) <= set(logging.exports)):
        accepted["audit_logging"] = "its spec says which logs go where"
    for rule, parameter in PARAMETERS.items():
        if parameters.group is not None:
            accepted[rule] = f"its spec names the parameter group {parameters.group}"
        elif parameter in (parameters.values or {}):
            accepted[rule] = f"its spec says {parameter}: {parameters.as_text()[parameter]}"
    return accepted
