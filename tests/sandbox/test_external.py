"""External schemas: a query sees what lies in S3, or in the other database, at that moment, as the schema's role and whoever has usage."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from sandbox.process import Sandbox
from tests.sandbox.fake_lake import FakeLake
from tests.sandbox.fakes import FakeOutside
from tests.sandbox.lake_files import COLUMNS, FILES, ROWS, SERDES, described
from tests.sandbox.stage import Stage
from tests.sandbox.warehouse import Warehouse, error_of, soon

ROLE = FakeOutside.ROLE
SCHEMA = f"CREATE EXTERNAL SCHEMA lake FROM DATA CATALOG DATABASE 'sales' IAM_ROLE '{ROLE}'"


@pytest.fixture
def lake(outside: FakeOutside) -> FakeLake:
    outside.lake.catalog["sales"] = {}
    return outside.lake


def filled(warehouse: Warehouse, lake: FakeLake, kind: str = "csv", **changes: Any) -> Warehouse:
    table, body = FILES[kind]
    lake.catalog["sales"]["orders"] = table | changes
    lake.files["s3://lake/orders/part-0"] = body
    warehouse.run(SCHEMA)
    return warehouse


@pytest.mark.parametrize("kind", FILES)
def test_files_are_rows(warehouse: Warehouse, lake: FakeLake, kind: str) -> None:
    filled(warehouse, lake, kind)
    assert warehouse.run("SELECT id, name, amount, day FROM lake.orders ORDER BY id") == ROWS
    assert warehouse.value("SELECT sum(amount) FROM lake.orders o WHERE o.day > '2026-01-01'") == "1.50"


def test_query_sees_what_is_there_at_that_moment(warehouse: Warehouse, lake: FakeLake) -> None:
    filled(warehouse, lake)
    with warehouse.session() as session:
        assert session.execute("SELECT count(*) FROM lake.orders").rows == [("2",)]
        lake.files["s3://lake/orders/part-1.gz"] = gzip.compress(b"3,c,,\n")
        assert session.execute("SELECT count(*) FROM lake.orders").rows == [("3",)]
        lake.files.clear()
        assert session.execute("SELECT count(*) FROM lake.orders").rows == [("0",)]


def test_columns_of_the_catalog_are_those_of_the_table(warehouse: Warehouse, lake: FakeLake) -> None:
    filled(warehouse, lake).run("SELECT * FROM lake.orders")
    lake.catalog["sales"]["orders"] = described("orders", "csv", {"id": "bigint", "name": "varchar(20)"})
    assert warehouse.run("SELECT * FROM lake.orders ORDER BY 1") == [("1", 'An "a"'), ("2", "Bö, b")]
    del lake.catalog["sales"]["orders"]
    assert 'relation "lake.orders" does not exist' in error_of(warehouse.run, "SELECT * FROM lake.orders")


def test_headers_hidden_files_and_other_folders_are_left_out(warehouse: Warehouse, lake: FakeLake) -> None:
    filled(warehouse, lake, Parameters={"skip.header.line.count": "1"})
    for name in ("orders/_SUCCESS", "orders/.hidden", "orders/#x", "orders/old~", "orders-old/part-0"):
        lake.files[f"s3://lake/{name}"] = b"x,9,9,9\n9,9,9,9\n"
    assert warehouse.run("SELECT id FROM lake.orders") == [("2",)]


def test_partitions_are_columns_and_only_theirs_are_read(warehouse: Warehouse, lake: FakeLake) -> None:
    filled(warehouse, lake, PartitionKeys=[{"Name": "year", "Type": "int"}, {"Name": "region", "Type": "string"}])
    assert warehouse.value("SELECT count(*) FROM lake.orders") == "0"
    lake.files["s3://lake/orders/year=2026/region=eu/a"] = b"1,a,,\n"
    lake.files["s3://lake/orders/year=2025/region=us/a"] = b"2,b,,\n"
    lake.files["s3://lake/orders/year=2024/region=us/a"] = b"3,c,,\n"
    lake.parts["sales", "orders"] = [
        {"Values": [year, region], "StorageDescriptor": {"Location": f"s3://lake/orders/year={year}/region={region}"}}
        for year, region in (("2026", "eu"), ("2025", "us"))
    ]
    assert warehouse.run("SELECT year, region, id FROM lake.orders ORDER BY year") == [("2025", "us", "2"), ("2026", "eu", "1")]


def test_only_who_has_usage_reads_also_behind_a_view(warehouse: Warehouse, lake: FakeLake) -> None:
    filled(warehouse, lake).run(
        "CREATE USER reader PASSWORD DISABLE",
        "CREATE USER nobody PASSWORD DISABLE",
        "GRANT USAGE ON SCHEMA lake TO reader",
        "CREATE VIEW names AS SELECT name FROM lake.orders WITH NO SCHEMA BINDING",
        "CREATE VIEW lengths AS SELECT length(name) AS n FROM names",
        "GRANT SELECT ON lengths TO reader",
    )
    assert warehouse.value("SELECT count(*) FROM lake.orders", user="reader") == "2"
    before = len(lake.roles)
    assert "permission denied for schema lake" in error_of(warehouse.run, "SELECT * FROM lake.orders", user="nobody")
    assert len(lake.roles) == before
    lake.files["s3://lake/orders/part-1"] = b"3,c,,\n"
    assert warehouse.value("SELECT count(*) FROM lengths", user="reader") == "3"
    assert "permission denied" in error_of(warehouse.run, "SELECT * FROM lengths", user="nobody")
    warehouse.run("REVOKE USAGE ON SCHEMA lake FROM reader")
    assert "permission denied for schema lake" in error_of(warehouse.run, "SELECT * FROM lake.orders", user="reader")


def test_rows_can_be_copied_into_a_table_and_unloaded(warehouse: Warehouse, lake: FakeLake) -> None:
    filled(warehouse, lake)
    warehouse.run("CREATE TABLE own AS SELECT * FROM lake.orders", "INSERT INTO own SELECT * FROM lake.orders")
    assert warehouse.value("SELECT count(*) FROM own") == "4"
    with warehouse.session() as session:
        session.begin()
        assert session.execute("SELECT count(*) FROM lake.orders JOIN own USING (id)").rows == [("4",)]
        session.rollback()


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO lake.orders VALUES (1)",
        "INSERT INTO lake.orders (id) SELECT 1",
        "UPDATE lake.orders SET id = 1",
        "DELETE FROM lake.orders",
    ],
)
def test_nothing_is_written_through_an_external_table(warehouse: Warehouse, lake: FakeLake, sql: str) -> None:
    filled(warehouse, lake)
    assert "writing to the external table lake.orders is not supported in the sandbox" in error_of(warehouse.run, sql)


@pytest.mark.parametrize("service", ["glue", "s3"])
def test_role_that_may_not_is_refused_with_the_services_words(warehouse: Warehouse, lake: FakeLake, service: str) -> None:
    filled(warehouse, lake)
    lake.denied.add(service)
    said = error_of(warehouse.run, "SELECT * FROM lake.orders")
    assert f"external schema lake: {ROLE} is not authorized to perform: {service}" in said


def test_catalog_role_reads_the_catalog_and_chains_begin_with_an_associated_role(warehouse: Warehouse, lake: FakeLake) -> None:
    filled(warehouse, lake)
    other = "arn:aws:iam::123456789012:role/other"
    warehouse.run(
        f"CREATE EXTERNAL SCHEMA far FROM DATA CATALOG DATABASE 'sales' REGION 'us-west-2' IAM_ROLE '{ROLE}' CATALOG_ROLE '{ROLE},{other}'"
    )
    lake.roles.clear()
    warehouse.run("SELECT * FROM far.orders")
    assert lake.roles == [f"{ROLE},{other}", ROLE]
    assert "not associated" in error_of(
        warehouse.run, f"CREATE EXTERNAL SCHEMA x FROM DATA CATALOG DATABASE 'sales' IAM_ROLE '{other},{ROLE}'"
    )


def test_external_database_is_made_once(warehouse: Warehouse, lake: FakeLake) -> None:
    for name in ("a", "b"):
        warehouse.run(
            f"CREATE EXTERNAL SCHEMA {name} FROM DATA CATALOG DATABASE 'new' IAM_ROLE default CREATE EXTERNAL DATABASE IF NOT EXISTS"
        )
    assert lake.catalog["new"] == {}
    lake.denied.add("glue:CreateDatabase")
    refused = "CREATE EXTERNAL SCHEMA c FROM DATA CATALOG DATABASE 'more' IAM_ROLE default CREATE EXTERNAL DATABASE IF NOT EXISTS"
    assert "not authorized to perform: glue:CreateDatabase" in error_of(warehouse.run, refused)
    assert warehouse.run("SELECT schemaname FROM svv_external_schemas ORDER BY 1") == [("a",), ("b",)]


def test_catalog_views_show_what_is_documented(warehouse: Warehouse, lake: FakeLake) -> None:
    filled(warehouse, lake, PartitionKeys=[{"Name": "year", "Type": "int"}])
    lake.parts["sales", "orders"] = [{"Values": ["2026"], "StorageDescriptor": {"Location": "s3://lake/orders/year=2026"}}]
    [shown] = warehouse.run("SELECT eskind, databasename, esoptions FROM svv_external_schemas")
    assert shown == ("1", "sales", json.dumps({"IAM_ROLE": ROLE}))
    assert warehouse.run("SELECT schemaname, tablename, location, serialization_lib FROM svv_external_tables") == [
        ("lake", "orders", "s3://lake/orders/", SERDES["csv"])
    ]
    columns = "SELECT columnname, external_type, columnnum, part_key FROM svv_external_columns c WHERE c.schemaname = 'lake' ORDER BY 3"
    assert warehouse.run(columns)[2:] == [("amount", "decimal(10,2)", "3", "0"), ("day", "date", "4", "0"), ("year", "int", "5", "1")]
    assert warehouse.run('SELECT "values", location FROM svv_external_partitions') == [('["2026"]', "s3://lake/orders/year=2026")]
    assert warehouse.run("SELECT eskind, databasename FROM pg_catalog.svv_external_databases") == [("1", "sales")]
    warehouse.run("CREATE USER nobody PASSWORD DISABLE")
    assert warehouse.run("SELECT * FROM svv_external_tables", user="nobody") == []


def test_schema_is_altered_and_dropped_without_its_database(warehouse: Warehouse, lake: FakeLake) -> None:
    filled(warehouse, lake).run("SELECT * FROM lake.orders", "ALTER EXTERNAL SCHEMA lake IAM_ROLE default")
    assert warehouse.value("SELECT count(*) FROM lake.orders") == "2"
    assert "not associated" in error_of(warehouse.run, "ALTER EXTERNAL SCHEMA lake IAM_ROLE 'arn:aws:iam::000000000000:role/x'")
    warehouse.run("CREATE USER nobody PASSWORD DISABLE")
    assert "must be owner" in error_of(warehouse.run, "DROP SCHEMA lake", user="nobody")
    warehouse.run("CREATE MATERIALIZED VIEW kept AS SELECT id FROM lake.orders")
    assert "depend" in error_of(warehouse.run, "DROP SCHEMA lake RESTRICT")
    assert warehouse.value("SELECT count(*) FROM kept") == "2"
    warehouse.run("DROP MATERIALIZED VIEW kept", "DROP SCHEMA lake RESTRICT")
    assert warehouse.run("SELECT * FROM svv_external_schemas") == []
    assert "orders" in lake.catalog["sales"]
    warehouse.run("DROP SCHEMA IF EXISTS lake", SCHEMA)
    assert warehouse.value("SELECT count(*) FROM lake.orders") == "2"


def test_a_restored_warehouse_reads_the_lake_itself(warehouse: Warehouse, lake: FakeLake) -> None:
    filled(warehouse, lake).run("SELECT * FROM lake.orders")
    restored = Warehouse(warehouse.databases)
    try:
        warehouse.databases.drop(restored.key)
        warehouse.databases.copy(warehouse.key, restored.key)
        lake.files["s3://lake/orders/part-1"] = b"3,c,,\n"
        assert restored.value("SELECT count(*) FROM lake.orders") == "3"
        lake.files.clear()
        assert warehouse.value("SELECT count(*) FROM lake.orders") == "0"
    finally:
        restored.remove()


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (f"CREATE EXTERNAL SCHEMA x FROM HIVE METASTORE DATABASE 'd' URI 'h' IAM_ROLE '{ROLE}'", "FROM HIVE METASTORE is not supported"),
        ("CREATE EXTERNAL SCHEMA x FROM MYSQL DATABASE 'd' URI 'h' IAM_ROLE default SECRET_ARN 's'", "FROM MYSQL is not supported"),
        ("CREATE EXTERNAL SCHEMA x FROM DATA CATALOG DATABASE 'd'", "IAM_ROLE is required"),
        ("CREATE EXTERNAL SCHEMA x FROM DATA CATALOG DATABASE 'd' IAM_ROLE 'SESSION'", "IAM_ROLE 'SESSION' is not supported"),
        ("CREATE EXTERNAL SCHEMA x FROM DATA CATALOG DATABASE 'd' IAM_ROLE default PORT 1", 'syntax error at or near "PORT"'),
        ("CREATE EXTERNAL SCHEMA x FROM POSTGRES DATABASE 'd' URI 'h' IAM_ROLE default", "SECRET_ARN is required"),
        ("CREATE EXTERNAL TABLE x.y (id int) STORED AS PARQUET LOCATION 's3://a/b'", "CREATE EXTERNAL is not supported"),
        ("DROP SCHEMA x DROP EXTERNAL DATABASE", "DROP EXTERNAL DATABASE is not supported"),
        ("ALTER EXTERNAL SCHEMA nowhere IAM_ROLE default", 'external schema "nowhere" does not exist'),
    ],
)
def test_what_cannot_be_is_refused_by_name(warehouse: Warehouse, lake: FakeLake, sql: str, said: str) -> None:
    assert lake.catalog
    assert said in error_of(warehouse.run, sql)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (described("orders", "csv", {"id": "struct<a:int>"}), "the type struct<a:int> of an external table"),
        (described("orders", "csv", {"id": "date"}), "invalid input syntax for type date"),
        (described("orders", "parquet"), "is not a valid Parquet file"),
        (described("orders", "json"), "line 1 is not valid JSON"),
    ],
)
def test_files_that_cannot_be_read_are_said(warehouse: Warehouse, lake: FakeLake, change: dict[str, Any], said: str) -> None:
    assert said in error_of(filled(warehouse, lake, **change).run, "SELECT * FROM lake.orders")


APP, PASSWORD = "shop_reader", "s3cret-Of-The-Shop"


@pytest.fixture
def shop(warehouse: Warehouse, lake: FakeLake) -> Iterator[psycopg.Connection[Any]]:
    """An application's own database on the same server, reached by host, port and password."""
    place = warehouse.databases.make_source("shop", APP, PASSWORD)
    lake.secrets["arn:shop"] = {"username": APP, "password": PASSWORD}
    with psycopg.connect(**place, dbname="shop", user=APP, password=PASSWORD, autocommit=True) as connection:
        connection.execute("CREATE TABLE customers (id int, name text)")
        connection.execute("INSERT INTO customers VALUES (1, 'Ada'), (2, 'Bo')")
        connection.execute("CREATE SCHEMA store")
        warehouse.run(
            f"CREATE EXTERNAL SCHEMA shop FROM POSTGRES DATABASE 'shop' SCHEMA 'public' URI '{place['host']}' PORT {place['port']} "
            f"IAM_ROLE '{ROLE}' SECRET_ARN 'arn:shop'"
        )
        yield connection
    warehouse.databases.drop_sources()


