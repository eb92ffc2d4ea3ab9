"""Resizing: which way leads from the size that a warehouse has to the one asked for, and what that way means for those who use it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from autopilot.domain.errors import InvalidInput, WarehouseUnavailable
from autopilot.domain.inputs import ResizeInput
from autopilot.domain.warehouse import Warehouse, cluster_size, primary_status

Method = Literal["elastic", "classic", "capacity"]
#: What each way does to those who work there. Source: management guide, "Resizing a cluster"; AWS Big Data Blog, "Faster Classic Resize".
CONSEQUENCES: dict[Method, str] = {
    "elastic": "usually 10 to 15 minutes; for some of them the cluster is unavailable: sessions are held and some queries may be dropped",
    "classic": (
        "the cluster is read-only until the new nodes take over, and connections are cut then: minutes to hours where storage is managed (RA3), "
        "whose data is redistributed in the background afterwards, else a couple of hours to several days; AWS names no time beforehand"
    ),
    "capacity": "usually some minutes; AWS does not say what a change of capacity does to running queries",
}
NEW_NODES = "running queries are dropped when the new node type takes over"
#: Days that the snapshot from before a classic resize is kept.
SNAPSHOT_DAYS = 7


class Size(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A cluster's nodes, or a workgroup's base and maximum capacity in RPUs; a maximum of None is not to be changed."""

    node_type: str | None = None
    nodes: int | None = None
    base_rpu: int | None = None
    max_rpu: int | None = None

    def __str__(self) -> str:
        if self.node_type is not None:
            return cluster_size(self.node_type, self.nodes or 1)
        return f"{self.base_rpu} to {self.max_rpu} RPU" if self.max_rpu else f"{self.base_rpu} RPU"


class Option(msgspec.Struct, frozen=True):
    """A size that an elastic resize reaches, and how full the disks would be. Source: DescribeNodeConfigurationOptions."""

    node_type: str
    nodes: int
    disk_percent: float | None = None

    def __str__(self) -> str:
        full = "" if self.disk_percent is None else f" (disks {self.disk_percent:.0f} % full)"
        return cluster_size(self.node_type, self.nodes) + full


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done about a size: `resize` by `method`, `resume` (first), `await` (what is under way), `refuse` or `nothing`, and why.

    `possible` are the sizes that an elastic resize reaches.
    """

    action: Literal["resize", "resume", "await", "retry", "refuse", "nothing"]
    reason: str
    size: Size
    method: Method | None = None
    possible: list[Option] = []

    @property
    def consequence(self) -> str:
        """What it means for those who use the warehouse, or nothing."""
        return CONSEQUENCES[self.method] if self.method else ""


def wanted_size(asked: ResizeInput, seen: Warehouse) -> Size:
    """The size asked for, with what was left out as it is. Raises InvalidInput with every contradiction at once."""
    given = {field: getattr(asked, field) for field in ("node_type", "nodes", "base_rpu", "max_rpu") if getattr(asked, field) is not None}
    own = ("node_type", "nodes") if seen.kind == "cluster" else ("base_rpu", "max_rpu")
    problems = [f"{field}: {seen.kind} {seen.name} takes {' and '.join(own)}" for field in given if field not in own]
    if not given:
        problems.append(f"{' or '.join(own)}: give at least one of them, none was given")
    size = Size(**{field: given.get(field, getattr(seen, field)) for field in own})
    if seen.kind == "workgroup" and not problems:
        problems += capacity_problems(size.base_rpu, size.max_rpu)
    if problems:
        raise InvalidInput("; ".join(problems))
    return size


def capacity_problems(base_rpu: int | None, max_rpu: int | None, path: str = "") -> list[str]:
    """What AWS would not take of a workgroup's capacity. Source: CreateWorkgroup, `baseCapacity` and `maxCapacity`."""
    problems = []
    for field, value, most in (("base_rpu", base_rpu, 1024), ("max_rpu", max_rpu, 5632)):
        if value is not None and value != 4 and value % 8:
            problems.append(f"{path}{field}: {value} is not allowed; 4, or a multiple of 8 up to {most}")
    if base_rpu is not None and max_rpu is not None and max_rpu < base_rpu:
        problems.append(f"{path}max_rpu: {max_rpu} is below base_rpu {base_rpu}")
    return problems


