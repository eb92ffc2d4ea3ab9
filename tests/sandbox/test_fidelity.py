"""Contracts with AWS that ministack does not keep by itself: each fails without its patch, and when an upgrade makes it wrong."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.stage import ENDED, LAMBDA_CALLBACK, LAMBDA_INVOKE, Stage, eventually, task

FAILING = """
    class WarehouseBusy(Exception):
        pass

    def handler(event, context):
        raise WarehouseBusy("three queries run")
"""
QUIET = "def handler(event, context): return event"
# Publishes the token it got as a log line, and answers nothing.
TOKEN_KEEPER = "def handler(event, context): print('token=' + event['token'])"


def callback(function: str, **fields: Any) -> dict[str, Any]:
    arguments = {"FunctionName": function, "Payload": {"token": "{% $states.context.Task.Token %}"}}
    return task(Resource=LAMBDA_CALLBACK, Arguments=arguments, **fields)


def tokens(stage: Stage, function: str, count: int) -> list[str]:
    """The first task tokens that the token keeper got."""

    def logged() -> list[str] | None:
        lines = [line.removeprefix("token=") for line in stage.logged(function).splitlines() if line.startswith("token=")]
        return lines if len(lines) >= count else None

    return eventually(logged)


def status_of(stage: Stage, execution: str) -> str:
    return str(stage.states.describe_execution(executionArn=execution)["status"])


# Lambda


def test_a_failed_invocation_names_the_class_of_its_exception(stage: Stage) -> None:
    answer = stage.functions.invoke(FunctionName=stage.function(FAILING))

    payload = json.load(answer["Payload"])
    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorType"] == "WarehouseBusy"
    assert payload["errorMessage"] == "three queries run"
    assert "in handler" in "".join(payload["stackTrace"])


def test_a_function_that_cannot_be_imported_says_so(stage: Stage) -> None:
    answer = stage.functions.invoke(FunctionName=stage.function("import no_such_module\ndef handler(event, context): pass"))

    payload = json.load(answer["Payload"])
    assert payload["errorType"] == "Runtime.ImportModuleError"
    assert "no_such_module" in payload["errorMessage"]


def test_a_failed_lambda_task_fails_with_the_class_of_its_exception(stage: Stage) -> None:
    ended = stage.run(task(Resource=LAMBDA_INVOKE, Arguments={"FunctionName": stage.function(FAILING)}))

    assert ended["error"] == "WarehouseBusy"
    assert json.loads(ended["cause"])["errorMessage"] == "three queries run"


def test_a_function_sees_nothing_of_the_host(stage: Stage) -> None:
    function = stage.function(
        "import os\ndef handler(event, context): return dict(os.environ)", Environment={"Variables": {"AUTH": "mine"}}
    )

    seen = json.load(stage.functions.invoke(FunctionName=function)["Payload"])
    assert seen["AUTH"] == "mine"
    assert seen["AWS_ENDPOINT_URL"] == stage.sandbox.endpoint
    assert not {"GATEWAY_PORT", "SFN_WAIT_SCALE", "PYTHONPATH", "HOME", "STATE_DIR", "USER", "VIRTUAL_ENV"} & set(seen)


def test_a_function_acts_with_its_own_role(stage: Stage) -> None:
    source = """
        import boto3
        def handler(event, context):
            boto3.client("dynamodb").put_item(TableName=event["table"], Item={"id": {"S": "1"}})
            return boto3.client("sts").get_caller_identity()["Arn"]
    """
    allowed, forbidden = stage.table(), stage.table()
    statement = {"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": f"arn:aws:dynamodb:*:*:table/{allowed}"}
    role = stage.role([statement])
    function = stage.function(source, Role=role)

    caller = json.load(stage.functions.invoke(FunctionName=function, Payload=json.dumps({"table": allowed}))["Payload"])
    assert f"assumed-role/{role.rpartition('/')[2]}/" in caller
    refused = json.load(stage.functions.invoke(FunctionName=function, Payload=json.dumps({"table": forbidden}))["Payload"])
    assert refused["errorType"] == "ClientError"
    assert "AccessDenied" in refused["errorMessage"]


def test_metrics_embedded_in_log_lines_reach_cloudwatch(stage: Stage) -> None:
    namespace = stage.name("namespace")
    source = f"""
        import json
        def handler(event, context):
            print(json.dumps({{
                "_aws": {{"Timestamp": 0, "CloudWatchMetrics": [{{"Namespace": "{namespace}", "Dimensions": [["service"]],
                          "Metrics": [{{"Name": "Paused", "Unit": "Count"}}]}}]}},
                "service": "autopilot", "Paused": [2.0, 3.0]}}))
    """
    stage.functions.invoke(FunctionName=stage.function(source))

    now = datetime.now(UTC)
    found = eventually(
        lambda: stage.sandbox.client("cloudwatch").get_metric_statistics(
            Namespace=namespace,
            MetricName="Paused",
            Dimensions=[{"Name": "service", "Value": "autopilot"}],
            StartTime=now - timedelta(minutes=5),
            EndTime=now + timedelta(minutes=5),
            Period=3600,
            Statistics=["Sum"],
        )["Datapoints"]
    )
    assert sum(point["Sum"] for point in found) == 5.0


def test_an_event_that_its_function_fails_on_is_tried_three_times_and_then_dead(stage: Stage) -> None:
    url, arn = stage.queue()
    function = stage.function(
        "def handler(event, context):\n    print('tried')\n    raise ValueError('no')", DeadLetterConfig={"TargetArn": arn}
    )
    events, rule = stage.sandbox.client("events"), stage.name("rule")
    rule_arn = events.put_rule(Name=rule, EventPattern=json.dumps({"source": [rule]}))["RuleArn"]
    events.put_targets(Rule=rule, Targets=[{"Id": "function", "Arn": function}])
    stage.functions.add_permission(
        FunctionName=function, StatementId="rule", Action="lambda:InvokeFunction", Principal="events.amazonaws.com", SourceArn=rule_arn
    )
    events.put_events(Entries=[{"Source": rule, "DetailType": "x", "Detail": '{"n": 1}'}])

    dead = stage.message(url)
    assert json.loads(dead["Body"])["detail"] == {"n": 1}
    assert dead["MessageAttributes"]["ErrorMessage"]["StringValue"] == "no"
    assert stage.logged(function).splitlines().count("tried") == 3


def test_a_notification_that_its_function_fails_on_is_tried_three_times_and_then_dead(stage: Stage) -> None:
    url, arn = stage.queue()
    function = stage.function(
        "def handler(event, context):\n    print('tried')\n    raise ValueError('no')", DeadLetterConfig={"TargetArn": arn}
    )
    sns = stage.sandbox.client("sns")
    topic = sns.create_topic(Name=stage.name("topic"))["TopicArn"]
    stage.functions.add_permission(
        FunctionName=function, StatementId="topic", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com", SourceArn=topic
    )
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)
    sns.publish(TopicArn=topic, Message="paused")

    assert json.loads(stage.message(url)["Body"])["Records"][0]["Sns"]["Message"] == "paused"
    assert stage.logged(function).splitlines().count("tried") == 3


def test_a_topic_without_permission_to_invoke_gives_the_message_to_the_subscriptions_dead_letter_queue(stage: Stage) -> None:
    url, arn = stage.queue()
    function = stage.function(QUIET)
    sns = stage.sandbox.client("sns")
    topic = sns.create_topic(Name=stage.name("topic"))["TopicArn"]
    redrive = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn})}
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function, Attributes=redrive)
    sns.publish(TopicArn=topic, Message="paused")

    assert json.loads(stage.message(url)["Body"])["Message"] == "paused"
    assert stage.logged(function) == ""


# Waiting for a task token


def test_a_function_that_fails_fails_the_task_that_waits_for_its_token(stage: Stage) -> None:
    ended = stage.run(callback(stage.function(FAILING), TimeoutSeconds=60))

    assert (ended["status"], ended["error"]) == ("FAILED", "WarehouseBusy")


def test_an_answer_counts_even_when_the_function_fails_after_it(stage: Stage) -> None:
    source = """
        import boto3
        def handler(event, context):
            boto3.client("stepfunctions").send_task_success(taskToken=event["token"], output='"done"')
            raise ValueError("too late")
    """
    ended = stage.run(callback(stage.function(source)))

    assert (ended["status"], ended["output"]) == ("SUCCEEDED", '"done"')


def test_a_task_without_a_heartbeat_in_time_fails(stage: Stage) -> None:
    ended = stage.run(callback(stage.function(QUIET), HeartbeatSeconds=1, TimeoutSeconds=60))

    assert (ended["status"], ended["error"]) == ("FAILED", "States.HeartbeatTimeout")


def test_heartbeat_and_time_out_may_be_expressions(stage: Stage) -> None:
    beat = stage.run(callback(stage.function(QUIET), HeartbeatSeconds="{% $states.input.beat %}"), data={"beat": 1})
    limit = stage.run(callback(stage.function(QUIET), TimeoutSeconds="{% $states.input.limit %}"), data={"limit": 1})

    assert (beat["error"], limit["error"]) == ("States.HeartbeatTimeout", "States.Timeout")


def test_a_heartbeat_prolongs_the_wait(stage: Stage) -> None:
    keeper = stage.function(TOKEN_KEEPER)
    execution = stage.start(callback(keeper, HeartbeatSeconds=5, TimeoutSeconds=60))
    token = tokens(stage, keeper, 1)[0]
    until = time.monotonic() + 6.5
    while time.monotonic() < until:
        stage.states.send_task_heartbeat(taskToken=token)
        time.sleep(0.2)

    assert status_of(stage, execution) == "RUNNING"
    stage.states.send_task_success(taskToken=token, output="{}")
    assert stage.end(execution)["status"] == "SUCCEEDED"


def test_every_attempt_has_a_token_of_its_own_and_the_old_one_is_dead(stage: Stage) -> None:
    keeper = stage.function(TOKEN_KEEPER)
    retry = [{"ErrorEquals": ["States.HeartbeatTimeout"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    execution = stage.start(callback(keeper, HeartbeatSeconds=2, Retry=retry))
    first, second = tokens(stage, keeper, 2)[:2]

    assert first != second
    with pytest.raises(ClientError, match="TaskTimedOut"):
        stage.states.send_task_success(taskToken=first, output="{}")
    stage.states.send_task_success(taskToken=second, output='{"by": "second"}')
    assert json.loads(stage.end(execution)["output"]) == {"by": "second"}


def test_a_task_is_answered_once(stage: Stage) -> None:
    keeper = stage.function(TOKEN_KEEPER)
    execution = stage.start(callback(keeper))
    token = tokens(stage, keeper, 1)[0]
    stage.states.send_task_success(taskToken=token, output='"first"')

    with pytest.raises(ClientError, match="TaskTimedOut"):
        stage.states.send_task_failure(taskToken=token, error="Second")
    assert stage.end(execution)["output"] == '"first"'


def test_a_made_up_token_is_invalid_and_output_must_be_json(stage: Stage) -> None:
    with pytest.raises(ClientError, match="InvalidToken"):
        stage.states.send_task_success(taskToken="made up", output="{}")
    with pytest.raises(ClientError, match="InvalidOutput"):
        stage.states.send_task_success(taskToken="made up", output="{")


def test_branches_of_a_parallel_state_have_their_own_tokens(stage: Stage) -> None:
    source = """
        import boto3, json, time
        def handler(event, context):
            time.sleep(event["pause"])
            boto3.client("stepfunctions").send_task_success(taskToken=event["token"], output=json.dumps(event["name"]))
    """
    function = stage.function(source)

    def branch(number: int) -> dict[str, Any]:
        payload = {"token": "{% $states.context.Task.Token %}", "name": f"branch {number}", "pause": (number % 2) * 0.3}
        work = {"Type": "Task", "Resource": LAMBDA_CALLBACK, "End": True, "Arguments": {"FunctionName": function, "Payload": payload}}
        return {"StartAt": "Work", "States": {"Work": {**work, "TimeoutSeconds": 30}}}

    parallel = {"Type": "Parallel", "End": True, "Branches": [branch(n) for n in range(4)], "Output": {"names": "{% $states.result %}"}}
    ended = stage.run({"QueryLanguage": "JSONata", "StartAt": "All", "States": {"All": parallel}})

    assert json.loads(ended["output"]) == {"names": [f"branch {n}" for n in range(4)]}


# Retry


def test_the_delay_between_attempts_is_capped_and_spread(stage: Stage) -> None:
    """Without the cap the second delay would be 500 s, at the sandbox's scale of a tenth: 50 s."""
    retry = [{"ErrorEquals": ["WarehouseBusy"], "IntervalSeconds": 1, "BackoffRate": 500, "MaxDelaySeconds": 2, "MaxAttempts": 2}]
    began = time.monotonic()
    ended = stage.run(
        task(Resource=LAMBDA_INVOKE, Arguments={"FunctionName": stage.function(FAILING)}, Retry=[{**retry[0], "JitterStrategy": "FULL"}])
    )

    assert ended["error"] == "WarehouseBusy"
    assert time.monotonic() - began < 15
    kinds = [event["type"] for event in stage.history(ended["executionArn"])]
    assert kinds.count("TaskFailed") == 3


