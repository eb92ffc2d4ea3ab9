"""Keep the budget of a warehouse what its spec says."""

from __future__ import annotations

from autopilot.aws import budgets
from autopilot.domain.steps import SetBudget
from autopilot.runtime.handler import handler

PERMISSIONS = budgets.SET


@handler(SetBudget)
def handle(call: SetBudget) -> budgets.Set:
    """Create, change or remove it; say what keeps it from counting."""
    return budgets.put(call.warehouse, call.budget)
