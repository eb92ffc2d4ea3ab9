"""Wraps every handler: decodes its input strictly, logs what was decided, counts it, and lets errors out under their own names."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from itertools import count
from typing import Any, TypeVar

import msgspec
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from autopilot.domain.errors import AutopilotError
from autopilot.domain.inputs import decode

logger = Logger()
metrics = Metrics(namespace="RedshiftAutopilot")
T = TypeVar("T")
#: What of a call and of its answer may be logged: names, decisions and reasons. Never rows, SQL or parameters.
_LOGGED = ("step", "goal", "execution", "action", "outcome", "reason", "detail", "statement_id")


def handler(kind: Any) -> Callable[[Callable[[Any], Any]], Callable[[Any, Any], Any]]:
    """Make a Lambda handler of a function that takes the decoded input `kind` and returns plain data or structs.

    Raises InvalidInput for an input that does not fit; whatever the function raises goes out unchanged, so that its class name is
    the error that Step Functions sees.
    """

    def wrap(act: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
        calls = count()

        @wraps(act)
        def entry(event: Any, context: Any) -> Any:
            with _uncollected(first=next(calls) == 0), logger.append_context_keys(request_id=context.aws_request_id):
                try:
                    call = decode(kind, event)
                    answer = _act(act, call)
                except AutopilotError as error:
                    logger.warning(str(error), error=type(error).__name__)
                    _count("Refused", type(error).__name__)
                    raise
                except Exception:
                    logger.exception("an error that no rule foresaw")
                    _count("Failed", "Unexpected")
                    raise
                _count("Done", str(answer.get("action") or answer.get("outcome") or "done"))
                return answer

        return entry

    return wrap


@contextmanager
def _uncollected(*, first: bool) -> Iterator[None]:
    """Keep the garbage collector out of a process's first call, and what that call leaves out of every later search.

    What it makes is modules, service models and clients, which stay: searching them for garbage is a tenth of a cold start.
    """
    if not first:
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _act(act: Callable[[Any], Any], call: Any) -> dict[str, Any]:
    with logger.append_context_keys(**_loggable(call)):
        answer: dict[str, Any] = msgspec.to_builtins(act(call)) or {}
        logger.info("done", extra=_loggable(answer))
        return answer


def _loggable(value: Any) -> dict[str, str]:
    found = {key: text for key in _LOGGED if isinstance(text := _read(value, key), str)}
    name = _read(_read(value, "warehouse"), "name")
    return {**found, "warehouse": name} if isinstance(name, str) else found


def _read(value: Any, key: str) -> Any:
    """A field of a struct or of plain data."""
    return value.get(key) if isinstance(value, dict) else getattr(value, key, None)


def _count(name: str, what: str) -> None:
    metrics.add_dimension("what", what)
    metrics.add_metric(name, MetricUnit.Count, 1)
    metrics.flush_metrics()
