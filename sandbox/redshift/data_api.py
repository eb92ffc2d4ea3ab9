"""The Redshift Data API (`redshift-data`) over the sandbox's databases.

A statement is taken at once and run by a pool of threads: SUBMITTED, PICKED, STARTED, then FINISHED, FAILED or ABORTED. What is
wrong with the request, or not allowed, fails the call; what the database refuses, a sign-in included, fails the statement.
"""

from __future__ import annotations

import base64
import binascii
import csv
import io
import json
import re
import threading
import time
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sandbox.kernel import ApiError, utcnow
from sandbox.sql.databases import Databases
from sandbox.sql.errors import SqlError
from sandbox.sql.lexer import split
from sandbox.sql.session import Column, Result, Session
from sandbox.world import Caller, Target, World

Status = Literal["SUBMITTED", "PICKED", "STARTED", "FINISHED", "FAILED", "ABORTED"]
Params = dict[str, Any]

SQL_LIMIT_BYTES = 100_000
BATCH_LIMIT = 40
ACTIVE_STATEMENTS_LIMIT = 500
ACTIVE_SESSIONS_LIMIT = 500
RESULT_LIMIT_BYTES = 500 * 1024 * 1024
TOKEN_LIFETIME = timedelta(hours=8)
RESULT_LIFETIME = timedelta(hours=24)
PAGE_ROWS = 1000
WORKERS = 16
_ENDED = ("FINISHED", "FAILED", "ABORTED")
_USABLE_STATES = ("available", "modifying", "resizing", "renaming", "rotating-keys", "updating-hsm", "cancelling-resize")
_CANCEL_AGAIN_SECONDS = 0.2

_TYPES: dict[int, tuple[str, str]] = {  # PostgreSQL's type -> its name in Redshift and the field that carries the value
    16: ("bool", "booleanValue"),
    17: ("varbyte", "stringValue"),
    18: ("char", "stringValue"),
    19: ("name", "stringValue"),
    20: ("int8", "longValue"),
    21: ("int2", "longValue"),
    23: ("int4", "longValue"),
    26: ("oid", "longValue"),
    700: ("float4", "doubleValue"),
    701: ("float8", "doubleValue"),
    1042: ("bpchar", "stringValue"),
    1082: ("date", "stringValue"),
    1083: ("time", "stringValue"),
    1114: ("timestamp", "stringValue"),
    1184: ("timestamptz", "stringValue"),
    1186: ("interval", "stringValue"),
    1266: ("timetz", "stringValue"),
    1700: ("numeric", "stringValue"),
    3802: ("super", "stringValue"),
}


@dataclass(frozen=True)
class SignIn:
    """Where and as whom a statement runs. The password is checked when the statement runs, as the database would."""

    target: Target
    database: str
    user: str
    password: str | None = None
    db_user: str | None = None
    secret_arn: str | None = None


@dataclass
class Part:
    """One SQL statement of a request, with what became of it."""

    id: str
    sql: str
    created: datetime
    updated: datetime
    status: Status = "SUBMITTED"
    error: str | None = None
    result: Result | None = None
    query_id: int = -1
    duration_ns: int = 0

    def describe(self) -> Params:
        """What DescribeStatement says of a statement and of each of a batch's."""
        described: Params = {
            "Id": self.id, "QueryString": self.sql, "Status": self.status, "CreatedAt": self.created, "UpdatedAt": self.updated,
            "Duration": self.duration_ns, "HasResultSet": self.has_result_set, "ResultRows": -1, "ResultSize": -1, "RedshiftQueryId": self.query_id,
        }  # fmt: skip
        if self.error:
            described["Error"] = self.error
        if self.result:
            described |= {"ResultRows": self.result.row_count, "ResultSize": self.result.size_bytes}
        return described

    @property
    def has_result_set(self) -> bool:
        return bool(self.result and self.result.columns)


@dataclass
class KeptSession:
    """A session that outlives its statement, for `SessionId`."""

    id: str
    sign_in: SignIn
    caller: Caller
    alive_seconds: int
    created: datetime
    updated: datetime
    session: Session | None = None
    busy_with: str | None = None
    closed: bool = False
    timer: threading.Timer | None = None


