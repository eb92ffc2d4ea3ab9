"""Databases of warehouses are apart from each other, are copied whole, and stop and start."""

from __future__ import annotations

import pytest

from sandbox.sql.errors import SqlError
from tests.sandbox.warehouse import ADMIN, PASSWORD, Warehouse, error_of, in_background, soon


def test_an_unknown_database_or_user_is_refused_as_redshift_does(warehouse: Warehouse) -> None:
    assert error_of(lambda: warehouse.session(database="nope")) == 'FATAL: database "nope" does not exist'
    assert error_of(lambda: warehouse.session("nobody")) == 'FATAL: user "nobody" does not exist'


def test_databases_are_made_and_dropped_within_the_warehouse(warehouse: Warehouse) -> None:
    warehouse.run("CREATE DATABASE sales")
    assert warehouse.databases.databases(warehouse.key) == ["dev", "sales"]
    assert "already exists" in error_of(lambda: warehouse.run("CREATE DATABASE sales"))
    with warehouse.session(database="sales") as session:
        session.execute("CREATE TABLE only_here (a int)")
        assert "currently open" in error_of(lambda: session.execute("DROP DATABASE sales"))
    assert "does not exist" in error_of(lambda: warehouse.run("SELECT * FROM only_here"))
    warehouse.run("DROP DATABASE sales")
    assert warehouse.databases.databases(warehouse.key) == ["dev"]


def test_a_copy_has_rows_users_and_rights_of_its_own(warehouse: Warehouse) -> None:
    warehouse.run(
        f"CREATE USER alice PASSWORD '{PASSWORD}'", "CREATE ROLE reader", "GRANT ROLE reader TO alice", "CREATE TABLE t (a int) SORTKEY (a)",
        "INSERT INTO t VALUES (1)", "GRANT SELECT ON t TO ROLE reader", "CREATE DATABASE sales",
    )  # fmt: skip
    copy = f"{warehouse.key}-copy"
    warehouse.databases.copy(warehouse.key, copy)
    warehouse.run("INSERT INTO t VALUES (2)", "REVOKE SELECT ON t FROM ROLE reader")
    try:
        assert warehouse.databases.databases(copy) == ["dev", "sales"]
        assert warehouse.databases.check_password(copy, "alice", PASSWORD)
        with warehouse.databases.session(copy, "dev", "alice") as session:
            assert session.execute("SELECT a FROM t").rows == [("1",)]
        with warehouse.databases.session(copy, "dev", ADMIN) as session:
            assert session.execute("SELECT sortkey1, tbl_rows FROM svv_table_info").rows == [("a", "1")]
            assert session.execute("SELECT identity_name FROM svv_relation_privileges").rows == [("reader",)]
            session.execute("REVOKE SELECT ON t FROM ROLE reader")
            session.execute("DROP ROLE reader")
            session.execute("DROP TABLE t")
    finally:
        warehouse.databases.drop(copy)
    assert warehouse.value("SELECT count(*) FROM t") == "2"
    assert warehouse.value("SELECT count(*) FROM svv_roles") == "1"


def test_a_copy_waits_for_nobody_and_says_that_somebody_is_signed_in(warehouse: Warehouse) -> None:
    with warehouse.session(), pytest.raises(SqlError) as caught:
        warehouse.databases.copy(warehouse.key, f"{warehouse.key}-copy")
    assert caught.value.state == "55006"


def test_stop_kills_running_queries_and_refuses_new_sessions_until_start(warehouse: Warehouse) -> None:
    warehouse.run("CREATE TABLE t (a int)", "INSERT INTO t VALUES (1)")
    slow = warehouse.session()
    thread, outcome = in_background(slow, "SELECT pg_sleep(60)")
    soon(lambda: warehouse.databases.active_queries(warehouse.key))
    warehouse.databases.stop(warehouse.key)
    thread.join(10)
    assert str(outcome[0]) == "FATAL: terminating connection due to administrator command"
    assert "stopped" in error_of(warehouse.session)
    assert warehouse.databases.active_queries(warehouse.key) == 0
    warehouse.databases.start(warehouse.key)
    assert warehouse.run("SELECT a FROM t") == [("1",)]


def test_drop_removes_everything_so_that_the_name_can_be_used_again(warehouse: Warehouse) -> None:
    warehouse.run(f"CREATE USER alice PASSWORD '{PASSWORD}'", "CREATE TABLE t (a int)")
    open_session = warehouse.session()
    warehouse.databases.drop(warehouse.key)
    warehouse.databases.drop(warehouse.key)
    assert "does not exist" in error_of(warehouse.session)
    assert str(error_of(lambda: open_session.execute("SELECT 1"))).startswith("FATAL")
    warehouse.databases.create(warehouse.key, "dev", ADMIN)
    assert warehouse.run("SELECT user_name FROM svv_users") == [(ADMIN,)]
    assert warehouse.value("SELECT count(*) FROM sys_query_history WHERE query_text LIKE 'CREATE%'") == "0"
