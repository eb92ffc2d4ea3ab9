"""Statements of external schemas, and what SVV_EXTERNAL_SCHEMAS says of one in the words of a spec."""

from __future__ import annotations

import json
from typing import Any

from autopilot.domain.inside.declared.external import ExternalSchema
from autopilot.domain.inside.quoting import identifier, literal

#: Source: SVV_EXTERNAL_SCHEMAS, `eskind`. Older releases gave 7 for MySQL.
KINDS = {"1": "glue", "2": "hive", "3": "postgres", "7": "mysql", "8": "mysql"}
_FROM = {"glue": "DATA CATALOG", "hive": "HIVE METASTORE", "postgres": "POSTGRES", "mysql": "MYSQL"}
#: Source: CREATE EXTERNAL SCHEMA, `URI`.
DEFAULT_PORTS = {"hive": 9083, "postgres": 5432, "mysql": 3306}
#: Fields by their key in `esoptions`. AWS documents IAM_ROLE; the others are what those who read the view found: each is compared only where it is given.
_OPTIONS = {
    "role": "IAM_ROLE",
    "catalog_role": "CATALOG_ROLE",
    "region": "REGION",
    "schema": "SCHEMA",
    "host": "URI",
    "port": "PORT",
    "secret": "SECRET_ARN",
}


def create(schema: ExternalSchema) -> str:
    """CREATE EXTERNAL SCHEMA. Source: "CREATE EXTERNAL SCHEMA", and its forms for each source."""
    parts = [
        f"CREATE EXTERNAL SCHEMA {identifier(schema.name)} FROM {_FROM[schema.source]}",
        f"DATABASE {literal(schema.database)}",
        f"SCHEMA {literal(schema.schema)}" if schema.schema else "",
        f"REGION {literal(schema.region)}" if schema.region else "",
        f"URI {literal(schema.host)}" if schema.host else "",
        f"PORT {schema.port}" if schema.port else "",
        _role(schema.role),
        f"SECRET_ARN {literal(schema.secret)}" if schema.secret else "",
        f"CATALOG_ROLE {literal(schema.catalog_role)}" if schema.catalog_role else "",
        "CREATE EXTERNAL DATABASE IF NOT EXISTS" if schema.create_database else "",
    ]
    return " ".join(part for part in parts if part)


def alter_role(name: str, role: str) -> str:
    """ALTER EXTERNAL SCHEMA, which schemas from the data catalog take, and of them the role only. Source: "ALTER EXTERNAL SCHEMA"."""
    return f"ALTER EXTERNAL SCHEMA {identifier(name)} {_role(role)}"


def drop(name: str) -> str:
    """DROP SCHEMA without its external database; refused while anything in the warehouse depends on it. Source: "DROP SCHEMA"."""
    return f"DROP SCHEMA {identifier(name)} RESTRICT"


def _role(role: str) -> str:
    return "IAM_ROLE default" if role == "default" else f"IAM_ROLE {literal(role)}"


def differences(schema: ExternalSchema, row: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """What the catalog gives otherwise than it is declared, by field: as it is, and as it should be. What the catalog does not give is not told."""
    kind = KINDS[text(row["eskind"])]
    found = {"source": (kind, schema.source), "database": (text(row["databasename"]), schema.database)}
    options = options_of(row)
    for field, key in _OPTIONS.items():
        if key in options and (wanted := _wanted(schema, field)) is not None:
            found[field] = (text(options[key]), wanted)
    return {field: pair for field, pair in found.items() if pair[0] != pair[1]}


def _wanted(schema: ExternalSchema, field: str) -> str | None:
    """A field as the catalog would give it; None where any value may stand there."""
    value = getattr(schema, field)
    if field == "role":
        return None if value == "default" else str(value)
    if value is not None:
        return str(value)
    match field:
        case "port":
            return str(DEFAULT_PORTS.get(schema.source, ""))
        case "schema" if schema.source == "postgres":
            return "public"
        case "region":
            return None  # its own: the catalog may name it
    return ""


def of_row(row: dict[str, Any]) -> ExternalSchema | None:
    """The declaration that would make this schema again; None where the catalog does not tell enough."""
    options = options_of(row)
    fields: dict[str, Any] = {field: text(options[key]) for field, key in _OPTIONS.items() if text(options.get(key))}
    if "role" not in fields:
        return None
    if "port" in fields:
        fields["port"] = int(fields["port"])
    source: Any = KINDS[text(row["eskind"])]
    return ExternalSchema(name=text(row["schemaname"]), source=source, database=text(row["databasename"]), **fields)


def options_of(row: dict[str, Any]) -> dict[str, Any]:
    """The options of a schema; none where they are no JSON object."""
    try:
        options = json.loads(text(row["esoptions"]))
    except ValueError:
        return {}
    return options if isinstance(options, dict) else {}


def text(value: object) -> str:
    """System tables pad their names with blanks."""
    return str(value if value is not None else "").strip()
