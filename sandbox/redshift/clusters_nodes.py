"""The node types that the sandbox's region sells, and which sizes a cluster of them can be resized to."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sandbox.kernel import ApiError


@dataclass(frozen=True)
class NodeType:
    """`growth` is how many times larger an elastic resize may make a cluster; `most_nodes` is the limit after a resize."""

    name: str
    vcpus: int
    single_node: bool
    most_nodes_at_creation: int
    most_nodes: int
    growth: int
    sold: bool = True


# AWS has not published limits of the rg family that could be confirmed: they stand here like the ra3 type of the same size.
NODE_TYPES: Final[dict[str, NodeType]] = {
    node.name: node
    for node in (
        NodeType("ra3.large", 2, single_node=True, most_nodes_at_creation=16, most_nodes=32, growth=2),
        NodeType("ra3.xlplus", 4, single_node=True, most_nodes_at_creation=16, most_nodes=32, growth=2),
        NodeType("ra3.4xlarge", 12, single_node=False, most_nodes_at_creation=32, most_nodes=64, growth=4),
        NodeType("ra3.16xlarge", 48, single_node=False, most_nodes_at_creation=100, most_nodes=128, growth=4),
        NodeType("rg.xlarge", 4, single_node=True, most_nodes_at_creation=16, most_nodes=32, growth=2),
        NodeType("rg.4xlarge", 16, single_node=False, most_nodes_at_creation=32, most_nodes=64, growth=4),
        NodeType("dc2.large", 2, single_node=True, most_nodes_at_creation=32, most_nodes=32, growth=2, sold=False),
        NodeType("dc2.8xlarge", 32, single_node=False, most_nodes_at_creation=100, most_nodes=128, growth=2, sold=False),
    )
}

ZONES: Final = ("us-east-1a", "us-east-1b", "us-east-1c")
CLUSTER_VERSION: Final = "1.0"

_COMPARISONS: Final[dict[str, Callable[[Any, list[Any]], bool]]] = {
    "eq": lambda value, wanted: bool(operator.eq(value, wanted[0])),
    "lt": lambda value, wanted: bool(operator.lt(value, wanted[0])),
    "gt": lambda value, wanted: bool(operator.gt(value, wanted[0])),
    "le": lambda value, wanted: bool(operator.le(value, wanted[0])),
    "ge": lambda value, wanted: bool(operator.ge(value, wanted[0])),
    "in": lambda value, wanted: value in wanted,
    "between": lambda value, wanted: bool(wanted[0] <= value <= wanted[-1]),
}


def orderable_options() -> list[dict[str, Any]]:
    """What DescribeOrderableClusterOptions lists: every sold node type, once for each cluster type it allows."""
    return [
        {
            "ClusterVersion": CLUSTER_VERSION,
            "ClusterType": cluster_type,
            "NodeType": node.name,
            "AvailabilityZones": [{"Name": zone, "SupportedPlatforms": []} for zone in ZONES],
        }
        for node in NODE_TYPES.values()
        if node.sold
        for cluster_type in (("single-node", "multi-node") if node.single_node else ("multi-node",))
    ]


def elastic_sizes(node_type: str, nodes: int) -> list[int]:
    """The numbers of nodes that an elastic resize without a change of node type can reach. Single-node clusters have none."""
    node = NODE_TYPES[node_type]
    if nodes < 2:
        return []
    return [count for count in _between(nodes / 4, nodes * node.growth, node) if count != nodes]


def elastic_options(node_type: str, nodes: int) -> list[tuple[str, int]]:
    """Every (node type, number of nodes) that an elastic resize can reach, other node types of similar power included."""
    options = [(node_type, count) for count in elastic_sizes(node_type, nodes)]
    if nodes < 2:
        return options
    power = NODE_TYPES[node_type].vcpus * nodes
    for other in NODE_TYPES.values():
        if other.sold and other.name != node_type:
            reachable = _between(power / 4 / other.vcpus, power * other.growth / other.vcpus, other)
            options.extend((other.name, count) for count in reachable)
    return options


def _between(fewest: float, most: float, node: NodeType) -> Iterator[int]:
    return iter(range(max(2, math.ceil(fewest)), min(node.most_nodes, math.floor(most)) + 1))


def chosen_by(filters: list[Mapping[str, Any]], option: Mapping[str, Any]) -> bool:
    """Whether a node configuration option passes every filter of DescribeNodeConfigurationOptions."""
    return all(_passes(one, option) for one in filters)


def _passes(one: Mapping[str, Any], option: Mapping[str, Any]) -> bool:
    # Every member of a filter is optional in the service model.
    name, comparison, values = one.get("Name", "NodeType"), one.get("Operator", "eq"), one.get("Values", [])
    if not values:
        raise ApiError("InvalidParameterValue", f"The filter {name} has no values.")
    value = option.get(name)
    if value is None:
        return False
    try:
        return _COMPARISONS[comparison](value, [type(value)(text) for text in values])
    except ValueError as error:
        raise ApiError("InvalidParameterValue", f"The filter {name} has a value that is not a {type(value).__name__}.") from error
