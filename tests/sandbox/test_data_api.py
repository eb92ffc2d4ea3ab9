"""The Data API over a real PostgreSQL: what a caller of `redshift-data` sees."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.session import get_session
from botocore.validate import ParamValidator

from sandbox.kernel import ACCOUNT, ApiError, Clock, Faults, Hints
from sandbox.redshift.data_api import DataApi
from sandbox.sql.databases import Databases
from sandbox.world import Caller, Target, World
from tests.sandbox.fakes import LAMBDA_ROLE, ROOT, FakePorts
from tests.sandbox.warehouse import ADMIN, PASSWORD, Warehouse, soon

MODEL = get_session().get_service_model("redshift-data")
SLOW = "SELECT pg_sleep(60)"
AS_ADMIN: dict[str, Any] = {"ClusterIdentifier": "analytics", "Database": "dev", "DbUser": ADMIN}


class Api:
    """A world with one cluster, `analytics`, and one workgroup, `adhoc`, and shorthands for calling the Data API."""

    def __init__(self, databases: Databases) -> None:
        self.cluster, self.workgroup = Warehouse(databases), Warehouse(databases)
        self.ports, self.hints = FakePorts(), Hints()
        self.world = World(clock=Clock(), faults=Faults(), hints=self.hints, ports=self.ports, databases=databases)
        self.secret = self.ports.create_secret("admin", {"username": ADMIN, "password": PASSWORD})
        databases.set_password(self.cluster.key, ADMIN, PASSWORD)
        arn = f"arn:aws:redshift:us-east-1:{ACCOUNT}:namespace:1"
        self.targets = {
            "analytics": Target(self.cluster.key, "cluster", "analytics", arn, "available", ADMIN, "dev", self.secret),
            "adhoc": Target(self.workgroup.key, "workgroup", "adhoc", arn, "AVAILABLE", ADMIN, "dev"),
        }
        self.world.clusters = self.world.serverless = SimpleNamespace(target=self.targets.get)
        self.data = DataApi(self.world, databases)

    def call(self, operation: str, caller: Caller = ROOT, **params: Any) -> dict[str, Any]:
        """Call as `wire` does; the answer must fit the service model."""
        name = {"get_statement_result_v2": "GetStatementResultV2"}.get(operation, operation.title().replace("_", ""))
        answer: dict[str, Any] = getattr(self.data, operation)(params, caller)
        shape = MODEL.operation_model(name).output_shape
        assert shape is not None
        report = ParamValidator().validate(answer, shape)
        assert not report.has_errors(), report.generate_report()
        assert set(answer) <= set(shape.members)
        return answer

    def submit(self, sql: str, caller: Caller = ROOT, **params: Any) -> str:
        where = dict(AS_ADMIN)
        if {"SessionId", "WorkgroupName"} & params.keys():
            where = {} if "SessionId" in params else {"Database": "dev"}
        if "SecretArn" in params:
            where.pop("DbUser", None)
        return str(self.call("execute_statement", caller, Sql=sql, **where | params)["Id"])

    def batch(self, *sqls: str, **params: Any) -> str:
        return str(self.call("batch_execute_statement", Sqls=list(sqls), **AS_ADMIN | params)["Id"])

    def ended(self, statement_id: str) -> dict[str, Any]:
        soon(lambda: self.call("describe_statement", Id=statement_id)["Status"] in ("FINISHED", "FAILED", "ABORTED"))
        return self.call("describe_statement", Id=statement_id)

    def run(self, sql: str, **params: Any) -> dict[str, Any]:
        return self.ended(self.submit(sql, **params))

    def rows(self, sql: str, **params: Any) -> list[list[Any]]:
        described = self.run(sql, **params)
        assert described["Status"] == "FINISHED", described
        records = self.call("get_statement_result", Id=described["Id"])["Records"]
        return [[None if "isNull" in field else next(iter(field.values())) for field in record] for record in records]

    def running(self, sql: str = SLOW, **params: Any) -> str:
        statement_id = self.submit(sql, **params)
        soon(lambda: self.cluster.run(f"SELECT pid FROM stv_inflight WHERE text = '{sql}'"))  # noqa: S608 - made of the test's own words
        return statement_id


@pytest.fixture
def api(databases: Databases) -> Iterator[Api]:
    api = Api(databases)
    yield api
    api.data.close()
    api.cluster.remove()
    api.workgroup.remove()


def refused(call: Any, code: str) -> str:
    with pytest.raises(ApiError) as caught:
        call()
    assert caught.value.code == code
    return caught.value.message


# Running ------------------------------------------------------------------------------------------------------------


def test_a_statement_ends_with_typed_fields(api: Api) -> None:
    sql = """SELECT 1::smallint AS small, 2::bigint AS big, 1.50::numeric(5,2) AS exact, 0.5::float8 AS near, true AS yes, NULL::int AS none,
             'text'::varchar(9) AS words, '2024-01-02'::date AS day, '2024-01-02 03:04:05'::timestamp AS at, JSON_PARSE('{"a": 1}') AS doc"""
    described = api.run(sql)
    assert described["Status"] == "FINISHED"
    assert described["HasResultSet"] is True
    assert described["ResultRows"] == 1
    assert described["Duration"] > 1000
    assert described["RedshiftPid"] > 0
    assert described["RedshiftQueryId"] > 0
    result = api.call("get_statement_result", Id=described["Id"])
    assert result["Records"] == [
        [
            {"longValue": 1}, {"longValue": 2}, {"stringValue": "1.50"}, {"doubleValue": 0.5}, {"booleanValue": True}, {"isNull": True},
            {"stringValue": "text"}, {"stringValue": "2024-01-02"}, {"stringValue": "2024-01-02 03:04:05"}, {"stringValue": '{"a":1}'},
        ]
    ]  # fmt: skip
    types = ["int2", "int8", "numeric", "float8", "bool", "int4", "varchar", "date", "timestamp", "super"]
    assert [column["typeName"] for column in result["ColumnMetadata"]] == types
    exact, words = result["ColumnMetadata"][2], result["ColumnMetadata"][6]
    assert (exact["precision"], exact["scale"], words["length"]) == (5, 2, 9)


def test_the_query_id_is_the_one_in_the_system_views(api: Api) -> None:
    described = api.run("SELECT 42")
    assert api.rows(f"SELECT trim(querytxt) FROM stl_query WHERE query = {described['RedshiftQueryId']}") == [["SELECT 42"]]  # noqa: S608 - made of the test's own words


def test_a_long_result_comes_in_pages(api: Api) -> None:
    statement_id = api.run("SELECT n FROM generate_series(1, 2500) n ORDER BY n")["Id"]
    found, token = [], None
    while True:
        page = api.call("get_statement_result", Id=statement_id, **({"NextToken": token} if token else {}))
        found += [record[0]["longValue"] for record in page["Records"]]
        assert page["TotalNumRows"] == 2500
        token = page.get("NextToken")
        if not token:
            break
    assert found == list(range(1, 2501))
    assert "NextToken" in refused(lambda: api.call("get_statement_result", Id=statement_id, NextToken="made-up"), "ValidationException")


def test_csv_results_come_through_the_second_version(api: Api) -> None:
    statement_id = api.run("SELECT 1 AS a, 'x,y' AS b", ResultFormat="CSV")["Id"]
    assert api.call("get_statement_result_v2", Id=statement_id)["Records"] == [{"CSVRecords": 'a,b\r\n1,"x,y"\r\n'}]
    assert "GetStatementResultV2" in refused(lambda: api.call("get_statement_result", Id=statement_id), "ValidationException")


def test_a_failing_statement_carries_the_databases_message(api: Api) -> None:
    described = api.run("SELECT * FROM nowhere")
    assert (described["Status"], described["Error"]) == ("FAILED", 'ERROR: relation "nowhere" does not exist')
    assert described["HasResultSet"] is False
    assert api.cluster.run(f"SELECT status FROM sys_query_history WHERE query_id = {described['RedshiftQueryId']}") == [("failed",)]  # noqa: S608 - an identifier of ours
    refused(lambda: api.call("get_statement_result", Id=described["Id"]), "ResourceNotFoundException")


def test_parameters_are_bound_and_must_fit_the_statement(api: Api) -> None:
    given = [{"name": "a", "value": "1'; DROP TABLE t"}, {"name": "n", "value": "4"}]
    assert api.rows("SELECT :a, ':n', 3 + :n", Parameters=given) == [["1'; DROP TABLE t", ":n", 7]]
    assert "['n']" in refused(lambda: api.submit("SELECT :a", Parameters=given), "ValidationException")
    assert "['b']" in refused(lambda: api.submit("SELECT :a, :n, :b", Parameters=given), "ValidationException")


def test_waiting_answers_with_the_end(api: Api) -> None:
    answer = api.call("execute_statement", Sql="SELECT 1", WaitTimeSeconds=10, **AS_ADMIN)
    assert (answer["Status"], answer["HasResultSet"]) == ("FINISHED", True)
    started = time.monotonic()
    slow = api.call("execute_statement", Sql=SLOW, WaitTimeSeconds=1, **AS_ADMIN)
    assert slow["Status"] == "STARTED"
    assert 0.9 < time.monotonic() - started < 8


# Batches ------------------------------------------------------------------------------------------------------------


def test_a_batch_is_one_transaction_whose_failing_statement_is_named(api: Api) -> None:
    api.run("CREATE TABLE t (a int)")
    described = api.ended(api.batch("INSERT INTO t VALUES (1)", "INSERT INTO nowhere VALUES (1)", "SELECT 1"))
    assert described["Status"] == "FAILED"
    assert described["Error"] == 'Query #2 failed with ERROR: relation "nowhere" does not exist'
    assert [part["Status"] for part in described["SubStatements"]] == ["FINISHED", "FAILED", "ABORTED"]
    assert api.rows("SELECT count(*) FROM t") == [[0]]


def test_a_batch_has_a_result_for_each_statement(api: Api) -> None:
    described = api.ended(api.batch("CREATE TABLE t (a int)", "INSERT INTO t VALUES (1), (2)", "SELECT a FROM t ORDER BY a"))
    assert described["HasResultSet"] is True
    assert [part["HasResultSet"] for part in described["SubStatements"]] == [False, False, True]
    assert [part["ResultRows"] for part in described["SubStatements"]] == [0, 2, 2]
    part = described["SubStatements"][2]["Id"]
    assert api.call("get_statement_result", Id=part)["Records"] == [[{"longValue": 1}], [{"longValue": 2}]]
    assert api.call("describe_statement", Id=part)["QueryString"] == "SELECT a FROM t ORDER BY a"
    refused(lambda: api.call("get_statement_result", Id=described["Id"]), "ResourceNotFoundException")


def test_auto_commit_runs_every_statement_of_the_batch(api: Api) -> None:
    described = api.ended(api.batch("CREATE TABLE t (a int)", "SELECT nope", "INSERT INTO t VALUES (1)", ExecutionMode="AUTO_COMMIT"))
    assert [part["Status"] for part in described["SubStatements"]] == ["FINISHED", "FAILED", "FINISHED"]
    assert described["Status"] == "FAILED"
    assert api.rows("SELECT a FROM t") == [[1]]


def test_a_batch_shares_its_parameters(api: Api) -> None:
    given = [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]
    described = api.ended(api.batch("SELECT :a", "SELECT :b", Parameters=given))
    assert described["Status"] == "FINISHED"
    assert described["QueryParameters"] == given


# Tokens, limits and targets -----------------------------------------------------------------------------------------


def test_the_same_token_runs_a_statement_once(api: Api) -> None:
    api.run("CREATE TABLE t (a int)")
    ids = []

    def submit() -> None:
        ids.append(api.submit("INSERT INTO t VALUES (1)", ClientToken="once"))

    threads = [threading.Thread(target=submit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8
    assert len(set(ids)) == 1
    api.ended(ids[0])
    assert api.rows("SELECT count(*) FROM t") == [[1]]
    assert api.submit("INSERT INTO t VALUES (1)", LAMBDA_ROLE, ClientToken="once") != ids[0]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"Sql": "SELECT '" + "x" * 100_000 + "'"}, "longer than 100000 bytes"),
        ({"ClusterIdentifier": "unknown"}, "endpoint doesn't exist"),
        ({"WorkgroupName": "adhoc"}, "Exactly one of"),
        ({"ClusterIdentifier": None}, "Exactly one of"),
        ({"Database": None}, "Database is required"),
        ({"SecretArn": "arn:absent", "DbUser": None}, "could not be read"),
        ({"ClusterIdentifier": None, "WorkgroupName": "adhoc"}, "DbUser cannot be given"),
    ],
)
def test_a_wrong_request_fails_the_call(api: Api, params: dict[str, Any], message: str) -> None:
    request = {"Sql": "SELECT 1"} | AS_ADMIN | params
    request = {name: value for name, value in request.items() if value is not None}
    assert message in refused(lambda: api.call("execute_statement", **request), "ValidationException")
    assert api.call("list_statements", Status="ALL")["Statements"] == []


@pytest.mark.parametrize("count", [0, 41])
def test_a_batch_has_1_to_40_statements(api: Api, count: int) -> None:
    refused(lambda: api.batch(*["SELECT 1"] * count), "ValidationException")


@pytest.mark.parametrize("state", ["paused", "pausing", "resuming", "creating", "deleting"])
def test_a_warehouse_that_is_not_available_refuses_the_call(api: Api, state: str) -> None:
    api.targets["analytics"] = replace(api.targets["analytics"], state=state)
    assert f"its status is {state}" in refused(lambda: api.submit("SELECT 1"), "ValidationException")


@pytest.mark.parametrize("state", ["available, prep-for-resize", "modifying", "resizing"])
def test_a_warehouse_that_changes_still_runs_statements(api: Api, state: str) -> None:
    api.targets["analytics"] = replace(api.targets["analytics"], state=state)
    assert api.rows("SELECT 1") == [[1]]


def test_more_than_500_active_statements_are_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.redshift.data_api.ACTIVE_STATEMENTS_LIMIT", 1)
    api.running()
    refused(lambda: api.submit("SELECT 1"), "ActiveStatementsExceededException")


# Signing in ---------------------------------------------------------------------------------------------------------


def test_each_way_to_sign_in_is_a_user_of_its_own(api: Api) -> None:
    role = Caller(principal_arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/etl-role/session-1")
    user = Caller(principal_arn=f"arn:aws:iam::{ACCOUNT}:user/team/alice")
    assert api.rows("SELECT current_user") == [[ADMIN]]
    assert api.rows("SELECT current_user", SecretArn=api.secret) == [[ADMIN]]
    for caller, name in ((role, "IAMR:etl-role"), (user, "IAM:alice"), (ROOT, "IAM:root")):
        assert api.rows("SELECT current_user", caller=caller, WorkgroupName="adhoc") == [[name]]


def test_a_wrong_password_fails_the_statement(api: Api) -> None:
    wrong = api.ports.create_secret("wrong", {"username": ADMIN, "password": "Wrong-Word-1"})
    described = api.run("SELECT 1", SecretArn=wrong)
    assert (described["Status"], described["Error"]) == ("FAILED", f'FATAL: password authentication failed for user "{ADMIN}"')
    empty = api.ports.create_secret("empty", {"username": ADMIN})
    assert (
        refused(lambda: api.submit("SELECT 1", SecretArn=empty), "ValidationException") == "username and password in secret cannot be empty"
    )


def test_an_unknown_database_or_user_fails_the_statement(api: Api) -> None:
    assert api.run("SELECT 1", Database="nope")["Error"] == 'FATAL: database "nope" does not exist'
    assert api.run("SELECT 1", DbUser="nobody")["Error"] == 'FATAL: user "nobody" does not exist'


@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("redshift:GetClusterCredentials", {"DbUser": ADMIN}),
        ("redshift:GetClusterCredentialsWithIAM", {"DbUser": None}),
        ("secretsmanager:GetSecretValue", {"SecretArn": "secret", "DbUser": None}),
        ("redshift-serverless:GetCredentials", {"ClusterIdentifier": None, "WorkgroupName": "adhoc", "DbUser": None}),
    ],
)
def test_signing_in_needs_permission(api: Api, action: str, params: dict[str, Any]) -> None:
    api.ports.denied.add(action)
    request = {"Sql": "SELECT 1", "ClusterIdentifier": "analytics", "Database": "dev"} | params
    request = {name: api.secret if value == "secret" else value for name, value in request.items() if value is not None}
    message = refused(lambda: api.call("execute_statement", **request), "ValidationException")
    assert f"is not authorized to perform: {action} on resource: arn:aws:" in message


# Canceling and stopping ---------------------------------------------------------------------------------------------


def test_a_running_statement_is_canceled(api: Api) -> None:
    statement_id = api.running()
    assert api.call("cancel_statement", Id=statement_id) == {"Status": True}
    described = api.ended(statement_id)
    assert described["Status"] == "ABORTED"
    assert api.cluster.run("SELECT status FROM sys_query_history WHERE query_text LIKE 'SELECT pg_sleep%'") == [("canceled",)]
    assert "already in ABORTED" in refused(lambda: api.call("cancel_statement", Id=statement_id), "ValidationException")


def test_a_canceled_batch_is_rolled_back(api: Api) -> None:
    api.run("CREATE TABLE t (a int)")
    statement_id = api.batch("INSERT INTO t VALUES (1)", SLOW, "INSERT INTO t VALUES (2)")
    soon(lambda: api.call("describe_statement", Id=statement_id)["SubStatements"][1]["Status"] == "STARTED")
    api.call("cancel_statement", Id=statement_id)
    described = api.ended(statement_id)
    assert described["Status"] == "ABORTED"
    assert [part["Status"] for part in described["SubStatements"]] == ["FINISHED", "ABORTED", "ABORTED"]
    assert api.rows("SELECT count(*) FROM t") == [[0]]


def test_a_statement_that_waits_for_a_thread_is_canceled_too(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    open_session = api.cluster.databases.session
    monkeypatch.setattr(api.cluster.databases, "session", lambda *sign_in: gate.wait(10) and open_session(*sign_in))
    statement_id = api.submit("CREATE TABLE never (a int)")
    api.call("cancel_statement", Id=statement_id)
    gate.set()
    assert api.ended(statement_id)["Status"] == "ABORTED"
    assert api.cluster.value("SELECT count(*) FROM svv_tables WHERE table_name = 'never'") == "0"


def test_a_statement_that_sql_cancels_has_failed(api: Api) -> None:
    statement_id = api.running()
    pid = api.call("describe_statement", Id=statement_id)["RedshiftPid"]
    assert api.run(f"CANCEL {pid}")["Status"] == "FINISHED"
    described = api.ended(statement_id)
    assert described["Status"] == "FAILED"
    assert "cancelled on user's request" in described["Error"]


def test_stopping_the_warehouse_fails_what_runs(api: Api) -> None:
    statement_id = api.running()
    api.cluster.databases.stop(api.cluster.key)
    described = api.ended(statement_id)
    assert (described["Status"], described["Error"]) == ("FAILED", "FATAL: terminating connection due to administrator command")
    assert "stopped" in api.run("SELECT 1")["Error"]
    api.cluster.databases.start(api.cluster.key)
    assert api.rows("SELECT 1") == [[1]]


# Events, lists, sessions --------------------------------------------------------------------------------------------


def test_an_event_tells_the_end_when_asked_for(api: Api) -> None:
    api.run("SELECT 1")
    statement_id = api.submit("SELECT 1 UNION SELECT 2", LAMBDA_ROLE, WithEvent=True, StatementName="nightly")
    failed_id = api.submit("SELECT nope", WithEvent=True)
    soon(lambda: len(api.ports.events) == 2)
    events = {event[3]["statementId"]: event for event in api.ports.events}
    source, detail_type, resources, detail = events[statement_id]
    assert (source, detail_type) == ("aws.redshift-data", "Redshift Data Statement Status Change")
    assert resources == [api.targets["analytics"].arn]
    assert detail["principal"] == LAMBDA_ROLE.principal_arn
    assert (detail["statementName"], detail["state"], detail["rows"]) == ("nightly", "FINISHED", 2)
    assert detail["redshiftQueryId"] == api.call("describe_statement", Id=statement_id)["RedshiftQueryId"]
    assert events[failed_id][3]["state"] == "FAILED"


def test_events_can_be_lost_without_harm(api: Api) -> None:
    api.hints.configure(drop=True)
    assert api.run("SELECT 1", WithEvent=True)["Status"] == "FINISHED"
    assert api.ports.events == []
    assert api.hints.dropped == 1


def test_statements_are_listed_by_status_name_and_role(api: Api) -> None:
    other_session = replace(LAMBDA_ROLE, principal_arn=LAMBDA_ROLE.principal_arn + "-2")
    first = api.run("SELECT 1", caller=LAMBDA_ROLE, StatementName="load-1")["Id"]
    second = api.run("SELECT 2", caller=other_session, StatementName="load-2")["Id"]
    failed = api.run("SELECT nope", caller=LAMBDA_ROLE, StatementName="check")["Id"]
    api.run("SELECT 4")

    def listed(**filters: Any) -> list[str]:
        return [one["Id"] for one in api.call("list_statements", LAMBDA_ROLE, **filters)["Statements"]]

    assert listed() == [second, first]
    assert listed(Status="ALL") == [failed, second, first]
    assert listed(Status="FAILED") == [failed]
    assert listed(StatementName="load") == [second, first]
    assert listed(RoleLevel=False) == [first]
    page = api.call("list_statements", LAMBDA_ROLE, MaxResults=1)
    assert [one["Id"] for one in page["Statements"]] == [second]
    assert listed(MaxResults=1, NextToken=page["NextToken"]) == [first]


def test_another_account_sees_nothing(api: Api) -> None:
    statement_id = api.run("SELECT 1")["Id"]
    stranger = Caller(account="111111111111", principal_arn="arn:aws:iam::111111111111:root")
    for operation in ("describe_statement", "get_statement_result", "cancel_statement"):
        refused(lambda operation=operation: api.call(operation, stranger, Id=statement_id), "ResourceNotFoundException")
    assert api.call("list_statements", stranger, Status="ALL")["Statements"] == []


def test_a_kept_session_remembers_and_expires(api: Api) -> None:
    answer = api.call("execute_statement", Sql="CREATE TEMP TABLE mine (a int)", SessionKeepAliveSeconds=60, **AS_ADMIN)
    session = answer["SessionId"]
    api.ended(answer["Id"])
    assert api.rows("SELECT count(*) FROM mine", SessionId=session) == [[0]]
    assert "cannot be given together" in refused(lambda: api.submit("SELECT 1", SessionId=session, Database="dev"), "ValidationException")
    busy = api.submit(SLOW, SessionId=session)
    assert "busy" in refused(lambda: api.submit("SELECT 1", SessionId=session), "ValidationException")
    assert [one["Status"] for one in api.call("list_sessions", SessionId=session)["Sessions"]] == ["BUSY"]
    api.call("cancel_statement", Id=busy)
    api.ended(busy)
    soon(lambda: api.call("list_sessions", SessionId=session)["Sessions"][0]["Status"] == "AVAILABLE")
    api.run("SELECT 1", SessionId=session, SessionKeepAliveSeconds=0)
    soon(lambda: api.call("list_sessions", SessionId=session)["Sessions"][0]["Status"] == "CLOSED")
    refused(lambda: api.submit("SELECT 1", SessionId=session), "ResourceNotFoundException")


def test_databases_schemas_tables_and_columns_are_listed(api: Api) -> None:
    api.ended(
        api.batch(
            "CREATE SCHEMA sales",
            "CREATE TABLE sales.orders (id bigint NOT NULL, note varchar(30) DEFAULT 'x')",
            "CREATE VIEW sales.v AS SELECT 1 AS a",
        )
    )
    assert api.call("list_databases", **AS_ADMIN)["Databases"] == ["dev"]
    assert api.call("list_schemas", SchemaPattern="sa%", **AS_ADMIN)["Schemas"] == ["sales"]
    assert api.call("list_tables", SchemaPattern="sales", **AS_ADMIN)["Tables"] == [
        {"name": "orders", "type": "TABLE", "schema": "sales"},
        {"name": "v", "type": "VIEW", "schema": "sales"},
    ]
    columns = api.call("describe_table", Schema="sales", Table="orders", **AS_ADMIN)["ColumnList"]
    assert [(c["name"], c["typeName"], c["nullable"], c["length"], "columnDefault" in c) for c in columns] == [
        ("id", "int8", 0, 64, False),
        ("note", "varchar", 1, 30, True),
    ]
    refused(lambda: api.call("list_tables", **AS_ADMIN | {"Database": "nope"}), "DatabaseConnectionException")


def test_reset_ends_everything(api: Api) -> None:
    statement_id = api.running()
    api.data.reset()
    assert api.cluster.databases.active_queries(api.cluster.key) == 0
    refused(lambda: api.call("describe_statement", Id=statement_id), "ResourceNotFoundException")
    assert api.rows("SELECT 1") == [[1]]
