"""The security baseline: the words in which rules, facts, repairs and findings are spoken of."""

from __future__ import annotations

from typing import Any, Literal, get_args

import msgspec

from autopilot.domain.policies import Policy
from autopilot.domain.warehouse import Kind

RuleName = Literal[
    "encryption",
    "tls",
    "enhanced_vpc_routing",
    "not_public",
    "audit_logging",
    "user_activity_logging",
    "snapshot_retention",
    "admin_name",
    "least_privilege",
]
Status = Literal["passed", "repaired", "repairable", "needs_person"]
Operation = Literal[
    "modify_cluster", "modify_cluster_parameter_group", "enable_logging", "reboot_cluster", "update_workgroup", "update_namespace"
]

_GUIDE = "https://docs.aws.amazon.com/redshift/latest/mgmt"
_CONTROLS = "https://docs.aws.amazon.com/securityhub/latest/userguide/redshift-controls.html"
#: What AWS says about each rule.
REFERENCES: dict[RuleName, str] = {
    "encryption": f"{_GUIDE}/working-with-db-encryption.html",
    "tls": f"{_GUIDE}/connecting-ssl-support.html",
    "enhanced_vpc_routing": f"{_GUIDE}/enhanced-vpc-enabling-cluster.html",
    "not_public": f"{_CONTROLS}#redshift-1",
    "audit_logging": f"{_GUIDE}/db-auditing.html",
    "user_activity_logging": f"{_GUIDE}/db-auditing.html",
    "snapshot_retention": f"{_CONTROLS}#redshift-3",
    "admin_name": f"{_CONTROLS}#redshift-8",
    "least_privilege": "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html",
}
RULES: tuple[RuleName, ...] = get_args(RuleName)
#: The parameter that each of these rules demands to be true. Both are static: a cluster takes them over at a reboot.
PARAMETERS: dict[RuleName, str] = {"tls": "require_ssl", "user_activity_logging": "enable_user_activity_logging"}


class Role(msgspec.Struct, frozen=True):
    """An attached IAM role and what it may do; `unreadable` says why that could not be read."""

    arn: str
    policies: list[Policy] = []
    unreadable: str = ""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What AWS said of a warehouse, as far as the baseline asks.

    `parameters` are those of a cluster's parameter group or of a workgroup; `pending_parameters` take effect at the next reboot.
    `sharing_group` names other clusters with the same parameter group. `log_exports` is empty where logs go to S3, which takes all.
    `route_to_s3` says how the VPC reaches S3 by itself, empty when it does not. `changing` names settings whose change is not in effect.
    """

    kind: Kind
    name: str
    status: str
    encrypted: bool
    public: bool
    enhanced_vpc_routing: bool
    admin_user: str
    vpc: str = ""
    route_to_s3: str = ""
    logging: Literal["", "s3", "cloudwatch"] = ""
    log_exports: list[str] = []
    parameter_group: str = ""
    parameters: dict[str, str] = {}
    pending_parameters: list[str] = []
    sharing_group: list[str] = []
    retention_days: int = 0
    roles: list[Role] = []
    namespace: str = ""
    changing: list[str] = []


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the stack offers for repairs; empty where it offers nothing."""

    parameter_group: str = ""
    log_bucket: str = ""
    kms_key: str = ""


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """What people agreed to: a reboot (drops sessions), hours of read-only while a cluster is encrypted, rules that stay broken and why."""

    reboot: bool = False
    read_only: bool = False
    accept: dict[RuleName, str] = {}


class Repair(msgspec.Struct, frozen=True):
    """One operation with its arguments; `key` is the same for rules that one operation mends together."""

    key: str
    operation: Operation
    arguments: dict[str, Any] = {}


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """A repair that was made once, the rules it was for, and AWS's words when it was refused."""

    key: str
    rules: list[RuleName]
    refusal: str = ""


class Judgment(msgspec.Struct, frozen=True):
    """Whether a rule holds and why; with the repair where there is one that nobody needs to be asked for."""

    rule: RuleName
    holds: bool
    reason: str
    repair: Repair | None = None


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What people are told of one rule. `repairable` is said by dry runs only: it would be repaired."""

    rule: RuleName
    status: Status
    reason: str
    reference: str
