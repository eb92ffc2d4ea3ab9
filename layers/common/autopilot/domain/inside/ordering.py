"""The order of steps, the units that they are sent in, and what is left after one failed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from graphlib import CycleError, TopologicalSorter
from itertools import groupby

from autopilot.domain.errors import InvalidInput
from autopilot.domain.inside.model import Step
from autopilot.domain.sql import MAX_BATCH


def ordered(steps: list[Step]) -> list[Step]:
    """The steps, each after those that it depends on; among equals as they were given. Raises InvalidInput where they go round in a circle.

    The steps of a group stand side by side, among themselves in the same kind of order.
    """
    if len({step.name for step in steps}) != len(steps):
        raise ValueError("two steps of a plan have the same name")
    groups: dict[str, list[Step]] = defaultdict(list)
    for step in steps:
        groups[_group(step)].append(step)
    # What shares a transaction is kept together: an `alone` step is taken only when nothing else is ready.
    late = {group for group, members in groups.items() if members[0].alone or members[0].call}
    return [step for group in _sorted(list(groups), _predecessors(steps, _group), late) for step in _within(groups[group])]


def _within(members: list[Step]) -> list[Step]:
    by_name = {step.name: step for step in members}
    return [by_name[name] for name in _sorted(list(by_name), _predecessors(members, lambda step: step.name), set())]


def _sorted(names: list[str], before: dict[str, set[str]], late: set[str]) -> list[str]:
    """Names after those before them; of those that could come next the first one as given, and the `late` ones last."""
    sorter: TopologicalSorter[str] = TopologicalSorter(before)
    position = {name: number for number, name in enumerate(names)}
    try:
        sorter.prepare()
    except CycleError as error:
        raise InvalidInput(f"spec: these depend on each other in a circle: {' -> '.join(error.args[1])}") from error
    result: list[str] = []
    ready = set(sorter.get_ready())
    while ready:
        first = min(ready, key=lambda name: (name in late, position[name]))
        ready.discard(first)
        result.append(first)
        sorter.done(first)
        ready.update(sorter.get_ready())
    return result


def _group(step: Step) -> str:
    """What stands for a step among the others: its group, or itself where it has none."""
    return step.together or step.name


def _predecessors(steps: list[Step], name_of: Callable[[Step], str]) -> dict[str, set[str]]:
    """What each depends on: steps by the name that stands for them."""
    marked = defaultdict(set)
    for step in steps:
        for token in step.marks:
            marked[token].add(name_of(step))
    found: dict[str, set[str]] = {}
    for step in steps:
        before = {name for token in step.after for name in marked[token]} - {name_of(step)}
        found.setdefault(name_of(step), set()).update(before)
    return found


def units(steps: list[Step]) -> list[list[int]]:
    """Which steps, by their number, are sent together: as many as may share a transaction, else one alone. Raises InvalidInput for too large a group."""
    found: list[list[int]] = []
    room = 0
    for group, numbers in groupby(range(len(steps)), lambda number: _group(steps[number])):
        inseparable = list(numbers)
        if len(inseparable) > MAX_BATCH:
            raise InvalidInput(
                f"spec: {group} takes {len(inseparable)} statements in one transaction; the Data API takes up to {MAX_BATCH}"
            )
        single = any(steps[number].alone or steps[number].call for number in inseparable)
        if single or room < len(inseparable):
            found.append([])
            room = 0 if single else MAX_BATCH
        found[-1] += inseparable
        room -= len(inseparable)
    return found


def blocked(steps: list[Step], failed: set[str]) -> set[str]:
    """The steps that depend on one that failed, and the others of its group, themselves not among the failed."""
    before = _predecessors(steps, _group)
    lost = {_group(step) for step in steps if step.name in failed}
    for step in steps:
        if before[_group(step)] & lost:
            lost.add(_group(step))
    return {step.name for step in steps if _group(step) in lost} - failed


def left(steps: list[Step], units_left: list[list[int]], failed: set[str]) -> list[list[int]]:
    """The units still to be sent once some steps failed: without those and without what depends on them."""
    out = failed | blocked(steps, failed)
    return [kept for unit in units_left if (kept := [number for number in unit if steps[number].name not in out])]
