"""COPY and UNLOAD move real files between S3 and tables."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.sandbox.warehouse import PASSWORD, Warehouse, error_of

TABLE = "CREATE TABLE t (id int, name varchar(10), day date, amount numeric(8, 2))"


@pytest.fixture
def loading(warehouse: Warehouse) -> Warehouse:
    warehouse.run(TABLE)
    warehouse.files.buckets.add("b")
    return warehouse


def _put(warehouse: Warehouse, key: str, body: str | bytes) -> None:
    warehouse.files.s3_put("b", key, body.encode() if isinstance(body, str) else body)


def _copy(warehouse: Warehouse, options: str, columns: str = "", uri: str = "s3://b/in/") -> list[tuple[str | None, ...]]:
    return warehouse.run(f"COPY t {columns} FROM '{uri}' IAM_ROLE default {options}", "SELECT * FROM t ORDER BY id")


@pytest.mark.parametrize(
    ("body", "options"),
    [
        ('id,name,day,amount\n1,"a, ""b""",2024-01-02,3.5\n2,,2024-01-03,4\n', "FORMAT AS CSV IGNOREHEADER 1 EMPTYASNULL"),
        ('1;a, "b";02.01.2024;3.5\n2;none;03.01.2024;4\n', "DELIMITER ';' NULL AS 'none' DATEFORMAT 'DD.MM.YYYY'"),
        ('1|a, "b"|2024-01-02|3.5\n2|\\N|2024-01-03|4\n', "DATEFORMAT AS 'auto'"),
        ('{"id":1,"name":"a, \\"b\\"","day":"2024-01-02","amount":3.5}\n{"amount":4,"id":2,"day":"2024-01-03"}', "FORMAT AS JSON 'auto'"),
        ('[{"ID":1,"Name":"a, \\"b\\"","Day":"2024-01-02","Amount":3.5},{"Id":2,"Day":"2024-01-03","Amount":4}]', "JSON 'auto ignorecase'"),
    ],
)
def test_copy_reads_each_format(loading: Warehouse, body: str, options: str) -> None:
    _put(loading, "in/part", body)
    expected = [("1", 'a, "b"', "2024-01-02", "3.50"), ("2", None, "2024-01-03", "4.00")]
    assert _copy(loading, options) == expected
    loading.run("DELETE FROM t")
    _put(loading, "in/part", gzip.compress(body.encode()))
    assert _copy(loading, f"{options} GZIP") == expected


def test_copy_reads_jsonpaths(loading: Warehouse) -> None:
    _put(loading, "paths.json", json.dumps({"jsonpaths": ["$.key", "$['who'][0].name"]}))
    _put(loading, "in/part", '{"key":1,"who":[{"name":"a"}]}')
    assert _copy(loading, "JSON 's3://b/paths.json'", "(id, name)") == [("1", "a", None, None)]


def test_copy_reads_parquet_by_position(loading: Warehouse) -> None:
    out = io.BytesIO()
    pq.write_table(pa.table({"a": [1, 2], "b": ["x", None]}), out)
    _put(loading, "in/part", out.getvalue())
    assert _copy(loading, "FORMAT AS PARQUET", "(id, name)") == [("1", "x", None, None), ("2", None, None, None)]
    assert "has 2 columns, 4 were expected" in error_of(lambda: _copy(loading, "PARQUET"))


def test_copy_takes_all_objects_of_a_prefix_and_counts_the_rows(loading: Warehouse) -> None:
    for number in (1, 2, 3):
        _put(loading, f"in/{number}.csv", f"{number},x\n")
    _put(loading, "other/4.csv", "4,x\n")
    with loading.session() as session:
        assert session.execute("COPY t (id, name) FROM 's3://b/in/' IAM_ROLE default CSV").row_count == 3
        assert session.execute("SELECT pg_last_copy_count()").rows == [("3",)]


