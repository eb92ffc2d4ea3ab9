"""`run_sql`: the request is checked, each unit is submitted once, its end is waited for, and its rows are read or written."""

from __future__ import annotations

from typing import Any

import pytest

from autopilot.domain.errors import AccessDenied, AwsRefused, InvalidInput, Throttled, WarehouseNotFound, WarehouseUnavailable
from autopilot.domain.sql import client_token
from tests.handlers.account import BUCKET, Aws, Handle, execution, reference, sample
from tests.handlers.wiring import Refusal

ME = execution("run-sql")
TARGET = {"kind": "cluster", "name": "analytics", "database": "dev", "method": "temporary credentials", "db_user": "awsuser"}
SECRET_ARN = "arn:aws:secretsmanager:us-east-1:000000000000:secret:redshift!analytics"


def look(**given: Any) -> dict[str, Any]:
    return sample("run_sql") | {"input": {"warehouse": "analytics", **given}}


def run(*, attempt: int = 0, token: str | None = None, unit: int = 0, version: str | None = None, **given: Any) -> dict[str, Any]:
    waiting = {"token": token or "token", "attempt": attempt, "last_attempt": 720, "execution": ME}
    return {"step": "run", "input": {"warehouse": "analytics", **given}, "target": TARGET, "unit": unit, "version": version, **waiting}


def probe(*, attempt: int = 0, token: str | None = None, name: str = "analytics", kind: str = "cluster") -> dict[str, Any]:
    waiting = {"token": token or "token", "attempt": attempt, "last_attempt": 60, "execution": ME}
    return {"step": "probe", "warehouse": reference(name, kind), **waiting}


def fetch(statement_id: str, *, result: str = "rows", budget_bytes: int = 200_000, unit: int = 0, name: str = "sample") -> dict[str, Any]:
    asked = {"statement_id": statement_id, "unit": unit, "result": result, "budget_bytes": budget_bytes}
    return {"step": "fetch", "execution": execution("run-sql", name), **asked}


@pytest.fixture(autouse=True)
def _running(aws: Aws) -> None:
    aws.start(ME)


# --- look -------------------------------------------------------------------------------------------------------------


