"""What the page says, in the order in which it says it: lists cut to what a person reads, sums, and the words beside each chart."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from autopilot.domain.report import HOURS_OF_WEEK, Anomaly, Charge, Recommendation, Report, WarehouseCosts
from report_page import words
from report_page.gaps import Gaps
from report_page.palette import HEAT_STEPS, SERIES

#: How many of each kind are shown in full; the rest stands in a table, or is counted.
TOP_ADVICE, MOST_ADVICE = 6, 200
TOP_WAREHOUSES = 8
#: A longer table shows so many rows, and the others when asked to.
SHOWN_ROWS = 20
MOST_ANOMALIES = 20
MOST_ROWS = 10
#: From this share of the whole on, the dearest warehouse is named first thing.
_LARGE_SHARE = Decimal("0.2")
_ZERO = Decimal(0)


class Stack(NamedTuple):
    """What one colour of the chart of days stands for, with its amount for each day of the period."""

    name: str
    colour: str
    amounts: list[Decimal | None]
    total: Decimal


class Week(NamedTuple):
    """When some warehouses were used: the sum of what they did in each hour of the week, None where no data came."""

    title: str
    unit: str
    hours: list[float | None]

    @property
    def top(self) -> float:
        """The most that happened in an hour."""
        return max((value for value in self.hours if value is not None), default=0.0)

    @property
    def levels(self) -> list[int | None]:
        """Each hour's step on the scale: 0 is no use at all, the others are fifths of the most."""
        return [None if value is None else self.level(value) for value in self.hours]

    def level(self, value: float) -> int:
        """The step of one value."""
        if value <= 0:
            return 0
        return min(1 + int((HEAT_STEPS - 1) * value / self.top), HEAT_STEPS - 1)

    def says(self, hour: int) -> str:
        """One hour in words."""
        value = self.hours[hour]
        said = "no data" if value is None else f"{words.average(value)} {self.unit}"
        return f"{words.hour_of_week(hour)} UTC: {said}"

    @property
    def summary(self) -> str:
        """The week in words."""
        known = [hour for hour, value in enumerate(self.hours) if value is not None]
        if not known:
            return "No data came for any hour of the week."
        if not self.top:
            return f"No {self.unit} in any hour of the week of which data came."
        busiest = max(known, key=lambda hour: self.hours[hour] or 0.0)
        idle = sum(1 for hour in known if not self.hours[hour])
        unknown = f" No data came for {words.counted(HOURS_OF_WEEK - len(known), 'hour')}." if len(known) < HOURS_OF_WEEK else ""
        rest = f"none at all in {idle} of {len(known)} hours of the week" if idle else "some in every hour of the week of which data came"
        return f"Busiest on {words.hour_of_week(busiest)} UTC with {words.average(self.top)} {self.unit}; {rest}.{unknown}"


class Odd(NamedTuple):
    """A day off a warehouse's usual line."""

    warehouse: str
    anomaly: Anomaly

    @property
    def above(self) -> Decimal:
        """By how much."""
        return self.anomaly.amount - self.anomaly.usual


