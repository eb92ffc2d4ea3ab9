"""A look into a database for the Data API: its databases, schemas, tables and columns."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.kernel import ApiError
from sandbox.redshift.answers import Params
from sandbox.redshift.data_answers import page
from sandbox.redshift.data_sign_in import SignIns
from sandbox.sql.errors import SqlError
from sandbox.world import Caller

_SHORT_TYPES = {
    "boolean": "bool", "smallint": "int2", "integer": "int4", "bigint": "int8", "real": "float4", "double precision": "float8",
    "character varying": "varchar", "character": "bpchar", "timestamp without time zone": "timestamp", "timestamp with time zone": "timestamptz",
}  # fmt: skip


class Catalog:
    """The listing operations; each signs in, asks the system views and signs out."""

    def __init__(self, sign_ins: SignIns) -> None:
        self._sign_ins = sign_ins

    def databases(self, params: Params, caller: Caller) -> Params:
        found = self._look(params, caller, "SELECT datname FROM redshift_databases ORDER BY 1")
        return page("Databases", [name for (name,) in found], params)

    def schemas(self, params: Params, caller: Caller) -> Params:
        query = "SELECT schema_name FROM svv_all_schemas WHERE schema_name LIKE $1 ORDER BY 1"
        return page("Schemas", [name for (name,) in self._look(params, caller, query, params.get("SchemaPattern") or "%")], params)

    def tables(self, params: Params, caller: Caller) -> Params:
        query = (
            "SELECT table_name, table_type, table_schema FROM svv_tables WHERE table_schema LIKE $1 AND table_name LIKE $2 ORDER BY 3, 1"
        )
        found = self._look(params, caller, query, params.get("SchemaPattern") or "%", params.get("TablePattern") or "%")
        return page("Tables", [{"name": name, "type": kind, "schema": schema} for name, kind, schema in found], params)

    def columns(self, params: Params, caller: Caller) -> Params:
        query = (
            "SELECT column_name, table_name, table_schema, column_default, is_nullable, coalesce(character_maximum_length, numeric_precision, 0), "
            "coalesce(numeric_precision, 0), coalesce(numeric_scale, 0), data_type FROM svv_columns "
            "WHERE ($1 = '' OR table_schema = lower($1)) AND table_name = lower($2) ORDER BY ordinal_position"
        )
        found = self._look(params, caller, query, params.get("Schema") or "", params.get("Table") or "")
        described = [_described_column(row) for row in found]
        return page("ColumnList", described, params) | {"TableName": params.get("Table") or ""}

    def _look(self, params: Params, caller: Caller, query: str, *values: str) -> Iterable[tuple[str | None, ...]]:
        sign_in = self._sign_ins.asked_for(params, caller)
        self._sign_ins.check_state(sign_in.target)
        try:
            with self._sign_ins.open(sign_in) as session:
                return session.run(query, values).rows
        except SqlError as error:
            raise ApiError("DatabaseConnectionException", str(error), 500) from error


def _described_column(row: tuple[str | None, ...]) -> Params:
    name, table, schema, default, nullable, length, precision, scale, kind = row
    described: Params = {
        "name": name, "label": name, "tableName": table, "schemaName": schema, "nullable": int(nullable == "YES"), "length": int(length or 0),
        "precision": int(precision or 0), "scale": int(scale or 0), "typeName": _SHORT_TYPES.get(kind or "", kind),
        "isCaseSensitive": kind in ("character varying", "character"), "isCurrency": False,
        "isSigned": kind in ("smallint", "integer", "bigint", "numeric", "real", "double precision"),
    }  # fmt: skip
    return described | ({"columnDefault": default} if default is not None else {})
