"""Cloud Custodian's tags mean what they mean to Cloud Custodian. `make bench-schedules` compares with its own parser."""

from __future__ import annotations

import pytest

from autopilot.domain.custodian_tags import OnOff, escaped, is_custodian, parse_tag
from autopilot.domain.errors import InvalidInput

WORKDAYS = range(5)
ON, OFF = tuple((day, 7) for day in WORKDAYS), tuple((day, 19) for day in WORKDAYS)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("off=(M-F,19);on=(M-F,7);tz=et", OnOff("America/New_York", ON, OFF)),
        ("off=(M-F,19);on=(M-F,7)", OnOff("America/New_York", ON, OFF)),
        ("off=(m-f,19);on=(m-f,7);tz=", OnOff("America/New_York", ON, OFF)),
        ("off=(M-F,19);on=(M-F,7);", OnOff("America/New_York", ON, OFF)),
        ("'off=(M-F,19);on=(M-F,7);tz=pt'", OnOff("America/Los_Angeles", ON, OFF)),
        ("off = (M-F, 19) ; on = (M-F, 7) ; tz = cet", OnOff("Europe/Berlin", ON, OFF)),
        ("offu3du28M-Fu2c18u29u3btzu3dAustraliau2fSydney", OnOff("Australia/Sydney", ON, tuple((day, 18) for day in WORKDAYS))),
        ("off=u5bu28M-Fu2c18u29u2cu28Su2c13u29u5d", OnOff("America/New_York", ON, (*((day, 18) for day in WORKDAYS), (5, 13)))),
        ("off=[(M-F,21),(U,18)];on=[(M-F,6),(U,10)];tz=pt", OnOff(
            "America/Los_Angeles", (*((day, 6) for day in WORKDAYS), (6, 10)), (*((day, 21) for day in WORKDAYS), (6, 18)),
        )),
        ("off=(F-M,0);on=(H,23);tz=america/port_of_spain", OnOff("America/Port_of_Spain", ((3, 23),), ((0, 0), (4, 0), (5, 0), (6, 0)))),
        ("off=u28Uu2c18u29u3bon=u28Uu2c8u29u3btz=utc", OnOff("Etc/UTC", ((6, 8),), ((6, 18),))),
        ("tz=jst", OnOff("Asia/Tokyo", ON, OFF)),
        ("on;", OnOff("America/New_York", ON, OFF)),
        ("on", OnOff("America/New_York", ON, OFF)),
        ("off", OnOff("Etc/UTC")),
    ],
)  # fmt: skip
def test_tag_is_read(value: str, expected: OnOff) -> None:
    assert parse_tag(value) == expected


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "it is empty"),
        (";", "it is empty"),
        ("office", "'office' is not understood"),
        ("off=(M-F,19);stop=(M-F,7)", "'stop=(m-f,7)' is not understood"),
        ("off=(M-F,24)", "off: 24 is not an hour"),
        ("off=(M-X,19)", "off: 'M-X' is not a day"),
        ("off=(MF,19)", "off: 'MF' is not a day"),
        ("off=(M-F)", "off=(m-f) is not understood"),
        ("off=M-F,19", "off=m-f,19 is not understood"),
        ("off=[(M-F,19)(S,1)]", "off=[(m-f,19)(s,1)] is not understood"),
        ("off=()", "off=() is not understood"),
        ("off=", "off= is not understood"),
        ("off=(M,1);off=(T,1)", "off is given twice"),
        ("off=(M-F,19);tz=mars", "tz=mars is not a time zone"),
        ("off=(M-F,19);tz=localtime", "tz=localtime is not a time zone"),
    ],
)
def test_tag_that_is_not_understood_says_what_is_allowed(value: str, said: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_tag(value)
    assert str(raised.value).startswith(f"autopilot:schedule: {said}")


@pytest.mark.parametrize("value", ["off=(M-F,19)", "offu3du28M-Fu2c18u29", "tz=et", "on", "OFF"])
def test_grammar_is_told_from_a_name(value: str) -> None:
    assert is_custodian(value)


@pytest.mark.parametrize("value", ["office-hours", "onboarding", "ignore", ""])
def test_name_is_told_from_the_grammar(value: str) -> None:
    assert not is_custodian(value)


@pytest.mark.parametrize("value", ["off=(M-F,19);on=(M-F,7);tz=et", "off=[(M-F,21),(U,18)];on=[(M-F,6),(U,10)];tz=Europe/Berlin"])
def test_escaped_tag_means_the_same(value: str) -> None:
    assert parse_tag(escaped(value)) == parse_tag(value)
    assert escaped(escaped(value)) == escaped(value)
    assert not set(escaped(value)) & set("()[],;")
