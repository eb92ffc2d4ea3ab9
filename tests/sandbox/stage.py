"""Small pieces of AWS that the sandbox's tests are made of: roles, functions, queues, state machines, and patience."""

from __future__ import annotations

import io
import json
import textwrap
import time
import uuid
import zipfile
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sandbox.process import Sandbox

T = TypeVar("T")

LAMBDA_INVOKE = "arn:aws:states:::lambda:invoke"
LAMBDA_CALLBACK = "arn:aws:states:::lambda:invoke.waitForTaskToken"
ANYTHING = ({"Effect": "Allow", "Action": "*", "Resource": "*"},)
ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


def eventually(look: Callable[[], T | None], seconds: float = 15.0) -> T:
    """The first answer that is not None, False or empty; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        if found := look():
            return found
        assert time.monotonic() < deadline, f"nothing within {seconds} s"
        time.sleep(0.03)


def zipped(source: str) -> bytes:
    """A deployment package with one module `app`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr("app.py", textwrap.dedent(source))
    return buffer.getvalue()


def task(**fields: Any) -> dict[str, Any]:
    """The definition of a JSONata state machine with one Task state."""
    return {
        "QueryLanguage": "JSONata",
        "StartAt": "Work",
        "States": {"Work": {"Type": "Task", "End": True, **fields}},
    }


class Stage:
    """Builds what a test needs, under names that no other test has."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.states = sandbox.client("stepfunctions")
        self.functions = sandbox.client("lambda")

    def name(self, kind: str) -> str:
        return f"{kind}-{uuid.uuid4().hex[:8]}"

    def role(self, statements: Sequence[dict[str, Any]] = ANYTHING) -> str:
        """The ARN of a role with these permissions that every service may take on."""
        iam, name = self.sandbox.client("iam"), self.name("role")
        services = ["lambda", "states", "events", "scheduler", "ec2", "redshift"]
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": [f"{s}.amazonaws.com" for s in services]}}
        document = {"Version": "2012-10-17", "Statement": [trust]}
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))["Role"]["Arn"]
        if statements:
            policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
            iam.put_role_policy(RoleName=name, PolicyName="permissions", PolicyDocument=policy)
        return str(arn)

    def function(self, source: str, **config: Any) -> str:
        """The ARN of a function whose module is `source` with a `handler` in it."""
        created = self.functions.create_function(
            FunctionName=self.name("function"),
            Runtime="python3.13",
            Role=config.pop("Role", None) or self.role(),
            Handler="app.handler",
            Code={"ZipFile": zipped(source)},
            Timeout=10,
            **config,
        )
        return str(created["FunctionArn"])

    def queue(self, policy: Callable[[str], dict[str, Any]] | None = None) -> tuple[str, str]:
        """URL and ARN of a new queue, to which the given AWS services may send."""
        sqs = self.sandbox.client("sqs")
        url = sqs.create_queue(QueueName=self.name("queue"))["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        if policy is not None:
            document = {"Version": "2012-10-17", "Statement": [policy(arn)]}
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(document)})
        return url, arn

    def open_queue(self, service: str) -> tuple[str, str]:
        def statement(arn: str) -> dict[str, Any]:
            return {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sqs:SendMessage", "Resource": arn}

        return self.queue(statement)

    def message(self, url: str) -> dict[str, Any]:
        """The next message on the queue."""
        sqs = self.sandbox.client("sqs")
        found = eventually(lambda: sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"]).get("Messages"))
        return dict(found[0])

    def table(self) -> str:
        """The name of a new table with the string key `id`."""
        name = self.name("table")
        self.sandbox.client("dynamodb").create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        )
        return name

    def machine(self, definition: dict[str, Any], role: str | None = None) -> str:
        created = self.states.create_state_machine(
            name=self.name("machine"), definition=json.dumps(definition), roleArn=role or self.role()
        )
        return str(created["stateMachineArn"])

    def start(self, definition: dict[str, Any], role: str | None = None, data: Any = None) -> str:
        """The ARN of a running execution of a new state machine."""
        machine = self.machine(definition, role)
        return str(self.states.start_execution(stateMachineArn=machine, input=json.dumps(data or {}))["executionArn"])

    def end(self, execution: str, seconds: float = 20.0) -> dict[str, Any]:
        """The description of the execution once it has ended."""

        def ended() -> dict[str, Any] | None:
            described: dict[str, Any] = self.states.describe_execution(executionArn=execution)
            return described if described["status"] in ENDED else None

        return eventually(ended, seconds)

    def run(self, definition: dict[str, Any], role: str | None = None, data: Any = None) -> dict[str, Any]:
        return self.end(self.start(definition, role, data))

    def history(self, execution: str) -> list[dict[str, Any]]:
        pages = self.states.get_paginator("get_execution_history").paginate(executionArn=execution)
        return [event for page in pages for event in page["events"]]

    def logged(self, function_arn: str) -> str:
        """Everything the function has logged so far."""
        logs = self.sandbox.client("logs")
        group = f"/aws/lambda/{function_arn.rpartition(':')[2]}"
        try:
            events = logs.filter_log_events(logGroupName=group)["events"]
        except logs.exceptions.ResourceNotFoundException:
            return ""
        return "\n".join(event["message"] for event in events)