@dataclass
class Request:
    """One ExecuteStatement or BatchExecuteStatement."""

    id: str
    caller: Caller
    sign_in: SignIn
    parts: list[Part]
    batch: bool
    parameters: dict[str, str]
    created: datetime
    updated: datetime
    name: str | None = None
    with_event: bool = False
    auto_commit: bool = False
    result_format: str = "JSON"
    kept: KeptSession | None = None
    status: Status = "SUBMITTED"
    error: str | None = None
    pid: int = 0
    duration_ns: int = 0
    session: Session | None = None
    canceled: bool = False
    ended: threading.Event = field(default_factory=threading.Event)


class DataApi:
    """The operations, by their names in snake case; parameters and answers are shaped as botocore's service model says."""

    def __init__(self, world: World, databases: Databases) -> None:
        self._world, self._databases = world, databases
        self._lock = threading.RLock()
        self._requests: dict[str, Request] = {}
        self._tokens: dict[tuple[str, str], Request] = {}
        self._kept: dict[str, KeptSession] = {}
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="sandbox-data-api")

    # Taking statements -----------------------------------------------------------------------------------------------

    def execute_statement(self, params: Params, caller: Caller) -> Params:
        return self._submit(params, caller, [params["Sql"]], batch=False)

    def batch_execute_statement(self, params: Params, caller: Caller) -> Params:
        if not 1 <= len(params["Sqls"]) <= BATCH_LIMIT:
            raise _invalid(f"A batch must have 1 to {BATCH_LIMIT} SQL statements, not {len(params['Sqls'])}.")
        return self._submit(params, caller, list(params["Sqls"]), batch=True)

    def _submit(self, params: Params, caller: Caller, sqls: list[str], *, batch: bool) -> Params:
        if sum(len(sql.encode()) for sql in sqls) > SQL_LIMIT_BYTES:
            raise _invalid(f"The SQL is longer than {SQL_LIMIT_BYTES} bytes.")
        with self._lock:
            self._forget_expired()
            request = self._repeated(params, caller)
            if request is None:
                request = self._new_request(params, caller, sqls, batch)
                self._remember(request, params)
                self._pool.submit(self._run, request)
        return self._accepted(request, params)

    def _repeated(self, params: Params, caller: Caller) -> Request | None:
        token = params.get("ClientToken")
        known = self._tokens.get((_role_of(caller), token)) if token else None
        return known if known and utcnow() - known.created < TOKEN_LIFETIME else None

    def _new_request(self, params: Params, caller: Caller, sqls: list[str], batch: bool) -> Request:
        parameters = _parameters(params, sqls)
        kept = self._session_named(params, caller)
        sign_in = kept.sign_in if kept else self._sign_in(params, caller)
        self._check_state(sign_in.target)
        if sum(request.status not in _ENDED for request in self._requests.values()) >= ACTIVE_STATEMENTS_LIMIT:
            raise ApiError("ActiveStatementsExceededException", f"There are more than {ACTIVE_STATEMENTS_LIMIT} active statements.")
        request_id, now = str(uuid.uuid4()), utcnow()
        if kept is None and params.get("SessionKeepAliveSeconds"):
            kept = self._keep(sign_in, caller, int(params["SessionKeepAliveSeconds"]), now)
        if kept:
            kept.busy_with, kept.updated = request_id, now
        return Request(
            id=request_id, caller=caller, sign_in=sign_in, batch=batch, parameters=parameters, created=now, updated=now, kept=kept,
            parts=[Part(f"{request_id}:{n}" if batch else request_id, sql, now, now) for n, sql in enumerate(sqls, start=1)],
            name=params.get("StatementName"), with_event=bool(params.get("WithEvent")),
            auto_commit=params.get("ExecutionMode") == "AUTO_COMMIT", result_format=params.get("ResultFormat") or "JSON",
        )  # fmt: skip

    def _remember(self, request: Request, params: Params) -> None:
        self._requests[request.id] = request
        if params.get("ClientToken"):
            self._tokens[_role_of(request.caller), params["ClientToken"]] = request

    def _accepted(self, request: Request, params: Params) -> Params:
        answer: Params = {"Id": request.id, "CreatedAt": request.created, **_where(request.sign_in)}
        if request.kept:
            answer["SessionId"] = request.kept.id
        if params.get("WaitTimeSeconds"):
            request.ended.wait(params["WaitTimeSeconds"])
            answer |= {
                "Status": request.status,
                "RedshiftPid": request.pid,
                "HasResultSet": any(part.has_result_set for part in request.parts),
            }
        return answer

    def _forget_expired(self) -> None:
        oldest = utcnow() - RESULT_LIFETIME
        for request in [r for r in self._requests.values() if r.status in _ENDED and r.updated < oldest]:
            del self._requests[request.id]
        self._tokens = {key: request for key, request in self._tokens.items() if request.id in self._requests}

    # Signing in ------------------------------------------------------------------------------------------------------

    def _target(self, params: Params) -> Target:
        cluster, workgroup = params.get("ClusterIdentifier"), params.get("WorkgroupName")
        if bool(cluster) == bool(workgroup):
            raise _invalid("Exactly one of ClusterIdentifier and WorkgroupName must be given.")
        if workgroup and workgroup.startswith("arn:"):
            workgroup = workgroup.partition(":workgroup/")[2].rpartition("/")[2]
        target = self._world.target(cluster=cluster) if cluster else self._world.target(workgroup=workgroup)
        if target is None:
            raise _invalid("Redshift endpoint doesn't exist in this region.")
        return target

    def _check_state(self, target: Target) -> None:
        """A warehouse that is paused, being made or deleted refuses the call."""
        current = self._world.target(cluster=target.name) if target.kind == "cluster" else self._world.target(workgroup=target.name)
        state = current.state.lower() if current else "deleted"
        if state.split(",")[0].strip() not in _USABLE_STATES:
            raise _invalid(f"The {target.kind} {target.name} is not available for statements: its status is {state}.")

    def _sign_in(self, params: Params, caller: Caller) -> SignIn:
        target = self._target(params)
        database, db_user, secret_arn = params.get("Database"), params.get("DbUser"), params.get("SecretArn")
        if not database:
            raise _invalid("Database is required when authenticating with Secrets Manager, temporary credentials or an IAM identity.")
        if secret_arn:
            return self._sign_in_with_secret(target, database, secret_arn, db_user, caller)
        if target.kind == "workgroup":
            if db_user:
                raise _invalid("DbUser cannot be given for a workgroup: use SecretArn or the caller's IAM identity.")
            self._require(caller, "redshift-serverless:GetCredentials", target.arn)
            return SignIn(target, database, _identity(caller))
        scope = f"arn:aws:redshift:{caller.region}:{caller.account}:"
        if db_user:
            self._require(caller, "redshift:GetClusterCredentials", f"{scope}dbuser:{target.name}/{db_user}")
            return SignIn(target, database, db_user, db_user=db_user)
        self._require(caller, "redshift:GetClusterCredentialsWithIAM", f"{scope}dbname:{target.name}/{database}")
        return SignIn(target, database, _identity(caller))

    def _sign_in_with_secret(self, target: Target, database: str, secret_arn: str, db_user: str | None, caller: Caller) -> SignIn:
        self._require(caller, "secretsmanager:GetSecretValue", secret_arn)
        try:
            secret = self._world.ports.get_secret(secret_arn)
        except (ApiError, KeyError) as error:
            raise _invalid(f"The secret {secret_arn} could not be read from Secrets Manager.") from error
        user, password = secret.get("username"), secret.get("password")
        if not user or not password:
            raise _invalid("username and password in secret cannot be empty")
        if db_user and db_user != user:
            raise _invalid("The DbUser does not match the username of the secret.")
        return SignIn(target, database, str(user), str(password), db_user, secret_arn)

    def _require(self, caller: Caller, action: str, resource: str) -> None:
        if not self._world.ports.may(caller, action, resource):
            raise _invalid(f"User: {caller.principal_arn} is not authorized to perform: {action} on resource: {resource}")

    def _open(self, sign_in: SignIn) -> Session:
        key, databases = sign_in.target.key, self._databases
        if sign_in.password is not None and not databases.check_password(key, sign_in.user, sign_in.password):
            raise SqlError(f'FATAL: password authentication failed for user "{sign_in.user}"', "28P01")
        return databases.session(key, sign_in.database, sign_in.user, self._world.ports)

    # Sessions that are kept ------------------------------------------------------------------------------------------

    def _session_named(self, params: Params, caller: Caller) -> KeptSession | None:
        session_id = params.get("SessionId")
        if not session_id:
            return None
        refused = [name for name in ("Database", "DbUser", "SecretArn", "ClusterIdentifier", "WorkgroupName") if params.get(name)]
        kept = self._kept.get(session_id)
        if kept is None or kept.caller.account != caller.account or kept.closed:
            raise ApiError("ResourceNotFoundException", f"Session {session_id} is not available.")
        if "Database" in refused or "DbUser" in refused or "SecretArn" in refused:
            raise _invalid(f"{refused[0]} cannot be given together with SessionId.")
        if kept.busy_with:
            raise _invalid(f"Session {session_id} is busy with the statement {kept.busy_with}.")
        if "SessionKeepAliveSeconds" in params:
            kept.alive_seconds = int(params["SessionKeepAliveSeconds"])
        return kept

    def _keep(self, sign_in: SignIn, caller: Caller, alive_seconds: int, now: datetime) -> KeptSession:
        if sum(not kept.closed for kept in self._kept.values()) >= ACTIVE_SESSIONS_LIMIT:
            raise ApiError("ActiveSessionsExceededException", f"There are more than {ACTIVE_SESSIONS_LIMIT} active sessions.")
        kept = KeptSession(str(uuid.uuid4()), sign_in, caller, alive_seconds, now, now)
        self._kept[kept.id] = kept
        return kept

    def _release(self, request: Request, session: Session | None) -> None:
        """End the session, or keep it for as long as was asked for."""
        kept = request.kept
        if kept is None:
            if session:
                session.close()
            return
        with self._lock:
            kept.busy_with, kept.updated, kept.session = None, utcnow(), session
            if session is None or session.connection.closed:
                kept.closed = True
                return
            if kept.timer:
                kept.timer.cancel()
            kept.timer = threading.Timer(kept.alive_seconds, self._expire, (kept, kept.updated))
            kept.timer.daemon = True
            kept.timer.start()

    def _expire(self, kept: KeptSession, since: datetime) -> None:
        with self._lock:
            if kept.busy_with or kept.updated != since:
                return
            kept.closed = True
        if kept.session:
            kept.session.close()

    def list_sessions(self, params: Params, caller: Caller) -> Params:
        found = []
        with self._lock:
            for kept in self._kept.values():
                status = "CLOSED" if kept.closed else "BUSY" if kept.busy_with else "AVAILABLE"
                wanted = {"SessionId": kept.id, "Status": status, **_where(kept.sign_in)}
                filters = ("SessionId", "Status", "ClusterIdentifier", "WorkgroupName", "Database")
                if kept.caller.account == caller.account and all(params.get(f) in (None, wanted.get(f)) for f in filters):
                    entry = {k: v for k, v in wanted.items() if k != "SecretArn"}
                    entry |= {"CreatedAt": kept.created, "UpdatedAt": kept.updated, "SessionAliveSeconds": kept.alive_seconds}
                    entry["SessionTtl"] = kept.updated + timedelta(seconds=kept.alive_seconds)
                    found.append(entry | ({"CurrentStatementId": kept.busy_with} if kept.busy_with else {}))
        return _page("Sessions", found, params)

    # Running ---------------------------------------------------------------------------------------------------------

    def _run(self, request: Request) -> None:
        session = request.kept.session if request.kept else None
        started = time.monotonic_ns()
        try:
            if self._advance(request, "PICKED"):
                session = session or self._open(request.sign_in)
                request.session, request.pid = session, session.pid
                if self._advance(request, "STARTED"):
                    self._run_parts(request, session)
        except SqlError as error:
            request.error = request.error or str(error)
        except Exception as error:  # noqa: BLE001 - a defect of the sandbox must end the statement, not leave it running for ever
            request.error = f"ERROR: internal error in the sandbox: {type(error).__name__}: {error}"
        finally:
            request.session = None
            self._release(request, session)
            self._end(request, time.monotonic_ns() - started)

    def _advance(self, request: Request, status: Status) -> bool:
        """Enter the next status; False when the statement was canceled before."""
        with self._lock:
            if request.canceled:
                return False
            request.status, request.updated = status, utcnow()
            return True

    def _run_parts(self, request: Request, session: Session) -> None:
        transaction = request.batch and not request.auto_commit
        if transaction:
            session.begin()
        for number, part in enumerate(request.parts, start=1):
            if request.canceled:
                break
            self._run_part(request, part, session)
            if part.status == "FINISHED":
                continue
            if part.error and request.batch and not request.error:
                request.error = f"Query #{number} failed with {part.error}"
            request.error = request.error or part.error
            if transaction or session.connection.closed:
                break
        if transaction:
            self._end_transaction(request, session)

    def _run_part(self, request: Request, part: Part, session: Session) -> None:
        part.status, part.updated = "STARTED", utcnow()
        started = time.monotonic_ns()
        try:
            part.result = _within_limit(session.execute(part.sql, request.parameters))
            part.status = "FINISHED"
        except SqlError as error:
            part.status, part.error = ("ABORTED" if request.canceled and error.canceled else "FAILED"), str(error)
        part.query_id = session.query_id or -1
        part.duration_ns, part.updated = time.monotonic_ns() - started, utcnow()

    def _end_transaction(self, request: Request, session: Session) -> None:
        if session.connection.closed:
            return
        if request.error or request.canceled:
            session.rollback()
        else:
            session.commit()

    def _end(self, request: Request, duration_ns: int) -> None:
        with self._lock:
            finished = all(part.status == "FINISHED" for part in request.parts) and not request.error
            aborted = request.canceled and not finished and all(part.status != "FAILED" for part in request.parts)
            status: Status = "FINISHED" if finished else "ABORTED" if aborted else "FAILED"
            for part in request.parts:
                if part.status not in _ENDED:
                    part.status = "FAILED" if status == "FAILED" and not request.batch else "ABORTED"
                    part.error = request.error if not request.batch else None
            request.status, request.updated, request.duration_ns = status, utcnow(), duration_ns
        if request.with_event:
            self._world.hints.send(lambda: self._publish(request))
        request.ended.set()

    def _publish(self, request: Request) -> None:
        last = request.parts[-1].describe()
        detail = {
            "principal": request.caller.principal_arn,
            "statementName": request.name or "",
            "statementId": request.id,
            "redshiftQueryId": -1 if request.batch else last["RedshiftQueryId"],
            "state": request.status,
            "rows": last["ResultRows"],
            "expireAt": int((request.created + RESULT_LIFETIME).timestamp()),
        }
        resources = [request.sign_in.target.arn]
        self._world.ports.put_event("aws.redshift-data", "Redshift Data Statement Status Change", resources, detail)

    # Looking and canceling -------------------------------------------------------------------------------------------

    def _find(self, statement_id: str, caller: Caller) -> tuple[Request, Part | None]:
        """The request of that id, and the part where the id names one of a batch."""
        request_id, _, number = statement_id.partition(":")
        with self._lock:
            request = self._requests.get(request_id)
        if request is None or request.caller.account != caller.account:
            raise ApiError("ResourceNotFoundException", "Query does not exist.")
        if not number:
            return request, None
        if not request.batch or not 1 <= int(number) <= len(request.parts):
            raise ApiError("ResourceNotFoundException", "Query does not exist.")
        return request, request.parts[int(number) - 1]

    def describe_statement(self, params: Params, caller: Caller) -> Params:
        request, part = self._find(params["Id"], caller)
        if params.get("WaitTimeSeconds"):
            request.ended.wait(params["WaitTimeSeconds"])
        with self._lock:
            described = {**_where(request.sign_in), "RedshiftPid": request.pid, "ResultFormat": request.result_format}
            if part or not request.batch:
                described |= (part or request.parts[0]).describe()
            else:
                described |= self._described_batch(request)
            if not part:
                described |= {"Id": request.id, "Status": request.status, "UpdatedAt": request.updated}
                described["Duration"] = request.duration_ns
            if request.error and not part:
                described["Error"] = request.error
        if request.parameters:
            described["QueryParameters"] = _listed(request.parameters)
        if request.kept:
            described["SessionId"] = request.kept.id
        return described

    def _described_batch(self, request: Request) -> Params:
        answers = [part.result for part in request.parts if part.result]
        return {
            "CreatedAt": request.created, "QueryString": ";".join(part.sql for part in request.parts), "RedshiftQueryId": -1,
            "HasResultSet": any(part.has_result_set for part in request.parts), "ResultRows": -1,
            "ResultSize": sum(answer.size_bytes for answer in answers) if answers else -1,
            "SubStatements": [part.describe() for part in request.parts],
            "ExecutionMode": "AUTO_COMMIT" if request.auto_commit else "TRANSACTION",
        }  # fmt: skip

    def cancel_statement(self, params: Params, caller: Caller) -> Params:
        request, part = self._find(params["Id"], caller)
        if part:
            raise _invalid("A sub-statement of a batch cannot be canceled: cancel the batch.")
        with self._lock:
            if request.status in _ENDED:
                raise _invalid(f"Could not cancel a query that is already in {request.status} state.")
            request.canceled = True
        threading.Thread(target=self._cancel, args=(request,), name="sandbox-cancel", daemon=True).start()
        return {"Status": True}

    def _cancel(self, request: Request) -> None:
        """Ask until it has ended: a cancel that arrives between two statements of a session has no effect there."""
        while not request.ended.is_set():
            if session := request.session:
                session.cancel()
            request.ended.wait(_CANCEL_AGAIN_SECONDS)

    def list_statements(self, params: Params, caller: Caller) -> Params:
        wanted = params.get("Status") or "FINISHED"
        by_role = params.get("RoleLevel", True)
        with self._lock:
            found = [
                self._listed_statement(request)
                for request in reversed(self._requests.values())
                if request.caller.account == caller.account
                and (_role_of(request.caller) == _role_of(caller) if by_role else request.caller == caller)
                and wanted in ("ALL", request.status)
                and (request.name or "").startswith(params.get("StatementName") or "")
                and all(params.get(f) in (None, _where(request.sign_in).get(f)) for f in ("ClusterIdentifier", "WorkgroupName", "Database"))
            ]
        return _page("Statements", found, params)

    def _listed_statement(self, request: Request) -> Params:
        listed: Params = {
            "Id": request.id, "QueryString": request.parts[0].sql, "Status": request.status, "CreatedAt": request.created,
            "UpdatedAt": request.updated, "IsBatchStatement": request.batch, "ResultFormat": request.result_format,
        }  # fmt: skip
        if request.batch:
            listed |= {"QueryString": ";".join(part.sql for part in request.parts), "QueryStrings": [part.sql for part in request.parts]}
        if request.name:
            listed["StatementName"] = request.name
        if request.sign_in.secret_arn:
            listed["SecretArn"] = request.sign_in.secret_arn
        if request.parameters:
            listed["QueryParameters"] = _listed(request.parameters)
        if request.kept:
            listed["SessionId"] = request.kept.id
        return listed

    # Results ---------------------------------------------------------------------------------------------------------

    def get_statement_result(self, params: Params, caller: Caller) -> Params:
        result, rows, answer = self._result(params, caller, "JSON")
        return answer | {"Records": [[_field(value, column) for value, column in zip(row, result.columns, strict=True)] for row in rows]}

    def get_statement_result_v2(self, params: Params, caller: Caller) -> Params:
        result, rows, answer = self._result(params, caller, "CSV")
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        if not params.get("NextToken"):
            writer.writerow([column.name for column in result.columns])
        writer.writerows([["" if value is None else value for value in row] for row in rows])
        return answer | {"Records": [{"CSVRecords": out.getvalue()}], "ResultFormat": "CSV"}

    def _result(self, params: Params, caller: Caller, wanted: str) -> tuple[Result, list[tuple[str | None, ...]], Params]:
        request, part = self._find(params["Id"], caller)
        if params.get("WaitTimeSeconds"):
            request.ended.wait(params["WaitTimeSeconds"])
        chosen = part or (request.parts[0] if not request.batch else None)
        result = chosen.result if chosen and (request.status == "FINISHED" or request.auto_commit) else None
        if result is None or not result.columns:
            raise ApiError("ResourceNotFoundException", "Query does not have result. Please check query status with DescribeStatement.")
        if request.result_format != wanted:
            operation = "GetStatementResultV2" if request.result_format == "CSV" else "GetStatementResult"
            raise _invalid(f"The result format of this statement is {request.result_format}: use {operation}.")
        start = _offset(params.get("NextToken"))
        answer: Params = {"ColumnMetadata": [_metadata(column) for column in result.columns], "TotalNumRows": len(result.rows)}
        if start + PAGE_ROWS < len(result.rows):
            answer["NextToken"] = _token(start + PAGE_ROWS)
        return result, result.rows[start : start + PAGE_ROWS], answer

    # Looking into a database -----------------------------------------------------------------------------------------

    def list_databases(self, params: Params, caller: Caller) -> Params:
        found = self._look(params, caller, "SELECT datname FROM redshift_databases ORDER BY 1")
        return _page("Databases", [name for (name,) in found], params)

    def list_schemas(self, params: Params, caller: Caller) -> Params:
        query = "SELECT schema_name FROM svv_all_schemas WHERE schema_name LIKE $1 ORDER BY 1"
        return _page("Schemas", [name for (name,) in self._look(params, caller, query, params.get("SchemaPattern") or "%")], params)

    def list_tables(self, params: Params, caller: Caller) -> Params:
        query = (
            "SELECT table_name, table_type, table_schema FROM svv_tables WHERE table_schema LIKE $1 AND table_name LIKE $2 ORDER BY 3, 1"
        )
        found = self._look(params, caller, query, params.get("SchemaPattern") or "%", params.get("TablePattern") or "%")
        return _page("Tables", [{"name": name, "type": kind, "schema": schema} for name, kind, schema in found], params)

    def describe_table(self, params: Params, caller: Caller) -> Params:
        query = (
            "SELECT column_name, table_name, table_schema, column_default, is_nullable, coalesce(character_maximum_length, numeric_precision, 0), "
            "coalesce(numeric_precision, 0), coalesce(numeric_scale, 0), data_type FROM svv_columns "
            "WHERE ($1 = '' OR table_schema = lower($1)) AND table_name = lower($2) ORDER BY ordinal_position"
        )
        found = self._look(params, caller, query, params.get("Schema") or "", params.get("Table") or "")
        columns = [_described_column(row) for row in found]
        return _page("ColumnList", columns, params) | {"TableName": params.get("Table") or ""}

    def _look(self, params: Params, caller: Caller, query: str, *values: str) -> Iterable[tuple[str | None, ...]]:
        sign_in = self._sign_in(params, caller)
        self._check_state(sign_in.target)
        try:
            with self._open(sign_in) as session:
                return session.run(query, values).rows
        except SqlError as error:
            raise ApiError("DatabaseConnectionException", str(error), 500) from error

    # Ending ----------------------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Cancel what runs, end every session and forget all statements."""
        with self._lock:
            requests, kept = list(self._requests.values()), list(self._kept.values())
            for request in requests:
                request.canceled = request.canceled or request.status not in _ENDED
        for request in requests:
            self._cancel(request)
        for each in kept:
            if each.timer:
                each.timer.cancel()
            if each.session:
                each.session.close()
        with self._lock:
            for request in requests:
                self._requests.pop(request.id, None)
            self._tokens.clear()
            for each in kept:
                self._kept.pop(each.id, None)

    def close(self) -> None:
        """`reset`, and end the threads."""
        self.reset()
        self._pool.shutdown()


