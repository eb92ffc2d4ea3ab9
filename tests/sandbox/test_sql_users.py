"""Users, groups, roles and rights are PostgreSQL's own, so what a user may not do is really refused."""

from __future__ import annotations

import pytest

from sandbox.sql.databases import Databases
from tests.sandbox.warehouse import ADMIN, PASSWORD, Warehouse, error_of


@pytest.fixture
def staffed(warehouse: Warehouse) -> Warehouse:
    """A table of the admin's, and a user who may do nothing with it."""
    warehouse.run(f"CREATE USER alice PASSWORD '{PASSWORD}'", "CREATE TABLE t (a int, b int)", "INSERT INTO t VALUES (1, 2)")
    return warehouse


def test_a_user_reads_only_what_was_granted(staffed: Warehouse) -> None:
    assert error_of(lambda: staffed.run("SELECT * FROM t", user="alice")) == "ERROR: permission denied for table t"
    staffed.run("GRANT SELECT (a) ON t TO alice")
    assert staffed.run("SELECT a FROM t", user="alice") == [("1",)]
    assert "permission denied" in error_of(lambda: staffed.run("SELECT b FROM t", user="alice"))
    staffed.run("REVOKE SELECT (a) ON t FROM alice")
    assert "permission denied" in error_of(lambda: staffed.run("SELECT a FROM t", user="alice"))


@pytest.mark.parametrize("grantee", ["ROLE reader", "GROUP team", "PUBLIC"])
def test_rights_come_through_roles_groups_and_public(staffed: Warehouse, grantee: str) -> None:
    staffed.run(
        "CREATE ROLE reader",
        "GRANT ROLE reader TO alice",
        "CREATE GROUP team WITH USER alice",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {grantee}",
    )
    assert staffed.run("SELECT a FROM t", user="alice") == [("1",)]
    assert staffed.run("SELECT has_table_privilege('alice', 't', 'SELECT'), has_table_privilege('alice', 't', 'INSERT')") == [("t", "f")]


def test_roles_are_granted_to_roles(staffed: Warehouse) -> None:
    staffed.run(
        "CREATE ROLE one", "CREATE ROLE two", "GRANT SELECT ON t TO ROLE one", "GRANT ROLE one TO ROLE two", "GRANT ROLE two TO alice"
    )
    assert staffed.run("SELECT a FROM t", user="alice") == [("1",)]
    assert staffed.run("SELECT role_name, granted_role_name FROM svv_role_grants") == [("two", "one")]
    staffed.run("REVOKE ROLE two FROM alice")
    assert "permission denied" in error_of(lambda: staffed.run("SELECT a FROM t", user="alice"))


def test_the_access_views_show_who_has_what(staffed: Warehouse) -> None:
    staffed.run("CREATE ROLE reader", "GRANT ROLE reader TO alice", "GRANT SELECT ON t TO ROLE reader", "GRANT INSERT ON t TO alice")
    assert staffed.run("SELECT user_name, superuser FROM svv_users ORDER BY 1") == [("alice", "f"), (ADMIN, "t")]
    assert staffed.run("SELECT role_name, role_owner FROM svv_roles") == [("reader", ADMIN)]
    assert staffed.run("SELECT user_name, role_name FROM svv_user_grants") == [("alice", "reader")]
    assert staffed.run("SELECT relation_name, privilege_type, identity_name, identity_type FROM svv_relation_privileges ORDER BY 2") == [
        ("t", "INSERT", "alice", "user"),
        ("t", "SELECT", "reader", "role"),
    ]
    assert staffed.run("SELECT user_name FROM svv_users", user="alice") == [("alice",)]


def test_the_admin_may_do_what_every_user_may(staffed: Warehouse) -> None:
    staffed.run("CREATE TABLE hers (a int)", "INSERT INTO hers VALUES (1)", user="alice")
    assert staffed.run("SELECT a FROM hers") == [("1",)]
    staffed.run("ALTER TABLE hers OWNER TO awsuser", "DROP TABLE hers", "DROP USER alice")
    assert "does not exist" in error_of(lambda: staffed.session("alice"))


def test_a_second_superuser_shares_the_admins_objects_under_his_own_name(staffed: Warehouse) -> None:
    staffed.run(f"CREATE USER boss PASSWORD '{PASSWORD}' CREATEUSER")
    assert staffed.run("INSERT INTO t VALUES (3, 4)", "SELECT current_user FROM t WHERE a = 3", user="boss") == [("boss",)]
    staffed.run(f"CREATE USER carol PASSWORD '{PASSWORD}'", user="boss")
    assert staffed.run("SELECT usename FROM pg_user WHERE usesuper ORDER BY 1") == [(ADMIN,), ("boss",)]


