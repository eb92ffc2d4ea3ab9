"""Streams and integrations of a spec, applied to a database: what is made, what a second plan asks for, and what is never dropped."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.sql.errors import SqlError
from tests.sandbox.fakes import FakeOutside
from tests.sandbox.inside import Inside
from tests.sandbox.warehouse import Warehouse, error_of


def stream(**fields: Any) -> dict[str, Any]:
    return {"name": "orders", "external_schema": "kds", "stream": "orders", "role": FakeOutside.ROLE, **fields}


@pytest.fixture
def inside(warehouse: Warehouse, outside: FakeOutside) -> Inside:
    outside.streams["orders"] = [("k1", b'{"id": 1}')]
    return Inside(warehouse)


def test_a_declared_stream_shows_records_and_a_second_plan_is_empty(inside: Inside) -> None:
    declared = {"schemas": [{"name": "live"}], "streams": [stream(schema="live")]}
    assert inside.apply(**declared) == ["create schema live", "create external schema kds", "create streaming view live.orders"]
    assert inside.warehouse.run("SELECT partition_key, data.id::int FROM live.orders") == [("k1", "1")]
    again = inside.compare(**declared)
    assert (again.steps, again.drift) == ([], [])
    inside.warehouse.run("CREATE USER nobody PASSWORD DISABLE")
    assert "permission denied" in error_of(inside.warehouse.run, "SELECT * FROM live.orders", user="nobody")


def test_two_views_share_a_schema_and_refresh_is_changed_in_place(inside: Inside) -> None:
    views = [stream(), stream(name="raw", select="FROM_VARBYTE(kinesis_data, 'utf-8') AS text", auto_refresh=False)]
    assert inside.apply(streams=views).count("create external schema kds") == 1
    assert inside.warehouse.value("SELECT count(*) FROM raw") == "0"
    views[1]["auto_refresh"] = True
    assert inside.apply(streams=views) == ["set automatic refresh of public.raw"]
    assert inside.warehouse.value("SELECT text FROM raw") == '{"id": 1}'
    assert inside.apply(streams=views) == []


def test_a_changed_view_is_kept_with_its_rows_on_every_plan(inside: Inside, outside: FakeOutside) -> None:
    inside.apply(streams=[stream()])
    assert inside.warehouse.value("SELECT count(*) FROM orders") == "1"
    outside.streams["orders"].clear()
    for _ in range(2):
        assert inside.apply(streams=[stream(where="partition_key = 'k2'", select="partition_key")], prune=True) == []
        compared = inside.compare(streams=[stream(where="partition_key = 'k2'", select="partition_key")], prune=True)
        assert [(one.object, one.fate) for one in compared.drift] == [("streaming view public.orders", "kept")]
    assert inside.warehouse.value("SELECT count(*) FROM orders") == "1"


def test_what_is_not_declared_is_drift_and_only_a_schema_that_nobody_reads_is_pruned(inside: Inside) -> None:
    inside.apply(streams=[stream(), stream(external_schema="other", name="more", auto_refresh=False)])
    inside.warehouse.run("REFRESH MATERIALIZED VIEW more", "CREATE EXTERNAL SCHEMA unused FROM KINESIS IAM_ROLE default")
    found = {one.object: one.fate for one in inside.compare(streams=[stream()], prune=True).drift}
    assert found == {"streaming view public.more": "kept", "external schema other": "kept", "external schema unused": "removed"}
    assert inside.apply(streams=[stream()], prune=True) == ["drop external schema unused"]
    assert inside.warehouse.value("SELECT count(*) FROM more") == "1"


def test_a_stream_that_is_missing_fails_its_view_and_a_later_run_goes_on(inside: Inside, outside: FakeOutside) -> None:
    declared = {"streams": [stream(stream="late", name="late")]}
    with pytest.raises(SqlError, match=r"create streaming view public\.late"):
        inside.apply(**declared)
    outside.streams["late"] = []
    assert inside.apply(**declared) == ["create streaming view public.late"]


def test_a_text_of_the_spec_reaches_the_database_as_it_is(inside: Inside) -> None:
    hostile = 'it\'s -- a \\ test; "x" /* y */'
    select = "'" + hostile.replace("\\", "\\\\").replace("'", "''") + '\' AS note, partition_key AS "two words"'
    inside.apply(streams=[stream(select=select)])
    assert inside.warehouse.run('SELECT note, "two words" FROM orders') == [(hostile, "k1")]
