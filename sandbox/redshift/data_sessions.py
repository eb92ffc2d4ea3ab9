"""Sessions that outlive their statement: another statement finds one by its `SessionId` until its time is over."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.kernel import ApiError, utcnow
from sandbox.redshift.answers import Params
from sandbox.redshift.data_answers import invalid, page
from sandbox.redshift.data_sign_in import SignIn
from sandbox.sql.session import Session
from sandbox.world import Caller

ACTIVE_SESSIONS_LIMIT = 500


@dataclass
class KeptSession:
    """A session that is kept, what it runs now, and the timer that will end it."""

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


class KeptSessions:
    """All kept sessions. The lock is the one of the statements: a session is found and made busy at one moment."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._kept: dict[str, KeptSession] = {}

    def named(self, params: Params, caller: Caller) -> KeptSession | None:
        """The session that a request names, or None; raises ApiError when it cannot be used."""
        session_id = params.get("SessionId")
        if not session_id:
            return None
        refused = [name for name in ("Database", "DbUser", "SecretArn", "ClusterIdentifier", "WorkgroupName") if params.get(name)]
        kept = self._kept.get(session_id)
        if kept is None or kept.caller.account != caller.account or kept.closed:
            raise ApiError("ResourceNotFoundException", f"Session {session_id} is not available.")
        if "Database" in refused or "DbUser" in refused or "SecretArn" in refused:
            raise invalid(f"{refused[0]} cannot be given together with SessionId.")
        if kept.busy_with:
            raise invalid(f"Session {session_id} is busy with the statement {kept.busy_with}.")
        if "SessionKeepAliveSeconds" in params:
            kept.alive_seconds = int(params["SessionKeepAliveSeconds"])
        return kept

    def keep(self, sign_in: SignIn, caller: Caller, alive_seconds: int, now: datetime) -> KeptSession:
        """Make a session that is kept, which is opened when its first statement runs."""
        if sum(not kept.closed for kept in self._kept.values()) >= ACTIVE_SESSIONS_LIMIT:
            raise ApiError("ActiveSessionsExceededException", f"There are more than {ACTIVE_SESSIONS_LIMIT} active sessions.")
        kept = KeptSession(str(uuid.uuid4()), sign_in, caller, alive_seconds, now, now)
        self._kept[kept.id] = kept
        return kept

    def release(self, kept: KeptSession | None, session: Session | None) -> None:
        """End the session, or keep it for as long as was asked for."""
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

    def listed(self, params: Params, caller: Caller) -> Params:
        """The page of sessions that ListSessions answers with."""
        found = []
        with self._lock:
            for kept in self._kept.values():
                status = "CLOSED" if kept.closed else "BUSY" if kept.busy_with else "AVAILABLE"
                wanted = {"SessionId": kept.id, "Status": status, **kept.sign_in.where()}
                filters = ("SessionId", "Status", "ClusterIdentifier", "WorkgroupName", "Database")
                if kept.caller.account == caller.account and all(params.get(f) in (None, wanted.get(f)) for f in filters):
                    entry = {k: v for k, v in wanted.items() if k != "SecretArn"}
                    entry |= {"CreatedAt": kept.created, "UpdatedAt": kept.updated, "SessionAliveSeconds": kept.alive_seconds}
                    entry["SessionTtl"] = kept.updated + timedelta(seconds=kept.alive_seconds)
                    found.append(entry | ({"CurrentStatementId": kept.busy_with} if kept.busy_with else {}))
        return page("Sessions", found, params)

    def all(self) -> list[KeptSession]:
        with self._lock:
            return list(self._kept.values())

    def end(self, ended: list[KeptSession]) -> None:
        """Close these sessions, whatever time they have left."""
        for each in ended:
            if each.timer:
                each.timer.cancel()
            if each.session:
                each.session.close()

    def forget(self, ended: list[KeptSession]) -> None:
        with self._lock:
            for each in ended:
                self._kept.pop(each.id, None)
