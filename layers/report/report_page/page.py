"""The page: one HTML file that carries all that it shows. No script is in it, and its own policy lets none run and nothing be loaded."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from autopilot.domain.report import Recommendation, Report, WarehouseCosts
from report_page import charts, view, words
from report_page.charts import About, Bar, Series
from report_page.gaps import Gaps
from report_page.palette import DARK, LIGHT, variables
from report_page.view import View, Week


def render_html(report: Report) -> str:
    """The report as one HTML page, in UTF-8. Whatever AWS's names and tags hold is text on it, and nothing else."""
    seen = View(report, Gaps.of(report.missing))
    return _environment().get_template("page.html").render(view=seen, report=report, light=variables(LIGHT), dark=variables(DARK))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("report_page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalized,
    )
    environment.globals.update({"words": words, "limits": view})
    environment.filters.update(
        {
            "money": words.money,
            "number": words.number,
            "average": words.average,
            "day": words.day,
            "call": call,
            "size": size,
            "by_day_chart": by_day_chart,
            "saved_chart": saved_chart,
            "thirty_days_chart": thirty_days_chart,
            "week_chart": week_chart,
        }
    )
    return environment


def _finalized(value: Any) -> Any:
    """Text as it may be shown; what is made of safe parts stays as it is."""
    return words.plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def call(advice: Recommendation) -> Markup:
    """The input that carries a recommendation out, as JSON to be copied."""
    text = json.dumps(advice.input, indent=2, ensure_ascii=False, default=str)
    # It has line breaks of its own, and all else that is not seen is an escape of JSON's.
    return Markup.escape(words.escaped(text))


def size(one: WarehouseCosts) -> str:
    """What a warehouse consists of."""
    if one.kind == "cluster":
        return f"{one.nodes} x {one.node_type}" if one.nodes and one.node_type else "size unknown"
    return f"{one.base_rpu} RPUs" if one.base_rpu else "capacity unknown"


def by_day_chart(seen: View, text_id: str) -> Markup:
    """Cost by day, stacked by warehouse."""
    currency, days = seen.report.currency, seen.days
    series = [
        Series(
            stack.name,
            stack.colour,
            [
                None if not amount else Bar(float(amount), f"{stack.name}, {words.day(day)}: {words.money(amount)} {currency}")
                for day, amount in zip(days, stack.amounts, strict=True)
            ],
        )
        for stack in seen.stacks
    ]
    about = About(f"Cost by day and warehouse in {currency}, stacked columns", text_id)
    return charts.stacked_days(about, [words.short_day(day) for day in days], series)


def saved_chart(seen: View, text_id: str) -> Markup:
    """What each of some warehouses cost, and what pausing saved on it."""
    currency, shown = seen.report.currency, seen.savers
    spent = [
        None if not one.spent else Bar(float(one.spent), f"{words.plain(one.name)}: {words.money(one.spent)} {currency} spent")
        for one in shown
    ]
    saved = [
        Bar(float(one.saved.amount), f"{words.plain(one.name)}: {words.money(one.saved.amount)} {currency} saved")
        for one in shown
        if one.saved is not None and one.saved.amount is not None
    ]
    about = About(f"Spent and saved by warehouse in {currency}, stacked rows", text_id)
    names = [words.plain(one.name) for one in shown]
    return charts.rows(about, names, [Series("spent", "spent", spent), Series("saved", "saved", saved)])


def thirty_days_chart(seen: View, text_id: str) -> Markup:
    """What 30 days cost, and will cost."""
    currency, shown = seen.report.currency, seen.thirty_days
    bars = [Bar(float(amount), f"{name}: {words.money(amount)} {currency}", colour) for name, amount, colour in shown]
    about = About(f"Cost of 30 days in {currency}: as spent, and as forecast", text_id)
    return charts.rows(about, [name for name, *_ in shown], [Series("", "spent", bars)])


def week_chart(week: Week, text_id: str, *, small: bool) -> Markup:
    """The hours of the week, darker where more happened."""
    return charts.week(
        About(f"{week.title}: {week.unit} by hour of the week (UTC), heat map", text_id), week.levels, week.says, small=small
    )
