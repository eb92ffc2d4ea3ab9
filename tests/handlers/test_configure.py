"""`configure`: which warehouse and what is declared, the questions to its catalog, and the plan that is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from autopilot.aws import clients
from autopilot.domain.errors import InvalidInput, WarehouseNotFound, WarehouseUnavailable
from tests.handlers.account import BUCKET, Aws, Handle, execution, sample

ME = execution("configure-warehouse")


def look(**given: Any) -> dict[str, Any]:
    return {"step": "look", "execution": ME, "input": given}


def declaring(**sections: Any) -> dict[str, Any]:
    return {"name": "analytics", **sections}


def plan_file(name: str = "sample") -> dict[str, Any]:
    body = clients.client("s3").get_object(Bucket=BUCKET, Key=f"plans/{name}.json")["Body"].read()
    found: dict[str, Any] = json.loads(body)
    return found


@pytest.fixture(autouse=True)
def _running(aws: Aws) -> None:
    aws.start(ME)


# --- look -------------------------------------------------------------------------------------------------------------


def test_sample_says_what_is_compared_and_keeps_the_spec(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    plan = handle(sample("configure"))
    assert (plan["action"], plan["reason"]) == ("configure", "cluster analytics: schemas of database dev are compared")
    assert (plan["sections"], plan["dry_run"], plan["signed_in_as"]) == (["schemas"], True, "temporary credentials for awsuser")
    kept = plan_file()
    assert (kept["spec"]["schemas"], kept["asked"]) == ([{"name": "sales"}], "the schema of the sales team")
    assert kept["target"]["database"] == "dev"


def test_empty_section_is_declared(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    assert handle(look(spec=declaring(schemas=[])))["action"] == "configure"


def test_spec_that_declares_nothing_inside_is_nothing_to_do(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    plan = handle(look(spec=declaring(tags={"team": "a"})))
    assert (plan["action"], plan["reason"]) == ("nothing", "the spec of cluster analytics declares nothing that lies inside it")


def test_database_of_a_warehouse_that_others_made_is_its_own_unless_the_spec_names_one(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(DBName="theirs")
    assert "of database theirs" in handle(look(spec=declaring(schemas=[])))["reason"]
    assert "of database dev" in handle(look(spec=declaring(schemas=[], database="dev")))["reason"]


def test_file_is_read_in_the_version_that_is_named(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    first = aws.write("specs/a.yaml", "name: analytics\nschemas: [{name: first}]\n")
    aws.write("specs/a.yaml", "name: analytics\nschemas: [{name: second}]\n")
    handle(look(spec_uri=f"s3://{BUCKET}/specs/a.yaml"))
    assert plan_file()["spec"]["schemas"] == [{"name": "second"}]
    handle(look(spec_uri=f"s3://{BUCKET}/specs/a.yaml", version=first))
    assert plan_file()["spec"]["schemas"] == [{"name": "first"}]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "spec or spec_uri: give exactly one of them, none was given"),
        ({"spec": {"schemas": []}}, "spec.Object missing required field `name`"),
        ({"spec": declaring(schemas=[{"nam": "sales"}])}, "spec.schemas[0]: Object contains unknown field `nam`"),
        ({"spec": declaring(schemas="sales")}, "spec.schemas: Expected `array | null`, got `str`"),
        ({"spec": declaring(), "version": "1"}, "version: is that of a file; give it with spec_uri"),
        (
            {"spec": declaring(), "when": "now"},
            "Object contains unknown field `when`. Allowed fields: reason, dry_run, spec, spec_uri, version",
        ),
    ],
)
def test_bad_input_is_refused_in_words_and_nothing_is_written(aws: Aws, handle: Handle, given: dict[str, Any], message: str) -> None:
    aws.clusters.add()
    before = aws.order
    with pytest.raises(InvalidInput) as refused:
        handle(look(**given))
    assert message.removeprefix("spec.Object") in str(refused.value)
    assert aws.order == before
    assert aws.items() == []


def test_warehouse_must_exist_and_take_sql(aws: Aws, handle: Handle) -> None:
    with pytest.raises(WarehouseNotFound, match="analytics"):
        handle(look(spec=declaring(schemas=[])))
    aws.clusters.add(status="paused")
    with pytest.raises(WarehouseUnavailable, match="cluster analytics is paused and takes no SQL; start resume_warehouse"):
        handle(look(spec=declaring(schemas=[])))
    assert aws.data.statements == {}
