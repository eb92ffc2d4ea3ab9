"""Provisioning starts by itself: by a spec file in the bucket, whose outcome lies beside it, and by an event on the bus."""

from __future__ import annotations

import json
from typing import Any

from tests.workflows.conftest import Stack


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
    assert "nobody" not in json.dumps(stack.sandbox.observe("redshift").describe_clusters()["Clusters"], default=str)


def test_request_on_the_bus_provisions(stack: Stack) -> None:
    detail = {"spec": {"name": "requested", "kind": "workgroup"}, "reason": "asked by the portal"}
    entry = {
        "Source": "portal",
        "DetailType": "Warehouse Requested",
        "Detail": json.dumps(detail),
        "EventBusName": stack.outputs["BusName"],
    }
    stack.sandbox.observe("events").put_events(Entries=[entry])
    stack.until(lambda: [one for one in stack.ledger("requested") if one["outcome"] == "done"], "it is provisioned", 60)
    assert stack.ledger("requested")[0]["reason"] == "asked by the portal"
