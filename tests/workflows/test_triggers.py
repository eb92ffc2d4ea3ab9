"""Provisioning starts by itself: by a spec file in the bucket, whose outcome lies beside it, and by an event on the bus."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.workflows.conftest import Stack
from tests.workflows.test_notifications import Inbox


def _write(stack: Stack, name: str, text: str) -> None:
    stack.sandbox.observe("s3").put_object(Bucket=stack.outputs["BucketName"], Key=f"warehouses/{name}.yaml", Body=text.encode())


def _status(stack: Stack, name: str) -> dict[str, Any]:
    s3, where = stack.sandbox.observe("s3"), {"Bucket": stack.outputs["BucketName"], "Key": f"warehouses/{name}.status.json"}
    try:
        found = s3.get_object(**where)
    except s3.exceptions.NoSuchKey:
        return {}
    status: dict[str, Any] = json.loads(found["Body"].read())
    return status


@pytest.fixture
def inbox(stack: Stack) -> Iterator[Inbox]:
    made = Inbox(stack)
    yield made
    made.close()


def _request(stack: Stack, detail: dict[str, Any]) -> None:
    entry = {
        "Source": "portal",
        "DetailType": "Warehouse Requested",
        "Detail": json.dumps(detail),
        "EventBusName": stack.outputs["BusName"],
    }
    stack.sandbox.observe("events").put_events(Entries=[entry])


def _rejected(stack: Stack) -> list[dict[str, Any]]:
    sqs, url = stack.sandbox.observe("sqs"), stack.outputs["RejectedRequestsUrl"]
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", [])
    return [json.loads(message["Body"]) for message in found]


def test_spec_file_applies_itself_when_written_and_when_changed(stack: Stack) -> None:
    _write(stack, "team-a", "name: team-a\ncompute: {node_type: ra3.large, nodes: 2}\n")
    stack.until(lambda: _status(stack, "team-a").get("event") == "Warehouse Provisioned", "it is provisioned", 60)
    assert stack.rows("team-a", "SELECT 1 AS one") == [[1]]
    _write(stack, "team-a", "name: team-a\ncompute: {node_type: ra3.large, nodes: 3}\n")
    stack.until(lambda: _status(stack, "team-a").get("event") == "Warehouse Changed", "it is changed", 60)
    assert [change["field"] for change in _status(stack, "team-a")["changes"]] == ["compute.nodes"]


def test_spec_file_that_is_wrong_says_so_beside_itself(stack: Stack) -> None:
    _write(stack, "team-b", "name: team-b\ncompute: {nodes: two}\n")
    stack.until(lambda: _status(stack, "team-b"), "its status is written", 60)
    status = _status(stack, "team-b")
    assert (status["event"], status["error"]) == ("Warehouse Provision Failed", "InvalidInput")
    assert status["detail"] == "spec.compute.nodes: Expected `int | null`, got `str`"


def test_same_file_event_three_times_creates_one_warehouse(stack: Stack) -> None:
    text = "name: team-c\nkind: workgroup\n"
    for _ in range(3):
        _write(stack, "team-c", text)
    stack.until(lambda: _status(stack, "team-c"), "its status is written", 60)
    stack.until(lambda: not stack.lock("team-c") and stack.calls("events:PutEvents") >= 3, "all three have ended", 60)
    assert stack.calls("redshift-serverless:CreateWorkgroup") == 1
    assert _status(stack, "team-c")["event"] in {"Warehouse Provisioned", "Warehouse Provision Skipped"}


def test_other_files_in_the_bucket_start_nothing(stack: Stack) -> None:
    before = stack.calls("lambda:Invoke")
    stack.sandbox.observe("s3").put_object(Bucket=stack.outputs["BucketName"], Key="warehouses/notes.txt", Body=b"name: nobody")
    stack.sandbox.observe("s3").put_object(Bucket=stack.outputs["BucketName"], Key="other/spec.yaml", Body=b"name: nobody")
    _write(stack, "marker", "name: o'clock")
    stack.until(lambda: _status(stack, "marker"), "a file that was written later has been handled", 60)
    assert stack.calls("lambda:Invoke") - before <= 2
    assert "nobody" not in json.dumps(
        stack.sandbox.observe("redshift").get_paginator("describe_clusters").paginate().build_full_result(), default=str
    )


def test_request_on_the_bus_provisions(stack: Stack) -> None:
    _request(stack, {"spec": {"name": "requested", "kind": "workgroup"}, "reason": "asked by the portal"})
    stack.until(lambda: [one for one in stack.ledger("requested") if one["outcome"] == "done"], "it is provisioned", 60)
    assert stack.ledger("requested")[0]["reason"] == "asked by the portal"


def test_bad_request_lies_in_the_queue_with_its_reason_and_people_are_told_once(stack: Stack, inbox: Inbox) -> None:
    detail = {"spec": {"name": "refused", "compute": {"nodes": 0}}, "reason": "asked by the portal"}
    _request(stack, detail)
    stack.until(lambda: _rejected(stack), "the request is rejected", 60)
    (message,) = _rejected(stack)
    assert (message["error"], message["reason"]) == ("InvalidInput", "spec.compute.nodes: Expected `int` >= 1")
    assert (message["request"], message["source"]) == (detail, "portal")
    later = stack.run("resume_warehouse", {"warehouse": "nobody"}).arn
    stack.until(lambda: inbox.about(later), "the later message has arrived")
    assert len(inbox.about(message["execution"])) == 1
    dead = stack.sandbox.observe("cloudwatch").describe_alarms(AlarmNamePrefix="redshift-autopilot-dead-letters")["MetricAlarms"]
    assert {dimension["Value"] for alarm in dead for dimension in alarm["Dimensions"]}.isdisjoint(
        {stack.outputs["RejectedRequestsUrl"].rsplit("/", 1)[1]}
    )


def test_failure_that_a_retry_may_mend_is_no_rejected_request(stack: Stack) -> None:
    before = len(_rejected(stack))
    stack.fault("redshift-serverless", "CreateNamespace", "ServiceQuotaExceededException", message="too many")
    _request(stack, {"spec": {"name": "one-too-many", "kind": "workgroup"}})
    stack.until(lambda: stack.ledger("one-too-many") and stack.ledger("one-too-many")[-1]["outcome"] == "failed", "it has failed", 60)
    stack.until(lambda: not stack.lock("one-too-many"), "it has ended")
    assert len(_rejected(stack)) == before


def test_file_that_is_rewritten_while_its_execution_waits_is_applied_in_its_newest_version(stack: Stack) -> None:
    stack.sandbox.desk("POST", "clock", {"scale": 40})
    try:
        _write(stack, "team-d", "name: team-d\nkind: workgroup\ncompute: {base_rpu: 8}\n")
        stack.until(lambda: stack.calls("redshift-serverless:CreateWorkgroup") == 1, "the first one holds the lock and waits", 60)
        for base in (16, 24):
            _write(stack, "team-d", f"name: team-d\nkind: workgroup\ncompute: {{base_rpu: {base}}}\n")
        waiting = "CALLBACK#lock"
        stack.until(lambda: len([one for one in stack.items(waiting) if "team-d" in one["sk"]]) == 2, "both wait for the lock", 60)
    finally:
        stack.sandbox.desk("POST", "clock", {"scale": 1200})
    states, arn = stack.sandbox.observe("stepfunctions"), stack.outputs["ProvisionWarehouseArn"]
    stack.until(lambda: not states.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"], "all have ended", 180)
    stack.sandbox.desk("POST", "clock", {"scale": 120})
    seen = stack.sandbox.observe("redshift-serverless").get_workgroup(workgroupName="team-d")["workgroup"]
    # Both later executions looked at the newest file: one applied it, the other found nothing to do, and 16 was never asked for.
    assert (seen["baseCapacity"], stack.calls("redshift-serverless:UpdateWorkgroup")) == (24, 1)
    newest = stack.sandbox.observe("s3").head_object(Bucket=stack.outputs["BucketName"], Key="warehouses/team-d.yaml")["VersionId"]
    stack.until(lambda: _status(stack, "team-d").get("version") == newest, "the status speaks of the newest version")


def test_two_specs_for_one_name_at_once_end_in_one_warehouse_with_what_both_say(stack: Stack) -> None:
    specs = [
        {"name": "shared", "kind": "workgroup", "compute": {"base_rpu": base}, "tags": {tag: "x"}} for base, tag in ((16, "a"), (32, "b"))
    ]
    ended = [stack.wait(arn) for arn in [stack.start("provision_warehouse", {"spec": spec}) for spec in specs]]
    assert all(one.succeeded for one in ended), ended
    assert stack.calls("redshift-serverless:CreateWorkgroup") == 1
    serverless = stack.sandbox.observe("redshift-serverless")
    seen = serverless.get_workgroup(workgroupName="shared")["workgroup"]
    tags = {one["key"] for one in serverless.list_tags_for_resource(resourceArn=seen["workgroupArn"])["tags"]}
    assert {"a", "b"} <= tags
    last = max(ended, key=lambda one: next(entry["ended_at"] for entry in stack.ledger("shared") if entry["execution"] == one.arn))
    assert seen["baseCapacity"] == specs[ended.index(last)]["compute"]["base_rpu"]  # type: ignore[index]
