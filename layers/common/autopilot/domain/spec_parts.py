"""The parts of a spec: what can be said of one warehouse's compute, network, encryption, backups, parameters, logs and roles."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from autopilot.domain.warehouse import Kind

Period = Literal["daily", "weekly", "monthly"]
LogExport = Literal["connectionlog", "userlog", "useractivitylog"]
LOG_EXPORTS: tuple[LogExport, ...] = ("connectionlog", "userlog", "useractivitylog")


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of a spec. What it leaves out is chosen when the warehouse is created and left as it is afterwards."""


class UsageLimit(Part, frozen=True, kw_only=True):
    """A limit on what costs extra.

    `amount` is in terabytes for `spectrum` and `cross-region-datasharing`, in minutes for a cluster's `concurrency-scaling` and
    `extra-compute-for-automatic-optimization`, in RPU hours for a workgroup's `serverless-compute`. `breach_action`: `disable` is a cluster's, `deactivate` a workgroup's. Source: CreateUsageLimit of both services.
    """

    feature: Literal[
        "spectrum", "concurrency-scaling", "cross-region-datasharing", "extra-compute-for-automatic-optimization", "serverless-compute"
    ]
    amount: Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)]
    period: Period = "monthly"
    breach_action: Literal["log", "emit-metric", "disable", "deactivate"] = "log"

    @property
    def name(self) -> str:
        """What AWS allows one limit of."""
        return f"{self.feature}/{self.period}"


class Compute(Part, frozen=True, kw_only=True):
    """How large it is: a cluster's `node_type`, `nodes` (1 is a single-node cluster) and `multi_az`.

    A workgroup has `base_rpu` and `max_rpu` (RPUs), or a `price_performance_target` (1 favours cost, 100 performance). `usage_limits`,
    where given, are all limits that it has.
    """

    node_type: str | None = None
    nodes: Annotated[int, msgspec.Meta(ge=1, le=128)] | None = None
    multi_az: bool | None = None
    base_rpu: Annotated[int, msgspec.Meta(ge=4, le=1024)] | None = None
    max_rpu: Annotated[int, msgspec.Meta(ge=4, le=5632)] | None = None
    price_performance_target: Literal[1, 25, 50, 75, 100] | None = None
    usage_limits: list[UsageLimit] | None = None


class Network(Part, frozen=True, kw_only=True):
    """Where it lives: a cluster's `subnet_group`, a workgroup's `subnet_ids`; and who reaches it.

    `allow_from` lists security groups and CIDRs: they may reach the warehouse's port through a security group that Autopilot makes for it.
    `public` needs a `public_reason`.
    """

    subnet_group: str | None = None
    subnet_ids: list[str] = []
    security_group_ids: list[str] = []
    allow_from: list[str] | None = None
    port: Annotated[int, msgspec.Meta(ge=1150, le=65535)] | None = None
    enhanced_vpc_routing: bool = True
    public: bool = False
    public_reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)] | None = None
    elastic_ip: str | None = None
    availability_zone: str | None = None
    zone_relocation: bool | None = None
    ip_address_type: Literal["ipv4", "dualstack"] | None = None


class Encryption(Part, frozen=True, kw_only=True):
    """The keys of the data and of the admin secret: a KMS key's ARN, id, alias or alias ARN. Encryption itself cannot be turned off."""

    kms_key: str | None = None
    secret_kms_key: str | None = None


class Backups(Part, frozen=True, kw_only=True):
    """How many days a cluster's automated snapshots are kept, and its manual ones by default (-1: for ever)."""

    automated_days: Annotated[int, msgspec.Meta(ge=1, le=35)] | None = None
    manual_days: Annotated[int, msgspec.Meta(ge=-1, le=3653)] | None = None


class Parameters(Part, frozen=True, kw_only=True):
    """Database parameters: a cluster's own parameter `group`, or `values` for a group that Autopilot makes; a workgroup takes `values`."""

    group: str | None = None
    values: dict[str, str | bool | int] | None = None

    def as_text(self) -> dict[str, str]:
        """The values as AWS takes them."""
        return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in (self.values or {}).items()}


class Logging(Part, frozen=True, kw_only=True):
    """Where audit logs go. Workgroups log to CloudWatch only; `bucket` (default: the stack's log bucket) and `prefix` are for S3."""

    destination: Literal["s3", "cloudwatch", "none"]
    bucket: str | None = None
    prefix: Annotated[str, msgspec.Meta(max_length=256)] | None = None
    exports: list[LogExport] = msgspec.field(default_factory=lambda: list(LOG_EXPORTS))


class Roles(Part, frozen=True, kw_only=True):
    """IAM roles that the warehouse may assume: the ARNs of all of them, and which one `IAM_ROLE default` stands for."""

    arns: list[str] = []
    default: str | None = None

    @property
    def all(self) -> list[str]:
        """Every role, sorted; the default one is among them."""
        return sorted({*self.arns, *([self.default] if self.default else [])})


#: The fields of each part that mean something for one kind only.
BELONGS: dict[str, dict[str, Kind]] = {
    "compute": {
        "node_type": "cluster",
        "nodes": "cluster",
        "multi_az": "cluster",
        "base_rpu": "workgroup",
        "max_rpu": "workgroup",
        "price_performance_target": "workgroup",
    },
    "network": {
        "subnet_group": "cluster",
        "elastic_ip": "cluster",
        "availability_zone": "cluster",
        "zone_relocation": "cluster",
        "subnet_ids": "workgroup",
    },
    "backups": {"automated_days": "cluster", "manual_days": "cluster"},
    "parameters": {"group": "cluster"},
    "logging": {"bucket": "cluster", "prefix": "cluster"},
}
