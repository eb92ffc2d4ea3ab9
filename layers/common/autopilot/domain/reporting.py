"""The cost report put together: each warehouse judged by what is known of it, then all of them, and a few sentences for people."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction

import msgspec

from autopilot.domain import savings, spending
from autopilot.domain import using as use
from autopilot.domain.advice import recommend
from autopilot.domain.advice.evidence import Account, Evidence
from autopilot.domain.advice.hours import SCHEDULE_TAG
from autopilot.domain.budgets import budget_name
from autopilot.domain.errors import InvalidInput
from autopilot.domain.prices import Prices
from autopilot.domain.report import BudgetState, Charge, Missing, Period, Recommendation, Report, Saved, WarehouseCosts
from autopilot.domain.savings import Entry, Fleet, Reservation
from autopilot.domain.spending import Key, Spending
from autopilot.domain.tags import WAREHOUSE_TAG
from autopilot.domain.using import Readings
from autopilot.domain.warehouse import Reference, Warehouse, primary_status

DEFAULT_DAYS = 30
MOST_DAYS = 93
#: Cost Explorer keeps days for 14 months, CloudWatch hours for 455 days. Source: GetCostAndUsage; CloudWatch, "Metrics retention".
OLDEST_DAYS = 395
ENVIRONMENT_TAG = "autopilot:environment"
_TOP = 3
_NAMED = 10
_MICROSECONDS_PER_DAY = 86_400_000_000


def period_of(start: date | None, end: date | None, today: date) -> Period:
    """The period asked for: by default the 30 days before today. Raises InvalidInput for one that cannot be reported on."""
    last = end or today
    first = start or last - timedelta(days=DEFAULT_DAYS)
    if last > today:
        raise InvalidInput(f"to: {last} is not over yet; allowed is up to {today}, the day after the last one that is reported on")
    if first >= last:
        raise InvalidInput(f"from: {first} must be before to, {last}, which is the day after the last one that is reported on")
    if (last - first).days > MOST_DAYS:
        raise InvalidInput(f"from: {first} to {last} are {(last - first).days} days; up to {MOST_DAYS} are reported on at once")
    if (today - first).days > OLDEST_DAYS:
        raise InvalidInput(f"from: {first} is too long ago; AWS keeps the days of the last {OLDEST_DAYS} days")
    return Period(start=first, end=last)


def folder_of(period: Period, wanted: Sequence[Reference], today: date) -> str:
    """Where in the bucket a report goes: the usual one of a day has its own place, one on other days or on some warehouses lies below."""
    usual = period_of(None, None, today)
    parts = [] if period == usual else [f"{period.start}_{period.end}"]
    if wanted:
        names = sorted(f"{one.kind or 'any'}/{one.name}" for one in wanted)
        parts.append(f"some-{hashlib.sha256(' '.join(names).encode()).hexdigest()[:12]}")
    return "/".join([f"reports/{today}", *parts]) + "/"


def midnight(day: date) -> datetime:
    """The beginning of a day in UTC."""
    return datetime.combine(day, time(), UTC)


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What is the same for every warehouse of a report. None is what could not be had."""

    period: Period
    now: datetime
    account: str
    region: str
    currency: str = "USD"
    prices: Prices | None = None
    reservations: list[Reservation] | None = None
    covered: dict[str, int] = {}
    spent: dict[Key, Spending] | None = None
    budgets: dict[str, BudgetState] = {}

    @property
    def start(self) -> datetime:
        """The period's first moment."""
        return midnight(self.period.start)

    @property
    def end(self) -> datetime:
        """The moment after the period's last."""
        return midnight(self.period.end)

    @property
    def days(self) -> int:
        """How many days are reported on."""
        return (self.period.end - self.period.start).days


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One warehouse: its part of the report with what recommendations may rest on, and what is missing of it."""

    evidence: Evidence
    missing: list[Missing]


def size_of(seen: Warehouse, entries: Sequence[Entry]) -> tuple[str, int | None]:
    """A cluster's node type and number of nodes: those from before the pause while it is paused, as AWS then describes a single node."""
    if seen.kind == "cluster" and primary_status(seen.status) in {"paused", "pausing", "resuming"}:
        node_type, nodes = savings.size_before(sorted(entries, key=lambda entry: entry.started_at))
        if nodes:
            return node_type, nodes
    return seen.node_type or "", seen.nodes


