"""Streams and integrations of a spec: what is refused, what is planned, and how the statements read."""

from __future__ import annotations

from typing import Any

import pytest
import sqlglot

from autopilot.domain.errors import InvalidInput
from autopilot.domain.inside import integrations, ordering, streams
from autopilot.domain.inside.expressions import condition_problem, selected_problem
from autopilot.domain.inside.integrating import ID_HERE, admitting
from autopilot.domain.inside.model import Catalog, Compared, Context, Known
from autopilot.domain.spec import Spec, parse_spec

ROLE = "arn:aws:iam::000000000000:role/streams"
CLUSTER = "arn:aws:kafka:us-east-1:000000000000:cluster/orders/0a1b2c3d-1111-2222-3333-444455556666-1"
BROKERS = "b-1.orders.kafka.us-east-1.amazonaws.com:9094,b-2.orders.kafka.us-east-1.amazonaws.com:9094"
CERTIFICATE = "arn:aws:acm:us-east-1:000000000000:certificate/0a1b2c3d"
SECRET = "arn:aws:secretsmanager:us-east-1:000000000000:secret:kafka-AbCdEf"
TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/Orders"
AURORA = "arn:aws:rds:us-east-1:000000000000:cluster:shop"
IDENTITY = "0a1b2c3d-1111-2222-3333-444455556666"
NOTHING: Catalog = {"streaming schemas": [], "streaming views": [], "streams scanned": []}
EMPTY: Catalog = {"integrations": [], "integration tables in error": [], "databases beside integrations": [{"database_name": "dev"}]}


def spec(**declared: Any) -> Spec:
    return parse_spec({"name": "analytics", **declared})


def stream(**fields: Any) -> dict[str, Any]:
    return {"name": "orders", "external_schema": "kds", "stream": "orders", "role": ROLE, **fields}


def integration(**fields: Any) -> dict[str, Any]:
    return {"name": "orders", "source_arn": TABLE, "database": "shop", **fields}