def test_states_all_does_not_catch_what_aws_does_not_let_it_catch(stage: Stage) -> None:
    definition = task(
        Resource=LAMBDA_INVOKE,
        Arguments={"FunctionName": stage.function("def handler(event, context): return 'x' * 300_000")},
        Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Caught"}],
    )
    definition["States"]["Caught"] = {"Type": "Succeed"}

    ended = stage.run(definition)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.DataLimitExceeded")


# How executions begin and end


def test_the_output_of_a_succeed_state_is_the_output_of_the_execution(stage: Stage) -> None:
    done = {"Type": "Succeed", "Output": {"why": "{% $states.input.reason %}"}}
    ended = stage.run({"QueryLanguage": "JSONata", "StartAt": "Done", "States": {"Done": done}}, data={"reason": "night"})

    assert json.loads(ended["output"]) == {"why": "night"}


def test_input_must_be_json_of_a_bounded_size(stage: Stage) -> None:
    machine = stage.machine({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})

    with pytest.raises(ClientError, match="InvalidExecutionInput"):
        stage.states.start_execution(stateMachineArn=machine, input="{")
    with pytest.raises(ClientError, match="262144"):
        stage.states.start_execution(stateMachineArn=machine, input=json.dumps("x" * 262_144))


def test_an_execution_ends_when_its_time_is_over(stage: Stage) -> None:
    ended = stage.run({**callback(stage.function(QUIET)), "TimeoutSeconds": 1})

    assert ended["status"] == "TIMED_OUT"
    assert stage.history(ended["executionArn"])[-1]["type"] == "ExecutionTimedOut"


