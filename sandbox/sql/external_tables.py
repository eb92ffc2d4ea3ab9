"""Tables of external schemas in a query: each is made what its catalog, its files or its server say at this moment, before the query runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlglot import exp

from sandbox.kernel import ApiError
from sandbox.sql.copy_formats import Row
from sandbox.sql.errors import SqlError, unsupported
from sandbox.sql.external_rows import as_csv, database_type, rows
from sandbox.sql.lexer import quote
from sandbox.sql.session import Session
from sandbox.sql.transfer_files import split_uri

CATALOG, POSTGRES = 1, 3
#: What Spectrum takes for no data. Source: Redshift database developer guide, "Data files for queries in Amazon Redshift Spectrum".
_IGNORED_STARTS, _IGNORED_END = (".", "_", "#"), "~"
_SYSTEM = ("pg_", "stl_", "stv_", "svl_", "svv_", "sys_")


@dataclass(frozen=True)
class ExternalSchema:
    """An external schema as it was made."""

    name: str
    kind: int
    database: str
    options: dict[str, Any]

    @property
    def region(self) -> str | None:
        return self.options.get("REGION")

    def role(self, session: Session) -> str:
        """The role for its data; raises SqlError when it is not associated with the warehouse any more."""
        return session.iam_role(self.options["IAM_ROLE"])

    def catalog_role(self, session: Session) -> str:
        """The role for its catalog."""
        return session.iam_role(self.options.get("CATALOG_ROLE") or self.options["IAM_ROLE"])


def external_schema(session: Session, name: str) -> ExternalSchema | None:
    """The external schema of that name."""
    found = session.run("SELECT eskind, databasename, esoptions FROM redshift_external_schema($1)", (name,)).rows
    return ExternalSchema(name, int(found[0][0] or 0), str(found[0][1]), json.loads(str(found[0][2]))) if found else None


def refused(schema: ExternalSchema, error: ApiError) -> SqlError:
    """Another service's refusal in the words of the database."""
    return SqlError(f"Spectrum Scan Error: external schema {schema.name}: {error.message} ({error.code})", "58000")


def relation(session: Session, table: exp.Table) -> exp.Expression | None:
    """An external table in a query, or a view over some: what they show is brought up to date. The relation stays as it is written."""
    if table.catalog and table.catalog.lower() != session.database:
        return None
    schema, name = table.db.lower(), table.name.lower()
    if not schema and name.startswith(_SYSTEM):
        return None
    found = external_schema(session, schema) if schema else None
    if found and found.kind in (CATALOG, POSTGRES):
        if _is_written(table):
            raise unsupported(f"writing to the external table {schema}.{name}")
        if session.run("SELECT has_schema_privilege($1, 'USAGE')", (schema,)).rows != [("t",)]:
            raise SqlError(f"permission denied for schema {schema}", "42501")
        prepare(session, found, name)
        return None
    full = f"{quote(schema)}.{quote(name)}" if schema else quote(name)
    for owner, inner in session.run("SELECT schema, relation FROM redshift_external_tables($1)", (full,)).rows:
        if behind := external_schema(session, str(owner)):
            prepare(session, behind, str(inner))
    return None


def _is_written(table: exp.Table) -> bool:
    parent = table.parent.parent if isinstance(table.parent, exp.Schema) else table.parent
    target = parent.this if isinstance(parent, exp.Insert | exp.Update | exp.Delete | exp.Merge) else None
    return target is not None and (target is table or target is table.parent)


def prepare(session: Session, schema: ExternalSchema, name: str) -> None:
    """Bring one external table up to date; raises SqlError when there is none of that name, or a service refuses."""
    try:
        if schema.kind == CATALOG:
            _from_catalog(session, schema, name)
        else:
            _from_postgres(session, schema, name)
    except ApiError as error:
        raise refused(schema, error) from error


def _from_catalog(session: Session, schema: ExternalSchema, name: str) -> None:
    lake, role = session.outside.lake, schema.catalog_role(session)
    try:
        table = lake.table(role, schema.region, schema.database, name)
    except ApiError as error:
        if error.code == "EntityNotFoundException":
            raise SqlError(f'relation "{schema.name}.{name}" does not exist', "42P01") from error
        raise
    columns, keys = _columns(table.get("StorageDescriptor", {}).get("Columns", [])), _columns(table.get("PartitionKeys", []))
    given = json.dumps([*columns, *keys])
    file = Path(str(session.run("SELECT redshift_external_file($1, $2, $3::jsonb)", (schema.name, name, given)).rows[0][0]))
    file.parent.mkdir(mode=0o755, exist_ok=True)
    # Who reads the old file meanwhile reads it to its end.
    fresh = file.with_name(f"{uuid4().hex}.new")
    fresh.write_bytes(as_csv(_rows(session, schema, table, columns)))
    fresh.chmod(0o644)
    fresh.replace(file)


def _columns(described: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(str(one["Name"]).lower(), database_type(str(one["Type"]))) for one in described]


def _rows(session: Session, schema: ExternalSchema, table: dict[str, Any], columns: list[tuple[str, str]]) -> Iterator[Row]:
    parameters = dict(table.get("Parameters", {}))
    if not table.get("PartitionKeys"):
        yield from _rows_at(session, schema, table["StorageDescriptor"], parameters, columns)
        return
    for one in session.outside.lake.partitions(schema.catalog_role(session), schema.region, schema.database, str(table["Name"])):
        values: Row = [None if value == "__HIVE_DEFAULT_PARTITION__" else value for value in one["Values"]]
        description = {**table["StorageDescriptor"], **one["StorageDescriptor"]}
        yield from ([*row, *values] for row in _rows_at(session, schema, description, parameters, columns))


def _rows_at(
    session: Session, schema: ExternalSchema, description: dict[str, Any], parameters: dict[str, str], columns: list[tuple[str, str]]
) -> Iterator[Row]:
    """The rows of all files at a location: a folder, or one object."""
    lake, role = session.outside.lake, schema.role(session)
    bucket, key = split_uri(str(description.get("Location", "")))
    folder = key if key.endswith("/") or not key else f"{key}/"
    found = [one for one in lake.objects(role, bucket, key) if one == key or one.startswith(folder)]
    for one in sorted(found):
        name = one.rpartition("/")[2]
        if name and not name.startswith(_IGNORED_STARTS) and not name.endswith(_IGNORED_END):
            yield from rows(f"s3://{bucket}/{one}", lake.content(role, bucket, one), description, parameters, columns)


def _from_postgres(session: Session, schema: ExternalSchema, name: str) -> None:
    options = schema.options
    secret = session.outside.lake.secret(schema.role(session), options["SECRET_ARN"])
    if not secret.get("username") or not secret.get("password"):
        raise SqlError(f"the secret of external schema {schema.name} has no username and password", "28000")
    server = json.dumps({"host": options["URI"], "port": str(options["PORT"]), "dbname": schema.database})
    values = (schema.name, name, server, options["SCHEMA"], str(secret["username"]), str(secret["password"]))
    session.run("SELECT redshift_external_federated($1, $2, $3::jsonb, $4, $5, $6)", values)
