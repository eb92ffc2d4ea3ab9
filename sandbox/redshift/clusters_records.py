"""What the sandbox remembers of clusters, snapshots and their groups, and how Redshift describes each of them."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sandbox.kernel import ACCOUNT, DEFAULT_VPC, REGION, utcnow
from sandbox.redshift.clusters_nodes import CLUSTER_VERSION, ZONES, elastic_sizes
from sandbox.world import Target

VPC: Final = DEFAULT_VPC
PAUSED: Final = ("pausing", "paused", "resuming")

_AVAILABILITY: Final = {
    "available": "Available",
    "available, prep-for-resize": "Available",
    "available, resize-cleanup": "Available",
    "modifying": "Modifying",
    "resizing": "Modifying",
    "rebooting": "Unavailable",
    "final-snapshot": "Unavailable",
    "creating": "Unavailable",
    "deleting": "Unavailable",
    "pausing": "Unavailable",
    "paused": "Unavailable",
    "resuming": "Unavailable",
}


def arn(kind: str, name: str) -> str:
    """The ARN of a Redshift resource of the sandbox's one account and region."""
    return f"arn:aws:redshift:{REGION}:{ACCOUNT}:{kind}:{name}"


def wire_tags(tags: dict[str, str]) -> list[dict[str, str]]:
    """The tags as the service model writes them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


@dataclass
class Resize:
    """The latest resize of a cluster, finished or not. `began` is in life-cycle seconds."""

    kind: str
    node_type: str
    nodes: int
    began: float
    lasts: float
    done: bool = False

    def describe(self, now: float) -> dict[str, Any]:
        elapsed = self.lasts if self.done else min(now - self.began, self.lasts)
        return {
            "TargetNodeType": self.node_type,
            "TargetNumberOfNodes": self.nodes,
            "TargetClusterType": "multi-node" if self.nodes > 1 else "single-node",
            "Status": "SUCCEEDED" if self.done else "IN_PROGRESS",
            "ResizeType": self.kind,
            "ElapsedTimeInSeconds": int(elapsed),
            "EstimatedTimeToCompletionInSeconds": int(self.lasts - elapsed),
            "DataTransferProgressPercent": round(100 * elapsed / self.lasts, 1),
        }


@dataclass
class Cluster:
    """One provisioned cluster. `node_type` and `nodes` are the true ones, also while AWS describes something else."""

    name: str
    node_type: str
    nodes: int
    admin_user: str
    database: str
    status: str = "creating"
    port: int = 5439
    zone: str = ZONES[0]
    subnet_group: str | None = None
    parameter_group: str = "default.redshift-2.0"
    security_groups: list[str] = field(default_factory=list)
    iam_roles: list[str] = field(default_factory=list)
    default_iam_role: str | None = None
    encrypted: bool = True
    kms_key: str | None = None
    enhanced_vpc_routing: bool = False
    public: bool = False
    elastic_ip: str | None = None
    multi_az: bool = False
    zone_relocation: bool = False
    extra_compute: bool = False
    ip_address_type: str = "ipv4"
    automated_retention: int = 1
    manual_retention: int = -1
    maintenance_window: str = "sun:05:00-sun:05:30"
    maintenance_track: str = "current"
    allow_version_upgrade: bool = True
    tags: dict[str, str] = field(default_factory=dict)
    secret_arn: str | None = None
    secret_kms_key: str | None = None
    restored_from: str | None = None
    created: datetime = field(default_factory=utcnow)
    namespace: str = field(default_factory=lambda: str(uuid.uuid4()))
    pending: dict[str, Any] = field(default_factory=dict)
    reboot_pending: bool = False
    parameters_to_reboot: set[str] = field(default_factory=set)
    deferred: list[dict[str, Any]] = field(default_factory=list)
    logging: dict[str, Any] = field(default_factory=dict)
    resize: Resize | None = None
    resumes: int = 0

    @property
    def key(self) -> str:
        """The name of this cluster in the databases."""
        return f"cluster:{self.name}"

    @property
    def arn(self) -> str:
        return arn("cluster", self.name)

    @property
    def namespace_arn(self) -> str:
        return arn("namespace", self.namespace)

    def target(self) -> Target:
        return Target(self.key, "cluster", self.name, self.arn, self.status, self.admin_user, self.database, self.secret_arn)

    def describe(self) -> dict[str, Any]:
        """The cluster as DescribeClusters shows it. While it is paused, a multi-node cluster looks like a single node."""
        nodes = 1 if self.status in PAUSED else self.nodes
        return {
            "ClusterIdentifier": self.name,
            "NodeType": self.node_type,
            "NumberOfNodes": nodes,
            "ClusterStatus": self.status,
            "ClusterAvailabilityStatus": _AVAILABILITY[self.status],
            "MasterUsername": self.admin_user,
            "DBName": self.database,
            "ClusterCreateTime": self.created,
            "ClusterNodes": self._nodes(nodes) if self.status not in ("creating", "paused") else [],
            "ClusterNamespaceArn": self.namespace_arn,
            "ClusterVersion": CLUSTER_VERSION,
            "ClusterRevisionNumber": "1",
            "ElasticResizeNumberOfNodeOptions": f"[{','.join(map(str, elastic_sizes(self.node_type, nodes)))}]",
            "PendingModifiedValues": dict(self.pending),
            "Tags": wire_tags(self.tags),
            "MasterPasswordSecretArn": self.secret_arn,
            "MasterPasswordSecretKmsKeyId": self.secret_kms_key,
            **self._network(),
            **self._security(),
            **self._upkeep(),
        }

    def _network(self) -> dict[str, Any]:
        address = f"{self.name}.{self._digest[:12]}.{REGION}.redshift.amazonaws.com"
        return {
            "Endpoint": None if self.status == "creating" else {"Address": address, "Port": self.port},
            "AvailabilityZone": self.zone,
            "VpcId": VPC,
            "ClusterSubnetGroupName": self.subnet_group or "default",
            "ClusterSecurityGroups": [],
            "VpcSecurityGroups": [{"VpcSecurityGroupId": group, "Status": "active"} for group in self.security_groups],
            "PubliclyAccessible": self.public,
            "ElasticIpStatus": {"ElasticIp": self.elastic_ip, "Status": "active"} if self.elastic_ip else None,
            "EnhancedVpcRouting": self.enhanced_vpc_routing,
            "IpAddressType": self.ip_address_type,
            "MultiAZ": "Enabled" if self.multi_az else "Disabled",
            "AvailabilityZoneRelocationStatus": "enabled" if self.zone_relocation else "disabled",
        }

    def _security(self) -> dict[str, Any]:
        return {
            "Encrypted": self.encrypted,
            "KmsKeyId": (self.kms_key or "AWS_OWNED_KMS_KEY") if self.encrypted else None,
            "IamRoles": [{"IamRoleArn": role, "ApplyStatus": "in-sync"} for role in self.iam_roles],
            "DefaultIamRoleArn": self.default_iam_role,
        }

    def _upkeep(self) -> dict[str, Any]:
        resizing = self.resize is not None and not self.resize.done
        return {
            "AutomatedSnapshotRetentionPeriod": self.automated_retention,
            "ManualSnapshotRetentionPeriod": self.manual_retention,
            "PreferredMaintenanceWindow": self.maintenance_window,
            "MaintenanceTrackName": self.maintenance_track,
            "AllowVersionUpgrade": self.allow_version_upgrade,
            "ClusterParameterGroups": [self._parameter_status()],
            "DeferredMaintenanceWindows": list(self.deferred),
            "ResizeInfo": {"ResizeType": self.resize.kind, "AllowCancelResize": False} if self.resize and resizing else None,
            "RestoreStatus": self._restore_status() if self.restored_from else None,
            "ExtraComputeForAutomaticOptimization": "enabled" if self.extra_compute else "disabled",
        }

    def _parameter_status(self) -> dict[str, Any]:
        return {
            "ParameterGroupName": self.parameter_group,
            "ParameterApplyStatus": "pending-reboot" if self.reboot_pending else "in-sync",
            "ClusterParameterStatusList": [
                {"ParameterName": name, "ParameterApplyStatus": "pending-reboot"} for name in sorted(self.parameters_to_reboot)
            ],
        }

    def _restore_status(self) -> dict[str, Any]:
        return {"Status": "restoring" if self.status == "creating" else "completed"}

    def _nodes(self, nodes: int) -> list[dict[str, Any]]:
        roles = ["SHARED"] if nodes == 1 else ["LEADER", *(f"COMPUTE-{number}" for number in range(nodes))]
        return [{"NodeRole": role, "PrivateIPAddress": self._address(number)} for number, role in enumerate(roles)]

    def _address(self, number: int) -> str:
        # AWS may give other addresses after a resume; here it always does, so that nobody relies on them.
        digest = hashlib.sha256(f"{self.namespace}/{self.resumes}/{number}".encode()).digest()
        return f"10.0.{digest[0]}.{1 + digest[1] % 254}"

    @property
    def _digest(self) -> str:
        return hashlib.sha256(self.namespace.encode()).hexdigest()


@dataclass
class Snapshot:
    """One snapshot, manual or automated. `retention_days` -1 keeps it for ever."""

    name: str
    cluster: Cluster
    manual: bool
    retention_days: int
    tags: dict[str, str] = field(default_factory=dict)
    status: str = "creating"
    created: datetime = field(default_factory=utcnow)
    size_mb: float | None = None

    def __post_init__(self) -> None:
        # A snapshot keeps what its cluster was at that moment.
        source = self.cluster
        self.node_type, self.nodes, self.database, self.admin_user = source.node_type, source.nodes, source.database, source.admin_user
        self.encrypted, self.kms_key, self.port, self.zone = source.encrypted, source.kms_key, source.port, source.zone
        self.retention_began = self.created

    @property
    def key(self) -> str:
        """The name of this snapshot in the databases."""
        return f"snapshot:{self.name}"

    @property
    def arn(self) -> str:
        return arn("snapshot", f"{self.cluster.name}/{self.name}")

    def expired(self, now: datetime) -> bool:
        return self.retention_days != -1 and now >= self.retention_began + timedelta(days=self.retention_days)

    def describe(self) -> dict[str, Any]:
        return {
            "SnapshotIdentifier": self.name,
            "ClusterIdentifier": self.cluster.name,
            "SnapshotArn": self.arn,
            "SnapshotCreateTime": self.created,
            "SnapshotRetentionStartTime": self.retention_began,
            "SnapshotType": "manual" if self.manual else "automated",
            "Status": self.status,
            "ClusterCreateTime": self.cluster.created,
            "ClusterVersion": CLUSTER_VERSION,
            "MasterUsername": self.admin_user,
            "NodeType": self.node_type,
            "NumberOfNodes": self.nodes,
            "DBName": self.database,
            "Port": self.port,
            "AvailabilityZone": self.zone,
            "VpcId": VPC,
            "Encrypted": self.encrypted,
            "KmsKeyId": self.kms_key,
            "OwnerAccount": ACCOUNT,
            "TotalBackupSizeInMegaBytes": self.size_mb,
            "Tags": wire_tags(self.tags),
            **self._manual_retention(),
        }

    def _manual_retention(self) -> dict[str, Any]:
        if not self.manual:
            return {}
        left = -1 if self.retention_days == -1 else (self.retention_began + timedelta(days=self.retention_days) - utcnow()).days
        return {"ManualSnapshotRetentionPeriod": self.retention_days, "ManualSnapshotRemainingDays": left}


@dataclass
class SubnetGroup:
    """A subnet group. Its subnets are taken at their word: they need not exist."""

    name: str
    description: str
    subnets: list[str]
    tags: dict[str, str]

    @property
    def arn(self) -> str:
        return arn("subnetgroup", self.name)

    def describe(self) -> dict[str, Any]:
        return {
            "ClusterSubnetGroupName": self.name,
            "Description": self.description,
            "VpcId": VPC,
            "SubnetGroupStatus": "Complete",
            "Subnets": [
                {
                    "SubnetIdentifier": subnet,
                    "SubnetAvailabilityZone": {"Name": ZONES[number % len(ZONES)]},
                    "SubnetStatus": "Active",
                }
                for number, subnet in enumerate(self.subnets)
            ],
            "Tags": wire_tags(self.tags),
            "SupportedClusterIpAddressTypes": ["ipv4"],
        }


@dataclass
class UsageLimit:
    """A limit on a paid feature of a cluster. `amount` is in minutes for time and in terabytes for data scanned."""

    limit_id: str
    cluster: str
    feature: str
    limit_type: str
    amount: int
    period: str
    breach_action: str
    tags: dict[str, str]

    @property
    def arn(self) -> str:
        return arn("usagelimit", self.limit_id)

    def describe(self) -> dict[str, Any]:
        return {
            "UsageLimitId": self.limit_id,
            "ClusterIdentifier": self.cluster,
            "FeatureType": self.feature,
            "LimitType": self.limit_type,
            "Amount": self.amount,
            "Period": self.period,
            "BreachAction": self.breach_action,
            "Tags": wire_tags(self.tags),
        }
