"""`configure`: which warehouse and what is declared, the questions to its catalog, and the plan that is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from autopilot.aws import clients
from autopilot.aws.inside import plans, records
from autopilot.domain.errors import AccessDenied, InvalidInput, WarehouseNotFound, WarehouseUnavailable
from autopilot.domain.inside.model import PASSWORD_HERE, Known, Step
from autopilot.domain.inside.passwords import hashed
from autopilot.domain.inside.progress import Progress, Tracked
from autopilot.domain.signin import Target
from autopilot.domain.spec import parse_spec
from autopilot.domain.sql import client_token
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
        ({"spec": declaring(prune=True), "partial": True}, "partial: what is not declared in a part of a spec cannot be removed"),
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


# --- read and compare -------------------------------------------------------------------------------------------------

KEY = "cluster#us-east-1#analytics"
WHO = (["name", "superuser"], [["awsuser", True]])
NONE: tuple[list[str], list[list[Any]]] = (["name"], [])


def keep(*steps: Step, dry_run: bool = False, **sections: Any) -> None:
    """The plan's file, as `look` and `compare` leave it."""
    plans.save(
        Progress(
            execution=ME,
            asked="a test",
            dry_run=dry_run,
            kind="cluster",
            key=KEY,
            namespace="",
            target=Target(kind="cluster", name="analytics", database="dev", method="temporary credentials", db_user="awsuser"),
            spec=parse_spec(declaring(**sections)),
            tracked=[Tracked(step=step) for step in steps],
        )
    )


def waiting(step: str, *, token: str | None = None, attempt: int = 0, **more: Any) -> dict[str, Any]:
    return {"step": step, "execution": ME, "token": token or "token", "attempt": attempt, "last_attempt": 60, **more}


def send(*names: str, **more: Any) -> dict[str, Any]:
    return waiting("send", unit={"steps": list(names)}, round=1, **more)


def compared(aws: Aws, handle: Handle, *schemas: str, **more: Any) -> dict[str, Any]:
    """What a look comes to when these schemas are there."""
    handle(waiting("read", token=f"read-{len(aws.data.statements)}", round=more.get("round", 0)))
    aws.data.finish(aws.data.last, WHO, (["name", "owner"], [[name, "awsuser"] for name in schemas]), NONE, NONE, NONE)
    return handle({"step": "compare", "execution": ME, "statement_id": aws.data.last, **more})


def test_questions_are_one_batch_submitted_once(aws: Aws, handle: Handle) -> None:
    keep(schemas=[{"name": "sales"}])
    handle(waiting("read"))
    handle(waiting("read", token="second", attempt=1))
    (request,) = aws.calls("batch_execute_statement")
    assert "current_user" in request["Sqls"][0]
    assert "pg_namespace" in request["Sqls"][1]
    assert aws.waiting() == ["second"]


def test_plan_is_what_the_catalog_lacks(aws: Aws, handle: Handle) -> None:
    keep(schemas=[{"name": "sales"}, {"name": "finance"}])
    answer = compared(aws, handle, "public", "sales")
    assert (answer["action"], answer["units"]) == ("apply", [{"steps": ["create schema finance"]}])
    assert answer["steps"][0]["sql"] == 'CREATE SCHEMA "finance"'
    assert answer["plan_uri"] == f"s3://{BUCKET}/plans/sample.json"
    assert [one["step"]["name"] for one in plan_file()["tracked"]] == ["create schema finance"]


def test_dry_run_sends_nothing(aws: Aws, handle: Handle) -> None:
    keep(dry_run=True, schemas=[{"name": "sales"}])
    answer = compared(aws, handle)
    assert (answer["action"], answer["units"], len(answer["steps"])) == ("show", [], 1)


def test_end_is_what_the_catalog_says(aws: Aws, handle: Handle) -> None:
    keep(schemas=[{"name": "sales"}, {"name": "finance"}])
    sent = compared(aws, handle)["units"]
    answer = compared(aws, handle, "sales", sent=sent, round=1)
    assert answer["action"] == "finish"
    assert answer["outcome"]["failed"] == {"create schema finance": "it was done, and the catalog does not show it"}
    assert answer["outcome"]["result"] == "failed"
    again = handle({"step": "compare", "execution": ME, "statement_id": aws.data.last, "sent": sent, "round": 1})
    assert again["counts"] == answer["counts"]


def test_who_does_not_see_the_whole_catalog_plans_nothing(aws: Aws, handle: Handle) -> None:
    keep(schemas=[{"name": "sales"}])
    handle(waiting("read"))
    aws.data.finish(aws.data.last, (["name", "superuser"], [["reader", False]]), NONE, NONE, NONE, NONE)
    with pytest.raises(AccessDenied, match="signed in to the database as reader, who is no superuser and does not see the whole catalog"):
        handle({"step": "compare", "execution": ME, "statement_id": aws.data.last})


# --- send and note ----------------------------------------------------------------------------------------------------


def step(name: str, **more: Any) -> Step:
    return Step(section="schemas", name=name, reason="because", sql=f"DO {name}", **more)


def test_unit_is_one_transaction_and_its_failure_is_an_answer(aws: Aws, handle: Handle) -> None:
    keep(step("a"), step("b"), schemas=[])
    handle(send("a", "b"))
    (request,) = aws.calls("batch_execute_statement")
    assert (request["Sqls"], request["ClientToken"]) == (["DO a", "DO b"], client_token(ME, 1, "a", "b"))
    aws.data.end_badly(aws.data.last, "FAILED", "no such user", 2)
    handle(send("a", "b", token="second", attempt=1))
    assert len(aws.data.statements) == 1
    told = aws.answer_to("second")
    assert told is not None
    assert told["output"]["failure"] == {"message": "no such user", "number": 1, "final": False}


