"""The Redshift Data API (`redshift-data`) over the sandbox's databases.

A statement is taken at once and run by a pool of threads (`data_running`). What is wrong with the request, or not allowed, fails
the call; what the database refuses, a sign-in included, fails the statement.

Each part is a module that knows only those before it: `data_sign_in` < `data_sessions` < `data_statements` < `data_running`, and
for what is looked up `data_results` and `data_catalog`.
"""

from __future__ import annotations

import threading
import uuid

from sandbox.kernel import ApiError, utcnow
from sandbox.redshift import data_results
from sandbox.redshift.answers import Params
from sandbox.redshift.data_answers import invalid
from sandbox.redshift.data_catalog import Catalog
from sandbox.redshift.data_running import Runner
from sandbox.redshift.data_sessions import KeptSessions
from sandbox.redshift.data_sign_in import SignIns
from sandbox.redshift.data_statements import ENDED, Part, Request, Statements
from sandbox.sql.databases import Databases
from sandbox.sql.errors import SqlError
from sandbox.sql.lexer import split
from sandbox.world import Caller, World

SQL_LIMIT_BYTES = 100_000
BATCH_LIMIT = 40
ACTIVE_STATEMENTS_LIMIT = 500


class DataApi:
    """The operations, by their names in snake case; parameters and answers are shaped as botocore's service model says."""

    def __init__(self, world: World, databases: Databases) -> None:
        self._lock = threading.RLock()
        self._sign_ins = SignIns(world, databases)
        self._statements = Statements(self._lock)
        self._sessions = KeptSessions(self._lock)
        self._runner = Runner(world, self._sign_ins, self._sessions, self._lock)
        self._catalog = Catalog(self._sign_ins)

    # Taking statements -----------------------------------------------------------------------------------------------

    def execute_statement(self, params: Params, caller: Caller) -> Params:
        return self._submit(params, caller, [params["Sql"]], batch=False)

    def batch_execute_statement(self, params: Params, caller: Caller) -> Params:
        if not 1 <= len(params["Sqls"]) <= BATCH_LIMIT:
            raise invalid(f"A batch must have 1 to {BATCH_LIMIT} SQL statements, not {len(params['Sqls'])}.")
        return self._submit(params, caller, list(params["Sqls"]), batch=True)

    def _submit(self, params: Params, caller: Caller, sqls: list[str], *, batch: bool) -> Params:
        if sum(len(sql.encode()) for sql in sqls) > SQL_LIMIT_BYTES:
            raise invalid(f"The SQL is longer than {SQL_LIMIT_BYTES} bytes.")
        with self._lock:
            self._statements.forget_expired()
            request = self._statements.repeated(params.get("ClientToken"), caller)
            if request is None:
                request = self._new_request(params, caller, sqls, batch)
                self._statements.add(request, params.get("ClientToken"))
                self._runner.submit(request)
        return self._accepted(request, params)

    def _new_request(self, params: Params, caller: Caller, sqls: list[str], batch: bool) -> Request:
        parameters = _named_parameters(params, sqls)
        kept = self._sessions.named(params, caller)
        sign_in = kept.sign_in if kept else self._sign_ins.asked_for(params, caller)
        self._sign_ins.check_state(sign_in.target)
        if self._statements.active_count() >= ACTIVE_STATEMENTS_LIMIT:
            raise ApiError("ActiveStatementsExceededException", f"There are more than {ACTIVE_STATEMENTS_LIMIT} active statements.")
        request_id, now = str(uuid.uuid4()), utcnow()
        if kept is None and params.get("SessionKeepAliveSeconds"):
            kept = self._sessions.keep(sign_in, caller, int(params["SessionKeepAliveSeconds"]), now)
        if kept:
            kept.busy_with, kept.updated = request_id, now
        return Request(
            id=request_id, caller=caller, sign_in=sign_in, batch=batch, parameters=parameters, created=now, updated=now, kept=kept,
            parts=[Part(f"{request_id}:{n}" if batch else request_id, sql, now, now) for n, sql in enumerate(sqls, start=1)],
            name=params.get("StatementName"), with_event=bool(params.get("WithEvent")),
            auto_commit=params.get("ExecutionMode") == "AUTO_COMMIT", result_format=params.get("ResultFormat") or "JSON",
        )  # fmt: skip

    def _accepted(self, request: Request, params: Params) -> Params:
        answer: Params = {"Id": request.id, "CreatedAt": request.created, **request.sign_in.where()}
        if request.kept:
            answer["SessionId"] = request.kept.id
        if params.get("WaitTimeSeconds"):
            request.ended.wait(params["WaitTimeSeconds"])
            answer |= {"Status": request.status, "RedshiftPid": request.pid, "HasResultSet": request.has_result_set}
        return answer

    # Statements and sessions that are known --------------------------------------------------------------------------

    def describe_statement(self, params: Params, caller: Caller) -> Params:
        request, part = self._awaited(params, caller)
        with self._lock:
            return request.describe(part)

    def get_statement_result(self, params: Params, caller: Caller) -> Params:
        return data_results.typed_records(*self._awaited(params, caller), params.get("NextToken"))

    def get_statement_result_v2(self, params: Params, caller: Caller) -> Params:
        return data_results.csv_records(*self._awaited(params, caller), params.get("NextToken"))

    def _awaited(self, params: Params, caller: Caller) -> tuple[Request, Part | None]:
        """What the id of a request names, after the wait that it asks for."""
        request, part = self._statements.find(params["Id"], caller)
        if params.get("WaitTimeSeconds"):
            request.ended.wait(params["WaitTimeSeconds"])
        return request, part

    def cancel_statement(self, params: Params, caller: Caller) -> Params:
        request, part = self._statements.find(params["Id"], caller)
        if part:
            raise invalid("A sub-statement of a batch cannot be canceled: cancel the batch.")
        with self._lock:
            if request.status in ENDED:
                raise invalid(f"Could not cancel a query that is already in {request.status} state.")
            request.canceled = True
        threading.Thread(target=self._runner.cancel, args=(request,), name="sandbox-cancel", daemon=True).start()
        return {"Status": True}

    def list_statements(self, params: Params, caller: Caller) -> Params:
        return self._statements.listed(params, caller)

    def list_sessions(self, params: Params, caller: Caller) -> Params:
        return self._sessions.listed(params, caller)

    # Looking into a database -----------------------------------------------------------------------------------------

    def list_databases(self, params: Params, caller: Caller) -> Params:
        return self._catalog.databases(params, caller)

    def list_schemas(self, params: Params, caller: Caller) -> Params:
        return self._catalog.schemas(params, caller)

    def list_tables(self, params: Params, caller: Caller) -> Params:
        return self._catalog.tables(params, caller)

    def describe_table(self, params: Params, caller: Caller) -> Params:
        return self._catalog.columns(params, caller)

    # Ending ----------------------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Cancel what runs, end every session and forget all statements."""
        with self._lock:
            requests, kept = self._statements.all(), self._sessions.all()
            for request in requests:
                request.canceled = request.canceled or request.status not in ENDED
        for request in requests:
            self._runner.cancel(request)
        self._sessions.end(kept)
        with self._lock:
            self._statements.forget(requests)
            self._sessions.forget(kept)

    def close(self) -> None:
        """`reset`, and end the threads."""
        self.reset()
        self._runner.close()


def _named_parameters(params: Params, sqls: list[str]) -> dict[str, str]:
    """The named parameters; each must be used by a statement and each used one given."""
    given: dict[str, str] = {}
    for parameter in params.get("Parameters") or []:
        if parameter["name"] in given:
            raise invalid(f"The parameter {parameter['name']} is given twice.")
        given[parameter["name"]] = parameter["value"]
    try:
        used = {found.name for sql in sqls for statement in split(sql) for found in statement.parameters}
    except SqlError:
        return given  # SQL that cannot even be read fails when it is run
    if missing := sorted(used - given.keys()):
        raise invalid(f"Parameters list does not contain all parameters of the SQL. Missing parameters: {missing}")
    if unused := sorted(given.keys() - used):
        raise invalid(f"Parameters list contains unused parameters. Unused parameters: {unused}")
    return given