def test_a_stopped_execution_retries_nothing_and_stays_stopped(stage: Stage) -> None:
    keeper = stage.function(TOKEN_KEEPER)
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 10}]
    execution = stage.start(callback(keeper, HeartbeatSeconds=1, Retry=retry))
    token = tokens(stage, keeper, 1)[-1]
    stage.states.stop_execution(executionArn=execution, error="Stopped", cause="by a person")
    attempts = len(tokens(stage, keeper, 1))

    def refused() -> bool:
        try:
            stage.states.send_task_heartbeat(taskToken=token)
        except ClientError as error:
            return error.response["Error"]["Code"] == "TaskTimedOut"
        return False

    eventually(refused, 5)
    time.sleep(1.5)  # longer than the heartbeat and the delay before the next attempt would be
    assert len(tokens(stage, keeper, 1)) == attempts
    described = stage.states.describe_execution(executionArn=execution)
    assert (described["status"], described["error"]) == ("ABORTED", "Stopped")
    assert stage.history(execution)[-1]["type"] == "ExecutionAborted"


def test_a_stopped_execution_wakes_from_its_wait(stage: Stage) -> None:
    states: dict[str, Any] = {"Wait": {"Type": "Wait", "Seconds": 30, "Next": "Work"}, "Work": {"Type": "Pass", "End": True}}
    execution = stage.start({"StartAt": "Wait", "States": states})
    eventually(lambda: [e for e in stage.history(execution) if e["type"] == "WaitStateEntered"])
    stage.states.stop_execution(executionArn=execution)
    events = len(stage.history(execution))

    time.sleep(3.5)  # the whole wait at the sandbox's scale of a tenth
    assert len(stage.history(execution)) == events


