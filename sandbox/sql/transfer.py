"""COPY and UNLOAD: files of the sandbox's S3 in and out of tables, as CSV, delimited text, JSON or Parquet."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

from sandbox.kernel import ApiError
from sandbox.sql.dialect import translate
from sandbox.sql.errors import SqlError, unsupported
from sandbox.sql.lexer import Statement, quote
from sandbox.sql.session import Column, Files, Result, Session

Row = list[str | None]
_FLAGS = (
    "GZIP", "BZIP2", "MANIFEST", "EMPTYASNULL", "BLANKSASNULL", "TRIMBLANKS", "TRUNCATECOLUMNS", "FILLRECORD", "IGNOREBLANKLINES", "REMOVEQUOTES",
    "ESCAPE", "HEADER", "ALLOWOVERWRITE", "CLEANPATH", "ADDQUOTES", "EXPLICIT_IDS", "VERBOSE",
)  # fmt: skip
_COPY_OPTIONS = {
    "GZIP", "BZIP2", "MANIFEST", "EMPTYASNULL", "BLANKSASNULL", "TRIMBLANKS", "TRUNCATECOLUMNS", "FILLRECORD", "IGNOREBLANKLINES", "REMOVEQUOTES",
    "ESCAPE", "EXPLICIT_IDS", "IAM_ROLE", "CREDENTIALS", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "FORMAT", "CSV", "PARQUET", "JSON",
    "QUOTE", "DELIMITER", "IGNOREHEADER", "NULL", "DATEFORMAT", "TIMEFORMAT", "REGION", "MAXERROR", "STATUPDATE", "COMPUPDATE", "ENCODING",
    "ACCEPTINVCHARS", "ACCEPTANYDATE",
}  # fmt: skip
_UNLOAD_OPTIONS = {
    "IAM_ROLE", "CREDENTIALS", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "FORMAT", "CSV", "PARQUET", "JSON", "HEADER", "DELIMITER", "NULL",
    "GZIP", "BZIP2", "ALLOWOVERWRITE", "CLEANPATH", "MANIFEST", "VERBOSE", "PARALLEL", "MAXFILESIZE", "ADDQUOTES", "ESCAPE", "REGION", "EXTENSION",
    "ROWGROUPSIZE",
}  # fmt: skip
_LOAD_ERRORS = {  # SQLSTATE -> Redshift's code and reason
    "22P02": (1207, "Invalid digit, value or format for the column's type"),
    "22003": (1216, "Overflow, the value is out of range for the column's type"),
    "22001": (1204, "String length exceeds DDL length"),
    "22007": (1206, "Invalid date or timestamp format"),
    "22008": (1205, "Date or timestamp out of range"),
    "23502": (1213, "Missing data for not-null field"),
}


@dataclass
class Options:
    """The options of COPY or UNLOAD."""

    flags: set[str] = field(default_factory=set)
    values: dict[str, str] = field(default_factory=dict)
    format: str = "TEXT"

    def has(self, flag: str) -> bool:
        return flag in self.flags

    def number(self, name: str) -> int:
        text = self.values.get(name, "0")
        if not text.isdigit():
            raise SqlError(f"{name} must be a number, not {text}", "22023")
        return int(text)


@dataclass(frozen=True)
class Rejection:
    """Why a record could not be loaded: its position, the column, and Redshift's code and reason."""

    position: int
    column: str
    code: int
    reason: str


@dataclass
class Record:
    """One record of a file, as the database will be given it; `unreadable` names the column whose format is not as asked for."""

    file: str
    line: int
    values: Row
    raw: str
    unreadable: str = ""


def _options(source: Statement, index: int, known: set[str]) -> Options:
    options = Options()
    while index < len(source.tokens):
        word = source.words[index]
        if word not in known:
            raise unsupported(f"the option {word or source.text_of(index, index + 1)} of {source.words[0]}")
        index = _option(source, index, options)
    return options