def test_federated_schema_reads_the_other_database_as_it_is_now(warehouse: Warehouse, shop: psycopg.Connection[Any]) -> None:
    warehouse.run(
        "CREATE USER reader PASSWORD DISABLE", "CREATE USER nobody PASSWORD DISABLE", "GRANT USAGE ON SCHEMA shop TO reader",
        "CREATE VIEW names AS SELECT name FROM shop.customers", "GRANT SELECT ON names TO reader",
    )  # fmt: skip
    assert warehouse.run("SELECT name FROM shop.customers ORDER BY id", user="reader") == [("Ada",), ("Bo",)]
    shop.execute("DELETE FROM customers WHERE id = 1")
    assert warehouse.run("SELECT name FROM names", user="reader") == [("Bo",)]
    assert "permission denied for schema shop" in error_of(warehouse.run, "SELECT * FROM shop.customers", user="nobody")
    assert 'relation "shop.nothing" does not exist' in error_of(warehouse.run, "SELECT * FROM shop.nothing")
    assert "writing to the external table" in error_of(warehouse.run, "DELETE FROM shop.customers")
    warehouse.run("DROP VIEW names", "DROP SCHEMA shop")


def test_password_of_a_federated_schema_is_read_from_its_secret_each_time(
    warehouse: Warehouse, lake: FakeLake, shop: psycopg.Connection[Any]
) -> None:
    with warehouse.session() as session:
        assert session.execute("SELECT count(*) FROM shop.customers").rows == [("2",)]
        shop.execute(f"ALTER USER {APP} PASSWORD 'An0ther-Secret'")
        lake.secrets["arn:shop"]["password"] = "wrong"
        said = error_of(session.execute, "SELECT count(*) FROM shop.customers")
        assert "could not connect" in said
        assert "wrong" not in said
        lake.secrets["arn:shop"]["password"] = "An0ther-Secret"
        assert session.execute("SELECT count(*) FROM shop.customers").rows == [("2",)]
        lake.denied.add("secretsmanager")
        assert "not authorized to perform: secretsmanager" in error_of(session.execute, "SELECT count(*) FROM shop.customers")


