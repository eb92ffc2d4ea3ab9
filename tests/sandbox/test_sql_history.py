"""The query views are filled by what really ran and runs."""

from __future__ import annotations

from sandbox.sql.databases import Databases
from tests.sandbox.warehouse import PASSWORD, Warehouse, error_of, in_background, soon

SLOW = "SELECT pg_sleep(60)"


def test_what_ran_is_on_record_with_its_fate(warehouse: Warehouse) -> None:
    warehouse.run("CREATE TABLE t (a int)", "INSERT INTO t SELECT 1")
    error_of(lambda: warehouse.run("SELECT nope FROM t"))
    rows = warehouse.run(
        "SELECT query_text, query_type, status, returned_rows, error_message, elapsed_time > 0, database_name FROM sys_query_history ORDER BY query_id"
    )
    assert rows[0] == ("CREATE TABLE t (a int)", "DDL", "success", "0", None, "t", "dev")
    assert rows[1][1:3] == ("INSERT", "success")
    assert rows[2][1:5] == ("SELECT", "failed", "0", 'ERROR: column "nope" does not exist')
    assert rows[3][2] == "running"  # the asking query itself


def test_stl_query_has_ended_queries_only(warehouse: Warehouse) -> None:
    warehouse.run("SELECT 1", "SET query_group TO 'x'")
    rows = warehouse.run("SELECT querytxt, aborted, endtime IS NULL FROM stl_query")
    assert rows == [("SELECT 1", "0", "f")]


def test_a_running_query_is_seen_from_another_session_and_database(warehouse: Warehouse) -> None:
    warehouse.run("CREATE DATABASE second")
    slow = warehouse.session()
    thread, outcome = in_background(slow, SLOW)
    with warehouse.session(database="second") as watcher:
        seen = "SELECT pid FROM stv_inflight WHERE text = 'SELECT pg_sleep(60)'"
        assert soon(lambda: watcher.execute(seen).rows) == [(str(slow.pid),)]
        assert watcher.execute("SELECT status, pid FROM stv_recents WHERE query LIKE 'SELECT pg_sleep%'").rows == [
            ("Running", str(slow.pid))
        ]
        assert ("dev",) in watcher.execute("SELECT db_name FROM stv_sessions").rows
        assert warehouse.databases.active_queries(warehouse.key) == 1
        watcher.execute(f"CANCEL {slow.pid}")
        thread.join(10)
        assert "cancelled on user's request" in str(outcome[0])
        assert watcher.execute("SELECT status FROM sys_query_history WHERE query_text LIKE 'SELECT pg_sleep%'").rows == [("canceled",)]
        assert watcher.execute(seen).rows == []
    assert warehouse.databases.active_queries(warehouse.key) == 0


def test_a_user_sees_own_queries_and_the_admin_all(warehouse: Warehouse) -> None:
    warehouse.run(
        f"CREATE USER alice PASSWORD '{PASSWORD}'",
        f"CREATE USER audit PASSWORD '{PASSWORD}' SYSLOG ACCESS UNRESTRICTED",
        "SELECT 'secret of the admin'",
    )
    warehouse.run("SELECT 'work of alice'", user="alice")
    everything = "SELECT query_text FROM sys_query_history WHERE query_text LIKE 'SELECT ''%' ORDER BY 1"
    assert warehouse.run(everything, user="alice") == [("SELECT 'work of alice'",)]
    for user in ("awsuser", "audit"):
        assert warehouse.run(everything, user=user) == [("SELECT 'secret of the admin'",), ("SELECT 'work of alice'",)]


def test_an_ordinary_user_may_not_end_anothers_session_but_the_admin_may(warehouse: Warehouse) -> None:
    warehouse.run(f"CREATE USER alice PASSWORD '{PASSWORD}'", f"CREATE USER boss PASSWORD '{PASSWORD}' CREATEUSER")
    slow = warehouse.session("boss")
    thread, outcome = in_background(slow, SLOW)
    assert "must be superuser" in error_of(lambda: warehouse.run(f"SELECT pg_terminate_backend({slow.pid})", user="alice"))
    assert warehouse.run(f"SELECT pg_terminate_backend({slow.pid})") == [("t",)]
    thread.join(10)
    assert str(outcome[0]).startswith("FATAL: terminating connection")


def test_processes_of_another_warehouse_are_out_of_reach(warehouse: Warehouse) -> None:
    other = Warehouse(warehouse.databases)
    try:
        session = other.session()
        assert "there is no process" in error_of(lambda: warehouse.run(f"CANCEL {session.pid}"))
        assert warehouse.run(f"SELECT pg_terminate_backend({session.pid})") == [("f",)]
        assert session.execute("SELECT 1").rows == [("1",)]
    finally:
        other.remove()


def test_statements_of_one_transaction_share_its_id(warehouse: Warehouse) -> None:
    warehouse.run("BEGIN", "SELECT 1", "SELECT 2", "COMMIT", "SELECT 3")
    ids = warehouse.run(
        "SELECT count(DISTINCT transaction_id), count(*) FROM sys_query_history WHERE query_text IN ('BEGIN', 'SELECT 1', 'SELECT 2', 'COMMIT')"
    )
    assert ids == [("1", "4")]


def test_serverless_usage_counts_each_minute_of_work(databases: Databases) -> None:
    warehouse = Warehouse(databases, key=f"namespace:{id(object())}")
    try:
        databases.set_base_capacity(warehouse.key, 8)
        warehouse.run("SELECT 1")
        rows = warehouse.run("SELECT compute_capacity, charged_seconds, compute_seconds > 0 FROM sys_serverless_usage")
        assert rows[0] == ("8", "480", "t")
        warehouse.run(f"CREATE USER alice PASSWORD '{PASSWORD}'")
        assert "permission denied" in error_of(lambda: warehouse.run("SELECT * FROM sys_serverless_usage", user="alice"))
    finally:
        warehouse.remove()


def test_alerts_and_recommendations_appear_when_put(warehouse: Warehouse) -> None:
    assert warehouse.run("SELECT * FROM stl_alert_event_log") == warehouse.run("SELECT * FROM svv_alter_table_recommendations") == []
    history = warehouse.databases.history
    history.add("alert", warehouse=warehouse.key, query_id=7, event="Missing query planner statistics", solution="Run the ANALYZE command")
    history.add(
        "recommendation", warehouse=warehouse.key, type="sortkey", database_name="dev", table_id=9, ddl="ALTER TABLE t ALTER SORTKEY (a)"
    )
    assert warehouse.run("SELECT query, solution FROM stl_alert_event_log") == [("7", "Run the ANALYZE command")]
    assert warehouse.run("SELECT type, ddl FROM svv_alter_table_recommendations") == [("sortkey", "ALTER TABLE t ALTER SORTKEY (a)")]