def _option(source: Statement, index: int, options: Options) -> int:
    """Read one option; returns the index behind it."""
    word, after = source.words[index], index + 1
    after += source.words[after : after + 1] == ("AS",) or (word == "FORMAT" and source.words[after : after + 1] == ("AS",))
    following = source.words[after] if after < len(source.words) else None
    if word == "FORMAT":
        if following not in ("CSV", "PARQUET", "JSON"):
            raise unsupported(f"the format {following}")
        return _option(source, after, options)
    if word in ("CSV", "PARQUET", "JSON"):
        options.format = word
        if word == "JSON" and following == "":
            options.values["JSON"] = source.string_at(after)
            return after + 1
        return index + 1
    if word in _FLAGS:
        options.flags.add(word)
        return index + 1
    if word in ("STATUPDATE", "COMPUPDATE", "ACCEPTINVCHARS", "PARALLEL", "ACCEPTANYDATE"):
        options.values[word] = following if following in ("ON", "OFF", "TRUE", "FALSE", "PRESET") else "ON"
        return after + (options.values[word] == following)
    if word in ("MAXFILESIZE", "ROWGROUPSIZE"):
        options.values[word] = source.tokens[after].text
        has_unit = source.words[after + 1 : after + 2] in (("MB",), ("GB",))
        options.values[f"{word} UNIT"] = source.words[after + 1] if has_unit else "MB"
        return after + 1 + has_unit
    if following is None:
        raise source.syntax_error(after)
    options.values[word] = source.tokens[after].text
    return after + 1


# COPY ---------------------------------------------------------------------------------------------------------------


def copy(session: Session, source: Statement) -> Result:
    """COPY table [(columns)] FROM 's3://...' with the usual options; a bad row fails it, and is found in the load error views."""
    table, index = source.qualified_name_at(1)
    wanted: list[str] = []
    if source.words[index : index + 1] == ("(",):
        wanted, index = source.names_in_parentheses(index)
    if source.words[index : index + 1] != ("FROM",):
        raise source.syntax_error(index)
    uri = source.string_at(index + 1)
    options = _options(source, index + 2, _COPY_OPTIONS)
    files = _files(session)
    columns = _table_columns(session, table, wanted, options)
    objects = _manifest_objects(files, uri) if options.has("MANIFEST") else _objects(files, uri)
    records = [record for name in objects for record in _records(files, name, columns, options)]
    return _load(session, table, columns, records, options)


def _files(session: Session) -> Files:
    if session.files is None:
        raise unsupported("COPY or UNLOAD without S3")
    return session.files


