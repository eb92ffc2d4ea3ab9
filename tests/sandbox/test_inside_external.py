"""External schemas of a spec in a database: made, as they are the next time, altered, made anew with what is granted on them, pruned."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.sql.errors import SqlError
from tests.sandbox.fake_lake import FakeLake
from tests.sandbox.fakes import FakeOutside
from tests.sandbox.inside import Inside
from tests.sandbox.lake_files import FILES
from tests.sandbox.warehouse import Warehouse, error_of

ROLE = FakeOutside.ROLE
OTHER = ROLE.replace("streams", "other")
SECRET = "arn:aws:secretsmanager:us-east-1:000000000000:secret:shop-AbCdEf"
LAKE = {"name": "lake", "database": "sales", "create_database": True}
SHOP = {"name": "shop", "source": "postgres", "database": "app", "host": "127.0.0.1", "secret": SECRET}


@pytest.fixture
def lake(outside: FakeOutside, monkeypatch: pytest.MonkeyPatch) -> FakeLake:
    monkeypatch.setattr(outside, "iam_roles", lambda _warehouse: (ROLE, [ROLE, OTHER]))
    return outside.lake


@pytest.fixture
def inside(warehouse: Warehouse, lake: FakeLake) -> Inside:
    lake.catalog["orders"] = {"orders": FILES["csv"][0]}
    lake.files["s3://lake/orders/a"] = FILES["csv"][1]
    return Inside(warehouse)


def schemas(inside: Inside) -> list[tuple[str | None, ...]]:
    return inside.warehouse.run("SELECT schemaname, databasename FROM svv_external_schemas ORDER BY 1")


def test_what_is_declared_is_made_and_then_left_alone(inside: Inside, lake: FakeLake) -> None:
    declared = {"external_schemas": [LAKE, SHOP]}
    assert sorted(inside.apply(**declared)) == ["create external schema lake", "create external schema shop"]
    assert (schemas(inside), lake.catalog["sales"]) == ([("lake", "sales"), ("shop", "app")], {})
    assert inside.compare(**declared).steps == []
    inside.known.clear()
    assert inside.compare(**declared).steps == []


def test_role_is_altered_and_a_change_by_hand_is_taken_back(inside: Inside) -> None:
    inside.apply(external_schemas=[LAKE])
    declared = {"external_schemas": [LAKE | {"role": OTHER}]}
    assert inside.apply(**declared) == ["alter external schema lake"]
    assert inside.compare(**declared).steps == []
    inside.warehouse.run(f"ALTER EXTERNAL SCHEMA lake IAM_ROLE '{ROLE}'")
    [step] = inside.compare(**declared).steps
    assert step.reason == f"it was changed by hand: role is {ROLE}, not {OTHER}"
    inside.apply(**declared)
    assert inside.compare(**declared).steps == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (LAKE, LAKE | {"database": "orders"}),
        (LAKE, LAKE | {"catalog_role": OTHER}),
        (SHOP, SHOP | {"host": "localhost"}),
        (SHOP, SHOP | {"port": 6432}),
        (SHOP, SHOP | {"role": OTHER}),
        (SHOP | {"name": "lake"}, LAKE | {"database": "orders"}),
    ],
)
def test_what_cannot_be_altered_is_made_anew_and_stays_so(inside: Inside, before: dict[str, Any], after: dict[str, Any]) -> None:
    inside.apply(external_schemas=[before])
    name = after["name"]
    assert inside.apply(external_schemas=[after]) == [f"drop external schema {name}", f"create external schema {name}"]
    assert inside.compare(external_schemas=[after]).steps == []
    inside.known.clear()
    assert inside.compare(external_schemas=[after]).steps == []


def test_a_schema_that_cannot_be_made_anew_stays_with_its_rows_and_grants(inside: Inside) -> None:
    declared = {"external_schemas": [LAKE | {"database": "orders", "create_database": False}]}
    inside.apply(**declared)
    inside.warehouse.run("CREATE USER reader PASSWORD DISABLE", "GRANT USAGE ON SCHEMA lake TO reader")
    with pytest.raises(SqlError, match="not associated"):
        inside.apply(external_schemas=[LAKE | {"catalog_role": ROLE + "x"}])
    assert inside.warehouse.value("SELECT count(*) FROM lake.orders", user="reader") == "2"
    assert inside.compare(**declared).steps == []


def test_drift_is_reported_and_pruned_and_what_lies_behind_it_stays(inside: Inside, lake: FakeLake) -> None:
    inside.apply(external_schemas=[LAKE | {"database": "orders"}, SHOP])
    found = inside.compare(external_schemas=[SHOP])
    assert [(one.object, one.fate) for one in found.drift] == [("external schema lake", "reported")]
    assert inside.apply(external_schemas=[SHOP]) == []
    assert inside.apply(external_schemas=[SHOP], prune=True) == ["drop external schema lake"]
    assert schemas(inside) == [("shop", "app")]
    assert list(lake.catalog["orders"]) == ["orders"]
    assert list(lake.files) == ["s3://lake/orders/a"]


def test_a_schema_that_something_reads_is_not_pruned(inside: Inside) -> None:
    inside.apply(external_schemas=[LAKE | {"database": "orders"}])
    inside.warehouse.run("CREATE MATERIALIZED VIEW kept AS SELECT id FROM lake.orders")
    assert "depend" in error_of(inside.apply, external_schemas=[], prune=True)
    assert schemas(inside) == [("lake", "orders")]


@pytest.mark.parametrize("name", ["select", "a b", "ünïcode", "x'; drop schema public; --", "1", "a.b", "%s", "{}", "$1", "x" * 63])
def test_hostile_names_come_back_as_they_are(inside: Inside, lake: FakeLake, name: str) -> None:
    hostile = [LAKE | {"name": name, "database": name + "\\'"}]
    inside.apply(external_schemas=hostile)
    assert schemas(inside) == [(name, name + "\\'")]
    assert name + "\\'" in lake.catalog
    assert inside.compare(external_schemas=hostile).steps == []
    inside.apply(external_schemas=[], prune=True)
    assert schemas(inside) == []
