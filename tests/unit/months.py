"""Five months of five warehouses, and what every figure of them must be: the arithmetic stands beside each.

October 2026 has 31 days (744 hours) and begins on a Thursday; it has 22 working days. Prices are those that AWS published for us-east-1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from autopilot.domain.advice.evidence import Account
from autopilot.domain.prices import Prices
from autopilot.domain.report import Period, Report
from autopilot.domain.reporting import Frame, fleet, judge, put_together
from autopilot.domain.savings import Entry, Reservation, covered_nodes, hour_of
from autopilot.domain.spending import CostRow, attribute
from autopilot.domain.using import Readings
from autopilot.domain.warehouse import Warehouse
from tests.unit.builders import ACCOUNT, REGION, cluster, workgroup

OCTOBER = Period(start=date(2026, 10, 1), end=date(2026, 11, 1))
NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
PRICES = Prices(
    region=REGION,
    read_on=NOW.date(),
    node_hour={
        "ra3.large": Decimal("0.543"),
        "ra3.xlplus": Decimal("1.086"),
        "ra3.4xlarge": Decimal("3.26"),
        "ra3.16xlarge": Decimal("13.04"),
        "dc2.large": Decimal("0.25"),
    },
    rpu_hour=Decimal("0.375"),
    storage_gb_month=Decimal("0.024"),
    snapshot_gb_month=Decimal("0.023"),
)


class Month(NamedTuple):
    """A warehouse, what AWS and the ledger tell of its October, and the figures that must come out."""

    warehouse: Warehouse
    rows: list[CostRow]
    readings: Readings
    entries: list[Entry]
    expected: dict[str, Any]


def utc(day: int, hour: float = 0, month: int = 10) -> datetime:
    return datetime(2026, month, day, tzinfo=UTC) + timedelta(hours=hour)


def days() -> list[date]:
    return [date(2026, 10, day) for day in range(1, 32)]


def hours() -> range:
    return range(hour_of(utc(1)), hour_of(utc(1, month=11)))


def series(value: Callable[[datetime], float | None]) -> dict[int, float]:
    """A value for each hour of October; None is an hour without data."""
    found = {hour: value(datetime.fromtimestamp(hour * 3600, UTC)) for hour in hours()}
    return {hour: one for hour, one in found.items() if one is not None}


def is_office(moment: datetime) -> bool:
    """Monday to Friday, 8 to 18 (UTC)."""
    return moment.weekday() < 5 and 8 <= moment.hour < 18


def row(day: date, usage_type: str, name: str, amount: str, quantity: str = "0", unit: str = "Hrs") -> CostRow:
    return CostRow(day, usage_type, name, Decimal(amount), Decimal(quantity), unit)


def paused(start: datetime, end: datetime | None, *, node_type: str, nodes: int) -> list[Entry]:
    """The ledger's entries of a pause that was over at `start`, and of a resume that began at `end`."""
    begun = start - timedelta(minutes=3)
    entries = [
        Entry(
            action="pause",
            outcome="done",
            started_at=begun,
            ended_at=start,
            status_before="available",
            node_type=node_type,
            nodes=nodes,
        )
    ]
    if end is not None:
        done = end + timedelta(minutes=4)
        entries.append(
            Entry(action="resume", outcome="done", started_at=end, ended_at=done, status_before="paused", node_type=node_type, nodes=1)
        )
    return entries


def steady(cpu: float, connections: float = 3.0, runs: Callable[[datetime], bool] = lambda _: True) -> Readings:
    """Metrics that never change while the cluster runs: nothing that a rule would speak of but its load."""
    return Readings(
        cpu_average=series(lambda at: cpu if runs(at) else None),
        cpu_maximum=series(lambda at: cpu + 5 if runs(at) else None),
        disk_maximum=series(lambda at: 30.0 if runs(at) else None),
        connections_average=series(lambda at: connections if runs(at) else None),
        connections_maximum=series(lambda at: connections if runs(at) else None),
        queries=series(lambda at: 10.0 if runs(at) else None),
        queue_seconds=series(lambda at: 0.0 if runs(at) else None),
    )