def _invalid(message: str) -> ApiError:
    return ApiError("ValidationException", message)


def _role_of(caller: Caller) -> str:
    """The user or role behind a caller; sessions of one role are one."""
    arn = caller.principal_arn
    return arn.rpartition("/")[0] if ":assumed-role/" in arn else arn


def _identity(caller: Caller) -> str:
    """The database user of an IAM identity."""
    kind, *path = caller.principal_arn.split(":", 5)[5].split("/")
    return f"IAMR:{path[0]}" if kind == "assumed-role" else f"IAM:{path[-1] if path else kind}"


def _where(sign_in: SignIn) -> Params:
    where = {
        "ClusterIdentifier" if sign_in.target.kind == "cluster" else "WorkgroupName": sign_in.target.name,
        "Database": sign_in.database,
    }
    if sign_in.secret_arn:
        where["SecretArn"] = sign_in.secret_arn
    if sign_in.db_user or sign_in.secret_arn is None:
        where["DbUser"] = sign_in.user
    return where


def _parameters(params: Params, sqls: list[str]) -> dict[str, str]:
    """The named parameters; each must be used by a statement and each used one given."""
    given: dict[str, str] = {}
    for parameter in params.get("Parameters") or []:
        if parameter["name"] in given:
            raise _invalid(f"The parameter {parameter['name']} is given twice.")
        given[parameter["name"]] = parameter["value"]
    try:
        used = {found.name for sql in sqls for statement in split(sql) for found in statement.parameters}
    except SqlError:
        return given  # SQL that cannot even be read fails when it is run
    if missing := sorted(used - given.keys()):
        raise _invalid(f"Parameters list does not contain all parameters of the SQL. Missing parameters: {missing}")
    if unused := sorted(given.keys() - used):
        raise _invalid(f"Parameters list contains unused parameters. Unused parameters: {unused}")
    return given


