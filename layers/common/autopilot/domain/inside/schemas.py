"""The section `schemas`: schemas of the warehouse's own tables."""

from __future__ import annotations

from autopilot.domain.inside.declared.everything import Inside
from autopilot.domain.inside.model import Catalog, Compared, Context, Question, Step
from autopilot.domain.inside.quoting import identifier

_SCHEMAS = Question("schemas", "SELECT nspname AS name FROM pg_namespace")


def problems(spec: Inside) -> list[str]:  # noqa: ARG001 - nothing contradicts
    """Nothing yet."""
    return []


def questions(spec: Inside) -> list[Question]:
    """All schemas."""
    return [] if spec.schemas is None else [_SCHEMAS]


def compare(spec: Inside, seen: Catalog, context: Context) -> Compared:  # noqa: ARG001 - the protocol's
    """Make what is missing. Source: CREATE SCHEMA."""
    there = {row["name"] for row in seen.get(_SCHEMAS.name, [])}
    return Compared(
        [
            Step(
                section="schemas",
                name=f"create schema {schema.name}",
                reason="it is not there",
                sql=f"CREATE SCHEMA {identifier(schema.name)}" + (f" AUTHORIZATION {identifier(schema.owner)}" if schema.owner else ""),
                reverse=f"DROP SCHEMA {identifier(schema.name)}",
                marks=[f"schema:{schema.name}"],
                after=[f"user:{schema.owner}"] if schema.owner else [],
            )
            for schema in spec.schemas or []
            if schema.name not in there
        ]
    )


def definitions(spec: Inside, seen: Catalog) -> dict[str, tuple[str, str]]:  # noqa: ARG001 - the protocol's
    """The catalog tells all of a schema."""
    return {}
