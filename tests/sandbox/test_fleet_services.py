"""What a fleet is run by: EventBridge Scheduler, tags, Distributed Maps and nested executions answer as AWS does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.stage import Stage, eventually, task

# EventBridge Scheduler


@pytest.fixture
def group(stage: Stage) -> Iterator[str]:
    name = stage.name("group")
    scheduler = stage.sandbox.client("scheduler")
    scheduler.create_schedule_group(Name=name)
    yield name
    scheduler.delete_schedule_group(Name=name)


def schedule(stage: Stage, group: str, **changes: Any) -> dict[str, Any]:
    """A request that AWS takes, before the changes."""
    target = {"Arn": "arn:aws:states:us-east-1:000000000000:stateMachine:m", "RoleArn": stage.role(), "Input": "{}"}
    return {
        "Name": stage.name("schedule"),
        "GroupName": group,
        "ScheduleExpression": "cron(0 8 ? * MON-FRI *)",
        "ScheduleExpressionTimezone": "Europe/Berlin",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {**target, **changes.pop("Target", {})},
        **changes,
    }


def code_of(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    return str(raised.value.response["Error"]["Code"])


def test_schedules_of_a_group_are_listed_page_by_page(stage: Stage, group: str) -> None:
    scheduler, role = stage.sandbox.client("scheduler"), stage.role()
    names = {scheduler.create_schedule(**schedule(stage, group, Target={"RoleArn": role}))["ScheduleArn"] for _ in range(5)}
    pages = list(scheduler.get_paginator("list_schedules").paginate(GroupName=group, PaginationConfig={"PageSize": 2}))
    assert [len(page["Schedules"]) for page in pages] == [2, 2, 1]
    assert {one["Arn"] for page in pages for one in page["Schedules"]} == names
    assert code_of(scheduler.list_schedules, GroupName="no-such-group") == "ResourceNotFoundException"


def test_a_client_token_makes_a_creation_idempotent_and_a_name_is_taken_once(stage: Stage, group: str) -> None:
    scheduler, request = stage.sandbox.client("scheduler"), schedule(stage, group)
    first = scheduler.create_schedule(**request, ClientToken="same")["ScheduleArn"]
    assert scheduler.create_schedule(**request, ClientToken="same")["ScheduleArn"] == first
    assert code_of(scheduler.create_schedule, **request, ClientToken="other") == "ConflictException"
    scheduler.delete_schedule(Name=request["Name"], GroupName=group)
    assert code_of(scheduler.delete_schedule, Name=request["Name"], GroupName=group) == "ResourceNotFoundException"


@pytest.mark.parametrize(
    "wrong",
    [
        {"FlexibleTimeWindow": {"Mode": "OFF", "MaximumWindowInMinutes": 5}},
        {"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}},
        {"Target": {"Input": "not JSON"}},
        {"Target": {"RetryPolicy": {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 0}, "Input": "{"}},
        {"ScheduleExpression": "cron(0 8 1 * MON *)"},
        {"ScheduleExpression": "cron(0 8 ? * MON#6 *)"},
    ],
    ids=str,
)
def test_a_schedule_that_aws_would_not_take_is_refused(stage: Stage, group: str, wrong: dict[str, Any]) -> None:
    scheduler = stage.sandbox.client("scheduler")
    assert code_of(scheduler.create_schedule, **schedule(stage, group, **wrong)) == "ValidationException"


def test_a_schedules_role_must_be_passed_by_who_may_and_assumed_by_scheduler(stage: Stage, group: str) -> None:
    iam, name = stage.sandbox.client("iam"), stage.name("role")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "states.amazonaws.com"}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    untrusting = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    scheduler = stage.sandbox.client("scheduler")
    assert code_of(scheduler.create_schedule, **schedule(stage, group, Target={"RoleArn": untrusting})) == "ValidationException"
    function = stage.function(
        """
        import boto3
        def handler(event, context):
            boto3.client("scheduler").create_schedule(**event)
        """,
        Role=stage.role([{"Effect": "Allow", "Action": "scheduler:CreateSchedule", "Resource": "*"}]),
    )
    answer = stage.functions.invoke(FunctionName=function, Payload=json.dumps(schedule(stage, group)))
    assert "iam:PassRole" in json.load(answer["Payload"])["errorMessage"]


def test_a_right_on_one_group_is_none_on_another(stage: Stage, group: str) -> None:
    other = {"Effect": "Allow", "Action": ["scheduler:DeleteSchedule"], "Resource": "arn:aws:scheduler:*:*:schedule/another/*"}
    own = {**other, "Resource": f"arn:aws:scheduler:*:*:schedule/{group}/*"}
    source = """
        import boto3
        def handler(event, context):
            boto3.client("scheduler").delete_schedule(**event)
    """
    asked = json.dumps({"Name": "none", "GroupName": group})
    refused, allowed = (
        json.load(stage.functions.invoke(FunctionName=stage.function(source, Role=stage.role([right])), Payload=asked)["Payload"])
        for right in (other, own)
    )
    assert "AccessDenied" in refused["errorMessage"]
    assert "ResourceNotFound" in allowed["errorMessage"]


# Resource Groups Tagging API


def test_redshift_is_found_by_its_tags_page_by_page(stage: Stage) -> None:
    redshift, key = stage.sandbox.client("redshift"), stage.name("tag")
    names = [stage.name("found") for _ in range(3)]
    for name, value in zip(names, ("a", "b", "a"), strict=True):
        redshift.create_cluster(
            ClusterIdentifier=name,
            NodeType="ra3.large",
            ClusterType="single-node",
            MasterUsername="awsuser",
            MasterUserPassword="Passw0rd!",
            Tags=[{"Key": key, "Value": value}],
        )
    serverless, workgroup = stage.sandbox.client("redshift-serverless"), stage.name("found")
    serverless.create_namespace(namespaceName=workgroup)
    arn = serverless.create_workgroup(workgroupName=workgroup, namespaceName=workgroup, tags=[{"key": key, "value": "a"}])["workgroup"][
        "workgroupArn"
    ]
    try:
        pages = list(_find(stage, {"Key": key}, size=3))
        found = {one["ResourceARN"] for page in pages for one in page["ResourceTagMappingList"]}
        assert [len(page["ResourceTagMappingList"]) for page in pages] == [3, 1]
        assert found == {f"arn:aws:redshift:us-east-1:000000000000:cluster:{name}" for name in names} | {arn}
        assert {one["ResourceARN"] for page in _find(stage, {"Key": key, "Values": ["b"]}) for one in page["ResourceTagMappingList"]} == {
            f"arn:aws:redshift:us-east-1:000000000000:cluster:{names[1]}"
        }
        tagging = stage.sandbox.client("resourcegroupstaggingapi")
        assert code_of(tagging.get_resources, PaginationToken="made up") == "PaginationTokenExpiredException"
        assert code_of(tagging.get_resources, ResourcesPerPage=101) == "InvalidParameterException"
    finally:
        stage.sandbox.desk("POST", "reset")


def _find(stage: Stage, tag: dict[str, Any], size: int = 100) -> Any:
    pages = stage.sandbox.client("resourcegroupstaggingapi").get_paginator("get_resources")
    types = ["redshift:cluster", "redshift-serverless:workgroup"]
    return pages.paginate(ResourceTypeFilters=types, TagFilters=[tag], PaginationConfig={"PageSize": size})


# Distributed Map

CHILD = {
    "Work": {"Type": "Choice", "Choices": [{"Condition": "{% $states.input.good %}", "Next": "Fine"}], "Default": "Broken"},
    "Fine": {"Type": "Pass", "Output": {"name": "{% $states.input.name %}", "as": "{% $states.context.Execution.Id %}"}, "End": True},
    "Broken": {"Type": "Fail", "Error": "Broken", "Cause": "it was bad"},
}


def fan_out(bucket: str, **fields: Any) -> dict[str, Any]:
    """A workflow with one Distributed Map over the items in `items.json`, of which 4 in 10 may fail."""
    return {
        "QueryLanguage": "JSONata",
        "StartAt": "All",
        "States": {
            "All": {
                "Type": "Map",
                "ItemReader": {
                    "Resource": "arn:aws:states:::s3:getObject",
                    "ReaderConfig": {"InputType": "JSON"},
                    "Arguments": {"Bucket": bucket, "Key": "{% $states.input.key %}"},
                },
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                    "StartAt": "Work",
                    "States": CHILD,
                },
                "MaxConcurrency": 2,
                "ToleratedFailurePercentage": 40,
                "End": True,
                **fields,
            }
        },
    }


@pytest.fixture
def bucket(stage: Stage) -> str:
    name = stage.name("bucket")
    stage.sandbox.client("s3").create_bucket(Bucket=name)
    return name


def put_items(stage: Stage, bucket: str, good: list[bool]) -> dict[str, str]:
    items = [{"name": f"item-{number}", "good": is_good} for number, is_good in enumerate(good)]
    stage.sandbox.client("s3").put_object(Bucket=bucket, Key="items.json", Body=json.dumps(items).encode())
    return {"key": "items.json"}


def read_json(stage: Stage, bucket: str, key: str) -> Any:
    return json.load(stage.sandbox.client("s3").get_object(Bucket=bucket, Key=key)["Body"])


def test_a_distributed_map_writes_its_results_by_status_with_a_manifest(stage: Stage, bucket: str) -> None:
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Arguments": {"Bucket": bucket, "Prefix": "{% $states.input.key & '/out' %}"}}
    ended = stage.run(fan_out(bucket, ResultWriter=writer), data=put_items(stage, bucket, [True, False, True]))
    assert ended["status"] == "SUCCEEDED", ended
    where = json.loads(ended["output"])["ResultWriterDetails"]
    assert where["Key"].startswith("items.json/out/")
    files = read_json(stage, bucket, where["Key"])["ResultFiles"]
    done = read_json(stage, bucket, files["SUCCEEDED"][0]["Key"])
    assert [json.loads(one["Output"])["name"] for one in done] == ["item-0", "item-2"]
    assert [json.loads(one["Output"])["as"] for one in done] == [one["ExecutionArn"] for one in done]
    assert [(one["Error"], one["Cause"]) for one in read_json(stage, bucket, files["FAILED"][0]["Key"])] == [("Broken", "it was bad")]
    entered = [event["type"] for event in stage.history(done[0]["ExecutionArn"]) if event["type"].endswith("StateEntered")]
    assert entered == ["ChoiceStateEntered", "PassStateEntered"]


def test_a_distributed_map_fails_when_more_fail_than_are_tolerated(stage: Stage, bucket: str) -> None:
    ended = stage.run(fan_out(bucket), data=put_items(stage, bucket, [True, False]))
    assert (ended["status"], ended["error"]) == ("FAILED", "States.ExceedToleratedFailureThreshold")


def test_a_distributed_map_needs_the_right_to_start_itself_and_to_read_its_items(stage: Stage, bucket: str) -> None:
    data, start = put_items(stage, bucket, [True]), {"Effect": "Allow", "Action": "states:StartExecution", "Resource": "*"}
    assert stage.end(stage.start(fan_out(bucket), role=stage.role([]), data=data))["error"] == "States.Permissions"
    assert stage.end(stage.start(fan_out(bucket), role=stage.role([start]), data=data))["error"] == "States.ItemReaderFailed"


# Nested executions

SLOW = {"QueryLanguage": "JSONata", "StartAt": "Rest", "States": {"Rest": {"Type": "Wait", "Seconds": 600, "End": True}}}
FAILING = {"QueryLanguage": "JSONata", "StartAt": "Give Up", "States": {"Give Up": {"Type": "Fail", "Error": "Tired", "Cause": "too late"}}}


def nested(machine: str, **arguments: Any) -> dict[str, Any]:
    given = {"StateMachineArn": machine, "Input": {"a": 1}, **arguments}
    return task(Resource="arn:aws:states:::states:startExecution.sync:2", Arguments=given)


def test_a_nested_execution_that_fails_fails_its_task_with_its_description(stage: Stage) -> None:
    ended = stage.run(nested(stage.machine(FAILING)))
    assert ended["error"] == "States.TaskFailed"
    cause = json.loads(ended["cause"])
    assert (cause["Status"], cause["Error"], cause["Cause"], json.loads(cause["Input"])) == ("FAILED", "Tired", "too late", {"a": 1})


def test_a_name_runs_once_and_who_starts_it_again_with_the_same_input_joins(stage: Stage) -> None:
    machine = stage.machine(SLOW)
    arguments = {"stateMachineArn": machine, "name": "only", "input": '{"a": 1}'}
    arn = stage.states.start_execution(**arguments)["executionArn"]
    assert stage.states.start_execution(**arguments)["executionArn"] == arn
    assert code_of(stage.states.start_execution, **{**arguments, "input": "{}"}) == "ExecutionAlreadyExists"
    stage.states.stop_execution(executionArn=arn)
    assert code_of(stage.states.start_execution, **arguments) == "ExecutionAlreadyExists"
    ended = stage.run(nested(machine, Name="only"))
    assert ended["error"] == "StepFunctions.ExecutionAlreadyExistsException"


def test_a_nested_execution_stops_with_the_execution_that_waits_for_it(stage: Stage) -> None:
    machine = stage.machine(SLOW)
    parent = stage.start(nested(machine, Name="child"))
    child = machine.replace(":stateMachine:", ":execution:") + ":child"

    def status() -> str:
        try:
            return str(stage.states.describe_execution(executionArn=child)["status"])
        except ClientError:
            return ""

    eventually(lambda: status() == "RUNNING")
    stage.states.stop_execution(executionArn=parent)
    eventually(lambda: status() == "ABORTED")


def test_waiting_for_a_nested_execution_needs_the_rights_to_watch_it(stage: Stage) -> None:
    start = {"Effect": "Allow", "Action": "states:StartExecution", "Resource": "*"}
    ended = stage.end(stage.start(nested(stage.machine(FAILING)), role=stage.role([start])))
    assert ended["error"] == "StepFunctions.AWSStepFunctionsException"
    assert "states:DescribeExecution" in ended["cause"]