def _within_limit(result: Result) -> Result:
    if result.size_bytes > RESULT_LIMIT_BYTES:
        raise SqlError(f"the result is larger than {RESULT_LIMIT_BYTES} bytes", "54000")
    return result


def _listed(parameters: dict[str, str]) -> list[Params]:
    return [{"name": name, "value": value} for name, value in parameters.items()]


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(f"from:{offset}".encode()).decode()


def _offset(token: str | None) -> int:
    if not token:
        return 0
    try:
        match = re.fullmatch(r"from:(\d+)", base64.urlsafe_b64decode(token).decode())
    except (binascii.Error, UnicodeDecodeError):
        match = None
    if not match:
        raise _invalid("The NextToken is not valid.")
    return int(match[1])


def _page(name: str, found: list[Any], params: Params) -> Params:
    start, size = _offset(params.get("NextToken")), params.get("MaxResults") or (100 if name in ("Statements", "Sessions") else 1000)
    page: Params = {name: found[start : start + size]}
    return page | ({"NextToken": _token(start + size)} if start + size < len(found) else {})


def _field(value: str | None, column: Column) -> Params:
    if value is None:
        return {"isNull": True}
    kind = _TYPES.get(column.type_oid, ("varchar", "stringValue"))[1]
    if kind == "booleanValue":
        return {kind: value == "t"}
    if kind == "longValue":
        return {kind: int(value)}
    if kind == "doubleValue":
        return {kind: float(value)}
    if column.type_oid == 3802:
        return {kind: json.dumps(json.loads(value), separators=(",", ":"), ensure_ascii=False)}
    return {kind: value}


