"""What the hourly metrics say of a warehouse."""

from __future__ import annotations

from datetime import UTC, datetime

from autopilot.domain.savings import hour_of
from autopilot.domain.using import Readings, activity, by_hour_of_week, hour_of_week, percentile, used
from tests.unit.months import hours, is_office, series, utc

MONDAY = hour_of(utc(5))


def test_hours_of_the_week_begin_on_monday_at_midnight_utc() -> None:
    assert [hour_of_week(MONDAY + hour) for hour in (0, 1, 24, 167, 168)] == [0, 1, 24, 167, 0]


def test_percentile_is_a_value_that_was_measured() -> None:
    ordered = [float(value) for value in range(1, 101)]
    assert [percentile(ordered, percent) for percent in (1, 50, 95, 100)] == [1.0, 50.0, 95.0, 100.0]
    assert percentile([7.0], 95) == 7.0


def test_heat_map_averages_each_hour_and_leaves_out_what_was_not_seen() -> None:
    found = by_hour_of_week({MONDAY: 1.0, MONDAY + 168: 4.0, MONDAY + 2: 3.0})
    assert (found[0], found[1], found[2], len(found)) == (2.5, None, 3.0, 168)


def test_without_data_there_is_no_figure() -> None:
    assert used(Readings()) == used(Readings(cpu_average={}, queries={}, connections_average={}, disk_maximum={}))
    assert used(Readings()).cpu_average_percent is None
    assert used(Readings()).busy_by_hour == []


def test_hour_is_idle_only_if_nobody_was_connected_in_any_week() -> None:
    seen = activity(Readings(connections_maximum=series(lambda at: 1.0 if is_office(at) and at.day < 10 else 0.0)), ())
    assert seen is not None
    assert (seen.weeks_seen, 8 in seen.idle_hours_of_week, 7 in seen.idle_hours_of_week) == (4, False, True)
    # The last office hour that was used began on Friday the 9th at 17:00; the month's last hour is the 31st, 23:00.
    assert seen.hours_since_use == 22 * 24 + 6


def test_hour_in_which_the_cluster_stood_paused_is_idle_and_one_without_data_is_not() -> None:
    connections = series(lambda at: None if at.weekday() == 6 else 1.0)
    sundays = [hour for hour in hours() if datetime.fromtimestamp(hour * 3600, UTC).weekday() == 6]
    readings = Readings(connections_maximum=connections)
    paused, unknown = activity(readings, sundays), activity(readings, ())
    assert paused is not None
    assert unknown is not None
    assert (paused.idle_hours_of_week, unknown.idle_hours_of_week) == (frozenset(range(144, 168)), frozenset())


def test_hours_of_the_week_that_were_never_seen_are_not_idle() -> None:
    seen = activity(Readings(connections_maximum={MONDAY + hour: 0.0 for hour in range(24)}), ())
    assert seen is not None
    assert seen.idle_hours_of_week == frozenset(range(24))
    assert seen.weeks_seen == 0
