"""Reports to look at: a usual one, one of a single warehouse, one of 500, a hostile one, and one of which nearly everything is missing."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from autopilot.domain.report import (
    Anomaly,
    BudgetState,
    Charge,
    DayAmount,
    Missing,
    Recommendation,
    Report,
    Saved,
    Used,
    WarehouseCosts,
)
from tests.unit.builders import ACCOUNT, REGION
from tests.unit.months import MONTHS, NOW, OCTOBER, days, report_of, row

HOSTILE = (
    "<script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=\'owned\'">',
    "'; DROP TABLE x; --",
    "{{ 7 * 7 }}{% raw %}",
    "\u202eesrever\u2066 \u0000 \u200b",
    '=HYPERLINK("http://evil.example","a")',
    "x" * 255,
    "مستودع-البيانات",
    "</style></svg></title><b>",
    "javascript:alert(1)",
)


def usual() -> Report:
    """Five golden months with what else a real account has: budgets, untold costs, a forecast, suggestions, and a few gaps."""
    untold = [
        one
        for day in days()
        for one in (row(day, "Node:ra3.large", "", "13.03", "24"), row(day, "PaidSnapshots", "", "0.41", "18", "GB-Mo"))
    ]
    report = report_of([month() for month in MONTHS], more=untold)
    budgets = {
        "prod": BudgetState(limit=Decimal(10000), spent=Decimal("640.12"), forecast=Decimal("10480.00")),
        "dev": BudgetState(limit=Decimal(900), spent=Decimal("52.40"), forecast=Decimal("806.20")),
        "etl": BudgetState(limit=Decimal(2500), spent=Decimal("104.26")),
    }
    return replace(
        report,
        warehouses=[replace(one, budget=budgets.get(one.name)) for one in report.warehouses],
        forecast=Decimal("14210.00"),
        missing=[
            *report.missing,
            Missing(
                part="snapshots",
                why="AWS refused DescribeClusterSnapshots: User is not authorized to perform redshift:DescribeClusterSnapshots",
            ),
        ],
        recommendations=[_reserve(), *report.recommendations],
    )


def _reserve() -> Recommendation:
    return Recommendation(
        rule="reserved_nodes",
        title="Reserve 4 x ra3.4xlarge in us-east-1 for 1 year",
        warehouse=None,
        evidence=["use of the last 60 days, as AWS reckons it", "no upfront payment, breaks even after 7.8 months"],
        arithmetic="AWS estimates 9519.20 USD a month on demand and 2855.76 USD less when reserved; 0.00 USD to be paid upfront",
        monthly_saving=Decimal("2855.76"),
        risk="Paid for the whole term, also while the nodes stand paused. A purchase cannot be undone.",
        input={"NodeType": "ra3.4xlarge", "NodeCount": 4},
    )


def single() -> Report:
    """One warehouse, of which everything is known."""
    return replace(report_of([MONTHS[4]()]), forecast=Decimal("1380.00"))


def nothing_known() -> Report:
    """AWS refused nearly all of it."""
    gaps = [Missing(part=part, why=f"AWS was throttled while {part} was read") for part in ("spent", "forecast", "prices", "budgets")]
    gaps += [
        Missing(part="used", why="CloudWatch answered: InternalServiceFault"),
        Missing(part="saved", warehouse="dark", why="no ledger"),
    ]
    dark = WarehouseCosts(kind="cluster", name="dark", region=REGION, account=ACCOUNT)
    return Report(period=OCTOBER, made_at=NOW, account=ACCOUNT, region=REGION, currency="USD", warehouses=[dark], missing=gaps)


def nothing_there() -> Report:
    """An account without warehouses."""
    zero = Decimal("0.00")
    return Report(
        period=OCTOBER, made_at=NOW, account=ACCOUNT, region=REGION, currency="USD", warehouses=[], spent=zero, saved=None, forecast=zero
    )


def hostile() -> Report:
    """Every text that comes from outside is an attack, or merely awkward."""
    warehouses = [_warehouse(number, name, environment=name, status=name) for number, name in enumerate(HOSTILE)]
    advice = [
        Recommendation(
            rule="schedule",
            title=f"{text}: pause it",
            warehouse=text,
            evidence=[text],
            arithmetic=text,
            risk=text,
            monthly_saving=Decimal(50 - number),
            workflow="pause_warehouse",
            input={"warehouse": text, "tags": {text: text}},
        )
        for number, text in enumerate(HOSTILE)
    ]
    return Report(
        period=OCTOBER,
        made_at=NOW,
        account=ACCOUNT,
        region=REGION,
        currency="USD",
        warehouses=warehouses,
        recommendations=advice,
        missing=[Missing(part="used", why=text, warehouse=text) for text in HOSTILE],
        unattributed=[Charge(kind="other", usage_type=text, amount=Decimal(1), unit=text) for text in HOSTILE],
        spent=Decimal(9000),
        saved=Decimal(90),
    )


def many(count: int = 500) -> Report:
    """A fleet, with everything that makes a page long."""
    warehouses = [_warehouse(number, f"warehouse-{number:03}-of-a-team-with-a-long-name") for number in range(count)]
    advice = [
        replace(
            _reserve(), rule="schedule", title=f"{one.name}: pause it at night", warehouse=one.name, monthly_saving=Decimal(count - number)
        )
        for number, one in enumerate(warehouses)
    ]
    gaps = [Missing(part="used", warehouse=one.name, why="CloudWatch answered: InternalServiceFault") for one in warehouses[::3]]
    total = sum((one.spent or Decimal(0) for one in warehouses), Decimal(0))
    saved = sum(((one.saved and one.saved.amount) or Decimal(0) for one in warehouses), Decimal(0))
    return Report(
        period=OCTOBER,
        made_at=NOW,
        account=ACCOUNT,
        region=REGION,
        currency="USD",
        warehouses=warehouses,
        recommendations=advice,
        missing=gaps,
        spent=total,
        saved=saved,
        forecast=total,
    )


def _warehouse(number: int, name: str, **more: Any) -> WarehouseCosts:
    by_day = [DayAmount(day=day, amount=Decimal(1000 - number) / 10 + day.day % 7) for day in days()]
    spent = sum((one.amount for one in by_day), Decimal(0))
    used = Used(
        hours_seen=700,
        busy_hours=300,
        cpu_average_percent=12.5,
        cpu_p95_percent=40.25,
        cpu_maximum_percent=91.0,
        disk_median_percent=20.0,
        disk_maximum_percent=22.0,
        connections_average=3.5,
        connections_maximum=40.0,
        queries=123456,
        queue_seconds=12.0,
        busy_by_hour=[float((hour * 7 + number) % 24) for hour in range(168)],
    )
    known = {"environment": "prod", "status": "available", "used": used, **more}
    return WarehouseCosts(
        kind="cluster",
        name=name,
        region=REGION,
        account=ACCOUNT,
        node_type="ra3.xlplus",
        nodes=2,
        hourly_price=Decimal("1.086"),
        spent=spent,
        charges=[Charge(kind="compute", usage_type="Node:ra3.xlplus", amount=spent, quantity=Decimal(1488), unit="Hrs")],
        by_day=by_day,
        saved=Saved(paused_hours=Decimal(10), amount=Decimal("21.72"), arithmetic="10 h x 2 x ra3.xlplus x 1.086 = 21.72 USD"),
        budget=BudgetState(limit=Decimal(2000), spent=Decimal(100), forecast=Decimal(2100 - number)),
        anomalies=[Anomaly(day=OCTOBER.start + timedelta(days=number % 31), amount=Decimal(500), usual=Decimal(95))],
        **known,
    )
