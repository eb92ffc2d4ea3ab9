"""The section `grants`: who may do what. Only those who are named in it are compared, with all that they hold."""

from __future__ import annotations

from collections import defaultdict

import msgspec

from autopilot.domain.inside import schemas
from autopilot.domain.inside.declared.everything import Inside
from autopilot.domain.inside.declared.names import Grantee
from autopilot.domain.inside.declared.principals import Grant, Object
from autopilot.domain.inside.model import Catalog, Compared, Context, Drift, Question, Step, fate_of
from autopilot.domain.inside.privileges import QUESTIONS, Held, held
from autopilot.domain.inside.quoting import grantee, identifier, identifier_problem, name_problems, qualified

#: What can be granted on what. Source: GRANT.
_ALLOWED = {
    "database": {"create", "temporary", "usage"},
    "schema": {"create", "usage", "alter", "drop"},
    "relation": {"select", "insert", "update", "delete", "references", "truncate", "drop", "alter", "trigger"},
}
#: Who owns something may do everything with it, which no view of privileges lists.
_OWNED = Question(
    "relations and owners",
    "SELECT n.nspname AS schema, c.relname AS name, u.usename AS owner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "LEFT JOIN pg_user u ON u.usesysid = c.relowner WHERE c.relkind IN ('r', 'v', 'm') AND n.nspname NOT LIKE 'pg!_%' ESCAPE '!' "
    "AND n.nspname <> 'information_schema' AND c.relname NOT LIKE 'mv!_tbl!_!_%' ESCAPE '!'",
)

#: Whose a relation or schema is, by its form and place.
Owners = dict[tuple[str, tuple[str, ...]], str | None]


def problems(spec: Inside) -> list[str]:
    """Grants to nobody or to several, on nothing or on several things, and privileges that do not exist there."""
    found = []
    for number, grant in enumerate(spec.grants or []):
        path = f"spec.grants[{number}]"
        found += [*_grantee_problems(f"{path}.to", grant.to), *_on_problems(f"{path}.object", grant.object)]
        allowed = _ALLOWED[_form(grant.object) if _form(grant.object) in {"database", "schema"} else "relation"]
        if wrong := [one for one in grant.privileges if one not in allowed]:
            found.append(f"{path}.privileges: {wrong[0]} cannot be granted there; allowed are {', '.join(sorted(allowed))}")
    return found


def questions(spec: Inside) -> list[Question]:
    """What everybody holds, and who owns what."""
    return [] if spec.grants is None else [*QUESTIONS, _OWNED, schemas.OWNERS]


def compare(spec: Inside, seen: Catalog, context: Context) -> Compared:
    """Grant what is missing; what those who are named hold besides is drift, revoked with prune."""
    if spec.grants is None:
        return Compared()
    there = held(seen)
    owners: Owners = {("relation", (row["schema"], row["name"])): row["owner"] for row in seen[_OWNED.name]}
    owners |= {("schema", (row["name"],)): row["owner"] for row in seen[schemas.OWNERS.name]}
    coming = {token.removeprefix("relation:") for step in context.planned for token in step.marks if token.startswith("relation:")}
    steps: dict[str, Step] = {}
    declared: set[Held] = set()
    for grant in spec.grants:
        places = _places(grant.object, owners)
        wanted = {Held(form, place, *grant.to.who, privilege) for form, place in places for privilege in grant.privileges}
        missing = {one for one in wanted - there if one.kind != "user" or owners.get((one.form, one.place)) != one.name}
        later = grant.object.tables and any(token.startswith(f"{grant.object.schema}.") for token in coming)
        declared |= wanted
        if missing or later:
            step = _granting(grant, sorted({one.privilege for one in missing} or set(grant.privileges)), coming)
            steps[step.name] = step
    return _with_drift(spec, there - declared, list(steps.values()))


def definitions(spec: Inside, seen: Catalog) -> dict[str, tuple[str, str]]:  # noqa: ARG001 - the catalog says all
    """Nothing: the catalog gives privileges back as they are."""
    return {}


def _form(on: Object) -> str:
    if on.database is not None:
        return "database"
    if on.table is not None or on.tables:
        return "relation"
    return "later" if on.later_by is not None else "schema"


def _places(on: Object, owners: Owners) -> list[tuple[str, tuple[str, ...]]]:
    """What a grant is on now: of `tables`, each that is there."""
    match _form(on):
        case "database":
            return [("database", (str(on.database),))]
        case "schema":
            return [("schema", (str(on.schema),))]
        case "later":
            return [("later", (str(on.schema), str(on.later_by)))]
        case _:
            if on.table is not None:
                return [("relation", (str(on.schema), on.table))]
            return [place for place in owners if place[0] == "relation" and place[1][0] == on.schema]


