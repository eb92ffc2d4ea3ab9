"""The page as Chromium shows it: whole, readable, quiet, and with a text beside each chart that says the same."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest

from report_page import words
from tests.page.conftest import DESKTOP, PHONE, ROOT, SAMPLES, Show
from tests.page.samples import HOSTILE

BOTH_WIDTHS = pytest.mark.parametrize("width", [PHONE, DESKTOP])
BOTH_SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])
#: The width of A4 within its margins, in CSS pixels: 182 mm at 96 to the inch.
A4 = 688
EVERY_SAMPLE = pytest.mark.parametrize("name", sorted(SAMPLES))

#: The contrast of each visible text with what lies behind it, the worst first. Source: WCAG 2.2, "contrast ratio".
CONTRASTS = """() => {
  const parts = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (parts(colour)[3] !== 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement, text = walker.currentNode.textContent.trim();
    if (!text || !element.checkVisibility() || ["STYLE", "title"].includes(element.tagName)) continue;
    const style = getComputedStyle(element), front = element.closest("svg") ? style.fill : style.color;
    const [a, b] = [light(front), light(behind(element))].sort((one, other) => other - one);
    found.push({ text, contrast: (a + 0.05) / (b + 0.05) });
  }
  return found.sort((one, other) => one.contrast - other.contrast);
}"""

#: Each chart that is seen: its name, the text that describes it, what its bars say, and the cells of the tables in the same figure.
CHARTS = """() => [...document.querySelectorAll("svg.chart")].filter((chart) => chart.checkVisibility()).map((chart) => ({
  role: chart.getAttribute("role"),
  label: chart.getAttribute("aria-label"),
  text: (document.getElementById(chart.getAttribute("aria-describedby")) || { textContent: "" }).textContent.trim(),
  bars: [...chart.querySelectorAll(".bar title")].map((title) => title.textContent),
  cells: [...chart.closest("figure").querySelectorAll("table td")].map((cell) => cell.textContent.trim()),
}))"""


@EVERY_SAMPLE
@BOTH_WIDTHS
def test_page_fits_its_window_says_nothing_to_the_console_and_asks_for_nothing_but_itself(show: Show, name: str, width: int) -> None:
    shown = show(name, width)
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= width
    assert shown.said == []
    assert shown.asked_for == [shown.address]


@pytest.mark.parametrize("name", ["usual", "hostile", "nothing_known"])
@BOTH_SCHEMES
def test_every_text_can_be_read_on_what_lies_behind_it(show: Show, name: str, scheme: str) -> None:
    worst: list[dict[str, Any]] = show(name, DESKTOP, scheme).page.evaluate(CONTRASTS)
    assert len(worst) > 50
    assert [one for one in worst if one["contrast"] < 4.5] == []


@BOTH_WIDTHS
@BOTH_SCHEMES
def test_page_is_there_to_be_looked_at(show: Show, width: int, scheme: str) -> None:
    folder = ROOT / "build"
    folder.mkdir(exist_ok=True)
    page = show("usual", width, scheme).page
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (dark == "rgb(17, 21, 27)") is (scheme == "dark")
    file = folder / f"report-{width}-{scheme}.png"
    page.screenshot(path=file, full_page=True)
    assert file.stat().st_size > 50_000


@pytest.mark.parametrize("name", ["usual", "hostile", "many"])
@BOTH_WIDTHS
def test_every_chart_has_a_text_and_a_table_that_say_the_same(show: Show, name: str, width: int) -> None:
    charts: list[dict[str, Any]] = show(name, width).page.evaluate(CHARTS)
    assert len(charts) >= 4
    for chart in charts:
        assert chart["role"] == "img"
        assert chart["label"]
        assert len(chart["text"]) > 20, chart["label"]
        assert chart["bars"], chart["label"]
        silent = [bar for bar in chart["bars"] if _value(bar) not in chart["cells"]]
        assert silent == [], chart["label"]


def _value(bar: str) -> str:
    """The figure that a bar says: what stands behind its last colon, up to the unit."""
    said = bar.rpartition(": ")[2]
    return "no data" if said == "no data" else said.split(" ")[0]


def test_charts_are_drawn_for_each_of_the_four_questions(show: Show) -> None:
    labels = [chart["label"] for chart in show("usual").page.evaluate(CHARTS)]
    for asked in (
        "Cost by day and warehouse",
        "Spent and saved by warehouse",
        "Cost of 30 days",
        "Clusters: connections on average by hour",
    ):
        assert any(label.startswith(asked) for label in labels), asked


@EVERY_SAMPLE
def test_headings_are_in_order_and_every_link_leads_somewhere(show: Show, name: str) -> None:
    page = show(name).page
    levels: list[int] = page.eval_on_selector_all("h1,h2,h3,h4,h5,h6", "all => all.map((one) => Number(one.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert [pair for pair in pairwise(levels) if pair[1] > pair[0] + 1] == []
    ids: list[str] = page.eval_on_selector_all("[id]", "all => all.map((one) => one.id)")
    assert sorted(ids) == sorted(set(ids))
    links: list[str] = page.eval_on_selector_all("a", "all => all.map((one) => one.getAttribute('href'))")
    assert {link for link in links if link.removeprefix("#") not in ids} == set()
    assert page.get_attribute("html", "lang") == "en"
    assert page.title().startswith("Redshift costs, 1 Oct to 31 Oct 2026")
    assert page.eval_on_selector_all("thead th:not([scope]), tbody th:not([scope])", "all => all.length") == 0


def test_hostile_names_are_text_and_nothing_else(show: Show) -> None:
    page = show("hostile", PHONE).page
    assert page.title().startswith("Redshift costs")
    assert (
        page.evaluate("document.scripts.length + document.images.length + document.querySelectorAll('main b, iframe, object').length") == 0
    )
    attributes: list[str] = page.evaluate("[...document.querySelectorAll('*')].flatMap((one) => one.getAttributeNames())")
    assert [one for one in attributes if one.startswith("on")] == []
    hrefs: list[str] = page.eval_on_selector_all("[href]", "all => all.map((one) => one.getAttribute('href'))")
    assert [href for href in hrefs if not re.fullmatch(r"#[\w-]+", href)] == []
    text = re.sub(r"\s+", " ", page.evaluate("document.body.textContent"))
    for name in HOSTILE:
        assert re.sub(r"\s+", " ", words.plain(name)) in text, name
    assert not {"\u202e", "\u2066", "\u200b", "\x00"} & set(text)


def test_hostile_names_stay_within_their_own_line(show: Show) -> None:
    page = show("hostile", PHONE).page
    isolated = page.eval_on_selector_all("bdi", "all => all.map((one) => getComputedStyle(one).unicodeBidi)")
    assert set(isolated) <= {"isolate", "plaintext"}
    right: list[float] = page.eval_on_selector_all(
        ".advice *, .tile *, figcaption *", "all => all.map((one) => one.getBoundingClientRect().right)"
    )
    assert max(right) <= PHONE


def test_policy_of_the_page_lets_no_script_run(show: Show) -> None:
    shown = show("usual")
    shown.page.evaluate("""() => {
        const script = document.createElement('script');
        script.textContent = "document.title = 'owned'";
        document.head.append(script);
    }""")
    assert shown.page.title() != "owned"
    assert any("Content Security Policy" in said for said in shown.said)


@pytest.mark.parametrize("name", ["usual", "many"])
def test_printed_page_fits_its_paper_with_wide_charts(show: Show, name: str) -> None:
    page = show(name, A4).page
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= A4
    assert page.locator("svg.chart.wide").first.is_visible()
    assert not page.locator("svg.chart.narrow").first.is_visible()


def test_printed_page_shows_what_the_screen_folds_away(show: Show) -> None:
    page = show("usual").page
    table = page.locator("section[aria-labelledby=by-day] details table").first
    assert not table.is_visible()
    page.emulate_media(media="print", color_scheme="dark")
    assert table.evaluate("(one) => one.checkVisibility({ contentVisibilityAuto: true }) && one.getBoundingClientRect().height > 100")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--ink')") == "#1b2430"


def test_500_warehouses_make_a_page_whose_length_a_person_scrolls(show: Show) -> None:
    page = show("many", DESKTOP).page
    assert page.locator("section[aria-labelledby=warehouses] .sticky").first.locator("tbody tr").count() == 20
    assert page.locator("section[aria-labelledby=warehouses] .sticky tbody tr").count() == 500
    assert page.evaluate("document.documentElement.scrollHeight") < 20_000
