"""One taxonomy: every error says what it is, and which of them are worth another try."""

from __future__ import annotations

import inspect

import pytest

from autopilot.domain import errors
from autopilot.domain.errors import AutopilotError, TransientError

ALL = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind is not AutopilotError]


@pytest.mark.parametrize("kind", ALL)
def test_error_explains_itself_and_keeps_message_and_code(kind: type[AutopilotError]) -> None:
    assert issubclass(kind, AutopilotError)
    assert kind.__doc__
    error = kind("what happened", "Throttling")
    assert (str(error), error.code) == ("what happened", "Throttling")


def test_only_what_may_pass_is_worth_another_try() -> None:
    transient = {kind.__name__ for kind in ALL if issubclass(kind, TransientError)} - {"TransientError"}
    assert transient == {"WarehouseNotReady", "Throttled", "CapacityUnavailable", "LookAgain"}
