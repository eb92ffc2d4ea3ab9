"""The files of COPY and UNLOAD: objects of the sandbox's S3, one by one, by prefix or by manifest."""

from __future__ import annotations

import bz2
import gzip
import json
import re

from sandbox.kernel import ApiError
from sandbox.sql.errors import SqlError, unsupported
from sandbox.sql.session import Files, Session
from sandbox.sql.transfer_options import Options


def files_of(session: Session) -> Files:
    """The S3 of a session; raises SqlError when it has none."""
    if session.files is None:
        raise unsupported("COPY or UNLOAD without S3")
    return session.files


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key; raises SqlError for what is no location in S3."""
    match = re.fullmatch(r"s3://([^/]+)/(.*)", uri)
    if not match:
        raise SqlError(f"the S3 location '{uri}' is not of the form s3://bucket/key", "22023")
    return match[1], match[2]


def listed(files: Files, bucket: str, prefix: str) -> list[str]:
    """The keys with that prefix; raises SqlError as Redshift words S3's refusals."""
    try:
        return files.s3_list(bucket, prefix)
    except ApiError as error:
        raise SqlError(f"S3ServiceException: {error.message}, Error: {error.code}", "XX000") from error


def objects_under(files: Files, uri: str) -> list[str]:
    """The locations of the objects under a prefix, of which there must be one."""
    bucket, prefix = split_uri(uri)
    keys = listed(files, bucket, prefix)
    if not keys:
        raise SqlError(f"The specified S3 prefix '{prefix}' does not exist", "XX000")
    return [f"s3://{bucket}/{key}" for key in sorted(keys)]


def content(files: Files, uri: str) -> bytes:
    """What is in one object; raises SqlError when there is none."""
    try:
        return files.s3_get(*split_uri(uri))
    except (ApiError, KeyError) as error:
        raise SqlError(f"The specified S3 object '{uri}' does not exist", "XX000") from error


def objects_in_manifest(files: Files, uri: str) -> list[str]:
    """The locations that a manifest lists; one that is missing is left out, or an error when it is mandatory."""
    try:
        entries = json.loads(content(files, uri))["entries"]
        wanted = [(str(entry["url"]), bool(entry.get("mandatory", False))) for entry in entries]
    except (ValueError, KeyError, TypeError) as error:
        raise SqlError(f"the manifest '{uri}' is not valid: {error}", "22023") from error
    found = []
    for url, mandatory in wanted:
        bucket, key = split_uri(url)
        if key in listed(files, bucket, key):
            found.append(url)
        elif mandatory:
            raise SqlError(f"Problem reading manifest file - S3 object '{url}' does not exist", "XX000")
    return found


def decompressed(body: bytes, options: Options) -> bytes:
    """What was in a file before it was compressed as the options say."""
    if options.has("GZIP"):
        return gzip.decompress(body)
    return bz2.decompress(body) if options.has("BZIP2") else body


def compressed(body: bytes, options: Options) -> bytes:
    """A file's content as the options want it compressed."""
    if options.has("GZIP"):
        return gzip.compress(body, mtime=0)
    return bz2.compress(body) if options.has("BZIP2") else body