class View(NamedTuple):
    """A report, ready to be written down."""

    report: Report
    gaps: Gaps

    @property
    def last_day(self) -> date:
        """The last day that is reported on."""
        return self.report.period.end - timedelta(days=1)

    @property
    def days(self) -> list[date]:
        """Every day of the period."""
        count = (self.report.period.end - self.report.period.start).days
        return [self.report.period.start + timedelta(days=number) for number in range(count)]

    @property
    def top_advice(self) -> list[Recommendation]:
        """The recommendations that are shown in full."""
        return self.report.recommendations[:TOP_ADVICE]

    @property
    def more_advice(self) -> list[Recommendation]:
        """Those that stand in the table."""
        return self.report.recommendations[TOP_ADVICE:MOST_ADVICE]

    @property
    def untold_advice(self) -> int:
        """How many more there are."""
        return max(len(self.report.recommendations) - MOST_ADVICE, 0)

    @property
    def top(self) -> list[WarehouseCosts]:
        """The dearest warehouses, each with its details."""
        return self.report.warehouses[:TOP_WAREHOUSES]

    @property
    def unattributed(self) -> Decimal:
        """What no warehouse could be charged with."""
        return sum((charge.amount for charge in self.report.unattributed), _ZERO)

    @property
    def kinds(self) -> list[tuple[str, Decimal]]:
        """What was paid for, the dearest first, with what no tag tells."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for charge in self._charges():
            sums[charge.kind] += charge.amount
        return sorted(sums.items(), key=lambda item: (-item[1], item[0]))

    def _charges(self) -> Iterable[Charge]:
        yield from self.report.unattributed
        for one in self.report.warehouses:
            yield from one.charges

    @property
    def stacks(self) -> list[Stack]:
        """Cost by day: the dearest warehouses each in a colour of its own, all others in one more."""
        told = sorted((one for one in self.report.warehouses if one.by_day), key=lambda one: -(one.spent or _ZERO))
        own, others = told[:SERIES], told[SERIES:]
        names = Counter(one.name for one in own)
        found = [
            self._stack(one.name if names[one.name] == 1 else f"{one.name} ({one.kind})", f"series-{number}", [one])
            for number, one in enumerate(own)
        ]
        return found + ([self._stack(f"{len(others)} others", "rest", others)] if others else [])

    def _stack(self, name: str, colour: str, warehouses: Sequence[WarehouseCosts]) -> Stack:
        sums: dict[date, Decimal] = defaultdict(Decimal)
        for one in warehouses:
            for item in one.by_day:
                sums[item.day] += item.amount
        amounts = [sums.get(day) for day in self.days]
        return Stack(words.plain(name), colour, amounts, sum(sums.values(), _ZERO))

    @property
    def by_day_summary(self) -> str:
        """The chart of days in words."""
        totals = [
            sum((amounts or _ZERO for amounts in column), _ZERO) for column in zip(*(one.amounts for one in self.stacks), strict=True)
        ]
        dearest, cheapest = max(range(len(totals)), key=totals.__getitem__), min(range(len(totals)), key=totals.__getitem__)
        currency = self.report.currency
        average = sum(totals, _ZERO) / len(totals)
        text = (
            f"On average {words.money(average)} {currency} a day; most on {words.day(self.days[dearest])} with {words.money(totals[dearest])}, "
            f"least on {words.day(self.days[cheapest])} with {words.money(totals[cheapest])}."
        )
        if self.unattributed:
            text += f" Without the {words.money(self.unattributed)} {currency} that no tag tells to a warehouse."
        return text

    @property
    def savers(self) -> list[WarehouseCosts]:
        """The warehouses on which pausing saved something, the most first; else the dearest."""
        saved = [one for one in self.report.warehouses if one.saved is not None and one.saved.amount]
        saved.sort(key=lambda one: -((one.saved and one.saved.amount) or _ZERO))
        return saved[:MOST_ROWS]

    @property
    def thirty_days(self) -> list[tuple[str, Decimal, str]]:
        """What 30 days cost, as spent, as it would have been without pausing, and as AWS expects: what of it is known."""
        report, days = self.report, len(self.days)
        found = []
        if report.spent is not None and report.saved:
            found.append(("Without pausing", 30 * (report.spent + report.saved) / days, "rest"))
        if report.spent is not None:
            found.append(("As spent", 30 * report.spent / days, "spent"))
        if report.forecast is not None:
            found.append(("Forecast", report.forecast, "series-1"))
        return found

    @property
    def forecast_summary(self) -> str:
        """The forecast beside what was spent, in words."""
        report, currency = self.report, self.report.currency
        if report.forecast is None or report.spent is None:
            return "One of the two figures is missing, so they cannot be compared."
        now = 30 * report.spent / len(self.days)
        change = report.forecast - now
        if not now:
            return f"AWS expects {words.money(report.forecast)} {currency} for the next 30 days; nothing was spent in the period."
        more = "more" if change >= 0 else "less"
        return (
            f"AWS expects {words.money(report.forecast)} {currency} for the next 30 days. At the pace of the period they would cost "
            f"{words.money(now)} {currency}: the forecast is {words.percent(abs(change), now)} {more}."
        )

    @property
    def weeks(self) -> list[Week]:
        """When clusters and when workgroups were used."""
        units = {"cluster": ("Clusters", "connections on average"), "workgroup": ("Workgroups", "queries running on average")}
        found = [self.week_of([one for one in self.report.warehouses if one.kind == kind], *said) for kind, said in units.items()]
        return [week for week in found if week.hours]

    @staticmethod
    def week_of(warehouses: Sequence[WarehouseCosts], title: str = "", unit: str = "") -> Week:
        """The sum of some warehouses' weeks."""
        known = [one.used.busy_by_hour for one in warehouses if one.used.busy_by_hour]
        columns = [[value for value in column if value is not None] for column in zip(*known, strict=True)]
        return Week(title, unit, [round(sum(column), 4) if column else None for column in columns])

    @property
    def odd_days(self) -> list[Odd]:
        """The days off the usual line, the furthest first."""
        found = [Odd(one.name, anomaly) for one in self.report.warehouses for anomaly in one.anomalies]
        return sorted(found, key=lambda one: (-one.above, one.warehouse, one.anomaly.day))

    @property
    def budgets(self) -> list[WarehouseCosts]:
        """The warehouses with a budget, the fullest first."""

        def fullness(one: WarehouseCosts) -> Decimal:
            budget = one.budget
            known = max((budget and budget.forecast) or _ZERO, (budget and budget.spent) or _ZERO)
            return known / budget.limit if budget and budget.limit else known

        return sorted((one for one in self.report.warehouses if one.budget is not None), key=lambda one: (-fullness(one), one.name))

    @property
    def lead(self) -> str:
        """The report in one or two sentences."""
        report, currency = self.report, self.report.currency
        what = words.counted(len(report.warehouses), "warehouse")
        span = words.days(report.period.start, self.last_day)
        if report.spent is None:
            return f"What {what} cost from {span} could not be had."
        text = f"{what[0].upper()}{what[1:]} cost {words.money(report.spent)} {currency} from {span}."
        dearest = report.warehouses[0] if report.warehouses else None
        if dearest is not None and dearest.spent and len(report.warehouses) > 1 and dearest.spent >= _LARGE_SHARE * report.spent > 0:
            text += f" {words.plain(dearest.name)} alone took {words.percent(dearest.spent, report.spent)} of it."
        return text
