"""Between the clock on the wall and moments in time, where the wall clock jumps.

A wall time that does not exist (it was skipped in spring) happens at the jump. One that exists twice (in autumn) happens the first time.
So moments never run backwards while the wall clock goes on, and everything that a schedule says happens exactly once.
"""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

#: Files among the zones of some machines that are no zones of IANA's: AWS knows none of them.
_NO_ZONES = frozenset({"localtime", "posixrules", "Factory"})
_INSTANT = timedelta(microseconds=1)


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """The names of all time zones; ZoneInfo itself would open any file that lies beside them."""
    return frozenset(zoneinfo.available_timezones() - _NO_ZONES)


def moment_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """The moment, in UTC, at which the naive wall time happens in the zone."""
    early, late = _offset(wall.replace(tzinfo=zone, fold=0)), _offset(wall.replace(tzinfo=zone, fold=1))
    naive = wall.replace(tzinfo=UTC)
    if early >= late:
        return naive - early
    # Skipped: read with the offset of after the jump it lies before the jump, and the other way round.
    return _first_moment(naive - late, naive - early, late, zone)


def wall_at(moment: datetime, zone: ZoneInfo) -> datetime:
    """The naive wall time up to which everything has happened at an aware moment.

    During the second pass of a repeated hour that is the last instant of the first pass: what was due in it has been done.
    """
    local = moment.astimezone(zone)
    if not local.fold:
        return local.replace(tzinfo=None)
    early, late = _offset(local.replace(fold=0)), _offset(local)
    now = moment.astimezone(UTC).replace(microsecond=0)
    jump = _first_moment(now - (early - late), now, late, zone)
    return (jump + early).replace(tzinfo=None) - _INSTANT


def _offset(local: datetime) -> timedelta:
    return local.utcoffset() or timedelta(0)


def _first_moment(before: datetime, after: datetime, offset: timedelta, zone: ZoneInfo) -> datetime:
    """The first moment of (before, after] with that offset, to the second; the offset changes once in between."""
    first, last = 0, int((after - before).total_seconds())
    while last - first > 1:
        middle = (first + last) // 2
        if _offset((before + timedelta(seconds=middle)).astimezone(zone)) == offset:
            last = middle
        else:
            first = middle
    return before + timedelta(seconds=last)
