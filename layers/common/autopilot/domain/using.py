"""What a warehouse did, from its hourly metrics: load, connections, queries, and the hours of the week in which nobody needed it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping
from decimal import Decimal
from statistics import fmean, median

import msgspec

from autopilot.domain.report import HOURS_OF_WEEK, Used

#: Values by hour, the hour as a number since 1970 (UTC).
Series = Mapping[int, float]
#: 1970 began on a Thursday.
_EPOCH_HOUR_OF_WEEK = 3 * 24
_RPU_HOURS = Decimal("0.0001")


class Readings(msgspec.Struct, frozen=True, kw_only=True):
    """A warehouse's hourly metrics. None is what could not be had, an empty series what AWS has no data of.

    `queries` and `queue_seconds` are sums over the hour, `rpu_seconds` likewise; `running` is the average number of running queries.
    """

    cpu_average: Series | None = None
    cpu_maximum: Series | None = None
    disk_maximum: Series | None = None
    connections_average: Series | None = None
    connections_maximum: Series | None = None
    queries: Series | None = None
    queue_seconds: Series | None = None
    running: Series | None = None
    rpu_seconds: Series | None = None


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """When a warehouse was needed. `idle_hours_of_week` (0 is Monday 00:00 UTC) had no connection in any week, or it stood paused.

    `idle_running_hours` are hours with data and without a connection: what a schedule could have saved. `hours_since_use` is None when
    it was never used in the time seen.
    """

    weeks_seen: int
    idle_hours_of_week: frozenset[int]
    idle_running_hours: int
    hours_since_use: int | None


def hour_of_week(hour: int) -> int:
    """The hour of the week of an hour since 1970: 0 is Monday 00:00 UTC."""
    return (hour + _EPOCH_HOUR_OF_WEEK) % HOURS_OF_WEEK


def used(readings: Readings) -> Used:
    """The figures of the report from the metrics of one warehouse. A series without data gives no figure."""
    cpu = sorted((readings.cpu_average or {}).values())
    disk = readings.disk_maximum or {}
    seen = seen_hours(readings)
    return Used(
        hours_seen=len(seen),
        cpu_average_percent=_rounded(fmean(cpu)) if cpu else None,
        cpu_p95_percent=_rounded(percentile(cpu, 95)) if cpu else None,
        cpu_maximum_percent=_rounded(max(readings.cpu_maximum.values())) if readings.cpu_maximum else None,
        disk_maximum_percent=_rounded(max(disk.values())) if disk else None,
        disk_median_percent=_rounded(median(disk.values())) if disk else None,
        connections_average=_rounded(fmean(readings.connections_average.values())) if readings.connections_average else None,
        connections_maximum=_rounded(max(readings.connections_maximum.values())) if readings.connections_maximum else None,
        queries=round(sum(readings.queries.values())) if readings.queries else None,
        queue_seconds=_rounded(sum(readings.queue_seconds.values())) if readings.queue_seconds else None,
        rpu_hours=_rpu_hours(readings.rpu_seconds) if readings.rpu_seconds else None,
        busy_hours=sum(1 for value in busy.values() if value > 0) if (busy := readings.queries or readings.rpu_seconds) else None,
        busy_by_hour=by_hour_of_week(readings.connections_average if readings.running is None else readings.running),
    )


def seen_hours(readings: Readings) -> frozenset[int]:
    """The hours in which a warehouse ran, as its metrics show."""
    found = readings.cpu_average if readings.rpu_seconds is None else readings.rpu_seconds
    return frozenset(found or ())


def activity(readings: Readings, paused: Collection[int]) -> Activity | None:
    """When a cluster was needed, from its connections and the hours in which it stood paused. None without data on connections."""
    connections = readings.connections_maximum
    if not connections:
        return None
    first, last = min(connections), max(connections)
    idle, needed = set(range(HOURS_OF_WEEK)), set(connections) | set(paused)
    used_at = [hour for hour, value in connections.items() if value > 0]
    idle -= {hour_of_week(hour) for hour in used_at}
    # An hour without data, in which it did not stand paused either, is not known to be idle.
    idle -= {hour_of_week(hour) for hour in range(first, last + 1) if hour not in needed}
    if last - first + 1 < HOURS_OF_WEEK:
        idle &= {hour_of_week(hour) for hour in range(first, last + 1)}
    return Activity(
        weeks_seen=(last - first + 1) // HOURS_OF_WEEK,
        idle_hours_of_week=frozenset(idle),
        idle_running_hours=sum(1 for value in connections.values() if value == 0),
        hours_since_use=last - max(used_at) if used_at else None,
    )


def by_hour_of_week(series: Series | None) -> list[float | None]:
    """The average value of each hour of the week; None where no data came; nothing at all without data."""
    if not series:
        return []
    values: dict[int, list[float]] = defaultdict(list)
    for hour, value in series.items():
        values[hour_of_week(hour)].append(value)
    return [_rounded(fmean(values[hour])) if hour in values else None for hour in range(HOURS_OF_WEEK)]


def percentile(ordered: list[float], percent: int) -> float:
    """The nearest-rank percentile of ordered values."""
    return ordered[max(math.ceil(len(ordered) * percent / 100), 1) - 1]


def _rounded(value: float) -> float:
    return round(value, 4)


def _rpu_hours(series: Series) -> Decimal:
    return (Decimal(str(sum(series.values()))) / 3600).quantize(_RPU_HOURS)
