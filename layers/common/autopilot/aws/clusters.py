"""Provisioned clusters: look, create, pause, resume, delete, and the snapshots that a pause needs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from autopilot.aws.clients import call, client, translated
from autopilot.domain.errors import AutopilotError, PauseRefused, WarehouseNotFound, WarehouseNotReady
from autopilot.domain.tags import MANAGED_TAG
from autopilot.domain.warehouse import Warehouse

LOOK = ("redshift:DescribeClusters",)
#: Redshift asks EC2, Secrets Manager and KMS, and takes a role on, with the caller's rights. Source: service authorization reference,
#: dependent actions; management guide, identity-based policies.
LOOK_AT_NETWORKS = (
    "ec2:DescribeAccountAttributes",
    "ec2:DescribeAddresses",
    "ec2:DescribeAvailabilityZones",
    "ec2:DescribeInternetGateways",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcAttribute",
    "ec2:DescribeVpcs",
)
CREATE = (
    "redshift:CreateCluster",
    "redshift:CreateTags",
    *LOOK_AT_NETWORKS,
    "secretsmanager:CreateSecret",
    "secretsmanager:DeleteSecret",
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetRandomPassword",
    "secretsmanager:RotateSecret",
    "secretsmanager:TagResource",
    "secretsmanager:UpdateSecret",
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:GenerateDataKey",
    "kms:RetireGrant",
    "iam:PassRole",
    "iam:CreateServiceLinkedRole",
)
CHANGE = ("redshift:ModifyCluster", "redshift:ResizeCluster", "redshift:CreateTags")
DELETE = ("redshift:DeleteCluster", "secretsmanager:DeleteSecret", "secretsmanager:DescribeSecret", "kms:DescribeKey", "kms:RetireGrant")
PAUSE = ("redshift:PauseCluster", "redshift:DescribeClusterSnapshots", "redshift:CreateClusterSnapshot", "redshift:CreateTags")
RESTORE = ("redshift:RestoreFromClusterSnapshot",)
RESUME = ("redshift:ResumeCluster",)
LOOK_AT_RESIZE = ("redshift:DescribeResize",)
LOOK_AT_SNAPSHOT = ("redshift:DescribeClusterSnapshots",)


def find(name: str) -> Warehouse | None:
    """The cluster of that name, or None. Source: DescribeClusters."""
    try:
        found = call("redshift", "describe_clusters", f"describe cluster {name}", ClusterIdentifier=name)["Clusters"]
    except WarehouseNotFound:
        return None
    return _warehouse(found[0]) if found else None


def every() -> Iterator[Warehouse]:
    """All clusters of the account and region. Source: DescribeClusters."""
    with translated("list the clusters"):
        for page in client("redshift").get_paginator("describe_clusters").paginate():
            yield from map(_warehouse, page["Clusters"])


def tagged(key: str, values: list[str] | None = None) -> Iterator[Warehouse]:
    """The clusters that carry a tag, with one of the values where these are given. Source: DescribeClusters."""
    which: dict[str, Any] = {"TagKeys": [key], **({"TagValues": values} if values else {})}
    with translated(f"list the clusters with the tag {key}"):
        for page in client("redshift").get_paginator("describe_clusters").paginate(**which):
            for seen in map(_warehouse, page["Clusters"]):
                # Which key and which value belong together AWS does not look at.
                if not values or seen.tags.get(key) in values:
                    yield seen


def _warehouse(cluster: dict[str, Any]) -> Warehouse:
    # DescribeClusters gives no cluster ARN; its namespace's ARN, which may not be there yet, has the same partition, region and account.
    namespace = cluster.get("ClusterNamespaceArn") or f"arn:aws:redshift:{os.environ['AWS_REGION']}::namespace:"
    _, partition, _, region, account, *_ = namespace.split(":")
    name = cluster["ClusterIdentifier"]
    return Warehouse(
        kind="cluster",
        name=name,
        region=region,
        account=account,
        arn=f"arn:{partition}:redshift:{region}:{account}:cluster:{name}",
        status=cluster["ClusterStatus"],
        database=cluster.get("DBName") or "dev",
        admin_user=cluster.get("MasterUsername"),
        secret_arn=cluster.get("MasterPasswordSecretArn"),
        namespace_id=namespace.rpartition(":")[2],
        node_type=cluster.get("NodeType"),
        nodes=cluster.get("NumberOfNodes"),
        public=bool(cluster.get("PubliclyAccessible")),
        subnet_group=cluster.get("ClusterSubnetGroupName"),
        security_group_ids=[group["VpcSecurityGroupId"] for group in cluster.get("VpcSecurityGroups", [])],
        tags={tag["Key"]: tag.get("Value", "") for tag in cluster.get("Tags", [])},
        **_settings(cluster),
    )


def _settings(cluster: dict[str, Any]) -> dict[str, Any]:
    groups = cluster.get("ClusterParameterGroups") or [{}]
    return {
        "port": (cluster.get("Endpoint") or {}).get("Port"),
        "enhanced_vpc_routing": bool(cluster.get("EnhancedVpcRouting")),
        "elastic_ip": (cluster.get("ElasticIpStatus") or {}).get("ElasticIp"),
        "availability_zone": cluster.get("AvailabilityZone"),
        "zone_relocation": cluster.get("AvailabilityZoneRelocationStatus") in {"enabled", "pending_enabling"},
        "ip_address_type": cluster.get("IpAddressType"),
        # MultiAZ is a string: Enabled or Disabled.
        "multi_az": str(cluster.get("MultiAZ", "")).lower() in {"enabled", "true"},
        "encrypted": bool(cluster.get("Encrypted")),
        "kms_key": cluster.get("KmsKeyId"),
        "secret_kms_key": cluster.get("MasterPasswordSecretKmsKeyId"),
        "automated_days": cluster.get("AutomatedSnapshotRetentionPeriod"),
        "manual_days": cluster.get("ManualSnapshotRetentionPeriod"),
        "maintenance_window": cluster.get("PreferredMaintenanceWindow"),
        "parameter_group": groups[0].get("ParameterGroupName"),
        "reboot_pending": groups[0].get("ParameterApplyStatus") == "pending-reboot",
        "roles": sorted(role["IamRoleArn"] for role in cluster.get("IamRoles", []) if role.get("ApplyStatus") != "removing"),
        "default_role": cluster.get("DefaultIamRoleArn"),
        "vpc": cluster.get("VpcId"),
        # Only what was restored from a snapshot has a restore status.
        "restored": "RestoreStatus" in cluster,
    }


def create(request: dict[str, Any]) -> bool:
    """Create the cluster; False when one of that name is there already. Source: CreateCluster."""
    try:
        call("redshift", "create_cluster", f"create cluster {request['ClusterIdentifier']}", **request)
    except AutopilotError as error:
        if error.code != "ClusterAlreadyExists":
            raise
        return False
    return True


def restore(request: dict[str, Any]) -> bool:
    """Restore a snapshot as a new cluster; False when one of that name is there already. Source: RestoreFromClusterSnapshot."""
    what = f"restore snapshot {request['SnapshotIdentifier']} as cluster {request['ClusterIdentifier']}"
    try:
        call("redshift", "restore_from_cluster_snapshot", what, **request)
    except AutopilotError as error:
        if error.code != "ClusterAlreadyExists":
            raise
        return False
    return True


def mark(name: str, tags: dict[str, str]) -> None:
    """Tag a cluster that was just restored, as the request could not; where AWS is not ready for it yet, that is done later."""
    seen = find(name)
    if seen is None:
        return
    try:
        tag(seen.arn, tags)
    except WarehouseNotReady:
        return


def resize(name: str, request: dict[str, Any]) -> None:
    """Start a resize. Source: ResizeCluster."""
    call("redshift", "resize_cluster", f"resize cluster {name}", ClusterIdentifier=name, **request)


def resize_status(name: str) -> str | None:
    """How the last resize of the cluster stands, or None when there was none. Source: DescribeResize, `Status`."""
    try:
        return str(
            call("redshift", "describe_resize", f"look at the resize of cluster {name}", ClusterIdentifier=name).get("Status", "NONE")
        )
    except AutopilotError as error:
        if error.code != "ResizeNotFound":
            raise
        return None


def modify(name: str, request: dict[str, Any]) -> None:
    """Start a modification. Source: ModifyCluster."""
    call("redshift", "modify_cluster", f"modify cluster {name}", ClusterIdentifier=name, **request)


def tag(arn: str, tags: dict[str, str]) -> None:
    """Set tags. Source: CreateTags."""
    call("redshift", "create_tags", f"tag {arn}", ResourceName=arn, Tags=[{"Key": key, "Value": value} for key, value in tags.items()])


def delete(name: str, final_snapshot: str | None) -> None:
    """Start the deletion, with a final snapshot of that name or without any. Source: DeleteCluster."""
    how = {"FinalClusterSnapshotIdentifier": final_snapshot} if final_snapshot else {}
    call("redshift", "delete_cluster", f"delete cluster {name}", ClusterIdentifier=name, SkipFinalClusterSnapshot=not final_snapshot, **how)


def pause(name: str) -> None:
    """Start the pause. Raises PauseRefused when AWS never pauses such a cluster. Source: PauseCluster."""
    try:
        call("redshift", "pause_cluster", f"pause cluster {name}", ClusterIdentifier=name)
    except AutopilotError as error:
        if error.code != "UnsupportedOperation":
            raise
        raise PauseRefused(f"{error}. AWS does not pause such clusters; leave this one out of pause schedules", error.code) from error


def resume(name: str) -> None:
    """Start the resume. Source: ResumeCluster."""
    call("redshift", "resume_cluster", f"resume cluster {name}", ClusterIdentifier=name)


def has_backup_since(name: str, moment: datetime) -> bool:
    """Whether an available snapshot of this very cluster was taken since then. Source: DescribeClusterSnapshots."""
    pages = client("redshift").get_paginator("describe_cluster_snapshots")
    with translated(f"list the snapshots of cluster {name}"):
        found = pages.paginate(ClusterIdentifier=name, ClusterExists=True, StartTime=moment)
        return any(snapshot["Status"] == "available" for page in found for snapshot in page["Snapshots"])


def take_snapshot(name: str, identifier: str, retention_days: int) -> None:
    """Take a manual snapshot that removes itself after so many days; one of that name that is there already is taken for it.

    Source: CreateClusterSnapshot.
    """
    try:
        call(
            "redshift",
            "create_cluster_snapshot",
            f"take snapshot {identifier} of cluster {name}",
            ClusterIdentifier=name,
            SnapshotIdentifier=identifier,
            ManualSnapshotRetentionPeriod=retention_days,
            Tags=[{"Key": MANAGED_TAG, "Value": "true"}],
        )
    except AutopilotError as error:
        if error.code != "ClusterSnapshotAlreadyExists":
            raise


def snapshot_status(identifier: str) -> str | None:
    """The status of a snapshot, or None when it does not exist. Source: DescribeClusterSnapshots."""
    try:
        found = call("redshift", "describe_cluster_snapshots", f"describe snapshot {identifier}", SnapshotIdentifier=identifier)[
            "Snapshots"
        ]
    except AutopilotError as error:
        if error.code != "ClusterSnapshotNotFound":
            raise
        return None
    return str(found[0]["Status"]) if found else None
