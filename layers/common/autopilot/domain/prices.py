"""Published prices of one region, from the Price List's products."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """On-demand prices: of a node an hour by node type, of an RPU an hour, of managed storage and of snapshots a GB and month."""

    region: str
    read_on: date
    currency: str = "USD"
    node_hour: dict[str, Decimal] = {}
    rpu_hour: Decimal | None = None
    storage_gb_month: Decimal | None = None
    snapshot_gb_month: Decimal | None = None


def read_prices(products: Iterable[Mapping[str, Any]], region: str, read_on: date) -> Prices:
    """The prices among the products of AmazonRedshift in one region; what is none of ours, free or reserved is left out.

    Source: GetProducts, `PriceList`: usage types carry a region's code in front of `Node:`, `RMS:` and the like.
    """
    nodes: dict[str, Decimal] = {}
    rpu: Decimal | None = None
    snapshot: Decimal | None = None
    storage: Decimal | None = None
    for product in products:
        attributes = product.get("product", {}).get("attributes", {})
        usage_type = str(attributes.get("usagetype", ""))
        if attributes.get("regionCode", region) != region or (price := _on_demand(product)) is None:
            continue
        _, marker, node_type = usage_type.partition("Node:")
        if marker and attributes.get("instanceType", node_type) == node_type:
            nodes[node_type] = price
        if usage_type.endswith("Redshift:ServerlessUsage"):
            rpu = price
        if usage_type.endswith("PaidSnapshots"):
            snapshot = price
        if "RMS:" in usage_type:
            storage = max(price, storage or price)
    return Prices(region=region, read_on=read_on, node_hour=nodes, rpu_hour=rpu, storage_gb_month=storage, snapshot_gb_month=snapshot)


def _on_demand(product: Mapping[str, Any]) -> Decimal | None:
    """The price of the first tier of a product's on-demand term; None when it is free or has none in USD."""
    for term in product.get("terms", {}).get("OnDemand", {}).values():
        tiers = sorted(term.get("priceDimensions", {}).values(), key=lambda tier: Decimal(tier.get("beginRange", "0")))
        for tier in tiers:
            price = Decimal(tier.get("pricePerUnit", {}).get("USD", "0"))
            if price > 0:
                return price
    return None
