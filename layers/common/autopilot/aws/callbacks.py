"""Callbacks: task tokens that wait for a warehouse, a lock or a statement to reach a state.

Subject and sort key say where a hint finds them:

| goal                                       | subject           | sk                            |
|--------------------------------------------|-------------------|-------------------------------|
| available, paused, resized, deleted, snapshot, idle | `<kind>#<region>` | `<name>#<goal>#<execution>`   |
| unlocked                                   | `lock`            | `<warehouse key>#<execution>` |
| statement                                  | `statement`       | the statement's id            |
| integration                                | `integration`     | the integration's ARN         |

A retried task writes over its own callback, so only the newest token is answered.
"""

from __future__ import annotations

import time

import msgspec

from autopilot.aws import executions, table
from autopilot.domain.errors import AutopilotError
from autopilot.domain.waiting import Goal
from autopilot.domain.warehouse import Reference

PERMISSIONS = (*table.READ, *table.WRITE, *executions.ANSWER)
_KEPT_SECONDS = 2 * 24 * 3600
STATEMENT = "statement"
LOCK = "lock"
INTEGRATION = "integration"


class Callback(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A waiting task. `execution` owns it; `first_look` and `last_look` say whether a look came before and whether one will follow.

    `key` is the warehouse's key for a lock and the client token for a statement; `subject` is a snapshot's identifier, a size
    in words, a statement's id or an integration's ARN, `label` says to people which one of several it is; `again` marks a question that was
    asked once more because no hint came; `deadline` (ISO 8601, UTC) ends the patience of a drain; with `reports` a failed statement is an output.
    """

    goal: Goal
    token: str
    execution: str
    name: str
    kind: str = ""
    region: str = ""
    key: str = ""
    subject: str = ""
    label: str = ""
    again: bool = False
    reports: bool = False
    deadline: str = ""
    first_look: bool = False
    last_look: bool = False

    @property
    def pk(self) -> str:
        """The partition: by the kind of hint that concerns it."""
        subject = {"unlocked": LOCK, "statement": STATEMENT, "integration": INTEGRATION}.get(self.goal) or f"{self.kind}#{self.region}"
        return f"CALLBACK#{subject}"

    @property
    def sk(self) -> str:
        """The sort key: by what the hint names."""
        if self.goal in {"statement", "integration"}:
            return self.subject
        return f"{self.key}#{self.execution}" if self.goal == "unlocked" else f"{self.name}#{self.goal}#{self.execution}"

    @property
    def reference(self) -> Reference:
        """The warehouse it waits for."""
        return msgspec.convert({"name": self.name, "kind": self.kind or None, "region": self.region or None}, Reference)


class Answer(msgspec.Struct, frozen=True):
    """What a waiting task is told: an output, or an error of `domain.errors` with its cause."""

    output: object = None
    error: str = ""
    cause: str = ""

    @classmethod
    def of(cls, error: AutopilotError) -> Answer:
        """The answer that fails the task with this error."""
        return cls(error=type(error).__name__, cause=str(error))


def store(callback: Callback) -> None:
    """Write the callback, over an earlier one of the same wait."""
    item = {
        "pk": callback.pk,
        "sk": callback.sk,
        "owner": callback.execution,
        "token": callback.token,
        "callback": msgspec.json.encode(callback).decode(),
    }
    table.put(item, int(time.time()) + _KEPT_SECONDS)


def of_item(item: table.Item) -> Callback | None:
    """The callback that an item of the table holds, or None when it holds something else."""
    return msgspec.json.decode(item["callback"], type=Callback) if "callback" in item else None


def stored(callback: Callback) -> Callback | None:
    """What an earlier attempt of the same wait has stored, if it was not answered."""
    return _callback(callback.pk, callback.sk)


def waiting_for(kind: str, region: str, name: str = "") -> list[Callback]:
    """The callbacks that wait for a warehouse, or for all warehouses of a kind."""
    return _callbacks(f"CALLBACK#{kind}#{region}", f"{name}#" if name else "")


def waiting_for_lock(key: str) -> list[Callback]:
    """The callbacks that wait for the lock of a warehouse."""
    return _callbacks(f"CALLBACK#{LOCK}", f"{key}#")


def waiting_for_statement(statement_id: str) -> Callback | None:
    """The callback that waits for a statement."""
    return _callback(f"CALLBACK#{STATEMENT}", statement_id)


def waiting_for_integration(arn: str) -> Callback | None:
    """The callback that waits for an integration."""
    return _callback(f"CALLBACK#{INTEGRATION}", arn)


def of_execution(execution: str) -> list[Callback]:
    """The callbacks that an execution waits for. The index behind this lags by a moment."""
    return [callback for item in table.of_owner(execution) if (callback := of_item(item))]


def answer(callback: Callback, told: Answer) -> bool:
    """Answer the task, then forget the callback; False if the task waits no longer. Doing it twice does no harm."""
    taken = executions.fail(callback.token, told.error, told.cause) if told.error else executions.succeed(callback.token, told.output)
    forget(callback)
    return taken


def forget(callback: Callback) -> None:
    """Delete the callback, unless a retry has already written a newer token over it."""
    table.delete_if(callback.pk, callback.sk, "token", callback.token)


def _callback(pk: str, sk: str) -> Callback | None:
    item = table.get(pk, sk)
    return of_item(item) if item else None


def _callbacks(pk: str, sk_prefix: str) -> list[Callback]:
    return [callback for item in table.of_partition(pk, sk_prefix) if (callback := of_item(item))]
