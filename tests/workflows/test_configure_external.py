"""The lake through an external schema, by the whole workflow: made with the stack's own Spectrum role's rights, read by who has usage and by nobody else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.driver import Ended
from tests.sandbox.lake_files import FILES
from tests.workflows.conftest import Stack

FORMATS = ("csv", "json", "parquet")


@pytest.fixture(scope="module")
def bucket(deployed: Stack) -> str:
    name = "external-lake"
    s3, glue = deployed.sandbox.observe("s3"), deployed.sandbox.observe("glue")
    s3.create_bucket(Bucket=name)
    glue.create_database(DatabaseInput={"Name": "sales"})
    for kind in FORMATS:
        table, body = FILES[kind]
        s3.put_object(Bucket=name, Key=f"{kind}/part-0", Body=body)
        storage = table["StorageDescriptor"] | {"Location": f"s3://{name}/{kind}/"}
        glue.create_table(DatabaseName="sales", TableInput=table | {"Name": kind, "StorageDescriptor": storage})
    return name


@pytest.fixture(scope="module")
def warehouse(deployed: Stack, bucket: str) -> str:
    """A warehouse whose default role is the stack's Spectrum role, which may read the bucket beside the catalog."""
    name = deployed.provision()
    redshift, iam = deployed.sandbox.observe("redshift"), deployed.sandbox.observe("iam")
    [cluster] = redshift.describe_clusters(ClusterIdentifier=name)["Clusters"]
    role = cluster["DefaultIamRoleArn"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["s3:ListBucket", "s3:GetObject"],
                "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
            }
        ],
    }
    iam.put_role_policy(RoleName=role.rpartition("/")[2], PolicyName="read-this-lake", PolicyDocument=json.dumps(policy))
    assert deployed.sql(name, ["CREATE USER reader PASSWORD DISABLE", "CREATE USER nobody PASSWORD DISABLE"]).succeeded
    return name


def configure(stack: Stack, name: str, *schemas: dict[str, Any], **more: Any) -> Ended:
    return stack.run("configure_warehouse", {"spec": {"name": name, "external_schemas": list(schemas)}, **more})


def read_as(stack: Stack, warehouse: str, user: str, query: str) -> str:
    """The first value that a database user reads, or what the database says instead."""
    data = stack.sandbox.observe("redshift-data")
    statement = data.execute_statement(ClusterIdentifier=warehouse, Database="dev", DbUser=user, Sql=query)["Id"]
    stack.until(lambda: data.describe_statement(Id=statement)["Status"] in {"FINISHED", "FAILED"}, "the query ended")
    if error := data.describe_statement(Id=statement).get("Error"):
        return str(error)
    return str(next(iter(data.get_statement_result(Id=statement)["Records"][0][0].values())))


def test_lake_is_read_by_who_has_usage_and_by_nobody_else(stack: Stack, warehouse: str, bucket: str) -> None:
    lake = {"name": "lake", "database": "sales"}
    planned = configure(stack, warehouse, lake, dry_run=True)
    assert [step["sql"] for step in planned.output["steps"]] == [
        "CREATE EXTERNAL SCHEMA \"lake\" FROM DATA CATALOG DATABASE 'sales' IAM_ROLE default"
    ]
    ended = configure(stack, warehouse, lake)
    assert ended.succeeded, ended
    assert stack.sql(warehouse, "GRANT USAGE ON SCHEMA lake TO reader").succeeded
    for kind in FORMATS:
        query = f"SELECT id::varchar || name FROM lake.{kind} ORDER BY id"  # noqa: S608 - names are written here
        assert read_as(stack, warehouse, "reader", query) == '1An "a"'
        assert "permission denied for schema lake" in read_as(stack, warehouse, "nobody", query)
    assert configure(stack, warehouse, lake).output["result"] == "nothing"
    stack.sandbox.observe("s3").put_object(Bucket=bucket, Key="csv/part-1", Body=b"3,c,,\n")
    assert read_as(stack, warehouse, "reader", "SELECT count(*) FROM lake.csv") == "3"


def test_what_a_role_may_not_fails_with_the_services_words_and_the_old_schema_stays(stack: Stack, warehouse: str) -> None:
    assert configure(stack, warehouse, {"name": "lake", "database": "sales"}).succeeded
    ended = configure(stack, warehouse, {"name": "lake", "database": "unmade", "create_database": True})
    assert (ended.status, ended.error) == ("FAILED", "ConfigurationIncomplete"), ended
    assert "glue:CreateDatabase" in ended.cause
    assert stack.rows(warehouse, "SELECT databasename FROM svv_external_schemas") == [["sales"]]