@pytest.fixture
def status_events(stage: Stage) -> str:
    """The URL of a queue that gets every status change of executions."""
    url, arn = stage.open_queue("events.amazonaws.com")
    events, rule = stage.sandbox.client("events"), stage.name("rule")
    events.put_rule(Name=rule, EventPattern=json.dumps({"source": ["aws.states"]}))
    events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": arn}])
    return url


def status_changes(stage: Stage, url: str, execution: str, count: int) -> list[dict[str, Any]]:
    sqs, found = stage.sandbox.client("sqs"), []

    def enough() -> list[dict[str, Any]] | None:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            event = json.loads(message["Body"])
            if event["detail"]["executionArn"] == execution:
                found.append(event)
        return found if len(found) >= count else None

    return eventually(enough)


@pytest.mark.parametrize("status", ENDED)
def test_every_end_of_an_execution_is_an_event_with_its_facts(stage: Stage, status_events: str, status: str) -> None:
    definitions: dict[str, dict[str, Any]] = {
        "SUCCEEDED": {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}},
        "FAILED": {"StartAt": "No", "States": {"No": {"Type": "Fail", "Error": "Broken", "Cause": "a test"}}},
        "TIMED_OUT": {"TimeoutSeconds": 1, "StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}}},
        "ABORTED": {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}}},
    }
    execution = stage.start(definitions[status], data={"warehouse": "analytics"})
    if status == "ABORTED":
        stage.states.stop_execution(executionArn=execution, error="Stopped", cause="a test")

    began, ended = sorted(status_changes(stage, status_events, execution, 2), key=lambda event: event["detail"]["stopDate"] or 0)
    detail = ended["detail"]
    assert ended["detail-type"] == "Step Functions Execution Status Change"
    assert ended["resources"] == [execution]
    assert (began["detail"]["status"], detail["status"]) == ("RUNNING", status)
    assert json.loads(detail["input"]) == {"warehouse": "analytics"}
    assert detail["stopDate"] >= detail["startDate"] > 1_000_000_000_000
    assert (detail["error"], detail["output"]) == {
        "SUCCEEDED": (None, '{"warehouse": "analytics"}'),
        "FAILED": ("Broken", None),
        "TIMED_OUT": (None, None),
        "ABORTED": ("Stopped", None),
    }[status]


