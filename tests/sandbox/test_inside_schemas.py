"""Schemas as a spec declares them: made, handed over, reported when nobody declared them, and removed only when they are empty."""

from __future__ import annotations

import pytest

from autopilot.domain.errors import InvalidInput
from autopilot.domain.inside.model import Drift
from tests.sandbox.inside import Inside
from tests.sandbox.warehouse import PASSWORD, Warehouse


@pytest.fixture
def inside(warehouse: Warehouse) -> Inside:
    warehouse.run(f"CREATE USER alice PASSWORD '{PASSWORD}'")
    return Inside(warehouse)


def owner(inside: Inside, schema: str) -> list[tuple[str | None, ...]]:
    rows = inside.warehouse.run("SELECT n.nspname, u.usename FROM pg_namespace n JOIN pg_user u ON u.usesysid = n.nspowner")
    return [(user,) for name, user in rows if name == schema]


def test_schemas_are_made_and_handed_over_and_then_nothing_is_left_to_do(inside: Inside) -> None:
    assert inside.apply(schemas=[{"name": "sales"}, {"name": "its own"}]) == ["create schema sales", "create schema its own"]
    assert inside.apply(schemas=[{"name": "sales"}, {"name": "its own"}]) == []
    assert inside.apply(schemas=[{"name": "sales", "owner": "alice"}, {"name": "its own"}]) == ["alter schema sales owner"]
    assert owner(inside, "sales") == [("alice",)]


def test_what_is_not_declared_is_reported_and_only_what_is_empty_is_removed(inside: Inside) -> None:
    inside.warehouse.run("CREATE SCHEMA empty", "CREATE SCHEMA filled", "CREATE TABLE filled.t (a int)")
    reported = inside.compare(schemas=[])
    assert reported.steps == []
    assert {(one.object, one.fate) for one in reported.drift} == {("schema empty", "reported"), ("schema filled", "reported")}
    assert inside.compare(schemas=[], prune=True).drift == [
        Drift(section="schemas", object="schema empty", what="is not declared, and is empty", fate="removed"),
        Drift(section="schemas", object="schema filled", what="is not declared, and holds something", fate="kept"),
    ]
    assert inside.apply(schemas=[], prune=True) == ["drop schema empty"]
    assert (owner(inside, "empty"), len(owner(inside, "filled"))) == ([], 1)


def test_quota_is_set_once_and_again_when_it_changes(inside: Inside) -> None:
    (made,) = inside.compare(schemas=[{"name": "sales", "quota_gb": 5}]).steps
    assert made.sql == 'CREATE SCHEMA "sales" QUOTA 5 GB'
    inside.warehouse.run("CREATE SCHEMA sales")
    (changed,) = inside.compare(schemas=[{"name": "sales", "quota_gb": 5}]).steps
    assert (changed.sql, changed.marks) == ('ALTER SCHEMA "sales" QUOTA 5 GB', ["quota:sales"])


@pytest.mark.parametrize("name", ["public", "pg_mine", 'a"b', "Capital", "a\x00b", "x" * 128])
def test_name_that_no_schema_can_have_is_refused(inside: Inside, name: str) -> None:
    with pytest.raises(InvalidInput, match=r"spec.schemas\[0\]"):
        inside.compare(schemas=[{"name": name}])