def test_sample_plans_one_statement_with_temporary_credentials(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    plan = handle(sample("run_sql"))
    assert (plan["action"], plan["reason"]) == ("run", "1 unit of SQL to run in cluster analytics")
    assert (plan["units"], plan["statements"], plan["budget_bytes"], plan["dry_run"]) == ([0], 1, 200_000, True)
    assert plan["signed_in_as"] == "temporary credentials for awsuser"
    assert plan["target"] == TARGET | {"secret_arn": None}
    assert aws.order == ["describe_clusters"]


def test_statements_outside_a_transaction_are_units_that_share_the_room_for_rows(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    plan = handle(look(sql=["SELECT 1", "SELECT 2; SELECT 3", "VACUUM"], transaction=False))
    assert (plan["units"], plan["statements"], plan["budget_bytes"]) == ([0, 1, 2, 3], 4, 50_000)


def test_list_is_one_transaction(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    plan = handle(look(sql=["SELECT 1", "SELECT 2"]))
    assert (plan["units"], plan["statements"]) == ([0], 2)


def test_managed_secret_is_preferred_and_only_its_address_is_known(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(MasterPasswordSecretArn=SECRET_ARN)
    plan = handle(look(sql="SELECT 1", database="sales"))
    assert plan["signed_in_as"] == "the admin secret that Redshift manages"
    assert plan["target"] == {
        "kind": "cluster",
        "name": "analytics",
        "database": "sales",
        "method": "secret",
        "secret_arn": SECRET_ARN,
        "db_user": None,
    }


def test_file_is_read_and_its_version_is_kept(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    version = aws.write("sql/load.sql", "SELECT 1;\nSELECT 2;\n")
    plan = handle(look(sql_uri=f"s3://{BUCKET}/sql/load.sql"))
    assert (plan["statements"], plan["version"]) == (2, version)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "sql or sql_uri: give exactly one of them, none was given"),
        ({"sql": "SELECT 1", "sql_uri": "s3://b/k"}, "sql or sql_uri: give exactly one of them, both were given"),
        ({"sql": " ;; "}, "sql: holds no SQL statement"),
        ({"sql": 1}, "sql: Expected `str | array | null`, got `int`"),
        (
            {"sql": "SELECT '" + "x" * 300_000 + "'"},
            "sql: statement 1 has 300009 bytes; the Data API takes up to 100000. Load data by COPY instead",
        ),
        ({"sql": "SELECT 1", "database": ""}, "database: Expected `str` of length >= 1"),
        ({"sql": "SELECT 1", "result": "csv"}, "result: Invalid enum value 'csv'"),
        (
            {"sql": "SELECT :a", "parameters": {"a b": 1}},
            "parameters: 'a b' is not a parameter name; letters, digits and underscores, not starting with a digit",
        ),
        (
            {"sql": "SELECT :a", "parameters": {"a": ""}},
            "parameters.a: must not be empty; the Data API takes values of 1 character or more",
        ),
        (
            {"sql": "SELECT :greeting", "parameters": {"greeting": "hello", "greting": "hello"}},
            "parameters: no statement names :greting; check the spelling, or leave it out",
        ),
        ({"sql_uri": "https://example.org/x.sql"}, "sql_uri: 'https://example.org/x.sql' is not of the form s3://bucket/key"),
        (
            {"sql_uri": "s3://another-bucket/x.sql"},
            f"sql_uri: the file must lie in the Autopilot bucket s3://{BUCKET}/, the only one that these functions may read",
        ),
        (
            {"sql_uri": f"s3://{BUCKET}/missing.sql"},
            f"sql_uri: s3://{BUCKET}/missing.sql does not exist, or these functions may not read it",
        ),
        (
            {"sql": "SELECT 1", "rows": 5},
            "Object contains unknown field `rows`. Allowed fields: reason, dry_run, warehouse, database, sql, sql_uri, parameters, transaction, result",
        ),
    ],
)
def test_bad_input_is_refused_in_words_and_nothing_is_submitted(aws: Aws, handle: Handle, given: dict[str, Any], message: str) -> None:
    aws.clusters.add()
    with pytest.raises(InvalidInput) as refused:
        handle(look(**given))
    assert str(refused.value) == message
    assert aws.data.statements == {}
    assert aws.items() == []


def test_file_that_is_no_text_is_refused(aws: Aws, handle: Handle) -> None:
    aws.write("sql/image.sql", b"\x89PNG\xff")
    with pytest.raises(InvalidInput, match=f"^sql_uri: s3://{BUCKET}/sql/image.sql is not UTF-8 text$"):
        handle(look(sql_uri=f"s3://{BUCKET}/sql/image.sql"))


def test_file_that_is_too_large_is_refused_unread(aws: Aws, handle: Handle) -> None:
    aws.write("sql/huge.sql", b" " * 5_000_001)
    with pytest.raises(InvalidInput, match=r"huge\.sql has 5000001 bytes; up to 5000000 are read$"):
        handle(look(sql_uri=f"s3://{BUCKET}/sql/huge.sql"))


def test_unknown_warehouse_is_named(aws: Aws, handle: Handle) -> None:
    with pytest.raises(WarehouseNotFound, match="no cluster and no workgroup of the name analytics"):
        handle(look(sql="SELECT 1"))
    assert aws.data.statements == {}


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("paused", "cluster analytics is paused and takes no SQL; start resume_warehouse for it first"),
        ("resuming", "cluster analytics is resuming and takes no SQL; wait until it is available"),
    ],
)
def test_warehouse_that_takes_no_sql_says_what_to_do(aws: Aws, handle: Handle, status: str, message: str) -> None:
    aws.clusters.add(status=status)
    with pytest.raises(WarehouseUnavailable) as refused:
        handle(look(sql="SELECT 1"))
    assert str(refused.value) == message


# --- run --------------------------------------------------------------------------------------------------------------


def test_statement_is_submitted_with_a_hashed_token_and_its_end_is_announced(aws: Aws, handle: Handle) -> None:
    answer = handle(run(sql="SELECT :greeting", parameters={"greeting": "hello"}))
    assert answer == {"outcome": "waiting", "statement_id": aws.data.last}
    assert aws.calls("execute_statement") == [
        {
            "Sql": "SELECT :greeting",
            "ClusterIdentifier": "analytics",
            "Database": "dev",
            "DbUser": "awsuser",
            "StatementName": "autopilot",
            "ClientToken": client_token(ME, 0),
            "WithEvent": True,
            "Parameters": [{"name": "greeting", "value": "hello"}],
        }
    ]
    assert aws.waiting() == ["token"]


def test_statement_is_looked_at_only_after_its_callback_is_stored(aws: Aws, handle: Handle) -> None:
    handle(run(sql="SELECT 1"))
    assert aws.order == ["execute_statement", "put_item", "describe_execution", "describe_statement"]