def refused(**declared: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        spec(**declared)
    return str(caught.value)


def context(known: dict[str, Known] | None = None, described: list[dict[str, Any]] | None = None, kind: str = "cluster") -> Context:
    return Context(
        warehouse="analytics",
        kind=kind,
        namespace=IDENTITY,
        account="000000000000",
        region="us-east-1",
        known=known or {},
        integrations=described or [],
    )


def statements(compared: Compared) -> list[str]:
    return [step.sql for step in ordering.ordered(compared.steps)]


def on_streams(seen: Catalog, known: dict[str, Known] | None = None, *, prune: bool = False, **fields: Any) -> Compared:
    return streams.compare(spec(streams=[stream(**fields)], prune=prune), {**NOTHING, **seen}, context(known))


def made(**fields: Any) -> dict[str, Known]:
    return {token: Known(*texts) for token, texts in streams.definitions(spec(streams=[stream(**fields)]), NOTHING).items()}


THERE: Catalog = {
    "streaming schemas": [{"schemaname": "kds", "eskind": 9, "esoptions": f'{{"IAM_ROLE":"{ROLE}"}}'}],
    # System tables pad names with blanks and say truth by a letter.
    "streaming views": [{"schema": "public   ", "name": "orders   ", "autorefresh": "t"}],
}


# Streams ------------------------------------------------------------------------------------------------------------


def test_a_missing_stream_gets_its_schema_and_then_its_view() -> None:
    schema, view = statements(on_streams({}))
    assert schema == f"CREATE EXTERNAL SCHEMA \"kds\" FROM KINESIS IAM_ROLE '{ROLE}'"
    assert view == (
        'CREATE MATERIALIZED VIEW "public"."orders" AUTO REFRESH YES AS SELECT approximate_arrival_timestamp, partition_key, shard_id, '
        'sequence_number, refresh_time, JSON_PARSE(kinesis_data) AS data FROM "kds"."orders" WHERE CAN_JSON_PARSE(kinesis_data)'
    )


def test_the_default_role_is_a_word_and_not_a_text() -> None:
    assert statements(on_streams({}, role="default"))[0] == 'CREATE EXTERNAL SCHEMA "kds" FROM KINESIS IAM_ROLE default'


def test_what_is_selected_and_how_rows_are_spread_is_the_specs() -> None:
    fields: dict[str, Any] = {
        "select": "partition_key AS pk, FROM_VARBYTE(kinesis_data, 'utf-8') AS body",
        "where": "partition_key <> 'x;y'",
        "auto_refresh": False,
        "distribution": {"style": "key", "column": "pk"},
        "sort": ["pk"],
    }
    assert statements(on_streams({}, **fields))[1] == (
        'CREATE MATERIALIZED VIEW "public"."orders" DISTSTYLE KEY DISTKEY ("pk") SORTKEY ("pk") AUTO REFRESH NO AS '
        "SELECT partition_key AS pk, FROM_VARBYTE(kinesis_data, 'utf-8') AS body FROM \"kds\".\"orders\" WHERE partition_key <> 'x;y'"
    )


@pytest.mark.parametrize(
    ("fields", "schema"),
    [
        (
            {"source": "msk", "cluster_arn": CLUSTER},
            f"CREATE EXTERNAL SCHEMA \"kds\" FROM MSK IAM_ROLE '{ROLE}' AUTHENTICATION iam CLUSTER_ARN '{CLUSTER}'",
        ),
        (
            {"source": "msk", "uri": BROKERS, "authentication": "none"},
            f"CREATE EXTERNAL SCHEMA \"kds\" FROM MSK AUTHENTICATION none URI '{BROKERS}'",
        ),
        (
            {"source": "kafka", "uri": BROKERS, "authentication": "mtls", "certificate_arn": CERTIFICATE},
            f"CREATE EXTERNAL SCHEMA \"kds\" FROM KAFKA IAM_ROLE '{ROLE}' AUTHENTICATION mtls URI '{BROKERS}' AUTHENTICATION_ARN '{CERTIFICATE}'",
        ),
        (
            {"source": "kafka", "uri": BROKERS, "authentication": "mtls", "secret_arn": SECRET},
            f"CREATE EXTERNAL SCHEMA \"kds\" FROM KAFKA IAM_ROLE '{ROLE}' AUTHENTICATION mtls URI '{BROKERS}' SECRET_ARN '{SECRET}'",
        ),
    ],
)
def test_kafka_reads_as_aws_documents_it(fields: dict[str, Any], schema: str) -> None:
    first, view = statements(on_streams({}, **fields))
    assert first == schema
    assert view.endswith('JSON_PARSE(kafka_value) AS data FROM "kds"."orders" WHERE CAN_JSON_PARSE(kafka_value)')
    assert sqlglot.parse_one(view, read="redshift").find(sqlglot.exp.Select)


def test_a_stream_that_is_as_declared_asks_for_nothing() -> None:
    assert on_streams(THERE, made()) == Compared()


def test_automatic_refresh_is_set_where_it_differs() -> None:
    assert statements(on_streams(THERE, made(auto_refresh=False), auto_refresh=False)) == [
        'ALTER MATERIALIZED VIEW "public"."orders" AUTO REFRESH NO'
    ]


@pytest.mark.parametrize(
    ("changed", "known"), [({"where": "true", "select": "partition_key"}, made()), ({}, {})], ids=["changed", "made by somebody else"]
)
def test_a_view_that_is_another_is_kept_with_what_to_do(changed: dict[str, Any], known: dict[str, Known]) -> None:
    compared = on_streams(THERE, known, prune=True, **changed)
    assert not compared.steps
    assert [(one.object, one.fate) for one in compared.drift] == [("streaming view public.orders", "kept")]


def test_another_role_alters_a_kafka_schema_and_is_said_of_a_kinesis_one() -> None:
    kafka: dict[str, Any] = {"source": "msk", "cluster_arn": CLUSTER}
    other = "arn:aws:iam::000000000000:role/other"
    there = {**THERE, "streaming schemas": [{"schemaname": "kds", "eskind": 10, "esoptions": ""}]}
    assert statements(on_streams(there, made(**kafka), **kafka, role=other)) == [
        f"ALTER EXTERNAL SCHEMA \"kds\" IAM_ROLE '{other}' AUTHENTICATION iam CLUSTER_ARN '{CLUSTER}'"
    ]
    compared = on_streams(THERE, made(), role=other)
    assert not compared.steps
    assert "cannot be altered" in compared.drift[0].what


def test_a_schema_of_another_service_is_left_alone() -> None:
    compared = on_streams(THERE, made(), source="msk", cluster_arn=CLUSTER)
    assert compared.steps == []
    assert compared.drift[0].object == "external schema kds"
    assert "kinesis" in compared.drift[0].what


@pytest.mark.parametrize(("prune", "read", "fate"), [(False, False, "reported"), (True, False, "removed"), (True, True, "kept")])
def test_a_schema_that_is_not_declared_goes_only_when_nothing_reads_it(prune: bool, read: bool, fate: str) -> None:
    seen = {
        "streaming schemas": [*THERE["streaming schemas"], {"schemaname": "old", "eskind": 9, "esoptions": ""}],
        "streaming views": [*THERE["streaming views"], {"schema": "public", "name": "clicks", "autorefresh": "f"}],
        "streams scanned": [{"external_schema_name": "old", "stream_name": "clicks", "mv_name": "clicks"}] if read else [],
    }
    compared = on_streams(seen, made(), prune=prune)
    assert {one.object: one.fate for one in compared.drift}["external schema old"] == fate
    assert statements(compared) == (['DROP SCHEMA "old" RESTRICT'] if fate == "removed" else [])
    assert not read or {one.object: one.fate for one in compared.drift}["streaming view public.clicks"] == "kept"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"cluster_arn": CLUSTER}, "spec.streams[0].cluster_arn: is for msk and kafka"),
        ({"authentication": "none"}, "spec.streams[0].authentication: Kinesis takes iam only"),
        ({"source": "msk"}, "exactly one of uri and cluster_arn"),
        ({"source": "kafka"}, "kafka needs one"),
        ({"source": "kafka", "cluster_arn": CLUSTER}, "kafka takes a uri"),
        ({"source": "kafka", "uri": BROKERS, "authentication": "mtls"}, "mtls needs exactly one"),
        ({"source": "kafka", "uri": BROKERS, "secret_arn": SECRET}, "secret_arn: is for authentication mtls"),
        ({"name": 'a"b'}, "spec.streams[0].name: 'a\"b' holds a double quote"),
        ({"external_schema": "KDS"}, "capital letter"),
        ({"sort": ["x\ny"]}, "spec.streams[0].sort[0]: 'x\\ny' holds a control character"),
        ({"distribution": {"style": "key"}}, "distribution.column: goes with style key"),
        ({"select": "1; DROP TABLE x"}, "spec.streams[0].select: "),
        ({"where": "true) UNION (SELECT 1"}, "spec.streams[0].where: "),
        ({"stream": 'orders"; DROP'}, "spec.streams[0].stream"),
    ],
)
def test_what_contradicts_in_a_stream_is_said_with_its_path(fields: dict[str, Any], said: str) -> None:
    assert said in refused(streams=[stream(**fields)])


