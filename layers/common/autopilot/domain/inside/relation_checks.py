"""What the sections of views and materialized views refuse alike."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter

from autopilot.domain.inside.declared.everything import Inside
from autopilot.domain.inside.declared.flows import Stream
from autopilot.domain.inside.declared.relations import MaterializedView, View
from autopilot.domain.inside.queries import query_problem
from autopilot.domain.inside.quoting import name_problems
from autopilot.domain.inside.relation_catalog import Key, declared, read_by


def common_problems(spec: Inside, section: str, items: Sequence[View | MaterializedView]) -> list[str]:
    """Names that cannot be or that are taken, texts that are not one query, and queries that read each other in a circle."""
    found, taken = [], _taken_before(spec, section)
    for number, item in enumerate(items):
        path, key = f"spec.{section}[{number}]", Key(item.schema, item.name)
        found += name_problems([(f"{path}.schema", key.schema), (f"{path}.name", key.name)])
        if key in taken:
            found.append(f"{path}.name: {key} is declared twice; views, materialized views and streams share their names")
        taken.add(key)
        if problem := query_problem(item.query):
            found.append(f"{path}.query: {problem}")
    return found or _circle(spec, section)


def _taken_before(spec: Inside, section: str) -> set[Key]:
    earlier: list[Stream | View] = [*(spec.streams or []), *(spec.views or [])] if section == "materialized_views" else []
    return {Key(one.schema, one.name) for one in earlier}


def _circle(spec: Inside, section: str) -> list[str]:
    """Said by the section in which the circle begins."""
    items = declared(spec)
    try:
        TopologicalSorter({key: {read for read in read_by(item.query) if read in items} for key, item in items.items()}).prepare()
    except CycleError as error:
        circle: list[Key] = error.args[1]
        first = "views" if any(isinstance(items[key], View) for key in circle) else "materialized_views"
        if section == first:
            return [f"spec.{section}: these read each other in a circle: {' -> '.join(str(key) for key in reversed(circle))}"]
    return []


def external_schemas(spec: Inside) -> set[str]:
    """The schemas that are declared as lying elsewhere."""
    return {one.name for one in spec.external_schemas or []} | {one.external_schema for one in spec.streams or []}
