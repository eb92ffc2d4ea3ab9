"""What the catalog says of views and materialized views: their definitions and columns, what reads them, and who may."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

import msgspec

from autopilot.domain.inside.declared.everything import Inside
from autopilot.domain.inside.declared.relations import MaterializedView, View
from autopilot.domain.inside.model import Catalog, Question
from autopilot.domain.inside.queries import reads_if_readable
from autopilot.domain.inside.quoting import literal

#: States of STV_MV_INFO from which a materialized view can be queried, and never refreshed again.
BROKEN = 101


class Key(NamedTuple):
    """A relation by its schema and name."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def token(self) -> str:
        """How the steps of all sections call it."""
        return f"relation:{self.schema}.{self.name}"


class Existing(msgspec.Struct, frozen=True, kw_only=True):
    """A view or materialized view that is there. `columns` are names with types, as far as it has any that are fixed."""

    materialized: bool
    definition: str
    auto_refresh: bool = False
    state: int = 0
    columns: list[str] = []
    column_names: list[str] = []

    @property
    def late_binding(self) -> bool:
        """The catalog gives such a view as the statement that made it."""
        return "no schema binding" in " ".join(self.definition.lower().split())[-40:]

    @property
    def kind(self) -> str:
        return "materialized view" if self.materialized else "view"


class Held(NamedTuple):
    """Privileges that somebody has on a relation: `identity` is a role, user or group by its `kind`, or `public`."""

    kind: str
    identity: str
    grant_option: bool
    privileges: list[str]


#: Source: PG_VIEWS, which has materialized views too.
_DEFINED = Question(
    "views",
    "SELECT schemaname, viewname, definition FROM pg_views "
    "WHERE schemaname <> 'information_schema' AND schemaname NOT LIKE 'pg!_%' ESCAPE '!' ORDER BY 1, 2",
)
#: Source: STV_MV_INFO.
_MATERIALIZED = Question(
    "materialized views", "SELECT schema, name, autorefresh, state FROM stv_mv_info WHERE db_name = current_database()"
)
#: Source: PG_DEPEND: the rule of a view depends on what the view reads, and is an internal part ('i') of the view.
_BOUND = Question(
    "what views read",
    "SELECT DISTINCT rn.nspname AS schema, r.relname AS name, vn.nspname AS view_schema, v.relname AS view_name FROM pg_depend dr "
    "JOIN pg_depend dv ON dv.objid = dr.objid AND dv.classid = dr.classid AND dv.deptype = 'i' "
    "JOIN pg_class r ON r.oid = dr.refobjid JOIN pg_namespace rn ON rn.oid = r.relnamespace "
    "JOIN pg_class v ON v.oid = dv.refobjid JOIN pg_namespace vn ON vn.oid = v.relnamespace "
    "WHERE dr.deptype = 'n' AND r.oid <> v.oid AND rn.nspname NOT LIKE 'pg!_%' ESCAPE '!' ORDER BY 1, 2, 3, 4",
)
#: Source: SVV_ALL_SCHEMAS, `schema_type`: local, external, shared.
_OUTSIDE = Question(
    "schemas outside", "SELECT schema_name FROM svv_all_schemas WHERE schema_type <> 'local' AND database_name = current_database()"
)


def declared(spec: Inside) -> dict[Key, View | MaterializedView]:
    """The declared views and materialized views."""
    items: list[View | MaterializedView] = [*(spec.views or []), *(spec.materialized_views or [])]
    return {Key(one.schema, one.name): one for one in items}


def questions(spec: Inside) -> list[Question]:
    """What both sections read; nothing where neither is declared."""
    if spec.views is None and spec.materialized_views is None:
        return []
    found = [_DEFINED, _MATERIALIZED, _BOUND, _OUTSIDE]
    if keys := declared(spec):
        found += [_columns(keys), _privileges(keys)]
    return found


