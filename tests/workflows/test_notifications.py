"""People are told once, in a plain sentence with a link, of what is worth telling; and of nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.workflows.conftest import Stack

LINK = "https://us-east-1.console.aws.amazon.com/states/home?region=us-east-1#/v2/executions/details/"


class Inbox:
    """A queue that is subscribed to the topic: what a person's mailbox would get."""

    def __init__(self, stack: Stack) -> None:
        sqs, topic = stack.sandbox.observe("sqs"), stack.outputs["TopicArn"]
        self._stack, self._sqs = stack, sqs
        self._url = sqs.create_queue(QueueName="inbox")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        statement = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": policy})
        self._sns = stack.sandbox.observe("sns")
        self._subscription = self._sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)["SubscriptionArn"]
        self._read: list[str] = []

    def messages(self) -> list[str]:
        """Everything that has arrived since the inbox was made."""
        received = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages", [])
        for message in received:
            self._read.append(json.loads(json.loads(message["Body"])["Message"]))
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return self._read

    def about(self, execution: str) -> list[str]:
        """The messages that link to an execution."""
        return [message for message in self.messages() if message.endswith(execution)]

    def close(self) -> None:
        self._sns.unsubscribe(SubscriptionArn=self._subscription)
        self._sqs.delete_queue(QueueUrl=self._url)


@pytest.fixture
def inbox(stack: Stack) -> Iterator[Inbox]:
    made = Inbox(stack)
    yield made
    made.close()


def _told_once(stack: Stack, inbox: Inbox, execution: str) -> str:
    stack.until(lambda: inbox.about(execution), "a message has arrived")
    # What a later execution tells comes after a second message about this one would have.
    later = stack.run("resume_warehouse", {"warehouse": "nobody"}).arn
    stack.until(lambda: inbox.about(later), "the later message has arrived")
    (message,) = inbox.about(execution)
    return message


def test_failure_is_told_once_with_what_where_why_and_a_link(stack: Stack, inbox: Inbox) -> None:
    name = stack.provision()
    stack.run("pause_warehouse", {"warehouse": name})
    stack.fault("redshift", "ResumeCluster", "UnauthorizedOperation", message="not in this account")
    ended = stack.run("resume_warehouse", {"warehouse": name})
    message = _told_once(stack, inbox, ended.arn)
    assert message.startswith(f"Warehouse Resume Failed: cluster {name} in us-east-1. AWS refused to resume cluster {name}: not in this ")
    assert message.endswith(f". Details: {LINK}{ended.arn}")


def test_failure_before_there_is_a_warehouse_is_told_too(stack: Stack, inbox: Inbox) -> None:
    ended = stack.run("provision_warehouse", {"spec": {"name": "Not A Name"}})
    assert _told_once(stack, inbox, ended.arn).startswith("Warehouse Provision Failed. spec.name: 'Not A Name' is not allowed")


def test_change_is_told_and_routine_is_not(stack: Stack, inbox: Inbox) -> None:
    spec: dict[str, Any] = {"name": "told", "compute": {"nodes": 2}}
    provisioned = stack.run("provision_warehouse", {"spec": spec}).arn
    quiet = [
        stack.run("provision_warehouse", {"spec": spec}).arn,
        stack.run("pause_warehouse", {"warehouse": "told"}).arn,
        stack.run("resume_warehouse", {"warehouse": "told"}).arn,
        stack.sql("told", "SELECT 1").arn,
    ]
    deleted = stack.run("delete_warehouse", {"warehouse": "told", "confirm": "told", "final_snapshot": False}).arn
    assert _told_once(stack, inbox, provisioned).startswith("Warehouse Provisioned: cluster told in us-east-1. told is available")
    assert _told_once(stack, inbox, deleted).startswith("Warehouse Deleted: cluster told in us-east-1.")
    assert [inbox.about(execution) for execution in quiet] == [[], [], [], []]


def test_execution_that_was_stopped_is_told_though_it_published_nothing(stack: Stack, inbox: Inbox) -> None:
    stack.sandbox.desk("POST", "clock", {"scale": 1})
    try:
        arn = stack.start("provision_warehouse", {"spec": {"name": "stopped"}})
        stack.until(lambda: stack.calls("redshift:CreateCluster"), "the cluster is being created")
        stack.sandbox.observe("stepfunctions").stop_execution(executionArn=arn)
    finally:
        stack.sandbox.desk("POST", "clock", {"scale": 120})
    message = _told_once(stack, inbox, arn)
    assert message.startswith("An execution of Redshift Autopilot ended ABORTED and could not say why.")
    assert message.endswith(f"Details: {LINK}{arn}")
