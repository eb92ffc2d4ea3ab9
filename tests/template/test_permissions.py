"""Each function may do exactly what its code declares: nothing missing, nothing more."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[2]
TEMPLATE: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())
FUNCTIONS = sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))


def _actions(statements: list[dict[str, Any]]) -> set[str]:
    return {action for s in statements for action in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])}


def granted(function: str) -> set[str]:
    logical = "".join(part.title() for part in function.split("_")) + "Function"
    actions: set[str] = set()
    for policy in TEMPLATE["Resources"][logical]["Properties"]["Policies"]:
        document = TEMPLATE["Resources"][policy["Ref"]]["Properties"]["PolicyDocument"] if "Ref" in policy else policy
        actions |= _actions(document["Statement"])
    return actions


def declared(function: str) -> set[str]:
    spec = importlib.util.spec_from_file_location(f"app_{function}", ROOT / "functions" / function / "app.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return set(module.PERMISSIONS)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_template_grants_what_the_code_declares(function: str) -> None:
    assert granted(function) == declared(function)
