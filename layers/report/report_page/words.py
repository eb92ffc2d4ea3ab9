"""Figures and names as words: one way to write money, days and shares on the whole page."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
#: Characters that are not seen themselves and change what is seen around them: controls, and format characters such as the
#: right-to-left override. Source: Unicode, general categories.
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def plain(text: str) -> str:
    """The text with every unseen character written out, such as ⟨U+202E⟩, so that it can neither hide nor turn what stands beside it.

    Line breaks and tabs become spaces.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(letter) for letter in text)


def _shown(letter: str) -> str:
    if letter in "\n\r\t":
        return " "
    return f"⟨U+{ord(letter):04X}⟩" if unicodedata.category(letter) in _UNSEEN else letter


def escaped(text: str) -> str:
    """JSON with every unseen character but its own line breaks as an escape: the same to whoever reads it as JSON."""
    return "".join(_escape(letter) if letter != "\n" and unicodedata.category(letter) in _UNSEEN else letter for letter in text)


def _escape(letter: str) -> str:
    units = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def shortened(text: str, most: int) -> str:
    """At most so many characters of a text."""
    return text if len(text) <= most else text[: most - 1] + "…"


def money(amount: Decimal) -> str:
    """An amount without its currency: 9,809.26."""
    return f"{amount:,.2f}"


def rough_money(amount: float) -> str:
    """An amount for the axis of a chart: 12k, 1.5M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(amount) >= size:
            return f"{amount / size:.3g}{letter}"
    return f"{amount:.3g}"


def number(value: float | Decimal, decimals: int = 1) -> str:
    """A number with so many decimals at most, and none that are zero."""
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def average(value: float) -> str:
    """A number of connections or queries: two decimals of small ones, none of those from 100 on."""
    return number(value, 0 if value >= 100 else 2)


def percent(part: Decimal, whole: Decimal) -> str:
    """A share of something that is not zero, in whole percent, and `under 1 %` where that would be none."""
    share = 100 * part / whole
    return "under 1 %" if 0 < share < 1 else f"{share:.0f} %"


def day(moment: date) -> str:
    """Wed 14 Oct 2026."""
    return f"{WEEKDAYS[moment.weekday()][:3]} {moment.day} {MONTHS[moment.month - 1]} {moment.year}"


def short_day(moment: date) -> str:
    """14 Oct."""
    return f"{moment.day} {MONTHS[moment.month - 1]}"


def days(first: date, last: date) -> str:
    """From the first to the last day, each named once: 1 Oct to 31 Oct 2026."""
    if first == last:
        return f"{short_day(first)} {first.year}"
    year = f" {first.year}" if first.year != last.year else ""
    return f"{short_day(first)}{year} to {short_day(last)} {last.year}"


def minute(moment: datetime) -> str:
    """2 Nov 2026, 12:00 UTC."""
    return f"{short_day(moment)} {moment.year}, {moment:%H:%M} {moment.tzname() or 'UTC'}"


def hour_of_week(hour: int) -> str:
    """Monday 09:00."""
    return f"{WEEKDAYS[hour // 24]} {hour % 24:02}:00"


def counted(count: int, one: str, many: str = "") -> str:
    """1 warehouse, 2 warehouses."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(names: Sequence[str], most: int = 20) -> str:
    """Names in a row, and how many more there are."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"
