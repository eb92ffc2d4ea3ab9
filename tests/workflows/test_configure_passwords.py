"""Passwords of database users: made in Secrets Manager, put into the database as hashes, and nowhere else to be read."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from autopilot.domain.inside.model import PASSWORD_HERE, Step
from autopilot.domain.inside.progress import Progress, Tracked
from autopilot.domain.signin import Target
from autopilot.domain.spec import parse_spec
from tests.workflows.conftest import Stack

FUNCTION = "redshift-autopilot-configure"
SECRET = "autopilot/of-tests/reporter"


@pytest.fixture(scope="module")
def warehouse(deployed: Stack) -> str:
    return deployed.provision()


def send(stack: Stack, warehouse: str, verb: str, secret: str = SECRET) -> dict[str, Any]:
    """Have a unit sent that sets the user's password, within an execution that runs; what the function says."""
    seen = stack.sandbox.observe("redshift").describe_clusters(ClusterIdentifier=warehouse)["Clusters"][0]
    arn = stack.start("run_sql", {"warehouse": warehouse, "sql": "SELECT pg_sleep(60)"})
    step = Step(
        section="users",
        name="the user's password",
        reason="a test",
        sql=f"{verb} USER \"reporter\" PASSWORD '{PASSWORD_HERE}'",
        marks=["user:reporter"],
        secret=secret,
    )
    plan = Progress(
        execution=arn,
        asked="a test",
        dry_run=False,
        kind="cluster",
        key=f"cluster#us-east-1#{warehouse}",
        namespace="",
        target=Target(kind="cluster", name=warehouse, database="dev", method="secret", secret_arn=seen["MasterPasswordSecretArn"]),
        spec=parse_spec({"name": warehouse}),
        tracked=[Tracked(step=step)],
    )
    key = f"plans/{arn.rpartition(':')[2]}.json"
    stack.sandbox.observe("s3").put_object(Bucket=stack.outputs["BucketName"], Key=key, Body=msgspec.json.encode(plan))
    call = {"step": "send", "execution": arn, "token": "nobody waits", "unit": {"steps": [step.name]}}
    answer = stack.sandbox.observe("lambda").invoke(FunctionName=FUNCTION, Payload=json.dumps(call))
    told: dict[str, Any] = json.loads(answer["Payload"].read())
    data = stack.sandbox.observe("redshift-data")
    if statement := told.get("statement_id"):
        stack.until(
            lambda: data.describe_statement(Id=statement)["Status"] in {"FINISHED", "FAILED", "ABORTED"}, "the statement has ended", 60
        )
    stack.sandbox.observe("stepfunctions").stop_execution(executionArn=arn)
    return told


def signs_in(stack: Stack, warehouse: str) -> dict[str, Any]:
    """A query as the user, who signs in by what the secret holds."""
    arn = stack.sandbox.observe("secretsmanager").describe_secret(SecretId=SECRET)["ARN"]
    data = stack.sandbox.observe("redshift-data")
    asked = data.execute_statement(ClusterIdentifier=warehouse, Database="dev", SecretArn=arn, Sql="SELECT current_user")
    stack.until(lambda: data.describe_statement(Id=asked["Id"])["Status"] in {"FINISHED", "FAILED"}, "the query has ended")
    found: dict[str, Any] = data.describe_statement(Id=asked["Id"])
    return found


def test_user_signs_in_by_a_password_that_only_secrets_manager_holds(stack: Stack, warehouse: str) -> None:
    statement = send(stack, warehouse, "CREATE")["statement_id"]
    secrets, data = stack.sandbox.observe("secretsmanager"), stack.sandbox.observe("redshift-data")
    content = json.loads(secrets.get_secret_value(SecretId=SECRET)["SecretString"])
    assert (content["username"], len(content["password"])) == ("reporter", 48)
    described = data.describe_statement(Id=statement)
    assert described["Status"] == "FINISHED", described
    assert described["QueryString"].startswith('CREATE USER "reporter" PASSWORD \'sha256|')
    assert signs_in(stack, warehouse)["Status"] == "FINISHED"
    bucket = stack.outputs["BucketName"]
    listed = stack.sandbox.observe("s3").list_objects_v2(Bucket=bucket, Prefix="plans/")["Contents"]
    plans = [stack.sandbox.observe("s3").get_object(Bucket=bucket, Key=one["Key"])["Body"].read().decode() for one in listed]
    logged = stack.sandbox.observe("logs").filter_log_events(logGroupName=f"/aws/lambda/{FUNCTION}")["events"]
    assert logged
    everything = [logged, stack.items(""), plans, described, data.list_statements(Status="ALL")["Statements"], stack.sandbox.log()]
    assert content["password"] not in json.dumps(everything, default=str)


def test_changed_secret_is_the_password_from_then_on(stack: Stack, warehouse: str) -> None:
    secrets = stack.sandbox.observe("secretsmanager")
    secrets.put_secret_value(SecretId=SECRET, SecretString=json.dumps({"username": "reporter", "password": "Another5word"}))
    assert signs_in(stack, warehouse)["Status"] == "FAILED"
    send(stack, warehouse, "ALTER")
    assert signs_in(stack, warehouse)["Status"] == "FINISHED"


def test_secret_outside_its_own_folder_is_denied(stack: Stack, warehouse: str) -> None:
    stack.sandbox.observe("secretsmanager").create_secret(Name="of-somebody-else", SecretString=json.dumps({"password": "Somebody5else"}))
    told = send(stack, warehouse, "CREATE", "of-somebody-else")
    assert told["errorType"] == "AccessDenied", told
    assert "secretsmanager:GetSecretValue" in told["errorMessage"]
