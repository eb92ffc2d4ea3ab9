"""The section `datashares` on two warehouses: what is given arrives, a second plan is empty, and nothing is taken away unasked."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.inside import Inside
from tests.sandbox.warehouse import Warehouse, error_of

ROWS = "SELECT id FROM shown.sales.orders ORDER BY id"


@pytest.fixture
def producer(warehouse: Warehouse) -> Warehouse:
    warehouse.run(
        "CREATE SCHEMA sales", "CREATE TABLE sales.orders (id int)", "INSERT INTO sales.orders VALUES (1), (2)", "CREATE TABLE sales.returns (id int)",
        "CREATE SCHEMA finance", "CREATE TABLE finance.books (id int)", "CREATE VIEW finance.totals AS SELECT 7 AS total",
    )  # fmt: skip
    return warehouse


def namespace(warehouse: Warehouse) -> str:
    return str(warehouse.value("SELECT current_namespace"))


def given(*consumers: Warehouse, **share: Any) -> dict[str, Any]:
    """The section that gives the datashare `orders` to them."""
    return {"produces": [{"name": "orders", "consumers": [{"namespace": namespace(one)} for one in consumers], **share}]}


def taken(producer: Warehouse, **database: Any) -> dict[str, Any]:
    """The section that shows it as the database `shown`."""
    return {"consumes": [{"database": "shown", "datashare": "orders", "namespace": namespace(producer), **database}]}


def objects(warehouse: Warehouse) -> list[str | None]:
    return [row[0] for row in warehouse.run("SELECT object_name FROM svv_datashare_objects ORDER BY 1")]


WHOLE = {"schemas": [{"name": "sales"}]}


def test_what_one_warehouse_gives_the_other_reads(producer: Warehouse, consumer: Warehouse) -> None:
    giving, taking = Inside(producer), Inside(consumer)
    assert giving.apply(datashares=given(consumer, **WHOLE)) == [
        "create datashare orders",
        "add schema sales to datashare orders",
        "add all tables in schema sales to datashare orders",
        f"grant usage on datashare orders to namespace {namespace(consumer)}",
    ]
    assert taking.apply(datashares=taken(producer)) == ["create database shown"]
    assert consumer.run(ROWS) == [("1",), ("2",)]
    for side, section in ((giving, given(consumer, **WHOLE)), (taking, taken(producer))):
        assert side.compare(datashares=section).steps == []
        assert side.compare(datashares=section).drift == []


def test_single_tables_bring_their_schemas_along(producer: Warehouse, consumer: Warehouse) -> None:
    giving = Inside(producer)
    section = given(consumer, tables=[{"schema": "sales", "name": "orders"}, {"schema": "finance", "name": "totals"}])
    giving.apply(datashares=section)
    assert objects(producer) == ["finance", "finance.totals", "sales", "sales.orders"]
    Inside(consumer).apply(datashares=taken(producer))
    assert consumer.value("SELECT total FROM shown.finance.totals") == "7"
    assert giving.compare(datashares=section).steps == []


def test_a_table_that_came_later_is_added_by_the_next_plan_or_by_redshift(producer: Warehouse) -> None:
    giving = Inside(producer)
    giving.apply(datashares=given(**WHOLE))
    producer.run("CREATE TABLE sales.later (id int)")
    assert giving.apply(datashares=given(**WHOLE)) == ["add table sales.later to datashare orders"]
    including = given(schemas=[{"name": "sales", "include_new": True}])
    assert giving.apply(datashares=including) == ["set includenew for schema sales of datashare orders"]
    producer.run("CREATE TABLE sales.last (id int)")
    assert "sales.last" in objects(producer)
    assert giving.compare(datashares=including).steps == []
    assert giving.apply(datashares=given(**WHOLE)) == ["set includenew for schema sales of datashare orders"]


def test_what_is_there_and_not_declared_stays_until_prune(producer: Warehouse, consumer: Warehouse) -> None:
    giving, taking = Inside(producer), Inside(consumer)
    giving.apply(datashares=given(consumer, tables=[{"schema": "sales", "name": "orders"}, {"schema": "finance", "name": "books"}]))
    taking.apply(datashares=taken(producer))
    producer.run("CREATE DATASHARE byhand")
    less = {"produces": [{"name": "orders", "tables": [{"schema": "sales", "name": "orders"}]}]}
    compared = giving.compare(datashares=less)
    assert (compared.steps, {(drift.object, drift.fate) for drift in compared.drift}) == (
        [],
        {
            ("table finance.books in datashare orders", "reported"),
            ("schema finance in datashare orders", "reported"),
            (f"usage of namespace {namespace(consumer)} in datashare orders", "reported"),
            ("datashare byhand", "reported"),
        },
    )
    assert [drift.fate for drift in giving.compare(datashares=less, prune=True).drift] == ["removed"] * 4
    giving.apply(datashares=less, prune=True)
    assert objects(producer) == ["sales", "sales.orders"]
    assert producer.run("SELECT share_name FROM svv_datashares") == [("orders",)]
    assert "does not exist" in error_of(consumer.run, ROWS)
    assert giving.compare(datashares=less, prune=True).steps == []
    assert producer.value("SELECT count(*) FROM sales.orders") == "2"


def test_a_database_of_a_datashare_is_dropped_with_prune_only(producer: Warehouse, consumer: Warehouse) -> None:
    Inside(producer).apply(datashares=given(consumer, **WHOLE))
    taking = Inside(consumer)
    taking.apply(datashares=taken(producer))
    assert [(drift.object, drift.fate) for drift in taking.compare(datashares={"consumes": []}).drift] == [("database shown", "reported")]
    assert consumer.run(ROWS)
    assert taking.apply(datashares={"consumes": []}, prune=True) == ["drop database shown"]
    assert consumer.run("SELECT database_name FROM svv_redshift_databases") == [("dev",)]


def test_a_side_that_is_left_out_is_not_looked_at(producer: Warehouse, consumer: Warehouse) -> None:
    Inside(producer).apply(datashares=given(consumer, **WHOLE))
    Inside(consumer).apply(datashares=taken(producer))
    sides: list[tuple[Warehouse, dict[str, Any]]] = [(producer, {"consumes": []}), (consumer, {"produces": []})]
    for side, section in sides:
        compared = Inside(side).compare(datashares=section, prune=True)
        assert (compared.steps, compared.drift) == ([], [])


def test_a_database_is_made_anew_when_it_shows_something_else_but_with_prune_only(producer: Warehouse, consumer: Warehouse) -> None:
    giving, taking = Inside(producer), Inside(consumer)
    giving.apply(datashares=given(consumer, **WHOLE))
    taking.apply(datashares=taken(producer))
    changed = taken(producer, with_permissions=True)
    [drift] = taking.compare(datashares=changed).drift
    assert (drift.fate, "without permissions" in drift.what) == ("reported", True)
    assert taking.apply(datashares=changed, prune=True) == ["drop database shown", "create database shown"]
    assert taking.compare(datashares=changed, prune=True).steps == []
    producer.run("DROP DATASHARE orders")
    [drift] = taking.compare(datashares=changed, prune=True).drift
    assert (drift.fate, "shows nothing" in drift.what) == ("kept", True)
    giving.apply(datashares=given(consumer, **WHOLE))
    assert "that is gone" in taking.compare(datashares=changed).drift[0].what
    taking.apply(datashares=changed, prune=True)
    assert consumer.run(ROWS) == [("1",), ("2",)]


def test_a_database_of_the_warehouses_own_is_never_replaced(producer: Warehouse, consumer: Warehouse) -> None:
    Inside(producer).apply(datashares=given(consumer, **WHOLE))
    consumer.run("CREATE DATABASE shown")
    compared = Inside(consumer).compare(datashares=taken(producer), prune=True)
    assert (compared.steps, [drift.fate for drift in compared.drift]) == ([], ["kept"])


def test_a_datashare_of_another_database_is_left_alone(producer: Warehouse) -> None:
    producer.run("CREATE DATABASE other")
    with producer.session(database="other") as session:
        session.execute("CREATE DATASHARE orders")
    sections: list[dict[str, Any]] = [given(**WHOLE), {"produces": []}]
    for section in sections:
        compared = Inside(producer).compare(datashares=section, prune=True)
        assert (compared.steps, [drift.fate for drift in compared.drift]) == ([], ["kept"])


def test_public_access_is_changed_and_changed_back(producer: Warehouse) -> None:
    giving = Inside(producer)
    giving.apply(datashares=given())
    assert giving.apply(datashares=given(public_accessible=True)) == ["set publicaccessible of datashare orders"]
    assert producer.value("SELECT is_publicaccessible FROM svv_datashares") == "t"
    assert giving.apply(datashares=given()) == ["set publicaccessible of datashare orders"]


def test_names_of_every_kind_are_shared_and_read(producer: Warehouse, consumer: Warehouse) -> None:
    names = ["select", "mit leerzeichen", "o'brien", "punkt.punkt", "größe", "a;drop", "--x", "x" * 60]
    for name in names:
        producer.run(f'CREATE SCHEMA "{name}"', f'CREATE TABLE "{name}"."{name}" (id int)', f'INSERT INTO "{name}"."{name}" VALUES (1)')  # noqa: S608 - made of the test's own words
        section = {
            "produces": [{"name": name, "tables": [{"schema": name, "name": name}], "consumers": [{"namespace": namespace(consumer)}]}]
        }
        Inside(producer).apply(datashares=section)
        assert Inside(producer).compare(datashares=section).steps == [], name
        Inside(consumer).apply(datashares={"consumes": [{"database": f"db {name}", "datashare": name, "namespace": namespace(producer)}]})
        assert consumer.value(f'SELECT id FROM "db {name}"."{name}"."{name}"') == "1"  # noqa: S608 - made of the test's own words
        assert Inside(producer).apply(datashares={"produces": [{"name": name}]}, prune=True)
        assert Inside(producer).compare(datashares={"produces": [{"name": name}]}, prune=True).steps == [], name
        Inside(producer).apply(datashares={"produces": []}, prune=True)
