"""Whole months, figure by figure and to the cent, against what was reckoned by hand (see `months`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from autopilot.domain.report import Report, WarehouseCosts
from tests.unit.months import MONTHS, Month, report_of


def text(value: Any) -> str | None:
    return None if value is None else str(value)


def figures(report: Report, costs: WarehouseCosts) -> dict[str, Any]:
    """What a report says of one warehouse, in the words of `months`."""
    charges: dict[str, Decimal] = defaultdict(Decimal)
    for charge in costs.charges:
        charges[charge.kind] += charge.amount
    found = {
        "spent": text(costs.spent),
        "charges": {kind: str(amount) for kind, amount in charges.items()},
        "paused_hours": text(costs.saved.paused_hours) if costs.saved else None,
        "saved": text(costs.saved.amount) if costs.saved else None,
        "cpu_average": costs.used.cpu_average_percent,
        "cpu_p95": costs.used.cpu_p95_percent,
        "cpu_maximum": costs.used.cpu_maximum_percent,
        "queries": costs.used.queries,
        "busy_hours": costs.used.busy_hours,
        "recommendations": {one.rule: text(one.monthly_saving) for one in report.recommendations if one.warehouse == costs.name},
        "anomalies": {str(one.day): (str(one.amount), str(one.usual)) for one in costs.anomalies},
    }
    return found | ({"rpu_hours": text(costs.used.rpu_hours)} if costs.kind == "workgroup" else {})


@pytest.mark.parametrize("month", MONTHS, ids=lambda month: month.__name__)
def test_every_figure_of_the_month_is_the_one_reckoned_by_hand(month: Callable[[], Month]) -> None:
    given = month()
    report = report_of([given])
    assert figures(report, report.warehouses[0]) == given.expected
    assert str(report.spent) == given.expected["spent"]
    assert report.missing == []


def test_all_warehouses_together_are_the_sum_of_the_exact_figures_and_the_dearest_comes_first() -> None:
    report = report_of([month() for month in MONTHS])
    # 812.944 + 9809.26 + 135.10 + 2327.298 + 1422.66 = 14507.262
    assert str(report.spent) == "14507.26"
    # 0 + 0 + 70.59 + 193.31
    assert str(report.saved) == "263.90"
    assert [one.name for one in report.warehouses] == ["prod", "etl", "berlin", "dev", "adhoc"]
    assert [one.rule for one in report.recommendations] == ["schedule", "unusual_days"]


def test_no_price_no_figure() -> None:
    report = report_of([MONTHS[4]()], prices=None)
    saved = report.warehouses[0].saved
    assert saved is not None
    assert (str(saved.paused_hours), saved.amount, report.saved) == ("89.0000", None, None)
    assert [(one.part, one.warehouse) for one in report.missing] == [("saved", "berlin")]
    assert report.recommendations == []
