"""Views and materialized views as a spec declares them: ordered by what they read, replaced or made again, and told apart from what somebody changed."""

from __future__ import annotations

from typing import Any

import pytest

from autopilot.domain.errors import InvalidInput
from tests.sandbox.inside import Inside
from tests.sandbox.warehouse import PASSWORD, Warehouse

VIEWS: dict[str, Any] = {
    "views": [
        {"name": "late", "query": "SELECT count(*) AS n FROM public.totals", "late_binding": True},
        {"name": "large", "query": "SELECT region, amount FROM sums WHERE amount > 10"},
        {"name": "sums", "query": "SELECT region, sum(amount) AS amount FROM orders GROUP BY region"},
    ],
    "materialized_views": [
        {"name": "totals", "query": "SELECT region, sum(amount) AS amount FROM orders GROUP BY region", "sort": ["region"]}
    ],
}


@pytest.fixture
def inside(warehouse: Warehouse) -> Inside:
    warehouse.run("CREATE TABLE orders (region varchar(10), amount int)", "INSERT INTO orders VALUES ('north', 7), ('south', 20)")
    warehouse.run(f"CREATE USER reader PASSWORD '{PASSWORD}'")
    return Inside(warehouse)


def with_view(number: int, **changes: Any) -> dict[str, Any]:
    views = [dict(view) for view in VIEWS["views"]]
    views[number] |= changes
    return {**VIEWS, "views": views}


def test_views_on_views_are_made_in_the_order_of_what_they_read(inside: Inside) -> None:
    made = inside.apply(**VIEWS)
    assert made.index("create view public.sums") < made.index("create view public.large")
    assert made.index("create materialized view public.totals") < made.index("create view public.late")
    assert inside.warehouse.run("SELECT region FROM large") == [("south",)]
    assert inside.warehouse.value("SELECT n FROM late") == "2"
    again = inside.compare(**VIEWS)
    assert (again.steps, again.drift) == ([], [])


def test_changed_condition_replaces_a_view_and_keeps_its_grants(inside: Inside) -> None:
    inside.apply(**VIEWS)
    inside.warehouse.run("GRANT SELECT ON large TO reader")
    changed = with_view(1, query="SELECT region, amount FROM sums WHERE amount < 10")
    assert inside.apply(**changed) == ["replace view public.large"]
    assert inside.warehouse.run("SELECT region FROM large", user="reader") == [("north",)]
    assert inside.compare(**changed).steps == []


def test_other_columns_make_a_view_again_with_what_reads_it_and_give_back_the_grants(inside: Inside) -> None:
    inside.apply(**VIEWS)
    inside.warehouse.run("GRANT SELECT ON large TO reader")
    changed = with_view(2, query="SELECT region, sum(amount) AS amount, count(*) AS orders FROM orders GROUP BY region")
    made = inside.apply(**changed)
    assert {"drop view public.large to make it again", "create view public.sums again", "create view public.large again"} <= set(made)
    assert inside.warehouse.run("SELECT region FROM large", user="reader") == [("south",)]
    assert inside.compare(**changed).steps == []


def test_view_that_somebody_changed_by_hand_is_made_as_declared(inside: Inside) -> None:
    inside.apply(**VIEWS)
    inside.warehouse.run("CREATE OR REPLACE VIEW large AS SELECT region, amount FROM sums")
    (step,) = inside.compare(**VIEWS).steps
    assert (step.name, step.reason) == ("replace view public.large", "somebody changed it by hand")
    inside.apply(**VIEWS)
    assert inside.warehouse.run("SELECT region FROM large") == [("south",)]


def test_changed_materialized_view_is_made_again_and_refresh_is_only_set(inside: Inside) -> None:
    inside.apply(**VIEWS)
    (totals,) = VIEWS["materialized_views"]
    assert inside.apply(**{**VIEWS, "materialized_views": [{**totals, "auto_refresh": True}]}) == [
        "set automatic refresh of materialized view public.totals"
    ]
    other = {**totals, "auto_refresh": True, "query": "SELECT region, max(amount) AS amount FROM orders GROUP BY region"}
    assert "create materialized view public.totals again" in inside.apply(**{**VIEWS, "materialized_views": [other]})
    assert inside.compare(**{**VIEWS, "materialized_views": [other]}).steps == []


def test_what_nobody_declared_is_reported_and_dropped_by_prune_unless_something_reads_it(inside: Inside) -> None:
    inside.apply(**VIEWS)
    inside.warehouse.run("CREATE VIEW extra AS SELECT 1 AS a")
    inside.warehouse.run("CREATE VIEW base AS SELECT region FROM orders")
    assert {(one.object, one.fate) for one in inside.compare(**VIEWS).drift} == {
        ("view public.extra", "reported"),
        ("view public.base", "reported"),
    }
    reading = {**VIEWS, "views": [*VIEWS["views"], {"name": "reader_of_base", "query": "SELECT region FROM base"}]}
    inside.apply(**reading)
    pruned = inside.compare(**reading, prune=True)
    assert {(one.object, one.fate) for one in pruned.drift} == {("view public.extra", "removed"), ("view public.base", "kept")}
    assert inside.apply(**reading, prune=True) == ["drop view public.extra"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT 1 AS a; DROP TABLE orders", "semicolon"),
        ("SELECT 1 AS a --", "comment"),
        ("SELECT 1 AS a /* x */", "comment"),
        ("DELETE FROM orders", "SELECT"),
        ("SELECT (1 AS a", "no query"),
        ("SELECT 'open AS a", "no query"),
    ],
)
@pytest.mark.parametrize("section", ["views", "materialized_views"])
def test_text_that_is_not_one_query_is_refused_with_its_path(inside: Inside, section: str, query: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=rf"spec\.{section}\[0\]\.query: .*{said}"):
        inside.compare(**{section: [{"name": "v", "query": query}]})


def test_views_that_read_each_other_in_a_circle_are_refused(inside: Inside) -> None:
    with pytest.raises(InvalidInput, match="circle"):
        inside.compare(views=[{"name": "a", "query": "SELECT x FROM b"}, {"name": "b", "query": "SELECT x FROM a"}])