def test_batch_is_submitted_as_one_transaction(aws: Aws, handle: Handle) -> None:
    handle(run(sql=["SELECT 1", "SELECT :n"], parameters={"n": 2}))
    request = aws.calls("batch_execute_statement")[0]
    assert (request["Sqls"], request["Parameters"]) == (["SELECT 1", "SELECT :n"], [{"name": "n", "value": "2"}])


def test_unit_is_sent_only_the_parameters_that_it_names(aws: Aws, handle: Handle) -> None:
    given: dict[str, Any] = {"sql": ["SELECT :a, ':b'", "SELECT :b, b::a -- :a"], "parameters": {"a": 1, "b": "x"}, "transaction": False}
    handle(run(**given))
    handle(run(**given, unit=1, token="second"))
    first, second = aws.calls("execute_statement")
    assert first["Parameters"] == [{"name": "a", "value": "1"}]
    assert second["Parameters"] == [{"name": "b", "value": "x"}]
    assert first["ClientToken"] != second["ClientToken"]


def test_a_retry_does_not_submit_the_statement_again(aws: Aws, handle: Handle) -> None:
    handle(run(sql="SELECT 1"))
    answer = handle(run(sql="SELECT 1", token="second", attempt=1))
    assert len(aws.calls("execute_statement")) == 1
    assert answer["statement_id"] == aws.data.last
    assert aws.waiting() == ["second"]


def test_a_retry_whose_callback_was_lost_is_recognised_by_its_token(aws: Aws, handle: Handle) -> None:
    aws.fail("dynamodb", "put_item", Refusal("ThrottlingException", "slow down"))
    with pytest.raises(Throttled):
        handle(run(sql="SELECT 1"))
    handle(run(sql="SELECT 1", token="second", attempt=1))
    assert len(aws.data.statements) == 1


def test_statement_that_ended_at_once_is_answered_at_once(aws: Aws, handle: Handle) -> None:
    handle(run(sql="DELETE FROM t"))
    aws.data.finish(aws.data.last, 7)
    answer = handle(run(sql="DELETE FROM t", token="second", attempt=1))
    assert answer == {"outcome": "answered", "statement_id": aws.data.last}
    assert aws.answer_to("second") == {
        "output": {
            "statement_id": aws.data.last,
            "results": [{"statement_id": aws.data.last, "rows": 7, "duration_ms": 12, "has_result": False}],
        }
    }
    assert aws.waiting() == []


def test_failed_statement_is_answered_in_the_databases_words(aws: Aws, handle: Handle) -> None:
    handle(run(sql="SELECT nothing"))
    aws.data.end_badly(aws.data.last, "FAILED", 'ERROR: column "nothing" does not exist')
    handle(run(sql="SELECT nothing", token="second", attempt=1))
    assert aws.answer_to("second") == {"error": "StatementFailed", "cause": 'ERROR: column "nothing" does not exist'}


@pytest.mark.parametrize(("status", "error"), [("FAILED", "StatementFailed"), ("ABORTED", "StatementAborted")])
def test_failing_unit_of_several_is_named(aws: Aws, handle: Handle, status: str, error: str) -> None:
    given: dict[str, Any] = {"sql": ["SELECT 1", "SELECT nothing", "SELECT 3"], "transaction": False}
    handle(run(**given, unit=1))
    aws.data.end_badly(aws.data.last, status, "no such column")
    handle(run(**given, unit=1, token="second", attempt=1))
    assert aws.answer_to("second") == {"error": error, "cause": "statement 2 of 3: no such column"}


def test_statement_of_an_execution_that_was_stopped_meanwhile_is_cancelled(aws: Aws, handle: Handle) -> None:
    aws.executions.status[ME] = "ABORTED"
    answer = handle(run(sql="SELECT 1"))
    assert answer["outcome"] == "cancelled"
    assert aws.data.statements[aws.data.last][0].status == "ABORTED"
    assert aws.waiting() == []


def test_statement_that_was_waited_for_too_long_is_cancelled(aws: Aws, handle: Handle) -> None:
    handle(run(sql="SELECT 1"))
    handle(run(sql="SELECT 1", token="last", attempt=720))
    assert aws.answer_to("last") == {
        "error": "WaitedTooLong",
        "cause": f"gave up waiting: the statement {aws.data.last} is SUBMITTED",
    }
    assert aws.data.statements[aws.data.last][0].status == "ABORTED"
    assert aws.waiting() == []


