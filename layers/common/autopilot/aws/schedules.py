"""The document of schedules in the bucket: read, taken or refused as a whole, and made into entries of EventBridge Scheduler.

The version that was taken last stays in force until another one is taken, so that a broken document changes nothing. In the table:

| pk          | sk                     | what                                                                             |
|-------------|------------------------|----------------------------------------------------------------------------------|
| `SCHEDULES` | `DOCUMENT`             | `version` of the document in force (empty: none), `refused` of the last broken one |
| `SCHEDULES` | `LEASE`                | who makes entries just now, until `expires_at`                                   |
| `SCHEDULES` | `WARM_UP#<tag's value>` | the `minutes` learnt for a schedule                                              |
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable

import msgspec

from autopilot.aws import bus, files, scheduler, table
from autopilot.domain.errors import InvalidInput
from autopilot.domain.fleet import inline_schedules
from autopilot.domain.schedule_entries import compile_entries
from autopilot.domain.schedules import Schedule, parse_schedules

READ = (*files.READ, "dynamodb:GetItem", "dynamodb:Query")
PERMISSIONS = (*READ, *files.LOOK, *files.WRITE, *table.WRITE, *scheduler.PERMISSIONS, *bus.PUBLISH)
KEY, STATUS_KEY = "schedules.yaml", "schedules.status.json"
_PARTITION, _DOCUMENT, _LEASE, _WARM_UP = "SCHEDULES", "DOCUMENT", "LEASE", "WARM_UP#"
#: As long as a function may run: nobody holds the lease longer.
_LEASE_SECONDS = 300
_KEPT_SECONDS = 5 * 365 * 24 * 3600
_MOST_ROUNDS = 5


class Compiled(msgspec.Struct, frozen=True):
    """What became of the document: `compiled`, `refused` (the one before stays in force) or `busy` (another run makes the entries)."""

    outcome: str
    reason: str
    created: int = 0
    deleted: int = 0
    entries: int = 0


class Known(msgspec.Struct, frozen=True):
    """The schedules in force by name, and the warm-ups learnt (minutes) by the tag's value."""

    document: dict[str, Schedule]
    warm_ups: dict[str, int]


def in_force() -> Known:
    """The schedules that hold. Without a document there are none."""
    items = {item["sk"]: item for item in table.of_partition(_PARTITION)}
    warm_ups = {sk.removeprefix(_WARM_UP): int(item["minutes"]) for sk, item in items.items() if sk.startswith(_WARM_UP)}
    return Known(_schedules(items.get(_DOCUMENT, {}).get("version", "")), warm_ups)


def learn(tag_value: str, minutes: int) -> None:
    """Keep the warm-up learnt for a schedule; the next reconcile makes its entries anew."""
    table.put({"pk": _PARTITION, "sk": f"{_WARM_UP}{tag_value}", "minutes": str(minutes)}, _expiry())


def compile_document(tag_values: Iterable[str]) -> Compiled:
    """Make the entries what the newest document says, and the tags that are schedules themselves.

    One run at a time: whoever finds another at it leaves it alone, for that one looks again when it has let go.
    """
    values = set(tag_values)
    compiled = Compiled("busy", "another run makes the schedule entries; it looks for a newer document when it has ended")
    for _ in range(_MOST_ROUNDS):
        owner = uuid.uuid4().hex
        if not _take_lease(owner):
            return compiled
        try:
            version = _newest()
            compiled = _compile(version, values)
        finally:
            table.delete_if(_PARTITION, _LEASE, "owner", owner)
        if _newest() == version:
            return compiled
    return compiled


def _compile(version: str, tag_values: set[str]) -> Compiled:
    before = table.get(_PARTITION, _DOCUMENT) or {"pk": _PARTITION, "sk": _DOCUMENT, "version": "", "refused": ""}
    if version == before["refused"] and version:
        after, refusal = before, "the document was refused before and has not changed"
    else:
        after, refusal = _judge(version, before)
    # Written before its entries are made: who fires meanwhile reads the same document. What dies after it is made good by the next reconcile.
    table.put(after, _expiry())
    known = in_force()
    made = scheduler.make(compile_entries(known.document | inline_schedules(tag_values, known.document), known.warm_ups))
    if made.created or made.deleted:
        bus.publish("Schedules Changed", {"created": made.created, "deleted": made.deleted, "message": str(made), "notify": False})
    if after != before:
        _write_status(after, refusal, made)
    return Compiled("refused" if refusal else "compiled", refusal or str(made), len(made.created), len(made.deleted), made.entries)


def _judge(version: str, before: table.Item) -> tuple[table.Item, str]:
    """What is to be kept of a version: that it is in force, or that it was refused, and why."""
    try:
        _schedules(version)
    except InvalidInput as error:
        _tell_refusal(str(error))
        return {**before, "refused": version}, str(error)
    return {**before, "version": version, "refused": ""}, ""


def _tell_refusal(problems: str) -> None:
    kept = "The schedules from before it stay in force."
    where = f"https://s3.console.aws.amazon.com/s3/object/{files.bucket()}?prefix={KEY}"
    message = f"{KEY} was refused, nothing was changed. {kept} {problems.rstrip('.')}. Document: {where}"
    bus.publish("Schedules Refused", {"result": "failed", "error": "InvalidInput", "detail": problems, "message": message, "notify": True})


def _write_status(state: table.Item, refusal: str, made: scheduler.Made) -> None:
    """Beside the document, for who writes it: what became of it."""
    status = {
        "outcome": "refused" if refusal else "compiled",
        "detail": refusal or str(made),
        "version_in_force": state["version"] or None,
        "entries": made.entries,
    }
    files.write_text(STATUS_KEY, msgspec.json.format(msgspec.json.encode(status)) + b"\n", "application/json")


def _schedules(version: str) -> dict[str, Schedule]:
    """The schedules of a version of the document, none where there is no version."""
    return parse_schedules(files.read_text(f"s3://{files.bucket()}/{KEY}", KEY, version)[0]) if version else {}


def _newest() -> str:
    return files.newest_version(KEY) or ""


def _take_lease(owner: str) -> bool:
    now = int(time.time())
    item = {"pk": _PARTITION, "sk": _LEASE, "owner": owner}
    return table.put_if(item, now + _LEASE_SECONDS, "attribute_not_exists(pk) OR expires_at < :now", {":now": now})


def _expiry() -> int:
    return int(time.time()) + _KEPT_SECONDS
