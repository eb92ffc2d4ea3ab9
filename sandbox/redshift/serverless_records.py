"""What the sandbox remembers of namespaces, workgroups and their snapshots, and how Redshift Serverless describes each."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sandbox.kernel import ACCOUNT, DEFAULT_SUBNETS, REGION, utcnow
from sandbox.redshift.serverless_rules import CONFIG_DEFAULTS
from sandbox.world import Target


def _new_id() -> str:
    return str(uuid.uuid4())


def arn(kind: str, resource_id: str) -> str:
    """The ARN of a Serverless resource, which ends in its id and not in its name."""
    return f"arn:aws:redshift-serverless:{REGION}:{ACCOUNT}:{kind}/{resource_id}"


@dataclass
class Namespace:
    """Databases, users and keys. The data belongs to the namespace and stays when its workgroup goes."""

    name: str
    admin_user: str
    database: str
    status: str = "AVAILABLE"
    kms_key: str = "AWS_OWNED_KMS_KEY"
    iam_roles: list[str] = field(default_factory=list)
    default_iam_role: str | None = None
    log_exports: list[str] = field(default_factory=list)
    secret_arn: str | None = None
    secret_kms_key: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    created: datetime = field(default_factory=utcnow)
    resource_id: str = field(default_factory=_new_id)

    @property
    def key(self) -> str:
        """The name of this namespace in the databases."""
        return f"namespace:{self.name}"

    @property
    def arn(self) -> str:
        return arn("namespace", self.resource_id)

    def describe(self) -> dict[str, Any]:
        return {
            "namespaceName": self.name,
            "namespaceId": self.resource_id,
            "namespaceArn": self.arn,
            "status": self.status,
            "adminUsername": self.admin_user,
            "adminPasswordSecretArn": self.secret_arn,
            "adminPasswordSecretKmsKeyId": self.secret_kms_key,
            "dbName": self.database,
            "kmsKeyId": self.kms_key,
            "iamRoles": [f"IamRole(applyStatus=in-sync, iamRoleArn={role})" for role in self.iam_roles],
            "defaultIamRoleArn": self.default_iam_role,
            "logExports": list(self.log_exports),
            "creationDate": self.created,
        }


@dataclass
class Workgroup:
    """The compute of one namespace. Capacities are in RPU."""

    name: str
    namespace: Namespace
    status: str = "CREATING"
    base_capacity: int = 128
    max_capacity: int | None = None
    price_performance: dict[str, Any] | None = None
    config: dict[str, str] = field(default_factory=lambda: dict(CONFIG_DEFAULTS))
    enhanced_vpc_routing: bool = False
    public: bool = False
    extra_compute: bool = False
    ip_address_type: str = "ipv4"
    track: str = "current"
    port: int = 5439
    subnets: list[str] = field(default_factory=lambda: list(DEFAULT_SUBNETS))
    security_groups: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    created: datetime = field(default_factory=utcnow)
    resource_id: str = field(default_factory=_new_id)

    @property
    def arn(self) -> str:
        return arn("workgroup", self.resource_id)

    def target(self) -> Target:
        space = self.namespace
        return Target(space.key, "workgroup", self.name, self.arn, self.status, space.admin_user, space.database, space.secret_arn)

    def change(self, params: dict[str, Any]) -> None:
        """Take over every setting that the request names."""
        for parameter, name in _SETTINGS.items():
            if parameter in params:
                setattr(self, name, params[parameter])
        self.config |= {one["parameterKey"]: one.get("parameterValue", "") for one in params.get("configParameters", [])}
        if self.max_capacity == -1:  # how a request removes the maximum
            self.max_capacity = None

    def describe(self) -> dict[str, Any]:
        address = f"{self.name}.{ACCOUNT}.{REGION}.redshift-serverless.amazonaws.com"
        return {
            "workgroupName": self.name,
            "workgroupId": self.resource_id,
            "workgroupArn": self.arn,
            "namespaceName": self.namespace.name,
            "status": self.status,
            "baseCapacity": self.base_capacity,
            "maxCapacity": self.max_capacity,
            "pricePerformanceTarget": self.price_performance,
            "configParameters": [{"parameterKey": key, "parameterValue": value} for key, value in self.config.items()],
            "enhancedVpcRouting": self.enhanced_vpc_routing,
            "publiclyAccessible": self.public,
            "extraComputeForAutomaticOptimization": self.extra_compute,
            "ipAddressType": self.ip_address_type,
            "trackName": self.track,
            "port": self.port,
            "endpoint": None if self.status == "CREATING" else {"address": address, "port": self.port},
            "subnetIds": list(self.subnets),
            "securityGroupIds": list(self.security_groups),
            "creationDate": self.created,
        }


_SETTINGS = {
    "baseCapacity": "base_capacity",
    "maxCapacity": "max_capacity",
    "pricePerformanceTarget": "price_performance",
    "enhancedVpcRouting": "enhanced_vpc_routing",
    "publiclyAccessible": "public",
    "extraComputeForAutomaticOptimization": "extra_compute",
    "ipAddressType": "ip_address_type",
    "trackName": "track",
    "port": "port",
    "subnetIds": "subnets",
    "securityGroupIds": "security_groups",
}


@dataclass
class ServerlessSnapshot:
    """A copy of a namespace's data. `retention_days` -1 keeps it for ever."""

    name: str
    namespace: Namespace
    retention_days: int
    tags: dict[str, str]
    status: str = "CREATING"
    created: datetime = field(default_factory=utcnow)
    size_mb: float | None = None
    resource_id: str = field(default_factory=_new_id)

    @property
    def key(self) -> str:
        """The name of this snapshot in the databases."""
        return f"serverless-snapshot:{self.name}"

    @property
    def arn(self) -> str:
        return arn("snapshot", self.resource_id)

    def expired(self, now: datetime) -> bool:
        return self.retention_days != -1 and now >= self.created + timedelta(days=self.retention_days)

    def describe(self) -> dict[str, Any]:
        left = -1 if self.retention_days == -1 else (self.created + timedelta(days=self.retention_days) - utcnow()).days
        return {
            "snapshotName": self.name,
            "snapshotArn": self.arn,
            "namespaceName": self.namespace.name,
            "namespaceArn": self.namespace.arn,
            "adminUsername": self.namespace.admin_user,
            "kmsKeyId": self.namespace.kms_key,
            "ownerAccount": ACCOUNT,
            "status": self.status,
            "snapshotCreateTime": self.created,
            "snapshotRetentionStartTime": self.created,
            "snapshotRetentionPeriod": self.retention_days,
            "snapshotRemainingDays": left,
            "totalBackupSizeInMegaBytes": self.size_mb,
        }


@dataclass
class UsageLimit:
    """A limit on what a workgroup uses. `amount` is in RPU hours for compute and in terabytes for data sharing."""

    resource_arn: str
    usage_type: str
    amount: int
    period: str
    breach_action: str
    resource_id: str = field(default_factory=_new_id)

    def describe(self) -> dict[str, Any]:
        return {
            "usageLimitId": self.resource_id,
            "usageLimitArn": arn("usagelimit", self.resource_id),
            "resourceArn": self.resource_arn,
            "usageType": self.usage_type,
            "amount": self.amount,
            "period": self.period,
            "breachAction": self.breach_action,
        }
