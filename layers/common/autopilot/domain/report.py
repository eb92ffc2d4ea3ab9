"""The cost report as plain data: what is computed once and then shown as a page, as JSON and as CSV.

Money is a Decimal in the report's currency, hours are Decimals too. A figure that could not be had is None, and `missing` says why;
it is never zero.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from autopilot.domain.warehouse import Kind

ChargeKind = Literal["compute", "serverless", "concurrency_scaling", "spectrum", "storage", "snapshots", "reserved", "transfer", "other"]
HOURS_OF_WEEK = 168


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """From the first day to the one after the last, both at midnight in `timezone` (Cost Explorer counts days in UTC)."""

    start: date
    end: date
    timezone: str = "UTC"


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the report that could not be had, and why. Without a warehouse it concerns all."""

    part: str
    why: str
    warehouse: str | None = None


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """What one usage type cost over the period. `quantity` is in Cost Explorer's own `unit`."""

    kind: ChargeKind
    usage_type: str
    amount: Decimal
    quantity: Decimal | None = None
    unit: str = ""


class DayAmount(msgspec.Struct, frozen=True, kw_only=True):
    """What one day cost."""

    day: date
    amount: Decimal


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """What the warehouse did. Percentages run from 0 to 100; `busy_by_hour` has a value for each hour of the week, Monday 00:00 UTC first.

    `busy_by_hour` is the average number of connections of a cluster, or of running queries of a workgroup; None where no data came.
    `hours_seen` are the hours with data, `busy_hours` those of them in which a query ran. Shares are of the hourly averages.
    """

    hours_seen: int = 0
    busy_hours: int | None = None
    disk_median_percent: float | None = None
    cpu_average_percent: float | None = None
    cpu_p95_percent: float | None = None
    cpu_maximum_percent: float | None = None
    disk_maximum_percent: float | None = None
    connections_average: float | None = None
    connections_maximum: float | None = None
    queries: int | None = None
    queue_seconds: float | None = None
    rpu_hours: Decimal | None = None
    busy_by_hour: list[float | None] = []


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """What pausing saved: hours from the ledger times the hourly price of the nodes from before the pause.

    `amount` is None without a price; `arithmetic` says it in words. `reserved_amount` is what reserved nodes that stood paused cost all
    the same, at their own rate: it is not saved.
    """

    paused_hours: Decimal
    amount: Decimal | None = None
    reserved_amount: Decimal | None = None
    arithmetic: str = ""


class BudgetState(msgspec.Struct, frozen=True, kw_only=True):
    """A warehouse's budget as AWS Budgets sees it, for the current budget period."""

    limit: Decimal
    spent: Decimal | None = None
    forecast: Decimal | None = None


class Anomaly(msgspec.Struct, frozen=True, kw_only=True):
    """A day whose cost is off the warehouse's usual line. `usual` is the median of the other days."""

    day: date
    amount: Decimal
    usual: Decimal


class WarehouseCosts(msgspec.Struct, frozen=True, kw_only=True):
    """One warehouse over the period. `spent` is None when nothing could be attributed to it.

    `status` is AWS's word at the time of the report, `deleted` for one that is gone and still cost something in the period. `node_type` and
    `nodes` are those that it runs with, also while it is paused; `hourly_price` is the on-demand price of one node.
    """

    kind: Kind
    name: str
    region: str
    account: str
    status: str = ""
    hourly_price: Decimal | None = None
    environment: str = ""
    node_type: str = ""
    nodes: int | None = None
    base_rpu: int | None = None
    spent: Decimal | None = None
    charges: list[Charge] = []
    by_day: list[DayAmount] = []
    used: Used = Used()
    saved: Saved | None = None
    budget: BudgetState | None = None
    anomalies: list[Anomaly] = []


class Recommendation(msgspec.Struct, frozen=True, kw_only=True):
    """What to change, and why. `monthly_saving` is None when it cannot be priced.

    `workflow` and `input` are the exact call that carries it out; `workflow` is empty where only a person can.
    """

    rule: str
    title: str
    warehouse: str | None
    evidence: list[str]
    arithmetic: str
    risk: str
    monthly_saving: Decimal | None = None
    workflow: str = ""
    input: dict[str, Any] = {}


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The whole report. `unattributed` is what Cost Explorer could not tell to a warehouse.

    `spent` and `saved` are those of the period; `forecast` is what AWS expects of the 30 days from the day of the report on. Spent is
    the amortized cost before credits, refunds and taxes.
    """

    period: Period
    made_at: datetime
    account: str
    region: str
    currency: str
    warehouses: list[WarehouseCosts]
    unattributed: list[Charge] = []
    recommendations: list[Recommendation] = []
    missing: list[Missing] = []
    spent: Decimal | None = None
    saved: Decimal | None = None
    forecast: Decimal | None = None
