"""Queries in Redshift's dialect give Redshift's answers."""

from __future__ import annotations

import pytest

from tests.sandbox.warehouse import Warehouse, error_of


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("NVL(NULL, 2)", "2"),
        ("NVL2(NULL::int, 'a', 'b')", "b"),
        ("DECODE(2, 1, 'one', 2, 'two', 'many')", "two"),
        ("LEN('three')", "5"),
        ("CHARINDEX('r', 'three')", "3"),
        ("DATEADD(month, 1, '2024-01-31')", "2024-02-29 00:00:00"),
        ("DATEADD('day', -1, '2024-03-01'::date)", "2024-02-29 00:00:00"),
        ("DATEDIFF(year, '2023-12-31', '2024-01-01')", "1"),
        ("DATEDIFF(hour, '2024-01-01 10:59', '2024-01-01 11:00')", "1"),
        ("DATEDIFF(week, '2024-01-06', '2024-01-07')", "1"),
        ("DATE_PART(dow, '2024-01-07'::timestamp)", "0"),
        ("DATE_TRUNC('month', '2024-05-17'::timestamp)", "2024-05-01 00:00:00"),
        ("LAST_DAY('2024-02-10')", "2024-02-29"),
        ("ADD_MONTHS('2024-02-29', 12)", "2025-02-28 00:00:00"),
        ("MONTHS_BETWEEN('2024-03-31', '2024-02-29')", "1"),
        ("TRUNC('2024-01-01 10:00'::timestamp)", "2024-01-01"),
        ("CONVERT_TIMEZONE('Europe/Berlin', '2024-07-01 00:00')", "2024-07-01 02:00:00"),
        ("CONVERT_TIMEZONE('America/New_York', 'UTC', '2024-01-01 00:00')", "2024-01-01 05:00:00"),
        ("CONVERT(integer, '7')", "7"),
        ("JSON_EXTRACT_PATH_TEXT('{\"a\":{\"b\":2}}', 'a', 'b')", "2"),
        ("JSON_PARSE('{\"a\":[1,2]}')", '{"a": [1, 2]}'),
        ("JSON_ARRAY_LENGTH('[1,2,3]')", "3"),
        ("IS_VALID_JSON('{')", "f"),
        ("STRTOL('ff', 16)", "255"),
        ("SHA2('a', 256)", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
        ("REGEXP_SUBSTR('abc123', '[0-9]+')", "123"),
        ("'a\\'b'", "a'b"),
        ("GETDATE() > '2024-01-01' AND SYSDATE > '2024-01-01'", "t"),
        ("current_user", "awsuser"),
        ("current_database()", "dev"),
    ],
)
def test_an_expression_of_redshift_has_redshifts_value(warehouse: Warehouse, expression: str, answer: str) -> None:
    assert warehouse.value(f"SELECT {expression}") == answer


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("SELECT TOP 2 n FROM t ORDER BY n DESC", [("4",), ("3",)]),
        ("SELECT LISTAGG(n, '-') WITHIN GROUP (ORDER BY n DESC) FROM t", [("4-3-2-1",)]),
        ("SELECT LISTAGG(DISTINCT g, '') WITHIN GROUP (ORDER BY g) FROM t", [("ab",)]),
        ("SELECT APPROXIMATE COUNT(DISTINCT g) FROM t", [("2",)]),
        ("SELECT MEDIAN(n) FROM t", [("2.5",)]),
        ("SELECT n, RATIO_TO_REPORT(n) OVER (PARTITION BY g) FROM t WHERE g = 'a' ORDER BY 1", [("1", "0.25"), ("3", "0.75")]),
        ("SELECT n, g FROM t QUALIFY ROW_NUMBER() OVER (PARTITION BY g ORDER BY n DESC) = 1 ORDER BY n", [("3", "a"), ("4", "b")]),
        ("SELECT * FROM t QUALIFY ROW_NUMBER() OVER (PARTITION BY g ORDER BY n DESC) = 1 ORDER BY n LIMIT 1", [("3", "a")]),
        ("SELECT g FROM t MINUS SELECT 'a'", [("b",)]),
        ('SELECT "N" FROM "T" WHERE "n" = 1', [("1",)]),
        ("SELECT n FROM dev.public.t WHERE n = 1", [("1",)]),
    ],
)
def test_a_query_of_redshift_finds_redshifts_rows(warehouse: Warehouse, query: str, answer: list[tuple[str, ...]]) -> None:
    warehouse.run("CREATE TABLE t (n int, g varchar(1))", "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'a'), (4, 'b')")
    rows = [tuple(f"{float(value):g}" if value and "." in value else value for value in row) for row in warehouse.run(query)]
    assert rows == answer


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM (SELECT 1 AS n, 'a' AS g) s PIVOT (sum(n) FOR g IN ('a', 'b'))",
        "SELECT * FROM other.public.t",
        "SELECT * FROM stl_wlm_query",
        "SELECT x::geometry FROM (SELECT 1 AS x) s",
        "CREATE EXTERNAL SCHEMA s FROM DATA CATALOG DATABASE 'd' IAM_ROLE default",
        "ALTER DATASHARE d ADD FUNCTION s.f (int)",
        "ATTACH MASKING POLICY p ON t (a.b) TO PUBLIC",
        "SET SESSION AUTHORIZATION 'x'",
        "MERGE INTO t USING s ON t.a = s.a REMOVE DUPLICATES",
        "CREATE SCHEMA s QUOTA 5 GB",
        "GRANT ALTER ON TABLE t TO PUBLIC",
        "FROBNICATE t",
    ],
)
def test_what_the_sandbox_does_not_know_is_refused_by_name(warehouse: Warehouse, sql: str) -> None:
    assert "not supported in the sandbox" in error_of(lambda: warehouse.run(sql))


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT * FROM nowhere", 'ERROR: relation "nowhere" does not exist'),
        ("SELECT nothing", 'ERROR: column "nothing" does not exist'),
        ("SELECT 1; SELECT 2", "ERROR: cannot insert multiple commands into a prepared statement"),
        ("SELECT FROM WHERE", "ERROR: syntax error"),
        ("SELECT 'open", "ERROR: syntax error"),
    ],
)
def test_an_error_reads_as_redshifts(warehouse: Warehouse, sql: str, message: str) -> None:
    assert error_of(lambda: warehouse.run(sql)).startswith(message)


