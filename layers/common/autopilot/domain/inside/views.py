"""The section `views`."""

from __future__ import annotations

from autopilot.domain.inside import relation_catalog, relation_plans, relation_steps
from autopilot.domain.inside.declared.everything import Inside
from autopilot.domain.inside.declared.relations import View
from autopilot.domain.inside.model import Catalog, Compared, Context, Question
from autopilot.domain.inside.queries import reads
from autopilot.domain.inside.relation_checks import common_problems, external_schemas


def problems(spec: Inside) -> list[str]:
    """Names and queries that cannot be, and queries that the kind of view does not take. Source: CREATE VIEW."""
    found = common_problems(spec, "views", spec.views or [])
    elsewhere = external_schemas(spec)
    for number, view in enumerate(spec.views or []):
        path = f"spec.views[{number}]"
        if any(problem.startswith(f"{path}.query") for problem in found):
            continue
        for one in reads(view.query):
            if view.late_binding and not one.schema:
                found.append(
                    f"{path}.query: names {one.name} without its schema; a late binding view must name the schema of all that it reads"
                )
            if not view.late_binding and (one.schema in elsewhere or one.database):
                where = f"database {one.database}" if one.database else f"external schema {one.schema}"
                found.append(f"{path}.late_binding: must be true for a view that reads the {where}")
    return found


def questions(spec: Inside) -> list[Question]:
    """What there is, what reads it, and who may; shared with the materialized views."""
    return relation_catalog.questions(spec)


def compare(spec: Inside, seen: Catalog, context: Context) -> Compared:
    """Create what is missing, replace what changed, and drop and create where replacing cannot do."""
    return relation_steps.compare(spec, seen, context, "views")


def definitions(spec: Inside, seen: Catalog) -> dict[str, tuple[str, str]]:
    """The query as declared, and the catalog's definition and columns."""
    return relation_plans.definitions(spec, seen, View)
