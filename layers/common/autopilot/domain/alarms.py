"""When people are told that a warehouse is unwell: the thresholds of its CloudWatch alarms."""

from __future__ import annotations

from typing import Annotated

import msgspec

from autopilot.domain.warehouse import Kind

Percent = Annotated[int, msgspec.Meta(ge=1, le=100)]
Count = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Minutes = Annotated[int, msgspec.Meta(ge=1, le=1440)]


class Alarms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A spec's alarm settings; a threshold that is left out is the default of `DEFAULTS`.

    A cluster: `cpu_percent`, `connections_percent` (of what its nodes allow, or of `connections_limit` where that is given),
    `disk_percent`, `queue_wait_seconds` (waited by all queries in five minutes), `commit_queue` (transactions). A workgroup:
    `queries_queued`, `queries_failed` (within five minutes), `usage_limit_percent` (of each of its usage limits). `minutes` is how long
    a threshold must be passed before the alarm rings.
    """

    enabled: bool = True
    minutes: Minutes = 15
    cpu_percent: Percent | None = None
    connections_percent: Percent | None = None
    connections_limit: Count | None = None
    disk_percent: Percent | None = None
    queue_wait_seconds: Count | None = None
    commit_queue: Count | None = None
    queries_queued: Count | None = None
    queries_failed: Count | None = None
    usage_limit_percent: Percent | None = None


#: The thresholds of each kind. A field that a kind lacks means nothing for it.
DEFAULTS: dict[Kind, dict[str, int]] = {
    "cluster": {"cpu_percent": 90, "connections_percent": 80, "disk_percent": 80, "queue_wait_seconds": 60, "commit_queue": 20},
    "workgroup": {"queries_queued": 10, "queries_failed": 10, "usage_limit_percent": 80},
}
#: What each kind takes, besides `enabled` and `minutes`.
FIELDS: dict[Kind, list[str]] = {"cluster": [*DEFAULTS["cluster"], "connections_limit"], "workgroup": [*DEFAULTS["workgroup"]]}


def alarm_problems(kind: Kind, alarms: Alarms) -> list[str]:
    """What of a spec's `alarms` means nothing for a warehouse of that kind, each with its path."""
    other: Kind = "workgroup" if kind == "cluster" else "cluster"
    return [
        f"spec.alarms.{field}: belongs to a {other}; a {kind} takes {', '.join(FIELDS[kind])}"
        for field in FIELDS[other]
        if getattr(alarms, field) is not None
    ]


def threshold(kind: Kind, alarms: Alarms, field: str) -> int:
    """The threshold that holds for a warehouse of that kind: the spec's, else the default."""
    chosen: int | None = getattr(alarms, field)
    return DEFAULTS[kind][field] if chosen is None else chosen
