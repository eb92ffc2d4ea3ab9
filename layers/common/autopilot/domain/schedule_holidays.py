"""Days on which no period begins: a country's public holidays, by the `holidays` library, and dates of one's own."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Any

import msgspec


class Holidays(msgspec.Struct, frozen=True):
    """The public holidays of a country (ISO 3166 code) or of one of its subdivisions, and further `dates`."""

    country: str | None = None
    subdivision: str | None = None
    dates: frozenset[date] = frozenset()

    def holds(self, day: date) -> bool:
        return day in self.dates or (self.country is not None and day in _public(self.country, self.subdivision))


def check_country(country: str, subdivision: str | None) -> None:
    """Raise ValueError, saying what is allowed, for a country or subdivision that the library does not know."""
    if not re.fullmatch(r"[A-Z]{2}", country) or not _known(country, None):
        raise ValueError(f"no public holidays are known of {country!r}. Allowed: ISO 3166 country codes such as DE, US, JP")
    if subdivision is not None and not _known(country, subdivision):
        allowed = ", ".join(_public(country, None).subdivisions) or "none"
        raise ValueError(f"{country} has no subdivision {subdivision!r}. Allowed: {allowed}")


def _known(country: str, subdivision: str | None) -> bool:
    try:
        _public(country, subdivision)
    except NotImplementedError:
        return False
    return True


@lru_cache(maxsize=256)
def _public(country: str, subdivision: str | None) -> Any:
    """The library's set of days, which works out each year when it is first asked about it."""
    import holidays

    return holidays.country_holidays(country, subdiv=subdivision)