def test_sandboxs_own_catalog_and_files_are_read_as_the_clusters_role(stage: Stage, sandbox: Sandbox) -> None:
    glue, s3, redshift, data = (sandbox.client(name) for name in ("glue", "s3", "redshift", "redshift-data"))
    bucket = stage.name("lake")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="orders/a.csv", Body=FILES["csv"][1])
    table = described("orders", "csv")
    table["StorageDescriptor"]["Location"] = f"s3://{bucket}/orders/"
    secret = sandbox.client("secretsmanager").create_secret(
        Name=stage.name("shop"), SecretString=json.dumps({"username": APP, "password": PASSWORD})
    )["ARN"]
    place = sandbox.desk("POST", "sources", {"database": "app", "user": APP, "password": PASSWORD})
    with psycopg.connect(**place, dbname="app", user=APP, password=PASSWORD, autocommit=True) as connection:
        connection.execute("CREATE TABLE customers AS SELECT 7 AS id")
    allowed = ["glue:Get*", "glue:CreateDatabase", "s3:ListBucket", "s3:GetObject", "secretsmanager:GetSecretValue"]
    role = stage.role([{"Effect": "Allow", "Action": allowed, "Resource": "*"}])
    redshift.create_cluster(
        ClusterIdentifier="lake", NodeType="ra3.large", ClusterType="single-node", MasterUsername="boss", ManageMasterPassword=True,
        IamRoles=[role], DefaultIamRoleArn=role,
    )  # fmt: skip
    soon(lambda: redshift.describe_clusters(ClusterIdentifier="lake")["Clusters"][0]["ClusterStatus"] == "available", 30)

    def run(sql: str) -> dict[str, Any]:
        answer = data.execute_statement(ClusterIdentifier="lake", Database="dev", DbUser="boss", Sql=sql)
        found: dict[str, Any] = soon(
            lambda: (one := data.describe_statement(Id=answer["Id"]))["Status"] in {"FINISHED", "FAILED"} and one, 20
        )
        return found

    def value(sql: str) -> Any:
        found = run(sql)
        assert found["Status"] == "FINISHED", found.get("Error")
        return next(iter(data.get_statement_result(Id=found["Id"])["Records"][0][0].values()))

    made = "CREATE EXTERNAL SCHEMA lake FROM DATA CATALOG DATABASE 'lakes' IAM_ROLE default CREATE EXTERNAL DATABASE IF NOT EXISTS"
    assert run(made)["Status"] == "FINISHED"
    assert glue.get_database(Name="lakes")["Database"]["Name"] == "lakes"
    glue.create_table(DatabaseName="lakes", TableInput=table)
    assert value("SELECT sum(amount)::varchar FROM lake.orders") == "1.50"
    assert value("SELECT count(*) FROM svv_external_columns WHERE tablename = 'orders'") == len(COLUMNS)
    federated = (
        f"CREATE EXTERNAL SCHEMA app FROM POSTGRES DATABASE 'app' URI '{place['host']}' PORT {place['port']} "
        f"IAM_ROLE '{role}' SECRET_ARN '{secret}'"
    )
    assert run(federated)["Status"] == "FINISHED"
    assert value("SELECT id FROM app.customers") == 7
    iam = sandbox.client("iam")
    _check_chain_and_trust(run, value, iam, stage, role)
    for action, sql in (
        ("s3:GetObject", "SELECT * FROM lake.orders"),
        ("glue:GetTable", "SELECT * FROM lake.orders"),
        ("secretsmanager:GetSecretValue", "SELECT * FROM app.customers"),
    ):
        deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": action, "Resource": "*"}]}
        iam.put_role_policy(RoleName=role.rpartition("/")[2], PolicyName="deny", PolicyDocument=json.dumps(deny))
        assert action in run(sql)["Error"]
    # The first automated snapshot keeps a new cluster from being deleted for a moment.
    snapshots = redshift.describe_cluster_snapshots
    soon(lambda: all(one["Status"] == "available" for one in snapshots(ClusterIdentifier="lake")["Snapshots"]), 30)
    redshift.delete_cluster(ClusterIdentifier="lake", SkipFinalClusterSnapshot=True)