def test_parameters_are_values_and_never_text_of_the_statement(warehouse: Warehouse) -> None:
    with warehouse.session() as session:
        session.execute("CREATE TABLE t (id int, name varchar(40))")
        session.execute("INSERT INTO t VALUES (:id, :name)", {"id": "7", "name": "x'); DROP TABLE t; --"})
        found = session.execute("SELECT name, ':name' FROM t WHERE id = :id::int AND id < :most", {"id": "7", "most": "8"})
    assert found.rows == [("x'); DROP TABLE t; --", ":name")]


def test_a_procedure_runs_with_redshifts_functions(warehouse: Warehouse) -> None:
    warehouse.run(
        "CREATE TABLE t (d int, who varchar(20))",
        "CREATE OR REPLACE PROCEDURE p(at timestamp) AS $$ BEGIN INSERT INTO t VALUES (DATEDIFF(day, '2024-01-01', at), current_user); END $$ LANGUAGE plpgsql",
        "CALL p('2024-01-03')",
    )
    assert warehouse.run("SELECT * FROM t") == [("2", "awsuser")]


def test_merge_updates_and_inserts(warehouse: Warehouse) -> None:
    rows = warehouse.run(
        "CREATE TABLE t (id int, v int)",
        "INSERT INTO t VALUES (1, 1)",
        "MERGE INTO t USING (SELECT 1 AS id, 5 AS v UNION SELECT 2, 6) s ON t.id = s.id "
        "WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.v)",
        "SELECT * FROM t ORDER BY 1",
    )
    assert rows == [("1", "5"), ("2", "6")]


def test_a_rolled_back_transaction_leaves_nothing(warehouse: Warehouse) -> None:
    rows = warehouse.run(
        "CREATE TABLE t (id int)", "BEGIN", "INSERT INTO t VALUES (1)", "CREATE USER gone PASSWORD 'Abcdefg1'", "ROLLBACK",
        "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM pg_user WHERE usename = 'gone')",
    )  # fmt: skip
    assert rows == [("0", "0")]


def test_session_parameters_are_shown_as_they_were_set(warehouse: Warehouse) -> None:
    with warehouse.session() as session:
        session.execute("SET query_group TO 'nightly'")
        session.execute("SET statement_timeout TO 5000")
        assert session.execute("SHOW query_group").rows == [("nightly",)]
        assert session.execute("SHOW statement_timeout").rows == [("5s",)]
        assert session.execute("SELECT query_label FROM sys_query_history WHERE query_id = 0 OR status = 'running'").rows == [("nightly",)]
        session.execute("RESET query_group")
        assert session.execute("SHOW query_group").rows == [("default",)]
