"""Functions in a template's Conditions that ministack takes for true whatever they stand for: here each is what CloudFormation makes of it."""

from __future__ import annotations

from functools import partial
from typing import Any

from ministack.services.cloudformation import changesets, engine, handlers, stacks

Json = dict[str, Any]

#: Where ministack holds the evaluation under its own name.
_USERS = (engine, changesets, handlers, stacks)


def register() -> None:
    """Resolve `Fn::Join` in conditions before ministack evaluates them, once per process."""
    known = engine._evaluate_conditions

    def evaluate(template: Json, params: Json) -> Json:
        conditions = template.get("Conditions", {})
        evaluated: Json = known({**template, "Conditions": joined(conditions, params)}, params)
        return evaluated

    for module in _USERS:
        module._evaluate_conditions = evaluate


def joined(value: Any, params: Json) -> Any:
    """The same expression with every `Fn::Join` of parameters as the text it stands for."""
    match value:
        case {"Fn::Join": [str(delimiter), items]}:
            return delimiter.join(_members(items, params))
        case dict():
            return {key: joined(inner, params) for key, inner in value.items()}
        case list():
            return list(map(partial(joined, params=params), value))
        case _:
            return value


def _members(items: Any, params: Json) -> list[str]:
    """A list, or what the parameter of a list's type holds: ministack keeps that as the text that was given."""
    if isinstance(items, list):
        return [text for item in items for text in _members(item, params)]
    if isinstance(items, dict) and items.get("Ref") in params:
        items = params[items["Ref"]]["Value"]
        return [str(part).strip() for part in (items.split(",") if isinstance(items, str) else items)]
    return [str(items)]
