"""What the catalog says of privileges: who may do what on which database, schema, table or view, and on what is made later."""

from __future__ import annotations

from typing import NamedTuple

from autopilot.domain.inside.model import Catalog, Question

#: Source: SVV_DATABASE_PRIVILEGES, SVV_SCHEMA_PRIVILEGES (`privilege_scope` tells those on all tables of a schema apart), SVV_RELATION_PRIVILEGES, SVV_DEFAULT_PRIVILEGES.
_ON_DATABASES = Question(
    "privileges on databases",
    "SELECT database_name, privilege_type, identity_type, identity_name FROM svv_database_privileges WHERE privilege_scope = 'DATABASE'",
)
_ON_SCHEMAS = Question(
    "privileges on schemas",
    "SELECT namespace_name, privilege_type, identity_type, identity_name FROM svv_schema_privileges WHERE privilege_scope = 'SCHEMA'",
)
_ON_RELATIONS = Question(
    "privileges on relations",
    "SELECT namespace_name, relation_name, privilege_type, identity_type, identity_name FROM svv_relation_privileges "
    "WHERE namespace_name NOT LIKE 'pg!_%' ESCAPE '!' AND namespace_name <> 'information_schema'",
)
_LATER = Question(
    "privileges on what is made later",
    "SELECT schema_name, owner_name, privilege_type, grantee_type, grantee_name FROM svv_default_privileges WHERE object_type = 'RELATION'",
)
QUESTIONS = [_ON_DATABASES, _ON_SCHEMAS, _ON_RELATIONS, _LATER]
_WORDS = {"temp": "temporary"}


class Held(NamedTuple):
    """One privilege that somebody has. `form` is `database`, `schema`, `relation` or `later`; `place` names it: the schema before the table, or before its user."""

    form: str
    place: tuple[str, ...]
    kind: str
    name: str
    privilege: str


def held(seen: Catalog) -> set[Held]:
    """Every privilege that was given to somebody."""
    forms = (
        ("database", _ON_DATABASES, ("database_name",)),
        ("schema", _ON_SCHEMAS, ("namespace_name",)),
        ("relation", _ON_RELATIONS, ("namespace_name", "relation_name")),
        ("later", _LATER, ("schema_name", "owner_name")),
    )
    found = set()
    for form, question, columns in forms:
        who = "grantee" if form == "later" else "identity"
        for row in seen.get(question.name, []):
            privilege = row["privilege_type"].strip().lower()
            place = tuple(row[column] or "" for column in columns)
            name = row[f"{who}_name"] or "public"
            found.add(Held(form, place, row[f"{who}_type"].strip().lower(), name, _WORDS.get(privilege, privilege)))
    return found


def holders(seen: Catalog) -> set[tuple[str, str]]:
    """Everybody who holds a privilege, by kind and name."""
    return {(one.kind, one.name) for one in held(seen)}
