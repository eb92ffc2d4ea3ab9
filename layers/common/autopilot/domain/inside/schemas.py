"""The section `schemas`: schemas of the warehouse's own tables."""

from __future__ import annotations

from autopilot.domain.inside.declared.everything import Inside
from autopilot.domain.inside.declared.principals import Schema
from autopilot.domain.inside.model import Catalog, Compared, Context, Drift, Question, Step, fingerprint
from autopilot.domain.inside.quoting import identifier, identifier_problem, name_problems

OWNERS = Question(
    "schemas and owners", "SELECT n.nspname AS name, u.usename AS owner FROM pg_namespace n LEFT JOIN pg_user u ON u.usesysid = n.nspowner"
)
#: Those whose tables lie here, of all databases; shared and external ones are others. Source: SVV_ALL_SCHEMAS, SVV_EXTERNAL_SCHEMAS.
_LOCAL = Question("local schemas", "SELECT DISTINCT schema_name AS name FROM svv_all_schemas WHERE schema_type = 'local'")
_EXTERNAL = Question("external schemas' names", "SELECT schemaname AS name FROM svv_external_schemas")
_FILLED = Question(
    "schemas that hold something",
    "SELECT DISTINCT n.nspname AS name FROM pg_namespace n WHERE n.oid IN (SELECT relnamespace FROM pg_class) OR n.oid IN (SELECT pronamespace FROM pg_proc)",
)
#: Every database has these. Source: developer guide, "System tables and views".
_SYSTEM = frozenset({"public", "information_schema", "catalog_history"})


def problems(spec: Inside) -> list[str]:
    """Names that no schema can have, and those that are declared twice."""
    found, declared = [], [schema.name for schema in spec.schemas or []]
    for number, schema in enumerate(spec.schemas or []):
        path = f"spec.schemas[{number}]"
        found += name_problems([(f"{path}.name", schema.name), (f"{path}.owner", schema.owner)])
        if schema.name == "public" or schema.name.startswith("pg_"):
            found.append(f"{path}.name: {schema.name[:60]} is a schema of every database")
        if schema.name in declared[:number]:
            found.append(f"{path}.name: {schema.name[:60]} is declared twice")
    return found


def questions(spec: Inside) -> list[Question]:
    """All schemas with their owners, and which of them are local and empty."""
    return [] if spec.schemas is None else [OWNERS, _LOCAL, _EXTERNAL, _FILLED]


def compare(spec: Inside, seen: Catalog, context: Context) -> Compared:
    """Make what is missing, hand over what another owns, set quotas; what is there besides is drift, of which only what is empty is removed."""
    if spec.schemas is None:
        return Compared()
    owners = {row["name"]: row["owner"] for row in seen[OWNERS.name]}
    steps = [step for schema in spec.schemas for step in _steps(schema, owners, context)]
    return _with_drift(spec, seen, owners, steps)


def definitions(spec: Inside, seen: Catalog) -> dict[str, tuple[str, str]]:  # noqa: ARG001 - the quota's view is there on one kind of warehouse only
    """The quotas: no view gives them back on every kind of warehouse."""
    return {f"quota:{schema.name}": (_quota(schema), "") for schema in spec.schemas or [] if schema.quota_gb is not None}


def _steps(schema: Schema, owners: dict[str, str | None], context: Context) -> list[Step]:
    name, owner = identifier(schema.name), schema.owner
    quota = f" QUOTA {schema.quota_gb} GB" if schema.quota_gb is not None else ""
    marks = [f"quota:{schema.name}"] if quota else []
    after = [f"user:{owner}"] if owner else []
    if schema.name not in owners:
        # Source: CREATE SCHEMA.
        sql = f"CREATE SCHEMA {name}" + (f" AUTHORIZATION {identifier(owner)}" if owner else "") + quota
        made = [f"schema:{schema.name}", *marks]
        return [_step(f"create schema {schema.name}", "it is not there", sql, f"DROP SCHEMA {name}", made, after)]
    steps = []
    if owner and owners[schema.name] != owner:
        before = owners[schema.name]
        back = f"ALTER SCHEMA {name} OWNER TO {identifier(before)}" if before and not identifier_problem(before) else ""
        reason = f"{before or 'nobody known'} owns it"
        # Source: ALTER SCHEMA.
        steps.append(
            _step(f"alter schema {schema.name} owner", reason, f"ALTER SCHEMA {name} OWNER TO {identifier(owner)}", back, [], after)
        )
    known = context.known.get(f"quota:{schema.name}")
    if quota and (known is None or known.declared != _quota(schema)):
        reason = "its quota is not known to be as declared" if known is None else "its quota is declared otherwise than before"
        steps.append(
            _step(
                f"alter schema {schema.name} quota",
                reason,
                f"ALTER SCHEMA {name}{quota}",
                f"ALTER SCHEMA {name} QUOTA UNLIMITED",
                marks,
                [],
            )
        )
    return steps


def _with_drift(spec: Inside, seen: Catalog, owners: dict[str, str | None], steps: list[Step]) -> Compared:
    external, filled = ({row["name"] for row in seen[question.name]} for question in (_EXTERNAL, _FILLED))
    local = {row["name"] for row in seen[_LOCAL.name]} & set(owners)
    declared = {schema.name for schema in spec.schemas or []}
    drift = []
    for name in sorted(local - external - declared - _SYSTEM):
        if name.startswith("pg_") or owners[name] == "rdsdb":
            continue
        if not spec.prune:
            drift.append(Drift(section="schemas", object=f"schema {name}", what="is not declared"))
        elif name in filled or identifier_problem(name):
            drift.append(Drift(section="schemas", object=f"schema {name}", what="is not declared, and holds something", fate="kept"))
        else:
            drift.append(Drift(section="schemas", object=f"schema {name}", what="is not declared, and is empty", fate="removed"))
            # Without CASCADE: what somebody makes in it meanwhile keeps it.
            sql = f"DROP SCHEMA {identifier(name)}"
            steps = [
                *steps,
                _step(
                    f"drop schema {name}",
                    "it is not declared, and is empty",
                    sql,
                    f"CREATE SCHEMA {identifier(name)}",
                    [f"gone:schema:{name}"],
                    [],
                ),
            ]
    return Compared(steps, drift)


def _step(name: str, reason: str, sql: str, reverse: str, marks: list[str], after: list[str]) -> Step:
    return Step(section="schemas", name=name, reason=reason, sql=sql, reverse=reverse, marks=marks, after=after)


def _quota(schema: Schema) -> str:
    return fingerprint(str(schema.quota_gb))
