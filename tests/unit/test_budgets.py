"""A budget of a spec: what can be set, and what is said about one that cannot."""

from __future__ import annotations

from typing import Any

import pytest

from autopilot.domain.budgets import Budget, budget_name, budget_problems, limit
from autopilot.domain.errors import InvalidInput
from autopilot.domain.inputs import decode
from autopilot.domain.warehouse import Reference


def test_amount_is_enough_for_a_budget() -> None:
    budget = decode(Budget, {"amount": 500})
    assert (str(limit(budget)), budget.currency, budget.alert_at_percent, budget.alert_at_forecast_percent) == (
        "500.00",
        "USD",
        [80, 100],
        [100],
    )
    assert budget_problems(budget) == []


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({}, "missing required field `amount`"),
        ({"amount": 0}, "amount: Expected `float` > 0"),
        ({"amount": float("nan")}, "amount: Expected `float` > 0"),
        ({"amount": "500"}, "amount: Expected `float`, got `str`"),
        ({"amount": 5, "currency": "EUR"}, "currency: Invalid enum value 'EUR'"),
        ({"amount": 5, "alert_at_percent": [0]}, "alert_at_percent[0]: Expected `int` >= 1"),
        ({"amount": 5, "limit": 7}, "unknown field `limit`"),
    ],
)
def test_budget_that_cannot_be_read_is_refused(given: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        decode(Budget, given)
    assert complaint in str(refused.value)


def test_all_contradictions_are_said_at_once() -> None:
    budget = Budget(amount=9.999, alert_at_percent=[50, 50], alert_at_forecast_percent=[*range(1, 10)])
    assert budget_problems(budget) == [
        "spec.budget.amount: 9.999 is not allowed; an amount has at most two decimals",
        "spec.budget.alert_at_percent: a percentage is given twice",
        "spec.budget: 11 alerts; AWS takes up to 10 for one budget",
    ]


def test_longest_name_of_a_budget_is_one_that_aws_takes() -> None:
    longest = Reference(kind="workgroup", name="w" * 64, region="ap-southeast-2", account="0" * 12)
    assert len(budget_name(longest)) <= 100
    assert ":" not in budget_name(longest)
