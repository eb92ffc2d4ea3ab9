"""Table attributes, maintenance and views have effects that can be seen."""

from __future__ import annotations

from tests.sandbox.warehouse import Warehouse, error_of


def _definition(warehouse: Warehouse, table: str) -> dict[str | None, tuple[str | None, ...]]:
    found = warehouse.run(f'SELECT "column", type, encoding, distkey, sortkey, "notnull" FROM pg_table_def WHERE tablename = \'{table}\'')  # noqa: S608 - made of the test's own words
    return {row[0]: row[1:] for row in found}


def _info(warehouse: Warehouse, columns: str, table: str = "t") -> tuple[str | None, ...]:
    return warehouse.run(f"SELECT {columns} FROM svv_table_info WHERE \"table\" = '{table}'")[0]  # noqa: S608 - made of the test's own words


def test_table_attributes_are_shown(warehouse: Warehouse) -> None:
    warehouse.run(
        "CREATE TABLE t (id bigint IDENTITY(10, 5), v varchar(max) ENCODE zstd, s SUPER, at timestamp DEFAULT SYSDATE, note text, "
        "PRIMARY KEY (id)) DISTSTYLE KEY DISTKEY (id) COMPOUND SORTKEY (at, v) BACKUP NO",
        "INSERT INTO t (v) VALUES ('a'), ('b')",
    )
    columns = _definition(warehouse, "t")
    assert columns["id"] == ("bigint", "az64", "t", "0", "t")
    assert columns["v"] == ("character varying(65535)", "zstd", "f", "2", "f")
    assert columns["s"] == ("super", "none", "f", "0", "f")
    assert columns["at"] == ("timestamp without time zone", "none", "f", "1", "f")
    assert columns["note"][0] == "character varying(256)"
    assert _info(warehouse, "diststyle, sortkey1, sortkey_num, encoded, tbl_rows") == ("KEY(id)", "at", "2", "Y", "2")
    assert warehouse.run("SELECT id FROM t ORDER BY id") == [("10",), ("15",)]


def test_column_attributes_name_the_keys(warehouse: Warehouse) -> None:
    warehouse.run("CREATE TABLE t (a int DISTKEY SORTKEY, b int ENCODE raw)")
    assert _definition(warehouse, "t") == {"a": ("integer", "none", "t", "1", "f"), "b": ("integer", "raw", "f", "0", "f")}


def test_a_table_without_attributes_is_left_to_redshift(warehouse: Warehouse) -> None:
    warehouse.run("CREATE TABLE t (a int)", "INSERT INTO t VALUES (1)")
    assert _info(warehouse, "diststyle, sortkey1, encoded") == ("AUTO(ALL)", "AUTO(SORTKEY)", "Y, AUTO(ENCODE)")


def test_create_table_as_and_like_carry_attributes(warehouse: Warehouse) -> None:
    warehouse.run(
        "CREATE TABLE t DISTKEY (a) SORTKEY (b) AS SELECT 1 AS a, 2 AS b", "CREATE TABLE u (LIKE t)", "INSERT INTO u SELECT * FROM t"
    )
    for table in ("t", "u"):
        assert _info(warehouse, "diststyle, sortkey1", table) == ("KEY(a)", "b")


def test_attributes_are_altered(warehouse: Warehouse) -> None:
    warehouse.run("CREATE TABLE t (a int, b int)", "INSERT INTO t VALUES (1, 2)")
    for change, shown in (
        ("ALTER DISTSTYLE KEY DISTKEY a", ("KEY(a)", "AUTO(SORTKEY)")),
        ("ALTER DISTKEY b", ("KEY(b)", "AUTO(SORTKEY)")),
        ("ALTER COMPOUND SORTKEY (b, a)", ("KEY(b)", "b")),
        ("ALTER SORTKEY (a)", ("KEY(b)", "a")),
        ("ALTER DISTSTYLE ALL", ("ALL", "a")),
        ("ALTER SORTKEY NONE", ("ALL", None)),
    ):
        warehouse.run(f"ALTER TABLE t {change}")
        assert _info(warehouse, "diststyle, sortkey1") == shown, change
    warehouse.run(
        "ALTER TABLE t ALTER COLUMN a ENCODE zstd, ALTER COLUMN b ENCODE lzo",
        "ALTER TABLE t ADD COLUMN c varchar(3) ENCODE raw DEFAULT 'x'",
    )
    assert [column[1] for column in _definition(warehouse, "t").values()] == ["zstd", "lzo", "raw"]


def test_attributes_follow_a_renamed_column_and_die_with_the_table(warehouse: Warehouse) -> None:
    warehouse.run("CREATE TABLE t (a int) SORTKEY (a)", "ALTER TABLE t RENAME COLUMN a TO z", "INSERT INTO t VALUES (1)")
    assert _info(warehouse, "sortkey1") == ("z",)
    warehouse.run("DROP TABLE t", "CREATE TABLE t (a int)", "INSERT INTO t VALUES (1)")
    assert _info(warehouse, "sortkey1") == ("AUTO(SORTKEY)",)


def test_a_wrong_attribute_is_an_error(warehouse: Warehouse) -> None:
    assert error_of(lambda: warehouse.run("CREATE TABLE t (a int) SORTKEY (nope)")) == 'ERROR: column "nope" does not exist'
    assert error_of(lambda: warehouse.run("CREATE TABLE t (a int ENCODE mp3)")) == 'ERROR: invalid encoding "mp3"'
    assert "syntax error" in error_of(lambda: warehouse.run("CREATE TABLE t (a int) DISTSTYLE SOMETIMES"))
    assert warehouse.run("SELECT count(*) FROM svv_tables WHERE table_name = 't'") == [("0",)]


