"""What people may write into the document of schedules, and what they are told when they wrote something else."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autopilot.domain.errors import InvalidInput
from autopilot.domain.schedules import parse_schedules
from tests.unit.schedule_samples import any_period, applies

DAY = timedelta(days=1)


def problems(text: str) -> list[str]:
    with pytest.raises(InvalidInput) as raised:
        parse_schedules(text)
    return str(raised.value).splitlines()


def problem(field: str) -> str:
    """What is said about one field of a schedule that is right otherwise."""
    (only,) = problems(f"schedules:\n  a:\n    periods: [{{weekdays: mon}}]\n    {field}\n")
    return only


def test_every_field_is_read() -> None:
    text = """
schedules:
  office-hours:
    timezone: Europe/Berlin
    description: When people work
    periods:
      - {weekdays: mon-fri, begintime: 08:00, endtime: 19:00}
    override_status: running
    enforced: yes
    holidays: {country: DE, subdivision: BE, dates: [2026-12-24]}
    warm_up_minutes: auto
    when_busy: force
    drain_seconds: 60
    idle_pause_minutes: 30
"""
    found = parse_schedules(text)["office-hours"]
    assert (found.name, found.timezone, found.description) == ("office-hours", "Europe/Berlin", "When people work")
    assert (found.override_status, found.enforced, found.warm_up_minutes) == ("running", True, "auto")
    assert (found.when_busy, found.drain_seconds, found.idle_pause_minutes) == ("force", 60, 30)
    assert found.holidays is not None
    assert (found.holidays.country, found.holidays.subdivision) == ("DE", "BE")
    assert found.holidays.dates == {date(2026, 12, 24)}
    assert [(period.begin, period.end) for period in found.periods] == [(480, 1140)]


def test_what_is_left_out_has_its_default() -> None:
    found = parse_schedules("schedules: {a: {periods: [{}]}}")["a"]
    assert (found.timezone, found.enforced, found.when_busy, found.drain_seconds, found.warm_up_minutes) == ("UTC", False, "wait", 900, 0)
    assert (found.override_status, found.holidays, found.idle_pause_minutes, found.description) == (None, None, None, "")


def test_document_without_schedules_has_none() -> None:
    assert parse_schedules("schedules: {}") == {}


def test_sample_is_a_valid_document() -> None:
    sample = Path(__file__).parents[2] / "events" / "schedules.yaml"
    assert "office-hours" in parse_schedules(sample.read_text(encoding="utf-8"))


def test_every_error_is_told_at_once_with_its_line_and_what_is_allowed() -> None:
    text = """schedules:
  office hours:
    timezone: europe/berlin
    period: []
  night:
    periods:
      - begintime: 25:00
        endtime: 06:00
        weekdays: [mon, fry]
      - all
    enforced: maybe