def test_an_ordinary_user_changes_no_users(staffed: Warehouse) -> None:
    for sql in (f"CREATE USER x PASSWORD '{PASSWORD}'", "CREATE ROLE r", "CREATE GROUP g", "DROP USER awsuser2", "CREATE DATABASE d"):
        assert error_of(staffed.run, sql, user="alice").startswith("ERROR: "), sql
    assert staffed.run("SELECT count(*) FROM svv_users") == [("2",)]


@pytest.mark.parametrize(
    "command",
    [
        'ALTER ROLE "{prefix}.alice" SUPERUSER',
        'DROP ROLE "sandbox"',
        'GRANT "pg_read_all_data" TO "{prefix}.alice"',
        'DROP ROLE "{prefix}.alice"; SELECT 1',
        "SELECT 1",
    ],
)
def test_the_door_to_roles_opens_only_for_roles_of_the_warehouse(staffed: Warehouse, command: str) -> None:
    prefix = staffed.value("SELECT redshift_prefix()")
    with staffed.session() as session:
        assert error_of(lambda: session.execute("SELECT redshift_administer(:c)", {"c": command.format(prefix=prefix)})).startswith(
            "ERROR: not a"
        )


def test_users_of_two_warehouses_do_not_know_each_other(staffed: Warehouse) -> None:
    other = Warehouse(staffed.databases)
    try:
        assert other.run("SELECT user_name FROM svv_users") == [(ADMIN,)]
        assert error_of(lambda: other.run("GRANT SELECT ON pg_user TO alice")) == 'ERROR: user "alice" does not exist'
        other.run(f"CREATE USER alice PASSWORD '{PASSWORD}'")
        staffed.run("DROP USER alice")
        assert other.value("SELECT count(*) FROM svv_users") == "2"
    finally:
        other.remove()


def test_passwords_are_checked_and_never_recorded(staffed: Warehouse) -> None:
    databases: Databases = staffed.databases
    assert databases.check_password(staffed.key, "alice", PASSWORD)
    assert not databases.check_password(staffed.key, "alice", "Wrong-Word-1")
    assert not databases.check_password(staffed.key, "nobody", PASSWORD)
    staffed.run("ALTER USER alice PASSWORD 'Changed-Word-2'")
    assert databases.check_password(staffed.key, "alice", "Changed-Word-2")
    staffed.run("ALTER USER alice PASSWORD DISABLE")
    assert not databases.check_password(staffed.key, "alice", "Changed-Word-2")
    texts = "".join(str(row) for row in staffed.run("SELECT query_text FROM sys_query_history"))
    assert "CREATE USER alice PASSWORD '***'" in texts
    assert PASSWORD not in texts
    assert "Changed-Word-2" not in texts


def test_a_weak_password_is_refused(warehouse: Warehouse) -> None:
    assert "password must have" in error_of(lambda: warehouse.run("CREATE USER a PASSWORD 'weak'"))


def test_long_names_stay_whole(warehouse: Warehouse) -> None:
    user = "IAMR:" + "redshift-autopilot-RunSqlFunctionRole-" * 2
    twin = user + "x"
    assert warehouse.value("SELECT current_user", user=user) == user
    assert warehouse.value("SELECT session_user", user=twin) == twin


def test_an_iam_identity_is_made_on_first_sign_in_and_has_no_rights(staffed: Warehouse) -> None:
    assert staffed.value("SELECT current_user", user="IAMR:etl") == "IAMR:etl"
    assert "permission denied" in error_of(lambda: staffed.run("SELECT * FROM t", user="IAMR:etl"))
    staffed.run('GRANT SELECT ON t TO "IAMR:etl"')
    assert staffed.run("SELECT a FROM t", user="IAMR:etl") == [("1",)]


def test_names_with_quotes_are_names(warehouse: Warehouse) -> None:
    warehouse.run(
        'CREATE USER "o""brien\'s" PASSWORD \'Abcdefg1\'',
        'CREATE TABLE "odd ""name" (a int)',
        'GRANT SELECT ON "odd ""name" TO "o""brien\'s"',
    )
    assert warehouse.run("SELECT usename FROM pg_user WHERE NOT usesuper") == [("o\"brien's",)]
    assert warehouse.run('SELECT count(*) FROM "odd ""name"', user="o\"brien's") == [("0",)]