def _metadata(column: Column) -> Params:
    name, kind = _TYPES.get(column.type_oid, ("varchar", "stringValue"))
    modifier = column.type_modifier - 4 if column.type_modifier >= 4 else 0
    numeric = name == "numeric"
    return {
        "name": column.name, "label": column.name, "typeName": name, "nullable": 1, "schemaName": "", "tableName": "", "isCurrency": False,
        "isCaseSensitive": name in ("varchar", "bpchar", "char"), "isSigned": kind in ("longValue", "doubleValue") or numeric,
        "length": 0 if numeric else modifier, "precision": modifier >> 16 if numeric else modifier, "scale": modifier & 0xFFFF if numeric else 0,
    }  # fmt: skip


def _described_column(row: tuple[str | None, ...]) -> Params:
    name, table, schema, default, nullable, length, precision, scale, kind = row
    described: Params = {
        "name": name, "label": name, "tableName": table, "schemaName": schema, "nullable": int(nullable == "YES"), "length": int(length or 0),
        "precision": int(precision or 0), "scale": int(scale or 0), "typeName": _SHORT_TYPES.get(kind or "", kind),
        "isCaseSensitive": kind in ("character varying", "character"), "isCurrency": False,
        "isSigned": kind in ("smallint", "integer", "bigint", "numeric", "real", "double precision"),
    }  # fmt: skip
    return described | ({"columnDefault": default} if default is not None else {})


_SHORT_TYPES = {
    "boolean": "bool", "smallint": "int2", "integer": "int4", "bigint": "int8", "real": "float4", "double precision": "float8",
    "character varying": "varchar", "character": "bpchar", "timestamp without time zone": "timestamp", "timestamp with time zone": "timestamptz",
}  # fmt: skip
