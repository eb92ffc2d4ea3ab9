"""Statements of zero-ETL databases, and the names that AWS knows a warehouse and an integration by."""

from __future__ import annotations

from autopilot.domain.inside.declared.flows import Integration
from autopilot.domain.inside.model import Context
from autopilot.domain.inside.quoting import identifier, literal

#: Stands in a plan for the id of an integration that is still to be made; the plan is made anew once it is known.
ID_HERE = "{{integration id}}"


def create_database(integration: Integration, integration_id: str) -> str:
    """CREATE DATABASE ... FROM INTEGRATION; not in a transaction. Source: "CREATE DATABASE"."""
    source = f" DATABASE {literal(integration.source_database)}" if integration.source_database else ""
    chosen = settings(integration)
    return (
        f"CREATE DATABASE {identifier(integration.database)} FROM INTEGRATION {literal(integration_id)}{source}"
        f"{f' SET {chosen}' if chosen else ''}"
    )


def alter_database(integration: Integration) -> str:
    """ALTER DATABASE ... INTEGRATION SET, with every setting that is declared. Source: "ALTER DATABASE"."""
    return f"ALTER DATABASE {identifier(integration.database)} INTEGRATION SET {settings(integration)}"


def refresh_tables(integration: Integration) -> str:
    """ALTER DATABASE ... INTEGRATION REFRESH of the tables that are in error. Source: "ALTER DATABASE"."""
    return f"ALTER DATABASE {identifier(integration.database)} INTEGRATION REFRESH INERROR TABLES"


def drop_database(integration: Integration) -> str:
    """DROP DATABASE: what takes back a creation, and is never planned. Source: "DROP DATABASE"."""
    return f"DROP DATABASE {identifier(integration.database)}"


def settings(integration: Integration) -> str:
    """What is declared of the database's settings, in the order of the grammar; empty where nothing is. Source: "CREATE DATABASE", "ALTER DATABASE"."""
    truths = {"ACCEPTINVCHARS": integration.accept_invalid_characters, "QUERY_ALL_STATES": integration.query_all_states}
    parts = [f"{word} = {str(value).upper()}" for word, value in truths.items() if value is not None]
    if integration.refresh_interval_seconds is not None:
        parts.append(f"REFRESH_INTERVAL {integration.refresh_interval_seconds}")
    truths = {"TRUNCATECOLUMNS": integration.truncate_columns, "HISTORY_MODE": integration.history_mode}
    return " ".join(parts + [f"{word} = {str(value).upper()}" for word, value in truths.items() if value is not None])


def namespace_arn(context: Context) -> str:
    """The namespace as an integration's target. Source: CreateIntegration, `TargetArn`."""
    partition = next((name for start, name in _PARTITIONS.items() if context.region.startswith(start)), "aws")
    where = f"{context.region}:{context.account}:namespace"
    if context.kind == "cluster":
        return f"arn:{partition}:redshift:{where}:{context.namespace}"
    return f"arn:{partition}:redshift-serverless:{where}/{context.namespace}"


_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
