"""Following a hint: look at what it may concern, and answer every callback that is now decided."""

from __future__ import annotations

from typing import assert_never

from autopilot.aws import callbacks, cleaning, data_api, executions, looking
from autopilot.aws.callbacks import Answer, Callback
from autopilot.domain.errors import AutopilotError, LookAgain, TransientError
from autopilot.domain.hints import Hint
from autopilot.domain.sql import is_look

PERMISSIONS = (*callbacks.PERMISSIONS, *looking.PERMISSIONS, *cleaning.PERMISSIONS, *data_api.LOOK)


def follow(hint: Hint) -> int:
    """Follow one hint; how many waiting tasks were answered."""
    match hint.subject:
        case "cluster":
            return _answer_all(callbacks.waiting_for("cluster", hint.region, hint.name))
        case "workgroup":
            return _answer_all([waiting for waiting in callbacks.waiting_for("workgroup", hint.region) if waiting.name in hint.name])
        case "statement":
            return _follow_statement(hint)
        case "integration":
            waiting = callbacks.waiting_for_integration(hint.name)
            return _answer_all([waiting] if waiting else [])
        case "execution":
            return _follow_execution(hint.name)
        case "warehouse":
            return _answer_all(callbacks.waiting_for_lock(hint.name))
        case _:
            assert_never(hint.subject)


def _follow_execution(execution: str) -> int:
    """The end of an execution concerns who waits for its locks, and what it left running."""
    if executions.is_running(execution):
        return 0
    answered = sum(_answer_all(callbacks.waiting_for_lock(key)) for key in cleaning.free_locks(execution))
    cleaning.end_callbacks(execution)
    return answered


def _follow_statement(hint: Hint) -> int:
    """The end of a statement concerns who waits for it, and who waits for its warehouse to run no query."""
    waiting = callbacks.waiting_for_statement(hint.name)
    answered = _answer_all([waiting]) if waiting else 0
    try:
        description = data_api.describe(hint.name)
    except TransientError:
        raise
    except AutopilotError:
        # Somebody else's statement that cannot be seen: who drains its warehouse looks again at the next heartbeat.
        return answered
    kind = "cluster" if "ClusterIdentifier" in description else "workgroup"
    name = description.get("ClusterIdentifier") or description.get("WorkgroupName") or ""
    draining = [callback for callback in callbacks.waiting_for(kind, hint.region, name) if callback.goal == "idle"] if name else []
    if is_look(description):
        return answered + _answer_all([callback for callback in draining if callback.subject == hint.name])
    return answered + sum(callbacks.answer(callback, _LOOK_AGAIN) for callback in draining)


_LOOK_AGAIN = Answer.of(LookAgain("another query of the warehouse has ended"))


def _answer_all(waiting: list[Callback]) -> int:
    """Answer all that are decided. One that cannot be looked at keeps none of the others waiting; its error is raised at the end."""
    answered, failure = 0, None
    for callback in waiting:
        try:
            if answer := looking.look(callback):
                answered += callbacks.answer(callback, answer)
        except AutopilotError as error:
            failure = error
    if failure:
        raise failure
    return answered
