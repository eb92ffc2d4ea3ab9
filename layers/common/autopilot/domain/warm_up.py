"""How long resuming takes, learnt from what the ledger says of earlier ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime

#: So few say nothing about the next one.
_FEWEST = 3
LEAST_MINUTES, MOST_MINUTES = 3, 60
#: From the ledger's entry to readiness there is also the start of the execution itself; and a warm-up in whole minutes is never short.
_HEAD_ROOM_SECONDS = 60


def learnt_minutes(resumes_seconds: Iterable[float]) -> int | None:
    """The warm-up, in minutes, within which nine of ten resumes were ready; None while too few are known. At least 3, at most 60."""
    durations = sorted(resumes_seconds)
    if len(durations) < _FEWEST:
        return None
    ninth_of_ten = durations[math.ceil(0.9 * len(durations)) - 1]
    return min(MOST_MINUTES, max(LEAST_MINUTES, math.ceil((ninth_of_ten + _HEAD_ROOM_SECONDS) / 60)))


def resume_seconds(ledger: Iterable[Mapping[str, str]]) -> list[float]:
    """How long each resume took that the entries of a ledger tell of, from its start until SQL worked."""
    return [
        (datetime.fromisoformat(entry["ended_at"]) - datetime.fromisoformat(entry["started_at"])).total_seconds()
        for entry in ledger
        if entry.get("action") == "resume" and entry.get("outcome") == "done" and {"started_at", "ended_at"} <= entry.keys()
    ]
