"""The function that puts passwords into statements reads secrets of its own folder only, whatever a plan says."""

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


@pytest.fixture(scope="module")
def warehouse(deployed: Stack) -> str:
    return deployed.provision()


def send(stack: Stack, warehouse: str, verb: str, secret: str) -> dict[str, Any]:
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
    stack.sandbox.observe("stepfunctions").stop_execution(executionArn=arn)
    return told


def test_secret_outside_its_own_folder_is_denied(stack: Stack, warehouse: str) -> None:
    stack.sandbox.observe("secretsmanager").create_secret(Name="of-somebody-else", SecretString=json.dumps({"password": "Somebody5else"}))
    told = send(stack, warehouse, "CREATE", "of-somebody-else")
    assert told["errorType"] == "AccessDenied", told
    assert "secretsmanager:GetSecretValue" in told["errorMessage"]
