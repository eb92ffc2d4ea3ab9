"""What a node of each type has, as AWS documented it on 2026-11-25. A type that is not listed is unknown: nothing is reckoned for it.

Source: management guide, "Amazon Redshift provisioned clusters", node type details. Node types come and go: which ones a region sells
is for DescribeOrderableClusterOptions to say.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec


class NodeType(msgspec.Struct, frozen=True, kw_only=True):
    """One node: virtual CPUs, memory, the data that it can hold in a cluster of several (and alone), and how many make a cluster.

    `connections` is how many users a cluster of them lets in at once, however many nodes it has: AWS's guide gave 500 for every type, and
    newer versions of it give none. An elastic resize divides the number of nodes by up to `elastic`; where that is 2, it halves it and nothing in between.
    """

    name: str
    vcpus: int
    memory_gb: int
    storage_gb: Decimal
    alone_gb: Decimal | None
    most_nodes: int
    elastic: int = 2
    connections: int = 500

    @property
    def family(self) -> str:
        """`ra3` of `ra3.large`."""
        return self.name.partition(".")[0]

    def capacity_gb(self, nodes: int) -> Decimal:
        """How much data a cluster of so many of these nodes can hold."""
        return self.alone_gb if nodes == 1 and self.alone_gb is not None else self.storage_gb * nodes


_TB = Decimal(1000)

NODE_TYPES: Final[dict[str, NodeType]] = {
    node.name: node
    for node in (
        NodeType(name="ra3.large", vcpus=2, memory_gb=16, storage_gb=8 * _TB, alone_gb=_TB, most_nodes=16),
        NodeType(name="ra3.xlplus", vcpus=4, memory_gb=32, storage_gb=32 * _TB, alone_gb=4 * _TB, most_nodes=32),
        NodeType(name="ra3.4xlarge", vcpus=12, memory_gb=96, storage_gb=128 * _TB, alone_gb=None, most_nodes=64, elastic=4),
        NodeType(name="ra3.16xlarge", vcpus=48, memory_gb=384, storage_gb=128 * _TB, alone_gb=None, most_nodes=128, elastic=4),
        NodeType(name="dc2.large", vcpus=2, memory_gb=15, storage_gb=Decimal(160), alone_gb=Decimal(160), most_nodes=32),
        NodeType(name="dc2.8xlarge", vcpus=32, memory_gb=244, storage_gb=Decimal(2560), alone_gb=None, most_nodes=128),
    )
}
