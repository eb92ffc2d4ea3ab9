"""IAM policies: what in them is wider than a data warehouse needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

#: AWS's own policies that allow (nearly) everything.
_EVERYTHING = frozenset({"AdministratorAccess", "PowerUserAccess"})


class Policy(msgspec.Struct, frozen=True):
    """A policy of a role, by name, with its document as IAM decodes it."""

    name: str
    document: dict[str, Any] = {}


def wide_grants(policy: Policy) -> Iterator[str]:
    """What a policy allows too widely: whole services, every resource, or all but something. A condition narrows a resource down."""
    if policy.name in _EVERYTHING:
        yield f"has the policy {policy.name}"
        return
    for statement in _listed(policy.document.get("Statement", [])):
        if statement.get("Effect") != "Allow":
            continue
        where = f"of the policy {policy.name}"
        yield from (
            f"may do {action} by a statement {where}" for action in _texts(statement, "Action") if action == "*" or action.endswith(":*")
        )
        yield from (f"is allowed by {key} in a statement {where}" for key in ("NotAction", "NotResource") if key in statement)
        if "*" in _texts(statement, "Resource") and not statement.get("Condition"):
            yield f"may do {', '.join(_texts(statement, 'Action')[:3])} to every resource by a statement {where}"


def _texts(statement: dict[str, Any], key: str) -> list[str]:
    return [str(text) for text in _listed(statement.get(key, []))]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
