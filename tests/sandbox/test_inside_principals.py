"""Roles, groups, users and grants as a spec declares them: made, compared, pruned, and enforced by the database."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autopilot.domain.errors import InvalidInput
from sandbox.sql.errors import SqlError
from tests.sandbox.inside import Inside
from tests.sandbox.warehouse import Warehouse, error_of

STAFF: dict[str, Any] = {
    "schemas": [{"name": "sales"}],
    "roles": [{"name": "reader"}, {"name": "analyst", "roles": ["reader"]}],
    "groups": [{"name": "night shift"}],
    "users": [
        {"name": "alice", "roles": ["analyst"]},
        {"name": "bob", "login": "password", "groups": ["night shift"], "create_database": True, "connection_limit": 5},
        {"name": "carol"},
    ],
    "grants": [
        {"to": {"role": "reader"}, "privileges": ["usage"], "object": {"schema": "sales"}},
        {"to": {"role": "reader"}, "privileges": ["select"], "object": {"schema": "sales", "tables": True}},
        {"to": {"group": "night shift"}, "privileges": ["usage", "create"], "object": {"schema": "sales"}},
        {"to": {"user": "carol"}, "privileges": ["temporary"], "object": {"database": "dev"}},
    ],
}


@pytest.fixture
def inside(warehouse: Warehouse) -> Inside:
    warehouse.run("CREATE SCHEMA sales", "CREATE TABLE sales.orders (id int)", "INSERT INTO sales.orders VALUES (7)")
    return Inside(warehouse)


def changed(**sections: Any) -> dict[str, Any]:
    return {**STAFF, **sections}


def test_staff_is_made_in_an_order_that_holds_and_then_nothing_is_left(inside: Inside) -> None:
    made = inside.apply(**STAFF)
    assert {"create role analyst", "create group night shift", "create user bob", "add user bob to group night shift"} <= set(made)
    assert made.index("create role reader") < made.index("grant role reader to role analyst")
    again = inside.compare(**STAFF)
    assert (again.steps, again.drift) == ([], [])


def test_rights_come_through_roles_within_roles_and_nobody_else_has_them(inside: Inside) -> None:
    inside.apply(**STAFF)
    assert inside.warehouse.value("SELECT id FROM sales.orders", user="alice") == "7"
    assert "permission denied" in error_of(inside.warehouse.run, "SELECT id FROM sales.orders", user="carol")
    assert "permission denied" in error_of(inside.warehouse.run, "INSERT INTO sales.orders VALUES (8)", user="alice")
    inside.warehouse.run("CREATE TABLE sales.notes (text varchar)", user="bob")
    assert "permission denied" in error_of(inside.warehouse.run, "CREATE TABLE sales.more (a int)", user="alice")


def test_table_that_is_made_later_is_granted_by_the_next_run(inside: Inside) -> None:
    inside.apply(**STAFF)
    inside.warehouse.run("CREATE TABLE sales.returns (id int)")
    assert inside.apply(**STAFF) == ["grant select on all tables in sales to role reader"]
    assert inside.warehouse.value("SELECT count(*) FROM sales.returns", user="alice") == "0"


def test_what_is_made_later_can_be_granted_beforehand(inside: Inside) -> None:
    later = {"to": {"role": "reader"}, "privileges": ["select"], "object": {"schema": "sales", "later_by": "bob"}}
    staff = changed(grants=[*STAFF["grants"], later])
    assert "grant select on later tables of bob in sales to role reader" in inside.apply(**staff)
    inside.warehouse.run("CREATE TABLE sales.later (id int)", user="bob")
    assert inside.warehouse.value("SELECT count(*) FROM sales.later", user="alice") == "0"
    assert inside.compare(**staff).steps == []


def test_changed_user_is_altered_and_a_changed_secret_is_a_changed_password(inside: Inside) -> None:
    inside.apply(**STAFF)
    users = [STAFF["users"][0], {"name": "bob", "login": "password", "groups": ["night shift"], "connection_limit": 9}, STAFF["users"][2]]
    assert inside.apply(**changed(users=users)) == ["alter user bob nocreatedb", "alter user bob connection limit 9"]
    inside.version = "another version"
    (step,) = inside.compare(**changed(users=users)).steps
    assert (step.name, step.secret) == ("set password of user bob", "autopilot/test/bob")
    assert "PASSWORD '{{password}}'" in step.sql


def test_user_who_had_a_password_and_is_to_sign_in_by_iam_loses_it(inside: Inside) -> None:
    inside.apply(**STAFF)
    users = [STAFF["users"][0], {**STAFF["users"][1], "login": "iam"}, STAFF["users"][2]]
    assert inside.apply(**changed(users=users)) == ["take password of user bob"]
    assert inside.compare(**changed(users=users)).steps == []


def test_what_nobody_declared_is_reported_and_only_with_prune_revoked(inside: Inside) -> None:
    inside.apply(**STAFF)
    inside.warehouse.run("CREATE ROLE extra", "GRANT ROLE extra TO alice", "GRANT INSERT ON sales.orders TO carol")
    found = inside.compare(**STAFF)
    assert found.steps == []
    assert {(one.object, one.fate) for one in found.drift} == {
        ("role extra", "reported"),
        ("role extra of user alice", "reported"),
        ("insert of user carol on sales.orders", "reported"),
    }
    done = inside.apply(**STAFF, prune=True)
    assert set(done) == {"revoke role extra from user alice", "drop role extra", "revoke insert on sales.orders from user carol"}
    assert done.index("revoke role extra from user alice") < done.index("drop role extra")
    assert inside.compare(**STAFF, prune=True).drift == []


def test_prune_keeps_who_owns_or_holds_something_and_says_why(inside: Inside) -> None:
    inside.apply(**STAFF)
    inside.warehouse.run("CREATE TABLE sales.mine (a int)", user="bob")
    inside.warehouse.run("GRANT SELECT ON sales.orders TO alice")
    nobody = inside.compare(users=[], groups=[], roles=STAFF["roles"], prune=True)
    assert {(one.object, one.what, one.fate) for one in nobody.drift} == {
        ("user alice", "is not declared: it holds privileges", "kept"),
        ("user bob", "is not declared: it owns something", "kept"),
        ("user carol", "is not declared: it holds privileges", "kept"),
        ("group night shift", "is not declared: bob is in it", "kept"),
    }
    assert nobody.steps == []


def test_user_and_group_with_nothing_are_dropped_by_prune(inside: Inside) -> None:
    inside.apply(users=[{"name": "dave"}], groups=[{"name": "empty"}])
    assert set(inside.apply(users=[], groups=[], prune=True)) == {"drop user dave", "drop group empty"}


def test_failure_in_the_middle_is_made_up_for_by_the_next_run(inside: Inside) -> None:
    lacking = changed(
        grants=[*STAFF["grants"], {"to": {"role": "reader"}, "privileges": ["select"], "object": {"schema": "sales", "table": "none"}}]
    )
    with pytest.raises(SqlError, match=r"grant select on sales\.none to role reader"):
        inside.apply(**lacking)
    inside.warehouse.run("CREATE TABLE sales.none (a int)")
    inside.apply(**lacking)
    assert inside.compare(**lacking).steps == []


# Names --------------------------------------------------------------------------------------------------------------

#: Pieces that break out of careless SQL, alone and joined: the database gives the very name back, or it is refused before any statement.
PIECES = ["a", " ", "'", "''", '"', ";", "--", "/*", "*/", "\\", "\\'", "$$", "$x$", "%s", "{}", "\n", "\t", "\x00", "é", "ü", "ß", "日本", "👩‍🚀", "\u202e", "\u0301", "A", ".", ",", "(", ")", ":x", "@", "#", "&", "|", "`", "~", "=", "<", ">", "?", "!", "+", "\u2028", "\ud800"]  # fmt: skip
WORDS = ["select", "table", "user", "order", "group", "role", "public_", "drop table x", "x; drop user y", "x' or '1'='1", "null", "true", "default", "all", "grant", "current_user"]  # fmt: skip
HOSTILE = [
    *PIECES,
    *WORDS,
    *(one + other for one in PIECES[:24] for other in ("a", "'", ";", "é", "--", "\\", "$$")),
    "x" * 127,
    "x" * 128,
    "é" * 63,
    "é" * 64,
]


def refused(name: str) -> bool:
    return not name or len(name.encode("utf-8", "surrogatepass")) > 127 or any(c in name for c in '"\n\t\x00\u2028\ud800A')


def test_200_hostile_names_come_back_as_they_were_or_are_refused(inside: Inside) -> None:
    names = sorted(set(HOSTILE))
    assert len(names) >= 200
    check_names(inside, names)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.lists(st.sampled_from([*PIECES, *WORDS]), min_size=1, max_size=6).map("".join), max_size=30))
def test_any_names_of_hostile_pieces_come_back_or_are_refused(inside: Inside, names: set[str]) -> None:
    check_names(inside, sorted(names))


def check_names(inside: Inside, names: list[str]) -> None:
    """Refused before any statement, or roles and users of these names, each of whom has the role of the same name."""
    for name in filter(refused, names):
        with pytest.raises(InvalidInput, match=r"spec.roles\[0\]"):
            inside.compare(roles=[{"name": name}])
    # PostgreSQL's own names are shorter than Redshift's; that longer ones are quoted in the same way is for the unit tests.
    taken = [name for name in names if not refused(name) and len(name.encode()) <= 55]
    declared = {"roles": [{"name": name} for name in taken], "users": [{"name": name, "roles": [name]} for name in taken]}
    inside.apply(**declared)
    assert {role for (role,) in inside.warehouse.run("SELECT role_name FROM svv_roles")} == set(taken)
    assert set(inside.warehouse.run("SELECT user_name, role_name FROM svv_user_grants")) == {(name, name) for name in taken}
    assert inside.compare(**declared).steps == []
    inside.apply(roles=[], users=[{"name": name} for name in taken], prune=True)
    inside.apply(users=[], prune=True)


# Order --------------------------------------------------------------------------------------------------------------

NAMES = ["one", "two", "three", "four"]


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """Valid specs: whatever names something, the thing is declared too, or was there before."""
    roles = [
        {"name": name, "roles": draw(st.lists(st.sampled_from(NAMES[:at]), unique=True)) if at else []}
        for at, name in enumerate(NAMES[: draw(st.integers(0, 4))])
    ]
    known = [role["name"] for role in roles]
    groups = [{"name": name} for name in draw(st.lists(st.sampled_from(NAMES), unique=True))]
    members = [group["name"] for group in groups]
    users = [
        {
            "name": f"user {name}",
            "roles": draw(st.lists(st.sampled_from(known), unique=True)) if known else [],
            "groups": draw(st.lists(st.sampled_from(members), unique=True)) if members else [],
        }
        for name in draw(st.lists(st.sampled_from(NAMES), unique=True))
    ]
    schemas = [
        {"name": f"s {name}", **({"owner": users[0]["name"]} if users else {})}
        for name in draw(st.lists(st.sampled_from(NAMES), unique=True))
    ]
    receivers = [{"role": name} for name in known] + [{"group": name} for name in members] + [{"user": user["name"]} for user in users]
    on = [{"schema": schema["name"]} for schema in schemas] + [{"database": "dev"}]
    grants = [
        {"to": to, "privileges": ["create"], "object": draw(st.sampled_from(on))}
        for to in (draw(st.lists(st.sampled_from(receivers), unique_by=str)) if receivers else [])
    ]
    whole: dict[str, list[Any]] = {"roles": roles, "groups": groups, "users": users, "schemas": schemas, "grants": grants}
    return {section: draw(st.permutations(whole[section])) for section in draw(st.permutations(list(whole)))}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spec=specs())
def test_any_valid_spec_applies_in_one_pass_on_an_empty_warehouse(warehouse: Warehouse, spec: dict[str, Any]) -> None:
    fresh = Warehouse(warehouse.databases)
    try:
        inside = Inside(fresh)
        inside.apply(**spec)
        assert inside.compare(**spec).steps == []
    finally:
        fresh.remove()
