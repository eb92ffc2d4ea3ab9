"""The steps for views and materialized views, and what is there and not declared."""

from __future__ import annotations

from autopilot.domain.inside import relation_sql
from autopilot.domain.inside.declared.everything import Inside
from autopilot.domain.inside.declared.relations import MaterializedView, View
from autopilot.domain.inside.model import Catalog, Compared, Context, Drift, Step, fate_of
from autopilot.domain.inside.queries import reads
from autopilot.domain.inside.quoting import grantee
from autopilot.domain.inside.relation_catalog import Existing, Held, Key, declared, held, outside, read_by
from autopilot.domain.inside.relation_plans import Declared, Outlook, outlook

_REMADE = "remake views"


def section_of(*, materialized: bool) -> str:
    """Which of the two sections such a relation belongs to."""
    return "materialized_views" if materialized else "views"


def compare(spec: Inside, seen: Catalog, context: Context, section: str) -> Compared:
    """What one of the two sections asks for; both are seen together, since they read each other."""
    if getattr(spec, section) is None:
        return Compared()
    view = outlook(spec, seen, context)
    elsewhere = outside(spec, seen)
    remade = {key for key, verdict in view.verdicts.items() if verdict.way == "remake"}
    needs = sorted({token for key in remade for token in _needs(declared(spec)[key])} - {key.token for key in remade})
    steps: list[Step] = []
    drift: list[Drift] = []
    for key, item in declared(spec).items():
        if section_of(materialized=isinstance(item, MaterializedView)) != section:
            continue
        if view.verdicts[key].way == "differs":
            drift.append(Drift(section=section, object=f"{_kind(item)} {key}", what=view.verdicts[key].reason, fate="kept"))
        elif key in remade:
            steps += _remake(key, item, view, seen, needs, remade, external=_external(item, elsewhere))
        else:
            steps += _in_place(key, item, view, section)
    undeclared = _undeclared(spec, view, elsewhere, section)
    return Compared(steps + undeclared.steps, drift + undeclared.drift)


def _in_place(key: Key, item: Declared, view: Outlook, section: str) -> list[Step]:
    way, reason = view.verdicts[key]
    there = view.there.get(key)
    if way == "create":
        undo = relation_sql.drop(_kind(item), *key)
        return [
            Step(
                section=section,
                name=f"create {_kind(item)} {key}",
                reason=reason,
                sql=_create(item),
                reverse=undo,
                marks=[key.token],
                after=_needs(item),
            )
        ]
    if way == "replace" and isinstance(item, View):
        sql = relation_sql.create_view(item, replace=True)
        back = _before(item, there) if there else ""
        return [
            Step(section=section, name=f"replace view {key}", reason=reason, sql=sql, reverse=back, marks=[key.token], after=_needs(item))
        ]
    if isinstance(item, MaterializedView) and there and there.auto_refresh != item.auto_refresh:
        return [
            Step(
                section=section,
                name=f"set automatic refresh of materialized view {key}",
                reason=f"it is {'on' if there.auto_refresh else 'off'}",
                sql=relation_sql.set_auto_refresh(*key, on=item.auto_refresh),
                reverse=relation_sql.set_auto_refresh(*key, on=there.auto_refresh),
                marks=[key.token],
                alone=True,
            )
        ]
    return []


def _remake(key: Key, item: Declared, view: Outlook, seen: Catalog, needs: list[str], remade: set[Key], *, external: bool) -> list[Step]:
    """Drop and create, together with all that is remade, and give back the privileges that went with it."""
    section, kind = section_of(materialized=isinstance(item, MaterializedView)), _kind(item)
    reason = view.verdicts[key].reason
    granted = held(seen, key)
    lost = f"; the privileges of {len(granted)} on it are given again" if granted else ""
    readers = sorted(view.bound.get(key, set()) & remade)
    together = "" if external else _REMADE
    drop = Step(
        section=section,
        name=f"drop {kind} {key} to make it again",
        reason=f"{reason}{lost}",
        sql=relation_sql.drop(kind, *key),
        marks=[f"dropped:{key.token}"],
        after=[*(f"dropped:{reader.token}" for reader in readers), *needs],
        together=together,
    )
    create = Step(
        section=section,
        name=f"create {kind} {key} again",
        reason=reason,
        sql=_create(item),
        marks=[key.token],
        after=[f"dropped:{key.token}", *_needs(item)],
        together=together,
        alone=external,
        again=True,
    )
    return [drop, create, *(_grant(section, key, one, together) for one in granted)]