def test_what_contradicts_between_streams_and_other_sections_is_said() -> None:
    assert "declared twice" in refused(streams=[stream(), stream()])
    assert "another source, role or connection" in refused(streams=[stream(), stream(name="b", role="default")])
    assert "schema of another kind" in refused(streams=[stream()], schemas=[{"name": "kds"}])
    assert "as a view, too" in refused(streams=[stream()], materialized_views=[{"name": "orders", "query": "SELECT 1"}])
    off = {"values": {"require_ssl": True}}
    assert "enable_case_sensitive_identifier" in refused(streams=[stream(stream="Orders")], parameters=off)
    assert '"kds"."Orders"' in statements(on_streams({}, stream="Orders"))[1]


@pytest.mark.parametrize(
    "text",
    [
        "1; DROP TABLE x",
        "1 FROM other",
        "1 -- ",
        "1 /* ",
        "1 /* x */",
        "1) FROM (SELECT 2",
        "1 UNION SELECT 2",
        "'unclosed",
        "DISTINCT a",
        "1 INTO stolen",
        "",
        "a LIMIT 1",
        "a WHERE true",
    ],
)
def test_what_is_no_list_of_columns_cannot_break_out(text: str) -> None:
    assert selected_problem(text)


@pytest.mark.parametrize(
    "text",
    [
        "true; DROP TABLE x",
        "true GROUP BY a",
        "true --",
        "true) OR (true",
        "true UNION SELECT 1",
        "true ORDER BY 1",
        "'",
        "a = 1 /* x */",
        "",
        "true LIMIT 1",
    ],
)
def test_what_is_no_condition_cannot_break_out(text: str) -> None:
    assert condition_problem(text)