def test_failure_is_noted_and_the_rest_is_left(aws: Aws, handle: Handle) -> None:  # noqa: ARG001 - the handler's account
    keep(step("a"), step("b", marks=["b"]), step("c", after=["b"]), step("d"), schemas=[])
    units = [{"steps": ["a", "b"]}, {"steps": ["c", "d"]}]
    answer = handle({"step": "note", "execution": ME, "units": units, "at": 0, "failure": {"message": "no such user", "number": 1}})
    assert answer["units"] == [{"steps": ["a"]}, {"steps": ["d"]}]
    assert [one.get("outcome") for one in plan_file()["tracked"]] == [None, "failed", "blocked", None]


def test_unknown_call_is_refused_by_its_name(aws: Aws, handle: Handle) -> None:  # noqa: ARG001 - the handler's account
    keep(step("call it", call="fly_to_the_moon"), schemas=[])
    with pytest.raises(InvalidInput, match=r"^call it: no operation 'fly_to_the_moon' is known. Known: "):
        handle(send("call it"))


# --- passwords --------------------------------------------------------------------------------------------------------

SECRET, PASSWORD = "autopilot/analytics/reporter", "Open5esame-please"


def create_user(secret: str = SECRET) -> Step:
    sql = f"CREATE USER \"reporter\" PASSWORD '{PASSWORD_HERE}'"
    return Step(section="users", name="create user reporter", reason="new", sql=sql, marks=["user:reporter"], secret=secret)


def store(text: str) -> str:
    return str(clients.client("secretsmanager").create_secret(Name=SECRET, SecretString=text)["VersionId"])


@pytest.fixture
def secret() -> Any:
    yield store
    try:
        clients.client("secretsmanager").delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True)
    except clients.client("secretsmanager").exceptions.ResourceNotFoundException:
        return


def everywhere(aws: Aws, log: Callable[[], str]) -> str:
    """All that is written, submitted, answered and logged."""
    return str([aws.items(), plan_file(), aws.data.requests, aws.executions.answers, log()])


def test_statement_holds_the_passwords_salted_hash_and_nothing_holds_the_password(
    aws: Aws, handle: Handle, secret: Callable[[str], str], log: Callable[[], str]
) -> None:
    version = secret(json.dumps({"username": "reporter", "password": PASSWORD}))
    keep(create_user(), schemas=[])
    handle(send("create user reporter"))
    form = hashed(PASSWORD, "analytics", "reporter", SECRET, version)
    assert aws.calls("execute_statement")[0]["Sql"] == f"CREATE USER \"reporter\" PASSWORD '{form}'"
    assert plan_file()["tracked"][0]["version"] == version
    assert PASSWORD not in everywhere(aws, log)
    assert form not in str([aws.items(), plan_file(), log()])


def test_missing_secret_is_made_with_a_password_that_redshift_takes(aws: Aws, handle: Handle, secret: Any, log: Callable[[], str]) -> None:  # noqa: ARG001 - removes it
    keep(create_user(), schemas=[])
    handle(send("create user reporter"))
    made = clients.client("secretsmanager").get_secret_value(SecretId=SECRET)
    content = json.loads(made["SecretString"])
    assert (content["username"], content["engine"], content["dbClusterIdentifier"]) == ("reporter", "redshift", "analytics")
    assert hashed(content["password"], "analytics", "reporter", SECRET, made["VersionId"]) in aws.calls("execute_statement")[0]["Sql"]
    assert content["password"] not in everywhere(aws, log)
    handle(send("create user reporter", token="second", attempt=1))
    assert len(aws.calls("create_secret")) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PASSWORD, "is no JSON object with a password"),
        (json.dumps([PASSWORD]), "is no JSON object with a password"),
        (json.dumps({"username": "other", "password": PASSWORD}), "is that of another user than reporter"),
        (json.dumps({"password": PASSWORD.lower()}), "its password lacks an upper case letter, a lower case letter or a digit"),
        (json.dumps({"password": PASSWORD + "'"}), "its password holds a character that Redshift does not take"),
        (json.dumps({"password": "aB3"}), "its password has not 8 to 64 characters"),
    ],
)
def test_secret_that_is_no_password_of_the_user_is_refused_without_quoting_it(
    aws: Aws, handle: Handle, secret: Callable[[str], str], log: Callable[[], str], text: str, message: str
) -> None:
    secret(text)
    keep(create_user(), schemas=[])
    with pytest.raises(InvalidInput) as refused:
        handle(send("create user reporter"))
    assert str(refused.value).startswith(f"secret {SECRET}: {message}")
    assert "sesame" not in str(refused.value) + str(refused.value.__cause__) + str(refused.value.__context__) + everywhere(aws, log)
    assert aws.data.statements == {}


def test_version_that_was_applied_is_remembered_and_a_new_one_is_seen(aws: Aws, handle: Handle, secret: Callable[[str], str]) -> None:
    version = secret(json.dumps({"password": PASSWORD}))
    keep(create_user(), schemas=[])
    handle(send("create user reporter"))
    answer = compared(aws, handle, sent=[{"steps": ["create user reporter"]}], round=1)
    assert answer["outcome"]["result"] == "done"
    assert records.known(KEY, "dev") == {"user:reporter": Known(version)}
    (item,) = [item for item in aws.items() if item["pk"].startswith("INSIDE#")]
    assert "expires_at" not in item