def _table_columns(session: Session, table: str, wanted: list[str], options: Options) -> list[tuple[str, str]]:
    """Names and types of the columns that the file fills, in its order."""
    query = (
        "SELECT attname, redshift_type_name(atttypid, atttypmod), attidentity FROM pg_attribute "
        "WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    )
    found = {str(name): (str(kind), identity) for name, kind, identity in session.run(query, (table,)).rows}
    for name in wanted:
        if name not in found:
            raise SqlError(f'column "{name}" of relation {table} does not exist', "42703")
    skipped = () if options.has("EXPLICIT_IDS") else ("a", "d")
    return [(name, found[name][0]) for name in (wanted or [n for n, (_, identity) in found.items() if identity not in skipped])]


def _split_uri(uri: str) -> tuple[str, str]:
    match = re.fullmatch(r"s3://([^/]+)/(.*)", uri)
    if not match:
        raise SqlError(f"the S3 location '{uri}' is not of the form s3://bucket/key", "22023")
    return match[1], match[2]


def _objects(files: Files, uri: str) -> list[str]:
    bucket, prefix = _split_uri(uri)
    try:
        keys = files.s3_list(bucket, prefix)
    except ApiError as error:
        raise SqlError(f"S3ServiceException: {error.message}, Error: {error.code}", "XX000") from error
    if not keys:
        raise SqlError(f"The specified S3 prefix '{prefix}' does not exist", "XX000")
    return [f"s3://{bucket}/{key}" for key in sorted(keys)]


def _read(files: Files, uri: str) -> bytes:
    try:
        return files.s3_get(*_split_uri(uri))
    except (ApiError, KeyError) as error:
        raise SqlError(f"The specified S3 object '{uri}' does not exist", "XX000") from error


def _manifest_objects(files: Files, uri: str) -> list[str]:
    try:
        entries = json.loads(_read(files, uri))["entries"]
        wanted = [(str(entry["url"]), bool(entry.get("mandatory", False))) for entry in entries]
    except (ValueError, KeyError, TypeError) as error:
        raise SqlError(f"the manifest '{uri}' is not valid: {error}", "22023") from error
    found = []
    for url, mandatory in wanted:
        bucket, key = _split_uri(url)
        if key in files.s3_list(bucket, key):
            found.append(url)
        elif mandatory:
            raise SqlError(f"Problem reading manifest file - S3 object '{url}' does not exist", "XX000")
    return found


def _records(files: Files, name: str, columns: list[tuple[str, str]], options: Options) -> Iterator[Record]:
    body = _read(files, name)
    if options.has("GZIP"):
        body = gzip.decompress(body)
    elif options.has("BZIP2"):
        body = bz2.decompress(body)
    if options.format == "PARQUET":
        yield from _parquet_records(name, body, columns)
        return
    text = body.decode("utf-8-sig", errors="replace" if "ACCEPTINVCHARS" in options.values else "strict")
    if options.format == "JSON":
        parsed = _json_records(files, name, text, columns, options)
    elif options.format == "CSV":
        parsed = _csv_records(name, text, options)
    else:
        parsed = _text_records(name, text, options)
    for record in parsed:
        values = [_cleaned(value, options) for value in record.values]
        if len(values) < len(columns) and options.has("FILLRECORD"):
            values += [None] * (len(columns) - len(values))
        yield Record(record.file, record.line, values, record.raw)


def _cleaned(value: str | None, options: Options) -> str | None:
    if value is None or value == options.values.get("NULL", "\\N" if options.format == "TEXT" else None):
        return None
    if options.has("TRIMBLANKS"):
        value = value.rstrip(" ")
    if (value == "" and (options.has("EMPTYASNULL") or options.has("BLANKSASNULL"))) or (options.has("BLANKSASNULL") and value.isspace()):
        return None
    return value


def _csv_records(name: str, text: str, options: Options) -> Iterator[Record]:
    reader = csv.reader(io.StringIO(text), delimiter=_delimiter(options, ","), quotechar=options.values.get("QUOTE", '"'), strict=True)
    skip, end = options.number("IGNOREHEADER"), 0
    lines = text.splitlines()
    try:
        for values in reader:
            start, end = end + 1, reader.line_num
            if start > skip and (values or not options.has("IGNOREBLANKLINES")):
                yield Record(name, start, list(values), "\n".join(lines[start - 1 : end]))
    except csv.Error as error:
        raise SqlError(f"Invalid CSV in '{name}' line {reader.line_num}: {error}", "22P04") from error


def _text_records(name: str, text: str, options: Options) -> Iterator[Record]:
    delimiter, skip = _delimiter(options, "|"), options.number("IGNOREHEADER")
    for number, line in enumerate(text.splitlines(), start=1):
        if number <= skip or (not line and options.has("IGNOREBLANKLINES")):
            continue
        yield Record(name, number, [*_text_values(line, delimiter, options)], line)


def _text_values(line: str, delimiter: str, options: Options) -> Iterator[str]:
    quoted, escaped = options.has("REMOVEQUOTES"), options.has("ESCAPE")
    value, inside, at = "", "", 0
    while at < len(line):
        character = line[at]
        if escaped and character == "\\" and at + 1 < len(line):
            value, at = value + line[at + 1], at + 2
            continue
        if quoted and character in "\"'" and (character == inside or (not inside and not value)):
            inside = "" if inside else character
        elif character == delimiter and not inside:
            yield value
            value = ""
        else:
            value += character
        at += 1
    yield value


def _delimiter(options: Options, default: str) -> str:
    delimiter = options.values.get("DELIMITER", default).replace("\\t", "\t")
    if len(delimiter) != 1:
        raise unsupported("a DELIMITER of more than one character")
    return delimiter


def _json_records(files: Files, name: str, text: str, columns: list[tuple[str, str]], options: Options) -> Iterator[Record]:
    mode = options.values.get("JSON", "auto")
    pick = _json_picker(files, mode, columns)
    decoder, at = json.JSONDecoder(parse_float=Decimal), 0
    while (at := _skip_space(text, at)) < len(text):
        line = text.count("\n", 0, at) + 1
        try:
            value, end = decoder.raw_decode(text, at)
        except ValueError as error:
            raise SqlError(f"Invalid JSON format in '{name}' line {line}: {error}", "22P02") from error
        yield from (Record(name, line, pick(each), text[at:end]) for each in (value if isinstance(value, list) else [value]))
        at = end


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _json_picker(files: Files, mode: str, columns: list[tuple[str, str]]) -> Callable[[Any], Row]:
    if mode in ("auto", "auto ignorecase"):
        fold: Callable[[str], str] = str.lower if mode == "auto ignorecase" else str
        return lambda value: [_json_text({fold(key): v for key, v in value.items()}.get(column)) for column, _ in columns]
    if not mode.startswith("s3://"):
        raise unsupported(f"JSON '{mode}'")
    try:
        paths = [_json_path(path) for path in json.loads(_read(files, mode))["jsonpaths"]]
    except (ValueError, KeyError, TypeError) as error:
        raise SqlError(f"Invalid JSONPath file '{mode}'", "22023") from error
    return lambda value: [_json_text(_walk(value, path)) for path in paths]


def _json_path(path: str) -> list[str | int]:
    found = re.findall(r"\.(\w+)|\[(\d+)\]|\['([^']+)'\]", path)
    if not path.startswith("$") or sum(map(len, re.findall(r"\.\w+|\[\d+\]|\['[^']+'\]", path))) != len(path) - 1:
        raise SqlError(f"Invalid JSONPath format: {path}", "22023")
    return [int(index) if index else plain or quoted for plain, index, quoted in found]


def _walk(value: Any, path: list[str | int]) -> Any:
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def _json_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal | int):
        return str(value)
    return json.dumps(value, separators=(",", ":"), default=float)


