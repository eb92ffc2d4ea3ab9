"""AWS Budgets: one monthly budget for each warehouse that has one in its spec, with alerts to the Notifications topic.

A budget counts what carries the warehouse's tag, which a person has to activate for cost allocation once.
"""

from __future__ import annotations

import os
from decimal import Decimal
from typing import Any

import msgspec

from autopilot.aws.clients import call, client, translated
from autopilot.domain.budgets import (
    NAME_PREFIX,
    Budget,
    alert_key,
    alerts,
    budget_name,
    budget_request,
    budget_there,
    in_words,
    same_budget,
    tag_note,
)
from autopilot.domain.errors import AccessDenied, AutopilotError, WarehouseDiffers
from autopilot.domain.report import BudgetState
from autopilot.domain.tags import MANAGED_TAG, OWNER_TAG, WAREHOUSE_TAG, owner_of
from autopilot.domain.warehouse import Reference

LOOK = ("budgets:ViewBudget",)
#: CreateBudget, UpdateBudget, DeleteBudget and the operations on notifications are one permission. Source: service authorization reference.
SET = (*LOOK, "budgets:ModifyBudget", "budgets:TagResource", "budgets:ListTagsForResource", "ce:ListCostAllocationTags")
SEE = (*LOOK, "budgets:ListTagsForResource")
REMOVE = (*LOOK, "budgets:ModifyBudget", "budgets:ListTagsForResource")
_SERVICE = "budgets"


class Set(msgspec.Struct, frozen=True):
    """What was done to a warehouse's budget: `created`, `changed`, `removed`, or `nothing`."""

    action: str
    reason: str


def put(warehouse: Reference, budget: Budget | None, execution: str = "") -> Set:
    """Make the budget of a warehouse what is wanted, or remove it; twice is like once. A new one is marked as made by `execution`.

    Raises WarehouseDiffers for a budget of that name that Autopilot did not make.
    """
    name, there = budget_name(warehouse), _find(warehouse)
    if there is not None and not _is_ours(warehouse):
        raise WarehouseDiffers(f"a budget {name} exists that has no tag {MANAGED_TAG}=true; it was left alone")
    if budget is None:
        if there is None:
            return Set("nothing", f"{warehouse.name} has no budget")
        _call("delete_budget", warehouse, "remove", BudgetName=name)
        return Set("removed", f"the budget of {warehouse.name} is removed")
    wanted, action = budget_request(warehouse, budget, WAREHOUSE_TAG), "nothing"
    if there is None:
        _create(warehouse, wanted, budget, execution)
        action = "created"
    else:
        if not same_budget(there, wanted):
            _call("update_budget", warehouse, "change", NewBudget=wanted)
            action = "changed"
        if _set_alerts(warehouse, budget):
            action = "changed"
    return Set(action, f"the budget of {warehouse.name} is {in_words(budget)}")


def look(warehouse: Reference, wanted: Budget | None) -> Budget | None:
    """The budget that Autopilot keeps for the warehouse, or None.

    An account that may not see its budgets has none, unless one is wanted. Source: DescribeBudget, DescribeNotificationsForBudget.
    """
    try:
        there = _find(warehouse)
        if there is None or not _is_ours(warehouse):
            return None
        name = budget_name(warehouse)
        found = _call("describe_notifications_for_budget", warehouse, "look at", BudgetName=name).get("Notifications", [])
    except AccessDenied:
        if wanted is not None:
            raise
        return None
    return budget_there(there, found, budget_request(warehouse, wanted or Budget(amount=1), WAREHOUSE_TAG))


def remove_if_made_by(warehouse: Reference, execution: str) -> list[str]:
    """Remove the budget that this execution made, if there is one; what was removed, in words."""
    try:
        if _find(warehouse) is None or _tags(warehouse).get(OWNER_TAG) != owner_of(execution):
            return []
    except AccessDenied:
        return []
    _call("delete_budget", warehouse, "remove", BudgetName=budget_name(warehouse))
    return [f"budget of {warehouse.kind} {warehouse.name}"]


def is_kept(warehouse: Reference) -> bool:
    """Whether Autopilot keeps a budget for the warehouse."""
    return _find(warehouse) is not None and _is_ours(warehouse)


