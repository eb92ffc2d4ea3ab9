"""A warehouse of either kind, found by its reference."""

from __future__ import annotations

import os
from typing import assert_never

import msgspec

from autopilot.aws import clusters, workgroups
from autopilot.domain.errors import InvalidInput, WarehouseNotFound
from autopilot.domain.warehouse import Kind, Reference, Warehouse, can_be_named

LOOK = (*clusters.LOOK, *workgroups.LOOK)


def find(reference: Reference) -> Warehouse | None:
    """The warehouse, or None. Without a kind, clusters come first. Raises InvalidInput for another region or account than these."""
    here = os.environ["AWS_REGION"]
    if reference.region not in {None, here}:
        raise InvalidInput(f"warehouse.region: {reference.region} is not {here}, the region that this stack serves")
    found = _find(reference)
    if found is not None and found.account and reference.account not in {None, "", found.account}:
        raise InvalidInput(f"warehouse.account: {reference.account} is not {found.account}, the account that this stack serves")
    return found


def _find(reference: Reference) -> Warehouse | None:
    match reference.kind:
        case "cluster":
            return clusters.find(reference.name) if can_be_named("cluster", reference.name) else None
        case "workgroup":
            return workgroups.find(reference.name) if can_be_named("workgroup", reference.name) else None
        case None:
            either: tuple[Kind, ...] = ("cluster", "workgroup")
            candidates = (_find(msgspec.structs.replace(reference, kind=kind)) for kind in either)
            return next((found for found in candidates if found), None)
        case _:
            assert_never(reference.kind)


def remove(seen: Warehouse, final_snapshot: str | None) -> None:
    """Start the deletion of a cluster, with a final snapshot or without; or of a workgroup, whose data stays in its namespace."""
    if seen.kind == "cluster":
        clusters.delete(seen.name, final_snapshot)
    else:
        workgroups.delete_workgroup(seen.name)


def get(reference: Reference) -> Warehouse:
    """The warehouse; raises WarehouseNotFound."""
    found = find(reference)
    if found is None:
        kinds = f"{reference.kind} of the name" if reference.kind else "cluster and no workgroup of the name"
        raise WarehouseNotFound(f"no {kinds} {reference.name} exists in this account and region; check the spelling")
    return found