"""
    assert problems(text) == [
        "line 2: schedules.office hours: it has neither periods nor override_status. Allowed: at least one period, such as {weekdays: mon-fri}",
        "line 2: schedules.office hours: this is not a name. Allowed: 1 to 63 letters, digits and . _ - but not ignore, on, off",
        (
            "line 3: schedules.office hours.timezone: 'europe/berlin' is not a time zone. Allowed: IANA names such as Europe/Berlin, Europe/Dublin, "
            "Europe/Helsinki"
        ),
        (
            "line 4: schedules.office hours.period: unknown field, is periods meant? Allowed: timezone, description, periods, override_status, "
            "enforced, holidays, warm_up_minutes, when_busy, drain_seconds, idle_pause_minutes"
        ),
        "line 7: schedules.night.periods[0].begintime: '25:00' is not a time. Allowed: HH:MM from 00:00 to 23:59; the end of the day is 00:00",
        (
            "line 9: schedules.night.periods[0].weekdays: 'fry' is not understood. Allowed: mon to sun or 0 (Monday) to 6; ranges mon-fri, fri-mon; "
            "steps mon-fri/2; the nth of a month mon#1; the last of a month friL; *"
        ),
        (
            "line 10: schedules.night.periods[1]: 'all' is not a mapping. Allowed: the fields begintime, endtime, weekdays, monthdays, months, name, "
            "description"
        ),
        "line 11: schedules.night.enforced: 'maybe' is not allowed. Allowed: true, false",
    ]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("override_status: on", "'on' is not allowed. Allowed: running, stopped"),
        ("warm_up_minutes: -5", "'-5' is not allowed. Allowed: auto or a whole number from 0 to 240"),
        ("warm_up_minutes: 241", "'241' is not allowed. Allowed: auto or a whole number from 0 to 240"),
        ("warm_up_minutes: 1.5", "'1.5' is not allowed. Allowed: auto or a whole number from 0 to 240"),
        ("when_busy: kill", "'kill' is not allowed. Allowed: wait, skip, force"),
        ("drain_seconds: 86401", "'86401' is not allowed. Allowed: a whole number from 0 to 86400"),
        ("idle_pause_minutes: 14", "'14' is not allowed. Allowed: a whole number from 15 to 1440"),
        ("timezone: localtime", "'localtime' is not a time zone. Allowed: IANA names such as Europe/Berlin, UTC"),
        ("timezone: Factory", "'Factory' is not a time zone. Allowed: IANA names such as Europe/Berlin, UTC"),
        ("timezone: LOCAL", "'LOCAL' is not a time zone. Allowed: IANA names such as Europe/Berlin, UTC"),
        ("timezone: ../../etc/passwd", "'../../etc/passwd' is not a time zone. Allowed: IANA names such as Europe/Berlin, UTC"),
        ("timezone: [UTC]", "a list is not a text"),
        ("holidays: DE", "'DE' is not a mapping. Allowed: the fields country, subdivision, dates"),
        ("holidays: {}", "the country is missing. Allowed: country with or without subdivision, dates, or both"),
        ("holidays: {subdivision: BE}", "the country is missing. Allowed: country with or without subdivision, dates, or both"),
        ("holidays: {country: Germany}", "no public holidays are known of 'Germany'. Allowed: ISO 3166 country codes such as DE, US, JP"),
        ("holidays: {country: XX}", "no public holidays are known of 'XX'. Allowed: ISO 3166 country codes such as DE, US, JP"),
        ("holidays: {country: GB, subdivision: XX}", "GB has no subdivision 'XX'. Allowed: ENG, NIR, SCT, WLS"),
    ],
)  # fmt: skip
def test_field_says_what_is_allowed(field: str, expected: str) -> None:
    name = field.partition(":")[0]
    assert problem(field) == f"line 4: schedules.a.{name}: {expected}"


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        ("[24.12.2026]", "'24.12.2026' is not a date. Allowed: YYYY-MM-DD"),
        ("[2026-02-30]", "'2026-02-30' is not a date: day is out of range for month. Allowed: YYYY-MM-DD"),
        ("[[2026-12-24]]", "a list is not a date. Allowed: YYYY-MM-DD"),
    ],
)
def test_date_that_does_not_exist_is_refused(dates: str, expected: str) -> None:
    told = problem(f"holidays: {{dates: {dates}}}")
    assert told.startswith("line 4: schedules.a.holidays.dates: ")
    # Python's own words about the day differ between its versions.
    assert told.endswith(expected) or ("02-30" in dates and told.endswith("Allowed: YYYY-MM-DD"))


@pytest.mark.parametrize(
    ("period", "field", "said"),
    [
        ("begintime: 24:00", "begintime", "'24:00' is not a time"),
        ("begintime: 8am", "begintime", "'8am' is not a time"),
        ("begintime: 08:00, endtime: 08:00", "endtime", "it is the same as begintime"),
        ("weekdays: mon#6", "weekdays", "'mon#6' is not understood"),
        ("weekdays: 7", "weekdays", "'7' is not understood"),
        ("weekdays: mo", "weekdays", "'mo' is not understood"),
        ("weekdays: moon", "weekdays", "'moon' is not understood"),
        ("weekdays: mon-fri/0", "weekdays", "'mon-fri/0' is not understood"),
        ('weekdays: "mon,"', "weekdays", "it is empty"),
        ("weekdays: []", "weekdays", "it is empty"),
        ("weekdays: {mon: fri}", "weekdays", "a mapping is not a text"),
        ("monthdays: 0", "monthdays", "'0' is not a day of the month"),
        ("monthdays: 32", "monthdays", "'32' is not a day of the month"),
        ("monthdays: 5-1", "monthdays", "'5-1' holds no day"),
        ("monthdays: 1-9/0", "monthdays", "'1-9/0' holds no day"),
        ("monthdays: LW", "monthdays", "'LW' is not a day of the month"),
        ("months: 13", "months", "'13' is not understood"),
        ("months: 0", "months", "'0' is not understood"),
        ("hours: 8-17", "hours", "unknown field. Allowed: begintime"),
    ],
)
def test_period_says_what_is_wrong(period: str, field: str, said: str) -> None:
    (told,) = problems(f"schedules:\n  a:\n    periods:\n      - {{{period}}}\n")
    assert told.startswith(f"line 4: schedules.a.periods[0].{field}: {said}")
    assert "Allowed: " in told or said.endswith("is not a text")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "line 1: document: nothing is not a mapping. Allowed: the fields schedules"),
        ("[]", "line 1: document: a list is not a mapping. Allowed: the fields schedules"),
        ("{}", "line 1: document: the field schedules is missing. Allowed: schedules: {name: {timezone: ..., periods: [...]}}"),
        ("schedules: []", "line 1: schedules: a list is not a mapping. Allowed: names with their fields"),
        ("schedules:\n  a: 3", "line 2: schedules.a: '3' is not a mapping. Allowed: the fields timezone, description, periods,"),
        ("schedules:\n  a: {periods: {weekdays: mon}}", "line 2: schedules.a.periods: a mapping is not a list. Allowed: a list, each item"),
        ("schedules: {a: {periods: []}}", "line 1: schedules.a: it has neither periods nor override_status."),
        ("schedules:\n  on: {periods: [{}]}", "line 2: schedules.on: this is not a name."),
        ("schedules:\n  Ignore: {periods: [{}]}", "line 2: schedules.Ignore: this is not a name."),
        ("schedule:\n  a: {periods: [{}]}", "line 1: schedule: unknown field, is schedules meant? Allowed: schedules"),
        ("schedules:\n  a: {periods: [{}]}\n  a: {periods: [{}]}", "line 3: schedules.a: given twice"),
        ("schedules:\n  ? [a]\n  : 1", "line 2: schedules: a key must be a text"),
        ("schedules:\n\ta: 1", "line 2: schedules: neither YAML nor JSON: "),
        ("schedules: {a: {periods: [}", "line 1: schedules: neither YAML nor JSON: "),
        ("a: 1\n---\nb: 2", "line 2: schedules: neither YAML nor JSON: "),
        ("schedules: &a\n  b: *a", "line 1: more than 100000 values, or nested deeper than 20"),
    ],
)  # fmt: skip
def test_text_that_is_no_document_is_refused_with_its_line(text: str, expected: str) -> None:
    assert problems(text)[0].startswith(expected)


def test_document_of_aliases_to_aliases_is_refused_early() -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]", *(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12))]
    assert "more than 100000 values" in problems("\n".join(lines))[0]


def test_text_nested_without_end_is_refused_before_it_is_built() -> None:
    """YAML's own reader would overflow the stack and end the process."""
    assert problems(f"schedules:\n  {'[' * 1_000_000}") == ["line 2: nested deeper than 20"]