def test_marks_of_comments_and_statements_in_strings_are_only_text() -> None:
    assert not selected_problem('\'-- ; /*\' AS note, "a -- b", data."x"[0]::varchar(10)')
    assert not condition_problem("note <> 'a;b -- c' AND CAN_JSON_PARSE(kinesis_data)")


# Integrations -------------------------------------------------------------------------------------------------------


def on_integrations(
    seen: Catalog | None = None, described: list[dict[str, Any]] | None = None, known: dict[str, Known] | None = None, **fields: Any
) -> Compared:
    return integrations.compare(spec(integrations=[integration(**fields)]), {**EMPTY, **(seen or {})}, context(known, described))


def described(status: str = "active", **fields: Any) -> dict[str, Any]:
    arn = f"arn:aws:redshift:us-east-1:000000000000:integration:{IDENTITY}"
    return {"IntegrationArn": arn, "SourceArn": TABLE, "Status": status, "Errors": [], **fields}


SHOWN: Catalog = {"integrations": [{"integration_id": IDENTITY, "target_database": "shop"}]}


def test_a_missing_integration_is_made_and_its_database_comes_after_it() -> None:
    create, database = ordering.ordered(on_integrations().steps)
    assert (create.call, create.again) == ("create_integration", True)
    assert create.arguments == {
        "name": "orders",
        "source_arn": TABLE,
        "target_arn": f"arn:aws:redshift:us-east-1:000000000000:namespace:{IDENTITY}",
    }
    assert database.alone
    assert database.sql == f"CREATE DATABASE \"shop\" FROM INTEGRATION '{ID_HERE}'"


def test_a_workgroups_namespace_is_named_as_serverless_names_it() -> None:
    compared = integrations.compare(spec(kind="workgroup", integrations=[integration()]), EMPTY, context(kind="workgroup"))
    arn = f"arn:aws:redshift-serverless:us-east-1:000000000000:namespace/{IDENTITY}"
    assert compared.steps[0].arguments["target_arn"] == arn


def test_an_active_integration_gets_its_database_with_its_settings() -> None:
    settings: dict[str, Any] = {
        "refresh_interval_seconds": 300,
        "query_all_states": True,
        "accept_invalid_characters": True,
        "truncate_columns": False,
        "history_mode": True,
    }
    [database] = statements(on_integrations(described=[described()], **settings))
    assert database == (
        f"CREATE DATABASE \"shop\" FROM INTEGRATION '{IDENTITY}' SET ACCEPTINVCHARS = TRUE QUERY_ALL_STATES = TRUE REFRESH_INTERVAL 300 "
        "TRUNCATECOLUMNS = FALSE HISTORY_MODE = TRUE"
    )
    aurora: dict[str, Any] = {"source_arn": AURORA, "source_database": "it's"}
    assert statements(on_integrations(described=[described(SourceArn=AURORA)], **aurora)) == [
        f"CREATE DATABASE \"shop\" FROM INTEGRATION '{IDENTITY}' DATABASE 'it''s'"
    ]


def test_an_integration_that_is_shown_asks_for_nothing() -> None:
    assert on_integrations(SHOWN, [described()]) == Compared()


@pytest.mark.parametrize("status", ["creating", "failed"])
def test_an_integration_that_is_not_active_is_looked_at_by_the_call(status: str) -> None:
    steps = on_integrations(described=[described(status)]).steps
    assert steps[0].call == "create_integration"
    assert [step.name for step in steps[1:]] == (["create database shop"] if status == "creating" else [])


