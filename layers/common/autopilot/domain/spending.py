"""What was spent: Cost Explorer's rows told to warehouses, by their tag, and the days on which a warehouse's spend is off its usual line."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from statistics import median

import msgspec

from autopilot.domain import thresholds
from autopilot.domain.report import Anomaly, Charge, ChargeKind, DayAmount
from autopilot.domain.warehouse import Kind

Key = tuple[Kind, str]
#: Usage types begin with the region's code everywhere but in us-east-1: `EUC1-Node:ra3.large`. Source: Cost and Usage Report, `UsageType`.
_REGION = re.compile(r"[A-Z]{2,4}\d{0,2}-")
#: What a usage type begins with, after the region; the first that fits. Source: Price List, AmazonRedshift, `usagetype`.
_KINDS: tuple[tuple[str, ChargeKind], ...] = (
    ("Redshift:ServerlessUsage-", "reserved"),
    ("Redshift:ServerlessUsage", "serverless"),
    ("Node:", "compute"),
    ("HeavyUsage:", "reserved"),
    ("CS", "concurrency_scaling"),
    ("DataScanned", "spectrum"),
    ("Redshift:DataScanned", "spectrum"),
    ("RMS:", "storage"),
    ("Redshift:PaidSnapshots", "snapshots"),
    ("PaidSnapshots", "snapshots"),
    ("InterRegionSnapshotCopy", "transfer"),
    ("DataTransfer", "transfer"),
)
#: The sigma of normally spread values is so many times their median absolute deviation.
_SIGMA_OF_MAD = Decimal("1.4826")
_CENT = Decimal("0.01")


class CostRow(msgspec.Struct, frozen=True, array_like=True):
    """What one usage type cost on one day (UTC), for one value of the warehouse's tag; `tag` is empty where nothing carries it."""

    day: date
    usage_type: str
    tag: str
    amount: Decimal
    quantity: Decimal
    unit: str


class Spending(msgspec.Struct, frozen=True):
    """What somebody spent: the exact `amount`, and the same by usage type and by day, in cents."""

    amount: Decimal
    charges: list[Charge]
    by_day: list[DayAmount]


def cents(amount: Decimal | Fraction) -> Decimal:
    """The amount in whole cents; half a cent is rounded away from zero. Money times a share of time is exact only as a fraction."""
    if isinstance(amount, Fraction):
        hundredths = math.floor(abs(amount) * 100 + Fraction(1, 2))
        return Decimal(hundredths if amount >= 0 else -hundredths) * _CENT
    return amount.quantize(_CENT, ROUND_HALF_UP)


def charge_kind(usage_type: str) -> ChargeKind:
    """What a usage type is paid for; `other` where AWS says something new."""
    name = _REGION.sub("", usage_type, count=1)
    return next((kind for prefix, kind in _KINDS if name.startswith(prefix)), "other")


def told_by(row: CostRow, known: Collection[Key]) -> Key | None:
    """The warehouse that a row belongs to, or None without a tag. Cluster and workgroup of one name are told apart by what only one uses."""
    if not row.tag:
        return None
    name = _REGION.sub("", row.usage_type, count=1)
    if name.startswith(("Redshift:Serverless", "RMS:Serverless")):
        return "workgroup", row.tag
    if name.startswith(("Node:", "CS", "HeavyUsage:", "RMS:")) or ("workgroup", row.tag) not in known:
        return "cluster", row.tag
    return ("cluster", row.tag) if ("cluster", row.tag) in known else ("workgroup", row.tag)


def attribute(rows: Iterable[CostRow], known: Collection[Key]) -> tuple[dict[Key, Spending], Spending]:
    """What each warehouse spent, also those that are gone by now, and what no tag told."""
    by_key: dict[Key | None, list[CostRow]] = defaultdict(list)
    for row in rows:
        by_key[told_by(row, known)].append(row)
    untold = spending(by_key.pop(None, []))
    return {key: spending(rows) for key, rows in by_key.items() if key is not None}, untold


def spending(rows: Iterable[CostRow]) -> Spending:
    """The sum of rows, by usage type (dearest first) and by day."""
    amounts: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    quantities: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    days: dict[date, Decimal] = defaultdict(Decimal)
    for row in rows:
        amounts[row.usage_type, row.unit] += row.amount
        quantities[row.usage_type, row.unit] += row.quantity
        days[row.day] += row.amount
    charges = [
        Charge(kind=charge_kind(usage_type), usage_type=usage_type, amount=cents(amount), quantity=quantities[usage_type, unit], unit=unit)
        for (usage_type, unit), amount in sorted(amounts.items(), key=lambda item: (-item[1], item[0]))
    ]
    by_day = [DayAmount(day=day, amount=cents(amount)) for day, amount in sorted(days.items())]
    return Spending(sum(days.values(), Decimal(0)), charges, by_day)


def anomalies(by_day: list[DayAmount]) -> list[Anomaly]:
    """The days that cost far more than the others: by median and median absolute deviation, which the odd days themselves do not move.

    Nothing with too few days to know a usual line, and nothing when so many days stand out that they are the pattern.
    """
    if len(by_day) < thresholds.ANOMALY_MIN_DAYS:
        return []
    found = []
    for number, one in enumerate(by_day):
        others = [other.amount for other in by_day[:number] + by_day[number + 1 :]]
        usual = median(others)
        spread = median([abs(amount - usual) for amount in others]) * _SIGMA_OF_MAD
        above = one.amount - usual
        least = max(thresholds.ANOMALY_MIN_AMOUNT, thresholds.ANOMALY_MIN_SHARE * usual, thresholds.ANOMALY_SIGMAS * spread)
        if above > least:
            found.append(Anomaly(day=one.day, amount=one.amount, usual=cents(usual)))
    return found if len(found) <= thresholds.ANOMALY_MOST_DAYS_SHARE * len(by_day) else []