def quiet_dev_cluster() -> Month:
    """Two ra3.large that run all month and are used in office hours only."""
    return Month(
        warehouse=cluster(name="dev", node_type="ra3.large", nodes=2, tags={"autopilot:environment": "dev"}),
        rows=[
            one
            for day in days()
            # 2 nodes x 24 h = 48 h at 0.543 = 26.064 a day; storage 0.16 a day
            for one in (row(day, "Node:ra3.large", "dev", "26.064", "48"), row(day, "RMS:ra3.large", "dev", "0.16", "6.666", "GB-Mo"))
        ],
        readings=Readings(
            cpu_average=series(lambda at: 6.0 if is_office(at) else 2.0),
            cpu_maximum=series(lambda at: 20.0 if is_office(at) else 4.0),
            disk_maximum=series(lambda _: 1.25),
            connections_average=series(lambda at: 1.5 if is_office(at) else 0.0),
            connections_maximum=series(lambda at: 4.0 if is_office(at) else 0.0),
            queries=series(lambda at: 12.0 if is_office(at) else 0.0),
            queue_seconds=series(lambda _: 0.0),
        ),
        entries=[],
        expected={
            # 31 x 26.064 = 807.984; 31 x 0.16 = 4.96; together 812.944
            "spent": "812.94",
            "charges": {"compute": "807.98", "storage": "4.96"},
            "paused_hours": "0.0000",
            "saved": "0.00",
            # 22 days x 10 h = 220 office hours of 744: (220 x 6 + 524 x 2) / 744 = 2368 / 744 = 3.1828
            "cpu_average": 3.1828,
            # the 95th of 100 hours is an office hour, as 220 of 744 are
            "cpu_p95": 6.0,
            "cpu_maximum": 20.0,
            # 220 h x 12
            "queries": 2640,
            "busy_hours": 220,
            # Every week 4 nights of 14 h and a weekend of 62 h (Friday 18:00 to Monday 08:00) are 118 h without a connection.
            # Of the 744 hours 524 were idle: 70.43 %; the gaps are 118 / 168 = 70.24 %, which is less and counts:
            # 730 x 118 / 168 = 512.738095 h; x 2 x 0.543 = 556.83357
            "recommendations": {"schedule": "556.83"},
            "anomalies": {},
        },
    )


def busy_cluster() -> Month:
    """Four ra3.4xlarge at work day and night, with one day of paid concurrency scaling."""
    compute = [row(day, "Node:ra3.4xlarge", "prod", "312.96", "96") for day in days()]
    return Month(
        warehouse=cluster(name="prod", node_type="ra3.4xlarge", nodes=4),
        rows=[
            *compute,
            # 100000 s at 0.0009
            row(date(2026, 10, 14), "CS:ra3.4xlarge", "prod", "90.00", "100000", "seconds"),
            # 3.5 TB at 5
            row(date(2026, 10, 20), "DataScanned", "prod", "17.50", "3.5", "Terabytes"),
        ],
        readings=Readings(
            cpu_average=series(lambda at: 88.0 if at.hour < 6 else 60.0),
            cpu_maximum=series(lambda at: 99.5 if at.hour < 6 else 80.0),
            disk_maximum=series(lambda at: 41.0 if at.hour < 6 else 39.0),
            connections_average=series(lambda _: 55.0),
            connections_maximum=series(lambda _: 90.0),
            queries=series(lambda _: 1000.0),
            queue_seconds=series(lambda at: 120.0 if at.hour < 6 else 0.0),
        ),
        entries=[],
        expected={
            # 96 h x 3.26 = 312.96 a day, x 31 = 9701.76; + 90.00 + 17.50
            "spent": "9809.26",
            "charges": {"compute": "9701.76", "concurrency_scaling": "90.00", "spectrum": "17.50"},
            "paused_hours": "0.0000",
            "saved": "0.00",
            # (6 x 88 + 18 x 60) / 24 = 1608 / 24
            "cpu_average": 67.0,
            "cpu_p95": 88.0,
            "cpu_maximum": 99.5,
            "queries": 744_000,
            "busy_hours": 744,
            # Nothing to make smaller (88 % CPU), never idle; one odd day without a price of its own.
            "recommendations": {"unusual_days": None},
            # The usual day costs 312.96: 25 % more are 78.24. The 14th is 90.00 above, the 20th only 17.50.
            "anomalies": {"2026-10-14": ("402.96", "312.96")},
        },
    )