def _parquet_records(name: str, body: bytes, columns: list[tuple[str, str]]) -> Iterator[Record]:
    try:
        table = pq.read_table(io.BytesIO(body))
    except pa.ArrowInvalid as error:
        raise SqlError(f"Spectrum Scan Error: File '{name}' is not a valid Parquet file", "XX000") from error
    if table.num_columns != len(columns):
        raise SqlError(f"Spectrum Scan Error: File '{name}' has {table.num_columns} columns, {len(columns)} were expected", "XX000")
    for number, row in enumerate(zip(*(column.to_pylist() for column in table.columns), strict=True), start=1):
        values = [_parquet_text(value) for value in row]
        yield Record(name, number, values, "|".join(value or "" for value in values))


def _parquet_text(value: Any) -> str | None:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    return _json_text(value) if isinstance(value, dict | list | bool) or value is None else str(value)


def _load(session: Session, table: str, columns: list[tuple[str, str]], records: list[Record], options: Options) -> Result:
    allowed, rejected, pending = options.number("MAXERROR"), 0, _converted(records, columns, options)
    was_empty = session.run("SELECT pg_relation_size($1::regclass)", (table,)).rows == [("0",)]
    with session.all_or_nothing():
        while failure := _try_load(session, table, columns, pending):
            bad = pending[failure.position]
            _record_error(session, table, bad, failure, dict(columns))
            rejected += 1
            if rejected > allowed:
                raise _load_failed(table, bad, failure)
            pending = pending[: failure.position] + pending[failure.position + 1 :]
    session.run("SELECT set_config('redshift.last_copy_count', $1, false)", (str(len(pending)),))
    if options.values.get("STATUPDATE", "ON" if was_empty else "OFF") in ("ON", "TRUE"):
        session.settle_statistics()
        session.run(f"ANALYZE {table}")
    return Result(row_count=len(pending))


def _load_failed(table: str, bad: Record, failure: Rejection) -> SqlError:
    place = f"{bad.file} line {bad.line}" + (f", column {failure.column}" if failure.column else "")
    hint = "Check 'sys_load_error_detail' system table for details."
    return SqlError(f"Load into table '{_plain(table)}' failed. {hint} ({place}: {failure.reason})", "XX000")


def _plain(table: str) -> str:
    return table.replace('"', "").split(".")[-1]


def _converted(records: list[Record], columns: list[tuple[str, str]], options: Options) -> list[Record]:
    """The records with each field as PostgreSQL reads its type."""
    convert = [(name, _converter(kind, options)) for name, kind in columns]
    for record in records:
        for index, (value, (name, change)) in enumerate(zip(record.values, convert, strict=False)):
            try:
                record.values[index] = None if value is None else change(value)
            except ValueError:
                record.unreadable = record.unreadable or name
    return records


