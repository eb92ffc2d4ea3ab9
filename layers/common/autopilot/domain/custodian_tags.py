"""Cloud Custodian's own grammar for on and off hours in a tag, so that its tags go on working.

`off=(M-F,19);on=(M-F,7);tz=et`, several times in `[...]`, and the escaped form for services whose tags take no brackets, commas and
semicolons: `off=u28M-Fu2c19u29u3bon=u28M-Fu2c7u29u3btz=et`. Source: Cloud Custodian, `c7n/filters/offhours.py`.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from autopilot.domain.errors import InvalidInput
from autopilot.domain.schedule_clock import zone_names

ALLOWED = (
    "off=(days,hour);on=(days,hour);tz=zone with days of M T W H F S U or a range such as M-F, hours 0 to 23, several as [(..),(..)]; "
    "on for Monday to Friday 7 to 19; off for never"
)
DEFAULT_ZONE = "et"
_DAYS = "mtwhfsu"
_WORKDAYS = range(5)
_DEFAULT_HOURS = {"on": 7, "off": 19}
#: Custodian's abbreviations: each names a place, so that daylight saving is the place's own.
_ZONES = {
    "pdt": "America/Los_Angeles", "pt": "America/Los_Angeles", "pst": "America/Los_Angeles",
    "ast": "America/Phoenix", "at": "America/Phoenix",
    "est": "America/New_York", "edt": "America/New_York", "et": "America/New_York",
    "cst": "America/Chicago", "cdt": "America/Chicago", "ct": "America/Chicago",
    "mst": "America/Denver", "mdt": "America/Denver", "mt": "America/Denver",
    "gmt": "Etc/GMT", "gt": "Etc/GMT", "bst": "Europe/London", "ist": "Europe/Dublin", "cet": "Europe/Berlin",
    "it": "Asia/Kolkata", "jst": "Asia/Tokyo", "kst": "Asia/Seoul", "sgt": "Asia/Singapore",
    "aet": "Australia/Sydney", "brt": "America/Sao_Paulo", "nzst": "Pacific/Auckland", "utc": "Etc/UTC",
}  # fmt: skip
_ESCAPED = re.compile("u(28|29|5b|5d|2c|3b|3d|2f|2d)")


class OnOff(msgspec.Struct, frozen=True):
    """What a tag says: the zone, and (weekday, hour) of each switching on and off, 0 being Monday. Without any: never touch it."""

    timezone: str
    on: tuple[tuple[int, int], ...] = ()
    off: tuple[tuple[int, int], ...] = ()


def unescaped(value: str) -> str:
    """The tag's value as Custodian reads it: lower case, escapes replaced, quotes around it and semicolons at its end removed."""
    plain = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), value.strip().lower())
    return plain.strip("'").strip('"').strip("; ")


def escaped(value: str) -> str:
    """The same with every character escaped that Redshift takes in no tag."""
    return re.sub(r"[()\[\],;'\"]", lambda match: f"u{ord(match[0]):x}", value.strip())


def is_custodian(value: str) -> bool:
    """Whether a tag's value is meant in this grammar and not as the name of a schedule."""
    plain = unescaped(value)
    return plain in {"on", "off"} or "=" in plain


def parse_tag(value: str) -> OnOff:
    """Read a tag. What is left out is Custodian's default: on at 7 and off at 19, Monday to Friday, Eastern time.

    Raises InvalidInput naming the part that is wrong and what is allowed.
    """
    plain = unescaped(value)
    if plain == "off":
        return OnOff(_ZONES["utc"])
    given: dict[str, str] = {}
    for part in [] if plain == "on" else plain.split(";"):
        key, equals, text = (piece.strip() for piece in part.partition("="))
        if not part.strip():
            continue
        if not equals or key not in {"on", "off", "tz"}:
            raise InvalidInput(f"autopilot:schedule: {part.strip()!r} is not understood. Allowed: {ALLOWED}")
        if key in given:
            raise InvalidInput(f"autopilot:schedule: {key} is given twice")
        given[key] = text
    if plain != "on" and not given:
        raise InvalidInput(f"autopilot:schedule: it is empty. Allowed: a schedule's name, ignore, or {ALLOWED}")
    times = {
        key: _times(given[key], key) if key in given else tuple((day, hour) for day in _WORKDAYS) for key, hour in _DEFAULT_HOURS.items()
    }
    return OnOff(_zone(given.get("tz") or DEFAULT_ZONE), times["on"], times["off"])


def _times(text: str, key: str) -> tuple[tuple[int, int], ...]:
    inner = text.replace(" ", "")
    inner = inner[1:-1] if inner.startswith("[") and inner.endswith("]") else inner
    if not re.fullmatch(r"\([a-z-]+,\d+\)(,\([a-z-]+,\d+\))*", inner):
        raise InvalidInput(f"autopilot:schedule: {key}={text} is not understood. Allowed: {ALLOWED}")
    times: dict[tuple[int, int], None] = {}
    for days, digits in re.findall(r"\(([a-z-]+),(\d+)\)", inner):
        if not 0 <= int(digits) <= 23:
            raise InvalidInput(f"autopilot:schedule: {key}: {digits} is not an hour. Allowed: 0 to 23")
        times |= {(day, int(digits)): None for day in _weekdays(days, key)}
    return tuple(sorted(times))


def _weekdays(text: str, key: str) -> list[int]:
    first, _, last = text.partition("-")
    if len(first) != 1 or first not in _DAYS or ("-" in text and (len(last) != 1 or last not in _DAYS)):
        raise InvalidInput(f"autopilot:schedule: {key}: {text.upper()!r} is not a day. Allowed: M T W H F S U or a range such as M-F")
    begin, end = _DAYS.index(first), _DAYS.index(last or first)
    return [*range(begin, end + 1)] if begin <= end else [*range(begin, 7), *range(end + 1)]


def _zone(name: str) -> str:
    zone = _ZONES.get(name) or _iana_names().get(name)
    if not zone:
        raise InvalidInput(
            f"autopilot:schedule: tz={name} is not a time zone. Allowed: {', '.join(sorted(_ZONES))}, or an IANA name such as Europe/Berlin"
        )
    return zone


@lru_cache(maxsize=1)
def _iana_names() -> dict[str, str]:
    """Zone names by their lower case, as Custodian reads a tag without its case."""
    return {name.lower(): name for name in zone_names()}
