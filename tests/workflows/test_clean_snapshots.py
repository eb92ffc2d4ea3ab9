"""Cleaning up snapshots: a dry run unless told otherwise; what goes is really gone, what stays has its reason, twice is like once."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from tests.workflows.conftest import Stack

DAYS = 24


def _snapshots(stack: Stack) -> set[str]:
    redshift, serverless = stack.sandbox.observe("redshift"), stack.sandbox.observe("redshift-serverless")
    clusters = redshift.get_paginator("describe_cluster_snapshots").paginate(SnapshotType="manual")
    namespaces = serverless.get_paginator("list_snapshots").paginate()
    manual = {one["SnapshotIdentifier"] for page in clusters for one in page["Snapshots"]}
    return manual | {one["snapshotName"] for page in namespaces for one in page["snapshots"]}


def _take(stack: Stack, warehouse: str, *snapshots: str, kind: str = "cluster") -> None:
    """Manual snapshots that nothing removes, one after the other, as AWS takes them."""
    redshift, serverless = stack.sandbox.observe("redshift"), stack.sandbox.observe("redshift-serverless")

    def begun(snapshot: str) -> bool:
        try:
            if kind == "cluster":
                redshift.create_cluster_snapshot(ClusterIdentifier=warehouse, SnapshotIdentifier=snapshot)
            else:
                serverless.create_snapshot(namespaceName=warehouse, snapshotName=snapshot)
        except ClientError as error:
            if error.response["Error"]["Code"] != "InvalidClusterState":
                raise
            return False
        return True

    def taken(snapshot: str) -> bool:
        if kind == "cluster":
            found = redshift.describe_cluster_snapshots(SnapshotIdentifier=snapshot)["Snapshots"][0]["Status"]
        else:
            found = serverless.get_snapshot(snapshotName=snapshot)["snapshot"]["status"]
        return str(found).lower() == "available"

    for snapshot in snapshots:
        stack.until(partial(begun, snapshot), f"{snapshot} is begun")
        stack.until(partial(taken, snapshot), f"{snapshot} is taken")


def _report(stack: Stack, uri: str) -> dict[str, dict[str, Any]]:
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    body = stack.sandbox.observe("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return {line["identifier"]: line for line in map(json.loads, body.splitlines())}


def test_old_snapshots_go_and_what_stays_has_its_reason(stack: Stack) -> None:
    cluster, workgroup = stack.provision(), stack.provision("workgroup")
    redshift, serverless = stack.sandbox.observe("redshift"), stack.sandbox.observe("redshift-serverless")
    for name, kind in ((cluster, "cl"), (workgroup, "wg")):
        _take(
            stack,
            name,
            *(f"{kind}-{snapshot}" for snapshot in ("old", "marked", "newest")),
            kind="cluster" if kind == "cl" else "workgroup",
        )
    (kept,) = redshift.describe_cluster_snapshots(SnapshotIdentifier="cl-marked")["Snapshots"]
    redshift.create_tags(ResourceName=kept["SnapshotArn"], Tags=[{"Key": "autopilot:keep", "Value": "true"}])
    marked = serverless.get_snapshot(snapshotName="wg-marked")["snapshot"]["snapshotArn"]
    serverless.tag_resource(resourceArn=marked, tags=[{"key": "release", "value": "7"}])
    stack.sandbox.desk("POST", "snapshots", {"cluster": cluster, "older_by_hours": 100 * DAYS})
    stack.sandbox.desk("POST", "snapshots", {"namespace": workgroup, "older_by_hours": 100 * DAYS})
    mine = {"warehouses": [cluster, workgroup], "keep_last": 1}

    planned = stack.run("clean_snapshots", mine)
    assert (planned.output["event"], planned.output["changed"]) == ("Snapshots Clean-Up Planned", False), planned
    assert sorted(planned.output["deleting"]) == ["cl-old", "wg-old"]
    told = _report(stack, planned.output["report"])
    assert told["cl-old"]["reason"] == "100 days old"
    assert told["cl-marked"]["reason"] == "it carries the tag autopilot:keep"
    assert told["wg-marked"]["reason"] == "somebody tagged it: release"
    assert told["wg-newest"]["reason"] == f"one of the newest 1 of {workgroup}"
    assert told["cl-old"]["size_mb"] > 1
    before = _snapshots(stack)
    assert {"cl-old", "wg-old"} <= before

    stack.fault("redshift", "BatchDeleteClusterSnapshots", "Throttling", times=4)
    stack.fault("redshift-serverless", "DeleteSnapshot", "ConflictException", times=1)
    done = stack.run("clean_snapshots", {**mine, "dry_run": False, "reason": "room"})
    assert done.succeeded, done
    assert (done.output["event"], done.output["changed"]) == ("Snapshots Cleaned Up", True)
    assert before - _snapshots(stack) == {"cl-old", "wg-old"}
    again = stack.run("clean_snapshots", {**mine, "dry_run": False})
    assert (again.output["event"], again.output["changed"]) == ("Snapshots Clean-Up Skipped", False)


def test_snapshots_of_a_deleted_warehouse_go_except_the_final_one(stack: Stack) -> None:
    name = stack.provision()
    _take(stack, name, "gone-1", "gone-2")
    stack.sandbox.desk("POST", "snapshots", {"cluster": name, "older_by_hours": 400 * DAYS})
    assert stack.run("delete_warehouse", {"warehouse": name, "confirm": name}).succeeded
    done = stack.run("clean_snapshots", {"warehouses": [name], "dry_run": False, "keep_last": 1})
    assert done.succeeded, done
    assert done.output["detail"].startswith("2 snapshots deleted")
    (left,) = [one for one in _snapshots(stack) if one.startswith(f"autopilot-final-{name}-")]
    assert _report(stack, done.output["report"])[left]["reason"] == "a final snapshot"
    assert {"gone-1", "gone-2"} & _snapshots(stack) == set()
