"""Answers of AWS that cost money or hardly change, kept in the bucket for the rest of the day (UTC)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar

import msgspec

from autopilot.aws import files
from autopilot.aws.clients import call
from autopilot.domain.errors import AutopilotError

PERMISSIONS = ("s3:GetObject", "s3:PutObject")
T = TypeVar("T")


def kept(today: date, name: str, asked: object, kind: Any, ask: Callable[[], T]) -> T:
    """What `ask` answered today for the same request, or answers now. `kind` is the answer's type; `asked` tells requests apart.

    The copies lie under `cache/<day>/` and expire by the bucket's rule. Source: GetObject, PutObject.
    """
    digest = hashlib.sha256(msgspec.json.encode(asked)).hexdigest()[:16]
    key = f"cache/{today.isoformat()}/{name}-{digest}.json"
    found = _read(key)
    if found is not None:
        answer: T = msgspec.json.decode(found, type=kind)
        return answer
    answer = ask()
    body = msgspec.json.encode(answer)
    call("s3", "put_object", f"keep {key}", Bucket=files.bucket(), Key=key, Body=body, ContentType="application/json")
    return answer


def _read(key: str) -> bytes | None:
    try:
        found = call("s3", "get_object", f"read {key}", Bucket=files.bucket(), Key=key)
    except AutopilotError as error:
        # Without the right to list the bucket, S3 refuses what is not there.
        if error.code not in {"NoSuchKey", "AccessDenied"}:
            raise
        return None
    body: bytes = found["Body"].read()
    return body
