"""What the cost report's page says, before any browser sees it."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from html import unescape
from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from autopilot.domain.report import DayAmount, Missing, Recommendation
from report_page import charts, page, render_html, words
from report_page.charts import About, Bar, Series
from report_page.gaps import Gaps
from report_page.palette import DARK, HEAT_STEPS, LIGHT, SERIES
from report_page.view import View
from tests.page import samples
from tests.unit.colours import closest, contrast, distance
from tests.unit.months import MONTHS, report_of

PALETTES = pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])


def text_of(html: str) -> str:
    """What a reader reads."""
    body = re.sub(r"<style>.*?</style>|<svg.*?</svg>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def seen(report: Any) -> View:
    return View(report, Gaps.of(report.missing))


# --- Figures ----------------------------------------------------------------------------------------------------------


def test_headline_names_what_was_spent_saved_and_expected_with_currency_and_time_zone() -> None:
    text = text_of(render_html(samples.usual()))
    assert "Spent 14,923.90 USD 481.42 a day; 416.64 of it told to no warehouse" in text
    assert "Saved by pausing 263.90 USD" in text
    assert "Forecast, next 30 days 14,210.00 USD" in text
    assert "amounts in USD · days and hours in UTC · made on 2 Nov 2026, 12:00 UTC" in text


def test_what_is_missing_is_said_to_be_missing_with_its_reason_and_never_zero() -> None:
    text = text_of(render_html(samples.nothing_known()))
    assert "Spent missing AWS was throttled while spent was read" in text
    assert "Forecast, next 30 days missing AWS was throttled while forecast was read" in text
    assert "Budgets Missing: AWS was throttled while budgets was read" in text
    assert not re.search(r"(?<![\d.,])0(\.0+)?( %)? ", text.partition("How it was computed")[0])


def test_missing_cells_point_at_the_reasons_that_concern_their_warehouse() -> None:
    gaps = Gaps.of(
        [
            Missing(part="used", warehouse="a", why="throttled"),
            Missing(part="used", warehouse="b", why="throttled"),
            Missing(part="used", warehouse="c", why="denied"),
            Missing(part="prices", why="no prices"),
        ]
    )
    assert [(gap.number, gap.names) for gap in gaps.all] == [(1, ["a", "b"]), (2, ["c"]), (3, [])]
    assert [gap.number for gap in gaps.behind("used", "b")] == [1]
    assert [gap.number for gap in gaps.behind("saved", "b")] == [3]
    assert gaps.behind("used", "z") == []


def test_a_figure_that_does_not_apply_is_neither_missing_nor_zero() -> None:
    text = text_of(render_html(report_of([MONTHS[2]()])))
    row = text.partition("adhoc workgroup, 8 RPUs")[2].partition("In detail")[0]
    assert "a workgroup is never paused" in row
    assert "AWS measures this of clusters only" in row
    assert "missing" not in row


def test_days_are_stacked_by_the_dearest_warehouses_and_all_others_together() -> None:
    stacks = seen(samples.many(12)).stacks
    assert [stack.colour for stack in stacks] == [*(f"series-{number}" for number in range(SERIES)), "rest"]
    assert stacks[-1].name == "4 others"
    whole = sum((stack.total for stack in stacks), Decimal(0))
    assert whole == samples.many(12).spent


def test_a_day_without_cost_is_no_bar_and_no_zero() -> None:
    report = samples.single()
    gappy = replace(report.warehouses[0], by_day=[DayAmount(day=date(2026, 10, 5), amount=Decimal(7))])
    (stack,) = seen(replace(report, warehouses=[gappy])).stacks
    assert [amount for amount in stack.amounts if amount is not None] == [7]
    assert stack.amounts[4] == 7


def test_budgets_are_judged_by_what_is_spent_and_expected() -> None:
    text = text_of(render_html(samples.usual()))
    assert "prod 640.12 10,480.00 10,000.00 forecast over the limit" in text
    assert "dev 52.40 806.20 900.00 within the limit" in text
    assert "2,500.00 not known" in text


def test_unusual_days_are_named_the_furthest_off_first() -> None:
    report = samples.many(3)
    assert seen(report).odd_days[0].warehouse.startswith("warehouse-000")
    assert "Wed 14 Oct 2026 prod 402.96 312.96 90.00" in text_of(render_html(samples.usual()))


def test_forecast_is_compared_with_the_pace_of_the_period() -> None:
    report = replace(samples.single(), spent=Decimal(310), forecast=Decimal(360))
    assert seen(report).forecast_summary == (
        "AWS expects 360.00 USD for the next 30 days. At the pace of the period they would cost 300.00 USD: the forecast is 20 % more."
    )
    assert "cannot be compared" in seen(replace(report, forecast=None)).forecast_summary


def test_hours_of_the_week_add_up_over_warehouses_and_stay_unknown_where_none_was_seen() -> None:
    one = samples.many(2).warehouses
    first = replace(one[0], used=replace(one[0].used, busy_by_hour=[1.0, None, None] + [0.0] * 165))
    second = replace(one[1], used=replace(one[1].used, busy_by_hour=[2.0, 4.0, None] + [0.0] * 165))
    week = View.week_of([first, second], "Clusters", "connections")
    assert week.hours[:4] == [3.0, 4.0, None, 0.0]
    assert week.levels[:4] == [4, 5, None, 0]
    assert week.summary == (
        "Busiest on Monday 01:00 UTC with 4 connections; none at all in 165 of 167 hours of the week. No data came for 1 hour."
    )


def test_recommendation_carries_the_exact_input_to_copy() -> None:
    wanted = {"warehouse": "a\u202eb <&> é", "nodes": 2, "dry_run": True}
    advice = Recommendation(
        rule="x", title="t", warehouse="a", evidence=[], arithmetic="2 - 1 = 1", risk="r", workflow="resize_warehouse", input=wanted
    )
    html = render_html(replace(samples.single(), recommendations=[advice]))
    (shown,) = re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", html, re.DOTALL)
    assert json.loads(unescape(shown)) == wanted
    assert "\\u202e" in shown
    assert "Start the workflow resize_warehouse with:" in text_of(html)


def test_more_recommendations_than_a_person_reads_are_counted() -> None:
    text = text_of(render_html(samples.many(240)))
    assert "194 more suggestions" in text
    assert "40 further suggestions, worth less than these, can be read in report.json." in text


# --- Words and colours ------------------------------------------------------------------------------------------------


def test_unseen_characters_are_written_out() -> None:
    assert words.plain("a\u202eb\u200bc\x00\nd é") == "a⟨U+202E⟩b⟨U+200B⟩c⟨U+0000⟩ d é"
    assert json.loads(words.escaped(json.dumps("a\u202e\U000e0001é", ensure_ascii=False))) == "a\u202e\U000e0001é"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (words.money(Decimal("1234567.891")), "1,234,567.89"),
        (words.rough_money(1500), "1.5k"),
        (words.rough_money(2_000_000), "2M"),
        (words.number(100.0), "100"),
        (words.number(3.14159, 2), "3.14"),
        (words.average(5749.25), "5,749"),
        (words.average(62.504), "62.5"),
        (words.percent(Decimal(1), Decimal(300)), "under 1 %"),
        (words.days(date(2025, 12, 30), date(2026, 1, 2)), "30 Dec 2025 to 2 Jan 2026"),
        (words.days(date(2026, 1, 2), date(2026, 1, 2)), "2 Jan 2026"),
        (words.day(date(2026, 10, 14)), "Wed 14 Oct 2026"),
        (words.hour_of_week(167), "Sunday 23:00"),
        (words.listed(["a", "b", "c"], 2), "a, b and 1 more"),
        (words.shortened("abcdef", 4), "abc…"),
        (words.counted(1, "day"), "1 day"),
    ],
)
def test_figures_are_written_one_way(said: str, expected: str) -> None:
    assert said == expected


@PALETTES
def test_every_text_colour_can_be_read_on_every_ground(palette: dict[str, str]) -> None:
    weak = [
        (text, ground)
        for text in ("ink", "quiet", "accent", "good", "alert")
        for ground in ("ground", "surface", "raised")
        if contrast(palette[text], palette[ground]) < 4.5
    ]
    assert weak == []
    assert contrast(palette["ink"], palette["alert-ground"]) >= 4.5


@PALETTES
def test_colours_of_charts_stand_out_and_are_told_apart_by_colour_blind_readers(palette: dict[str, str]) -> None:
    series = [palette[f"series-{number}"] for number in range(SERIES)]
    drawn = [*series, palette["rest"], palette["spent"], palette["saved"]]
    assert [colour for colour in drawn if contrast(colour, palette["surface"]) < 3] == []
    assert closest(series) >= 20
    assert min(distance(one, other) for one, other in pairwise(series)) >= 40
    assert distance(palette["spent"], palette["saved"]) >= 20


@PALETTES
def test_heat_grows_in_steps_that_can_be_seen(palette: dict[str, str]) -> None:
    steps = [contrast(palette[f"heat-{number}"], palette["surface"]) for number in range(HEAT_STEPS)]
    assert steps == sorted(steps)
    assert min(distance(palette[f"heat-{at}"], palette[f"heat-{at + 1}"]) for at in range(HEAT_STEPS - 1)) >= 8


# --- Charts -----------------------------------------------------------------------------------------------------------


def test_charts_carry_no_script_no_style_and_no_address() -> None:
    html = render_html(samples.usual())
    drawings = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    assert len(drawings) > 8
    for drawing in drawings:
        assert not re.search(r"<script|<style|<desc|<!--|href|pygal|Kozea|http://(?!www\.w3\.org/2000/svg)", drawing)
    assert "<script" not in html


def test_names_of_series_are_escaped_in_a_chart() -> None:
    evil = "</title></svg><script>alert(1)</script>"
    drawn = charts.stacked_days(About(evil, "x"), ["1 Oct"], [Series(evil, "series-0", [Bar(1.0, evil)])])
    assert "<script" not in drawn
    assert "&lt;/title&gt;&lt;/svg&gt;&lt;script&gt;alert(1)&lt;/script&gt;" in drawn


def test_a_bar_is_as_high_as_its_value_and_carries_what_it_says() -> None:
    drawn = charts.rows(About("t", "x"), ["a", "b"], [Series("", "spent", [Bar(10, "a: 10"), Bar(5, "b: 5")])])
    wide = drawn.partition("</svg>")[0]
    found = dict(re.findall(r"<title>(.*?)</title><rect [^>]*?width=\"([\d.]+)\"", wide))
    assert list(found) == ["b: 5", "a: 10"]
    assert float(found["a: 10"]) == pytest.approx(2 * float(found["b: 5"]), rel=0.01)


def test_an_hour_without_data_looks_other_than_an_hour_without_use() -> None:
    drawn = charts.week(About("t", "x"), [0, None, 9] + [1] * 165, lambda hour: f"hour {hour}")
    found = dict(re.findall(r'<g class="([^"]*)"><title>(hour [012])</title>', drawn.partition("</svg>")[0]))
    assert found == {"bar heat-0": "hour 0", "bar": "hour 1", f"bar heat-{HEAT_STEPS - 1}": "hour 2"}


def test_page_of_a_report_is_the_same_each_time() -> None:
    assert render_html(samples.usual()) == render_html(samples.usual())


def test_template_refuses_a_name_that_it_does_not_know() -> None:
    environment = page._environment()
    assert environment.autoescape is True
    assert environment.from_string("{{ '<b>' }}").render() == "&lt;b&gt;"
    with pytest.raises(Exception, match="'nobody' is undefined"):
        environment.from_string("{{ nobody }}").render()
