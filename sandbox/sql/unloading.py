"""UNLOAD: the rows of a query as files of the sandbox's S3."""

from __future__ import annotations

import json

from sandbox.sql.errors import SqlError, unsupported
from sandbox.sql.lexer import Statement
from sandbox.sql.relations import translated
from sandbox.sql.results import Result
from sandbox.sql.session import Files, Session
from sandbox.sql.transfer_files import compressed, files_of, listed, split_uri
from sandbox.sql.transfer_options import Options, read_options
from sandbox.sql.unload_formats import render

_UNLOAD_OPTIONS = {
    "IAM_ROLE", "CREDENTIALS", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "FORMAT", "CSV", "PARQUET", "JSON", "HEADER", "DELIMITER", "NULL",
    "GZIP", "BZIP2", "ALLOWOVERWRITE", "CLEANPATH", "MANIFEST", "VERBOSE", "PARALLEL", "MAXFILESIZE", "ADDQUOTES", "ESCAPE", "REGION", "EXTENSION",
    "ROWGROUPSIZE",
}  # fmt: skip


def unload(session: Session, source: Statement) -> Result:
    """UNLOAD ('query') TO 's3://bucket/prefix': writes the rows as files of the sandbox's S3."""
    close = source.closing(1)
    if source.words[close + 1 : close + 2] != ("TO",):
        raise source.syntax_error(close + 1)
    bucket, prefix = split_uri(source.string_at(close + 2))
    options = read_options(source, close + 3, _UNLOAD_OPTIONS)
    files = files_of(session)
    text, names = translated(session, source.string_at(2))
    answer = session.run(text, session.bound(names))
    bodies = _bodies(answer, options)
    _make_room(files, bucket, prefix, options)
    entries = []
    for suffix, body, count in bodies:
        files.s3_put(bucket, prefix + suffix, body)
        entries.append({"url": f"s3://{bucket}/{prefix}{suffix}", "meta": {"content_length": len(body), "record_count": count}})
    if options.has("MANIFEST"):
        files.s3_put(bucket, f"{prefix}manifest", json.dumps({"entries": entries}).encode())
    return Result(row_count=len(answer.rows))


def _make_room(files: Files, bucket: str, prefix: str, options: Options) -> None:
    existing = listed(files, bucket, prefix)
    if options.has("CLEANPATH"):
        for key in existing:
            files.s3_delete(bucket, key)
    elif existing and not options.has("ALLOWOVERWRITE"):
        raise SqlError(
            "Specified unload destination on S3 is not empty. Consider using a different bucket / prefix, "
            "manually removing the target files in S3, or using the ALLOWOVERWRITE option.",
            "XX000",
        )


def _bodies(answer: Result, options: Options) -> list[tuple[str, bytes, int]]:
    """The files: key suffix, content, number of rows. In parallel there are two slices, so two files as soon as there are two rows."""
    parallel = options.values.get("PARALLEL", "ON") in ("ON", "TRUE")
    half = (len(answer.rows) + 1) // 2
    slices = [answer.rows[:half], answer.rows[half:]] if parallel and len(answer.rows) > 1 else [answer.rows]
    ending = _ending(options)
    found = []
    for number, rows in enumerate(slices):
        body = compressed(render(answer.columns, rows, options), options)
        found.append((f"{number:04}_part_00{ending}" if parallel else f"000{ending}", body, len(rows)))
    _check_size(found, options)
    return found


def _ending(options: Options) -> str:
    if "EXTENSION" in options.values:
        return "." + options.values["EXTENSION"]
    plain = ".parquet" if options.format == "PARQUET" else ""
    return plain + (".gz" if options.has("GZIP") else ".bz2" if options.has("BZIP2") else "")


def _check_size(found: list[tuple[str, bytes, int]], options: Options) -> None:
    if "MAXFILESIZE" not in options.values:
        return
    unit = 1024**3 if options.values["MAXFILESIZE UNIT"] == "GB" else 1024**2
    if any(len(body) > float(options.values["MAXFILESIZE"]) * unit for _, body, _ in found):
        raise unsupported("MAXFILESIZE that splits a file")
