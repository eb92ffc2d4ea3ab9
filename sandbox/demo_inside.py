"""The demo's second half: what lies inside a warehouse, declared, and seen with the eyes of two users and of a second warehouse."""

from __future__ import annotations

import json
import time
from typing import Any

from sandbox.driver import Driver

_LAKE, _STREAM = "demo-lake", "demo-clicks"
_TABLES = [
    "CREATE SCHEMA crm",
    "CREATE TABLE crm.customers (id int, card varchar(32))",
    "INSERT INTO crm.customers VALUES (1, '4111222233334444'), (2, '5500666677778888')",
    "CREATE SCHEMA shop",
    "CREATE TABLE shop.prices (item varchar(16), price decimal(10,2))",
    "INSERT INTO shop.prices VALUES ('tea', 4.20), ('cup', 9.90)",
]
#: Cards are hidden from everybody; whoever has the role `support` sees the last four digits, and `audit` all of it.
_CARD = {"name": "card", "type": "varchar(32)"}
_CUSTOMERS = {"schema": "crm", "name": "customers"}
SECTIONS: dict[str, Any] = {
    "roles": [{"name": "support"}, {"name": "audit"}],
    "users": [{"name": "sam", "roles": ["support"]}, {"name": "ada", "roles": ["audit"]}],
    "grants": [
        *(
            {"to": {"role": role}, "privileges": ["usage"], "object": {"schema": schema}}
            for role in ("support", "audit")
            for schema in ("crm", "lake")
        ),
        *(
            {"to": {"role": role}, "privileges": ["select"], "object": {"schema": "crm", "table": "customers"}}
            for role in ("support", "audit")
        ),
        {"to": {"role": "audit"}, "privileges": ["select"], "object": {"schema": "public", "table": "clicks"}},
    ],
    "masking": [
        {
            "name": "last_digits",
            "columns": [_CARD],
            "using": ["('************' || right(card, 4))::varchar(32)"],
            "attach": [{"table": _CUSTOMERS, "columns": ["card"], "to": {"role": "support"}}],
        }
    ],
    "external_schemas": [{"name": "lake", "database": "demo"}],
    "streams": [{"name": "clicks", "external_schema": "kds", "stream": _STREAM}],
}


def prepare(driver: Driver, warehouse: str) -> list[str]:
    """Tables in the warehouse; a file in S3 with its table in the Glue catalog; a record in a stream; and the role may read both. The statements of the tables."""
    s3, glue, kinesis = (driver.sandbox.client(name) for name in ("s3", "glue", "kinesis"))
    s3.create_bucket(Bucket=_LAKE)
    s3.put_object(Bucket=_LAKE, Key="stores/part-0.csv", Body=b"1,Berlin\n2,Lyon\n")
    glue.create_database(DatabaseInput={"Name": "demo"})
    storage = {
        "Columns": [{"Name": "id", "Type": "int"}, {"Name": "city", "Type": "string"}],
        "Location": f"s3://{_LAKE}/stores/",
        "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
        "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", "Parameters": {"field.delim": ","}},
    }
    glue.create_table(DatabaseName="demo", TableInput={"Name": "stores", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": storage})
    kinesis.create_stream(StreamName=_STREAM, ShardCount=1)
    kinesis.put_record(StreamName=_STREAM, Data=b'{"page": "home"}', PartitionKey="k")
    cluster = driver.sandbox.observe("redshift").describe_clusters(ClusterIdentifier=warehouse)["Clusters"][0]
    # The local IAM cannot tell by a call for records which stream they are of.
    reads = [
        (["s3:ListBucket", "s3:GetObject"], [f"arn:aws:s3:::{_LAKE}", f"arn:aws:s3:::{_LAKE}/*"]),
        (["kinesis:Describe*", "kinesis:Get*", "kinesis:List*"], ["*"]),
    ]
    statements = [{"Effect": "Allow", "Action": actions, "Resource": resources} for actions, resources in reads]
    policy = {"Version": "2012-10-17", "Statement": statements}
    role = cluster["DefaultIamRoleArn"].rpartition("/")[2]
    driver.sandbox.client("iam").put_role_policy(RoleName=role, PolicyName="demo", PolicyDocument=json.dumps(policy))
    return _TABLES


def seen_by(driver: Driver, warehouse: str, user: str, sql: str, seconds: float = 30) -> list[list[Any]] | str:
    """The rows that a database user reads, or the database's refusal."""
    data = driver.sandbox.observe("redshift-data")
    statement = data.execute_statement(ClusterIdentifier=warehouse, Database="dev", DbUser=user, Sql=sql)["Id"]
    deadline = time.monotonic() + seconds
    while (found := data.describe_statement(Id=statement))["Status"] not in {"FINISHED", "FAILED", "ABORTED"}:
        if time.monotonic() > deadline:
            return f"the statement is still {found['Status']}"
        time.sleep(0.05)
    if error := found.get("Error"):
        return str(error)
    return [[next(iter(cell.values())) for cell in row] for row in data.get_statement_result(Id=statement)["Records"]]
