"""The statements that the Data API took, with what became of each, for as long as they are remembered."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from sandbox.kernel import ApiError, utcnow
from sandbox.redshift.answers import Params
from sandbox.redshift.data_answers import page
from sandbox.redshift.data_sessions import KeptSession
from sandbox.redshift.data_sign_in import SignIn, role_of
from sandbox.sql.results import Result
from sandbox.sql.session import Session
from sandbox.world import Caller

Status = Literal["SUBMITTED", "PICKED", "STARTED", "FINISHED", "FAILED", "ABORTED"]
ENDED = ("FINISHED", "FAILED", "ABORTED")
TOKEN_LIFETIME = timedelta(hours=8)
RESULT_LIFETIME = timedelta(hours=24)


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

    @property
    def has_result_set(self) -> bool:
        return any(part.has_result_set for part in self.parts)

    def describe(self, part: Part | None) -> Params:
        """What DescribeStatement says of it, or of one part of it."""
        described = {**self.sign_in.where(), "RedshiftPid": self.pid, "ResultFormat": self.result_format}
        if part or not self.batch:
            described |= (part or self.parts[0]).describe()
        else:
            described |= self._describe_batch()
        if not part:
            described |= {"Id": self.id, "Status": self.status, "UpdatedAt": self.updated, "Duration": self.duration_ns}
        if self.error and not part:
            described["Error"] = self.error
        return described | self._describe_further()

    def _describe_batch(self) -> Params:
        answers = [part.result for part in self.parts if part.result]
        return {
            "CreatedAt": self.created, "QueryString": ";".join(part.sql for part in self.parts), "RedshiftQueryId": -1,
            "HasResultSet": self.has_result_set, "ResultRows": -1,
            "ResultSize": sum(answer.size_bytes for answer in answers) if answers else -1,
            "SubStatements": [part.describe() for part in self.parts],
            "ExecutionMode": "AUTO_COMMIT" if self.auto_commit else "TRANSACTION",
        }  # fmt: skip

    def summarize(self) -> Params:
        """What ListStatements says of it."""
        listed: Params = {
            "Id": self.id, "QueryString": self.parts[0].sql, "Status": self.status, "CreatedAt": self.created,
            "UpdatedAt": self.updated, "IsBatchStatement": self.batch, "ResultFormat": self.result_format,
        }  # fmt: skip
        if self.batch:
            listed |= {"QueryString": ";".join(part.sql for part in self.parts), "QueryStrings": [part.sql for part in self.parts]}
        if self.name:
            listed["StatementName"] = self.name
        if self.sign_in.secret_arn:
            listed["SecretArn"] = self.sign_in.secret_arn
        return listed | self._describe_further()

    def _describe_further(self) -> Params:
        """The parameters and the kept session, where there are any."""
        further: Params = {}
        if self.parameters:
            further["QueryParameters"] = [{"name": name, "value": value} for name, value in self.parameters.items()]
        if self.kept:
            further["SessionId"] = self.kept.id
        return further


class Statements:
    """All requests, by id and by client token. Whoever looks and then adds holds the lock meanwhile."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._requests: dict[str, Request] = {}
        self._tokens: dict[tuple[str, str], Request] = {}

    def add(self, request: Request, client_token: str | None) -> None:
        self._requests[request.id] = request
        if client_token:
            self._tokens[role_of(request.caller), client_token] = request

    def repeated(self, client_token: str | None, caller: Caller) -> Request | None:
        """The request that the same role sent with the same token before."""
        known = self._tokens.get((role_of(caller), client_token)) if client_token else None
        return known if known and utcnow() - known.created < TOKEN_LIFETIME else None

    def active_count(self) -> int:
        return sum(request.status not in ENDED for request in self._requests.values())

    def find(self, statement_id: str, caller: Caller) -> tuple[Request, Part | None]:
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

    def listed(self, params: Params, caller: Caller) -> Params:
        """The page of statements that ListStatements answers with."""
        wanted = params.get("Status") or "FINISHED"
        by_role = params.get("RoleLevel", True)
        with self._lock:
            found = [
                request.summarize()
                for request in reversed(self._requests.values())
                if request.caller.account == caller.account
                and (role_of(request.caller) == role_of(caller) if by_role else request.caller == caller)
                and wanted in ("ALL", request.status)
                and (request.name or "").startswith(params.get("StatementName") or "")
                and all(params.get(f) in (None, request.sign_in.where().get(f)) for f in ("ClusterIdentifier", "WorkgroupName", "Database"))
            ]
        return page("Statements", found, params)

    def forget_expired(self) -> None:
        oldest = utcnow() - RESULT_LIFETIME
        for request in [r for r in self._requests.values() if r.status in ENDED and r.updated < oldest]:
            del self._requests[request.id]
        self._tokens = {key: request for key, request in self._tokens.items() if request.id in self._requests}

    def all(self) -> list[Request]:
        with self._lock:
            return list(self._requests.values())

    def forget(self, ended: list[Request]) -> None:
        """Forget these requests, and every token."""
        with self._lock:
            for request in ended:
                self._requests.pop(request.id, None)
            self._tokens.clear()
