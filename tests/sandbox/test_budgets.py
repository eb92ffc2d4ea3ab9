"""AWS Budgets in the sandbox: permissions are AWS's own two, on the ARN of each budget."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.stage import Stage

ACCOUNT = "000000000000"


def _client(stage: Stage, *statements: dict[str, Any]) -> Any:
    arn = stage.role([{"Effect": "Allow", **statement} for statement in statements])
    assumed = stage.sandbox.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    return stage.sandbox.client("budgets", credentials=assumed)


def _budget(name: str) -> dict[str, Any]:
    return {"BudgetName": name, "BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": {"Amount": "5", "Unit": "USD"}}


def _denied(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    return str(refused.value)


def test_modify_and_view_are_the_permissions_of_all_operations(stage: Stage) -> None:
    name = stage.name("own")
    resource = f"arn:aws:budgets::{ACCOUNT}:budget/own-*"
    budgets = _client(stage, {"Action": ["budgets:ModifyBudget", "budgets:ViewBudget"], "Resource": resource})
    budgets.create_budget(AccountId=ACCOUNT, Budget=_budget(name))
    budgets.update_budget(AccountId=ACCOUNT, NewBudget=_budget(name))
    assert budgets.describe_budget(AccountId=ACCOUNT, BudgetName=name)["Budget"]["BudgetLimit"]["Amount"] == "5"
    assert budgets.describe_notifications_for_budget(AccountId=ACCOUNT, BudgetName=name)["Notifications"] == []
    other = stage.name("other")
    assert "budgets:ModifyBudget" in _denied(budgets.create_budget, AccountId=ACCOUNT, Budget=_budget(other))
    assert "budgets:ViewBudget" in _denied(budgets.describe_budgets, AccountId=ACCOUNT)
    budgets.delete_budget(AccountId=ACCOUNT, BudgetName=name)


def test_who_may_only_look_changes_nothing_and_tags_nothing(stage: Stage) -> None:
    budgets = _client(stage, {"Action": "budgets:ViewBudget", "Resource": "*"})
    name = stage.name("own")
    _denied(budgets.create_budget, AccountId=ACCOUNT, Budget=_budget(name))
    arn = f"arn:aws:budgets::{ACCOUNT}:budget/{name}"
    assert "budgets:TagResource" in _denied(budgets.tag_resource, ResourceARN=arn, ResourceTags=[{"Key": "a", "Value": "b"}])
    assert isinstance(budgets.describe_budgets(AccountId=ACCOUNT)["Budgets"], list)