def fleet(warehouses: Iterable[Warehouse], ledgers: Mapping[Key, Sequence[Entry]]) -> list[Fleet]:
    """The clusters among which reservations are shared out."""
    found = []
    for seen in warehouses:
        entries = ledgers.get((seen.kind, seen.name), ())
        node_type, nodes = size_of(seen, entries)
        if seen.kind == "cluster" and nodes:
            paused = any(entry.action == "pause" and entry.outcome == "done" for entry in entries)
            found.append(Fleet(name=seen.name, node_type=node_type, nodes=nodes, paused=paused))
    return found


def judge(frame: Frame, seen: Warehouse, entries: Sequence[Entry] | None, readings: Readings | None) -> Judged:
    """What one warehouse cost, did and saved, by its ledger and its metrics (None: could not be read)."""
    node_type, nodes = size_of(seen, entries or ())
    # No data of a cluster that runs says nothing of when it ran.
    ran = None if readings is None else use.seen_hours(readings) or (frozenset() if primary_status(seen.status) == "paused" else None)
    paused, doubts, saved = _paused(frame, seen, entries, ran)
    spent = (frame.spent or {}).get((seen.kind, seen.name))
    price = frame.prices.node_hour.get(node_type) if frame.prices and seen.kind == "cluster" else None
    costs = WarehouseCosts(
        kind=seen.kind,
        name=seen.name,
        region=seen.region,
        account=seen.account,
        status=seen.status,
        environment=seen.tags.get(ENVIRONMENT_TAG, ""),
        node_type=node_type,
        nodes=nodes,
        base_rpu=seen.base_rpu,
        hourly_price=price,
        spent=spending.cents(spent.amount) if spent else None,
        charges=spent.charges if spent else [],
        by_day=spent.by_day if spent else [],
        used=use.used(readings or Readings()),
        saved=saved,
        budget=frame.budgets.get(budget_name(seen)),
        anomalies=spending.anomalies(spent.by_day) if spent else [],
    )
    share = None if paused is None else Fraction(savings.microseconds(paused), frame.days * _MICROSECONDS_PER_DAY)
    evidence = Evidence(
        costs=costs,
        days=frame.days,
        prices=frame.prices,
        reserved_nodes=None if frame.reservations is None else frame.covered.get(seen.name, 0),
        paused_share=share,
        activity=None if readings is None or paused is None else use.activity(readings, savings.paused_hours(paused)),
        scheduled=SCHEDULE_TAG in seen.tags,
    )
    missing = [Missing(part="saved", warehouse=seen.name, why=doubt) for doubt in doubts]
    if saved is not None and saved.amount is None:
        missing.append(Missing(part="saved", warehouse=seen.name, why=f"no price, no figure: {saved.arithmetic}"))
    return Judged(evidence=evidence, missing=missing)


def _paused(
    frame: Frame, seen: Warehouse, entries: Sequence[Entry] | None, ran: Collection[int] | None
) -> tuple[list[savings.Pause] | None, list[str], Saved | None]:
    if seen.kind == "workgroup":
        return [], [], None
    if entries is None:
        return None, [], None
    found, doubts = savings.pauses(entries, now=frame.now, status=seen.status, ran=ran)
    paused = savings.within(found, frame.start, frame.end)
    prices = frame.prices.node_hour if frame.prices else {}
    covered = frame.covered.get(seen.name, 0)
    return paused, doubts, savings.saved(paused, prices, covered, savings.reserved_rates(frame.reservations or []), frame.currency)


def gone(frame: Frame, known: Collection[Key]) -> list[WarehouseCosts]:
    """The warehouses that cost something in the period and are no more."""
    return [
        WarehouseCosts(
            kind=kind,
            name=name,
            region=frame.region,
            account=frame.account,
            status="deleted",
            spent=spending.cents(spent.amount),
            charges=spent.charges,
            by_day=spent.by_day,
            anomalies=spending.anomalies(spent.by_day),
        )
        for (kind, name), spent in sorted((frame.spent or {}).items())
        if (kind, name) not in known
    ]