def test_status_changes_are_lost_when_hints_are(stage: Stage, status_events: str) -> None:
    stage.sandbox.desk("POST", "events", {"drop": True})
    ended = stage.run({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})

    with pytest.raises(AssertionError, match="nothing within"):
        eventually(lambda: stage.sandbox.client("sqs").receive_message(QueueUrl=status_events).get("Messages"), 1)
    assert ended["status"] == "SUCCEEDED"
    assert stage.sandbox.desk("GET", "events")["dropped"] >= 2


def test_failed_executions_are_counted_as_a_metric(stage: Stage) -> None:
    ended = stage.run({"StartAt": "No", "States": {"No": {"Type": "Fail"}}})

    now = datetime.now(UTC)
    points = stage.sandbox.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/States",
        MetricName="ExecutionsFailed",
        Dimensions=[{"Name": "StateMachineArn", "Value": ended["stateMachineArn"]}],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=5),
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    assert [point["Sum"] for point in points] == [1.0]


# What a state machine may


def put_item(table: str) -> dict[str, Any]:
    return task(Resource="arn:aws:states:::dynamodb:putItem", Arguments={"TableName": table, "Item": {"id": {"S": "1"}}})


def test_a_direct_integration_needs_the_permission_of_the_state_machines_role(stage: Stage) -> None:
    mine, other = stage.table(), stage.table()
    role = stage.role([{"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": f"arn:aws:dynamodb:*:*:table/{mine}"}])

    assert stage.run(put_item(mine), role)["status"] == "SUCCEEDED"
    denied = stage.run(put_item(other), role)
    assert (denied["status"], denied["error"]) == ("FAILED", "DynamoDB.AmazonDynamoDBException")
    assert "is not authorized to perform: dynamodb:PutItem" in denied["cause"]
    assert "Item" not in stage.sandbox.client("dynamodb").get_item(TableName=other, Key={"id": {"S": "1"}})


