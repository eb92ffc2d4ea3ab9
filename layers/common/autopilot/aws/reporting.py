"""Gathers what a cost report needs, part by part: a part that AWS does not give is named in the report, the others stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from autopilot.aws import budgets, clusters, cost_explorer, ledger, manual_snapshots, prices, usage_metrics, workgroups
from autopilot.domain.advice.evidence import Account
from autopilot.domain.errors import AutopilotError, InvalidInput
from autopilot.domain.report import Missing, Period, Report
from autopilot.domain.reporting import Frame, Judged, fleet, gone, judge, midnight, put_together
from autopilot.domain.savings import Entry, covered_nodes
from autopilot.domain.spending import Key, attribute
from autopilot.domain.warehouse import Reference, Warehouse

LIST = (*clusters.LOOK, "redshift-serverless:ListWorkgroups", "redshift-serverless:ListTagsForResource")
PERMISSIONS = (
    *LIST,
    *cost_explorer.READ,
    *prices.READ,
    *prices.RESERVATIONS,
    *manual_snapshots.LIST,
    *usage_metrics.READ,
    *ledger.READ,
    *budgets.LOOK,
)
T = TypeVar("T")


class Gathering:
    """One report in the making: what could be had, and what could not."""

    def __init__(self, account: str, region: str, now: datetime) -> None:
        self.account, self.region, self.now = account, region, now
        self.missing: list[Missing] = []

    def part(self, name: str, ask: Callable[[], T], warehouse: str | None = None) -> T | None:
        """What `ask` answers, or None when AWS refuses; the report then says which part is missing and why."""
        try:
            return ask()
        except AutopilotError as error:
            self.missing.append(Missing(part=name, warehouse=warehouse, why=str(error)))
            return None

    def warehouses(self, wanted: Sequence[Reference]) -> list[Warehouse]:
        """All warehouses, or those wanted. Raises InvalidInput when one that is wanted does not exist."""
        complaints = len(self.missing)
        found = [
            *(self.part("clusters", lambda: list(clusters.every())) or []),
            *(self.part("workgroups", lambda: list(workgroups.every())) or []),
        ]
        if not wanted:
            return found
        chosen = [one for one in found if any(_is_meant(reference, one) for reference in wanted)]
        unknown = [one.name for one in wanted if not any(_is_meant(one, seen) for seen in found)]
        if unknown and len(self.missing) == complaints:
            raise InvalidInput(
                f"warehouses: no cluster and no workgroup of the name {', '.join(unknown)} exists in this account and region"
            )
        return chosen

    def report(self, period: Period, wanted: Sequence[Reference]) -> Report:
        """The report on a period."""
        seen = self.warehouses(wanted)
        known: set[Key] = {(one.kind, one.name) for one in seen}
        today = self.now.date()
        rows = self.part("spent", lambda: cost_explorer.rows(period, self.account, self.region, today))
        published = self.part("prices", lambda: prices.of_region(self.region, today))
        reserved = self.part("reserved nodes", prices.reservations)
        ledgers = self._ledgers(seen, midnight(period.start))
        spent, untold = attribute(rows, known) if rows is not None else (None, None)
        frame = Frame(
            period=period,
            now=self.now,
            account=self.account,
            region=self.region,
            currency=published.currency if published else "USD",
            prices=published,
            reservations=reserved,
            covered=covered_nodes(fleet(seen, ledgers), reserved or []),
            spent=spent,
            budgets=self.part("budgets", lambda: budgets.states(self.account)) or {},
        )
        judged = self._judged(frame, seen, ledgers)
        clusters_there = {name for kind, name in known if kind == "cluster"}
        account = Account(
            now=self.now,
            prices=published,
            offers=None if wanted else self.part("reserved node recommendations", lambda: cost_explorer.offers(self.region, today)),
            snapshots=None if wanted else self.part("snapshots", lambda: manual_snapshots.every(clusters_there)),
        )
        forecast: Decimal | None = None
        if not wanted:
            forecast = self.part("forecast", lambda: cost_explorer.forecast(self.account, self.region, today))
        # What is no part of a chosen few is not theirs, nor untold.
        deleted, untold = ([], None) if wanted else (gone(frame, known), untold)
        return put_together(frame, judged, deleted, untold, account, self.missing, forecast)

    def _ledgers(self, seen: Sequence[Warehouse], since: datetime) -> dict[Key, list[Entry]]:
        found: dict[Key, list[Entry]] = {}
        for one in seen:
            if one.kind == "cluster":
                entries = self.part("saved", lambda one=one: ledger.entries(one.key, since), one.name)  # type: ignore[misc]
                if entries is not None:
                    found[one.kind, one.name] = entries
        return found

    def _judged(self, frame: Frame, seen: Sequence[Warehouse], ledgers: dict[Key, list[Entry]]) -> list[Judged]:
        by_key = {(one.kind, one.name): one for one in seen}
        judged: dict[Key, Judged] = {}
        try:
            for read in usage_metrics.read(seen, frame.start, frame.end):
                if read.readings is None:
                    self.missing.append(Missing(part="used", warehouse=read.key[1], why=read.why))
                judged[read.key] = judge(frame, by_key[read.key], ledgers.get(read.key), read.readings)
        except AutopilotError as error:
            self.missing.append(Missing(part="used", why=str(error)))
        return [judged.get(key) or judge(frame, one, ledgers.get(key), None) for key, one in by_key.items()]


def _is_meant(reference: Reference, seen: Warehouse) -> bool:
    return reference.name == seen.name and reference.kind in {None, seen.kind}
