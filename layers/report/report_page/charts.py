"""The charts of the page: SVG by pygal, without its scripts and styles. The page's own style sheet colours them, for light and for dark.

Each chart is drawn twice, wide and narrow, as letters in an SVG shrink with it; the style sheet shows the one that fits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, tostring

import pygal
from markupsafe import Markup
from pygal.etree import etree

from report_page.palette import HEAT_STEPS
from report_page.words import WEEKDAYS, rough_money, shortened

HOURS_PER_DAY = 24
#: The sizes of a chart in pixels; letters are as large as on the page around it.
WIDE, NARROW = 920, 358
_LETTER = 13
_DECIMALS = 1
_DRAWN = frozenset({"svg", "g", "rect", "path", "text"})
#: A bar less high than this, in pixels, is none.
_THINNEST = 0.05


class About(NamedTuple):
    """What a chart is called, and the id of the element that says in words what it shows."""

    title: str
    text_id: str


class Bar(NamedTuple):
    """One bar, or one part of a stacked one: how high, what it says when pointed at, and its colour where that is not its series' own."""

    value: float
    says: str
    colour: str = ""


class Series(NamedTuple):
    """The bars of one colour, one for each label; None where there is nothing to draw."""

    name: str
    colour: str
    bars: Sequence[Bar | None]


def stacked_days(about: About, labels: Sequence[str], series: Sequence[Series]) -> Markup:
    """Columns over days, each stacked of series."""

    def draw(width: int) -> Element:
        every = -(-len(labels) * 62 // width)
        chart = pygal.StackedBar(
            **_config(width, 320 if width == WIDE else 240),
            x_labels=list(labels),
            x_labels_major_every=every,
            show_minor_x_labels=False,
            truncate_label=12,
            value_formatter=rough_money,
        )
        return _drawn(chart, series)

    return _both(about, draw)


def rows(about: About, labels: Sequence[str], series: Sequence[Series]) -> Markup:
    """Rows from the left, each stacked of series, the first label on top."""

    def draw(width: int) -> Element:
        most = 30 if width == WIDE else 16
        chart = pygal.HorizontalStackedBar(
            **_config(width, 64 + 34 * len(labels)),
            # pygal begins at the bottom.
            x_labels=[shortened(label, most) for label in reversed(labels)],
            value_formatter=rough_money,
            max_scale=8 if width == WIDE else 4,
        )
        return _drawn(chart, [one._replace(bars=list(reversed(one.bars))) for one in series])

    return _both(about, draw)


def week(about: About, levels: Sequence[int | None], says: Callable[[int], str], *, small: bool = False) -> Markup:
    """The hours of a week, Monday on top, each in the colour of its level; None is an hour without data. `small` is for narrow places only."""

    def draw(width: int) -> Element:
        names = [name if width == WIDE else name[:3] for name in reversed(WEEKDAYS)]
        chart = pygal.HorizontalStackedBar(
            **_config(width, 250 if width == WIDE else 196),
            x_labels=names,
            y_labels=list(range(0, HOURS_PER_DAY + 1, 3 if width == WIDE else 6)),
            value_formatter=lambda hour: f"{hour:.0f}",
        )
        series = [Series("", "heat-none", [_hour(levels, 24 * day + hour, says) for day in reversed(range(7))]) for hour in range(24)]
        return _drawn(chart, series)

    return _svg(about, draw(NARROW), "small") if small else _both(about, draw)


def _hour(levels: Sequence[int | None], hour: int, says: Callable[[int], str]) -> Bar:
    level = levels[hour]
    return Bar(1, says(hour), "" if level is None else f"heat-{min(level, HEAT_STEPS - 1)}")


def _config(width: int, height: int) -> dict[str, Any]:
    style = pygal.style.Style(label_font_size=_LETTER, major_label_font_size=_LETTER, value_font_size=_LETTER)
    common = {"show_legend": False, "margin": 4, "margin_right": 12, "spacing": 8, "js": (), "show_x_guides": False}
    return {"width": width, "height": height, "style": style, **common}


def _drawn(chart: Any, series: Sequence[Series]) -> Element:
    """The chart's SVG with only what is drawn: each bar with the class of its colour and its own title."""
    # The same in every place, also where lxml happens to be installed.
    etree.to_etree()
    for one in series:
        chart.add("", [None if bar is None else {"value": bar.value, "tooltip": bar.says, "style": bar.colour} for bar in one.bars])
    root: Element = chart.render_tree()
    colours = {f"color-{number}": one.colour for number, one in enumerate(series)}
    _strip(root)
    for group in root.iter("g"):
        names = group.get("class", "").split()
        group.set("class", " ".join(colours.get(name, name) for name in names if not name.startswith("serie-")))
        if (own := group.attrib.pop("style", None)) is not None and "bar" in names:
            group.set("class", f"bar {own}".strip())
    return root


def _strip(element: Element) -> None:
    """Take out of the tree what is for pygal's own scripts and styles, and the digits that nobody can see."""
    # Only a bar has a title worth pointing at: pygal titles the labels of an axis with their places, and the whole as well.
    kept = _DRAWN | {"title"} if element.get("class") == "bar" else _DRAWN
    for child in list(element):
        if child.tag not in kept or "tooltip" in child.get("class", "").split() or _is_flat(child):
            element.remove(child)
        else:
            _strip(child)
    element.attrib.pop("id", None)
    if element.tag == "svg":
        element.attrib.pop("class", None)
    if element.tag == "rect":
        for name in ("rx", "ry", "class"):
            element.attrib.pop(name, None)
    for name in ("x", "y", "width", "height"):
        if name in element.attrib:
            element.set(name, f"{float(element.attrib[name]):.{_DECIMALS}f}".removesuffix(".0"))
    if element.get("class") == "":
        del element.attrib["class"]


def _is_flat(element: Element) -> bool:
    """Whether it is the bar of a value that is zero or not there, or a background."""
    if element.tag == "rect":
        return "background" in element.get("class", "")
    rectangle = element.find("rect") if element.get("class") == "bar" else None
    return rectangle is not None and min(float(rectangle.get("width", "0")), float(rectangle.get("height", "0"))) < _THINNEST


def _both(about: About, draw: Callable[[int], Element]) -> Markup:
    """The chart for wide and for narrow screens."""
    return Markup("").join(_svg(about, draw(width), name) for width, name in ((WIDE, "wide"), (NARROW, "narrow")))


def _svg(about: About, root: Element, name: str) -> Markup:
    for key, value in (("class", f"chart {name}"), ("role", "img"), ("aria-label", about.title), ("aria-describedby", about.text_id)):
        root.set(key, value)
    return Markup(tostring(root, encoding="unicode"))  # noqa: S704  ElementTree has escaped all text in it
