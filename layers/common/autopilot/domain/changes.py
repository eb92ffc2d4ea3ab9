"""From what a warehouse is to what its spec says: single changes, in order, each with the operation that makes it."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from autopilot.domain.spec import ENVIRONMENT_TAG, PROTECT_TAG, SCHEDULE_TAG, Spec
from autopilot.domain.warehouse import Warehouse

Operation = Literal["resize_cluster", "modify_cluster", "update_workgroup", "tag", "none"]
_RESIZE = "sessions are held for some minutes"
_NEW_NODES = "running queries are dropped"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One difference, and how it is mended: `operation` with `arguments`, or `none` where AWS or we do not change it in place."""

    field: str
    before: Any
    after: Any
    operation: Operation
    arguments: dict[str, Any] = {}
    consequence: str = ""

    def __str__(self) -> str:
        because = f" ({self.consequence})" if self.operation == "none" and self.consequence else ""
        return f"{self.field} is {self.before!r}, the spec says {self.after!r}{because}"


def plan_changes(spec: Spec, seen: Warehouse) -> list[Change]:
    """The changes that make an existing warehouse what the spec says, in order; only what the spec states is compared."""
    changes = [
        _change("database", seen.database, spec.database, "none", consequence="the first database cannot be renamed"),
        *(_of_cluster(spec, seen) if seen.kind == "cluster" else _of_workgroup(spec, seen)),
        *_tags(spec, seen),
    ]
    return [change for change in changes if change is not None]


def _tags(spec: Spec, seen: Warehouse) -> list[Change | None]:
    names = {PROTECT_TAG: "protect", SCHEDULE_TAG: "schedule", ENVIRONMENT_TAG: "environment"}
    return [_change(names.get(key, f"tags.{key}"), seen.tags.get(key), value, "tag", {key: value}) for key, value in spec.own_tags.items()]


def _of_cluster(spec: Spec, seen: Warehouse) -> list[Change | None]:
    network = spec.network
    groups = sorted(network.security_group_ids)
    return [
        _change("network.subnet_group", seen.subnet_group, network.subnet_group, "none", consequence="a cluster stays in its subnet group"),
        _change("network.public", seen.public, network.public, "modify_cluster", {"PubliclyAccessible": network.public}),
        _change(
            "network.security_group_ids", sorted(seen.security_group_ids), groups or None, "modify_cluster", {"VpcSecurityGroupIds": groups}
        ),
        *_resize(spec, seen),
    ]


def _resize(spec: Spec, seen: Warehouse) -> list[Change | None]:
    """A change of nodes is one elastic resize. AWS describes a paused multi-node cluster as single-node: its nodes are not compared."""
    node_type, nodes = spec.compute.node_type or seen.node_type, spec.compute.nodes or seen.nodes or 1
    known = seen.status not in {"paused", "pausing", "resuming"}
    one_node = 1 in {nodes, seen.nodes} and nodes != seen.nodes
    operation: Operation = "none" if one_node else "resize_cluster"
    consequence = "from or to a single node only a classic resize leads, which is not done unasked" if one_node else _RESIZE
    arguments = {
        "NodeType": node_type,
        "NumberOfNodes": nodes,
        "ClusterType": "multi-node" if nodes > 1 else "single-node",
        "Classic": False,
    }
    by_type = _change("compute.node_type", seen.node_type, spec.compute.node_type, operation, arguments, f"{_RESIZE}; {_NEW_NODES}")
    by_count = _change("compute.nodes", seen.nodes, spec.compute.nodes, operation, arguments, consequence) if known else None
    # One resize makes both changes: the second would find nothing left to do.
    return [by_type, by_count]


def _of_workgroup(spec: Spec, seen: Warehouse) -> list[Change | None]:
    network, compute = spec.network, spec.compute
    subnets, groups = sorted(network.subnet_ids), sorted(network.security_group_ids)
    base = _change("compute.base_rpu", seen.base_rpu, compute.base_rpu, "update_workgroup", {"baseCapacity": compute.base_rpu})
    most = _change("compute.max_rpu", seen.max_rpu, compute.max_rpu, "update_workgroup", {"maxCapacity": compute.max_rpu})
    # AWS takes one parameter at a time and keeps base below maximum: grow the maximum first, shrink it last.
    shrinks = compute.max_rpu is not None and seen.max_rpu is not None and compute.max_rpu < seen.max_rpu
    return [
        _change("network.public", seen.public, network.public, "update_workgroup", {"publiclyAccessible": network.public}),
        _change("network.subnet_ids", sorted(seen.subnet_ids), subnets or None, "update_workgroup", {"subnetIds": subnets}),
        _change(
            "network.security_group_ids", sorted(seen.security_group_ids), groups or None, "update_workgroup", {"securityGroupIds": groups}
        ),
        *([base, most] if shrinks else [most, base]),
    ]


def _change(
    field: str, before: Any, after: Any, operation: Operation, arguments: dict[str, Any] | None = None, consequence: str = ""
) -> Change | None:
    if after is None or before == after:
        return None
    return Change(field=field, before=before, after=after, operation=operation, arguments=arguments or {}, consequence=consequence)
