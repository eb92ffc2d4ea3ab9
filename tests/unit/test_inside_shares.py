"""Datashares as they are declared: what contradicts, what other accounts must agree to, and the statements as AWS documents them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from autopilot.domain.errors import InvalidInput
from autopilot.domain.inside import datashare_sql, datashares, ordering
from autopilot.domain.inside.model import Catalog, Compared, Context
from autopilot.domain.spec import Spec, parse_spec

OURS, THEIRS = "86b5169f-012a-234b-9fbb-e2e24359e9a8", "13b8833d-17c6-4f16-8fe4-1a018f5ed00d"
ACCOUNT, ELSEWHERE = "111122223333", "123456789012"
SHARE = f"arn:aws:redshift:eu-central-1:{ACCOUNT}:datashare:{OURS}/orders"
EMPTY: Catalog = {"datashares": [], "datashare objects": [], "datashare consumers": [], "databases and their types": []}


def spec(**sections: Any) -> Spec:
    return parse_spec({"name": "sales", **sections})


def compare(section: dict[str, Any], catalog: Catalog | None = None, shares: list[dict[str, Any]] | None = None, **more: Any) -> Compared:
    context = Context(warehouse="sales", kind="cluster", namespace=OURS, account=ACCOUNT, region="eu-central-1", datashares=shares or [])
    found = datashares.compare(spec(datashares=section, **more), EMPTY | (catalog or {}), context)
    return Compared(ordering.ordered(found.steps), found.drift)


def outbound(*objects: tuple[str, str, bool | None], here: bool = True, managed_by: str | None = None) -> Catalog:
    """A catalog with the datashare `orders` and these objects: type, name, include_new."""
    share = {"share_name": "orders", "share_type": "OUTBOUND", "here": here, "is_publicaccessible": False, "managed_by": managed_by}
    return {
        "datashares": [share | {"source_database": "dev", "consumer_database": None, "producer_namespace": OURS}],
        "datashare objects": [
            {"share_name": "orders", "object_type": kind, "object_name": name, "include_new": new} for kind, name, new in objects
        ],
    }


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({"produces": [{"name": "a"}, {"name": "a"}]}, "produces: the datashare a is declared 2 times"),
        ({"produces": [{"name": "A"}]}, "produces[0].name: 'A' holds a capital letter"),
        ({"produces": [{"name": "a", "consumers": [{}]}]}, "produces[0].consumers[0]: give exactly one of namespace and account"),
        (
            {"produces": [{"name": "a", "consumers": [{"namespace": OURS, "account": ELSEWHERE}]}]},
            "produces[0].consumers[0]: give exactly one",
        ),
        (
            {"produces": [{"name": "a", "schemas": [{"name": "s"}], "tables": [{"schema": "s", "name": "t"}]}]},
            "produces[0].tables[0]: the schema s is in `schemas`",
        ),
        ({"produces": [{"name": "a", "tables": [{"name": "t"}, {"name": "t"}]}]}, "produces[0].tables: the same is listed twice"),
        ({"produces": [{"name": "a", "tables": [{"schema": 'a"b', "name": "t"}]}]}, "produces[0].tables[0].schema: "),
        ({"consumes": [{"database": "d", "datashare": "a", "namespace": OURS}] * 2}, "consumes: the database d is declared 2 times"),
        ({"consumes": [{"database": "d", "datashare": "A", "namespace": OURS}]}, "consumes[0].datashare: "),
    ],
)
def test_what_contradicts_is_named_with_its_path(section: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        spec(datashares=section)
    assert f"spec.datashares.{problem}" in str(caught.value)


@pytest.mark.parametrize(
    "section",
    [
        {"produces": [{"name": "a", "consumers": [{"namespace": "not-a-guid"}]}]},
        {"produces": [{"name": "a", "consumers": [{"account": "12"}]}]},
        {"consumes": [{"database": "d", "datashare": "a"}]},
        {"produces": [{"name": "a", "colour": "blue"}]},
    ],
)
def test_a_malformed_section_is_refused(section: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        spec(datashares=section)


def test_another_account_is_given_usage_and_then_authorised() -> None:
    section = {"produces": [{"name": "orders", "consumers": [{"account": ELSEWHERE}]}]}
    steps = compare(section).steps
    assert [step.name for step in steps] == [
        "create datashare orders",
        f"grant usage on datashare orders to account {ELSEWHERE}",
        f"authorize datashare orders for account {ELSEWHERE}",
    ]
    assert (steps[-1].call, steps[-1].arguments) == ("authorize_data_share", {"DataShareArn": SHARE, "ConsumerIdentifier": ELSEWHERE})


@pytest.mark.parametrize(("status", "left"), [("PENDING_AUTHORIZATION", 1), ("DEAUTHORIZED", 1), ("AUTHORIZED", 0), ("ACTIVE", 0)])
def test_an_account_is_authorised_until_aws_says_it_is(status: str, left: int) -> None:
    section = {"produces": [{"name": "orders", "consumers": [{"account": ELSEWHERE}]}]}
    consumers = [{"share_name": "orders", "consumer_account": ELSEWHERE, "consumer_namespace": None}]
    associations = [{"ConsumerIdentifier": ELSEWHERE, "Status": status}]
    shares = [{"DataShareArn": SHARE, "DataShareAssociations": associations}]
    assert len(compare(section, outbound() | {"datashare consumers": consumers}, shares).steps) == left


def test_namespaces_that_another_account_associated_count_as_that_account() -> None:
    section = {"produces": [{"name": "orders", "consumers": [{"account": ELSEWHERE}]}]}
    consumers = [{"share_name": "orders", "consumer_account": ELSEWHERE, "consumer_namespace": THEIRS}]
    shares = [{"DataShareArn": SHARE, "DataShareAssociations": [{"ConsumerIdentifier": ELSEWHERE, "Status": "ACTIVE"}]}]
    found = compare(section, outbound() | {"datashare consumers": consumers}, shares)
    assert (found.steps, found.drift) == ([], [])


def test_a_datashare_of_another_account_is_associated_before_its_database_is_made() -> None:
    section = {"consumes": [{"database": "d", "datashare": "orders", "namespace": THEIRS, "account": ELSEWHERE, "region": "us-east-1"}]}
    theirs = f"arn:aws:redshift:us-east-1:{ELSEWHERE}:datashare:{THEIRS}/orders"
    associate, create = compare(section).steps
    ours = f"arn:aws:redshift:eu-central-1:{ACCOUNT}:namespace:{OURS}"
    assert (associate.call, associate.arguments) == ("associate_data_share_consumer", {"DataShareArn": theirs, "ConsumerArn": ours})
    assert (create.name, create.alone, create.marks) == ("create database d", True, ["database:d"])
    associated = [{"DataShareArn": theirs, "DataShareAssociations": [{"ConsumerIdentifier": ours, "Status": "ACTIVE"}]}]
    assert [step.name for step in compare(section, shares=associated).steps] == ["create database d"]
    assert datashares.between_accounts(spec(datashares=section), OURS, ACCOUNT, "eu-central-1") == [theirs]


def test_a_datashare_comes_after_what_it_holds_and_usage_comes_last() -> None:
    section = {"produces": [{"name": "orders", "schemas": [{"name": "s", "include_new": True}], "consumers": [{"namespace": THEIRS}]}]}
    view = {"schema": "s", "name": "v", "query": "SELECT 1 AS n"}
    steps = {step.name: step for step in compare(section, views=[view]).steps}
    assert "schema:s" in steps["add schema s to datashare orders"].after
    assert "relation:s.v" in steps["add all tables in schema s to datashare orders"].after
    assert list(steps)[-1] == f"grant usage on datashare orders to namespace {THEIRS}"


def test_what_redshift_adds_by_itself_is_not_added_twice() -> None:
    section = {"produces": [{"name": "orders", "schemas": [{"name": "s", "include_new": True}]}]}
    view = {"schema": "s", "name": "v", "query": "SELECT 1 AS n"}
    catalog = outbound(("schema", "s", True), ("table", "s.a", None))
    existing = [{"schema_name": "s", "relation_name": name} for name in ("a", "b")]
    steps = compare(section, catalog | {"relations of shared schemas": existing}, views=[view]).steps
    assert [step.name for step in steps] == ["add table s.b to datashare orders"]


@pytest.mark.parametrize(("managed_by", "here"), [("ADX", True), (None, False)])
def test_what_is_not_ours_to_change_is_kept(managed_by: str | None, here: bool) -> None:
    found = compare({"produces": []}, outbound(here=here, managed_by=managed_by), prune=True)
    assert (found.steps, [drift.fate for drift in found.drift]) == ([], ["kept"])


def test_functions_and_their_schema_are_kept_in_a_datashare() -> None:
    catalog = outbound(("schema", "s", False), ("function", "s.f", None))
    found = compare({"produces": [{"name": "orders"}]}, catalog, prune=True)
    assert (found.steps, {drift.fate for drift in found.drift}) == ([], {"kept"})


def test_of_a_part_only_what_stands_in_the_way_of_it_is_told() -> None:
    section = {"produces": [], "consumes": [{"database": "dev", "datashare": "orders", "namespace": THEIRS}]}
    catalog = outbound() | {"databases and their types": [{"database_name": "dev", "database_type": "local"}]}
    found = compare(section, catalog)
    assert {(drift.object, drift.fate) for drift in found.drift} == {("datashare orders", "reported"), ("database dev", "kept")}
    assert [drift.object for drift in found.of_what_is_declared().drift] == ["database dev"]


def test_only_what_is_declared_is_asked_of_the_catalog() -> None:
    asked = {
        name: [question.name for question in datashares.questions(spec(datashares=section))]
        for name, section in (
            ("both", {"produces": [], "consumes": []}),
            ("given", {"produces": []}),
            ("taken", {"consumes": []}),
            ("none", None),
        )
    }
    assert asked == {
        "both": ["datashares", "datashare objects", "datashare consumers", "databases and their types"],
        "given": ["datashares", "datashare objects", "datashare consumers"],
        "taken": ["datashares", "databases and their types"],
        "none": [],
    }


#: The grammar of the Redshift database developer guide: CREATE, ALTER and DROP DATASHARE, GRANT, REVOKE, CREATE and DROP DATABASE.
_NAME = r'"[^"]+"'
_GRAMMAR = [
    rf"CREATE DATASHARE {_NAME}( (SET )?PUBLICACCESSIBLE( =)? (TRUE|FALSE))?",
    rf"ALTER DATASHARE {_NAME} (ADD|REMOVE) (TABLE {_NAME}\.{_NAME}|SCHEMA {_NAME}|ALL TABLES IN SCHEMA {_NAME})",
    rf"ALTER DATASHARE {_NAME} SET (PUBLICACCESSIBLE( =)? (TRUE|FALSE)|INCLUDENEW( =)? (TRUE|FALSE) FOR SCHEMA {_NAME})",
    rf"DROP DATASHARE {_NAME}",
    rf"(GRANT USAGE ON DATASHARE {_NAME} TO|REVOKE USAGE ON DATASHARE {_NAME} FROM) (NAMESPACE '[0-9a-f-]{{36}}'|ACCOUNT '[0-9]{{12}}')",
    rf"CREATE DATABASE {_NAME}( WITH PERMISSIONS)? FROM DATASHARE {_NAME} OF (ACCOUNT '[0-9]{{12}}' )?NAMESPACE '[0-9a-f-]{{36}}'",
    rf"DROP DATABASE {_NAME}",
]


@pytest.mark.parametrize("on", [True, False])
def test_every_statement_is_one_that_aws_documents(on: bool) -> None:
    account = ELSEWHERE if on else None
    statements = [
        datashare_sql.create("a", public_accessible=on),
        datashare_sql.drop("a"),
        datashare_sql.set_public_accessible("a", wanted=on),
        datashare_sql.set_include_new("a", "s", wanted=on),
        datashare_sql.schema("a", "s", add=on),
        datashare_sql.table("a", "s", "t", add=on),
        datashare_sql.all_tables("a", "s", add=on),
        datashare_sql.usage("a", namespace=None if on else OURS, account=account, granted=on),
        datashare_sql.create_database("d", "a", OURS, account, with_permissions=on),
        datashare_sql.drop_database("d"),
    ]
    for statement in statements:
        assert any(re.fullmatch(rule, statement) for rule in _GRAMMAR), statement
