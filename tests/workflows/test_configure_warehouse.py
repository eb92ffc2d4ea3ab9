"""What lies inside a warehouse is made what the spec says: planned from its catalog, applied unit by unit, and looked at again."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.driver import Ended
from tests.workflows.conftest import Stack


@pytest.fixture(scope="module")
def warehouse(deployed: Stack) -> str:
    return deployed.provision()


def configure(stack: Stack, name: str, *, reason: str = "a test", dry_run: bool = False, **sections: Any) -> Ended:
    return stack.run("configure_warehouse", {"spec": {"name": name, **sections}, "reason": reason, "dry_run": dry_run})


def schemas(stack: Stack, warehouse: str) -> set[str]:
    return {row[0] for row in stack.rows(warehouse, "SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg_%'")}


def test_declared_schema_is_made_and_the_second_run_finds_nothing_to_do(stack: Stack, warehouse: str) -> None:
    ended = configure(stack, warehouse, schemas=[{"name": "sales"}, {"name": "finance"}], reason="two teams")
    assert ended.succeeded, ended
    assert (ended.output["result"], ended.output["changed"], ended.output["asked"]) == ("done", True, "two teams")
    assert [(step["step"], step["outcome"]) for step in ended.output["steps"]] == [
        ("create schema sales", "done"),
        ("create schema finance", "done"),
    ]
    assert {"sales", "finance"} <= schemas(stack, warehouse)
    assert [entry["outcome"] for entry in stack.ledger(warehouse) if entry["action"] == "configure"] == ["done"]
    again = configure(stack, warehouse, schemas=[{"name": "sales"}, {"name": "finance"}])
    assert (again.output["result"], again.output["changed"], again.output["steps"]) == ("nothing", False, [])
    assert stack.lock(warehouse) is None
    assert len([entry for entry in stack.ledger(warehouse) if entry["action"] == "configure"]) == 1
