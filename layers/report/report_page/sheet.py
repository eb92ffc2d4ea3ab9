"""The cost report as a table for spreadsheets: `docs/report-csv.md` describes its columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from decimal import Decimal

from autopilot.domain.report import Charge, Report, WarehouseCosts

COLUMNS = (
    "line",
    "period_start",
    "period_end",
    "timezone",
    "account",
    "region",
    "kind",
    "warehouse",
    "environment",
    "status",
    "node_type",
    "nodes",
    "base_rpu",
    "charge",
    "usage_type",
    "amount",
    "currency",
    "quantity",
    "unit",
    "note",
)
#: What makes a spreadsheet take a cell for a formula. Source: OWASP, "CSV Injection".
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
Cell = str | int | Decimal | None


def to_csv(report: Report) -> str:
    """One line for each charge of each warehouse, for what it saved, and for what is missing; RFC 4180, a header first.

    Text that a spreadsheet would take for a formula has an apostrophe before it; what is not known is empty.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for cells in _lines(report):
        writer.writerow([_cell(cells.get(column)) for column in COLUMNS])
    return text.getvalue()


def _lines(report: Report) -> Iterator[dict[str, Cell]]:
    period = {"period_start": str(report.period.start), "period_end": str(report.period.end), "timezone": report.period.timezone}
    frame: dict[str, Cell] = {**period, "account": report.account, "region": report.region, "currency": report.currency}
    for one in report.warehouses:
        about = frame | _about(one)
        yield from ({**about, "line": "charge", **_charge(charge)} for charge in one.charges)
        if one.spent is None:
            yield {**about, "line": "missing", "note": _reasons(report, "spent", one.name)}
        if one.saved is not None:
            hours, why = one.saved.paused_hours, one.saved.arithmetic
            yield {**about, "line": "saved", "amount": one.saved.amount, "quantity": hours, "unit": "Hrs", "note": why}
    yield from ({**frame, "line": "unattributed", **_charge(charge)} for charge in report.unattributed)
    for gap in report.missing:
        yield {**frame, "line": "missing", "warehouse": gap.warehouse, "note": f"{gap.part}: {gap.why}"}


def _about(one: WarehouseCosts) -> dict[str, Cell]:
    return {
        "account": one.account,
        "region": one.region,
        "kind": one.kind,
        "warehouse": one.name,
        "environment": one.environment,
        "status": one.status,
        "node_type": one.node_type,
        "nodes": one.nodes,
        "base_rpu": one.base_rpu,
    }


def _charge(charge: Charge) -> dict[str, Cell]:
    named: dict[str, Cell] = {"charge": charge.kind, "usage_type": charge.usage_type, "unit": charge.unit}
    return {**named, "amount": charge.amount, "quantity": charge.quantity}


def _reasons(report: Report, part: str, name: str) -> str:
    found = [gap.why for gap in report.missing if gap.part == part and gap.warehouse in {None, name}]
    return "; ".join([f"{part}: {why}" for why in found]) or f"{part}: AWS gave no figure"


def _cell(value: Cell) -> str:
    match value:
        case None:
            return ""
        case str():
            return f"'{value}" if value.startswith(_FORMULA) else value
        case Decimal():
            return f"{value:f}"
        case int():
            return str(value)
