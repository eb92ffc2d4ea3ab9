"""The ledger read back: what was done to a warehouse, as far back as a period needs it."""

from __future__ import annotations

from datetime import datetime

from autopilot.aws import table
from autopilot.domain.savings import Entry

READ = ("dynamodb:Query",)
#: What says for sure whether a cluster stood paused from then on.
_DECISIVE = frozenset({("pause", "done"), ("resume", "done"), ("delete", "done")})
_MOST_ENTRIES = 5000


def entries(key: str, since: datetime) -> list[Entry]:
    """What was done to a warehouse since then, and before that back to what says in which state it was then. Source: Query."""
    found: list[Entry] = []
    for item in table.newest_first(f"LEDGER#{key}"):
        entry = _entry(item)
        found.append(entry)
        before = (entry.ended_at or entry.started_at) < since
        if (before and (entry.action, entry.outcome) in _DECISIVE) or len(found) == _MOST_ENTRIES:
            break
    return found


def _entry(item: table.Item) -> Entry:
    # An execution that failed before it recorded its start has only the moment in its key.
    started = item.get("started_at") or item["sk"].partition("#")[0]
    ended = item.get("ended_at")
    return Entry(
        action=item["action"],
        outcome=item["outcome"],
        started_at=datetime.fromisoformat(started),
        ended_at=datetime.fromisoformat(ended) if ended else None,
        status_before=item.get("status_before", ""),
        node_type=item.get("node_type", ""),
        nodes=int(item.get("nodes", 0)),
    )