def test_tables_in_error_are_refreshed_and_said_unless_that_is_turned_off() -> None:
    failed = [
        {"integration_id": IDENTITY, "target_database": "shop", "schema_name": "public", "table_name": "a", "reason": "no primary key"}
    ]
    seen = {**SHOWN, "integration tables in error": failed}
    compared = on_integrations(seen, [described("needs_attention", Errors=[{"ErrorCode": "x", "ErrorMessage": "look"}])])
    assert statements(compared) == ['ALTER DATABASE "shop" INTEGRATION REFRESH INERROR TABLES']
    assert "no primary key" in compared.steps[0].reason
    assert "look (x)" in compared.drift[-1].what
    assert not on_integrations(seen, [described()], refresh_on_error=False).steps


def test_other_settings_are_set_once() -> None:
    settings: dict[str, Any] = {"refresh_interval_seconds": 60}
    declared = spec(integrations=[integration(**settings)])
    sql = 'ALTER DATABASE "shop" INTEGRATION SET REFRESH_INTERVAL 60'
    assert statements(on_integrations(SHOWN, [described()], {}, **settings)) == [sql]
    known = {token: Known(*texts) for token, texts in integrations.definitions(declared, EMPTY).items()}
    assert on_integrations(SHOWN, [described()], known, **settings) == Compared()


def test_nothing_that_holds_data_is_ever_deleted() -> None:
    other = described(SourceArn=AURORA)
    compared = integrations.compare(spec(integrations=[], prune=True), EMPTY, context(described=[other]))
    assert not compared.steps
    assert [(one.object, one.fate) for one in compared.drift] == [(f"integration {IDENTITY}", "kept")]
    taken = {"databases beside integrations": [{"database_name": "shop"}]}
    compared = on_integrations(taken, [described()])
    assert not compared.steps
    assert "shows something else" in compared.drift[0].what


def test_an_integration_that_is_declared_otherwise_than_it_was_made_is_kept_for_a_person() -> None:
    made_with = {token: Known(*texts) for token, texts in integrations.definitions(spec(integrations=[integration()]), EMPTY).items()}
    assert on_integrations(SHOWN, [described()], made_with) == Compared()
    compared = on_integrations(SHOWN, [described()], made_with, description="new")
    assert not compared.steps
    assert [(one.object, one.fate) for one in compared.drift] == [(f"integration {IDENTITY}", "kept")]


def test_the_policy_of_a_namespace_admits_a_source_beside_what_it_said() -> None:
    target = f"arn:aws:redshift:us-east-1:000000000000:namespace:{IDENTITY}"
    other = {"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "redshift:CreateInboundIntegration"}
    first = admitting({"Version": "2012-10-17", "Statement": other}, target, TABLE)
    assert first
    assert first["Statement"][0] == other
    assert first["Statement"][1]["Condition"] == {"StringEquals": {"aws:SourceArn": TABLE}}
    assert admitting(first, target, TABLE) is None
    second = admitting(first, target, AURORA)
    assert second
    assert len(second["Statement"]) == 3


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"data_filter": "include: *.*"}, "spec.integrations[0].data_filter: is for Aurora and RDS"),
        ({"source_database": "x"}, "source_database: is for Aurora and RDS"),
        ({"database": "dev"}, "is the warehouse's own first database"),
        ({"database": "a\x00b"}, "control character"),
        ({"name": "-x"}, "spec.integrations[0].name"),
        ({"source_arn": "arn:aws:s3:::bucket"}, "spec.integrations[0].source_arn"),
    ],
)
def test_what_contradicts_in_an_integration_is_said_with_its_path(fields: dict[str, Any], said: str) -> None:
    assert said in refused(integrations=[integration(**fields)])


def test_integrations_are_refused_where_the_parameters_leave_case_sensitivity_off() -> None:
    off = {"values": {"require_ssl": True}}
    assert "need enable_case_sensitive_identifier: true" in refused(integrations=[integration()], parameters=off)
    on = {"values": {"enable_case_sensitive_identifier": True}}
    assert spec(integrations=[integration()], parameters=on).integrations
    assert "declared twice" in refused(integrations=[integration(), integration(name="b", database="c")])


def test_a_section_that_is_not_declared_asks_nothing() -> None:
    bare = spec()
    assert streams.questions(bare) == integrations.questions(bare) == []
    assert streams.compare(bare, {}, context()) == integrations.compare(bare, {}, context()) == Compared()