def test_statement_waited_for_too_long_is_not_run_again_when_its_task_could_not_be_told(aws: Aws, handle: Handle) -> None:
    handle(run(sql="SELECT 1"))
    aws.fail("stepfunctions", "send_task_failure", Refusal("ThrottlingException", "Rate exceeded"))
    with pytest.raises(Throttled):
        handle(run(sql="SELECT 1", token="last", attempt=720))
    aws.data.by_token.clear()  # the Data API has forgotten the client token, as it does after 8 hours
    handle(run(sql="SELECT 1", token="retried", attempt=721))
    assert len(aws.data.statements) == 1


def test_file_is_run_as_it_was_when_it_was_planned(aws: Aws, handle: Handle) -> None:
    version = aws.write("sql/changing.sql", "SELECT 'planned'")
    aws.write("sql/changing.sql", "SELECT 'later'")
    handle(run(sql_uri=f"s3://{BUCKET}/sql/changing.sql", version=version))
    assert aws.calls("execute_statement")[0]["Sql"] == "SELECT 'planned'"


@pytest.mark.parametrize(
    ("code", "status", "raised"),
    [
        ("ActiveStatementsExceededException", 400, Throttled),
        ("ExecuteStatementException", 500, Throttled),
        ("ValidationException", 400, AwsRefused),
        ("AccessDeniedException", 400, AccessDenied),
    ],
)
def test_refused_submission_stores_no_callback(aws: Aws, handle: Handle, code: str, status: int, raised: type[Exception]) -> None:
    aws.fail("redshift-data", "execute_statement", Refusal(code, "no", status))
    with pytest.raises(raised) as refused:
        handle(run(sql="SELECT 1"))
    assert type(refused.value) is raised
    assert str(refused.value) == f"AWS refused to run SQL in dev of cluster analytics: no ({code})"
    assert aws.items() == []


# --- probe ------------------------------------------------------------------------------------------------------------


