"""Both sides of a datashare between two warehouses by one workflow: rows arrive, a second run finds nothing to do, a failed side is made up for."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.driver import Ended
from tests.workflows.conftest import Stack


@pytest.fixture(scope="module")
def sales(deployed: Stack) -> str:
    """A cluster with `orders.lines`, two rows."""
    name = deployed.provision()
    made = deployed.sql(name, ["CREATE SCHEMA orders", "CREATE TABLE orders.lines (id int)", "INSERT INTO orders.lines VALUES (1), (2)"])
    assert made.succeeded, made
    return name


@pytest.fixture(scope="module")
def analytics(deployed: Stack) -> str:
    return deployed.provision("workgroup")


def share(stack: Stack, producer: str, consumer: str, **more: Any) -> Ended:
    return stack.run("share_data", {"producer": producer, "consumer": consumer, "schemas": ["orders"], **more})


def steps(side: dict[str, Any]) -> list[str]:
    return [step["step"] for step in side["steps"]]


def test_a_workgroup_reads_what_a_cluster_has(stack: Stack, sales: str, analytics: str) -> None:
    planned = share(stack, sales, analytics, dry_run=True)
    assert planned.succeeded, planned
    assert steps(planned.output["producer"])[0] == "create datashare orders"
    assert steps(planned.output["consumer"]) == ["create database orders"]
    assert 'CREATE DATASHARE "orders"' in planned.output["producer"]["steps"][0]["sql"]
    assert stack.rows(sales, "SELECT share_name FROM svv_datashares") == []

    ended = share(stack, sales, analytics, reason="reports")
    assert ended.succeeded, ended
    assert (ended.output["result"], ended.output["asked"], ended.output["database"]) == ("done", "reports", "orders")
    assert "read there by SELECT COUNT" in ended.output["detail"]
    assert stack.rows(analytics, "SELECT id FROM orders.orders.lines ORDER BY id") == [[1], [2]]
    assert stack.sql(sales, "INSERT INTO orders.lines VALUES (3)").succeeded
    assert stack.rows(analytics, "SELECT COUNT(*) FROM orders.orders.lines") == [[3]]
    assert [entry["outcome"] for side in (sales, analytics) for entry in stack.ledger(side) if entry["action"] == "configure"] == [
        "done"
    ] * 2

    assert stack.sql(sales, "CREATE DATASHARE byhand").succeeded
    again = share(stack, sales, analytics)
    assert (again.output["result"], again.output["changed"]) == ("nothing", False)
    assert "there and not as declared" not in again.output["producer"]["detail"]
    assert [stack.lock(side) for side in (sales, analytics)] == [None, None]


def test_what_the_producer_gave_stands_when_the_consumer_fails_and_a_later_run_goes_on(stack: Stack, sales: str, analytics: str) -> None:
    # the workgroup gives the other way round, to a database whose name is taken
    assert stack.sql(analytics, ["CREATE SCHEMA back", "CREATE TABLE back.t (id int)", "INSERT INTO back.t VALUES (7)"]).succeeded
    assert stack.sql(sales, "CREATE DATABASE back", transaction=False).succeeded
    ended = share(stack, analytics, sales, schemas=["back"])
    assert (ended.status, ended.error) == ("FAILED", "ConfigurationIncomplete"), ended
    assert ended.cause.startswith("consumer: database back")
    assert ended.cause.endswith("what the producer gives stands, and a later run goes on")
    assert stack.rows(analytics, "SELECT share_name FROM svv_datashares WHERE share_type = 'OUTBOUND'") == [["back"]]
    assert stack.sql(sales, "DROP DATABASE back", transaction=False).succeeded
    again = share(stack, analytics, sales, schemas=["back"])
    assert (again.status, again.output["producer"]["changed"], again.output["consumer"]["changed"]) == ("SUCCEEDED", False, True), again
    assert stack.rows(sales, "SELECT id FROM back.back.t") == [[7]]


def test_bad_input_changes_nothing(stack: Stack, sales: str, analytics: str) -> None:
    ended = share(stack, sales, analytics, schemas=["Orders"], datashare="never")
    assert (ended.status, ended.error) == ("FAILED", "InvalidInput")
    assert ["never"] not in stack.rows(sales, "SELECT share_name FROM svv_datashares")
