"""Alarms: which a warehouse gets, on what, and from which threshold on."""

from __future__ import annotations

import msgspec
import pytest

from autopilot.domain.alarms import DEFAULTS, Alarms, alarm_problems, threshold


def test_threshold_that_is_left_out_is_the_default_of_the_kind() -> None:
    assert threshold("cluster", Alarms(), "cpu_percent") == 90
    assert threshold("cluster", Alarms(cpu_percent=75), "cpu_percent") == 75
    assert threshold("workgroup", Alarms(), "queries_queued") == 10


def test_threshold_of_the_other_kind_is_a_problem_with_its_path() -> None:
    assert alarm_problems("cluster", Alarms(cpu_percent=75)) == []
    assert alarm_problems("workgroup", Alarms(cpu_percent=75)) == [
        "spec.alarms.cpu_percent: belongs to a cluster; a workgroup takes queries_queued, queries_failed, usage_limit_percent"
    ]


def test_every_threshold_belongs_to_one_kind() -> None:
    fields = [field.name for field in msgspec.structs.fields(Alarms) if field.name not in {"enabled", "minutes"}]
    assert sorted(fields) == sorted([*DEFAULTS["cluster"], *DEFAULTS["workgroup"]])


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"cpu_percent": 0}, "`int` >= 1"),
        ({"disk_percent": 101}, "`int` <= 100"),
        ({"minutes": 0}, "`int` >= 1"),
        ({"cpu": 90}, "unknown field `cpu`"),
    ],
)
def test_alarm_settings_are_read_strictly(given: dict[str, object], complaint: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=complaint):
        msgspec.convert(given, Alarms)