@pytest.mark.parametrize(
    ("resource", "arguments"),
    [
        ("arn:aws:states:::sns:publish", {"TopicArn": "arn:aws:sns:us-east-1:000000000000:people", "Message": "x"}),
        ("arn:aws:states:::sqs:sendMessage", {"QueueUrl": "http://queue/000000000000/work", "MessageBody": "x"}),
        ("arn:aws:states:::events:putEvents", {"Entries": [{"Source": "x", "DetailType": "x", "Detail": {}}]}),
        ("arn:aws:states:::lambda:invoke", {"FunctionName": "any"}),
        ("arn:aws:states:::states:startExecution", {"StateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:x"}),
        ("arn:aws:states:::aws-sdk:dynamodb:getItem", {"TableName": "any", "Key": {}}),
        ("arn:aws:states:::aws-sdk:redshift:describeClusters", {}),
    ],
)
def test_a_state_machine_without_permissions_may_do_nothing(stage: Stage, resource: str, arguments: dict[str, Any]) -> None:
    denied = stage.run(task(Resource=resource, Arguments=arguments), stage.role([]))

    assert denied["status"] == "FAILED"
    assert "is not authorized to perform" in denied["cause"]


def test_errors_of_redshift_have_the_names_of_the_java_sdk(stage: Stage) -> None:
    def error(call: str, arguments: dict[str, Any]) -> str:
        return str(stage.run(task(Resource=f"arn:aws:states:::aws-sdk:{call}", Arguments=arguments))["error"])

    assert error("redshift:pauseCluster", {"ClusterIdentifier": "missing"}) == "Redshift.ClusterNotFoundException"
    assert error("redshiftserverless:getWorkgroup", {"WorkgroupName": "missing"}) == "RedshiftServerless.ResourceNotFoundException"
    stage.sandbox.desk("POST", "faults", {"service": "redshift", "code": "Throttling", "times": 1})
    assert error("redshift:describeClusters", {}) == "Redshift.RedshiftException"


def test_a_state_machine_may_write_an_object(stage: Stage) -> None:
    s3, bucket = stage.sandbox.client("s3"), stage.name("bucket")
    s3.create_bucket(Bucket=bucket)
    arguments = {"Bucket": bucket, "Key": "a/b.json", "Body": "{% $string({'n': 1}) %}", "ContentType": "application/json"}
    ended = stage.run(task(Resource="arn:aws:states:::aws-sdk:s3:putObject", Arguments=arguments))
    assert ended["status"] == "SUCCEEDED", ended
    assert s3.get_object(Bucket=bucket, Key="a/b.json")["Body"].read() == b'{"n":1}'


# Rules and schedules


