"""What data a warehouse holds, asked of the Data API's catalog operations, which answer at once."""

from __future__ import annotations

from autopilot.aws import data_api
from autopilot.aws.clients import client, translated
from autopilot.domain.errors import AutopilotError, TransientError
from autopilot.domain.signin import target_of
from autopilot.domain.warehouse import Warehouse

PERMISSIONS = ("redshift-data:ListDatabases", "redshift-data:ListTables", *data_api.SIGN_IN)
#: Databases and schemas that every warehouse has. Source: developer guide, "System tables and views".
_SYSTEM_DATABASES = frozenset({"template0", "template1", "padb_harvest", "awsdatacatalog", "sys:internal", "sample_data_dev"})
_SYSTEM_SCHEMAS = frozenset({"pg_catalog", "information_schema", "pg_internal", "catalog_history", "pg_automv", "pg_s3", "pg_mv"})


def first_table(seen: Warehouse) -> str | None:
    """One table or view that people made in any database, or None when there is none.

    Raises an AutopilotError when the databases cannot be looked into. Source: ListDatabases, ListTables.
    """
    names = {seen.database, *_databases(seen)}
    return next((found for name in sorted(names - _SYSTEM_DATABASES) if (found := _table_in(seen, name))), None)


def holds_data(seen: Warehouse) -> str | None:
    """`no`, or the name of a table that is there; None when it cannot be seen. Raises TransientError for what will pass."""
    try:
        return first_table(seen) or "no"
    except AutopilotError as error:
        # The service answers 500 for a database that lets nobody in, which does not pass by itself.
        if isinstance(error, TransientError) and error.code != "DatabaseConnectionException":
            raise
        return None


def _databases(seen: Warehouse) -> list[str]:
    pages = client("redshift-data").get_paginator("list_databases")
    with translated(f"list the databases of {seen.kind} {seen.name}"):
        return [name for page in pages.paginate(**target_of(seen).arguments()) for name in page["Databases"]]


def _table_in(seen: Warehouse, database: str) -> str | None:
    pages = client("redshift-data").get_paginator("list_tables")
    with translated(f"list the tables of {seen.kind} {seen.name}"):
        for page in pages.paginate(**target_of(seen, database).arguments()):
            for table in page["Tables"]:
                if table["schema"] not in _SYSTEM_SCHEMAS:
                    return f"{database}.{table['schema']}.{table['name']}"
    return None
