"""What is left of a warehouse when it is gone: found, and removed where it carries Autopilot's mark."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from autopilot.aws import alarms, budgets, surrounding
from autopilot.domain.errors import AutopilotError, TransientError
from autopilot.domain.warehouse import Kind, Reference, Warehouse

PERMISSIONS = (*budgets.REMOVE, *alarms.LOOK, *surrounding.DELETE)
_KINDS: tuple[Kind, ...] = ("cluster", "workgroup")


class Swept(msgspec.Struct, frozen=True):
    """What was removed, and what was not and why."""

    removed: list[str]
    kept: list[str]


def belonging_to(reference: Reference, known: Warehouse, *, exists: bool) -> list[Reference]:
    """Whose leftovers a deletion concerns: those of the warehouse; of both kinds when neither exists and none was named."""
    if exists or reference.kind:
        return [known.reference]
    return [msgspec.structs.replace(known.reference, kind=kind) for kind in _KINDS]


def find(references: Sequence[Reference]) -> list[str]:
    """What is left, in words. What may not be looked at is left out: it is tried again when it is to be removed."""
    return [found for reference in references for look in _LOOKS for found in _quietly(look, reference)]


def remove(references: Sequence[Reference]) -> Swept:
    """Remove all that is left; what AWS refuses is kept and said. Raises TransientError for what will pass."""
    removed: list[str] = []
    kept: list[str] = []
    for reference in references:
        for take_away in _REMOVALS:
            try:
                removed += take_away(reference)
            except TransientError:
                raise
            except AutopilotError as error:
                kept.append(str(error))
    return Swept(removed, kept)


def _quietly(look: Callable[[Reference], list[str]], reference: Reference) -> list[str]:
    try:
        return look(reference)
    except TransientError:
        raise
    except AutopilotError:
        return []


def _budget(reference: Reference) -> list[str]:
    return [f"the budget of {reference.kind} {reference.name}"] if budgets.is_kept(reference) else []


def _remove_budget(reference: Reference) -> list[str]:
    return [f"the budget of {reference.kind} {reference.name}"] if budgets.put(reference, None).action == "removed" else []


def _alarms(reference: Reference) -> list[str]:
    """They are removed by a step of their own."""
    return [f"the alarms of {reference.kind} {reference.name}"] if alarms.are_set(reference) else []


def _remove_groups(reference: Reference) -> list[str]:
    return surrounding.remove(reference, None)


_LOOKS: tuple[Callable[[Reference], list[str]], ...] = (_budget, _alarms, surrounding.left_of)
_REMOVALS: tuple[Callable[[Reference], list[str]], ...] = (_remove_budget, _remove_groups)
