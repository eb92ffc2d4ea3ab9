"""`budget`: what AWS Budgets keeps becomes what the spec says; twice is like once; somebody else's budget is left alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from autopilot.aws import budgets
from autopilot.domain.errors import AccessDenied, InvalidInput, Throttled, WarehouseDiffers
from tests.handlers.account import TOPIC, Aws, Handle, reference, sample
from tests.handlers.fakes import ACCOUNT
from tests.handlers.wiring import Refusal

NAME = "autopilot-cluster-us-east-1-analytics"
WRITES = ("create_budget", "update_budget", "delete_budget", "create_notification", "delete_notification")


def step(**budget: Any) -> dict[str, Any]:
    return sample("budget") | {"budget": budget or None}


def writes(aws: Aws) -> list[str]:
    return [operation for operation in aws.order if operation in WRITES]


def test_sample_creates_a_budget_over_what_carries_the_warehouses_tag(aws: Aws, handle: Handle) -> None:
    aws.costs.tags["autopilot:warehouse"] = "Active"
    done = handle(sample("budget"))
    assert done == {"action": "created", "reason": "the budget of analytics is 500.00 USD a month", "note": ""}
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


def test_same_budget_makes_no_write_call(aws: Aws, handle: Handle) -> None:
    handle(sample("budget"))
    aws.journal.clear()
    assert handle(sample("budget"))["action"] == "nothing"
    assert writes(aws) == []


def test_changed_amount_and_alerts_are_changed_and_nothing_else(aws: Aws, handle: Handle) -> None:
    handle(sample("budget"))
    aws.journal.clear()
    assert handle(step(amount=750.5))["action"] == "changed"
    assert writes(aws) == ["update_budget"]
    aws.journal.clear()
    assert handle(step(amount=750.5, alert_at_percent=[90, 100]))["action"] == "changed"
    assert writes(aws) == ["delete_notification", "create_notification"]
    assert [one["Threshold"] for one in aws.budgets.alerts[NAME]] == [100.0, 100.0, 90.0]
    assert aws.calls("create_notification")[0]["Subscribers"] == [{"SubscriptionType": "SNS", "Address": TOPIC}]


def test_budget_that_is_no_longer_wanted_is_removed_once(aws: Aws, handle: Handle) -> None:
    handle(sample("budget"))
    assert handle(step())["action"] == "removed"
    assert handle(step())["action"] == "nothing"
    assert len(aws.calls("delete_budget")) == 1


def test_budget_that_somebody_else_made_is_left_alone(aws: Aws, handle: Handle) -> None:
    handle(sample("budget"))
    aws.budgets.tags[NAME] = []
    for wanted in (step(), step(amount=5)):
        with pytest.raises(WarehouseDiffers, match="has no tag autopilot:managed=true"):
            handle(wanted)
    assert writes(aws) == ["create_budget"]


@pytest.mark.parametrize(
    ("status", "note"),
    [("Active", ""), ("Inactive", "is not activated for cost allocation"), (None, "is not activated for cost allocation")],
)
def test_tag_that_does_not_count_is_reported(aws: Aws, handle: Handle, status: str | None, note: str) -> None:
    if status:
        aws.costs.tags["autopilot:warehouse"] = status
    said = handle(sample("budget"))["note"]
    assert note in said
    assert bool(said) == bool(note)


def test_account_that_may_not_ask_about_tags_still_gets_its_budget(aws: Aws, handle: Handle) -> None:
    aws.fail("ce", "list_cost_allocation_tags", Refusal("AccessDeniedException"))
    done = handle(sample("budget"))
    assert done["action"] == "created"
    assert "only the organization's management account can tell" in done["note"]


@pytest.mark.parametrize(("code", "error"), [("ThrottlingException", Throttled), ("AccessDeniedException", AccessDenied)])
def test_refusal_of_aws_goes_out_under_its_own_name(aws: Aws, handle: Handle, code: str, error: type[Exception]) -> None:
    aws.fail("budgets", "create_budget", Refusal(code), times=4)
    with pytest.raises(error, match="create the budget of analytics"):
        handle(sample("budget"))


def test_budget_that_makes_no_sense_is_refused(aws: Aws, handle: Handle) -> None:
    with pytest.raises(InvalidInput, match=r"budget\.amount: Expected `float` > 0"):
        handle(step(amount=-1))
    assert aws.journal == []


def test_state_of_every_own_budget_is_read_page_by_page(aws: Aws, handle: Handle) -> None:
    for name in ("one", "two", "three"):
        handle(sample("budget") | {"warehouse": reference(name)})
    aws.budgets.budgets["of-the-finance-department"] = aws.budgets.budgets[NAME.replace("analytics", "one")]
    found = budgets.states(ACCOUNT)
    assert sorted(found) == [NAME.replace("analytics", name) for name in ("one", "three", "two")]
    state = found[NAME.replace("analytics", "one")]
    assert (state.limit, state.spent, state.forecast) == (Decimal("500.0"), Decimal("12.34"), None)
