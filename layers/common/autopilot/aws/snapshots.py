"""Snapshots of clusters and namespaces: take, look, list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from autopilot.aws import clusters, workgroups
from autopilot.aws.clients import call, client, translated
from autopilot.domain.errors import AutopilotError, TransientError
from autopilot.domain.snapshots import Snapshot
from autopilot.domain.warehouse import Kind, Warehouse

FIND = ("redshift:DescribeClusterSnapshots", "redshift-serverless:GetSnapshot")
LIST = ("redshift:DescribeClusterSnapshots", "redshift-serverless:ListSnapshots")
DELETE = ("redshift:BatchDeleteClusterSnapshots", "redshift-serverless:DeleteSnapshot")
TAKE = ("redshift:CreateClusterSnapshot", "redshift:CreateTags", *workgroups.TAKE_SNAPSHOT)


def take(seen: Warehouse, identifier: str, retention_days: int) -> None:
    """Start to take a snapshot; one of that name that is there already is taken for it."""
    if seen.kind == "cluster":
        clusters.take_snapshot(seen.name, identifier, retention_days)
    else:
        workgroups.take_snapshot(seen.namespace or seen.name, identifier, retention_days)


def of(kind: Kind | None, name: str) -> list[Snapshot]:
    """The snapshots of a cluster or of a namespace of that name, or of both without a kind, newest first."""
    found = [*([] if kind == "workgroup" else _of_cluster(name)), *([] if kind == "cluster" else _of_namespace(name))]
    return sorted(found, key=lambda snapshot: snapshot.created_at, reverse=True)


def find(kind: Kind, identifier: str) -> Snapshot | None:
    """The snapshot of that identifier, whatever warehouse it is of, or None. Source: DescribeClusterSnapshots, GetSnapshot."""
    if kind == "cluster":
        return next(iter(_described(SnapshotIdentifier=identifier)), None)
    try:
        found = call("redshift-serverless", "get_snapshot", f"describe snapshot {identifier}", snapshotName=identifier)["snapshot"]
    except AutopilotError as error:
        if error.code != "ResourceNotFoundException":
            raise
        return None
    return _of_namespace_answer(found)


def every() -> list[Snapshot]:
    """All snapshots of the account and region, of both kinds. Those of namespaces come without their tags: see `with_tags`."""
    return [*_described(), *_listed()]


def with_tags(snapshot: Snapshot) -> Snapshot:
    """The snapshot of a namespace with its tags. Source: ListTagsForResource."""
    return msgspec.structs.replace(snapshot, tags=workgroups.tags_of(snapshot.arn))


def delete_of_clusters(chosen: Sequence[Snapshot]) -> dict[str, str]:
    """Delete up to 100 snapshots of clusters; those that AWS did not delete, each with its reason. One that is gone counts as deleted.

    Source: BatchDeleteClusterSnapshots.
    """
    which = [{"SnapshotIdentifier": one.identifier, "SnapshotClusterIdentifier": one.warehouse} for one in chosen]
    answer = call("redshift", "batch_delete_cluster_snapshots", f"delete {len(which)} snapshots", Identifiers=which)
    errors = [one for one in answer.get("Errors", []) if one.get("FailureCode") != "ClusterSnapshotNotFound"]
    return {one["SnapshotIdentifier"]: f"{one.get('FailureReason', '')} ({one.get('FailureCode', '')})" for one in errors}


def delete_of_namespace(chosen: Snapshot) -> str:
    """Delete a snapshot of a namespace; why AWS did not, or nothing. One that is gone counts as deleted. Source: DeleteSnapshot."""
    try:
        call("redshift-serverless", "delete_snapshot", f"delete snapshot {chosen.identifier}", snapshotName=chosen.identifier)
    except TransientError:
        raise
    except AutopilotError as error:
        return "" if error.code == "ResourceNotFoundException" else str(error)
    return ""


def _of_cluster(name: str) -> list[Snapshot]:
    return _described(ClusterIdentifier=name)


def _described(**which: str) -> list[Snapshot]:
    """Source: DescribeClusterSnapshots."""
    pages = client("redshift").get_paginator("describe_cluster_snapshots")
    try:
        with translated(f"list the snapshots of {' '.join(which.values()) or 'all clusters'}"):
            return [_of_cluster_answer(one) for page in pages.paginate(**which) for one in page["Snapshots"]]
    except AutopilotError as error:
        if error.code not in {"ClusterNotFound", "ClusterSnapshotNotFound"}:
            raise
        return []


def _of_cluster_answer(found: dict[str, Any]) -> Snapshot:
    return Snapshot(
        identifier=found["SnapshotIdentifier"],
        kind="cluster",
        warehouse=found["ClusterIdentifier"],
        arn=found.get("SnapshotArn", ""),
        created_at=found["SnapshotCreateTime"],
        status=found["Status"],
        automated=found.get("SnapshotType") == "automated",
        retention_days=found.get("ManualSnapshotRetentionPeriod"),
        remaining_days=found.get("ManualSnapshotRemainingDays"),
        size_mb=found.get("TotalBackupSizeInMegaBytes"),
        size=f"{found['NumberOfNodes']} x {found['NodeType']}" if "NodeType" in found else "",
        owner=found.get("OwnerAccount", ""),
        origin=str(found.get("ClusterCreateTime", "")),
        database=found.get("DBName", ""),
        shared_with=[one.get("AccountId", "") for one in found.get("AccountsWithRestoreAccess", [])],
        tags={tag["Key"]: tag.get("Value", "") for tag in found.get("Tags", [])},
    )


def _of_namespace(name: str) -> list[Snapshot]:
    try:
        return _listed(namespaceName=name)
    except AutopilotError as error:
        if error.code != "ResourceNotFoundException":
            raise
        # The namespace is deleted; its snapshots may not be.
        return [one for one in _listed() if one.warehouse == name]


def _listed(**which: str) -> list[Snapshot]:
    """Source: ListSnapshots."""
    pages = client("redshift-serverless").get_paginator("list_snapshots")
    with translated(f"list the snapshots of {' '.join(which.values()) or 'all namespaces'}"):
        return [_of_namespace_answer(one) for page in pages.paginate(**which) for one in page["snapshots"]]


def _of_namespace_answer(found: dict[str, Any]) -> Snapshot:
    return Snapshot(
        identifier=found["snapshotName"],
        kind="workgroup",
        warehouse=found["namespaceName"],
        arn=found.get("snapshotArn", ""),
        created_at=found["snapshotCreateTime"],
        status=found["status"].lower(),
        retention_days=found.get("snapshotRetentionPeriod"),
        remaining_days=found.get("snapshotRemainingDays"),
        size_mb=found.get("totalBackupSizeInMegaBytes"),
        owner=found.get("ownerAccount", ""),
        origin=found.get("namespaceArn", ""),
        shared_with=[*found.get("accountsWithRestoreAccess", []), *found.get("accountsWithProvisionedRestoreAccess", [])],
    )