def test_probe_asks_select_1(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    handle(probe())
    aws.data.finish(aws.data.last, (["?column?"], [[1]]))
    assert aws.calls("execute_statement")[0]["Sql"] == "SELECT 1"
    assert aws.waiting() == ["token"]


def test_probe_that_still_runs_is_not_repeated(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    handle(probe())
    handle(probe(token="second", attempt=1))
    assert len(aws.data.statements) == 1
    assert aws.waiting() == ["second"]


def test_probe_that_failed_is_repeated(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    handle(probe())
    aws.data.end_badly(aws.data.last, "FAILED", "connection refused")
    handle(probe(token="second", attempt=1))
    assert aws.answer_to("second") == {"error": "StatementFailed", "cause": "connection refused"}
    handle(probe(token="third", attempt=2))
    assert len(aws.data.statements) == 2
    assert aws.waiting() == ["third"]


def test_workgroup_is_probed_with_its_managed_secret(aws: Aws, handle: Handle) -> None:
    aws.serverless.add("adhoc")
    handle(probe(name="adhoc", kind="workgroup"))
    request = aws.calls("execute_statement")[0]
    assert (request["WorkgroupName"], request["SecretArn"]) == (
        "adhoc",
        "arn:aws:secretsmanager:us-east-1:000000000000:secret:redshift!adhoc",
    )


# --- fetch ------------------------------------------------------------------------------------------------------------


def submitted(aws: Aws, *sqls: str) -> str:
    target = {"ClusterIdentifier": "analytics", "Database": "dev"}
    if len(sqls) == 1:
        return str(aws.data.execute_statement(Sql=sqls[0], ClientToken="x", **target)["Id"])
    return str(aws.data.batch_execute_statement(Sqls=list(sqls), ClientToken="x", **target)["Id"])


def test_few_rows_come_with_the_answer(aws: Aws, handle: Handle) -> None:
    statement = submitted(aws, "SELECT")
    aws.data.finish(statement, (["id", "name", "share"], [[1, "a", 0.5], [2, None, None]]))
    assert handle(fetch(statement)) == {
        "statement_id": statement,
        "statements": [
            {
                "number": 1,
                "rows_affected": 2,
                "duration_ms": 12,
                "columns": ["id", "name", "share"],
                "rows": [[1, "a", 0.5], [2, None, None]],
            }
        ],
    }


def test_rows_of_all_pages_are_read(aws: Aws, handle: Handle) -> None:
    statement = submitted(aws, "SELECT")
    aws.data.finish(statement, (["n"], [[n] for n in range(250)]))
    assert handle(fetch(statement))["statements"][0]["rows"] == [[n] for n in range(250)]


def test_rows_above_the_budget_go_to_the_bucket_whole(aws: Aws, handle: Handle) -> None:
    statement = submitted(aws, "SELECT")
    aws.data.finish(statement, (["n", "text"], [[n, "x" * 90] for n in range(250)]))
    outcome = handle(fetch(statement, budget_bytes=10_000, unit=1, name="large"))["statements"][0]
    assert outcome["result_uri"] == f"s3://{BUCKET}/results/large/2-1.jsonl"
    assert "rows" not in outcome
    assert aws.read(outcome["result_uri"]) == [{"n": n, "text": "x" * 90} for n in range(250)]


def test_rows_go_to_the_bucket_when_asked_for(aws: Aws, handle: Handle) -> None:
    statement = submitted(aws, "SELECT")
    aws.data.finish(statement, (["n"], []))
    outcome = handle(fetch(statement, result="s3", name="asked"))["statements"][0]
    assert aws.read(outcome["result_uri"]) == []


def test_statements_of_a_batch_share_the_budget(aws: Aws, handle: Handle) -> None:
    statement = submitted(aws, "SELECT", "DELETE", "SELECT")
    rows = [["x" * 600]]
    aws.data.finish(statement, (["a"], rows), 3, (["a"], rows))
    first, second, third = handle(fetch(statement, budget_bytes=1_000, name="shared"))["statements"]
    assert first["rows"] == rows
    assert second == {"number": 2, "rows_affected": 3, "duration_ms": 12}
    assert third["result_uri"].endswith("/1-3.jsonl")


@pytest.mark.parametrize("spare", [0, -1])
def test_budget_counts_columns_and_rows_as_lambda_writes_them(aws: Aws, handle: Handle, spare: int) -> None:
    statement = submitted(aws, "SELECT")
    aws.data.finish(statement, (["a"], [["é"]]))
    needed = len(r'["a"], ["\u00e9"], ')
    outcome = handle(fetch(statement, budget_bytes=needed + spare, name=f"spare{spare}"))["statements"][0]
    assert ("rows" in outcome) is (spare == 0)


def test_throttled_page_is_reported_under_its_own_name(aws: Aws, handle: Handle) -> None:
    statement = submitted(aws, "SELECT")
    aws.data.finish(statement, (["n"], [[1]]))
    aws.fail("redshift-data", "get_statement_result", Refusal("ThrottlingException", "Rate exceeded"))
    with pytest.raises(Throttled, match=f"read the result of statement {statement}"):
        handle(fetch(statement))


def test_file_keeps_columns_of_the_same_name_apart(aws: Aws, handle: Handle) -> None:
    statement = submitted(aws, "SELECT 1, 2")
    aws.data.finish(statement, (["?column?", "?column?"], [[1, 2]]))
    outcome = handle(fetch(statement, result="s3", name="twice"))["statements"][0]
    assert aws.read(outcome["result_uri"]) == [{"?column?": 1, "?column?_2": 2}]
    assert handle(fetch(statement))["statements"][0]["columns"] == ["?column?", "?column?"]


def test_whole_numbers_that_a_workflow_would_round_come_as_text(aws: Aws, handle: Handle) -> None:
    statement = submitted(aws, "SELECT")
    aws.data.finish(statement, (["n"], [[2**53], [2**53 + 1]]))
    assert handle(fetch(statement))["statements"][0]["rows"] == [[2**53], ["9007199254740993"]]


@pytest.mark.parametrize(("code", "raised"), [("AccessDenied", AccessDenied), ("SlowDown", Throttled)])
def test_refused_upload_keeps_its_own_name(aws: Aws, handle: Handle, code: str, raised: type[Exception]) -> None:
    statement = submitted(aws, "SELECT")
    aws.data.finish(statement, (["n"], [[1]]))
    aws.fail("s3", "put_object", Refusal(code, "no"))
    with pytest.raises(raised):
        handle(fetch(statement, result="s3"))


# --- cancel -----------------------------------------------------------------------------------------------------------


def test_cancel_ends_what_the_execution_still_runs_and_nothing_else(aws: Aws, handle: Handle) -> None:
    handle(run(sql="SELECT 1"))
    mine = aws.data.last
    theirs = submitted(aws, "SELECT 2")
    aws.wait_for("statement", "theirs", subject=theirs, execution=execution("run-sql", "theirs"))
    assert handle({"step": "cancel", "execution": ME}) == {"outcome": "cancelled", "statements": 1}
    assert aws.calls("cancel_statement") == [{"Id": mine}]
    assert aws.waiting() == ["theirs"]


def test_cancel_twice_does_no_harm(handle: Handle) -> None:
    handle(run(sql="SELECT 1"))
    cancelled = [handle({"step": "cancel", "execution": ME})["statements"] for _ in range(2)]
    assert cancelled == [1, 0]
