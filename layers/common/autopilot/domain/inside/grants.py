"""The section `grants`: who may do what. Only those who are named in it are compared, with all that they hold."""

from __future__ import annotations

from collections import defaultdict

from autopilot.domain.inside.declared.everything import Inside
from autopilot.domain.inside.declared.names import Grantee
from autopilot.domain.inside.declared.principals import Grant, Object
from autopilot.domain.inside.model import Catalog, Compared, Context, Drift, Question, Step
from autopilot.domain.inside.privileges import QUESTIONS, Held, held
from autopilot.domain.inside.quoting import identifier, identifier_problem, qualified

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
_SCHEMAS = Question(
    "schemas and owners", "SELECT n.nspname AS name, u.usename AS owner FROM pg_namespace n LEFT JOIN pg_user u ON u.usesysid = n.nspowner"
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
    return [] if spec.grants is None else [*QUESTIONS, _OWNED, _SCHEMAS]


def compare(spec: Inside, seen: Catalog, context: Context) -> Compared:
    """Grant what is missing; what those who are named hold besides is drift, revoked with prune."""
    if spec.grants is None:
        return Compared()
    there = held(seen)
    owners: Owners = {("relation", (row["schema"], row["name"])): row["owner"] for row in seen[_OWNED.name]}
    owners |= {("schema", (row["name"],)): row["owner"] for row in seen[_SCHEMAS.name]}
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
    what, words, needs = _object(on)
    if on.tables:
        needs += [f"relation:{one}" for one in sorted(coming) if one.startswith(f"{on.schema}.")]
    listed, to = ", ".join(privileges).upper(), _quoted(kind, name)
    start = (
        f"ALTER DEFAULT PRIVILEGES FOR USER {identifier(str(on.later_by))} IN SCHEMA {identifier(str(on.schema))} " if on.later_by else ""
    )
    who = "public" if kind == "public" else f"{kind} {name}"
    return Step(
        section="grants",
        name=f"grant {', '.join(privileges)} on {what} to {who}",
        reason="it is not held",
        # Source: GRANT, ALTER DEFAULT PRIVILEGES.
        sql=f"{start}GRANT {listed} ON {words} TO {to}",
        reverse=f"{start}REVOKE {listed} ON {words} FROM {to}",
        after=[f"{kind}:{name}", *needs],
    )


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
        nameless = any(map(identifier_problem, (*place, name)))
        fate = "reported" if not spec.prune else "kept" if nameless else "removed"
        where = ".".join(place) if form != "later" else f"later tables of {place[1]} in {place[0] or 'any schema'}"
        text = f"{', '.join(privileges)} of {kind} {name} on {where}"
        found.drift.append(Drift(section="grants", object=text, what="is not declared", fate=fate))  # type: ignore[arg-type]
        if fate == "removed":
            found.steps.append(_revoking(form, place, kind, name, privileges))
    return found


def _revoking(form: str, place: tuple[str, ...], kind: str, name: str, privileges: list[str]) -> Step:
    on = {
        "database": lambda: Object(database=place[0]),
        "schema": lambda: Object(schema=place[0]),
        "relation": lambda: Object(schema=place[0], table=place[1]),
        "later": lambda: Object(schema=place[0], later_by=place[1]),
    }[form]()
    what, words, _ = _object(on)
    start = f"ALTER DEFAULT PRIVILEGES FOR USER {identifier(place[1])} IN SCHEMA {identifier(place[0])} " if form == "later" else ""
    listed, who = ", ".join(privileges).upper(), _quoted(kind, name)
    return Step(
        section="grants",
        name=f"revoke {', '.join(privileges)} on {what} from {kind} {name}",
        reason="it is not declared",
        # Source: REVOKE.
        sql=f"{start}REVOKE {listed} ON {words} FROM {who}",
        reverse=f"{start}GRANT {listed} ON {words} TO {who}",
        marks=[f"unused:{kind}:{name}"],
    )


def _quoted(kind: str, name: str) -> str:
    if kind == "public":
        return "PUBLIC"
    return identifier(name) if kind == "user" else f"{kind.upper()} {identifier(name)}"


def _grantee_problems(path: str, to: Grantee) -> list[str]:
    given = [name for name in (to.role, to.user, to.group) if name is not None]
    if len(given) + to.public != 1:
        return [f"{path}: give exactly one of role, user, group and public: true"]
    return [f"{path}: {name[:60]!r} {problem}" for name in given if (problem := identifier_problem(name))]


def _on_problems(path: str, on: Object) -> list[str]:
    inside = [
        field for field, given in (("table", on.table is not None), ("tables", on.tables), ("later_by", on.later_by is not None)) if given
    ]
    if (on.database is None) == (on.schema is None):
        return [f"{path}: give either a database or a schema"]
    if len(inside) > 1 or (inside and on.database is not None):
        return [f"{path}.{inside[0]}: goes alone with a schema; one of table, tables and later_by"]
    names = {"database": on.database, "schema": on.schema, "table": on.table, "later_by": on.later_by}
    return [
        f"{path}.{field}: {name[:60]!r} {problem}"
        for field, name in names.items()
        if name is not None and (problem := identifier_problem(name))
    ]
