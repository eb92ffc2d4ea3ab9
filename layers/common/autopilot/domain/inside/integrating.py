"""Statements of zero-ETL databases, and the names that AWS knows a warehouse and an integration by."""

from __future__ import annotations

from typing import Any

from autopilot.domain.inside.declared.flows import Integration
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


def namespace_arn(kind: str, namespace: str, account: str, region: str) -> str:
    """The namespace as an integration's target. Source: CreateIntegration, `TargetArn`."""
    partition = next((name for start, name in _PARTITIONS.items() if region.startswith(start)), "aws")
    where = f"{region}:{account}:namespace"
    if kind == "cluster":
        return f"arn:{partition}:redshift:{where}:{namespace}"
    return f"arn:{partition}:redshift-serverless:{where}/{namespace}"


_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


def admitting(policy: dict[str, Any] | None, target_arn: str, source_arn: str) -> dict[str, Any] | None:
    """A namespace's resource policy that lets a source bring its data in: the one before with a statement more; None where it does already.

    Source: Redshift management guide, "Configure authorization for your Amazon Redshift data warehouse": an authorized integration source.
    """
    before = policy or {"Version": "2012-10-17", "Statement": []}
    statements = before["Statement"] if isinstance(before["Statement"], list) else [before["Statement"]]
    wanted = {
        "Effect": "Allow",
        "Principal": {"Service": "redshift.amazonaws.com"},
        "Action": _AUTHORIZE,
        "Resource": target_arn,
        "Condition": {"StringEquals": {"aws:SourceArn": source_arn}},
    }
    if any(_admits(one, source_arn) for one in statements):
        return None
    return {**before, "Statement": [*statements, wanted]}


_AUTHORIZE = "redshift:AuthorizeInboundIntegration"


def _admits(statement: dict[str, Any], source_arn: str) -> bool:
    """Whether a statement is one for exactly this source; one that says it in another way is not relied on."""
    actions, sources = statement.get("Action", []), statement.get("Condition", {}).get("StringEquals", {}).get("aws:SourceArn", [])
    return (
        statement.get("Effect") == "Allow"
        and _AUTHORIZE in ([actions] if isinstance(actions, str) else actions)
        and source_arn in ([sources] if isinstance(sources, str) else sources)
    )
