"""A warehouse's budget: what a month may cost, and at which percentages of it people are told."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

import msgspec

#: Source: Budgets, `NotificationsWithSubscribers`: up to 10 for one budget.
MAX_ALERTS = 10
Percent = Annotated[int, msgspec.Meta(ge=1, le=1000)]


class Budget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a calendar month (UTC) of the warehouse may cost: `amount` in `currency`.

    People are told when the month's cost, or the cost that AWS forecasts for the whole month, exceeds these percentages of it.
    """

    amount: Annotated[float, msgspec.Meta(gt=0, le=1_000_000_000)]
    currency: Literal["USD"] = "USD"
    alert_at_percent: list[Percent] = msgspec.field(default_factory=lambda: [80, 100])
    alert_at_forecast_percent: list[Percent] = msgspec.field(default_factory=lambda: [100])


def budget_problems(budget: Budget, path: str = "spec.budget") -> list[str]:
    """What contradicts in a budget, each with its path; nothing when it can be set."""
    problems = []
    if Decimal(str(budget.amount)) != limit(budget):
        problems.append(f"{path}.amount: {budget.amount} is not allowed; an amount has at most two decimals")
    for field in ("alert_at_percent", "alert_at_forecast_percent"):
        percents = getattr(budget, field)
        if len(set(percents)) < len(percents):
            problems.append(f"{path}.{field}: a percentage is given twice")
    alerts = len(budget.alert_at_percent) + len(budget.alert_at_forecast_percent)
    if alerts > MAX_ALERTS:
        problems.append(f"{path}: {alerts} alerts; AWS takes up to {MAX_ALERTS} for one budget")
    return problems


def limit(budget: Budget) -> Decimal:
    """The amount of a month, in whole cents."""
    return Decimal(str(budget.amount)).quantize(Decimal("0.01"))