def _try_load(session: Session, table: str, columns: list[tuple[str, str]], records: list[Record]) -> Rejection | None:
    """Load all records or none; returns why the first bad one was rejected."""
    for position, record in enumerate(records):
        if len(record.values) < len(columns):
            return Rejection(position, columns[len(record.values)][0], 1214, "Delimiter not found")
        if len(record.values) > len(columns):
            return Rejection(position, "", 1202, "Extra column(s) found")
        if record.unreadable:
            return Rejection(position, record.unreadable, *_LOAD_ERRORS["22007"])
    names = ", ".join(quote(name) for name, _ in columns)
    try:
        with (
            session.all_or_nothing(),
            session.connection.cursor() as cursor,
            cursor.copy(f"COPY {table} ({names}) FROM STDIN".encode()) as stream,
        ):
            for record in records:
                stream.write_row(record.values)
    except (psycopg.DataError, psycopg.errors.NotNullViolation) as error:
        return _rejection(error)
    return None


def _rejection(error: psycopg.Error) -> Rejection:
    context = error.diag.context or ""
    line, column = re.search(r"line (\d+)", context), re.search(r"column (\w+)", context)
    if not line:
        raise error
    code, reason = _LOAD_ERRORS.get(error.sqlstate or "", (1224, "Unknown type conversion error"))
    name = column[1] if column else error.diag.column_name or ""
    return Rejection(int(line[1]) - 1, name, code, f"{reason} ({error.diag.message_primary})")


def _record_error(session: Session, table: str, record: Record, failure: Rejection, types: dict[str, str]) -> None:
    table_id = session.run("SELECT $1::regclass::oid", (table,)).rows[0][0]
    session.databases.history.add(
        "load_error", warehouse=session.warehouse, user_id=session.user_id, user_name=session.user, query_id=session.query_id,
        table_id=int(table_id or 0), table_name=_plain(table), session_id=session.pid, database_name=session.database, file_name=record.file,
        line_number=record.line, column_name=failure.column, column_type=types.get(failure.column, ""), raw_line=record.raw,
        error_code=failure.code, error_message=failure.reason,
    )  # fmt: skip


_DATE_WORDS = (
    ("YYYY", "%Y"), ("YY", "%y"), ("MONTH", "%B"), ("MON", "%b"), ("MM", "%m"), ("DD", "%d"), ("HH24", "%H"), ("HH12", "%I"), ("HH", "%H"),
    ("MI", "%M"), ("SS", "%S"), ("AM", "%p"), ("PM", "%p"),
)  # fmt: skip


def _converter(kind: str, options: Options) -> Callable[[str], str]:
    """How a field's text becomes text that PostgreSQL reads as that type; the converter raises ValueError for what it cannot read."""
    if kind.startswith(("character", "text")):
        length = re.search(r"\((\d+)\)", kind)
        cut = int(length[1]) if length and options.has("TRUNCATECOLUMNS") else None
        return lambda value: value[:cut]
    if kind == "date" and (form := options.values.get("DATEFORMAT", "auto")).lower() != "auto":
        return lambda value: datetime.strptime(value, _strptime(form)).date().isoformat()  # noqa: DTZ007 - a date has no zone
    if kind.startswith("timestamp") and (form := options.values.get("TIMEFORMAT", "auto")).lower() != "auto":
        if form.lower() in ("epochsecs", "epochmillisecs"):
            unit = 1 if form.lower() == "epochsecs" else 1000
            return lambda value: datetime.fromtimestamp(float(value) / unit, UTC).isoformat()
        return lambda value: datetime.strptime(value, _strptime(form)).isoformat()  # noqa: DTZ007 - a timestamp of Redshift has no zone
    return str


def _strptime(form: str) -> str:
    pattern = "|".join(word for word, _ in _DATE_WORDS)
    return re.sub(pattern, lambda found: dict(_DATE_WORDS)[found[0].upper()], form.replace("%", "%%"), flags=re.IGNORECASE)


# UNLOAD -------------------------------------------------------------------------------------------------------------


