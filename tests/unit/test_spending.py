"""Cost Explorer's rows told to warehouses, and days off the usual line."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopilot.domain.report import DayAmount
from autopilot.domain.spending import CostRow, anomalies, attribute, cents, charge_kind
from tests.unit.months import row

FIRST = date(2026, 10, 1)


@pytest.mark.parametrize(
    ("usage_type", "kind"),
    [
        ("Node:ra3.xlplus", "compute"),
        ("EUC1-Node:ra3.xlplus", "compute"),
        ("EU-Node:ra3.4xlarge", "compute"),
        ("HeavyUsage:ra3.xlplus", "reserved"),
        ("USE1-Redshift:ServerlessUsage", "serverless"),
        ("APN2-Redshift:ServerlessUsage-CR-1YR-NU", "reserved"),
        ("CS:ra3.4xlarge", "concurrency_scaling"),
        ("CSFreeUsage:ra3.4xlarge", "concurrency_scaling"),
        ("USE2-DataScanned", "spectrum"),
        ("RMS:ra3.4xlarge", "storage"),
        ("USE1-RMS:Serverless", "storage"),
        ("EUC1-Redshift:PaidSnapshots", "snapshots"),
        ("USE1-USW2-InterRegionSnapshotCopy", "other"),
        ("DataTransfer-Out-Bytes", "transfer"),
        ("SomethingNew", "other"),
    ],
)
def test_usage_types_are_what_they_are_paid_for_in_every_region(usage_type: str, kind: str) -> None:
    assert charge_kind(usage_type) == kind


def test_costs_go_to_the_warehouse_of_the_tag_and_the_rest_is_shown_as_untold() -> None:
    rows = [row(FIRST, "Node:ra3.large", "a", "1.005"), row(FIRST, "Node:ra3.large", "", "2"), row(FIRST, "RMS:ra3.large", "b", "3")]
    told, untold = attribute(rows, {("cluster", "a"), ("cluster", "b")})
    assert {key: one.amount for key, one in told.items()} == {("cluster", "a"): Decimal("1.005"), ("cluster", "b"): 3}
    assert untold.amount == 2
    assert [charge.amount for charge in told["cluster", "a"].charges] == [Decimal("1.01")]


def test_cluster_and_workgroup_of_one_name_are_told_apart_by_what_only_one_of_them_uses() -> None:
    rows = [
        row(FIRST, "Node:ra3.large", "a", "1"),
        row(FIRST, "USE1-Redshift:ServerlessUsage", "a", "2"),
        row(FIRST, "USE1-RMS:Serverless", "a", "4"),
        row(FIRST, "USE1-DataScanned", "a", "8"),
    ]
    both, _ = attribute(rows, {("cluster", "a"), ("workgroup", "a")})
    assert {key: one.amount for key, one in both.items()} == {("cluster", "a"): 9, ("workgroup", "a"): 6}
    only, _ = attribute(rows[1:], {("workgroup", "a")})
    assert {key: one.amount for key, one in only.items()} == {("workgroup", "a"): 14}


def test_half_a_cent_is_rounded_away_from_zero() -> None:
    assert [cents(Decimal(amount)) for amount in ("0.005", "-0.005", "0.0049")] == [Decimal("0.01"), Decimal("-0.01"), Decimal("0.00")]


def line(*amounts: float) -> list[DayAmount]:
    return [DayAmount(day=FIRST + timedelta(days=number), amount=Decimal(str(amount))) for number, amount in enumerate(amounts)]


def odd(*amounts: float) -> list[int]:
    return [(one.day - FIRST).days for one in anomalies(line(*amounts))]


def test_day_far_above_the_median_of_the_others_is_named() -> None:
    assert odd(*[50] * 12, 90, *[50] * 12) == [12]
    assert odd(*[48, 52, 50, 49, 51] * 4, 58) == []


def test_odd_days_do_not_hide_each_other() -> None:
    assert odd(*[50, 51] * 9, 500, 520) == [18, 19]


@pytest.mark.parametrize(
    "amounts",
    [
        [50] * 8 + [500],  # too few days to know a line
        [0, 0, 0, 0, 0, 90, 90] * 4,  # every weekend: that is the line
        [1] * 20 + [4],  # four times as much, and not worth a look
        [50] * 20 + [5],  # cheap days need no look
    ],
)
def test_what_is_no_oddity_is_not_named(amounts: list[float]) -> None:
    assert odd(*amounts) == []


amounts = st.decimals(Decimal(0), Decimal(10_000), places=6)


@given(st.lists(st.tuples(st.sampled_from(["", "a", "b"]), st.sampled_from(["Node:ra3.large", "RMS:Serverless", "New"]), amounts)))
def test_nothing_is_lost_and_nothing_counted_twice(given_rows: list[tuple[str, str, Decimal]]) -> None:
    rows = [CostRow(FIRST, usage_type, tag, amount, Decimal(1), "Hrs") for tag, usage_type, amount in given_rows]
    told, untold = attribute(rows, {("cluster", "a")})
    assert sum((one.amount for one in told.values()), untold.amount) == sum((one.amount for one in rows), Decimal(0))