def _check_chain_and_trust(run: Any, value: Any, iam: Any, stage: Stage, role: str) -> None:
    """A chain ends at a role that trusts the one before, and a condition on who asks holds for Redshift too."""
    name, end = role.rpartition("/")[2], stage.name("producer")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": role}, "Action": "sts:AssumeRole"}]}
    last = iam.create_role(RoleName=end, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    assert run(f"CREATE EXTERNAL SCHEMA far FROM DATA CATALOG DATABASE 'lakes' IAM_ROLE '{role},{last}'")["Status"] == "FINISHED"
    assert "sts:AssumeRole" in run("SELECT * FROM far.orders")["Error"]
    may = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": last}]}
    iam.put_role_policy(RoleName=name, PolicyName="chain", PolicyDocument=json.dumps(may))
    assert "glue:GetTable" in run("SELECT * FROM far.orders")["Error"]
    reads = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["glue:Get*", "s3:*"], "Resource": "*"}]}
    iam.put_role_policy(RoleName=end, PolicyName="read", PolicyDocument=json.dumps(reads))
    assert value("SELECT count(*) FROM far.orders") == 2
    for account, admitted in (("999999999999", False), ("000000000000", True)):
        condition = {"StringEquals": {"aws:SourceAccount": account}}
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "redshift.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": condition,
        }
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
        assert (run("SELECT * FROM lake.orders")["Status"] == "FINISHED") == admitted