def unload(session: Session, source: Statement) -> Result:
    """UNLOAD ('query') TO 's3://bucket/prefix': writes the rows as files of the sandbox's S3."""
    close = source.closing(1)
    if source.words[close + 1 : close + 2] != ("TO",):
        raise source.syntax_error(close + 1)
    bucket, prefix = _split_uri(source.string_at(close + 2))
    options = _options(source, close + 3, _UNLOAD_OPTIONS)
    files = _files(session)
    text, names = translate(source.string_at(2), session.database)
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
    try:
        existing = files.s3_list(bucket, prefix)
    except ApiError as error:
        raise SqlError(f"S3ServiceException: {error.message}, Error: {error.code}", "XX000") from error
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
    render = {"CSV": _csv_body, "TEXT": _text_body, "JSON": _json_body, "PARQUET": _parquet_body}[options.format]
    ending = _ending(options)
    found = []
    for number, rows in enumerate(slices):
        body = render(answer.columns, rows, options)
        if options.has("GZIP"):
            body = gzip.compress(body, mtime=0)
        elif options.has("BZIP2"):
            body = bz2.compress(body)
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


def _csv_body(columns: tuple[Column, ...], rows: Iterable[tuple[str | None, ...]], options: Options) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=_delimiter(options, ","), lineterminator="\n")
    if options.has("HEADER"):
        writer.writerow([column.name for column in columns])
    for row in rows:
        writer.writerow([options.values.get("NULL", "") if value is None else value for value in row])
    return out.getvalue().encode()


def _text_body(columns: tuple[Column, ...], rows: Iterable[tuple[str | None, ...]], options: Options) -> bytes:
    delimiter, null = _delimiter(options, "|"), options.values.get("NULL", "")
    lines = [delimiter.join(column.name for column in columns)] if options.has("HEADER") else []
    lines += [delimiter.join(null if value is None else _text_field(value, delimiter, options) for value in row) for row in rows]
    return "".join(line + "\n" for line in lines).encode()


def _text_field(value: str, delimiter: str, options: Options) -> str:
    if options.has("ESCAPE"):
        value = re.sub(rf"([\\\n\r\"'{re.escape(delimiter)}])", r"\\\1", value)
    return f'"{value}"' if options.has("ADDQUOTES") else value


def _json_body(columns: tuple[Column, ...], rows: Iterable[tuple[str | None, ...]], _options: Options) -> bytes:
    lines = [
        json.dumps(
            {column.name: _json_value(value, column) for column, value in zip(columns, row, strict=True) if value is not None},
            separators=(",", ":"),
        )
        for row in rows
    ]
    return "".join(line + "\n" for line in lines).encode()


def _json_value(value: str | None, column: Column) -> Any:
    if value is not None and column.type_oid in (114, 3802):
        return json.loads(value)
    typed = _python_value(value, column)
    return float(typed) if isinstance(typed, Decimal) else value if isinstance(typed, date | datetime) else typed


def _python_value(value: str | None, column: Column) -> Any:
    if value is None:
        return None
    match column.type_oid:
        case 16:
            return value == "t"
        case 20 | 21 | 23 | 26:
            return int(value)
        case 700 | 701:
            return float(value)
        case 1700:
            return Decimal(value)
        case 1082:
            return date.fromisoformat(value)
        case 1114 | 1184:
            return datetime.fromisoformat(value + ":00" if column.type_oid == 1184 and value[-3] in "+-" else value)
        case _:
            return value


def _parquet_body(columns: tuple[Column, ...], rows: Iterable[tuple[str | None, ...]], _options: Options) -> bytes:
    listed = list(rows)
    arrays = [pa.array([_python_value(row[i], column) for row in listed], type=_arrow_type(column)) for i, column in enumerate(columns)]
    out = io.BytesIO()
    pq.write_table(pa.table(arrays, names=[column.name for column in columns]), out)
    return out.getvalue()


def _arrow_type(column: Column) -> pa.DataType:
    if column.type_oid == 1700:
        if column.type_modifier < 4:
            return pa.decimal128(38, 10)
        return pa.decimal128((column.type_modifier - 4) >> 16, (column.type_modifier - 4) & 0xFFFF)
    simple = {
        16: pa.bool_(),
        20: pa.int64(),
        21: pa.int16(),
        23: pa.int32(),
        26: pa.int64(),
        700: pa.float32(),
        701: pa.float64(),
        1082: pa.date32(),
    }
    stamps = {1114: pa.timestamp("us"), 1184: pa.timestamp("us", tz="UTC")}
    return simple.get(column.type_oid) or stamps.get(column.type_oid) or pa.string()
