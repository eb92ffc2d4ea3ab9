"""What a recommendation may rest on, and how its money is reckoned."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from fractions import Fraction

import msgspec

from autopilot.domain import thresholds
from autopilot.domain.prices import Prices
from autopilot.domain.report import Anomaly, Used, WarehouseCosts
from autopilot.domain.savings import Reservation
from autopilot.domain.spending import cents
from autopilot.domain.using import Activity


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one warehouse in a period of `days`. None is what could not be had: no rule may make up for it.

    `reserved_nodes` are those of its nodes that reservations pay for, `paused_share` the part of the period in which it stood paused.
    """

    costs: WarehouseCosts
    days: int
    prices: Prices | None = None
    reserved_nodes: int | None = None
    paused_share: Fraction | None = None
    activity: Activity | None = None
    scheduled: bool = False

    @property
    def used(self) -> Used:
        """What the warehouse did."""
        return self.costs.used

    @property
    def anomalies(self) -> list[Anomaly]:
        """The days on which it cost far more than on the others."""
        return self.costs.anomalies

    @property
    def size(self) -> Size | None:
        """A cluster's nodes and what they cost while they run; None for a workgroup, and without a price."""
        costs, prices = self.costs, self.prices
        if costs.kind != "cluster" or not costs.nodes or prices is None or self.reserved_nodes is None or self.paused_share is None:
            return None
        price = prices.node_hour.get(costs.node_type)
        if price is None:
            return None
        on_demand = max(costs.nodes - self.reserved_nodes, 0)
        running = (1 - self.paused_share) * thresholds.HOURS_PER_MONTH
        return Size(node_type=costs.node_type, nodes=costs.nodes, on_demand=on_demand, price=price, hours=running, currency=prices.currency)

    @property
    def seen_enough(self) -> bool:
        """Whether its metrics cover enough hours to judge it by them."""
        return self.used.hours_seen >= thresholds.MIN_HOURS_SEEN

    def money(self, amount: Decimal | Fraction) -> str:
        """An amount with the currency."""
        return f"{cents(amount)} {self.prices.currency if self.prices else 'USD'}"


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """A cluster's nodes; `on_demand` of them are not paid for by reservations. `hours` is how long it runs in an average month."""

    node_type: str
    nodes: int
    on_demand: int
    price: Decimal
    hours: Fraction
    currency: str

    @property
    def monthly(self) -> Fraction:
        """What its on-demand nodes cost in an average month, as long as it runs as in the period."""
        return self.hours * self.on_demand * Fraction(self.price)

    @property
    def arithmetic(self) -> str:
        """The same in words."""
        return f"{self.on_demand} x {self.node_type} x {self.price.normalize():f} x {float(self.hours):.2f} h = {cents(self.monthly)} {self.currency}"


class ReservedOffer(msgspec.Struct, frozen=True, kw_only=True):
    """Reserved nodes that AWS recommends to buy. Money is AWS's own estimate. Source: GetReservationPurchaseRecommendation."""

    node_type: str
    region: str
    nodes: int
    term: str
    payment: str
    monthly_saving: Decimal
    upfront: Decimal
    monthly_on_demand: Decimal
    break_even_months: Decimal | None
    lookback_days: int
    currency: str = "USD"


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A manual snapshot. `size_gb` is what it alone holds; `retention_days` None keeps it for ever; `orphan`: its warehouse is gone."""

    name: str
    warehouse: str
    created_at: datetime
    size_gb: Decimal
    retention_days: int | None
    orphan: bool
    tagged: bool


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What is known beyond single warehouses. None is what could not be had."""

    now: datetime
    prices: Prices | None = None
    offers: list[ReservedOffer] | None = None
    snapshots: list[Snapshot] | None = None
    reservations: list[Reservation] | None = None
