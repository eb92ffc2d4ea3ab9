"""Life-cycle time: how long each change of a warehouse takes, and the timeline that carries a change out when it is due.

No resource has a thread of its own. A change is an entry on a timeline; whoever looks first carries it out: the reader of a
state (`settle` before every look) or the timeline's one timer thread, so that events go out on time when nobody looks.
"""

from __future__ import annotations

import heapq
import itertools
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Final

from sandbox.kernel import Clock

DURATIONS: Final[dict[str, float]] = {
    "create cluster": 240.0,
    "restore cluster": 300.0,
    "pause cluster": 120.0,
    "resume cluster": 120.0,
    "modify cluster": 90.0,
    "encrypt cluster": 600.0,
    "elastic resize, preparation": 60.0,
    "elastic resize": 240.0,
    "elastic resize, cleanup": 30.0,
    "classic resize": 1200.0,
    "reboot cluster": 60.0,
    "delete cluster": 120.0,
    "cluster snapshot": 60.0,
    "create workgroup": 120.0,
    "modify workgroup": 60.0,
    "delete workgroup": 60.0,
    "modify namespace": 30.0,
    "delete namespace": 60.0,
    "serverless snapshot": 60.0,
    "restore namespace": 120.0,
    "create integration": 300.0,
    "delete integration": 60.0,
}
"""Life-cycle seconds of each change. At the default scale of 60 one real second is a minute, so a cluster is created in 4 s."""

_RECHECK_REAL_SECONDS = 0.2


class Timeline:
    """Actions by life-cycle time, carried out in order of their due time, each once, one at a time.

    An action may put further actions on the timeline; those count from its own due time, so a late look does not stretch a
    chain of states. Actions must not wait for other threads. An action that raises is reported on stderr and lost.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._condition = threading.Condition()
        self._settling = threading.RLock()
        self._order = itertools.count()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._acting = threading.local()
        self._thread: threading.Thread | None = None
        self._closed = False

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Carry out `action` when so many life-cycle seconds have passed."""
        start: float | None = getattr(self._acting, "since", None)
        due = (self._clock.seconds() if start is None else start) + seconds
        with self._condition:
            heapq.heappush(self._due, (due, next(self._order), action))
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="sandbox-timeline", daemon=True)
                self._thread.start()
            self._condition.notify()

    def settle(self) -> None:
        """Carry out everything that is due; return when it is done, also when another thread was already at it.

        Call it without holding a lock that an action takes.
        """
        with self._settling:
            while (entry := self._next_due()) is not None:
                self._carry_out(*entry)

    def clear(self) -> None:
        """Forget every action. None is under way when this returns."""
        with self._settling, self._condition:
            self._due.clear()

    def close(self) -> None:
        """Forget every action and end the timer thread."""
        self.clear()
        with self._condition:
            self._closed = True
            self._condition.notify()

    def _next_due(self) -> tuple[float, Callable[[], None]] | None:
        with self._condition:
            if not self._due or self._due[0][0] > self._clock.seconds():
                return None
            due, _, action = heapq.heappop(self._due)
            return due, action

    def _carry_out(self, due: float, action: Callable[[], None]) -> None:
        before = getattr(self._acting, "since", None)
        self._acting.since = due
        try:
            action()
        except Exception:  # noqa: BLE001 - one broken change must not stop every other warehouse
            traceback.print_exc(file=sys.stderr)
        finally:
            self._acting.since = before

    def _run(self) -> None:
        while True:
            with self._condition:
                if self._closed:
                    return
                delay = self._real_delay()
                if delay is None or delay > 0:
                    # The clock does not tell when its scale changes, so a long wait is taken in small steps.
                    self._condition.wait(None if delay is None else min(delay, _RECHECK_REAL_SECONDS))
                    continue
            self.settle()

    def _real_delay(self) -> float | None:
        if not self._due:
            return None
        return self._clock.real_delay(self._due[0][0] - self._clock.seconds())