def test_copy_follows_a_manifest(loading: Warehouse) -> None:
    _put(loading, "in/1", "1,x\n")
    _put(loading, "in/2", "2,x\n")
    entries: list[dict[str, Any]] = [{"url": "s3://b/in/2", "mandatory": True}, {"url": "s3://b/in/absent"}]
    _put(loading, "m.json", json.dumps({"entries": entries}))
    assert [row[0] for row in _copy(loading, "CSV MANIFEST", "(id, name)", "s3://b/m.json")] == ["2"]
    entries[1]["mandatory"] = True
    _put(loading, "m.json", json.dumps({"entries": entries}))
    assert "absent" in error_of(lambda: _copy(loading, "CSV MANIFEST", "(id, name)", "s3://b/m.json"))


@pytest.mark.parametrize(
    ("body", "line", "column", "code"),
    [
        ("1,a,2024-01-01,1\nx,a,2024-01-01,1\n", "2", "id", "1207"),
        ("1,a name too long,2024-01-01,1\n", "1", "name", "1204"),
        ("1,a,yesterday-ish,1\n", "1", "day", "1206"),
        ("1,a,2024-01-01,1\n2,a\n", "2", "day", "1214"),
        ("1,a,2024-01-01,1,more\n", "1", "", "1202"),
    ],
)
def test_a_bad_row_fails_the_load_and_is_found_in_the_load_errors(loading: Warehouse, body: str, line: str, column: str, code: str) -> None:
    _put(loading, "in/part", body)
    message = error_of(lambda: _copy(loading, "CSV"))
    assert message.startswith("ERROR: Load into table 't' failed. Check 'sys_load_error_detail' system table for details.")
    assert f"s3://b/in/part line {line}" in message
    detail = "SELECT file_name, line_number, column_name, error_code FROM sys_load_error_detail"
    assert loading.run(detail) == [("s3://b/in/part", line, column, code)]
    assert loading.run("SELECT line_number, err_code FROM stl_load_errors") == [(line, code)]
    assert loading.value("SELECT count(*) FROM t") == "0"


def test_maxerror_skips_bad_rows_up_to_the_limit(loading: Warehouse) -> None:
    _put(loading, "in/part", "1,a\nx,b\n3,c\ny,d\n")
    assert [row[0] for row in _copy(loading, "CSV MAXERROR 2", "(id, name)")] == ["1", "3"]
    assert "line 4" in error_of(lambda: _copy(loading, "CSV MAXERROR 1", "(id, name)"))


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("COPY t FROM 's3://b/nothing/' IAM_ROLE default CSV", "ERROR: The specified S3 prefix 'nothing/' does not exist"),
        ("COPY t FROM 's3://absent/x' IAM_ROLE default CSV", "NoSuchBucket"),
        ("COPY nowhere FROM 's3://b/in/' IAM_ROLE default CSV", 'relation "nowhere" does not exist'),
        ("COPY t (nope) FROM 's3://b/in/' IAM_ROLE default CSV", 'column "nope" of relation'),
        ("COPY t FROM 's3://b/in/' IAM_ROLE default FORMAT AS AVRO", "not supported in the sandbox"),
        ("COPY t FROM 's3://b/in/' IAM_ROLE default SSH", "not supported in the sandbox"),
        ("UNLOAD ('SELECT 1') TO 's3://b/out/' IAM_ROLE default PARTITION BY (a)", "not supported in the sandbox"),
        ("UNLOAD ('SELECT nope') TO 's3://b/out/' IAM_ROLE default", 'column "nope" does not exist'),
    ],
)
def test_what_cannot_be_loaded_or_unloaded_says_why(loading: Warehouse, sql: str, message: str) -> None:
    assert message in error_of(lambda: loading.run(sql))


def test_loading_needs_the_right_to_insert(loading: Warehouse) -> None:
    _put(loading, "in/part", "1,a\n")
    loading.run(f"CREATE USER alice PASSWORD '{PASSWORD}'", "GRANT SELECT ON t TO alice")
    copy = "COPY t (id, name) FROM 's3://b/in/' CREDENTIALS 'aws_access_key_id=AKIAHIDDEN;aws_secret_access_key=hidden' CSV"
    assert "permission denied" in error_of(lambda: loading.run(copy, user="alice"))
    loading.run("GRANT INSERT ON t TO alice")
    loading.run("REVOKE SELECT ON t FROM alice")
    loading.run(copy, user="alice")
    assert loading.value("SELECT count(*) FROM t") == "1"
    assert "AKIAHIDDEN" not in str(loading.run("SELECT query_text FROM sys_query_history"))


