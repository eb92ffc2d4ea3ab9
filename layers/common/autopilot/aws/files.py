"""Files in the Autopilot bucket: SQL and specs in, results out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from autopilot.aws.clients import call, client, translated
from autopilot.domain.errors import AutopilotError, InvalidInput
from autopilot.domain.inputs import split_s3_uri

READ = ("s3:GetObject", "s3:GetObjectVersion")
LOOK = ("s3:ListBucket",)
WRITE = ("s3:PutObject",)
MAX_TEXT_BYTES = 5_000_000


def bucket() -> str:
    """The Autopilot bucket's name."""
    return os.environ["BUCKET_NAME"]


def read_text(uri: str, path: str, version: str | None = None) -> tuple[str, str | None]:
    """The text of a file and its version id. `path` names the input's field. Raises InvalidInput when it is missing, too large, or no text."""
    arguments: dict[str, Any] = {"Bucket": bucket(), "Key": split_s3_uri(uri, path, bucket())}
    if version:
        arguments["VersionId"] = version
    try:
        found = call("s3", "get_object", f"read {uri}", **arguments)
    except AutopilotError as error:
        if error.code not in {"NoSuchKey", "NoSuchVersion", "AccessDenied"}:
            raise
        raise InvalidInput(f"{path}: {uri} does not exist, or these functions may not read it") from error
    if found["ContentLength"] > MAX_TEXT_BYTES:
        raise InvalidInput(f"{path}: {uri} has {found['ContentLength']} bytes; up to {MAX_TEXT_BYTES} are read")
    try:
        return found["Body"].read().decode(), found.get("VersionId")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path}: {uri} is not UTF-8 text") from error


def newest_version(key: str) -> str | None:
    """The version of a file that holds now, or None where there is none. Only who may list the bucket is told so. Source: HeadObject."""
    try:
        found = call("s3", "head_object", f"look at {key} in the Autopilot bucket", Bucket=bucket(), Key=key)
    except AutopilotError as error:
        if error.code not in {"404", "NoSuchKey"}:
            raise
        return None
    return str(found.get("VersionId") or "null")


def read_json(key: str, kind: Any = Any) -> Any:
    """What a JSON file of Autopilot's own holds, as plain data or as that kind, whatever its size. Source: GetObject."""
    body = call("s3", "get_object", f"read {key} of the Autopilot bucket", Bucket=bucket(), Key=key)["Body"].read()
    return msgspec.json.decode(body, type=kind)


def write_text(key: str, text: str | bytes, content_type: str) -> str:
    """Write a file over what was there, and return its address. Source: PutObject."""
    body = text.encode() if isinstance(text, str) else text
    call("s3", "put_object", f"write {key}", Bucket=bucket(), Key=key, Body=body, ContentType=content_type)
    return f"s3://{bucket()}/{key}"


def write_file(key: str, file_name: str) -> str:
    """Upload a local file, in parts where it is large, and return its address."""
    from s3transfer.manager import TransferManager

    with translated(f"write {key} to the Autopilot bucket"), TransferManager(client("s3")) as transfers, Path(file_name).open("rb") as file:
        transfers.upload(file, bucket(), key).result()
    return f"s3://{bucket()}/{key}"
