"""Which AWS operation makes each step of a plan, and what has to be waited for after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autopilot.aws import budgets, clusters, network, parameter_groups, settings, workgroups
from autopilot.domain.budgets import Budget
from autopilot.domain.changes import Change, Operation
from autopilot.domain.errors import WarehouseDiffers, WarehouseNotReady
from autopilot.domain.inputs import decode
from autopilot.domain.restoring import RESTORED_TAG
from autopilot.domain.warehouse import Warehouse

Request = dict[str, Any]

PERMISSIONS = (
    *clusters.CREATE,
    *clusters.CHANGE,
    *clusters.RESTORE,
    *workgroups.CREATE,
    *workgroups.RESTORE,
    *budgets.SET,
    *workgroups.CHANGE,
    *network.WRITE,
    *parameter_groups.WRITE,
    *settings.WRITE,
)


def _create(what: str, create: Callable[[Request], bool]) -> Callable[[Request], None]:
    """A creation whose name may have been taken a moment ago: what is there is looked at again."""

    def made(request: Request) -> None:
        if not create(request):
            raise WarehouseNotReady(f"{what} {next(iter(request.values()))} appeared while it was being created; looking again")

    return made


def _restore_cluster(restored: Request) -> None:
    _create("cluster", clusters.restore)(restored["request"])
    clusters.mark(restored["request"]["ClusterIdentifier"], restored["tags"])


def _restore_namespace(seen: Warehouse, request: Request) -> None:
    workgroups.restore(request)
    workgroups.tag(seen.arn, {RESTORED_TAG: request["snapshotName"]})


#: What is made before a warehouse, and the warehouse itself.
_CREATE: dict[Operation, Callable[[Request], None]] = {
    "create_security_group": network.create,
    "authorize_ingress": network.authorize,
    "revoke_ingress": network.revoke,
    "create_parameter_group": parameter_groups.create,
    "modify_parameters": parameter_groups.modify,
    "reset_parameters": parameter_groups.reset,
    "create_namespace": _create("namespace", workgroups.create_namespace),
    "create_workgroup": _create("workgroup", workgroups.create_workgroup),
    "create_cluster": _create("cluster", clusters.create),
    "restore_cluster": _restore_cluster,
}
#: What is done to a warehouse that is there.
_CHANGE: dict[Operation, Callable[[Warehouse, Request], None]] = {
    "restore_namespace": _restore_namespace,
    "resize_cluster": lambda seen, request: clusters.resize(seen.name, request),
    "modify_cluster": lambda seen, request: clusters.modify(seen.name, request),
    "modify_roles": lambda seen, request: settings.modify_roles(seen.name, request),
    "enable_logging": lambda seen, request: settings.enable_logging(seen.name, request),
    "disable_logging": lambda seen, _: settings.disable_logging(seen.name),
    "reboot_cluster": lambda seen, _: settings.reboot(seen.name),
    "update_workgroup": lambda seen, request: workgroups.update(seen.name, request),
    "update_namespace": lambda seen, request: workgroups.update_namespace(seen.namespace or seen.name, request),
    "create_usage_limit": settings.create_limit,
    "modify_usage_limit": settings.modify_limit,
    "delete_usage_limit": settings.delete_limit,
    "tag": lambda seen, request: (clusters.tag if seen.kind == "cluster" else workgroups.tag)(seen.arn, request),
}
_WAITS: dict[Operation, str] = {
    "create_cluster": "available",
    "restore_cluster": "available",
    "restore_namespace": "available",
    "create_workgroup": "available",
    "resize_cluster": "resized",
    "modify_cluster": "available",
    "reboot_cluster": "available",
    "update_workgroup": "available",
    "update_namespace": "available",
}


def make(seen: Warehouse | None, step: Change, execution: str) -> str:
    """Make one step; the state to wait for before the next one, or nothing.

    Raises WarehouseNotReady for what appeared or disappeared meanwhile, and WarehouseDiffers for what only a replacement would make.
    """
    if step.operation == "set_budget" and seen is not None:
        wanted = step.arguments.get("budget")
        budgets.put(seen.reference, decode(Budget, wanted) if wanted else None, execution)
    elif step.operation in _CREATE:
        _CREATE[step.operation](step.arguments)
    elif step.operation not in _CHANGE:
        raise WarehouseDiffers(str(step))
    elif seen is None:
        raise WarehouseNotReady("the warehouse disappeared while it was being changed; looking again")
    else:
        _CHANGE[step.operation](seen, step.arguments)
    return _WAITS.get(step.operation, "")