def _create(warehouse: Reference, wanted: dict[str, Any], budget: Budget, execution: str) -> None:
    subscribed = [{"Notification": alert, "Subscribers": _subscribers()} for alert in alerts(budget)]
    owner = {OWNER_TAG: owner_of(execution)} if execution else {}
    marks = {MANAGED_TAG: "true", WAREHOUSE_TAG: warehouse.name, **owner}
    tags = [{"Key": key, "Value": value} for key, value in marks.items()]
    _call("create_budget", warehouse, "create", Budget=wanted, NotificationsWithSubscribers=subscribed, ResourceTags=tags)


def _set_alerts(warehouse: Reference, budget: Budget) -> bool:
    """Make the alerts what is wanted; whether that took a change."""
    name = budget_name(warehouse)
    found = _call("describe_notifications_for_budget", warehouse, "look at", BudgetName=name).get("Notifications", [])
    there, wanted = {alert_key(alert): alert for alert in found}, {alert_key(alert): alert for alert in alerts(budget)}
    superfluous, missing = [there[key] for key in there if key not in wanted], [wanted[key] for key in wanted if key not in there]
    # AWS takes ten alerts for one budget: the old ones make room for the new.
    for alert in superfluous:
        _call("delete_notification", warehouse, "change an alert of", BudgetName=name, Notification=_bare(alert))
    for alert in missing:
        _call("create_notification", warehouse, "change an alert of", BudgetName=name, Notification=alert, Subscribers=_subscribers())
    return bool(superfluous or missing)


def _bare(alert: dict[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in alert.items() if field != "NotificationState"}


def _subscribers() -> list[dict[str, str]]:
    return [{"SubscriptionType": "SNS", "Address": os.environ["TOPIC_ARN"]}]


def states(account: str) -> dict[str, BudgetState]:
    """What AWS Budgets says of every budget that Autopilot keeps in the account, by the budget's name (`domain.budgets.budget_name`).

    Amounts are those of the current month; a forecast is missing while AWS has too little to make one. Source: DescribeBudgets.
    """
    pages = client(_SERVICE).get_paginator("describe_budgets")
    with translated("list the budgets"):
        found = [one for page in pages.paginate(AccountId=account) for one in page.get("Budgets", [])]
    return {one["BudgetName"]: _state(one) for one in found if one["BudgetName"].startswith(NAME_PREFIX) and "BudgetLimit" in one}


def _state(budget: dict[str, Any]) -> BudgetState:
    spend = budget.get("CalculatedSpend", {})

    def amount(of: dict[str, Any] | None) -> Decimal | None:
        return Decimal(of["Amount"]) if of else None

    return BudgetState(
        limit=Decimal(budget["BudgetLimit"]["Amount"]),
        spent=amount(spend.get("ActualSpend")),
        forecast=amount(spend.get("ForecastedSpend")),
    )


def note() -> str:
    """What keeps budgets from counting, in words; nothing when they count."""
    return tag_note(tag_status(), WAREHOUSE_TAG)


def tag_status() -> str:
    """Whether the tag by which warehouses are told apart counts for cost allocation: `active`, `inactive`, or `unknown`.

    Only the organization's management account may ask. Source: ListCostAllocationTags.
    """
    try:
        answer = call("ce", "list_cost_allocation_tags", "ask for the cost allocation tags", TagKeys=[WAREHOUSE_TAG], Type="UserDefined")
    except AutopilotError:
        return "unknown"
    found = [one["Status"].lower() for one in answer.get("CostAllocationTags", [])]
    # A tag that billing has not seen yet is not in the list.
    return found[0] if found else "inactive"


def _find(warehouse: Reference) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = _call("describe_budget", warehouse, "look at", BudgetName=budget_name(warehouse))["Budget"]
    except AutopilotError as error:
        if error.code != "NotFoundException":
            raise
        return None
    return found


def _is_ours(warehouse: Reference) -> bool:
    return _tags(warehouse).get(MANAGED_TAG) == "true"


def _tags(warehouse: Reference) -> dict[str, str]:
    """Source: ListTagsForResource."""
    arn = f"arn:aws:budgets::{warehouse.account}:budget/{budget_name(warehouse)}"
    found = call(_SERVICE, "list_tags_for_resource", f"look at the tags of {arn}", ResourceARN=arn).get("ResourceTags", [])
    return {tag["Key"]: tag["Value"] for tag in found}


def _call(operation: str, warehouse: Reference, verb: str, **arguments: Any) -> dict[str, Any]:
    return call(_SERVICE, operation, f"{verb} the budget of {warehouse.name}", AccountId=warehouse.account, **arguments)
