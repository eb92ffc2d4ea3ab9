"""A warehouse of either kind, found by its reference."""

from __future__ import annotations

from typing import assert_never

from autopilot.aws import clusters, workgroups
from autopilot.domain.errors import WarehouseNotFound
from autopilot.domain.warehouse import Reference, Warehouse

LOOK = (*clusters.LOOK, *workgroups.LOOK)


def find(reference: Reference) -> Warehouse | None:
    """The warehouse, or None. Without a kind, clusters come first."""
    match reference.kind:
        case "cluster":
            return clusters.find(reference.name)
        case "workgroup":
            return workgroups.find(reference.name)
        case None:
            return clusters.find(reference.name) or workgroups.find(reference.name)
        case _:
            assert_never(reference.kind)


def get(reference: Reference) -> Warehouse:
    """The warehouse; raises WarehouseNotFound."""
    found = find(reference)
    if found is None:
        kinds = f"{reference.kind} of the name" if reference.kind else "cluster and no workgroup of the name"
        raise WarehouseNotFound(
            f"no {kinds} {reference.name} exists in this account and region; check the spelling, or name its kind and region"
        )
    return found
