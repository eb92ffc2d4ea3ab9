"""What every part of the sandbox shares: errors on the wire, the scaled clock, injected faults and the fate of hints.

Nothing here knows a service, a protocol or ministack.
"""

from __future__ import annotations

import heapq
import itertools
import random
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

ACCOUNT = "000000000000"
#: The default VPC and its subnets, as ministack names them.
DEFAULT_VPC = "vpc-00000001"
DEFAULT_SUBNETS = ("subnet-00000001", "subnet-00000002", "subnet-00000003")
REGION = "us-east-1"


class ApiError(Exception):
    """An error that goes out on the wire. `code` is the wire code of the service model, never a botocore class name."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def utcnow() -> datetime:
    """The real wall clock in UTC: what timestamps in answers carry."""
    return datetime.now(UTC)


class Clock:
    """Life-cycle time: runs `scale` times as fast as real time. A change of scale never moves it backwards."""

    def __init__(self, scale: float = 60.0) -> None:
        self._lock = threading.Lock()
        self._scale, self._base, self._since = float(scale), 0.0, time.monotonic()

    @property
    def scale(self) -> float:
        return self._scale

    @scale.setter
    def scale(self, value: float) -> None:
        if not value > 0:
            raise ValueError("scale must be greater than 0")
        with self._lock:
            self._base, self._since = self._elapsed(), time.monotonic()
            self._scale = float(value)

    def _elapsed(self) -> float:
        return self._base + (time.monotonic() - self._since) * self._scale

    def seconds(self) -> float:
        """Life-cycle seconds since the sandbox started."""
        with self._lock:
            return self._elapsed()

    def real_delay(self, life_cycle_seconds: float) -> float:
        """Real seconds until so many life-cycle seconds have passed, at the present scale."""
        return max(0.0, life_cycle_seconds) / self._scale


@dataclass
class Fault:
    """One injected fault. Empty `service` or `operation` matches all; `times` 0 means without end; no `code` only delays.

    The first `skip` calls that match are let through.
    """

    service: str = ""
    operation: str = ""
    code: str = ""
    times: int = 0
    skip: int = 0
    probability: float = 1.0
    delay_seconds: float = 0.0
    message: str = ""
    status: int = 400
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    seen: int = 0
    fired: int = 0

    def matches(self, service: str, operation: str) -> bool:
        return self.service in ("", service) and self.operation in ("", operation) and not (self.times and self.fired >= self.times)


class Faults:
    """The list of injected faults and the count of calls; `check` is asked before every call that has a service and an operation."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self.calls: dict[str, int] = {}

    def add(self, **spec: Any) -> Fault:
        """Add one fault; raises TypeError or ValueError with a readable message when the spec is malformed."""
        fault = Fault(**spec)
        if not 0 <= fault.probability <= 1:
            raise ValueError("probability must be between 0 and 1")
        if min(fault.times, fault.skip, fault.delay_seconds) < 0:
            raise ValueError("times, skip and delay_seconds must not be negative")
        with self._lock:
            self._faults.append(fault)
        return fault

    def list(self) -> list[dict[str, Any]]:
        with self._lock:
            return [vars(fault).copy() for fault in self._faults]

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()
            self.calls.clear()

    def check(self, service: str, operation: str) -> None:
        """Count the call; sleep and raise ApiError when a fault fires. Call it from a worker thread, never on an event loop."""
        delay, failure = 0.0, None
        with self._lock:
            key = f"{service}:{operation}"
            self.calls[key] = self.calls.get(key, 0) + 1
            for fault in self._faults:
                if not fault.matches(service, operation):
                    continue
                fault.seen += 1
                if fault.seen <= fault.skip or random.random() >= fault.probability:
                    continue
                fault.fired += 1
                delay += fault.delay_seconds
                if fault.code:
                    failure = ApiError(fault.code, fault.message or f"{fault.code} injected into {service}:{operation}", fault.status)
                    break
        if delay:
            time.sleep(delay)
        if failure:
            raise failure


class Hints:
    """Delivers the events AWS would send, or loses, doubles and delays them as the test desk says.

    A hint is a callable. It runs on one background thread, in the order of its due time, so a delay drawn at random
    (`delay_seconds` is the maximum when `shuffle` is true) also reorders.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._thread: threading.Thread | None = None
        self.reset()

    def reset(self) -> None:
        self.drop, self.duplicate, self.delay_seconds, self.shuffle = False, 1, 0.0, False
        self.sent, self.dropped, self.failed = 0, 0, 0

    def configure(self, *, drop: bool = False, duplicate: int = 1, delay_seconds: float = 0.0, shuffle: bool = False) -> None:
        """Set the fate of every later hint. `duplicate` is how often each is sent in all (1 = once)."""
        if duplicate < 1 or delay_seconds < 0:
            raise ValueError("duplicate must be at least 1 and delay_seconds must not be negative")
        self.drop, self.duplicate, self.delay_seconds, self.shuffle = bool(drop), int(duplicate), float(delay_seconds), bool(shuffle)

    def settings(self) -> dict[str, Any]:
        return {k: getattr(self, k) for k in ("drop", "duplicate", "delay_seconds", "shuffle", "sent", "dropped", "failed")}

    def send(self, deliver: Callable[[], None], after_seconds: float = 0.0) -> None:
        """Send one hint after so many real seconds."""
        with self._condition:
            if self.drop:
                self.dropped += 1
                return
            for _ in range(self.duplicate):
                delay = self.delay_seconds * (random.random() if self.shuffle else 1.0)
                heapq.heappush(self._queue, (time.monotonic() + after_seconds + delay, next(self._order), deliver))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="sandbox-hints", daemon=True)
                self._thread.start()
            self._condition.notify()

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._queue:
                    self._condition.wait()
                due = self._queue[0][0] - time.monotonic()
                if due > 0:
                    self._condition.wait(due)
                    continue
                _, _, deliver = heapq.heappop(self._queue)
            try:
                deliver()
                self.sent += 1
            except Exception as error:  # noqa: BLE001 - a hint that cannot be delivered is lost, as on AWS; it is counted and said
                self.failed += 1
                print(f"sandbox: a hint could not be delivered: {type(error).__name__}: {error}", flush=True)
