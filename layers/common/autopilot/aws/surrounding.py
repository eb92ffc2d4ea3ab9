"""What belongs to a warehouse beside itself: looked at before a plan is made, and removed with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from autopilot.aws import budgets, network, parameter_groups, resizing, settings, table, warehouses, workgroups
from autopilot.domain.changes import makes_parameter_group
from autopilot.domain.requests import Foundation
from autopilot.domain.spec import Spec
from autopilot.domain.surroundings import Surroundings, own_name
from autopilot.domain.tags import MANAGED_TAG, OWNER_TAG, owner_of
from autopilot.domain.warehouse import Reference, Warehouse, can_be_named

LOOK = (*warehouses.LOOK, *network.LOOK, *parameter_groups.LOOK, *settings.LOOK, *table.READ, *budgets.SEE)
DELETE = (*network.DELETE, *parameter_groups.DELETE, "ec2:DescribeSecurityGroups", *parameter_groups.LOOK)


def look(spec: Spec, seen: Warehouse | None, foundation: Foundation) -> Surroundings:
    """What is there of what the spec speaks of; the rest is not asked for."""
    name, stated = own_name(spec.kind, spec.name), spec.network
    cluster = spec.kind == "cluster"
    vpc = _vpc(spec, seen, foundation) if stated.allow_from is not None else ""
    groups = stated.allow_from is not None or bool(stated.security_group_ids)
    makes = cluster and (spec.parameters.values is not None or (seen is None and makes_parameter_group(spec, foundation)))
    paused = seen is not None and cluster and seen.status in {"paused", "pausing", "resuming"}
    return Surroundings(
        vpc=vpc,
        security_group=network.find(name, vpc) if groups else None,
        parameters=parameter_groups.find(name) if makes else None,
        namespace=workgroups.find_namespace(spec.name) if seen is None and not cluster else None,
        logging=settings.logging_of(spec.name) if seen and cluster and seen.status != "creating" else None,
        usage_limits=settings.usage_limits_of(seen) if seen and spec.compute.usage_limits is not None else {},
        budget=budgets.look(seen.reference, spec.budget) if seen and seen.tags.get(MANAGED_TAG) == "true" else None,
        before_pause=resizing.size_before_pause(seen.key) if seen and paused else None,
    )


def _vpc(spec: Spec, seen: Warehouse | None, foundation: Foundation) -> str:
    if seen and seen.vpc:
        return seen.vpc
    if spec.kind == "cluster":
        return network.vpc_of(spec.network.subnet_group or foundation.subnet_group, [])
    return network.vpc_of("", (seen.subnet_ids if seen else spec.network.subnet_ids) or list(foundation.subnet_ids))


def find(reference: Reference) -> list[str]:
    """The groups that Autopilot made for a warehouse, in words."""
    return [what for what, _ in _groups(reference, None, "")]


def remove(reference: Reference, seen: Warehouse | None, execution: str = "") -> list[str]:
    """Delete the groups that Autopilot made for a warehouse and that it does not use; what was removed.

    With an `execution`, only what that one created. Raises WarehouseNotReady while AWS still holds on to one of them.
    """
    removed = []
    for what, delete in _groups(reference, seen, execution):
        delete()
        removed.append(what)
    return removed


def left_of(reference: Reference) -> list[str]:
    """The groups that Autopilot made for a warehouse that is gone, in words."""
    return [what for what, _ in _groups(reference, None, "")]


def _groups(reference: Reference, seen: Warehouse | None, execution: str) -> Iterator[tuple[str, Callable[[], None]]]:
    """The parameter group and the security group of a warehouse that it does not use, newest first, and how each is deleted."""
    if reference.kind is None or not can_be_named(reference.kind, reference.name):
        return
    name = own_name(reference.kind, reference.name)
    parameters = parameter_groups.find(name) if reference.kind == "cluster" else None
    if parameters and _is_ours(parameters.tags, execution) and not (seen and seen.parameter_group == name):
        yield f"parameter group {name}", partial(parameter_groups.delete, name)
    group = network.find(name)
    if group and _is_ours(group.tags, execution) and not (seen and group.id in seen.security_group_ids):
        yield f"security group {name}", partial(network.delete, group.id)


def _is_ours(tags: dict[str, str], execution: str) -> bool:
    return tags.get(MANAGED_TAG) == "true" and (not execution or tags.get(OWNER_TAG) == owner_of(execution))
