"""Fewer nodes, smaller nodes, and newer ones: what a cluster needs by its load, its memory and its data, never below its storage need."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from autopilot.domain import thresholds
from autopilot.domain.advice.evidence import Evidence, Size
from autopilot.domain.node_types import NODE_TYPES, NodeType
from autopilot.domain.report import Recommendation
from autopilot.domain.spending import cents

_OLD_FAMILIES = ("dc2", "dc1", "ds2")
_NEW_FAMILY = "ra3"


def fewer_or_smaller_nodes(seen: Evidence) -> Recommendation | None:
    """The cheapest size of the same family that carries the measured load and the data; None if that saves nothing worth the work."""
    size, now = seen.size, NODE_TYPES.get(seen.costs.node_type)
    if size is None or now is None or not _is_known(seen) or not _has_memory_to_spare(seen):
        return None
    sold = seen.prices.node_hour if seen.prices else {}
    fits = [one for one in _candidates(now, size) if one[0].name in sold and _carries(seen, now, size.nodes, *one)]
    priced = [(_monthly(seen, size, node, nodes), node, nodes) for node, nodes in fits]
    # At the same price the type stays, and fewer nodes are taken.
    best = min(priced, key=lambda one: (one[0], one[1] is not now, one[2]), default=None)
    if best is None or (saving := cents(size.monthly - best[0])) < thresholds.MIN_MONTHLY_SAVING:
        return None
    monthly, node, nodes = best
    used = seen.used
    alone = size.nodes == 1
    return Recommendation(
        rule="fewer_nodes" if node is now else "smaller_nodes",
        title=f"{seen.costs.name}: {nodes} x {node.name} instead of {size.nodes} x {now.name}",
        warehouse=seen.costs.name,
        evidence=[
            f"CPU over {used.hours_seen} hours: average {used.cpu_average_percent:.1f} %, 95th percentile {used.cpu_p95_percent:.1f} %",
            f"the 95th percentile becomes {_cpu_after(used.cpu_p95_percent, now, size.nodes, node, nodes):.1f} %",
            f"data: {_data_gb(seen):.0f} GB at most, {_disk_after(seen, node, nodes):.1f} % of what the new size can hold",
            f"memory: queries waited {used.queue_seconds:.0f} s in queues, disk use swung by {_swing(seen):.1f} percentage points",
        ],
        arithmetic=f"{size.arithmetic}; {_price_words(seen, size, node, nodes)} = {cents(monthly)} {size.currency}; saves {saving} {size.currency}",
        monthly_saving=saving,
        risk=(
            "A single node cannot be resized elastically: restore a snapshot into the smaller size, or accept a classic resize, read-only for hours."
            if alone
            else "Running queries may be dropped while the cluster is resized; queries that spill to disk are not seen by CloudWatch: look into "
            "SYS_QUERY_DETAIL first. AWS is asked which sizes it allows before anything is done."
        ),
        workflow="" if alone else "resize_warehouse",
        input={"warehouse": seen.costs.name, "node_type": node.name, "nodes": nodes, "dry_run": True},
    )


def newer_nodes(seen: Evidence) -> Recommendation | None:
    """RA3 instead of a family that AWS sells no longer: the cheapest size with as much memory as now that can hold the data."""
    costs, now = seen.costs, NODE_TYPES.get(seen.costs.node_type)
    size, data_gb = seen.size, _data_gb(seen)
    if now is None or size is None or seen.prices is None or data_gb is None or now.family not in _OLD_FAMILIES:
        return None
    memory = now.memory_gb * size.nodes
    storage_price = seen.prices.storage_gb_month
    priced = [node for node in NODE_TYPES.values() if node.family == _NEW_FAMILY and node.name in seen.prices.node_hour]
    fits = [
        (node, nodes)
        for node in priced
        for nodes in range(1 if node.alone_gb else 2, node.most_nodes + 1)
        if node.memory_gb * nodes >= memory and data_gb <= node.capacity_gb(nodes) * thresholds.DISK_AFTER_PERCENT / 100
    ]
    if not fits or storage_price is None:
        return None
    price = seen.prices.node_hour
    node, nodes = min(fits, key=lambda one: (price[one[0].name] * one[1], one[1]))
    compute, storage = size.hours * nodes * Fraction(price[node.name]), Fraction(data_gb * storage_price)
    saving = cents(size.monthly - compute - storage)
    return Recommendation(
        rule="newer_nodes",
        title=f"{costs.name}: {nodes} x {node.name} instead of {size.nodes} x {now.name}, which AWS no longer sells",
        warehouse=costs.name,
        evidence=[
            f"{now.name} cannot be created any more and gets no new features",
            f"memory: {memory} GB now, {node.memory_gb * nodes} GB then",
            f"data: {data_gb:.0f} GB at most",
        ],
        arithmetic=(
            f"{size.arithmetic}; {nodes} x {node.name} x {price[node.name].normalize():f} x {float(size.hours):.2f} h = {cents(compute)} {size.currency}, "
            f"and {data_gb:.0f} GB x {storage_price.normalize():f} = {cents(storage)} {size.currency} of managed storage; "
            f"{'saves' if saving >= 0 else 'costs'} {abs(saving)} {size.currency}{'' if saving >= 0 else ' more'}"
        ),
        monthly_saving=saving,
        risk="A change of the node type drops running queries; try the same queries on a restored snapshot first.",
        workflow="resize_warehouse",
        input={"warehouse": costs.name, "node_type": node.name, "nodes": nodes, "dry_run": True},
    )


def _is_known(seen: Evidence) -> bool:
    used = seen.used
    return seen.seen_enough and None not in {
        used.cpu_average_percent,
        used.cpu_p95_percent,
        used.disk_maximum_percent,
        used.disk_median_percent,
        used.queue_seconds,
    }


def _swing(seen: Evidence) -> float:
    return (seen.used.disk_maximum_percent or 0.0) - (seen.used.disk_median_percent or 0.0)


def _has_memory_to_spare(seen: Evidence) -> bool:
    """CloudWatch shows no memory of a cluster. What lacks it makes queries wait, and spills to disk."""
    waited = (seen.used.queue_seconds or 0.0) / max(seen.used.hours_seen, 1)
    return waited <= thresholds.MEMORY_QUEUE_SECONDS_PER_HOUR and _swing(seen) <= thresholds.MEMORY_DISK_SWING_PERCENT


def _candidates(now: NodeType, size: Size) -> Iterator[tuple[NodeType, int]]:
    """The sizes of the same family that a resize is likely to allow: AWS is asked which ones it really does before anything is done."""
    if size.nodes == 1:
        yield from ((node, 1) for node in NODE_TYPES.values() if node.family == now.family and node.alone_gb and node.vcpus < now.vcpus)
        return
    half = [size.nodes // 2] if size.nodes % 2 == 0 else []
    fewer = half if now.elastic == 2 else range(-(-size.nodes // now.elastic), size.nodes)
    yield from ((now, nodes) for nodes in fewer if nodes > 1)
    for node in NODE_TYPES.values():
        if node.family == now.family and node.vcpus < now.vcpus:
            yield from ((node, nodes) for nodes in (*half, size.nodes, 2 * size.nodes) if 1 < nodes <= node.most_nodes)


def _carries(seen: Evidence, now: NodeType, nodes_now: int, node: NodeType, nodes: int) -> bool:
    average, p95 = seen.used.cpu_average_percent, seen.used.cpu_p95_percent
    return (
        _cpu_after(p95, now, nodes_now, node, nodes) <= thresholds.CPU_P95_AFTER_PERCENT
        and _cpu_after(average, now, nodes_now, node, nodes) <= thresholds.CPU_AVERAGE_AFTER_PERCENT
        and _disk_after(seen, node, nodes) <= thresholds.DISK_AFTER_PERCENT
    )


def _cpu_after(percent: float | None, now: NodeType, nodes_now: int, node: NodeType, nodes: int) -> Decimal:
    return Decimal(str(percent)) * now.vcpus * nodes_now / (node.vcpus * nodes)


def _data_gb(seen: Evidence) -> Decimal | None:
    node, percent = NODE_TYPES.get(seen.costs.node_type), seen.used.disk_maximum_percent
    if node is None or percent is None or not seen.costs.nodes:
        return None
    return node.capacity_gb(seen.costs.nodes) * Decimal(str(percent)) / 100


def _disk_after(seen: Evidence, node: NodeType, nodes: int) -> Decimal:
    return (_data_gb(seen) or Decimal(0)) * 100 / node.capacity_gb(nodes)


def _on_demand_after(size: Size, node: NodeType, nodes: int) -> int:
    """Reservations are of one node type: they go on paying for theirs, and for none of another."""
    return max(nodes - (size.nodes - size.on_demand), 0) if node.name == size.node_type else nodes


def _price_words(seen: Evidence, size: Size, node: NodeType, nodes: int) -> str:
    price = seen.prices.node_hour[node.name] if seen.prices else Decimal(0)
    return f"{_on_demand_after(size, node, nodes)} x {node.name} x {price.normalize():f} x {float(size.hours):.2f} h"


def _monthly(seen: Evidence, size: Size, node: NodeType, nodes: int) -> Fraction:
    """What the new size costs."""
    price = seen.prices.node_hour[node.name] if seen.prices else Decimal(0)
    return size.hours * _on_demand_after(size, node, nodes) * Fraction(price)
