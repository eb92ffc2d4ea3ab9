"""What an event may be about: only names are read, and what is no hint gives none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopilot.domain.hints import Hint, read_hints

HANDLERS = Path(__file__).resolve().parents[2] / "events" / "handlers"
TOPIC = "arn:aws:sns:eu-west-1:000000000000:events"


def sns(message: object, topic: str = TOPIC) -> dict[str, Any]:
    return {"Records": [{"Sns": {"TopicArn": topic, "Message": message if isinstance(message, str) else json.dumps(message)}}]}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("wake", Hint("statement", "d9b6c0c9-0747-4bf4-b142-e8883122f766", "us-east-1")),
        ("wake_cluster", Hint("cluster", "analytics", "us-east-1")),
        (
            "wake_execution",
            Hint("execution", "arn:aws:states:us-east-1:000000000000:execution:redshift-autopilot-pause-warehouse:sample", "us-east-1"),
        ),
    ],
)
def test_samples_are_hints(name: str, hint: Hint) -> None:
    assert read_hints(json.loads((HANDLERS / f"{name}.json").read_text())) == [hint]


@pytest.mark.parametrize(
    "message", [{"SourceId": " a "}, {"Resource": "a"}, {"SourceId": None, "Resource": "a"}, {"SourceId": "a", "Resource": "b"}]
)
def test_cluster_is_named_by_either_key(message: dict[str, Any]) -> None:
    assert read_hints(sns(message)) == [Hint("cluster", "a", "eu-west-1")]


@pytest.mark.parametrize("message", ["", "not json", "[]", "null", "5", {}, {"SourceId": 5}])
def test_message_that_names_no_cluster_gives_no_hint(message: object) -> None:
    assert read_hints(sns(message)) == []


def test_every_record_is_read() -> None:
    records = [*sns({"SourceId": "a"})["Records"], *sns("broken")["Records"], *sns({"SourceId": "b"})["Records"]]
    assert [hint.name for hint in read_hints({"Records": records})] == ["a", "b"]


@pytest.mark.parametrize(
    ("event", "hints"),
    [
        ({}, []),
        ({"source": "aws.ec2", "detail": {"statementId": "x"}}, []),
        ({"source": "aws.redshift-data", "detail": {}}, []),
        ({"source": "aws.redshift-data", "detail": None}, []),
        ({"source": "aws.states", "detail": {"status": "FAILED"}}, []),
        ({"source": "redshift.autopilot", "detail": {"result": "failed"}}, []),
        ({"source": "redshift.autopilot", "region": "r", "detail": {"key": "cluster#r#a"}}, [Hint("warehouse", "cluster#r#a", "r")]),
    ],
)
def test_event_is_a_hint_only_if_it_names_something(event: dict[str, Any], hints: list[Hint]) -> None:
    assert read_hints(event) == hints


def test_workgroup_is_searched_in_all_that_its_event_says() -> None:
    (hint,) = read_hints({"source": "aws.redshift-serverless", "resources": ["workgroup/x"], "detail": {"name": "adhoc"}})
    assert hint.subject == "workgroup"
    assert "adhoc" in hint.name
    assert "workgroup/x" in hint.name


@given(st.dictionaries(st.sampled_from(["Sns", "body"]), st.just({})), st.text())
def test_nothing_that_sns_delivers_breaks_the_reading(record: dict[str, Any], message: str) -> None:
    assert read_hints({"Records": [record]}) == []
    read_hints(sns(message))
