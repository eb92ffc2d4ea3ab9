"""SVV_EXTERNAL_DATABASES, SVV_EXTERNAL_TABLES, SVV_EXTERNAL_COLUMNS and SVV_EXTERNAL_PARTITIONS: the catalog is asked when they are read.

Of a federated schema the catalog of the other server is not shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import sqlglot
from sqlglot import exp

from sandbox.kernel import ApiError
from sandbox.sql.external_tables import CATALOG, ExternalSchema, external_schema
from sandbox.sql.lexer import literal
from sandbox.sql.session import Session

Row = dict[str, Any]


def relation(session: Session, table: exp.Table) -> exp.Expression | None:
    """One of these views in a query: what it shows now, in its place."""
    name = table.name.lower()
    if name not in _VIEWS or table.db.lower() not in ("", "pg_catalog"):
        return None
    columns, read = _VIEWS[name]
    shown = [row for schema in _schemas(session) for row in _read(session, schema, read)]
    given = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    query = f"SELECT * FROM jsonb_to_recordset({literal(json.dumps(shown, default=str))}::jsonb) AS r({given})"  # noqa: S608 - quoted by literal
    return exp.Subquery(this=sqlglot.parse_one(query, read="postgres"), alias=exp.TableAlias(this=exp.to_identifier(table.alias or name)))


def _schemas(session: Session) -> list[ExternalSchema]:
    """The schemas on the data catalog that this user may use."""
    names = session.run("SELECT schemaname FROM svv_external_schemas WHERE eskind = $1::integer ORDER BY 1", (str(CATALOG),)).rows
    return [found for (name,) in names if (found := external_schema(session, str(name)))]


def _read(session: Session, schema: ExternalSchema, read: Callable[[Session, ExternalSchema], Iterator[Row]]) -> list[Row]:
    """What the catalog does not show to the schema's role is not there."""
    try:
        return list(read(session, schema))
    except ApiError:
        return []


def _databases(session: Session, schema: ExternalSchema) -> Iterator[Row]:
    found = session.outside.lake.database(schema.catalog_role(session), schema.region, schema.database)
    yield {
        "eskind": CATALOG,
        "esoptions": json.dumps(schema.options),
        "databasename": schema.database,
        "location": found.get("LocationUri", ""),
        "parameters": json.dumps(found.get("Parameters", {})),
    }


def _tables(session: Session, schema: ExternalSchema) -> Iterator[Row]:
    for table in _of_catalog(session, schema):
        yield {
            "redshift_database_name": session.database,
            "schemaname": schema.name,
            "tablename": table["Name"],
            "tabletype": "VIEW" if table.get("TableType") == "VIRTUAL_VIEW" else "TABLE",
            **_storage(table),
        }


def _columns(session: Session, schema: ExternalSchema) -> Iterator[Row]:
    for table in _of_catalog(session, schema):
        keys = table.get("PartitionKeys", [])
        described = [*table.get("StorageDescriptor", {}).get("Columns", []), *keys]
        for number, column in enumerate(described, start=1):
            yield {
                "redshift_database_name": session.database,
                "schemaname": schema.name,
                "tablename": table["Name"],
                "columnname": column["Name"],
                "external_type": column["Type"],
                "columnnum": number,
                "part_key": max(0, number - len(described) + len(keys)),
                "is_nullable": "",
            }


def _partitions(session: Session, schema: ExternalSchema) -> Iterator[Row]:
    for table in _of_catalog(session, schema):
        if not table.get("PartitionKeys"):
            continue
        for one in session.outside.lake.partitions(schema.catalog_role(session), schema.region, schema.database, table["Name"]):
            yield {
                "schemaname": schema.name,
                "tablename": table["Name"],
                "values": json.dumps(one["Values"]),
                **_storage(one),
            }


def _storage(described: dict[str, Any]) -> Row:
    """Where the rows of a table or partition lie, and in which form."""
    description = described.get("StorageDescriptor", {})
    serde = description.get("SerdeInfo", {})
    return {
        "location": description.get("Location", ""),
        "input_format": description.get("InputFormat", ""),
        "output_format": description.get("OutputFormat", ""),
        "serialization_lib": serde.get("SerializationLibrary", ""),
        "serde_parameters": json.dumps(serde.get("Parameters", {})),
        "compressed": int(bool(description.get("Compressed"))),
        "parameters": json.dumps(described.get("Parameters", {})),
    }


def _of_catalog(session: Session, schema: ExternalSchema) -> list[dict[str, Any]]:
    return session.outside.lake.tables(schema.catalog_role(session), schema.region, schema.database)


_DESCRIBED = {
    "location": "text",
    "input_format": "text",
    "output_format": "text",
    "serialization_lib": "text",
    "serde_parameters": "text",
    "compressed": "integer",
    "parameters": "text",
}
#: The columns of each view, as documented, and what fills it.
_VIEWS: dict[str, tuple[dict[str, str], Callable[[Session, ExternalSchema], Iterator[Row]]]] = {
    "svv_external_databases": (
        {"eskind": "integer", "esoptions": "text", "databasename": "text", "location": "text", "parameters": "text"},
        _databases,
    ),
    "svv_external_tables": (
        {"redshift_database_name": "text", "schemaname": "text", "tablename": "text", "tabletype": "text", **_DESCRIBED},
        _tables,
    ),
    "svv_external_columns": (
        {
            "redshift_database_name": "text",
            "schemaname": "text",
            "tablename": "text",
            "columnname": "text",
            "external_type": "text",
            "columnnum": "integer",
            "part_key": "integer",
            "is_nullable": "text",
        },
        _columns,
    ),
    "svv_external_partitions": ({"schemaname": "text", "tablename": "text", '"values"': "text", **_DESCRIBED}, _partitions),
}
