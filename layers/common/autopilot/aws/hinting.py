"""Following a hint: look at what it may concern, and answer every callback that is now decided."""

from __future__ import annotations

from typing import assert_never

from autopilot.aws import callbacks, cleaning, data_api, looking
from autopilot.aws.callbacks import Answer, Callback
from autopilot.domain.errors import LookAgain
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
        case "execution":
            return sum(_answer_all(callbacks.waiting_for_lock(key)) for key in cleaning.clean_up(hint.name))
        case "warehouse":
            return _answer_all(callbacks.waiting_for_lock(hint.name))
        case _:
            assert_never(hint.subject)


def _follow_statement(hint: Hint) -> int:
    """The end of a statement concerns who waits for it, and who waits for its warehouse to run no query."""
    waiting = callbacks.waiting_for_statement(hint.name)
    answered = _answer_all([waiting]) if waiting else 0
    description = data_api.describe(hint.name)
    kind, name = (
        ("cluster", description["ClusterIdentifier"]) if "ClusterIdentifier" in description else ("workgroup", description["WorkgroupName"])
    )
    draining = [callback for callback in callbacks.waiting_for(kind, hint.region, name) if callback.goal == "idle"]
    if is_look(description):
        return answered + _answer_all([callback for callback in draining if callback.subject == hint.name])
    return answered + sum(callbacks.answer(callback, _LOOK_AGAIN) for callback in draining)


_LOOK_AGAIN = Answer.of(LookAgain("another query of the warehouse has ended"))


def _answer_all(waiting: list[Callback]) -> int:
    answers = [(callback, looking.look(callback)) for callback in waiting]
    return sum(callbacks.answer(callback, answer) for callback, answer in answers if answer)