def put_together(
    frame: Frame,
    judged: Sequence[Judged],
    deleted: Sequence[WarehouseCosts],
    untold: Spending | None,
    account: Account,
    missing: Sequence[Missing],
    forecast: Decimal | None = None,
) -> Report:
    """The whole report: the dearest warehouse first. `untold` is what no tag told, None if nothing is known or only some were asked for."""
    warehouses = [one.evidence.costs for one in judged] + list(deleted)
    saved = [one.saved.amount for one in warehouses if one.saved is not None and one.saved.amount is not None]
    told = [frame.spent[one.kind, one.name].amount for one in warehouses if frame.spent and (one.kind, one.name) in frame.spent]
    total = None if frame.spent is None else sum(told, untold.amount if untold else Decimal(0))
    return Report(
        period=frame.period,
        made_at=frame.now,
        account=frame.account,
        region=frame.region,
        currency=frame.currency,
        warehouses=sorted(warehouses, key=lambda one: (-(one.spent or Decimal(0)), one.kind, one.name)),
        unattributed=untold.charges if untold else [],
        recommendations=recommend([one.evidence for one in judged], account),
        missing=[*missing, *_untold(frame, warehouses, untold), *(item for one in judged for item in one.missing)],
        spent=None if total is None else spending.cents(total),
        saved=sum(saved, Decimal(0)) if saved else None,
        forecast=None if forecast is None else spending.cents(forecast),
    )


def _untold(frame: Frame, warehouses: Sequence[WarehouseCosts], untold: Spending | None) -> list[Missing]:
    """What Cost Explorer could not tell to a warehouse, and what to do about it."""
    silent = sorted(one.name for one in warehouses if frame.spent is not None and one.spent is None)
    amount = spending.cents(untold.amount) if untold else Decimal(0)
    if not silent and not amount:
        return []
    names = ", ".join(silent[:_NAMED]) + (f" and {len(silent) - _NAMED} more" if len(silent) > _NAMED else "")
    about = f"nothing could be told to {names}; " if silent else ""
    return [
        Missing(
            part="spent",
            why=(
                f"{about}{amount} {frame.currency} carry no tag {WAREHOUSE_TAG}. A warehouse is told apart by that tag, whose value is its name, "
                "once the payer's account has activated it under Billing, Cost allocation tags; costs from before stay untold unless backfilled"
            ),
        )
    ]


def console_link(region: str, bucket: str, key: str) -> str:
    """Where a file of the bucket is seen in the S3 console, by whoever may see it."""
    return f"https://{region}.console.aws.amazon.com/s3/object/{bucket}?region={region}&prefix={key}"


def to_json(report: Report) -> bytes:
    """The report as `report.json` holds it; `docs/report.schema.json` describes it."""
    return msgspec.json.encode(report)


def figures(report: Report) -> dict[str, str | int | None]:
    """The few figures that the workflow's output and its event carry."""
    money = {name: None if (amount := getattr(report, name)) is None else str(amount) for name in ("spent", "saved", "forecast")}
    return {**money, "currency": report.currency, "recommendations": len(report.recommendations), "missing": len(report.missing)}


def message(report: Report, link: str) -> str:
    """The report in a few plain sentences: total, saved, the three recommendations that save most, and where the page lies."""
    days = f"from {report.period.start} to {report.period.end - timedelta(days=1)}"
    cost = "unknown" if report.spent is None else f"{report.spent} {report.currency}"
    parts = [f"Redshift in {report.region} cost {cost} {days} (UTC)."]
    if (untold := _sum(report.unattributed)) and report.spent is not None:
        parts.append(f"{untold} {report.currency} of it could not be told to a warehouse.")
    parts.append("What pausing saved is unknown." if report.saved is None else f"Pausing saved {report.saved} {report.currency}.")
    parts += [_said(number, one, report.currency) for number, one in enumerate(_top(report), 1)]
    if report.missing:
        parts.append(
            f"{len(report.missing)} part{'' if len(report.missing) == 1 else 's'} of the figures could not be had; the report says which."
        )
    return " ".join([*parts, link])


def _top(report: Report) -> list[Recommendation]:
    return [one for one in report.recommendations if one.monthly_saving is not None and one.monthly_saving > 0][:_TOP]


def _said(number: int, one: Recommendation, currency: str) -> str:
    return f"{number}. {one.title}: {one.monthly_saving} {currency} a month."


def _sum(charges: Sequence[Charge]) -> Decimal:
    return sum((charge.amount for charge in charges), Decimal(0))