def _granting(grant: Grant, privileges: list[str], coming: set[str]) -> Step:
    on, (kind, name) = grant.object, grant.to.who
    what, give, take, needs = _statements(on, privileges, kind, name)
    if on.tables:
        needs += [f"relation:{one}" for one in sorted(coming) if one.startswith(f"{on.schema}.")]
    who = "public" if kind == "public" else f"{kind} {name}"
    return Step(
        section="grants",
        name=f"grant {', '.join(privileges)} on {what} to {who}",
        reason="it is not held",
        sql=give,
        reverse=take,
        after=[f"{kind}:{name}", *needs],
    )


def _revoking(on: Object, kind: str, name: str, privileges: list[str]) -> Step:
    what, give, take, _ = _statements(on, privileges, kind, name)
    return Step(
        section="grants",
        name=f"revoke {', '.join(privileges)} on {what} from {kind} {name}",
        reason="it is not declared",
        sql=take,
        reverse=give,
        marks=[f"unused:{kind}:{name}"],
    )


def _statements(on: Object, privileges: list[str], kind: str, name: str) -> tuple[str, str, str, list[str]]:
    """What it is on in words, the statements that give and take the privileges, and the tokens of what has to be there before. Source: GRANT, REVOKE, ALTER DEFAULT PRIVILEGES."""
    what, words, needs = _object(on)
    start = (
        f"ALTER DEFAULT PRIVILEGES FOR USER {identifier(on.later_by)} IN SCHEMA {identifier(str(on.schema))} "
        if on.later_by is not None
        else ""
    )
    listed, who = ", ".join(privileges).upper(), grantee(kind, name)
    return what, f"{start}GRANT {listed} ON {words} TO {who}", f"{start}REVOKE {listed} ON {words} FROM {who}", needs


def _object(on: Object) -> tuple[str, str, list[str]]:
    """Something in words, in SQL, and the tokens of what has to be there, or in force, before."""
    schema = str(on.schema)
    protected = f"protected:schema:{schema}"
    match _form(on):
        case "database":
            return f"database {on.database}", f"DATABASE {identifier(str(on.database))}", [f"database:{on.database}"]
        case "schema":
            return f"schema {schema}", f"SCHEMA {identifier(schema)}", [f"schema:{schema}"]
        case "later":
            return f"later tables of {on.later_by} in {schema}", "TABLES", [f"schema:{schema}", f"user:{on.later_by}", protected]
        case _:
            if on.table is None:
                return f"all tables in {schema}", f"ALL TABLES IN SCHEMA {identifier(schema)}", [f"schema:{schema}", protected]
            token = f"relation:{schema}.{on.table}"
            return f"{schema}.{on.table}", f"TABLE {qualified(schema, on.table)}", [token, f"schema:{schema}", f"protected:{token}"]


def _with_drift(spec: Inside, besides: set[Held], steps: list[Step]) -> Compared:
    """What those who are named hold besides, gathered by thing; PUBLIC has much by default and is left out."""
    named = {grant.to.who for grant in spec.grants or []} - {("public", "public")}
    gathered: dict[tuple[str, tuple[str, ...], str, str], list[str]] = defaultdict(list)
    for one in sorted(besides):
        if (one.kind, one.name) in named:
            gathered[one.form, one.place, one.kind, one.name].append(one.privilege)
    found = Compared(steps, [])
    for (form, place, kind, name), privileges in gathered.items():
        fate = fate_of(prune=spec.prune, kept=any(map(identifier_problem, (*place, name))))
        where = ".".join(place) if form != "later" else f"later tables of {place[1]} in {place[0] or 'any schema'}"
        text = f"{', '.join(privileges)} of {kind} {name} on {where}"
        found.drift.append(Drift(section="grants", object=text, what="is not declared", fate=fate))
        if fate == "removed":
            found.steps.append(_revoking(_found(form, place), kind, name, privileges))
    return found


def _found(form: str, place: tuple[str, ...]) -> Object:
    """What the catalog says that a privilege is on, as a grant would name it."""
    fields = {"database": ("database",), "schema": ("schema",), "relation": ("schema", "table"), "later": ("schema", "later_by")}
    return msgspec.convert(dict(zip(fields[form], place, strict=True)), Object)


def _grantee_problems(path: str, to: Grantee) -> list[str]:
    given = [name for name in (to.role, to.user, to.group) if name is not None]
    if len(given) + to.public != 1:
        return [f"{path}: give exactly one of role, user, group and public: true"]
    return name_problems((path, name) for name in given)


def _on_problems(path: str, on: Object) -> list[str]:
    inside = [
        field for field, given in (("table", on.table is not None), ("tables", on.tables), ("later_by", on.later_by is not None)) if given
    ]
    if (on.database is None) == (on.schema is None):
        return [f"{path}: give either a database or a schema"]
    if len(inside) > 1 or (inside and on.database is not None):
        return [f"{path}.{inside[0]}: goes alone with a schema; one of table, tables and later_by"]
    fields = ("database", "schema", "table", "later_by")
    return name_problems((f"{path}.{field}", getattr(on, field)) for field in fields)