def _grant(section: str, key: Key, one: Held, together: str) -> Step:
    who = "public" if one.kind == "public" else f"{one.kind} {one.identity}"
    option = " with grant option" if one.grant_option else ""
    return Step(
        section=section,
        name=f"grant {', '.join(one.privileges)} on {key} to {who}{option} again",
        reason="it was held before the view was made again",
        sql=relation_sql.grant(*key, one.privileges, grantee(one.kind, one.identity), grant_option=one.grant_option),
        after=[key.token, f"protected:{key.token}"],
        together=together,
    )


def _create(item: Declared) -> str:
    return relation_sql.create_view(item) if isinstance(item, View) else relation_sql.create_materialized_view(item)


def _before(item: View, there: Existing) -> str:
    """The statement that makes a replaced view what it was: the catalog gives a late binding view as its whole statement."""
    if there.late_binding:
        return ""
    return relation_sql.create_view(View(schema=item.schema, name=item.name, query=there.definition.rstrip("; \n")), replace=True)


def _needs(item: Declared) -> list[str]:
    """The tokens of the schema that a relation lies in, and of all that its query names."""
    found = [f"schema:{item.schema}"]
    for one in reads(item.query):
        schema = one.schema or "public"
        found += (
            [f"database:{one.database}"]
            if one.database
            else [f"relation:{schema}.{one.name}", f"schema:{schema}", f"external_schema:{schema}"]
        )
    own = Key(item.schema, item.name).token
    return [token for token in dict.fromkeys(found) if token != own]


def _external(item: Declared, elsewhere: set[str]) -> bool:
    return isinstance(item, MaterializedView) and any(one.schema in elsewhere or one.database for one in reads(item.query))


def _kind(item: Declared) -> str:
    return "view" if isinstance(item, View) else "materialized view"


def _undeclared(spec: Inside, view: Outlook, elsewhere: set[str], section: str) -> Compared:
    """What is there and not declared. With prune it is dropped, unless something that stays reads it, or it shows what lies elsewhere."""
    items, streams = declared(spec), {Key(one.schema, one.name) for one in spec.streams or []}
    managed = {section_of(materialized=flag) for flag in (False, True) if getattr(spec, section_of(materialized=flag)) is not None}
    strangers = {key: one for key, one in view.there.items() if key not in items and key not in streams}
    kept: dict[Key, str] = {}
    for key, one in strangers.items():
        if section_of(materialized=one.materialized) not in managed:
            kept[key] = "its section is not declared"
        elif one.materialized and any(read.schema in elsewhere for read in read_by(one.definition)):
            kept[key] = "it reads an external schema, and its rows may not come back"
    wanted = {key: [read for read in read_by(item.query) if read in strangers] for key, item in items.items()}
    for reader, read in wanted.items():
        kept.update(dict.fromkeys(read, f"{reader} reads it"))
    while more := {
        key: reader
        for key in strangers
        if key not in kept
        for reader in sorted(view.bound.get(key, set()) | view.named.get(key, set()))
        if reader in kept or reader not in strangers
    }:
        kept.update({key: f"{reader} reads it" for key, reader in more.items()})
    found = Compared([], [])
    for key, one in sorted(strangers.items()):
        if section_of(materialized=one.materialized) != section:
            continue
        fate = fate_of(prune=spec.prune, kept=key in kept)
        why = f": {kept[key]}" if fate == "kept" else ""
        found.drift.append(Drift(section=section, object=f"{one.kind} {key}", what=f"is not declared{why}", fate=fate))
        if fate == "removed":
            found.steps.append(_removal(section, key, one, view))
    return found


def _removal(section: str, key: Key, one: Existing, view: Outlook) -> Step:
    readers = sorted(view.bound.get(key, set()) | view.named.get(key, set()))
    back = (
        ""
        if one.materialized or one.late_binding
        else relation_sql.create_view(View(schema=key.schema, name=key.name, query=one.definition.rstrip("; \n")))
    )
    return Step(
        section=section,
        name=f"drop {one.kind} {key}",
        reason="it is not declared",
        sql=relation_sql.drop(one.kind, *key),
        reverse=back,
        marks=[f"gone:{key.token}"],
        after=[f"gone:{reader.token}" for reader in readers],
    )
