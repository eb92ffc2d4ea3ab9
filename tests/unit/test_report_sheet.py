"""The cost report as CSV: what spreadsheets and scripts read."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from autopilot.domain.report import Charge, Report
from report_page import to_csv
from report_page.sheet import COLUMNS
from tests.page import samples
from tests.unit.months import MONTHS, report_of

DOCUMENT = Path(__file__).parents[2] / "docs" / "report-csv.md"


def rows(report: Report) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(to_csv(report), newline=""), strict=True))


def test_every_charge_of_every_warehouse_is_a_line_and_they_add_up() -> None:
    report = samples.usual()
    found = rows(report)
    paid = sum((Decimal(row["amount"]) for row in found if row["line"] in {"charge", "unattributed"}), Decimal(0))
    assert paid == report.spent == Decimal("14923.90")
    (spectrum,) = [row for row in found if row["charge"] == "spectrum"]
    assert {key: spectrum[key] for key in ("warehouse", "kind", "amount", "currency", "quantity", "unit")} == {
        "warehouse": "prod",
        "kind": "cluster",
        "amount": "17.50",
        "currency": "USD",
        "quantity": "3.5",
        "unit": "Terabytes",
    }


def test_savings_come_with_hours_and_arithmetic() -> None:
    (saved,) = [row for row in rows(report_of([MONTHS[4]()])) if row["line"] == "saved"]
    assert (saved["amount"], Decimal(saved["quantity"]), saved["unit"]) == ("193.31", Decimal(89), "Hrs")
    assert saved["note"].startswith("89.00 h x 2 x ra3.xlplus")


def test_missing_figures_are_empty_and_say_why() -> None:
    found = rows(samples.nothing_known())
    assert {row["amount"] for row in found} == {""}
    assert found[0]["warehouse"] == "dark"
    assert found[0]["note"] == "spent: AWS was throttled while spent was read"
    assert {row["line"] for row in found} == {"missing"}


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=x", "\n=x"])
def test_text_that_a_spreadsheet_would_take_for_a_formula_is_made_text(name: str) -> None:
    report = samples.many(1)
    charge, *_ = rows(replace(report, warehouses=[replace(report.warehouses[0], name=name, environment=name)]))
    assert charge["warehouse"] == charge["environment"] == "'" + name


def test_a_negative_amount_stays_a_number() -> None:
    report = replace(samples.single(), warehouses=[], unattributed=[Charge(kind="other", usage_type="Refund", amount=Decimal("-3.20"))])
    assert [row["amount"] for row in rows(report) if row["line"] == "unattributed"] == ["-3.20"]


def test_lines_are_those_of_rfc_4180_whatever_the_names_hold() -> None:
    text = to_csv(samples.hostile())
    assert text.endswith("\r\n")
    parsed = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert {len(row) for row in parsed} == {len(COLUMNS)}
    names = {row[COLUMNS.index("warehouse")].removeprefix("'") for row in parsed[1:]}
    assert {name.removeprefix("'") for name in samples.HOSTILE} <= names


def test_the_document_describes_every_column_in_order() -> None:
    described = [line.split("`")[1] for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert described == list(COLUMNS)