def test_keys_are_not_enforced_but_a_primary_key_takes_no_null(warehouse: Warehouse) -> None:
    warehouse.run(
        "CREATE TABLE p (a int PRIMARY KEY)", "CREATE TABLE t (a int, b int REFERENCES p (a), c int UNIQUE, CONSTRAINT k PRIMARY KEY (a), FOREIGN KEY (b) REFERENCES p (a))",
        "INSERT INTO t VALUES (1, 9, 1), (1, 9, 1)",
    )  # fmt: skip
    assert "violates not-null constraint" in error_of(lambda: warehouse.run("INSERT INTO t VALUES (NULL, 1, 1)"))
    assert warehouse.run("SELECT count(*) FROM t") == [("2",)]


def test_vacuum_sorts_and_reclaims_and_analyze_refreshes_statistics(warehouse: Warehouse) -> None:
    warehouse.run(
        "CREATE TABLE t (k int) SORTKEY (k)", "INSERT INTO t SELECT 100 - n FROM generate_series(1, 100) n", "DELETE FROM t WHERE k < 20"
    )
    unsorted, stats_off, rows = _info(warehouse, "unsorted, stats_off, tbl_rows")
    assert float(unsorted or 0) > 90
    assert stats_off == "100.00"
    assert rows == "100"  # deleted rows count until they are reclaimed
    warehouse.run("VACUUM FULL t TO 100 PERCENT", "ANALYZE t")
    assert _info(warehouse, "unsorted, stats_off, tbl_rows") == ("0.00", "0.00", "80")


def test_vacuum_delete_only_does_not_sort(warehouse: Warehouse) -> None:
    warehouse.run("CREATE TABLE t (k int) SORTKEY (k)", "INSERT INTO t VALUES (2), (1)", "VACUUM DELETE ONLY t")
    assert _info(warehouse, "unsorted") == ("50.00",)
    warehouse.run("VACUUM SORT ONLY")
    assert _info(warehouse, "unsorted") == ("0.00",)


def test_only_one_vacuum_runs_in_a_warehouse_at_a_time(warehouse: Warehouse) -> None:
    with warehouse.databases.vacuum(warehouse.key):
        assert "another VACUUM" in error_of(lambda: warehouse.run("VACUUM"))
    warehouse.run("VACUUM")


def test_what_redshift_forbids_in_a_transaction_is_refused_there(warehouse: Warehouse) -> None:
    warehouse.run("CREATE TABLE t (a int)", "CREATE TABLE u (a int)")
    for sql in ("VACUUM t", "CREATE DATABASE x", "ALTER TABLE t APPEND FROM u"):
        with warehouse.session() as session:
            session.begin()
            assert "transaction block" in error_of(session.execute, sql), sql


def test_append_moves_the_rows(warehouse: Warehouse) -> None:
    warehouse.run(
        "CREATE TABLE t (a int, b int)", "CREATE TABLE s (b int, a int)", "INSERT INTO s VALUES (2, 1)", "ALTER TABLE t APPEND FROM s"
    )
    assert warehouse.run("SELECT a, b, (SELECT count(*) FROM s) FROM t") == [("1", "2", "0")]


def test_analyze_compression_reports_each_column(warehouse: Warehouse) -> None:
    warehouse.run("CREATE TABLE t (a varchar(50), b int)", "INSERT INTO t SELECT 'the same words', 1 FROM generate_series(1, 500)")
    rows = warehouse.run("ANALYZE COMPRESSION t")
    assert [row[:3] for row in rows] == [("t", "a", "zstd"), ("t", "b", "az64")]
    assert all(float(row[3] or 0) > 50 for row in rows)


def test_a_materialized_view_is_refreshed_on_request(warehouse: Warehouse) -> None:
    warehouse.run(
        "CREATE TABLE t (a int)",
        "CREATE MATERIALIZED VIEW m AUTO REFRESH YES AS SELECT count(*) AS n FROM t",
        "INSERT INTO t VALUES (1)",
    )
    assert warehouse.value("SELECT n FROM m") == "0"
    warehouse.run("REFRESH MATERIALIZED VIEW m", "ALTER MATERIALIZED VIEW m AUTO REFRESH NO")
    assert warehouse.value("SELECT n FROM m") == "1"
    assert warehouse.run("SELECT name, autorefresh FROM stv_mv_info") == [("m", "f")]


def test_views_are_made_with_the_dialect_of_redshift(warehouse: Warehouse) -> None:
    warehouse.run(
        "CREATE TABLE t (a int)",
        "INSERT INTO t VALUES (1)",
        "CREATE VIEW v AS SELECT NVL(a, 0) AS a, GETDATE() AS at FROM t WITH NO SCHEMA BINDING",
    )
    assert warehouse.run("SELECT a FROM v WHERE at > '2024-01-01'") == [("1",)]


def test_the_catalog_shows_plain_names(warehouse: Warehouse) -> None:
    warehouse.run("CREATE TABLE t (a int NOT NULL, b varchar(7))")
    assert warehouse.run("SELECT table_catalog, table_schema, table_type FROM svv_tables WHERE table_name = 't'") == [
        ("dev", "public", "TABLE")
    ]
    assert warehouse.run(
        "SELECT column_name, data_type, is_nullable, character_maximum_length FROM svv_columns WHERE table_name = 't'"
    ) == [
        ("a", "integer", "NO", None),
        ("b", "character varying", "YES", "7"),
    ]
    assert warehouse.run("SELECT tableowner FROM pg_tables WHERE tablename = 't'") == [("awsuser",)]
    assert warehouse.run("SELECT table_catalog FROM information_schema.tables WHERE table_name = 't'") == [("dev",)]
    assert warehouse.run("SELECT datname FROM pg_database") == [("dev",)]