def test_a_first_load_leaves_fresh_statistics(loading: Warehouse) -> None:
    _put(loading, "in/part", "1,a\n")
    _copy(loading, "CSV", "(id, name)")
    assert loading.value("SELECT stats_off FROM svv_table_info") == "0.00"


@pytest.mark.parametrize(
    ("options", "suffix", "body"),
    [
        ("FORMAT CSV HEADER PARALLEL OFF", "000", 'id,name,day\n1,"a, ""b""",2024-01-02\n2,,2024-01-03\n'),
        ("PARALLEL OFF NULL AS 'none'", "000", '1|a, "b"|2024-01-02\n2|none|2024-01-03\n'),
        ("FORMAT AS JSON PARALLEL OFF", "000", '{"id":1,"name":"a, \\"b\\"","day":"2024-01-02"}\n{"id":2,"day":"2024-01-03"}\n'),
        ("DELIMITER AS ',' ADDQUOTES PARALLEL OFF EXTENSION 'csv'", "000.csv", '"1","a, "b"","2024-01-02"\n"2",,"2024-01-03"\n'),
    ],
)
def test_unload_writes_each_format(loading: Warehouse, options: str, suffix: str, body: str) -> None:
    _put(loading, "in/part", '1,"a, ""b""",2024-01-02,3.5\n2,\\N,2024-01-03,4\n')
    _copy(loading, "CSV NULL AS '\\\\N'")
    loading.run(
        f"UNLOAD ('SELECT id, name, day FROM t WHERE name <> ''z'' OR name IS NULL ORDER BY id') TO 's3://b/out/' IAM_ROLE default {options}"  # noqa: S608 - made of the test's own words
    )
    assert loading.files.s3_get("b", f"out/{suffix}").decode() == body


def test_parquet_comes_back_as_it_went_out(loading: Warehouse) -> None:
    _put(loading, "in/part", "1,a,2024-01-02,3.5\n2,b,2024-01-03,4\n")
    before = _copy(loading, "CSV")
    loading.run("UNLOAD ('SELECT * FROM t ORDER BY id') TO 's3://b/out/' IAM_ROLE default PARQUET MANIFEST")
    keys = [key for key in loading.files.s3_list("b", "out/") if key.endswith(".parquet")]
    assert keys == ["out/0000_part_00.parquet", "out/0001_part_00.parquet"]
    written = pq.read_table(io.BytesIO(loading.files.s3_get("b", keys[0])))
    assert [str(field.type) for field in written.schema] == ["int32", "string", "date32[day]", "decimal128(8, 2)"]
    loading.run("DELETE FROM t")
    assert _copy(loading, "PARQUET MANIFEST", uri="s3://b/out/manifest") == before


def test_unload_overwrites_only_when_told(loading: Warehouse) -> None:
    unload = "UNLOAD ('SELECT 1 AS a') TO 's3://b/out/' IAM_ROLE default CSV"
    loading.run(unload)
    assert "is not empty" in error_of(lambda: loading.run(unload))
    loading.run(f"{unload} ALLOWOVERWRITE")


def test_a_size_limit_that_would_split_a_file_is_refused_by_name(loading: Warehouse) -> None:
    unload = "UNLOAD ('SELECT n FROM generate_series(1, 900000) n') TO 's3://b/{}/' IAM_ROLE default CSV PARALLEL OFF MAXFILESIZE {}"
    assert "not supported in the sandbox" in error_of(lambda: loading.run(unload.format("small", "5 MB")))
    loading.run(unload.format("large", "1 GB"))
    assert loading.files.s3_list("b", "large/") == ["large/000"]
