"""`share`: what both sides of a datashare declare, what is refused before anything is done, and what proves that rows arrive."""

from __future__ import annotations

import re
from typing import Any

import pytest

from autopilot.domain.errors import ConfigurationIncomplete, InvalidInput, WarehouseNotFound, WarehouseUnavailable
from autopilot.domain.spec import parse_spec
from tests.handlers.account import Aws, Handle, execution, sample

ME = execution("share-data")
SALES, ANALYTICS = "86b5169f-012a-234b-9fbb-e2e24359e9a8", "13b8833d-17c6-4f16-8fe4-1a018f5ed00d"


def look(**given: Any) -> dict[str, Any]:
    return {"step": "look", "execution": ME, "input": {"producer": "sales", "consumer": "analytics", **given}}


def prove(shown: list[list[str]], held: list[list[str]], *readers: list[str], **given: Any) -> dict[str, Any]:
    asked = {"producer": "sales", "consumer": "analytics", "schemas": ["orders"], **given}
    return {"step": "prove", "execution": ME, "input": asked, "database": shown, "objects": held, "readers": list(readers)}


@pytest.fixture
def both(aws: Aws) -> None:
    """A cluster and a workgroup."""
    aws.clusters.add("sales", ClusterNamespaceArn=f"arn:aws:redshift:us-east-1:123456789012:namespace:{SALES}")
    aws.serverless.add("analytics")
    aws.serverless.namespaces["analytics"]["namespaceId"] = ANALYTICS


@pytest.mark.usefixtures("both")
def test_three_lines_suffice(handle: Handle) -> None:
    plan = handle(sample("share"))
    assert (plan["action"], plan["dry_run"], plan["datashare"], plan["database"]) == ("share", True, "orders", "orders")
    assert plan["producer"]["spec"] == {
        "name": "sales",
        "kind": "cluster",
        "datashares": {
            "produces": [
                {
                    "name": "orders",
                    "schemas": [{"name": "orders", "include_new": False}],
                    "tables": [],
                    "public_accessible": False,
                    "consumers": [{"namespace": ANALYTICS}],
                }
            ]
        },
    }
    taken = {"database": "orders", "datashare": "orders", "namespace": SALES}
    assert plan["consumer"]["spec"] == {"name": "analytics", "kind": "workgroup", "datashares": {"consumes": [taken]}}
    assert plan["consumer"]["warehouse"]["kind"] == "workgroup"
    for side in ("producer", "consumer"):
        parse_spec(plan[side]["spec"])


@pytest.mark.usefixtures("both")
def test_tables_names_and_readers_are_taken_over(handle: Handle) -> None:
    tables = [{"schema": "finance", "name": "books"}, {"schema": "sales", "name": "orders"}]
    plan = handle(look(tables=tables, datashare="given", database="taken", include_new=True, grant_to=[{"role": "analyst"}]))
    share = plan["producer"]["spec"]["datashares"]["produces"][0]
    assert (share["name"], share["tables"]) == ("given", tables)
    assert plan["consumer"]["spec"]["grants"] == [{"to": {"role": "analyst"}, "privileges": ["usage"], "object": {"database": "taken"}}]
    assert [
        "svv_datashares" in plan["evidence"][0],
        "svv_datashare_objects" in plan["evidence"][1],
        "svv_database_privileges" in plan["evidence"][2],
    ] == [True] * 3
    parse_spec(plan["consumer"]["spec"])


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "schemas: name what is to be shared"),
        ({"schemas": ["a", "b"]}, "datashare: give a name"),
        ({"schemas": ["A"]}, "'A' holds a capital letter"),
        ({"schemas": ["a"], "database": 'x"y'}, "database: "),
        ({"schemas": ["a"], "consumer": "sales"}, "consumer: cluster sales is the producer"),
        ({"schemas": ["a"], "colour": "blue"}, "unknown field"),
        ({"schemas": ["a"], "grant_to": [{}]}, "grant_to[0]: give exactly one"),
        ({"schemas": ["a"], "grant_to": [{"role": "a", "user": "b"}]}, "grant_to[0]: give exactly one"),
    ],
)
def test_what_makes_no_sense_is_refused(handle: Handle, given: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(problem)):
        handle(look(**given))


@pytest.mark.usefixtures("both")
def test_a_warehouse_that_is_not_there_is_named(handle: Handle) -> None:
    with pytest.raises(WarehouseNotFound, match="nowhere"):
        handle(look(schemas=["a"], consumer="nowhere"))


def test_a_paused_side_is_refused_before_the_other_is_touched(aws: Aws, handle: Handle) -> None:
    aws.clusters.add("sales")
    aws.clusters.add("analytics", ClusterStatus="paused")
    with pytest.raises(WarehouseUnavailable, match="analytics is paused"):
        handle(look(schemas=["a"]))


def test_nodes_that_share_no_data_are_refused(aws: Aws, handle: Handle) -> None:
    aws.clusters.add("sales", NodeType="dc2.large")
    aws.clusters.add("analytics")
    with pytest.raises(InvalidInput, match=r"producer: cluster sales has dc2\.large nodes"):
        handle(look(schemas=["a"]))


def test_a_consumer_that_is_publicly_accessible_needs_consent(aws: Aws, handle: Handle) -> None:
    aws.clusters.add("sales")
    aws.clusters.add("analytics", PubliclyAccessible=True)
    with pytest.raises(InvalidInput, match="public_accessible: "):
        handle(look(schemas=["a"]))
    plan = handle(look(schemas=["a"], public_accessible=True))
    assert plan["producer"]["spec"]["datashares"]["produces"][0]["public_accessible"] is True


def test_the_proof_reads_something_of_the_datashare(handle: Handle) -> None:
    read = handle(prove([["orders"]], [["orders.lines"]]))["sql"]
    assert read == 'SELECT COUNT(*) AS rows_seen FROM (SELECT 1 FROM "orders"."orders"."lines" LIMIT 1) AS one'
    dotted = handle(prove([["d"]], [["a.b.c"]], schemas=["a.b"], database="d"))["sql"]
    assert '"d"."a.b"."c"' in dotted


def test_those_who_are_to_read_must_be_allowed_to(handle: Handle) -> None:
    allowed = (["role", "analyst"], ["public", "public"])
    asked = [{"role": "analyst"}, {"public": True}]
    assert handle(prove([["orders"]], [], *allowed, grant_to=asked)) == {"sql": ""}
    with pytest.raises(ConfigurationIncomplete, match="user bob, group analyst of analytics may not read database orders"):
        handle(prove([["orders"]], [["orders.lines"]], *allowed, grant_to=[*asked, {"user": "bob"}, {"group": "analyst"}]))


def test_an_empty_datashare_has_nothing_to_read(handle: Handle) -> None:
    assert handle(prove([["orders"]], [])) == {"sql": ""}


def test_a_database_that_shows_something_else_is_no_proof(handle: Handle) -> None:
    with pytest.raises(ConfigurationIncomplete, match="database orders of analytics does not show the datashare orders of sales"):
        handle(prove([], []))
