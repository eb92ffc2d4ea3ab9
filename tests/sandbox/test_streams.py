"""Streaming ingestion: what lies in a stream becomes rows of its view, each record once, and stays there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.process import Sandbox
from tests.sandbox.fakes import FakeOutside
from tests.sandbox.stage import Stage
from tests.sandbox.warehouse import Warehouse, error_of, soon

ROLE = FakeOutside.ROLE
SCHEMA = f"CREATE EXTERNAL SCHEMA kds FROM KINESIS IAM_ROLE '{ROLE}'"
VIEW = (
    "CREATE MATERIALIZED VIEW orders AUTO REFRESH {} AS SELECT partition_key, shard_id, sequence_number, approximate_arrival_timestamp, refresh_time, "
    "JSON_PARSE(kinesis_data) AS data FROM kds.orders WHERE CAN_JSON_PARSE(kinesis_data)"
)


def put(outside: FakeOutside, *texts: str | bytes, stream: str = "orders") -> None:
    records = outside.streams.setdefault(stream, [])
    records += [(f"k{len(records) + n}", text.encode() if isinstance(text, str) else text) for n, text in enumerate(texts)]


def streaming(warehouse: Warehouse, outside: FakeOutside, automatic: str = "NO") -> Warehouse:
    put(outside)
    warehouse.run(SCHEMA)
    warehouse.run(VIEW.format(automatic))
    return warehouse


def test_records_come_with_a_refresh_each_once(warehouse: Warehouse, outside: FakeOutside) -> None:
    streaming(warehouse, outside)
    put(outside, '{"id": 1}', '{"id": 2}')
    assert warehouse.value("SELECT count(*) FROM orders") == "0"
    warehouse.run("REFRESH MATERIALIZED VIEW orders")
    put(outside, '{"id": 3}')
    warehouse.run("REFRESH MATERIALIZED VIEW orders")
    warehouse.run("REFRESH MATERIALIZED VIEW orders")
    assert warehouse.run("SELECT partition_key, data.id FROM orders ORDER BY sequence_number") == [("k0", "1"), ("k1", "2"), ("k2", "3")]


def test_what_has_left_the_stream_stays_in_the_view(warehouse: Warehouse, outside: FakeOutside) -> None:
    streaming(warehouse, outside)
    put(outside, '{"id": 1}')
    warehouse.run("REFRESH MATERIALIZED VIEW orders")
    outside.streams["orders"].clear()
    warehouse.run("REFRESH MATERIALIZED VIEW orders")
    assert warehouse.value("SELECT count(*) FROM orders") == "1"


def test_a_view_that_refreshes_by_itself_shows_records_also_behind_another_view(warehouse: Warehouse, outside: FakeOutside) -> None:
    streaming(warehouse, outside, "YES")
    warehouse.run("CREATE VIEW ids AS SELECT data.id AS id FROM orders")
    put(outside, '{"id": 1}')
    assert warehouse.run("SELECT * FROM ids") == [("1",)]
    warehouse.run("CREATE USER reader PASSWORD DISABLE", "GRANT SELECT ON orders TO reader")
    put(outside, '{"id": 2}')
    assert warehouse.value("SELECT count(*) FROM orders", user="reader") == "2"
    warehouse.run("ALTER MATERIALIZED VIEW orders AUTO REFRESH NO")
    put(outside, '{"id": 3}')
    assert warehouse.value("SELECT count(*) FROM orders") == "2"


def test_who_may_not_read_the_view_reads_nothing(warehouse: Warehouse, outside: FakeOutside) -> None:
    streaming(warehouse, outside, "YES").run("CREATE USER nobody PASSWORD DISABLE")
    assert "permission denied" in error_of(warehouse.run, "SELECT * FROM orders", user="nobody")


def test_a_record_that_is_no_json_can_be_left_out_or_read_as_text(warehouse: Warehouse, outside: FakeOutside) -> None:
    streaming(warehouse, outside)
    put(outside, "no json", b"\xff\xfe", '{"id": 1}')
    warehouse.run(
        "CREATE MATERIALIZED VIEW raw AS SELECT CASE WHEN partition_key <> 'k1' THEN FROM_VARBYTE(kinesis_data, 'utf-8') END AS text, "
        "FROM_VARBYTE(kinesis_data, 'hex') AS hex FROM kds.\"orders\" r",
        "REFRESH MATERIALIZED VIEW raw",
        "REFRESH MATERIALIZED VIEW orders",
    )
    assert warehouse.run("SELECT text, hex FROM raw ORDER BY hex DESC LIMIT 2") == [(None, "fffe"), ('{"id": 1}', b'{"id": 1}'.hex())]
    assert warehouse.value("SELECT count(*) FROM orders") == "1"


def test_a_stream_that_is_missing_or_denied_fails_with_kinesis_words(warehouse: Warehouse, outside: FakeOutside) -> None:
    warehouse.run(SCHEMA)
    assert "ResourceNotFoundException" in error_of(warehouse.run, VIEW.format("NO"))
    put(outside)
    outside.denied.add("orders")
    assert "not authorized" in error_of(warehouse.run, VIEW.format("NO"))
    outside.denied.clear()
    warehouse.run(VIEW.format("YES"))
    outside.denied.add("orders")
    assert warehouse.value("SELECT count(*) FROM orders") == "0"
    assert "AccessDenied" in error_of(warehouse.run, "REFRESH MATERIALIZED VIEW orders")


def test_a_stream_is_read_by_materialized_views_only(warehouse: Warehouse, outside: FakeOutside) -> None:
    streaming(warehouse, outside)
    assert "by a materialized view only" in error_of(warehouse.run, "SELECT * FROM kds.orders")
    assert "by a materialized view only" in error_of(warehouse.run, "CREATE VIEW v AS SELECT * FROM kds.orders")
    assert "reads one stream" in error_of(warehouse.run, "CREATE MATERIALIZED VIEW v AS SELECT a.* FROM kds.orders a, kds.orders b")


def test_capital_letters_of_a_stream_count_where_the_session_says_so(warehouse: Warehouse, outside: FakeOutside) -> None:
    put(outside, "1", stream="Clicks")
    create = 'CREATE MATERIALIZED VIEW clicks AUTO REFRESH YES AS SELECT partition_key FROM kds."Clicks"'
    warehouse.run(SCHEMA)
    assert "Stream clicks not found" in error_of(warehouse.run, create)
    warehouse.run("SET enable_case_sensitive_identifier TO true", create)
    assert warehouse.value("SELECT partition_key FROM clicks") == "k0"
    outside.case_sensitive = True
    assert warehouse.value("SHOW enable_case_sensitive_identifier") == "on"


def test_the_catalog_tells_of_schemas_and_scans(warehouse: Warehouse, outside: FakeOutside) -> None:
    streaming(warehouse, outside, "YES")
    [(kind, name, options)] = warehouse.run("SELECT eskind, schemaname, esoptions FROM svv_external_schemas")
    assert (kind, name, json.loads(str(options))) == ("9", "kds", {"IAM_ROLE": ROLE})
    put(outside, "{}", "{}")
    warehouse.run("REFRESH MATERIALIZED VIEW orders")
    scan = "SELECT external_schema_name, stream_name, mv_name, partition_id, latest_position, scanned_rows FROM sys_stream_scan_states"
    assert warehouse.run(scan) == [("kds", "orders", "orders", "shardId-000000000000", "1", "2")]
    assert warehouse.run("SELECT name, autorefresh FROM stv_mv_info") == [("orders", "t")]


def test_dropping_a_view_forgets_its_records_and_a_schema_that_is_read_stays(warehouse: Warehouse, outside: FakeOutside) -> None:
    streaming(warehouse, outside, "YES")
    put(outside, "{}")
    assert "materialized views read streams through it" in error_of(warehouse.run, "DROP SCHEMA kds RESTRICT")
    warehouse.run("DROP MATERIALIZED VIEW orders", VIEW.format("YES"))
    assert warehouse.value("SELECT count(*) FROM orders") == "1"
    warehouse.run("DROP MATERIALIZED VIEW orders", "DROP SCHEMA kds RESTRICT", SCHEMA)
    assert warehouse.value("SELECT count(*) FROM svv_external_schemas") == "1"


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("CREATE EXTERNAL SCHEMA k FROM KINESIS", "syntax error"),
        ("CREATE EXTERNAL SCHEMA k FROM KINESIS IAM_ROLE 'arn:aws:iam::000000000000:role/other'", "is not associated to cluster"),
        ("CREATE EXTERNAL SCHEMA k FROM MSK AUTHENTICATION none URI 'b:9092'", "FROM MSK is not supported in the sandbox"),
        (
            "CREATE EXTERNAL SCHEMA k FROM KAFKA IAM_ROLE default AUTHENTICATION iam URI 'b:9092'",
            "FROM KAFKA is not supported in the sandbox",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_name(warehouse: Warehouse, outside: FakeOutside, sql: str, said: str) -> None:
    assert outside.iam_roles("")[0] == ROLE
    assert said in error_of(warehouse.run, sql)


def test_a_snapshot_keeps_the_rows_and_where_the_stream_was_left(warehouse: Warehouse, outside: FakeOutside) -> None:
    streaming(warehouse, outside, "YES")
    put(outside, "{}")
    warehouse.run("REFRESH MATERIALIZED VIEW orders")
    copied = Warehouse(warehouse.databases)
    try:
        warehouse.databases.drop(copied.key)
        warehouse.databases.copy(warehouse.key, copied.key)
        put(outside, "{}")
        assert copied.value("SELECT count(*) FROM orders") == "2"
    finally:
        copied.remove()


def test_the_sandboxs_own_kinesis_is_read_as_the_clusters_role(stage: Stage, sandbox: Sandbox) -> None:
    kinesis, redshift, data = sandbox.client("kinesis"), sandbox.client("redshift"), sandbox.client("redshift-data")
    kinesis.create_stream(StreamName="Payments", ShardCount=2)
    role = stage.role([{"Effect": "Allow", "Action": ["kinesis:Describe*", "kinesis:Get*", "kinesis:List*"], "Resource": "*"}])
    redshift.create_cluster(
        ClusterIdentifier="streams",
        NodeType="ra3.large",
        ClusterType="single-node",
        MasterUsername="boss",
        ManageMasterPassword=True,
        IamRoles=[role],
    )
    soon(lambda: redshift.describe_clusters(ClusterIdentifier="streams")["Clusters"][0]["ClusterStatus"] == "available", 30)
    kinesis.put_records(
        StreamName="Payments", Records=[{"Data": json.dumps({"n": n}).encode(), "PartitionKey": f"key-{n}"} for n in range(20)]
    )

    def run(*sqls: str) -> dict[str, Any]:
        answer = data.batch_execute_statement(ClusterIdentifier="streams", Database="dev", DbUser="boss", Sqls=[*sqls, "SELECT 1"])
        found: dict[str, Any] = soon(
            lambda: (one := data.describe_statement(Id=answer["Id"]))["Status"] in {"FINISHED", "FAILED"} and one, 20
        )
        return found

    made = run(
        f"CREATE EXTERNAL SCHEMA kds FROM KINESIS IAM_ROLE '{role}'",
        "SET enable_case_sensitive_identifier TO true",
        'CREATE MATERIALIZED VIEW payments AUTO REFRESH YES AS SELECT shard_id, JSON_PARSE(kinesis_data) AS data FROM kds."Payments"',
    )
    assert made["Status"] == "FINISHED", made.get("Error")
    counted = run("SELECT count(*), count(DISTINCT shard_id), sum(data.n::int) FROM payments")
    rows = data.get_statement_result(Id=counted["SubStatements"][0]["Id"])["Records"]
    assert [next(iter(cell.values())) for cell in rows[0]] == [20, 2, 190]
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "kinesis:GetRecords", "Resource": "*"}]}
    sandbox.client("iam").put_role_policy(RoleName=role.rpartition("/")[2], PolicyName="deny", PolicyDocument=json.dumps(deny))
    refused = run("REFRESH MATERIALIZED VIEW payments")
    assert "kinesis:GetRecords" in refused["Error"]
    # The first automated snapshot keeps a new cluster from being deleted for a moment.
    snapshots = redshift.describe_cluster_snapshots
    soon(lambda: all(one["Status"] == "available" for one in snapshots(ClusterIdentifier="streams")["Snapshots"]), 30)
    redshift.delete_cluster(ClusterIdentifier="streams", SkipFinalClusterSnapshot=True)
