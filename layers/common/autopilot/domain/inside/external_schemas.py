"""The section `external_schemas`: schemas on Glue, PostgreSQL, MySQL and Hive. What they show lies elsewhere, and nothing here ever touches it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from autopilot.domain.errors import InvalidInput
from autopilot.domain.inside import external_sql
from autopilot.domain.inside.declared.everything import Inside
from autopilot.domain.inside.declared.external import ExternalSchema
from autopilot.domain.inside.external_sql import text
from autopilot.domain.inside.model import Catalog, Compared, Context, Drift, Known, Question, Step, fingerprint
from autopilot.domain.inside.quoting import literal, name_problems

Row = dict[str, Any]
_SECTION = "external_schemas"
_SCHEMAS = Question(
    "external schemas",
    "SELECT schemaname, eskind, databasename, esoptions FROM svv_external_schemas WHERE eskind IN (1, 2, 3, 7, 8) ORDER BY schemaname",
)
#: The fields that are for some sources only. Source: CREATE EXTERNAL SCHEMA.
_BELONGS = {
    "create_database": {"glue"},
    "catalog_role": {"glue"},
    "region": {"glue"},
    "schema": {"postgres"},
    "host": {"postgres", "mysql", "hive"},
    "port": {"postgres", "mysql", "hive"},
    "secret": {"postgres", "mysql"},
}
_NEEDED = ("host", "secret")


def problems(spec: Inside) -> list[str]:
    """Each contradiction of the section with its path."""
    found: list[str] = []
    declared = {schema.name for schema in spec.schemas or []}
    seen: set[str] = set()
    for number, schema in enumerate(spec.external_schemas or []):
        path = f"spec.external_schemas[{number}]"
        found += [f"{path}.{problem}" for problem in _of_schema(schema)]
        if schema.name in seen:
            found.append(f"{path}.name: {schema.name[:60]} is declared twice")
        if schema.name in declared:
            found.append(f"{path}.name: {schema.name[:60]} is declared under schemas too; a schema has its own tables, or shows others'")
        seen.add(schema.name)
    return found


def _of_schema(schema: ExternalSchema) -> Iterator[str]:
    yield from name_problems([("name", schema.name)])
    for field in ("database", "schema"):
        if problem := _text_problem(getattr(schema, field) or ""):
            yield f"{field}: {problem}"
    for field, sources in _BELONGS.items():
        value = getattr(schema, field)
        if value and schema.source not in sources:
            yield f"{field}: is for {' and '.join(sorted(sources))}, not for {schema.source}"
        if not value and field in _NEEDED and schema.source in sources:
            yield f"{field}: is needed for {schema.source}"


def _text_problem(value: str) -> str:
    if any(not character.isprintable() for character in value):
        return f"{value[:60]!r} holds a character that cannot be printed"
    try:
        literal(value)
    except InvalidInput as error:
        return str(error)
    return ""


def questions(spec: Inside) -> list[Question]:
    """The external schemas of these sources."""
    return [_SCHEMAS] if spec.external_schemas is not None else []


def compare(spec: Inside, seen: Catalog, context: Context) -> Compared:
    """Create what is missing, alter what can be altered, make the rest anew; undeclared ones are dropped with `prune`, what they show never."""
    if spec.external_schemas is None:
        return Compared()
    there = {text(row["schemaname"]): row for row in seen[_SCHEMAS.name]}
    declared = {schema.name for schema in spec.external_schemas}
    steps = [step for schema in spec.external_schemas for step in _steps(schema, there.get(schema.name), context)]
    drift: list[Drift] = []
    for name in sorted(set(there) - declared):
        steps += [_removal(name, there[name])] if spec.prune else []
        drift.append(_drift(name, there[name], "removed" if spec.prune else "reported"))
    return Compared(steps, drift)


def definitions(spec: Inside, seen: Catalog) -> dict[str, tuple[str, str]]:
    """What each schema was made with, and what the catalog said of it then."""
    if spec.external_schemas is None:
        return {}
    there = {text(row["schemaname"]): row for row in seen[_SCHEMAS.name]}
    return {_token(one.name): (_of(one), _catalogs(there[one.name])) for one in spec.external_schemas if one.name in there}


def _token(name: str) -> str:
    return f"external_schema:{name}"


def _of(schema: ExternalSchema) -> str:
    """The role, which can be altered, apart from the rest. Whether the external database was to be made says nothing of the schema."""
    rest = msgspec.structs.replace(schema, role="default", create_database=False)
    return f"{fingerprint(external_sql.create(rest))}:{fingerprint(schema.role)}"


def _catalogs(row: Row) -> str:
    return fingerprint(*(text(row[column]) for column in ("eskind", "databasename", "esoptions")))


def _steps(schema: ExternalSchema, row: Row | None, context: Context) -> list[Step]:
    if row is None:
        return [_creation(schema, "it is not there")]
    different = external_sql.differences(schema, row)
    known = context.known.get(_token(schema.name))
    reason = _reason(schema, row, different, known)
    if not reason:
        return []
    same_but_role = known is None or known.declared.partition(":")[0] == _of(schema).partition(":")[0]
    if schema.source == "glue" and set(different) <= {"role"} and same_but_role:
        return [_alteration(schema, row, reason)]
    return _replacement(schema, row, reason)


def _reason(schema: ExternalSchema, row: Row, different: dict[str, tuple[str, str]], known: Known | None) -> str:
    """Why it is to be changed; empty where it need not be."""
    said = ", ".join(f"{field} is {now or 'not given'}, not {wanted or 'left out'}" for field, (now, wanted) in different.items())
    if known is None:
        return said
    if known.declared != _of(schema):
        return said or "it is declared otherwise than it was made"
    if known.seen != _catalogs(row):
        # A new role costs a Glue schema nothing; of the others only what is told is worth their grants.
        return (
            f"it was changed by hand: {said or 'the catalog says other than when it was made'}" if said or schema.source == "glue" else ""
        )
    return ""


def _creation(schema: ExternalSchema, reason: str, **more: Any) -> Step:
    return Step(
        section=_SECTION,
        name=f"create external schema {schema.name}",
        reason=reason,
        sql=external_sql.create(schema),
        reverse=external_sql.drop(schema.name),
        marks=[_token(schema.name), f"schema:{schema.name}"],
        # The external database is made in another service, which no transaction takes back.
        alone=schema.create_database,
        **more,
    )


def _alteration(schema: ExternalSchema, row: Row, reason: str) -> Step:
    role = text(external_sql.options_of(row).get("IAM_ROLE"))
    return Step(
        section=_SECTION,
        name=f"alter external schema {schema.name}",
        reason=reason,
        sql=external_sql.alter_role(schema.name, schema.role),
        reverse=external_sql.alter_role(schema.name, role) if role else "",
        marks=[_token(schema.name)],
    )


def _replacement(schema: ExternalSchema, row: Row, reason: str) -> list[Step]:
    """Drop and create in one transaction: where the new one cannot be made the old one stays. Its grants go with the old one."""
    before = external_sql.of_row(row)
    group = f"external schema {schema.name}"
    lost = "AWS alters nothing of it but a Glue schema's role, so it is made anew, and the grants on it are lost: those declared are given again"
    return [
        Step(
            section=_SECTION,
            name=f"drop external schema {schema.name}",
            reason=f"{reason}; {lost}",
            sql=external_sql.drop(schema.name),
            reverse=external_sql.create(before) if before else "",
            marks=[f"replaced:{_token(schema.name)}"],
            together=group,
        ),
        _creation(schema, reason, after=[f"replaced:{_token(schema.name)}"], together=group, again=True),
    ]


def _removal(name: str, row: Row) -> Step:
    before = external_sql.of_row(row)
    return Step(
        section=_SECTION,
        name=f"drop external schema {name}",
        reason="it is not declared; what it shows stays where it lies",
        sql=external_sql.drop(name),
        reverse=external_sql.create(before) if before else "",
        marks=[f"gone:{_token(name)}", f"gone:schema:{name}"],
    )


def _drift(name: str, row: Row, fate: Literal["removed", "reported"]) -> Drift:
    what = f"is not declared; it shows {text(row['databasename'])} of {external_sql.KINDS[text(row['eskind'])]}"
    return Drift(section=_SECTION, object=f"external schema {name}", what=what, fate=fate)