def test_keys_may_be_merged_as_yaml_has_it() -> None:
    text = """
schedules:
  a: &base {timezone: Asia/Tokyo, periods: [{weekdays: mon}]}
  b: {<<: *base, timezone: Asia/Seoul}
"""
    found = parse_schedules(text)
    assert (found["a"].timezone, found["b"].timezone) == ("Asia/Tokyo", "Asia/Seoul")
    assert found["a"].periods == found["b"].periods


@pytest.mark.parametrize("indent", [None, 2, "\t"])
@given(periods=st.lists(any_period, min_size=1, max_size=3))
@settings(max_examples=10)
def test_json_is_read_as_yaml_is(indent: Any, periods: list[dict[str, Any]]) -> None:
    document = {
        "schedules": {"a": {"description": 'a "quoted" \\ text, é \N{SNOWMAN}', "enforced": True, "drain_seconds": 5, "periods": periods}}
    }
    found = parse_schedules(json.dumps(document, indent=indent))
    as_yaml = (
        "schedules:\n  a:\n    description: 'a \"quoted\" \\ text, é \N{SNOWMAN}'\n    enforced: true\n    drain_seconds: 5\n    periods:\n"
    )
    as_yaml += "".join(f"      - {{{', '.join(f'{key}: {value!r}' for key, value in period.items())}}}\n" for period in periods)
    assert found == parse_schedules(as_yaml)


