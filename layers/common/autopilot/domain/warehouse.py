"""A warehouse's name, kind and observed state: the same few words for clusters and workgroups."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

Kind = Literal["cluster", "workgroup"]


#: Source: CreateCluster, `ClusterIdentifier`; CreateWorkgroup, `workgroupName`.
_CLUSTER_NAME = re.compile(r"(?=.{1,63}\Z)[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_WORKGROUP_NAME = re.compile(r"[a-z0-9-]{3,64}")
NAME_RULES: dict[Kind, str] = {
    "cluster": "1 to 63 lowercase letters, digits and single hyphens, starting with a letter and not ending with a hyphen",
    "workgroup": "3 to 64 lowercase letters, digits and hyphens",
}


def can_be_named(kind: Kind, name: str) -> bool:
    """Whether AWS allows this name for that kind; asking AWS about another one is an error by itself."""
    return bool((_CLUSTER_NAME if kind == "cluster" else _WORKGROUP_NAME).fullmatch(name))


class Reference(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which warehouse. Without a kind it is looked for among clusters, then workgroups."""

    name: str
    kind: Kind | None = None
    region: str | None = None
    account: str | None = None


class Warehouse(msgspec.Struct, frozen=True, kw_only=True):
    """What AWS said of a warehouse when it was looked at.

    `status` is AWS's own word in lower case, compound values (`available, prep-for-resize`) as they came. `namespace_id` is what a data share
    and a zero-ETL integration know it by. `nodes` and
    `node_type` describe clusters only, and are wrong for a paused multi-node cluster (AWS describes it as single-node).
    """

    kind: Kind
    name: str
    region: str
    account: str
    arn: str
    status: str
    database: str
    admin_user: str | None = None
    secret_arn: str | None = None
    node_type: str | None = None
    nodes: int | None = None
    base_rpu: int | None = None
    max_rpu: int | None = None
    public: bool = False
    price_performance_target: int | None = None
    port: int | None = None
    enhanced_vpc_routing: bool = False
    elastic_ip: str | None = None
    availability_zone: str | None = None
    zone_relocation: bool = False
    ip_address_type: str | None = None
    multi_az: bool = False
    encrypted: bool = True
    kms_key: str | None = None
    secret_kms_key: str | None = None
    automated_days: int | None = None
    manual_days: int | None = None
    maintenance_window: str | None = None
    parameter_group: str | None = None
    parameters: dict[str, str] = {}
    reboot_pending: bool = False
    log_exports: list[str] = []
    roles: list[str] = []
    default_role: str | None = None
    vpc: str | None = None
    restored: bool = False
    namespace: str | None = None
    namespace_id: str = ""
    subnet_group: str | None = None
    subnet_ids: list[str] = []
    security_group_ids: list[str] = []
    tags: dict[str, str] = {}

    @classmethod
    def absent(cls, reference: Reference, execution: str, *, kind: Kind, database: str = "") -> Warehouse:
        """A warehouse that does not exist, in the region and account of an execution's ARN: for plans that create it or find nothing."""
        region, account = execution.split(":")[3:5]
        return cls(kind=kind, name=reference.name, region=region, account=account, arn="", status="absent", database=database)

    @property
    def reference(self) -> Reference:
        """The full reference: what every later step is given, so that no two steps can mean different warehouses."""
        return Reference(name=self.name, kind=self.kind, region=self.region, account=self.account)

    @property
    def size(self) -> str:
        """A cluster's nodes or a workgroup's capacity in words: `2 x ra3.large`, `8 to 16 RPU`."""
        if self.kind == "cluster":
            return cluster_size(self.node_type or "", self.nodes or 1)
        return f"{self.base_rpu} to {self.max_rpu} RPU" if self.max_rpu else f"{self.base_rpu} RPU"

    @property
    def key(self) -> str:
        """What its lock, callbacks and ledger entries are filed under."""
        return f"{self.kind}#{self.region}#{self.name}"


def cluster_size(node_type: str, nodes: int) -> str:
    """The size of a cluster in words."""
    return f"{nodes} x {node_type}"


def primary_status(status: str) -> str:
    """The first word of a compound cluster status: `available, resize-cleanup` is `available`.

    Source: DescribeClusters, `ClusterStatus`.
    """
    return status.partition(",")[0].strip().lower()
