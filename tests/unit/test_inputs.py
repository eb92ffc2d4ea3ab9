"""What people send is decoded strictly, and what is wrong with it is said in words that help."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopilot.domain.errors import InvalidInput
from autopilot.domain.inputs import (
    ConfigureInput,
    PauseInput,
    ProvisionInput,
    ResumeInput,
    RunSqlInput,
    check_name,
    check_one_of,
    decode,
    reference_of,
    split_s3_uri,
)
from autopilot.domain.spec import parse_spec
from autopilot.domain.sql import units
from autopilot.domain.warehouse import Reference, can_be_named

WORKFLOWS = Path(__file__).resolve().parents[2] / "events" / "workflows"
ALLOWED = "Allowed: 1 to 64 lowercase letters, digits and hyphens"


def message_of(kind: type[Any], data: object) -> str:
    with pytest.raises(InvalidInput) as refused:
        decode(kind, data)
    return str(refused.value)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("pause_warehouse", PauseInput),
        ("resume_warehouse", ResumeInput),
        ("run_sql", RunSqlInput),
        ("provision_warehouse", ProvisionInput),
        ("configure_warehouse", ConfigureInput),
    ],
)
def test_sample_of_each_workflow_is_valid(name: str, kind: type[Any]) -> None:
    asked = decode(kind, json.loads((WORKFLOWS / f"{name}.json").read_text()))
    if isinstance(asked, ProvisionInput | ConfigureInput):
        assert parse_spec(asked.spec).name == "analytics"
    else:
        assert reference_of(asked.warehouse) == Reference(name="analytics")
    if isinstance(asked, RunSqlInput):
        assert len(units(asked, None)) == 1


def test_a_name_alone_is_enough_to_pause() -> None:
    asked = decode(PauseInput, {"warehouse": "analytics"})
    assert (asked.when_busy, asked.drain_seconds, asked.dry_run, asked.reason) == ("skip", 900, False, "started by hand")


@pytest.mark.parametrize(
    ("kind", "data", "message"),
    [
        (ResumeInput, {}, "Object missing required field `warehouse`. Allowed fields: reason, dry_run, warehouse"),
        (ResumeInput, {"warehouse": "a", "now": 1}, "Object contains unknown field `now`. Allowed fields: reason, dry_run, warehouse"),
        (ResumeInput, [], "input: Expected `object`, got `array`"),
        (ResumeInput, None, "input: Expected `object`, got `null`"),
        (ResumeInput, {"warehouse": 5}, "warehouse: Expected `str | object`, got `int`"),
        (ResumeInput, {"warehouse": "a", "dry_run": "yes"}, "dry_run: Expected `bool`, got `str`"),
        (ResumeInput, {"warehouse": {"kind": "cluster"}}, "warehouse: Object missing required field `name`"),
        (ResumeInput, {"warehouse": {"name": "a", "id": 1}}, "warehouse: Object contains unknown field `id`"),
        (ResumeInput, {"warehouse": {"name": "a", "kind": "lake"}}, "warehouse.kind: Invalid enum value 'lake'"),
        (PauseInput, {"warehouse": "a", "drain_seconds": 86_401}, "drain_seconds: Expected `int` <= 86400"),
        (PauseInput, {"warehouse": "a", "drain_seconds": 1.5}, "drain_seconds: Expected `int`, got `float`"),
        (RunSqlInput, {"warehouse": "a", "sql": ["SELECT 1", 2]}, "sql[1]: Expected `str`, got `int`"),
        (RunSqlInput, {"warehouse": "a", "parameters": {"p": None}}, "parameters[...]: Expected `bool | int | float | str`, got `null`"),
        (RunSqlInput, {"warehouse": "a", "database": "x" * 128}, "database: Expected `str` of length <= 127"),
    ],
)
def test_wrong_input_is_told_by_path_and_expectation(kind: type[Any], data: object, message: str) -> None:
    assert message_of(kind, data) == message


@pytest.mark.parametrize("name", ["a", "analytics", "team-1-analytics", "1st-team", "team--one", "team-", "w" * 64])
def test_names_that_clusters_or_workgroups_have_are_taken(name: str) -> None:
    assert reference_of(name) == Reference(name=name)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Analytics", "'Analytics'"),
        ("a_b", "'a_b'"),
        ("a.b", "'a.b'"),
        ("a\n", "'a\\n'"),
        ("a'b", '"a\'b"'),
        ('a"b', "'a\"b'"),
        ("ä", "'ä'"),
        ("a" * 65, repr("a" * 65)),
        ("a" * 5000, repr("a" * 80)),
    ],
)
def test_name_that_aws_could_not_have_given_is_shown_shortened(name: str, shown: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        reference_of(name)
    assert str(refused.value) == f"warehouse: {shown} is not a warehouse name. {ALLOWED}"


def test_empty_name_is_told_by_where_it_stands() -> None:
    with pytest.raises(InvalidInput, match=r"^warehouse: must not be empty$"):
        reference_of("")
    with pytest.raises(InvalidInput, match=r"^warehouse\.name: must not be empty$"):
        reference_of(Reference(name=""))


@given(st.text("abyz019-", max_size=70))
def test_every_name_that_either_kind_can_have_is_taken(name: str) -> None:
    if can_be_named("cluster", name) or can_be_named("workgroup", name):
        check_name(name, "name")


@pytest.mark.parametrize(
    ("name", "cluster", "workgroup"),
    [
        ("a", True, False),
        ("ab1", True, True),
        ("team-1-analytics", True, True),
        ("1st-team", False, True),
        ("team--one", False, True),
        ("team-", False, True),
        ("a" * 63, True, True),
        ("a" * 64, False, True),
        ("a" * 65, False, False),
        ("", False, False),
        ("abc\n", False, False),
        ("Team", False, False),
    ],
)
def test_each_kind_has_a_rule_for_its_names(name: str, cluster: bool, workgroup: bool) -> None:
    assert (can_be_named("cluster", name), can_be_named("workgroup", name)) == (cluster, workgroup)


@given(st.text(min_size=1).filter(lambda name: not set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")))
def test_no_name_with_other_characters_is_taken(name: str) -> None:
    with pytest.raises(InvalidInput):
        check_name(name, "name")


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"a": None, "b": None}, "none was"), ({"a": 1, "b": 2}, "both were")],
)
def test_exactly_one_of_two_is_asked_for(fields: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidInput, match=rf"^a or b: give exactly one of them, {said} given$"):
        check_one_of(fields)


def test_empty_value_counts_as_given() -> None:
    check_one_of({"a": "", "b": None})


@given(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), min_size=1, max_size=200))
def test_key_of_a_file_is_read_as_it_stands(key: str) -> None:
    assert split_s3_uri(f"s3://bucket/{key}", "sql_uri", "bucket") == key


@pytest.mark.parametrize(
    "uri", ["", "bucket/key", "s3://bucket", "s3://bucket/", "s3:///key", "s3://b/key", "s3://bucket/a\nb", "S3://bucket/key"]
)
def test_address_of_another_form_is_refused(uri: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        split_s3_uri(uri, "spec_uri", "bucket")
    assert str(refused.value) == f"spec_uri: {uri!r} is not of the form s3://bucket/key"
