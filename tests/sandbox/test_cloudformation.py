"""A stack deployed with the real SAM CLI has the effect it has on AWS."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.deploy import DeployError, deploy
from sandbox.process import Sandbox
from tests.sandbox.stage import Stage, eventually

TEMPLATE = Path(__file__).parent / "fixtures" / "stack" / "template.yaml"
STACK = "everything"


@pytest.fixture(scope="module")
def outputs(running_sandbox: Sandbox) -> dict[str, str]:
    return deploy(running_sandbox.endpoint, stack=STACK, template=TEMPLATE)


def test_a_deployed_workflow_runs_with_its_own_role(stage: Stage, outputs: dict[str, str]) -> None:
    started = stage.states.start_execution(stateMachineArn=outputs["MachineArn"], input='{"id": "7"}')
    ended = stage.end(started["executionArn"])

    assert json.loads(ended["output"]) == {"event": {"id": "7"}, "table": outputs["TableName"]}
    assert stage.sandbox.client("dynamodb").get_item(TableName=outputs["TableName"], Key={"id": {"S": "7"}})["Item"]


def test_an_event_on_the_stacks_bus_starts_the_workflow(stage: Stage, outputs: dict[str, str]) -> None:
    entry = {"Source": "test.request", "DetailType": "x", "Detail": '{"id": "from the bus"}', "EventBusName": outputs["BusName"]}
    stage.sandbox.client("events").put_events(Entries=[entry])

    table = stage.sandbox.client("dynamodb")
    assert eventually(lambda: table.get_item(TableName=outputs["TableName"], Key={"id": {"S": "from the bus"}}).get("Item"))


def test_a_table_has_its_time_to_live_recovery_and_encryption(stage: Stage, outputs: dict[str, str]) -> None:
    table, name = stage.sandbox.client("dynamodb"), outputs["TableName"]
    ttl = table.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    backups = table.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]

    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert table.describe_table(TableName=name)["Table"]["SSEDescription"]["SSEType"] == "KMS"


def test_a_function_has_its_dead_letter_queue_retries_and_reserved_concurrency(stage: Stage, outputs: dict[str, str]) -> None:
    name = outputs["FunctionName"]
    configuration = stage.functions.get_function_configuration(FunctionName=name)

    assert configuration["DeadLetterConfig"] == {"TargetArn": outputs["DeadLettersArn"]}
    assert stage.functions.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 3
    retries = stage.functions.get_function_event_invoke_config(FunctionName=name, Qualifier="$LATEST")
    assert retries["MaximumRetryAttempts"] == 1


def test_a_schedule_has_its_time_zone(stage: Stage, outputs: dict[str, str]) -> None:
    schedule = stage.sandbox.client("scheduler").get_schedule(Name=outputs["ScheduleName"])

    assert schedule["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert schedule["ScheduleExpression"] == "cron(0 8 ? * MON-FRI *)"


def test_a_bus_has_its_policy(stage: Stage, outputs: dict[str, str]) -> None:
    policy = json.loads(stage.sandbox.client("events").describe_event_bus(Name=outputs["BusName"])["Policy"])

    assert [statement["Sid"] for statement in policy["Statement"]] == ["organisation"]


def test_the_redshift_resources_exist(stage: Stage, outputs: dict[str, str]) -> None:
    redshift = stage.sandbox.client("redshift")
    subscription = redshift.describe_event_subscriptions(SubscriptionName=outputs["SubscriptionName"])["EventSubscriptionsList"][0]
    parameters = redshift.describe_cluster_parameters(ParameterGroupName=outputs["ParameterGroupName"])["Parameters"]
    subnets = redshift.describe_cluster_subnet_groups(ClusterSubnetGroupName=outputs["SubnetGroupName"])["ClusterSubnetGroups"][0]

    assert (subscription["Status"], subscription["SourceType"]) == ("active", "cluster")
    assert next(p["ParameterValue"] for p in parameters if p["ParameterName"] == "require_ssl") == "true"
    assert len(subnets["Subnets"]) == 1


def small_stack(stage: Stage, resources: dict[str, Any], stack: str) -> str:
    """Create or update a stack without SAM; answers its final status."""
    formation = stage.sandbox.client("cloudformation")
    body = json.dumps({"Resources": resources})
    try:
        formation.describe_stacks(StackName=stack)
    except ClientError:
        formation.create_stack(StackName=stack, TemplateBody=body)
    else:
        formation.update_stack(StackName=stack, TemplateBody=body)

    def done() -> str | None:
        status = str(formation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])
        return None if status.endswith("IN_PROGRESS") else status

    return eventually(done)


def test_redshift_resources_follow_their_template_and_go_with_their_stack(stage: Stage) -> None:
    stack, redshift = stage.name("stack"), stage.sandbox.client("redshift")

    def group(value: str) -> dict[str, Any]:
        properties = {
            "ParameterGroupName": stack,
            "Description": "audit",
            "ParameterGroupFamily": "redshift-1.0",
            "Parameters": [{"ParameterName": "enable_user_activity_logging", "ParameterValue": value}],
        }
        return {"Group": {"Type": "AWS::Redshift::ClusterParameterGroup", "Properties": properties}}

    def logging() -> str:
        parameters = redshift.describe_cluster_parameters(ParameterGroupName=stack)["Parameters"]
        return str(next(p["ParameterValue"] for p in parameters if p["ParameterName"] == "enable_user_activity_logging"))

    assert (small_stack(stage, group("true"), stack), logging()) == ("CREATE_COMPLETE", "true")
    assert (small_stack(stage, group("false"), stack), logging()) == ("UPDATE_COMPLETE", "false")
    stage.sandbox.client("cloudformation").delete_stack(StackName=stack)

    def gone() -> bool:
        try:
            redshift.describe_cluster_parameter_groups(ParameterGroupName=stack)
        except ClientError as error:
            return error.response["Error"]["Code"] == "ClusterParameterGroupNotFound"
        return False

    assert eventually(gone)


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        (
            {
                "Type": "AWS::Redshift::ClusterParameterGroup",
                "Properties": {
                    "Description": "x",
                    "ParameterGroupFamily": "redshift-1.0",
                    "Parameters": [{"ParameterName": "no_such_parameter", "ParameterValue": "1"}],
                },
            },
            "no_such_parameter",
        ),
        (
            {
                "Type": "AWS::Scheduler::Schedule",
                "Properties": {
                    "ScheduleExpression": "cron(0 8 * * ? *)",
                    "FlexibleTimeWindow": {"Mode": "OFF"},
                    "Target": {"Arn": "arn:aws:sqs:us-east-1:000000000000:x", "RoleArn": "arn:aws:iam::000000000000:role/x"},
                },
            },
            "must allow AWS EventBridge Scheduler to assume the role",
        ),
        (
            {
                "Type": "AWS::SNS::Subscription",
                "Properties": {"TopicArn": "arn:aws:sns:us-east-1:000000000000:missing", "Protocol": "email", "Endpoint": "a@b.c"},
            },
            "Topic does not exist",
        ),
    ],
)
def test_what_a_service_refuses_fails_the_stack(stage: Stage, resource: dict[str, Any], reason: str) -> None:
    stack = stage.name("stack")

    assert small_stack(stage, {"Refused": resource}, stack).startswith("ROLLBACK_")
    events = stage.sandbox.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    assert any(reason in event.get("ResourceStatusReason", "") for event in events)


def test_a_bucket_with_objects_is_not_deleted_with_its_stack(stage: Stage) -> None:
    stack, s3 = stage.name("stack"), stage.sandbox.client("s3")
    small_stack(stage, {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": stack}}}, stack)
    s3.put_object(Bucket=stack, Key="precious", Body=b"data")
    formation = stage.sandbox.client("cloudformation")
    formation.delete_stack(StackName=stack)

    assert eventually(lambda: formation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"] == "DELETE_FAILED")
    assert s3.get_object(Bucket=stack, Key="precious")["Body"].read() == b"data"


def test_a_template_that_cannot_be_deployed_says_why(sandbox: Sandbox, tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    resource = {
        "Type": "AWS::SNS::Subscription",
        "Properties": {"TopicArn": "arn:aws:sns:::none", "Protocol": "email", "Endpoint": "a@b.c"},
    }
    template.write_text(json.dumps({"Resources": {"Broken": resource}}))

    with pytest.raises(DeployError, match=r"Broken: .*Topic does not exist"):
        deploy(sandbox.endpoint, stack="broken", template=template)


def test_two_sandboxes_are_built_for_and_deployed_to_at_the_same_time(sandbox: Sandbox, outputs: dict[str, str]) -> None:
    with Sandbox() as other:
        found: dict[str, dict[str, str]] = {}

        def deploy_to(name: str, target: Sandbox, greeting: str) -> None:
            found[name] = deploy(target.endpoint, stack=STACK, template=TEMPLATE, parameters={"Greeting": greeting})

        threads = [
            threading.Thread(target=deploy_to, args=("first", sandbox, "good morning")),
            threading.Thread(target=deploy_to, args=("second", other, "good evening")),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        def greeting(target: Sandbox) -> str:
            name = outputs["FunctionName"]
            variables = target.client("lambda").get_function_configuration(FunctionName=name)["Environment"]["Variables"]
            return str(variables["GREETING"])

        assert found["first"]["FunctionName"] == found["second"]["FunctionName"] == outputs["FunctionName"]
        assert (greeting(sandbox), greeting(other)) == ("good morning", "good evening")
