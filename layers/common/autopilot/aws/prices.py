"""Published prices from the Price List, and the reservations that lower them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from autopilot.aws import daily
from autopilot.aws.clients import call, client, translated
from autopilot.domain.prices import Prices, read_prices
from autopilot.domain.savings import Reservation

READ = ("pricing:GetProducts", *daily.PERMISSIONS)
RESERVATIONS = ("redshift:DescribeReservedNodes",)
_SERVICE_CODE = "AmazonRedshift"
_SECONDS_PER_HOUR = 3600


def of_region(region: str, today: date) -> Prices:
    """What Redshift costs in a region today. Source: GetProducts."""
    return daily.kept(today, "prices", region, Prices, lambda: read_prices(_products(region), region, today))


def _products(region: str) -> Iterator[dict[str, Any]]:
    request: dict[str, Any] = {
        "ServiceCode": _SERVICE_CODE,
        "Filters": [{"Type": "TERM_MATCH", "Field": "regionCode", "Value": region}],
        "FormatVersion": "aws_v1",
        "MaxResults": 100,
    }
    while True:
        page = call("pricing", "get_products", "read the published prices", **request)
        yield from map(json.loads, page["PriceList"])
        if not page.get("NextToken"):
            return
        request["NextToken"] = page["NextToken"]


def reservations() -> list[Reservation]:
    """The reserved nodes that are paid for now. Source: DescribeReservedNodes."""
    with translated("list the reserved nodes"):
        pages = client("redshift").get_paginator("describe_reserved_nodes").paginate()
        return [_reservation(node) for page in pages for node in page["ReservedNodes"] if node.get("State") == "active"]


def _reservation(node: dict[str, Any]) -> Reservation:
    hourly = Decimal(str(node.get("UsagePrice") or 0))
    for charge in node.get("RecurringCharges", []):
        if charge.get("RecurringChargeFrequency", "").lower() == "hourly":
            hourly += Decimal(str(charge.get("RecurringChargeAmount") or 0))
    if node.get("FixedPrice") and node.get("Duration"):
        hourly += Decimal(str(node["FixedPrice"])) * _SECONDS_PER_HOUR / node["Duration"]
    return Reservation(node_type=node["NodeType"], nodes=node["NodeCount"], hourly=hourly)
