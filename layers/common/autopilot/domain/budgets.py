"""A warehouse's budget: what a month may cost, and at which percentages of it people are told."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

from autopilot.domain.warehouse import Reference, Warehouse

#: What the names of all budgets begin with that Autopilot keeps.
NAME_PREFIX = "autopilot-"
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


def budget_name(warehouse: Warehouse | Reference) -> str:
    """The name of a warehouse's budget in AWS Budgets, which knows one list for the whole account: 100 characters at most, no colons."""
    return f"{NAME_PREFIX}{warehouse.kind}-{warehouse.region}-{warehouse.name}"


def budget_request(warehouse: Reference, budget: Budget, tag: str) -> dict[str, Any]:
    """The budget as CreateBudget and UpdateBudget take it: a month's cost of what carries the tag with the warehouse's name, in its region."""
    return {
        "BudgetName": budget_name(warehouse),
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": str(limit(budget)), "Unit": budget.currency},
        "CostFilters": {"TagKeyValue": [f"user:{tag}${warehouse.name}"], "Region": [warehouse.region]},
    }


def alerts(budget: Budget) -> list[dict[str, Any]]:
    """The notifications of a budget, as CreateBudget takes them."""
    by_kind = {"ACTUAL": budget.alert_at_percent, "FORECASTED": budget.alert_at_forecast_percent}
    return [
        {"NotificationType": kind, "ComparisonOperator": "GREATER_THAN", "Threshold": float(percent), "ThresholdType": "PERCENTAGE"}
        for kind, percents in by_kind.items()
        for percent in percents
    ]


def alert_key(alert: dict[str, Any]) -> tuple[Any, ...]:
    """What makes two notifications the same one; AWS adds a state to them."""
    return tuple(alert.get(field) for field in ("NotificationType", "ComparisonOperator", "Threshold", "ThresholdType"))


def same_budget(there: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether a budget is the one wanted; AWS writes amounts in its own way (`500` or `500.0`)."""
    if Decimal(there["BudgetLimit"]["Amount"]) != Decimal(wanted["BudgetLimit"]["Amount"]):
        return False
    fields = ("BudgetType", "TimeUnit", "CostFilters")
    return there["BudgetLimit"]["Unit"] == wanted["BudgetLimit"]["Unit"] and all(there.get(field) == wanted[field] for field in fields)


def normal(budget: Budget | None) -> Budget | None:
    """The budget with its alerts in order, which mean the same in any."""
    if budget is None:
        return None
    actual, forecast = sorted(budget.alert_at_percent), sorted(budget.alert_at_forecast_percent)
    return msgspec.structs.replace(budget, alert_at_percent=actual, alert_at_forecast_percent=forecast)


def in_words(budget: Budget) -> str:
    """A budget for people: `500.00 USD a month; told at 80, 100 % and at a forecast of 100 %`."""
    told = [
        (budget.alert_at_percent, "at "),
        (budget.alert_at_forecast_percent, "at a forecast of "),
    ]
    alerts_said = " and ".join(f"{at}{', '.join(map(str, percents))} %" for percents, at in told if percents)
    return f"{limit(budget)} {budget.currency} a month" + (f"; told {alerts_said}" if alerts_said else "")


def budget_there(there: dict[str, Any], alerts_there: list[dict[str, Any]], wanted: dict[str, Any]) -> Budget | None:
    """The budget that AWS keeps, as a spec says it; None for one that counts something else than the one wanted."""
    if not same_budget(there, {**wanted, "BudgetLimit": there["BudgetLimit"]}):
        return None
    by_kind: dict[str, list[int]] = {"ACTUAL": [], "FORECASTED": []}
    for alert in alerts_there:
        by_kind[alert["NotificationType"]].append(int(alert["Threshold"]))
    amount = float(there["BudgetLimit"]["Amount"])
    return Budget(amount=amount, alert_at_percent=sorted(by_kind["ACTUAL"]), alert_at_forecast_percent=sorted(by_kind["FORECASTED"]))


def tag_note(status: str, tag: str) -> str:
    """What keeps a budget from counting, in words; nothing when the tag is active."""
    if status == "active":
        return ""
    told = "is not activated" if status == "inactive" else "may not be activated (only the organization's management account can tell)"
    return (
        f"the tag {tag} {told} for cost allocation: until it is, in the billing console under Cost allocation tags, budgets by "
        "warehouse count nothing; after that AWS takes up to 24 hours"
    )
