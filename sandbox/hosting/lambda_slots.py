"""How many functions run at once on this machine: a burst waits in a queue, as it has nowhere to scale to.

ministack starts a process for every concurrent invocation. On a laptop a hundred of them are slower than ten after another, and tasks that time
out meanwhile are tried again, which makes it a hundred more.
"""

from __future__ import annotations

import os
import threading
from typing import Any

from ministack.services import lambda_svc

Json = dict[str, Any]

_EACH_CORE = 3


def apply(slots: int | None = None) -> None:
    """Put it in place, once per process. A function that invokes another one synchronously holds a slot meanwhile."""
    execute = lambda_svc._execute_function_warm
    free = threading.BoundedSemaphore(slots or _EACH_CORE * (os.cpu_count() or 2))

    def execute_in_turn(function: Json, event: Any, request_id: str) -> Json:
        with free:
            result: Json = execute(function, event, request_id)
            return result

    lambda_svc._execute_function_warm = execute_in_turn
