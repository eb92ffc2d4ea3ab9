"""Running SQL: texts, files, transactions, parameters, results and failures, all on the real database."""

from __future__ import annotations

import json

import pytest

from tests.workflows.conftest import Stack


@pytest.fixture(scope="module")
def warehouse(deployed: Stack) -> str:
    return deployed.provision()


def test_list_is_one_transaction(stack: Stack, warehouse: str) -> None:
    failed = stack.sql(warehouse, ["CREATE TABLE once (a INT)", "INSERT INTO once VALUES (1)", "INSERT INTO once VALUES ('x')"])
    assert (failed.status, failed.error) == ("FAILED", "StatementFailed")
    assert failed.cause.startswith("statement 3 of 3 (INSERT INTO once)"), failed.cause
    assert "invalid input syntax" in failed.cause
    gone = stack.sql(warehouse, "SELECT * FROM once")
    assert "does not exist" in gone.cause


def test_list_without_a_transaction_keeps_what_went_before(stack: Stack, warehouse: str) -> None:
    failed = stack.sql(warehouse, ["CREATE TABLE kept (a INT)", "INSERT INTO kept VALUES (1)", "SELECT nothing_such"], transaction=False)
    assert failed.error == "StatementFailed"
    assert failed.cause.startswith("statement 3 of 3"), failed.cause
    assert stack.rows(warehouse, "SELECT a FROM kept") == [[1]]


def test_file_of_statements_runs_in_order(stack: Stack, warehouse: str) -> None:
    text = "-- made by a test\nCREATE TABLE notes (n INT, t VARCHAR(20));\nINSERT INTO notes VALUES (1, 'a;b'), (2, 'it''s');\n/* end; */ SELECT t FROM notes ORDER BY n;"
    stack.sandbox.observe("s3").put_object(Bucket=stack.outputs["BucketName"], Key="sql/notes.sql", Body=text.encode())
    ended = stack.run("run_sql", {"warehouse": warehouse, "sql_uri": f"s3://{stack.outputs['BucketName']}/sql/notes.sql"})
    assert ended.succeeded, ended
    assert ended.output["statements"][-1]["rows"] == [["a;b"], ["it's"]]


def test_parameters_are_bound_and_never_become_sql(stack: Stack, warehouse: str) -> None:
    hostile = "x'; DROP TABLE users; --"
    ended = stack.sql(warehouse, "SELECT :value AS value, :number::INT + 1 AS number", parameters={"value": hostile, "number": 41})
    assert ended.output["statements"][0]["rows"] == [[hostile, 42]], ended


def test_large_result_lies_in_the_bucket(stack: Stack, warehouse: str) -> None:
    ended = stack.sql(warehouse, "SELECT n, REPEAT('x', 100) AS filler FROM generate_series(1, 4000) AS t(n)")
    uri = ended.output["statements"][0]["result_uri"]
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    lines = stack.sandbox.observe("s3").get_object(Bucket=bucket, Key=key)["Body"].read().splitlines()
    assert len(lines) == 4000
    assert json.loads(lines[0]) == {"n": 1, "filler": "x" * 100}


def test_result_is_put_into_the_bucket_when_asked(stack: Stack, warehouse: str) -> None:
    ended = stack.sql(warehouse, "SELECT 1 AS one", result="s3")
    assert ended.output["statements"][0]["result_uri"].startswith(f"s3://{stack.outputs['BucketName']}/results/")


def test_failure_carries_the_databases_own_words(stack: Stack, warehouse: str) -> None:
    failed = stack.sql(warehouse, "SELECT * FROM no_such_table")
    assert (failed.status, failed.error) == ("FAILED", "StatementFailed")
    assert 'relation "no_such_table" does not exist' in failed.cause


def test_cancelled_statement_ends_the_workflow_as_aborted(stack: Stack, warehouse: str) -> None:
    arn = stack.start("run_sql", {"warehouse": warehouse, "sql": "SELECT pg_sleep(60)"})
    stack.until(lambda: stack.items("CALLBACK#statement"), "the statement is submitted")
    data, statement = stack.sandbox.observe("redshift-data"), stack.items("CALLBACK#statement")[0]["sk"]
    stack.until(lambda: data.describe_statement(Id=statement)["Status"] == "STARTED", "the statement runs")
    data.cancel_statement(Id=statement)
    ended = stack.wait(arn)
    assert (ended.status, ended.error) == ("FAILED", "StatementAborted"), ended


def test_unknown_database_is_named(stack: Stack, warehouse: str) -> None:
    failed = stack.run("run_sql", {"warehouse": warehouse, "database": "nowhere", "sql": "SELECT 1"})
    assert failed.error == "StatementFailed", failed
    assert 'database "nowhere" does not exist' in failed.cause


BAD = [
    ({"sql": "SELECT 1", "frobnicate": 1}, "InvalidInput", "unknown field `frobnicate`"),
    ({"sql": 5}, "InvalidInput", "sql: Expected `str | array | null`, got `int`"),
    ({"sql": "  "}, "InvalidInput", "sql: holds no SQL statement"),
    ({"sql": "SELECT '" + "x" * 200_000 + "'"}, "InvalidInput", "the Data API takes up to 100000"),
    ({"sql": "SELECT 1", "sql_uri": "s3://b/k"}, "InvalidInput", "sql or sql_uri: give exactly one"),
    ({"sql": ["VACUUM", "SELECT 1"]}, "InvalidInput", "set transaction to false"),
    ({"sql": "SELECT 1", "warehouse": ""}, "InvalidInput", "warehouse: must not be empty"),
    ({"sql": "SELECT 1", "warehouse": "o'brien\"; --"}, "InvalidInput", "is not a warehouse name"),
    ({"sql": "SELECT 1", "warehouse": "no-such"}, "WarehouseNotFound", "no cluster and no workgroup of the name no-such"),
    ({"sql_uri": "s3://somebody-elses/file.sql"}, "InvalidInput", "must lie in the Autopilot bucket"),
]


@pytest.mark.parametrize(("given", "error", "message"), BAD, ids=[message[:30] for _, _, message in BAD])
def test_bad_input_is_named_and_nothing_is_written(
    stack: Stack, warehouse: str, given: dict[str, object], error: str, message: str
) -> None:
    before = stack.items("")
    ended = stack.run("run_sql", {"warehouse": warehouse, **given})
    assert (ended.status, ended.error) == ("FAILED", error), ended
    assert message in ended.cause
    assert stack.items("") == before
    assert stack.calls("redshift-data:ExecuteStatement") == stack.calls("redshift-data:BatchExecuteStatement") == 0
