"""The order of steps, the units that they are sent in, and what is left after one failed."""

from __future__ import annotations

from collections import defaultdict
from graphlib import CycleError, TopologicalSorter

from autopilot.domain.errors import InvalidInput
from autopilot.domain.inside.model import Step
from autopilot.domain.sql import MAX_BATCH


def ordered(steps: list[Step]) -> list[Step]:
    """The steps, each after those that it depends on; among equals as they were given. Raises InvalidInput where they go round in a circle."""
    by_name = {step.name: step for step in steps}
    if len(by_name) != len(steps):
        raise ValueError("two steps of a plan have the same name")
    sorter: TopologicalSorter[str] = TopologicalSorter(_predecessors(steps))
    position = {step.name: number for number, step in enumerate(steps)}
    try:
        sorter.prepare()
    except CycleError as error:
        raise InvalidInput(f"spec: these depend on each other in a circle: {' -> '.join(error.args[1])}") from error
    result: list[Step] = []
    ready = set(sorter.get_ready())
    while ready:
        # What shares a transaction is kept together: an `alone` step is taken only when nothing else is ready.
        first = min(ready, key=lambda name: (by_name[name].alone or bool(by_name[name].call), position[name]))
        ready.discard(first)
        result.append(by_name[first])
        sorter.done(first)
        ready.update(sorter.get_ready())
    return result


def _predecessors(steps: list[Step]) -> dict[str, set[str]]:
    marked = defaultdict(set)
    for step in steps:
        for token in step.marks:
            marked[token].add(step.name)
    return {step.name: {name for token in step.after for name in marked[token]} - {step.name} for step in steps}


def units(steps: list[Step]) -> list[list[int]]:
    """Which steps, by their number, are sent together: as many as may share a transaction, else one alone."""
    found: list[list[int]] = []
    shared = False
    for number, step in enumerate(steps):
        single = step.alone or bool(step.call)
        if single or not shared or len(found[-1]) == MAX_BATCH:
            found.append([number])
        else:
            found[-1].append(number)
        shared = not single
    return found


def blocked(steps: list[Step], failed: set[str]) -> set[str]:
    """The steps that depend on one that failed, themselves not among the failed."""
    before = _predecessors(steps)
    lost = set(failed)
    for step in steps:
        if before[step.name] & lost:
            lost.add(step.name)
    return lost - failed


def left(steps: list[Step], units_left: list[list[int]], failed: set[str]) -> list[list[int]]:
    """The units still to be sent once some steps failed: without those and without what depends on them."""
    out = failed | blocked(steps, failed)
    return [kept for unit in units_left if (kept := [number for number in unit if steps[number].name not in out])]
