"""AWS Budgets under IAM: the service has two actions of its own for all operations on budgets, and names each budget by an ARN.

Source: service authorization reference, AWS Budget Service. ministack would ask for actions that are called like the operations, on `*`.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core import iam_actions

_PREFIX = "budgets:"
#: Operations that are permissions by their own name.
_TAGGING = {"TagResource", "UntagResource", "ListTagsForResource"}


def apply() -> None:
    """Put it in place, once per process."""
    known_action, known_resource = iam_actions.extract_iam_action, iam_actions.extract_resource_arn

    def extract_action(service: str, *request: Any) -> str | None:
        action: str | None = known_action(service, *request)
        return _permission(action.removeprefix(_PREFIX)) if action and service == "budgets" else action

    def extract_resource(  # noqa: PLR0913, PLR0917 - ministack's signature
        service: str, method: str, path: str, headers: Any, body: bytes, query: Any, region: str, account: str
    ) -> str:
        if service != "budgets":
            return str(known_resource(service, method, path, headers, body, query, region, account))
        return _resource(json.loads(body or b"{}"), account)

    iam_actions.extract_iam_action, iam_actions.extract_resource_arn = extract_action, extract_resource


def _permission(operation: str) -> str:
    if operation in _TAGGING:
        return _PREFIX + operation
    return _PREFIX + ("ViewBudget" if operation.startswith("Describe") else "ModifyBudget")


def _resource(request: dict[str, Any], account: str) -> str:
    if arn := request.get("ResourceARN"):
        return str(arn)
    given = request.get("Budget") or request.get("NewBudget") or request
    return f"arn:aws:budgets::{account}:budget/{given.get('BudgetName', '*')}"
