"""What lies inside a warehouse is made what the spec says: planned from its catalog, applied unit by unit, and looked at again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.driver import Ended
from tests.workflows.conftest import Stack

#: A schema of an owner who does not exist can be planned, and not be made.
UNMADE = {"name": "unmade", "owner": "nobody"}


@pytest.fixture(scope="module")
def warehouse(deployed: Stack) -> str:
    return deployed.provision()


def configure(stack: Stack, name: str, *, reason: str = "a test", dry_run: bool = False, **sections: Any) -> Ended:
    return stack.run("configure_warehouse", {"spec": {"name": name, **sections}, "reason": reason, "dry_run": dry_run})


def named(*names: str) -> list[dict[str, str]]:
    return [{"name": name} for name in names]


def schemas(stack: Stack, warehouse: str) -> set[str]:
    return {row[0] for row in stack.rows(warehouse, "SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg_%'")}


def plan_of(stack: Stack, arn: str) -> dict[str, Any]:
    key = f"plans/{arn.rpartition(':')[2]}.json"
    found: dict[str, Any] = json.loads(stack.sandbox.observe("s3").get_object(Bucket=stack.outputs["BucketName"], Key=key)["Body"].read())
    return found


def outcomes(stack: Stack, ended: Ended) -> dict[str, str]:
    return {one["step"]["name"]: one.get("outcome", "planned") for one in plan_of(stack, ended.arn)["tracked"]}


def entries(stack: Stack, warehouse: str) -> list[str]:
    return [entry["outcome"] for entry in stack.ledger(warehouse) if entry["action"] == "configure"]


def test_declared_schemas_are_made_and_the_second_run_finds_nothing_to_do(stack: Stack, warehouse: str) -> None:
    before = len(entries(stack, warehouse))
    ended = configure(stack, warehouse, schemas=named("sales", "finance"), reason="two teams")
    assert ended.succeeded, ended
    assert (ended.output["result"], ended.output["changed"], ended.output["asked"]) == ("done", True, "two teams")
    assert ended.output["detail"].startswith(f"{warehouse}: steps: 2 done")
    assert [(step["step"], step["outcome"], step["sql"].startswith("CREATE SCHEMA")) for step in ended.output["steps"]] == [
        ("create schema sales", "done", True),
        ("create schema finance", "done", True),
    ]
    assert {"sales", "finance"} <= schemas(stack, warehouse)
    assert entries(stack, warehouse)[before:] == ["done"]
    again = configure(stack, warehouse, schemas=named("sales", "finance"))
    assert (again.output["result"], again.output["changed"], again.output["steps"]) == ("nothing", False, [])
    assert stack.driver.states(again.arn).count("Send Unit") == 0
    assert entries(stack, warehouse)[before:] == ["done"]
    assert stack.lock(warehouse) is None


def test_dry_run_shows_the_sql_and_changes_nothing(stack: Stack, warehouse: str) -> None:
    before = stack.items("")
    ended = configure(stack, warehouse, schemas=named("shown_only"), dry_run=True)
    assert ended.succeeded, ended
    shown = ended.output["steps"][0]
    assert (ended.output["action"], shown["outcome"], shown["sql"]) == ("show", "planned", 'CREATE SCHEMA "shown_only"')
    assert shown["reason"]
    assert shown["reverse"].startswith("DROP SCHEMA")
    assert ended.output["plan_uri"] == f"s3://{stack.outputs['BucketName']}/plans/{ended.arn.rpartition(':')[2]}.json"
    assert outcomes(stack, ended) == {"create schema shown_only": "planned"}
    assert "shown_only" not in schemas(stack, warehouse)
    assert [item for item in stack.items("") if not item["pk"].startswith("LEDGER#")] == [
        item for item in before if not item["pk"].startswith("LEDGER#")
    ]


def test_failure_stops_only_what_depends_on_it_and_a_later_run_goes_on(stack: Stack, warehouse: str) -> None:
    shares = {"produces": [{"name": "lent", "schemas": [{"name": "unmade"}]}]}
    declared: dict[str, Any] = {"schemas": [*named("first"), UNMADE, *named("last")], "datashares": shares}
    failed = configure(stack, warehouse, **declared)
    assert (failed.status, failed.error) == ("FAILED", "ConfigurationIncomplete"), failed
    assert 'create schema unmade: ERROR: user "nobody" does not exist' in failed.cause, failed.cause
    assert "blocked" in failed.cause
    became = outcomes(stack, failed)
    assert {name: became[name] for name in ("create schema first", "create schema unmade", "create schema last")} == {
        "create schema first": "done",
        "create schema unmade": "failed",
        "create schema last": "done",
    }
    assert became["add schema unmade to datashare lent"] == "blocked", became
    assert {"first", "last"} <= schemas(stack, warehouse)
    assert entries(stack, warehouse)[-1] == "failed"
    assert stack.lock(warehouse) is None
    assert stack.sql(warehouse, "CREATE USER nobody PASSWORD DISABLE").succeeded
    ended = configure(stack, warehouse, **declared)
    assert ended.succeeded, ended
    assert [step["step"] for step in ended.output["steps"]] == ["create schema unmade", "add schema unmade to datashare lent"]
    assert configure(stack, warehouse, **declared).output["result"] == "nothing"


def test_two_at_once_do_everything_once(stack: Stack, warehouse: str) -> None:
    given = {"spec": {"name": warehouse, "schemas": named("once_a", "once_b")}}
    ends = [stack.wait(arn) for arn in [stack.start("configure_warehouse", given) for _ in range(2)]]
    assert [end.status for end in ends] == ["SUCCEEDED", "SUCCEEDED"], ends
    assert sorted(end.output["result"] for end in ends) == ["done", "nothing"]


def test_what_was_stopped_half_way_is_cancelled_and_taken_up_by_the_next_run(stack: Stack, warehouse: str) -> None:
    given = {"spec": {"name": warehouse, "schemas": named("half_way")}}
    # Somebody makes the schema in a transaction that does not end, so ours waits in the database.
    other = stack.start("run_sql", {"warehouse": warehouse, "sql": ["CREATE SCHEMA half_way", "SELECT pg_sleep(60)"]})
    data = stack.sandbox.observe("redshift-data")

    def running(arn: str) -> list[str]:
        ids = [item["sk"] for item in stack.items("CALLBACK#statement") if item["owner"] == arn]
        return [one for one in ids if data.describe_statement(Id=one)["Status"] == "STARTED"]

    stack.until(lambda: running(other), "the other transaction runs")
    arn = stack.start("configure_warehouse", given)
    stack.until(lambda: "Send Unit" in stack.driver.states(arn) and running(arn), "ours waits")
    (statement,) = running(arn)
    stack.sandbox.observe("stepfunctions").stop_execution(executionArn=arn)
    stack.until(lambda: data.describe_statement(Id=statement)["Status"] == "ABORTED", "it is cancelled")
    stack.until(lambda: stack.lock(warehouse) is None, "the lock is free")
    stack.sandbox.observe("stepfunctions").stop_execution(executionArn=other)
    stack.until(lambda: stack.items("CALLBACK#") == [], "nobody waits any more")
    ended = stack.run("configure_warehouse", given)
    assert ended.succeeded, ended
    assert ended.output["result"] == "done"
    assert "half_way" in schemas(stack, warehouse)


def test_services_that_ask_to_slow_down_cost_time_and_nothing_else(stack: Stack, warehouse: str) -> None:
    # Four refusals use up a client's own attempts, so that the workflow's are needed.
    for operation in ("ExecuteStatement", "GetStatementResult"):
        stack.fault("redshift-data", operation, "ThrottlingException", times=4)
    ended = configure(stack, warehouse, schemas=named("throttled"))
    assert ended.succeeded, ended
    assert [step["outcome"] for step in ended.output["steps"]] == ["done"]


def test_a_lost_event_costs_time_and_nothing_else(stack: Stack, warehouse: str) -> None:
    stack.hints(drop=True)
    ended = configure(stack, warehouse, schemas=named("unheard"))
    assert ended.succeeded, ended
    assert ended.output["result"] == "done"


def test_refused_submission_fails_its_steps_and_the_catalog_has_the_last_word(stack: Stack, warehouse: str) -> None:
    stack.fault("redshift-data", "ExecuteStatement", "ValidationException", times=1)
    failed = configure(stack, warehouse, schemas=named("refused"))
    assert failed.error == "ConfigurationIncomplete", failed
    assert "create schema refused: AWS refused to run SQL" in failed.cause
    assert configure(stack, warehouse, schemas=named("refused")).output["result"] == "done"


def test_file_in_the_bucket_is_applied(stack: Stack, warehouse: str) -> None:
    bucket = stack.outputs["BucketName"]
    body = f"name: {warehouse}\nschemas: [{{name: from_a_file}}]\n".encode()
    stack.sandbox.observe("s3").put_object(Bucket=bucket, Key="specs/inside.yaml", Body=body)
    ended = stack.run("configure_warehouse", {"spec_uri": f"s3://{bucket}/specs/inside.yaml"})
    assert ended.succeeded, ended
    assert "from_a_file" in schemas(stack, warehouse)


def test_workgroup_is_configured_too(stack: Stack) -> None:
    name = stack.provision("workgroup")
    ended = configure(stack, name, kind="workgroup", schemas=named("sales"))
    assert ended.succeeded, ended
    assert "sales" in schemas(stack, name)


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"spec": {"name": "no-such", "schemas": []}}, "WarehouseNotFound", "no cluster of the name no-such"),
    ({"spec": {"name": "x", "schemas": [{"name": 5}]}}, "InvalidInput", "spec.schemas[0].name: Expected `str`"),
    ({"spec": {"name": "x", "schemas": [{"nom": "a"}]}}, "InvalidInput", "unknown field `nom`"),
    ({"spec": {"name": "x"}, "spec_uri": "s3://a/b"}, "InvalidInput", "give exactly one of them"),
]


@pytest.mark.parametrize(("given", "error", "message"), BAD, ids=[message[:30] for *_, message in BAD])
def test_bad_input_is_named_and_nothing_is_written(stack: Stack, given: dict[str, Any], error: str, message: str) -> None:
    before = stack.items("")
    ended = stack.run("configure_warehouse", given)
    assert (ended.status, ended.error) == ("FAILED", error), ended
    assert message in ended.cause
    assert stack.items("") == before
    assert stack.calls("redshift-data:BatchExecuteStatement") == 0


# --- with the warehouse around it ---------------------------------------------------------------------------------------


def test_new_warehouse_is_configured_and_a_later_provision_changes_only_what_differs(stack: Stack) -> None:
    spec = {"name": "with-inside", "schemas": named("sales")}
    planned = stack.run("provision_warehouse", {"spec": spec, "dry_run": True})
    assert planned.output["inside"]["action"] == "show", planned
    assert [step["sql"] for step in planned.output["inside"]["steps"]] == ['CREATE SCHEMA "sales"']
    ended = stack.run("provision_warehouse", {"spec": spec})
    assert ended.succeeded, ended
    assert ended.output["inside"]["result"] == "done"
    assert ended.output["inside"]["counts"]["done"] == 1
    assert "sales" in schemas(stack, "with-inside")
    again = stack.run("provision_warehouse", {"spec": spec})
    assert (again.output["result"], again.output["changed"], again.output["inside"]["result"]) == ("nothing", False, "nothing")
    more = {**spec, "schemas": named("sales", "finance")}
    looked = stack.run("provision_warehouse", {"spec": more, "dry_run": True})
    assert [step["step"] for step in looked.output["inside"]["steps"]] == ["create schema finance"], looked
    changed = stack.run("provision_warehouse", {"spec": more})
    assert (changed.output["result"], changed.output["changed"], changed.output["event"]) == ("done", True, "Warehouse Changed")
    failed = stack.run("provision_warehouse", {"spec": {**more, "schemas": [*more["schemas"], UNMADE]}})
    assert (failed.status, failed.error) == ("FAILED", "ConfigurationIncomplete"), failed
    assert failed.cause.startswith("with-inside stands and is usable; what lies inside could not all be made what the spec says: ")
    assert 'user "nobody" does not exist' in failed.cause
    assert stack.status("with-inside") == "available"
    assert stack.lock("with-inside") is None


def test_paused_warehouse_refuses_clearly_and_is_not_resumed_to_be_looked_into(stack: Stack) -> None:
    name = stack.provision()
    assert stack.run("pause_warehouse", {"warehouse": name}).succeeded
    failed = configure(stack, name, schemas=named("sales"))
    assert failed.error == "WarehouseUnavailable", failed
    assert "is paused and takes no SQL; start resume_warehouse for it first" in failed.cause
    spec = {"name": name, "schemas": named("sales")}
    ended = stack.run("provision_warehouse", {"spec": spec})
    assert (ended.output["result"], ended.output["inside"]) == ("nothing", {"result": "skipped"}), ended
    assert "what lies inside was not looked at" in ended.output["detail"]
    assert stack.status(name) == "paused"