def first_step(seen: Warehouse, size: Size, before_pause: Size | None = None) -> Way:
    """What the warehouse's state asks for first; `resize` without a method when a cluster has to be resized.

    `before_pause` is what the ledger says: AWS describes a paused multi-node cluster as single-node. Raises WarehouseUnavailable.
    """
    name, status = seen.name, primary_status(seen.status)
    if status in {"paused", "pausing"}:
        if size == before_pause:
            return Way(action="nothing", reason=f"{name} is {status} and had {size} before", size=size)
        return Way(action="resume", reason=f"{name} is {status}; it is resumed first and paused again afterwards", size=size)
    if status in {"resizing", "modifying", "resuming", "rebooting", "creating"} or seen.status.endswith("prep-for-resize"):
        return Way(action="await", reason=f"{name} is {seen.status}; it is looked at again when that has ended", size=size)
    if status != "available":
        raise WarehouseUnavailable(f"{name} is {seen.status}; it can be resized only from available")
    if has_size(seen, size):
        return Way(action="nothing", reason=f"{name} has {size} already", size=size)
    if seen.status != "available":
        return Way(action="retry", reason=f"{name} is {seen.status}; it can be resized when that has ended", size=size)
    method: Method | None = "capacity" if seen.kind == "workgroup" else None
    return Way(action="resize", reason=f"{name} has {seen.size}, {size} is asked for", size=size, method=method)


def has_size(seen: Warehouse, size: Size) -> bool:
    """Whether an available warehouse has the size."""
    if seen.kind == "cluster":
        return (seen.node_type, seen.nodes) == (size.node_type, size.nodes)
    return seen.base_rpu == size.base_rpu and size.max_rpu in {None, seen.max_rpu}


def choose_way(first: Way, seen: Warehouse, possible: Sequence[Option], *, classic: bool, sold: bool) -> Way:
    """Elastic where AWS says that it reaches the size, else classic where that is allowed, else `refuse`.

    `sold` says whether AWS sells the node type here. Raises InvalidInput for one that it does not.
    """
    size, options = first.size, list(possible)
    found = next((option for option in options if (option.node_type, option.nodes) == (size.node_type, size.nodes)), None)
    if found:
        reason = f"{first.reason}; elastic resize to {found}" + (f"; {NEW_NODES}" if size.node_type != seen.node_type else "")
        return msgspec.structs.replace(first, method="elastic", reason=reason, possible=options)
    if not sold:
        raise InvalidInput(f"node_type: AWS does not sell {size.node_type} in this region, or no longer does")
    reached = (
        f"it reaches {', '.join(map(str, options[:20]))}{' and more' if len(options) > 20 else ''}" if options else "it reaches no size"
    )
    reason = f"{first.reason}; no elastic resize leads from {seen.size} to {size} ({reached}); a classic resize: {CONSEQUENCES['classic']}"
    if classic:
        return msgspec.structs.replace(first, method="classic", reason=reason, possible=options)
    return msgspec.structs.replace(
        first, action="refuse", method="classic", reason=f"{reason}. Set classic to allow if that may happen", possible=options
    )


def resize_request(node_type: str, nodes: int, *, classic: bool = False) -> dict[str, Any]:
    """The ResizeCluster request for a size."""
    return {
        "NodeType": node_type,
        "NumberOfNodes": nodes,
        "ClusterType": "multi-node" if nodes > 1 else "single-node",
        "Classic": classic,
    }


def capacity_requests(seen: Warehouse, size: Size) -> list[dict[str, int]]:
    """The UpdateWorkgroup requests that lead to a capacity, in an order in which the maximum is never below the base.

    AWS takes one parameter at a time: the maximum grows first and shrinks last.
    """
    base = [{"baseCapacity": size.base_rpu}] if size.base_rpu is not None and size.base_rpu != seen.base_rpu else []
    most = [{"maxCapacity": size.max_rpu}] if size.max_rpu is not None and size.max_rpu != seen.max_rpu else []
    shrinks = size.max_rpu is not None and seen.max_rpu is not None and size.max_rpu < seen.max_rpu
    return [*base, *most] if shrinks else [*most, *base]
