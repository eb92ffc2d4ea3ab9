"""Zero-ETL: an integration becomes active when its source has what AWS asks for, and its database shows the source's items."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.kernel import ACCOUNT, REGION
from sandbox.process import Sandbox
from tests.sandbox.fakes import FakeOutside
from tests.sandbox.inside import Inside
from tests.sandbox.stage import Stage
from tests.sandbox.warehouse import Warehouse, error_of, soon

IDENTITY = "0a1b2c3d-1111-2222-3333-444455556666"
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/Orders"
AURORA = f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:shop"


@pytest.fixture
def source(outside: FakeOutside) -> FakeOutside:
    outside.case_sensitive = True
    outside.into = [{"id": IDENTITY, "source_arn": TABLE, "status": "active"}]
    outside.tables[TABLE] = [{"pk": {"S": "a"}, "Number": {"N": "1"}, "city": {"S": "it's \\ Rome"}}]
    return outside


def create(settings: str = "") -> str:
    return f"CREATE DATABASE shop FROM INTEGRATION '{IDENTITY}' {settings}"


# The databases ------------------------------------------------------------------------------------------------------


def test_items_are_rows_with_their_keys_and_follow_later_changes(warehouse: Warehouse, source: FakeOutside) -> None:
    warehouse.run(create())
    query = 'SELECT pk, number, value."city"."S"::varchar FROM shop.public."Orders" ORDER BY pk'
    assert warehouse.run(query) == [("a", "1", "it's \\ Rome")]
    source.tables[TABLE] = [{"pk": {"S": "b"}, "Number": {"N": "2.5"}}]
    assert warehouse.run(query) == [("b", "2.5", None)]
    assert warehouse.value("SELECT count(*) FROM shop.public.\"Orders\" o WHERE o.pk = 'a'") == "0"


def test_system_views_tell_of_integrations_and_their_tables(warehouse: Warehouse, source: FakeOutside) -> None:
    state = "SELECT target_database, state, refresh_interval, total_tables_replicated FROM svv_integration"
    assert warehouse.run(state) == [("", "PendingDbConnectState", "0", "0")]
    warehouse.run(create("SET REFRESH_INTERVAL 300 HISTORY_MODE = TRUE"))
    assert warehouse.run(state) == [("shop", "CdcRefreshState", "300", "1")]
    tables = "SELECT target_database, schema_name, table_name, table_state, reason, table_rows FROM svv_integration_table_state"
    assert warehouse.run(tables) == [("shop", "public", "Orders", "Synced", "", "1")]
    assert warehouse.run("SELECT database_name FROM svv_redshift_databases WHERE database_type = 'zero-etl'") == [("shop",)]
    del source.tables[TABLE]
    assert warehouse.run(tables)[0][3:5] == ("Failed", "the source table does not exist")


def test_who_is_no_superuser_reads_and_makes_nothing(warehouse: Warehouse, source: FakeOutside) -> None:
    assert source.into
    warehouse.run(create(), "CREATE USER reader PASSWORD DISABLE")
    assert "permission denied" in error_of(warehouse.run, 'SELECT * FROM shop.public."Orders"', user="reader")
    assert "permission denied" in error_of(warehouse.run, create().replace("shop", "other"), user="reader")
    assert warehouse.run("SELECT * FROM svv_integration", user="reader") == []


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (create().replace(IDENTITY, "x"), "integration x does not exist"),
        (create("SET REFRESH_INTERVAL soon"), "syntax error"),
        ("CREATE DATABASE dev FROM INTEGRATION '" + IDENTITY + "'", "already exists"),
        ("ALTER DATABASE dev INTEGRATION REFRESH ALL TABLES", "is not created from an integration"),
        ("ALTER DATABASE dev RENAME TO x", "ALTER DATABASE RENAME TO is not supported in the sandbox"),
        ('SELECT * FROM nowhere.public."Orders"', "a query on another database"),
    ],
)
def test_what_cannot_be_is_refused(warehouse: Warehouse, source: FakeOutside, sql: str, said: str) -> None:
    assert source.into
    assert said in error_of(warehouse.run, sql)


def test_what_aurora_brings_and_what_is_not_active_are_refused(warehouse: Warehouse, source: FakeOutside) -> None:
    source.into = [{"id": IDENTITY, "source_arn": AURORA, "status": "creating"}]
    assert "is creating, not active" in error_of(warehouse.run, create())
    source.into[0]["status"] = "active"
    warehouse.run(create("DATABASE 'orders'"))
    assert "Aurora and RDS" in error_of(warehouse.run, "SELECT * FROM shop.public.orders")


def test_an_active_integration_of_a_spec_gets_its_database_and_a_second_plan_is_empty(warehouse: Warehouse, source: FakeOutside) -> None:
    described = {"IntegrationArn": f"arn:aws:redshift:{REGION}:{ACCOUNT}:integration:{IDENTITY}", "SourceArn": TABLE, "Status": "active"}
    inside = Inside(warehouse, integrations=[described])
    declared: dict[str, Any] = {
        "integrations": [{"name": "orders", "source_arn": TABLE, "database": "shop", "refresh_interval_seconds": 60}]
    }
    assert inside.apply(**declared) == ["create database shop"]
    assert inside.apply(**declared) == []
    declared["integrations"][0]["refresh_interval_seconds"] = 120
    assert inside.apply(**declared) == ["set integration of database shop"]
    assert warehouse.value("SELECT refresh_interval FROM svv_integration") == "120"
    assert inside.apply(**declared) == []
    assert [one.fate for one in inside.compare(integrations=[], prune=True).drift] == ["kept"]
    del source.tables[TABLE]
    assert [step.sql for step in inside.compare(**declared).steps] == ['ALTER DATABASE "shop" INTEGRATION REFRESH INERROR TABLES']


# The API ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def namespace(sandbox: Sandbox, stage: Stage) -> str:
    """The namespace of a workgroup that takes integrations."""
    name, serverless = stage.name("flows"), sandbox.client("redshift-serverless")
    arn = serverless.create_namespace(namespaceName=name, dbName="dev")["namespace"]["namespaceArn"]
    case = {"parameterKey": "enable_case_sensitive_identifier", "parameterValue": "true"}
    serverless.create_workgroup(workgroupName=name, namespaceName=name, configParameters=[case])
    return str(arn)


def policy(action: Any, arn: str, source: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "redshift.amazonaws.com"},
        "Action": action,
        "Resource": arn,
        "Condition": {"ArnLike": {"aws:SourceArn": source}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def prepared(sandbox: Sandbox, table: str) -> str:
    """A table that may be the source of an integration; its ARN."""
    tables, arn = sandbox.client("dynamodb"), f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}"
    tables.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    actions = ["dynamodb:ExportTableToPointInTime", "dynamodb:DescribeTable"]
    tables.put_resource_policy(ResourceArn=arn, Policy=policy(actions, arn, f"arn:aws:redshift:{REGION}:{ACCOUNT}:integration:*"))
    return arn


def refusal(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return f"{caught.value.response['Error']['Code']}: {caught.value.response['Error']['Message']}"


def test_an_integration_becomes_active_and_its_event_is_sent(sandbox: Sandbox, stage: Stage, namespace: str) -> None:
    redshift, events = sandbox.client("redshift"), sandbox.client("events")
    url, queue = stage.open_queue("events.amazonaws.com")
    rule = stage.name("rule")
    events.put_rule(Name=rule, EventPattern=json.dumps({"source": ["aws.redshift"], "detail-type": ["Redshift Integration Monitoring"]}))
    events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": queue}])
    table = prepared(sandbox, stage.table())
    asked = {"SourceArn": table, "TargetArn": namespace, "IntegrationName": "orders"}
    assert "does not authorize the source" in refusal(redshift.create_integration, **asked)
    redshift.put_resource_policy(ResourceArn=namespace, Policy=policy("redshift:AuthorizeInboundIntegration", namespace, table))
    made = redshift.create_integration(**asked)
    assert made["Status"] == "creating"
    assert "IntegrationAlreadyExistsFault" in refusal(redshift.create_integration, **asked)
    soon(lambda: redshift.describe_integrations(IntegrationArn=made["IntegrationArn"])["Integrations"][0]["Status"] == "active", 30)
    [inbound] = redshift.describe_inbound_integrations(TargetArn=namespace)["InboundIntegrations"]
    assert (inbound["IntegrationArn"], inbound["Status"]) == (made["IntegrationArn"], "active")
    body = json.loads(stage.message(url)["Body"])
    assert body["resources"] == [made["IntegrationArn"]]
    assert body["detail"]["integrationStatus"] == "ACTIVE"
    redshift.delete_integration(IntegrationArn=made["IntegrationArn"])
    soon(lambda: not redshift.describe_inbound_integrations(TargetArn=namespace)["InboundIntegrations"], 30)


def test_a_source_without_point_in_time_recovery_fails_with_its_reason(sandbox: Sandbox, stage: Stage, namespace: str) -> None:
    redshift = sandbox.client("redshift")
    table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{stage.table()}"
    redshift.put_resource_policy(ResourceArn=namespace, Policy=policy("redshift:AuthorizeInboundIntegration", namespace, table))
    arn = redshift.create_integration(SourceArn=table, TargetArn=namespace, IntegrationName=stage.name("etl"))["IntegrationArn"]
    found = soon(
        lambda: (one := redshift.describe_integrations(IntegrationArn=arn)["Integrations"][0])["Status"] == "failed" and one["Errors"], 30
    )
    assert "Point-in-time recovery" in found[0]["ErrorMessage"]
    missing = f"{table}x"
    redshift.put_resource_policy(ResourceArn=namespace, Policy=policy("redshift:AuthorizeInboundIntegration", namespace, missing))
    asked = {"SourceArn": missing, "TargetArn": namespace, "IntegrationName": stage.name("etl")}
    assert "IntegrationSourceNotFoundFault" in refusal(redshift.create_integration, **asked)
    redshift.delete_integration(IntegrationArn=arn)


def test_rds_makes_integrations_from_aurora(sandbox: Sandbox, stage: Stage, namespace: str) -> None:
    redshift, rds = sandbox.client("redshift"), sandbox.client("rds")
    redshift.put_resource_policy(ResourceArn=namespace, Policy=policy("redshift:AuthorizeInboundIntegration", namespace, AURORA))
    name = stage.name("etl")
    made = rds.create_integration(SourceArn=AURORA, TargetArn=namespace, IntegrationName=name, DataFilter="include: shop.*")
    soon(lambda: rds.describe_integrations(IntegrationIdentifier=made["IntegrationArn"])["Integrations"][0]["Status"] == "active", 30)
    [inbound] = redshift.describe_inbound_integrations(TargetArn=namespace)["InboundIntegrations"]
    assert inbound["SourceArn"] == AURORA
    asked = {"SourceArn": AURORA, "TargetArn": f"{namespace[:-4]}0000", "IntegrationName": stage.name("etl")}
    assert "InvalidParameterValue" in refusal(rds.create_integration, **asked)
    assert rds.describe_db_instances()["DBInstances"] == []
    rds.delete_integration(IntegrationIdentifier=made["IntegrationArn"])


def test_a_target_that_folds_names_is_refused(sandbox: Sandbox, stage: Stage) -> None:
    serverless, name = sandbox.client("redshift-serverless"), stage.name("flows")
    arn = serverless.create_namespace(namespaceName=name, dbName="dev")["namespace"]["namespaceArn"]
    table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{stage.table()}"
    asked = {"SourceArn": table, "TargetArn": arn, "IntegrationName": stage.name("etl")}
    assert "enable_case_sensitive_identifier" in refusal(sandbox.client("redshift").create_integration, **asked)
