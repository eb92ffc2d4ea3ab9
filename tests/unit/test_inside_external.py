"""External schemas as they are declared: what contradicts, the statements as AWS documents them, and what becomes of a difference."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st

from autopilot.domain.errors import InvalidInput
from autopilot.domain.inside import external_schemas, external_sql, ordering
from autopilot.domain.inside.declared.external import ExternalSchema
from autopilot.domain.inside.model import Compared, Context, Known, Step
from autopilot.domain.inside.sections import problems_of
from autopilot.domain.spec import Spec, parse_spec

ROLE = "arn:aws:iam::111122223333:role/lake"
OTHER = "arn:aws:iam::123456789012:role/path/producer"
SECRET = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:shop-AbCdEf"
LAKE = {"name": "lake", "database": "sales", "role": ROLE}
SHOP = {"name": "shop", "source": "postgres", "database": "app", "host": "db.example.com", "secret": SECRET, "role": ROLE}


def spec(*schemas: dict[str, Any], **more: Any) -> Spec:
    return parse_spec({"name": "analytics", "external_schemas": list(schemas), **more})


def row(name: str = "lake", kind: int = 1, database: str = "sales", **options: Any) -> dict[str, Any]:
    return {"schemaname": name, "eskind": kind, "databasename": database, "esoptions": json.dumps({"IAM_ROLE": ROLE} | options)}


def shop(**options: Any) -> dict[str, Any]:
    return row("shop", 3, "app", **({"SCHEMA": "public", "URI": "db.example.com", "PORT": 5432, "SECRET_ARN": SECRET} | options))


def compare(declared: Spec, *rows: dict[str, Any], known: dict[str, Known] | None = None) -> Compared:
    context = Context(warehouse="analytics", kind="cluster", known=known or {})
    found = external_schemas.compare(declared, {"external schemas": list(rows)}, context)
    return Compared(ordering.ordered(found.steps), found.drift)


def applied(declared: Spec, *rows: dict[str, Any]) -> dict[str, Known]:
    return {token: Known(*texts) for token, texts in external_schemas.definitions(declared, {"external schemas": list(rows)}).items()}


def sql(**fields: Any) -> str:
    return external_sql.create(msgspec.convert(fields, ExternalSchema))


@pytest.mark.parametrize(
    ("fields", "statement"),
    [
        (LAKE, f"CREATE EXTERNAL SCHEMA \"lake\" FROM DATA CATALOG DATABASE 'sales' IAM_ROLE '{ROLE}'"),
        (
            {"name": "lake", "database": "sales", "region": "us-west-2", "catalog_role": OTHER, "create_database": True},
            (
                "CREATE EXTERNAL SCHEMA \"lake\" FROM DATA CATALOG DATABASE 'sales' REGION 'us-west-2' IAM_ROLE default "
                f"CATALOG_ROLE '{OTHER}' CREATE EXTERNAL DATABASE IF NOT EXISTS"
            ),
        ),
        (
            LAKE | {"role": f"{ROLE},{OTHER}"},
            f"CREATE EXTERNAL SCHEMA \"lake\" FROM DATA CATALOG DATABASE 'sales' IAM_ROLE '{ROLE},{OTHER}'",
        ),
        (
            SHOP | {"schema": "Store Front", "port": 6432},
            (
                "CREATE EXTERNAL SCHEMA \"shop\" FROM POSTGRES DATABASE 'app' SCHEMA 'Store Front' URI 'db.example.com' PORT 6432 "
                f"IAM_ROLE '{ROLE}' SECRET_ARN '{SECRET}'"
            ),
        ),
        (
            SHOP | {"source": "mysql"},
            f"CREATE EXTERNAL SCHEMA \"shop\" FROM MYSQL DATABASE 'app' URI 'db.example.com' IAM_ROLE '{ROLE}' SECRET_ARN '{SECRET}'",
        ),
        (
            {"name": "old", "source": "hive", "database": "hive_db", "host": "172.10.10.10", "port": 99, "role": ROLE},
            f"CREATE EXTERNAL SCHEMA \"old\" FROM HIVE METASTORE DATABASE 'hive_db' URI '172.10.10.10' PORT 99 IAM_ROLE '{ROLE}'",
        ),
    ],
    ids=["glue", "glue-with-all", "chained-roles", "postgres", "mysql", "hive"],
)
def test_statement_is_as_aws_documents_it(fields: dict[str, Any], statement: str) -> None:
    assert sql(**fields) == statement
    assert spec(fields).external_schemas


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        (LAKE | {"name": "Lake"}, "external_schemas[0].name: 'Lake' holds a capital letter"),
        (LAKE | {"name": 'a"b'}, "external_schemas[0].name: "),
        (LAKE | {"host": "db"}, "external_schemas[0].host: is for hive and mysql and postgres, not for glue"),
        (LAKE | {"secret": SECRET}, "external_schemas[0].secret: is for mysql and postgres, not for glue"),
        (LAKE | {"schema": "s"}, "external_schemas[0].schema: is for postgres, not for glue"),
        (LAKE | {"database": "a\x00b"}, "external_schemas[0].database: "),
        (LAKE | {"database": "a\nb"}, "external_schemas[0].database: 'a\\nb' holds a character that cannot be printed"),
        (SHOP | {"host": None}, "external_schemas[0].host: is needed for postgres"),
        (SHOP | {"secret": None}, "external_schemas[0].secret: is needed for postgres"),
        (SHOP | {"create_database": True}, "external_schemas[0].create_database: is for glue, not for postgres"),
        (SHOP | {"source": "mysql", "schema": "s"}, "external_schemas[0].schema: is for postgres, not for mysql"),
        ({"name": "h", "source": "hive", "database": "d"}, "external_schemas[0].host: is needed for hive"),
        (
            {"name": "h", "source": "hive", "database": "d", "host": "h", "secret": SECRET},
            "secret: is for mysql and postgres, not for hive",
        ),
        (LAKE | {"role": f"{ROLE}, {OTHER}"}, "external_schemas[0].role"),
        (LAKE | {"role": "SESSION"}, "external_schemas[0].role"),
        (LAKE | {"role": ",".join([ROLE] * 11)}, "external_schemas[0].role"),
        (LAKE | {"catalog_role": "default"}, "external_schemas[0].catalog_role"),
        (SHOP | {"host": "thrift://db"}, "external_schemas[0].host"),
        (SHOP | {"host": "db' PORT 1"}, "external_schemas[0].host"),
        (SHOP | {"port": 0}, "external_schemas[0].port"),
        (SHOP | {"secret": "hunter2"}, "external_schemas[0].secret"),
    ],
)
def test_contradiction_is_refused_with_its_path(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        spec(fields)
    assert problem in str(caught.value)


def test_one_name_is_one_schema() -> None:
    with pytest.raises(InvalidInput, match="lake is declared twice"):
        spec(LAKE, LAKE)
    with pytest.raises(InvalidInput, match="lake is declared under schemas too"):
        spec(LAKE, schemas=[{"name": "lake"}])
    assert problems_of(spec(LAKE, schemas=[{"name": "own"}])) == []


@given(st.text(min_size=1, max_size=40))
def test_any_text_is_one_literal_or_refused(database: str) -> None:
    schema = ExternalSchema(name="lake", database=database)
    declared = msgspec.structs.replace(parse_spec({"name": "a"}), external_schemas=[schema])
    if external_schemas.problems(declared):
        return
    tokens = sqlglot.tokenize(external_sql.create(schema), read="redshift")
    assert [token.text for token in tokens if token.token_type.name == "STRING"] == [database]


@pytest.mark.parametrize(
    "hostile",
    ["'; DROP SCHEMA public; --", "a\\' b", "\\", "'", "''", "/* x", "-- x", "a;b", "ünïcode", "$$x$$", "😀"],
)
def test_hostile_name_outside_stays_one_literal(hostile: str) -> None:
    statement = sql(**SHOP | {"database": hostile, "schema": hostile})
    assert [token.text for token in sqlglot.tokenize(statement, read="redshift") if token.token_type.name == "STRING"][:2] == [hostile] * 2


def test_missing_schema_is_made_and_can_be_taken_back() -> None:
    [step] = compare(spec(LAKE | {"create_database": True})).steps
    assert (step.name, step.reason, step.reverse) == ("create external schema lake", "it is not there", 'DROP SCHEMA "lake" RESTRICT')
    assert (step.marks, step.alone) == (["external_schema:lake", "schema:lake"], True)
    assert not compare(spec(LAKE)).steps[0].alone


@pytest.mark.parametrize(
    "there",
    [
        row(),
        row(REGION="us-east-1"),
        row(SECRET_ARN="", CATALOG_ROLE=""),
        row() | {"schemaname": "lake   ", "eskind": "1"},
        row() | {"esoptions": "?"},
    ],
)
def test_schema_that_is_as_declared_is_left_alone(there: dict[str, Any]) -> None:
    assert compare(spec(LAKE), there) == Compared()
    assert compare(spec(LAKE), there, known=applied(spec(LAKE), there)) == Compared()


def test_federated_schema_that_is_as_declared_is_left_alone() -> None:
    assert compare(spec(SHOP), shop()) == Compared()
    assert compare(spec(SHOP | {"source": "mysql", "port": 3307}), row("shop", 8, "app", PORT="3307")) == Compared()


def test_role_of_a_glue_schema_is_altered() -> None:
    [step] = compare(spec(LAKE | {"role": OTHER}), row()).steps
    assert step.sql == f"ALTER EXTERNAL SCHEMA \"lake\" IAM_ROLE '{OTHER}'"
    assert step.reverse == f"ALTER EXTERNAL SCHEMA \"lake\" IAM_ROLE '{ROLE}'"
    assert step.reason == f"role is {ROLE}, not {OTHER}"


def test_default_role_is_compared_with_what_was_applied() -> None:
    declared = spec(LAKE | {"role": "default"})
    assert compare(declared, row()) == Compared()
    assert compare(declared, row(), known=applied(declared, row())) == Compared()
    [step] = compare(declared, row(), known=applied(spec(LAKE), row())).steps
    assert (step.sql, step.reason) == ('ALTER EXTERNAL SCHEMA "lake" IAM_ROLE default', "it is declared otherwise than it was made")
    by_hand = row(IAM_ROLE=OTHER)
    [step] = compare(declared, by_hand, known=applied(declared, row())).steps
    assert (step.sql, step.reason) == (
        'ALTER EXTERNAL SCHEMA "lake" IAM_ROLE default',
        "it was changed by hand: the catalog says other than when it was made",
    )


@pytest.mark.parametrize(
    ("declared", "there", "reason"),
    [
        (LAKE | {"database": "other"}, row(), "database is sales, not other"),
        (LAKE, row(kind=2), "source is hive, not glue"),
        (LAKE, row(CATALOG_ROLE=OTHER), f"catalog_role is {OTHER}, not left out"),
        (LAKE | {"region": "us-west-2"}, row(REGION="us-east-1"), "region is us-east-1, not us-west-2"),
        (SHOP | {"role": OTHER}, shop(), f"role is {ROLE}, not {OTHER}"),
        (SHOP | {"port": 6432}, shop(), "port is 5432, not 6432"),
        (SHOP, shop(PORT=1), "port is 1, not 5432"),
        (SHOP, shop(SCHEMA="shop"), "schema is shop, not public"),
        (SHOP | {"host": "elsewhere"}, shop(), "host is db.example.com, not elsewhere"),
        (SHOP | {"secret": SECRET + "2"}, shop(), f"secret is {SECRET}, not {SECRET}2"),
    ],
)
def test_what_cannot_be_altered_is_made_anew_in_one_transaction(declared: dict[str, Any], there: dict[str, Any], reason: str) -> None:
    dropped, created = compare(spec(declared), there).steps
    name = declared["name"]
    assert dropped.sql == f'DROP SCHEMA "{name}" RESTRICT'
    assert created.sql == sql(**declared)
    assert dropped.reason.startswith(f"{reason}; ")
    assert "grants on it are lost" in dropped.reason
    assert "grants on it are lost" not in created.reason
    assert dropped.together == created.together != ""
    assert (dropped.again, created.again) == (False, True)
    assert dropped.reverse.startswith(f'CREATE EXTERNAL SCHEMA "{name}" FROM ')
    assert ordering.units([dropped, created]) == [[0, 1]]


def test_changed_without_a_trace_in_the_catalog_is_made_anew_once() -> None:
    silent = shop() | {"esoptions": "{}"}
    changed = spec(SHOP | {"port": 6432})
    assert len(compare(changed, silent, known=applied(spec(SHOP), silent)).steps) == 2
    assert compare(changed, silent, known=applied(changed, silent)) == Compared()
    assert compare(changed, silent) == Compared()


def test_what_the_catalog_does_not_give_is_not_mistaken_for_a_new_role() -> None:
    for change in ({"catalog_role": OTHER}, {"catalog_role": OTHER, "role": OTHER}, {"region": "us-west-2"}):
        steps = compare(spec(LAKE | change), row(), known=applied(spec(LAKE), row())).steps
        assert [step.name for step in steps] == ["drop external schema lake", "create external schema lake"]


def test_making_the_external_database_is_no_change_of_the_schema() -> None:
    assert compare(spec(LAKE | {"create_database": True}), row(), known=applied(spec(LAKE), row())) == Compared()
    steps = compare(spec(LAKE | {"create_database": True, "database": "other"}), row()).steps
    assert steps[1].sql.endswith("CREATE EXTERNAL DATABASE IF NOT EXISTS")
    assert ordering.units(steps) == [[0, 1]]


def test_what_is_not_declared_is_reported_and_pruned_without_its_database() -> None:
    found = compare(spec(), row(), shop())
    assert found.steps == []
    assert [(one.object, one.fate) for one in found.drift] == [("external schema lake", "reported"), ("external schema shop", "reported")]
    pruned = compare(spec(prune=True), row(), shop())
    assert [step.sql for step in pruned.steps] == ['DROP SCHEMA "lake" RESTRICT', 'DROP SCHEMA "shop" RESTRICT']
    assert {one.fate for one in pruned.drift} == {"removed"}
    assert pruned.steps[0].reverse == sql(**LAKE)
    assert _takes_back(pruned.steps[1]) == msgspec.convert(SHOP | {"schema": "public", "port": 5432}, ExternalSchema)


def _takes_back(step: Step) -> ExternalSchema:
    """The declaration that the reverse of a drop was built from."""
    found = external_sql.of_row(shop())
    assert found
    assert step.reverse == external_sql.create(found)
    return found
