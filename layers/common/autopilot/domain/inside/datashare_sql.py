"""Statements on datashares. All may share a transaction, except those that make and drop databases."""

from __future__ import annotations

from autopilot.domain.inside.quoting import identifier, literal, qualified


def create(share: str, *, public_accessible: bool) -> str:
    """Source: Redshift database developer guide, "CREATE DATASHARE"."""
    return f"CREATE DATASHARE {identifier(share)}" + (" SET PUBLICACCESSIBLE TRUE" if public_accessible else "")


def drop(share: str) -> str:
    """Source: Redshift database developer guide, "DROP DATASHARE"."""
    return f"DROP DATASHARE {identifier(share)}"


def set_public_accessible(share: str, *, wanted: bool) -> str:
    """Source: Redshift database developer guide, "ALTER DATASHARE"."""
    return f"ALTER DATASHARE {identifier(share)} SET PUBLICACCESSIBLE {str(wanted).upper()}"


def set_include_new(share: str, schema: str, *, wanted: bool) -> str:
    """What is in the schema already is neither added nor removed by it. Source: Redshift database developer guide, "ALTER DATASHARE"."""
    return f"ALTER DATASHARE {identifier(share)} SET INCLUDENEW = {str(wanted).upper()} FOR SCHEMA {identifier(schema)}"


def schema(share: str, name: str, *, add: bool) -> str:
    """A schema comes before what lies in it, and brings nothing of that along. Source: Redshift database developer guide, "ALTER DATASHARE"."""
    return f"ALTER DATASHARE {identifier(share)} {'ADD' if add else 'REMOVE'} SCHEMA {identifier(name)}"


def table(share: str, schema: str, name: str, *, add: bool) -> str:
    """A table, view or materialized view. Source: Redshift database developer guide, "ALTER DATASHARE"."""
    return f"ALTER DATASHARE {identifier(share)} {'ADD' if add else 'REMOVE'} TABLE {qualified(schema, name)}"


def all_tables(share: str, schema: str, *, add: bool) -> str:
    """All tables and views that are in the schema now. Source: Redshift database developer guide, "ALTER DATASHARE"."""
    return f"ALTER DATASHARE {identifier(share)} {'ADD' if add else 'REMOVE'} ALL TABLES IN SCHEMA {identifier(schema)}"


def usage(share: str, *, namespace: str | None, account: str | None, granted: bool) -> str:
    """One consumer in each statement. Source: Redshift database developer guide, "GRANT" and "REVOKE"."""
    who = f"NAMESPACE {literal(namespace)}" if namespace else f"ACCOUNT {literal(account or '')}"
    return f"{'GRANT' if granted else 'REVOKE'} USAGE ON DATASHARE {identifier(share)} {'TO' if granted else 'FROM'} {who}"


def create_database(database: str, share: str, namespace: str, account: str | None, *, with_permissions: bool) -> str:
    """Runs in no transaction. Source: Redshift database developer guide, "CREATE DATABASE"."""
    permissions = " WITH PERMISSIONS" if with_permissions else ""
    whose = f"ACCOUNT {literal(account)} " if account else ""
    return (
        f"CREATE DATABASE {identifier(database)}{permissions} FROM DATASHARE {identifier(share)} OF {whose}NAMESPACE {literal(namespace)}"
    )


def drop_database(database: str) -> str:
    """Runs in no transaction. Source: Redshift database developer guide, "DROP DATABASE"."""
    return f"DROP DATABASE {identifier(database)}"
