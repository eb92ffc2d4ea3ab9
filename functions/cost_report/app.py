"""Report what the warehouses cost, did and saved, and what to change: gather, reckon, write, and say it in a few sentences."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, assert_never

from autopilot.aws import files, reporting
from autopilot.domain.inputs import ReportInput, decode, reference_of
from autopilot.domain.reporting import console_link, figures, folder_of, message, period_of, to_json
from autopilot.domain.steps import Look, MakeReport, ReportPlan
from autopilot.runtime.handler import handler

PERMISSIONS = (*reporting.PERMISSIONS, *files.WRITE)


@handler(Look | MakeReport)
def handle(call: Look | MakeReport) -> ReportPlan | dict[str, Any]:
    """The steps of `report_costs`."""
    match call:
        case Look():
            return look(decode(ReportInput, call.input))
        case MakeReport():
            return make(call)
        case _:
            assert_never(call)


def look(asked: ReportInput) -> ReportPlan:
    """On what would be reported; asks AWS nothing, as that may cost money."""
    today = datetime.now(UTC).date()
    period, wanted = period_of(asked.start, asked.end, today), [reference_of(one) for one in asked.warehouses]
    about = ", ".join(one.name for one in wanted) or "all warehouses"
    return ReportPlan(
        action="report",
        reason=f"costs of {about} from {period.start} to the day before {period.end}",
        asked=asked.reason,
        dry_run=asked.dry_run,
        period=period,
        warehouses=wanted,
        folder=folder_of(period, wanted, today),
    )


def make(call: MakeReport) -> dict[str, Any]:
    """Make the report and write it; `message` is for people."""
    region, account = call.execution.split(":")[3:5]
    report = reporting.Gathering(account, region, datetime.now(UTC)).report(call.period, call.warehouses)
    from report_page import render_html, to_csv

    written = {
        "json": files.write_text(f"{call.folder}report.json", to_json(report), "application/json"),
        "csv": files.write_text(f"{call.folder}report.csv", to_csv(report), "text/csv; charset=utf-8"),
        "html": files.write_text(f"{call.folder}report.html", render_html(report), "text/html; charset=utf-8"),
    }
    link = console_link(region, files.bucket(), f"{call.folder}report.html")
    return {"action": "report", "message": message(report, link), "files": written, **figures(report)}