def _columns(keys: dict[Key, Any]) -> Question:
    schemas, names = _lists(keys)
    text = (
        "SELECT n.nspname AS schema, c.relname AS name, a.attname AS column, format_type(a.atttypid, a.atttypmod) AS type "  # noqa: S608 - the lists are of literals
        "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('v', 'm') "
        f"AND n.nspname IN ({schemas}) AND c.relname IN ({names}) ORDER BY 1, 2, a.attnum"
    )
    return Question("columns of views", text)


def _privileges(keys: dict[Key, Any]) -> Question:
    schemas, names = _lists(keys)
    text = (
        "SELECT namespace_name, relation_name, identity_type, identity_name, admin_option, privilege_type FROM svv_relation_privileges "  # noqa: S608 - the lists are of literals
        f"WHERE namespace_name IN ({schemas}) AND relation_name IN ({names}) ORDER BY 1, 2, 3, 4, 5, 6"
    )
    return Question("privileges on views", text)


def _lists(keys: dict[Key, Any]) -> tuple[str, str]:
    return tuple(", ".join(literal(text) for text in sorted({key[part] for key in keys})) for part in (0, 1))  # type: ignore[return-value]


def existing(seen: Catalog) -> dict[Key, Existing]:
    """The views and materialized views that are there, other than those that Redshift makes by itself."""
    refreshed = {Key(text(row["schema"]), text(row["name"])): row for row in seen[_MATERIALIZED.name]}
    columns: dict[Key, list[dict[str, Any]]] = defaultdict(list)
    for row in seen.get("columns of views", []):
        columns[Key(text(row["schema"]), text(row["name"]))].append(row)
    found = {}
    for row in seen[_DEFINED.name]:
        key = Key(text(row["schemaname"]), text(row["viewname"]))
        info = refreshed.get(key)
        found[key] = Existing(
            materialized=info is not None,
            definition=text(row["definition"]),
            auto_refresh=info is not None and text(info["autorefresh"]).lower() in {"t", "true", "1"},
            state=int(info["state"] or 0) if info else 0,
            columns=[f"{text(one['column'])} {text(one['type'])}" for one in columns[key]],
            column_names=[text(one["column"]) for one in columns[key]],
        )
    return {key: one for key, one in found.items() if not key.name.startswith("auto_mv_")}


def readers(seen: Catalog, there: dict[Key, Existing]) -> tuple[dict[Key, set[Key]], dict[Key, set[Key]]]:
    """Who reads each relation: those without whom it cannot be dropped, and those that only name it."""
    bound: dict[Key, set[Key]] = defaultdict(set)
    named: dict[Key, set[Key]] = defaultdict(set)
    for row in seen[_BOUND.name]:
        bound[Key(text(row["schema"]), text(row["name"]))].add(Key(text(row["view_schema"]), text(row["view_name"])))
    for key, one in there.items():
        if one.materialized or one.late_binding:
            for read in read_by(one.definition):
                (bound if one.materialized else named)[read].add(key)
    return bound, named


def read_by(query: str) -> list[Key]:
    """The relations of this database that a query or a definition names; none where it cannot be read."""
    return [Key(one.schema or "public", one.name) for one in reads_if_readable(query)]


def outside(spec: Inside, seen: Catalog) -> set[str]:
    """The schemas whose tables lie elsewhere."""
    known = {text(row["schema_name"]) for row in seen[_OUTSIDE.name]}
    return known | {one.name for one in spec.external_schemas or []} | {one.external_schema for one in spec.streams or []}


def held(seen: Catalog, key: Key) -> list[Held]:
    """Who has which privileges on a relation."""
    found: dict[tuple[str, str, bool], list[str]] = defaultdict(list)
    for row in seen.get("privileges on views", []):
        if (text(row["namespace_name"]), text(row["relation_name"])) == key:
            option = text(row["admin_option"]).lower() in {"t", "true", "1"}
            found[text(row["identity_type"]).lower(), text(row["identity_name"]), option].append(text(row["privilege_type"]).lower())
    return [Held(*who, privileges) for who, privileges in found.items()]


def text(value: object) -> str:
    """A value of the catalog, whose names may be padded with blanks."""
    return "" if value is None else str(value).strip()
