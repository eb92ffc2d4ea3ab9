"""What AWS Budgets keeps becomes what the spec says; twice is like once; somebody else's budget is left alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from autopilot.aws import budgets
from autopilot.domain.budgets import Budget
from autopilot.domain.errors import AccessDenied, Throttled, WarehouseDiffers
from autopilot.domain.warehouse import Reference
from tests.handlers.account import TOPIC, Aws, execution, reference
from tests.handlers.fakes import ACCOUNT
from tests.handlers.wiring import Refusal

NAME = "autopilot-cluster-us-east-1-analytics"
WRITES = ("create_budget", "update_budget", "delete_budget", "create_notification", "delete_notification")


MINE = msgspec.convert(reference(), Reference)


def put(warehouse: Reference = MINE, **budget: Any) -> budgets.Set:
    return budgets.put(warehouse, Budget(**budget) if budget else None, execution("provision-warehouse"))


def writes(aws: Aws) -> list[str]:
    return [operation for operation in aws.order if operation in WRITES]


def test_budget_is_created_over_what_carries_the_warehouses_tag(aws: Aws) -> None:
    done = put(amount=500)
    told = "told at 80, 100 % and at a forecast of 100 %"
    assert done == budgets.Set("created", f"the budget of analytics is 500.00 USD a month; {told}")
    (request,) = aws.calls("create_budget")
    assert request["AccountId"] == ACCOUNT
    assert request["Budget"] == {
        "BudgetName": NAME,
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": "500.00", "Unit": "USD"},
        "CostFilters": {"TagKeyValue": ["user:autopilot:warehouse$analytics"], "Region": ["us-east-1"]},
    }
    told = request["NotificationsWithSubscribers"]
    assert [(one["Notification"]["NotificationType"], one["Notification"]["Threshold"]) for one in told] == [
        ("ACTUAL", 80.0),
        ("ACTUAL", 100.0),
        ("FORECASTED", 100.0),
    ]
    assert {str(one["Subscribers"]) for one in told} == {str([{"SubscriptionType": "SNS", "Address": TOPIC}])}


def test_same_budget_makes_no_write_call(aws: Aws) -> None:
    put(amount=500)
    aws.journal.clear()
    assert put(amount=500).action == "nothing"
    assert writes(aws) == []


def test_changed_amount_and_alerts_are_changed_and_nothing_else(aws: Aws) -> None:
    put(amount=500)
    aws.journal.clear()
    assert put(amount=750.5).action == "changed"
    assert writes(aws) == ["update_budget"]
    aws.journal.clear()
    assert put(amount=750.5, alert_at_percent=[90, 100]).action == "changed"
    assert writes(aws) == ["delete_notification", "create_notification"]
    assert [one["Threshold"] for one in aws.budgets.alerts[NAME]] == [100.0, 100.0, 90.0]
    assert aws.calls("create_notification")[0]["Subscribers"] == [{"SubscriptionType": "SNS", "Address": TOPIC}]


def test_budget_that_is_no_longer_wanted_is_removed_once(aws: Aws) -> None:
    put(amount=500)
    assert put().action == "removed"
    assert put().action == "nothing"
    assert len(aws.calls("delete_budget")) == 1


def test_budget_that_somebody_else_made_is_left_alone(aws: Aws) -> None:
    put(amount=500)
    aws.budgets.tags[NAME] = []
    for wanted in (None, Budget(amount=5)):
        with pytest.raises(WarehouseDiffers, match="has no tag autopilot:managed=true"):
            budgets.put(MINE, wanted)
    assert writes(aws) == ["create_budget"]


@pytest.mark.parametrize(
    ("status", "note"),
    [("Active", ""), ("Inactive", "is not activated for cost allocation"), (None, "is not activated for cost allocation")],
)
def test_tag_that_does_not_count_is_reported(aws: Aws, status: str | None, note: str) -> None:
    if status:
        aws.costs.tags["autopilot:warehouse"] = status
    said = budgets.note()
    assert note in said
    assert bool(said) == bool(note)


def test_account_that_may_not_ask_about_tags_is_told_so(aws: Aws) -> None:
    aws.fail("ce", "list_cost_allocation_tags", Refusal("AccessDeniedException"))
    assert "only the organization's management account can tell" in budgets.note()


@pytest.mark.parametrize(("code", "error"), [("ThrottlingException", Throttled), ("AccessDeniedException", AccessDenied)])
def test_refusal_of_aws_goes_out_under_its_own_name(aws: Aws, code: str, error: type[Exception]) -> None:
    aws.fail("budgets", "create_budget", Refusal(code), times=4)
    with pytest.raises(error, match="create the budget of analytics"):
        put(amount=500)


def test_what_is_kept_is_read_as_a_spec_says_it(aws: Aws) -> None:
    wanted = Budget(amount=750.5, alert_at_percent=[100, 50], alert_at_forecast_percent=[])
    assert budgets.look(MINE, wanted) is None
    budgets.put(MINE, wanted)
    assert budgets.look(MINE, wanted) == Budget(amount=750.5, alert_at_percent=[50, 100], alert_at_forecast_percent=[])
    aws.budgets.tags[NAME] = []
    assert budgets.look(MINE, wanted) is None


def test_account_that_may_not_see_budgets_has_none_unless_one_is_wanted(aws: Aws) -> None:
    aws.fail("budgets", "describe_budget", Refusal("AccessDeniedException"), times=2)
    assert budgets.look(MINE, None) is None
    with pytest.raises(AccessDenied):
        budgets.look(MINE, Budget(amount=5))


def test_budget_is_undone_only_by_the_execution_that_made_it(aws: Aws) -> None:
    put(amount=500)
    assert budgets.remove_if_made_by(MINE, execution("provision-warehouse", "other")) == []
    assert budgets.remove_if_made_by(MINE, execution("provision-warehouse")) == ["budget of cluster analytics"]
    assert budgets.remove_if_made_by(MINE, execution("provision-warehouse")) == []
    assert writes(aws) == ["create_budget", "delete_budget"]


def test_state_of_every_own_budget_is_read_page_by_page(aws: Aws) -> None:
    for name in ("one", "two", "three"):
        put(msgspec.convert(reference(name), Reference), amount=500)
    aws.budgets.budgets["of-the-finance-department"] = aws.budgets.budgets[NAME.replace("analytics", "one")]
    found = budgets.states(ACCOUNT)
    assert sorted(found) == [NAME.replace("analytics", name) for name in ("one", "three", "two")]
    state = found[NAME.replace("analytics", "one")]
    assert (state.limit, state.spent, state.forecast) == (Decimal("500.0"), Decimal("12.34"), None)
