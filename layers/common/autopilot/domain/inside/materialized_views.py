"""The section `materialized_views`; those that show streams belong to the section `streams`."""

from __future__ import annotations

from autopilot.domain.inside import relation_catalog, relation_plans, relation_steps
from autopilot.domain.inside.declared.everything import Inside
from autopilot.domain.inside.declared.relations import MaterializedView
from autopilot.domain.inside.model import Catalog, Compared, Context, Question
from autopilot.domain.inside.queries import clauses, columns, reads
from autopilot.domain.inside.quoting import name_problems
from autopilot.domain.inside.relation_catalog import Key
from autopilot.domain.inside.relation_checks import common_problems, external_schemas

#: Source: Redshift database developer guide, CREATE TABLE, `SORTKEY`.
_MOST_SORT_COLUMNS = 400


def problems(spec: Inside) -> list[str]:
    """What contradicts, and what a materialized view cannot be. Source: CREATE MATERIALIZED VIEW, "Limitations"."""
    found = common_problems(spec, "materialized_views", spec.materialized_views or [])
    for number, view in enumerate(spec.materialized_views or []):
        path = f"spec.materialized_views[{number}]"
        found += _attributes(path, view)
        if not any(problem.startswith(f"{path}.query") for problem in found):
            found += _query(spec, path, view)
    return found


def _attributes(path: str, view: MaterializedView) -> list[str]:
    found = []
    keyed = view.distribution.style == "key"
    if keyed != (view.distribution.column is not None):
        found.append(f"{path}.distribution.column: {'is needed with the style key' if keyed else 'goes with the style key only'}")
    if len(view.sort) > _MOST_SORT_COLUMNS:
        found.append(f"{path}.sort: has {len(view.sort)} columns; a sort key has up to {_MOST_SORT_COLUMNS}")
    sorted_by = [(f"{path}.sort[{at}]", name) for at, name in enumerate(view.sort)]
    return found + name_problems([*sorted_by, (f"{path}.distribution.column", view.distribution.column)])


def _query(spec: Inside, path: str, view: MaterializedView) -> list[str]:
    found = [f"{path}.query: has {clause}, which a materialized view cannot have" for clause in clauses(view.query)]
    views = {Key(one.schema, one.name) for one in spec.views or []}
    materialized = {Key(one.schema, one.name) for one in spec.materialized_views or []} | {
        Key(one.schema, one.name) for one in spec.streams or []
    }
    streaming = {one.external_schema for one in spec.streams or []}
    elsewhere = external_schemas(spec)
    for one in reads(view.query):
        key = Key(one.schema or "public", one.name)
        if one.schema in streaming:
            found.append(f"{path}.query: reads a stream in {one.schema}; declare it under spec.streams, whose rows are never dropped")
        elif key in views:
            found.append(f"{path}.query: reads the view {key}; a materialized view reads tables and materialized views only")
        elif view.auto_refresh and (one.schema in elsewhere or key in materialized):
            what = f"the materialized view {key}" if key in materialized else f"the external schema {one.schema}"
            found.append(f"{path}.auto_refresh: must be false for one that reads {what}")
    names = columns(view.query)
    wanted = [*view.sort, *([view.distribution.column] if view.distribution.column else [])]
    if names is not None:
        found += [f"{path}.query: has no column {name}, which the sort or distribution key names" for name in wanted if name not in names]
    return found


def questions(spec: Inside) -> list[Question]:
    """What there is, what reads it, and who may; shared with the views."""
    return relation_catalog.questions(spec)


def compare(spec: Inside, seen: Catalog, context: Context) -> Compared:
    """Create what is missing, drop and create what changed, set automatic refresh."""
    return relation_steps.compare(spec, seen, context, "materialized_views")


def definitions(spec: Inside, seen: Catalog) -> dict[str, tuple[str, str]]:
    """The statement as declared, and the catalog's definition and columns."""
    return relation_plans.definitions(spec, seen, MaterializedView)