def serverless() -> Month:
    """A workgroup of 8 RPUs that works from 9 to 11 on working days."""

    def works(at: datetime) -> bool:
        return at.weekday() < 5 and 9 <= at.hour < 11

    return Month(
        warehouse=workgroup(name="adhoc", base_rpu=8),
        rows=[
            *(row(day, "USE1-Redshift:ServerlessUsage", "adhoc", "6.00", "16", "RPU-Hr") for day in days() if day.weekday() < 5),
            *(row(day, "USE1-RMS:Serverless", "adhoc", "0.10", "4.1", "GB-Mo") for day in days()),
        ],
        readings=Readings(
            connections_average=series(lambda at: 2.0 if works(at) else 0.0),
            connections_maximum=series(lambda at: 3.0 if works(at) else 0.0),
            queries=series(lambda at: 50.0 if works(at) else 0.0),
            running=series(lambda at: 1.25 if works(at) else 0.0),
            rpu_seconds=series(lambda at: 28_800.0 if works(at) else 0.0),
        ),
        entries=[],
        expected={
            # 22 days x 16 RPU-hours x 0.375 = 132.00; 31 x 0.10 = 3.10
            "spent": "135.10",
            "charges": {"serverless": "132.00", "storage": "3.10"},
            # A workgroup is never paused: no figure.
            "paused_hours": None,
            "saved": None,
            "cpu_average": None,
            "cpu_p95": None,
            "cpu_maximum": None,
            # 22 x 2 h x 50
            "queries": 2200,
            # 22 x 2
            "busy_hours": 44,
            # 44 h x 28800 RPU-seconds / 3600
            "rpu_hours": "352.0000",
            "recommendations": {},
            "anomalies": {},
        },
    )


def resized_cluster() -> Month:
    """Four ra3.xlplus until the 15th, two from the 16th on; paused one night before and one after."""
    pauses = [(utc(10, 20), utc(11, 6), 4), (utc(20, 20), utc(21, 8.5), 2)]

    def node_hours(day: date) -> Decimal:
        nodes = 4 if day.day <= 15 else 2
        # 10th: 4 h paused, 11th: 6 h, 20th: 4 h, 21st: 8.5 h
        standing = {10: "4", 11: "6", 20: "4", 21: "8.5"}.get(day.day, "0")
        return nodes * (24 - Decimal(standing))

    def runs(at: datetime) -> bool:
        # the hour in which it was resumed, 08:00 to 09:00 on the 21st, has data of its second half
        return not any(start <= at and at + timedelta(hours=1) <= end for start, end, _ in pauses)

    return Month(
        warehouse=cluster(name="etl", node_type="ra3.xlplus", nodes=2),
        rows=[row(day, "Node:ra3.xlplus", "etl", str(node_hours(day) * Decimal("1.086")), str(node_hours(day))) for day in days()],
        readings=steady(65.0, runs=runs),
        entries=[entry for start, end, nodes in pauses for entry in paused(start, end, node_type="ra3.xlplus", nodes=nodes)],
        expected={
            # 15 x 24 x 4 - 10 x 4 = 1400; 16 x 24 x 2 - 12.5 x 2 = 743; 2143 node hours x 1.086 = 2327.298
            "spent": "2327.30",
            "charges": {"compute": "2327.30"},
            # 10 + 12.5
            "paused_hours": "22.5000",
            # 10 h x 4 x 1.086 = 43.44; 12.5 h x 2 x 1.086 = 27.15
            "saved": "70.59",
            "cpu_average": 65.0,
            "cpu_p95": 65.0,
            "cpu_maximum": 70.0,
            # 744 - 22 whole hours without data
            "queries": 7220,
            "busy_hours": 722,
            "recommendations": {},
            "anomalies": {},
        },
    )


