"""A warehouse's name, kind and observed state: the same few words for clusters and workgroups."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["cluster", "workgroup"]


class Reference(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which warehouse. Without a kind it is looked for among clusters, then workgroups."""

    name: str
    kind: Kind | None = None
    region: str | None = None
    account: str | None = None


class Warehouse(msgspec.Struct, frozen=True, kw_only=True):
    """What AWS said of a warehouse when it was looked at.

    `status` is AWS's own word in lower case, compound values (`available, prep-for-resize`) as they came. `nodes` and
    `node_type` describe clusters only, and are wrong for a paused multi-node cluster (AWS describes it as single-node).
    `owner` is the execution that created it, read from its tag.
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
    namespace: str | None = None
    tags: dict[str, str] = {}

    @property
    def reference(self) -> Reference:
        """The full reference: what every later step is given, so that no two steps can mean different warehouses."""
        return Reference(name=self.name, kind=self.kind, region=self.region, account=self.account)

    @property
    def key(self) -> str:
        """What its lock, callbacks and ledger entries are filed under."""
        return f"{self.kind}#{self.region}#{self.name}"


def primary_status(status: str) -> str:
    """The first word of a compound cluster status: `available, resize-cleanup` is `available`.

    Source: DescribeClusters, `ClusterStatus`.
    """
    return status.partition(",")[0].strip().lower()
