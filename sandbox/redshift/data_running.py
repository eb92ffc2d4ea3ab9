"""The life of a statement: a pool of threads signs in, runs it and records the end; it can be canceled from another thread."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from sandbox.kernel import utcnow
from sandbox.redshift.data_sessions import KeptSessions
from sandbox.redshift.data_sign_in import SignIns
from sandbox.redshift.data_statements import ENDED, RESULT_LIFETIME, Part, Request, Status
from sandbox.sql.errors import SqlError
from sandbox.sql.results import Result
from sandbox.sql.session import Session
from sandbox.world import World

RESULT_LIMIT_BYTES = 500 * 1024 * 1024
WORKERS = 16
_CANCEL_AGAIN_SECONDS = 0.2


class Runner:
    """Runs requests: SUBMITTED, PICKED, STARTED, then FINISHED, FAILED or ABORTED. The lock guards the status of each."""

    def __init__(self, world: World, sign_ins: SignIns, kept: KeptSessions, lock: threading.RLock) -> None:
        self._world, self._sign_ins, self._kept, self._lock = world, sign_ins, kept, lock
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="sandbox-data-api")

    def submit(self, request: Request) -> None:
        self._pool.submit(self._run, request)

    def _run(self, request: Request) -> None:
        session = request.kept.session if request.kept else None
        started = time.monotonic_ns()
        try:
            if self._advance(request, "PICKED"):
                session = session or self._sign_ins.open(request.sign_in)
                request.session, request.pid = session, session.pid
                if self._advance(request, "STARTED"):
                    self._run_parts(request, session)
        except SqlError as error:
            request.error = request.error or str(error)
        except Exception as error:  # noqa: BLE001 - a defect of the sandbox must end the statement, not leave it running for ever
            request.error = f"ERROR: internal error in the sandbox: {type(error).__name__}: {error}"
        finally:
            request.session = None
            self._kept.release(request.kept, session)
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
                if part.status not in ENDED:
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

    def cancel(self, request: Request) -> None:
        """Ask until it has ended: a cancel that arrives between two statements of a session has no effect there."""
        while not request.ended.is_set():
            if session := request.session:
                session.cancel()
            request.ended.wait(_CANCEL_AGAIN_SECONDS)

    def close(self) -> None:
        """End the threads once nothing runs."""
        self._pool.shutdown()


def _within_limit(result: Result) -> Result:
    if result.size_bytes > RESULT_LIMIT_BYTES:
        raise SqlError(f"the result is larger than {RESULT_LIMIT_BYTES} bytes", "54000")
    return result