def paused_across_the_clock_change() -> Month:
    """Paused over two weekends by a schedule in Berlin: over the night in which summer time ends, and over the end of the month."""
    # Friday 20:00 CEST is 18:00 UTC, Monday 07:00 CET is 06:00 UTC; a week later Friday 20:00 CET is 19:00 UTC.
    spans = [(utc(23, 18), utc(26, 6)), (utc(30, 19), utc(2, 6, month=11))]

    def runs(at: datetime) -> bool:
        return not any(start <= at < end for start, end in spans)

    entries = [entry for start, end in spans for entry in paused(start, end, node_type="ra3.xlplus", nodes=2)]
    # A pause that did not happen, one that failed, and a resume for which AWS had no capacity: it went on standing paused.
    entries += [
        Entry(action="pause", outcome="skipped", started_at=utc(8, 18), ended_at=utc(8, 18.5), status_before="available", nodes=2),
        Entry(action="pause", outcome="failed", started_at=utc(9, 18), ended_at=utc(9, 20), status_before="available", nodes=2),
        Entry(action="resume", outcome="failed", started_at=utc(25, 12), ended_at=utc(25, 13), status_before="paused", nodes=1),
    ]
    # What ran: 744 h - 60 h - 29 h = 655 h
    standing = {23: 6, 24: 24, 25: 24, 26: 6, 30: 5, 31: 24}
    return Month(
        warehouse=cluster(name="berlin", node_type="ra3.xlplus", nodes=2, tags={"autopilot:schedule": "berlin-office"}),
        rows=[
            row(day, "Node:ra3.xlplus", "berlin", str(2 * (24 - standing.get(day.day, 0)) * Decimal("1.086")))
            for day in days()
            if standing.get(day.day, 0) < 24
        ],
        readings=steady(65.0, runs=runs),
        entries=entries,
        expected={
            # 655 h x 2 x 1.086 = 1422.66
            "spent": "1422.66",
            "charges": {"compute": "1422.66"},
            # Friday 18:00 to Monday 06:00 UTC are 60 h (by the clock on the wall 59); Friday 19:00 to midnight of the 1st are 29 h
            "paused_hours": "89.0000",
            # 89 h x 2 x 1.086 = 193.308
            "saved": "193.31",
            "cpu_average": 65.0,
            "cpu_p95": 65.0,
            "cpu_maximum": 70.0,
            "queries": 6550,
            "busy_hours": 655,
            "recommendations": {},
            "anomalies": {},
        },
    )


MONTHS: list[Callable[[], Month]] = [quiet_dev_cluster, busy_cluster, serverless, resized_cluster, paused_across_the_clock_change]


def report_of(months: Sequence[Month], reservations: Sequence[Reservation] = (), more: Sequence[CostRow] = (), **frame: Any) -> Report:
    """The report on these warehouses."""
    warehouses = [month.warehouse for month in months]
    known = {(one.kind, one.name) for one in warehouses}
    spent, untold = attribute([row for month in months for row in month.rows] + list(more), known)
    ledgers = {(month.warehouse.kind, month.warehouse.name): month.entries for month in months}
    told: dict[str, Any] = {
        "period": OCTOBER,
        "now": NOW,
        "account": ACCOUNT,
        "region": REGION,
        "prices": PRICES,
        "reservations": list(reservations),
        "covered": covered_nodes(fleet(warehouses, ledgers), reservations),
        "spent": spent,
    }
    whole = Frame(**{**told, **frame})
    judged = [judge(whole, month.warehouse, month.entries, month.readings) for month in months]
    return put_together(whole, judged, [], untold, Account(now=NOW, prices=PRICES), [])
