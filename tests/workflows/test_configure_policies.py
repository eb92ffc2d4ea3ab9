"""A spec hides rows and values of a table, by the whole workflow: who is meant sees less, and nobody sees more than before while it changes."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.driver import Ended
from tests.workflows.conftest import Stack

CUSTOMERS = {"name": "customers"}
SETUP = [
    "CREATE TABLE customers (region varchar(16), card varchar(32))",
    "INSERT INTO customers VALUES ('north', '4111222233334444'), ('south', '5111222233334444')",
    "CREATE ROLE analyst",
    "CREATE USER ann PASSWORD DISABLE",
    "CREATE USER ben PASSWORD DISABLE",
    "GRANT ROLE analyst TO ann",
    "GRANT SELECT ON customers TO PUBLIC",
]


@pytest.fixture(scope="module")
def warehouse(deployed: Stack) -> str:
    name = deployed.provision()
    assert deployed.sql(name, SETUP).succeeded
    return name


def configure(stack: Stack, name: str, *, hidden: str = "'***'::varchar(32)", dry_run: bool = False, **more: Any) -> Ended:
    mask = {
        "name": "card_hidden",
        "columns": [{"name": "card", "type": "varchar(32)"}],
        "using": [hidden],
        "attach": [{"table": CUSTOMERS, "columns": ["card"], "to": {"role": "analyst"}}],
    }
    rows = {
        "name": "north_only",
        "columns": [{"name": "region", "type": "varchar(16)"}],
        "using": "region = 'north'",
        "attach": [{"table": CUSTOMERS, "to": [{"role": "analyst"}]}],
    }
    sections = {"masking": [mask], "row_level_security": {"policies": [rows]}, **more}
    return stack.run("configure_warehouse", {"spec": {"name": name, **sections}, "dry_run": dry_run})


def seen_by(stack: Stack, warehouse: str, user: str) -> list[tuple[str, ...]]:
    """What a database user reads."""
    data = stack.sandbox.observe("redshift-data")
    query = "SELECT region, card FROM customers ORDER BY 1"
    statement = data.execute_statement(ClusterIdentifier=warehouse, Database="dev", DbUser=user, Sql=query)["Id"]
    stack.until(lambda: data.describe_statement(Id=statement)["Status"] in {"FINISHED", "FAILED"}, "the query ended")
    return [tuple(str(next(iter(cell.values()))) for cell in row) for row in data.get_statement_result(Id=statement)["Records"]]


def test_who_is_meant_sees_less_and_a_failed_change_shows_nothing_more(stack: Stack, warehouse: str) -> None:
    everything = [("north", "4111222233334444"), ("south", "5111222233334444")]
    planned = configure(stack, warehouse, dry_run=True)
    assert [step["sql"].split(" USING", 1)[0] for step in planned.output["steps"]][:2] == [
        'CREATE RLS POLICY "north_only" WITH ("region" varchar(16))',
        'ATTACH RLS POLICY "north_only" ON "public"."customers" TO ROLE "analyst"',
    ]
    assert seen_by(stack, warehouse, "ann") == everything
    ended = configure(stack, warehouse)
    assert ended.succeeded, ended.cause
    assert seen_by(stack, warehouse, "ann") == [("north", "***")]
    assert seen_by(stack, warehouse, "ben") == []
    assert configure(stack, warehouse).output["result"] == "nothing"

    # A mask that takes other columns is made anew; one that cannot be made leaves the one before in its place.
    wider = {
        "name": "card_hidden",
        "columns": [{"name": "card", "type": "varchar(32)"}, {"name": "region", "type": "varchar(16)"}],
        "using": ["no_such_column"],
        "attach": [{"table": CUSTOMERS, "columns": ["card"], "using": ["card", "region"], "to": {"role": "analyst"}}],
    }
    failed = configure(stack, warehouse, masking=[wider])
    assert (failed.status, failed.error) == ("FAILED", "ConfigurationIncomplete"), failed
    assert "create masking policy card_hidden" in failed.cause
    assert "no_such_column" in failed.cause
    assert seen_by(stack, warehouse, "ann") == [("north", "***")]
    wider["using"] = ["region || ': ' || right(card, 4)"]
    ended = configure(stack, warehouse, masking=[wider])
    assert ended.succeeded, ended.cause
    assert seen_by(stack, warehouse, "ann") == [("north", "north: 4444")]


def test_what_is_not_declared_any_more_is_lifted_only_by_prune(stack: Stack, warehouse: str) -> None:
    assert configure(stack, warehouse).succeeded
    kept = configure(stack, warehouse, masking=[], row_level_security={})
    assert (kept.output["result"], {one.get("fate", "reported") for one in kept.output["drift"]}) == ("nothing", {"reported"}), kept
    assert seen_by(stack, warehouse, "ben") == []
    pruned = configure(stack, warehouse, masking=[], row_level_security={}, prune=True)
    assert pruned.succeeded, pruned
    assert len(seen_by(stack, warehouse, "ben")) == 2
    assert configure(stack, warehouse, masking=[], row_level_security={}, prune=True).output["result"] == "nothing"