@pytest.mark.parametrize(
    ("field", "text", "days"),
    [
        ("weekdays", "mon-fri", "2 3 4 5 6 9 10 11 12 13 16 17 18 19 20 23 24 25 26 27 30"),
        ("weekdays", "fri-mon", "1 2 6 7 8 9 13 14 15 16 20 21 22 23 27 28 29 30"),
        ("weekdays", "Monday, SUN", "1 2 8 9 15 16 22 23 29 30"),
        ("weekdays", "0-4/2", "2 4 6 9 11 13 16 18 20 23 25 27 30"),
        ("weekdays", "fri/2", "1 6 8 13 15 20 22 27 29"),
        ("weekdays", "mon#1", "2"),
        ("weekdays", "0#5", "30"),
        ("weekdays", "friL, monL", "27 30"),
        ("weekdays", "tue#5", ""),
        ("weekdays", "*", " ".join(map(str, range(1, 31)))),
        ("monthdays", "1-5", "1 2 3 4 5"),
        ("monthdays", "L", "30"),
        ("monthdays", "l", "30"),
        ("monthdays", "28-L", "28 29 30"),
        ("monthdays", "15W", "16"),
        ("monthdays", "14W", "13"),
        ("monthdays", "1W", "2"),
        ("monthdays", "31W", ""),
        ("monthdays", "31", ""),
        ("monthdays", "1-15/7, 20", "1 8 15 20"),
        ("monthdays", "20/5", "20 25 30"),
        ("monthdays", "*", " ".join(map(str, range(1, 31)))),
        ("months", "nov", " ".join(map(str, range(1, 31)))),
        ("months", "oct-feb/1", " ".join(map(str, range(1, 31)))),
        ("months", "1-11/2", " ".join(map(str, range(1, 31)))),
        ("months", "2/3", " ".join(map(str, range(1, 31)))),
        ("months", "jan-oct", ""),
    ],
)  # fmt: skip
def test_days_of_november_2026_that_a_text_means(field: str, text: str, days: str) -> None:
    (period,) = parse_schedules(json.dumps({"schedules": {"a": {"periods": [{field: text}]}}}))["a"].periods
    november = [date(2026, 11, day) for day in range(1, 31)]
    assert " ".join(str(day.day) for day in november if period.days.holds(day)) == days


@settings(max_examples=60)
@given(period=any_period, start=st.dates(date(2024, 1, 1), date(2030, 1, 1)))
def test_days_are_those_of_a_second_reading(period: dict[str, Any], start: date) -> None:
    (found,) = parse_schedules(json.dumps({"schedules": {"a": {"periods": [period]}}}))["a"].periods
    days = [start + DAY * n for n in range(366)]
    assert [day for day in days if found.days.holds(day)] == [day for day in days if applies(period, day)]


def test_list_and_text_with_commas_mean_the_same() -> None:
    assert parse_schedules("schedules: {a: {periods: [{weekdays: [mon, wed], monthdays: [1, 2]}]}}") == parse_schedules(
        'schedules: {a: {periods: [{weekdays: "mon,wed", monthdays: "1, 2"}]}}'
    )