def test_a_rule_that_may_not_start_its_machine_uses_its_dead_letter_queue(stage: Stage) -> None:
    url, arn = stage.open_queue("events.amazonaws.com")
    machine = stage.machine({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
    events, rule = stage.sandbox.client("events"), stage.name("rule")
    events.put_rule(Name=rule, EventPattern=json.dumps({"source": [rule]}))
    target = {"Id": "machine", "Arn": machine, "RoleArn": stage.role([]), "DeadLetterConfig": {"Arn": arn}}
    events.put_targets(Rule=rule, Targets=[target])
    events.put_events(Entries=[{"Source": rule, "DetailType": "x", "Detail": '{"n": 1}'}])

    dead = stage.message(url)
    assert json.loads(dead["Body"])["detail"] == {"n": 1}
    assert dead["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    assert stage.states.list_executions(stateMachineArn=machine)["executions"] == []


def test_a_schedule_fires_at_its_local_time_with_the_scheduled_time_in_its_input(stage: Stage) -> None:
    zone = "Asia/Tokyo"
    due = (datetime.now(ZoneInfo(zone)) + timedelta(seconds=2)).replace(microsecond=0)
    machine = stage.machine({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
    target = {"Arn": machine, "RoleArn": stage.role(), "Input": '{"at": "<aws.scheduler.scheduled-time>"}'}
    stage.sandbox.client("scheduler").create_schedule(
        Name=stage.name("schedule"),
        ScheduleExpression=f"at({due:%Y-%m-%dT%H:%M:%S})",
        ScheduleExpressionTimezone=zone,
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=target,
    )

    executions = eventually(lambda: stage.states.list_executions(stateMachineArn=machine)["executions"])
    described = stage.states.describe_execution(executionArn=executions[0]["executionArn"])
    assert json.loads(described["input"]) == {"at": f"{due.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    time.sleep(2.5)  # two more rounds of the scheduler
    assert len(stage.states.list_executions(stateMachineArn=machine)["executions"]) == 1


@pytest.mark.parametrize(
    ("expression", "zone"),
    [("cron(61 25 * * ? *)", "UTC"), ("cron(0 8 * *)", "UTC"), ("every morning", "UTC"), ("cron(0 8 ? * MON *)", "Europe/Atlantis")],
)
def test_a_schedule_that_says_nothing_is_refused(stage: Stage, expression: str, zone: str) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        stage.sandbox.client("scheduler").create_schedule(
            Name=stage.name("schedule"),
            ScheduleExpression=expression,
            ScheduleExpressionTimezone=zone,
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": "arn:aws:sqs:us-east-1:000000000000:x", "RoleArn": stage.role()},
        )


@pytest.mark.parametrize(
    ("expression", "after", "fires"),
    [
        ("cron(0 8 ? * MON-FRI *)", "2026-11-22T12:00:00", "2026-11-23T08:00:00+01:00"),
        ("cron(30 2 * * ? *)", "2026-03-28T12:00:00", "2026-03-30T02:30:00+02:00"),  # 02:30 does not exist on March 29
        ("cron(30 2 * * ? *)", "2026-10-24T12:00:00", "2026-10-25T02:30:00+02:00"),  # 02:30 comes twice on October 25
        ("cron(30 2 * * ? *)", "2026-10-25T02:30:00", "2026-10-26T02:30:00+01:00"),
        ("rate(5 minutes)", "2026-11-22T12:00:00", "2026-11-22T12:05:00+01:00"),
        ("at(2026-12-24T18:00:00)", "2026-11-22T12:00:00", "2026-12-24T18:00:00+01:00"),
    ],
)
def test_local_times_that_do_not_exist_are_skipped_and_repeated_ones_fire_once(expression: str, after: str, fires: str) -> None:
    from sandbox.hosting.fidelity import next_fire

    moment = datetime.fromisoformat(after).replace(tzinfo=ZoneInfo("Europe/Berlin"))
    assert next_fire(expression, "Europe/Berlin", moment, moment - timedelta(days=1)) == datetime.fromisoformat(fires)


def test_the_delay_before_a_retry_follows_its_retrier() -> None:
    from sandbox.hosting.task_state import retry_delay

    retrier = {"IntervalSeconds": 2, "BackoffRate": 3, "MaxDelaySeconds": 10}
    assert [retry_delay(retrier, n) for n in range(3)] == [2, 6, 10]
    assert retry_delay({**retrier, "JitterStrategy": "FULL"}, 2, chance=lambda: 0.25) == 2.5
    assert retry_delay({}, 1) == 2


# Alarms


def alarm(stage: Stage, **fields: Any) -> str:
    """The name of an alarm that rings as soon as the metric is above 0."""
    name = stage.name("alarm")
    stage.sandbox.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        EvaluationPeriods=1,
        Period=60,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        **fields,
    )
    return name


def alarm_state(stage: Stage, name: str) -> str:
    return str(stage.sandbox.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"])


def test_an_alarm_rings_for_the_data_of_its_own_dimensions_only(stage: Stage) -> None:
    failing = {"StartAt": "No", "States": {"No": {"Type": "Fail"}}}
    mine, other = stage.machine(failing), stage.machine(failing)
    metric = {"Namespace": "AWS/States", "MetricName": "ExecutionsFailed", "Statistic": "Sum"}
    name = alarm(stage, **metric, Dimensions=[{"Name": "StateMachineArn", "Value": mine}])
    stage.end(stage.states.start_execution(stateMachineArn=other)["executionArn"])
    eventually(lambda: alarm_state(stage, name) == "OK")

    stage.end(stage.states.start_execution(stateMachineArn=mine)["executionArn"])
    eventually(lambda: alarm_state(stage, name) == "ALARM")


def test_an_alarm_on_a_queue_sees_its_messages(stage: Stage) -> None:
    url, arn = stage.queue()
    people, inbox = stage.sandbox.client("sns").create_topic(Name=stage.name("topic"))["TopicArn"], stage.open_queue("sns.amazonaws.com")
    stage.sandbox.client("sns").subscribe(TopicArn=people, Protocol="sqs", Endpoint=inbox[1])
    metric = {"Namespace": "AWS/SQS", "MetricName": "ApproximateNumberOfMessagesVisible", "Statistic": "Maximum"}
    dimensions = [{"Name": "QueueName", "Value": arn.rpartition(":")[2]}]
    name = alarm(stage, **metric, Dimensions=dimensions, AlarmActions=[people])
    eventually(lambda: alarm_state(stage, name) == "OK")
    stage.sandbox.client("sqs").send_message(QueueUrl=url, MessageBody="dead")

    eventually(lambda: alarm_state(stage, name) == "ALARM")
    assert name in stage.message(inbox[0])["Body"]


@pytest.mark.parametrize(
    ("fields", "values", "state"),
    [
        ({}, [1.0], "ALARM"),
        ({}, [0.0], "OK"),
        ({}, [None], "INSUFFICIENT_DATA"),
        ({"TreatMissingData": "notBreaching"}, [None], "OK"),
        ({"TreatMissingData": "breaching"}, [None], "ALARM"),
        ({"TreatMissingData": "ignore", "StateValue": "ALARM"}, [None], "ALARM"),
        ({"EvaluationPeriods": 3}, [1.0, 0.0, 1.0], "OK"),
        ({"EvaluationPeriods": 3, "DatapointsToAlarm": 2}, [1.0, 0.0, 1.0], "ALARM"),
    ],
)
def test_the_state_of_an_alarm_follows_its_periods(fields: dict[str, Any], values: list[float | None], state: str) -> None:
    from sandbox.hosting.alarm_state import state_of

    assert state_of({"Threshold": 0, "StateValue": "OK", **fields}, values, lambda value, threshold: value > threshold) == state


# IAM


def test_plain_http_here_counts_as_tls(stage: Stage) -> None:
    s3, bucket = stage.sandbox.client("s3"), stage.name("bucket")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="file", Body=b"text")
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/*"}
    policy = {"Version": "2012-10-17", "Statement": [{**statement, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    given = stage.sandbox.client("sts").assume_role(RoleArn=stage.role(), RoleSessionName="test")["Credentials"]

    read = stage.sandbox.client("s3", credentials=given).get_object(Bucket=bucket, Key="file")

    assert read["Body"].read() == b"text"
