"""The report put together, its period, its sentences, and the schema it keeps."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import jsonschema
import msgspec
import pytest

from autopilot.domain.advice.evidence import Account
from autopilot.domain.errors import InvalidInput
from autopilot.domain.report import Missing, Report
from autopilot.domain.reporting import Frame, Judged, gone, judge, message, period_of, put_together, size_of
from autopilot.domain.savings import Reservation
from autopilot.domain.spending import attribute
from autopilot.domain.using import Readings
from tests.unit.builders import ACCOUNT, REGION, cluster
from tests.unit.months import MONTHS, NOW, OCTOBER, PRICES, paused, report_of, row, utc
from tools.schemas import file_of, schema

TODAY = date(2026, 11, 25)


def test_period_is_the_thirty_days_before_today() -> None:
    assert (period_of(None, None, TODAY).start, period_of(None, None, TODAY).end) == (date(2026, 10, 26), TODAY)
    assert period_of(None, date(2026, 11, 1), TODAY).start == date(2026, 10, 2)


@pytest.mark.parametrize(
    ("start", "end", "complaint"),
    [
        (None, date(2026, 11, 26), "to: 2026-11-26 is not over yet; allowed is up to 2026-11-25"),
        (date(2026, 11, 1), date(2026, 11, 1), "from: 2026-11-01 must be before to"),
        (date(2026, 7, 1), None, "are 147 days; up to 93"),
        (date(2025, 8, 1), date(2025, 9, 1), "from: 2025-08-01 is too long ago"),
    ],
)
def test_period_that_cannot_be_reported_on_is_refused(start: date | None, end: date | None, complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        period_of(start, end, TODAY)


def test_paused_cluster_has_the_size_from_before_the_pause() -> None:
    entries = paused(utc(3), None, node_type="ra3.xlplus", nodes=4)
    assert size_of(cluster("paused", node_type="ra3.xlplus", nodes=1), entries) == ("ra3.xlplus", 4)
    assert size_of(cluster("available", node_type="ra3.xlplus", nodes=2), entries) == ("ra3.xlplus", 2)
    assert size_of(cluster("paused", node_type="ra3.xlplus", nodes=1), []) == ("ra3.xlplus", 1)


def test_reserved_nodes_lower_what_was_saved() -> None:
    report = report_of([MONTHS[4]()], [Reservation(node_type="ra3.xlplus", nodes=1, hourly=Decimal("0.72"))])
    saved = report.warehouses[0].saved
    assert saved is not None
    # 89 h x 1 x 1.086 = 96.654; 89 h x 1 x 0.72 = 64.08
    assert (str(saved.amount), str(saved.reserved_amount)) == ("96.65", "64.08")


def test_running_cluster_without_any_metric_is_not_taken_to_have_stood_paused() -> None:
    entries = paused(utc(3), None, node_type="ra3.large", nodes=2)
    frame = Frame(period=OCTOBER, now=NOW, account=ACCOUNT, region=REGION, prices=PRICES, reservations=[])
    judged = {status: judge(frame, cluster(status), entries, Readings(cpu_average={})) for status in ("available", "paused")}
    hours = {status: one.evidence.costs.saved for status, one in judged.items()}
    assert hours["available"] is not None
    assert hours["paused"] is not None
    # from the 3rd to the end of the month: 29 days
    assert (str(hours["available"].paused_hours), str(hours["paused"].paused_hours)) == ("0.0000", "696.0000")
    assert "was ended outside of Autopilot and no metric says when" in judged["available"].missing[0].why


def test_warehouse_that_is_gone_is_shown_with_what_it_cost() -> None:
    spent, _ = attribute([row(OCTOBER.start, "Node:ra3.large", "old", "5.00")], {("cluster", "new")})
    frame = Frame(period=OCTOBER, now=NOW, account=ACCOUNT, region=REGION, spent=spent)
    assert [(one.name, one.status, str(one.spent)) for one in gone(frame, {("cluster", "new")})] == [("old", "deleted", "5.00")]


def test_what_no_tag_told_is_shown_and_the_report_says_how_to_tell_it() -> None:
    report = report_of([MONTHS[0]()], more=[row(OCTOBER.start, "Node:ra3.large", "", "10.00")])
    assert [str(charge.amount) for charge in report.unattributed] == ["10.00"]
    # 812.944 + 10.00
    assert str(report.spent) == "822.94"
    assert [one.part for one in report.missing] == ["spent"]
    assert "10.00 USD carry no tag autopilot:warehouse" in report.missing[0].why


def test_message_says_total_saved_and_the_three_best_recommendations() -> None:
    report = report_of([month() for month in MONTHS])
    assert message(report, "https://console") == (
        "Redshift in us-east-1 cost 14507.26 USD from 2026-10-01 to 2026-10-31 (UTC). Pausing saved 263.90 USD. "
        "1. dev: pause it in the 118 hours of the week in which nobody is connected: 556.83 USD a month. https://console"
    )


def test_message_does_not_make_up_what_is_missing() -> None:
    frame = Frame(period=OCTOBER, now=NOW, account=ACCOUNT, region=REGION)
    nothing: list[Judged] = []
    report = put_together(frame, nothing, [], None, Account(now=NOW), [Missing(part="spent", why="throttled")])
    assert message(report, "link") == (
        "Redshift in us-east-1 cost unknown from 2026-10-01 to 2026-10-31 (UTC). What pausing saved is unknown. "
        "1 part of the figures could not be had; the report says which. link"
    )


def test_schema_in_the_docs_is_the_reports_own_and_the_report_keeps_it() -> None:
    assert file_of("report").read_text(encoding="utf-8") == schema("report"), "run `python -m tools.schemas`"
    written = msgspec.json.encode(report_of([month() for month in MONTHS]))
    jsonschema.validate(json.loads(written), json.loads(schema("report")))
    assert msgspec.json.decode(written, type=Report).warehouses[0].name == "prod"


def test_schema_refuses_a_report_without_its_period() -> None:
    written = json.loads(msgspec.json.encode(report_of([MONTHS[0]()], prices=PRICES)))
    del written["period"]
    with pytest.raises(jsonschema.ValidationError, match="'period' is a required property"):
        jsonschema.validate(written, json.loads(schema("report")))
