"""The plan: every step from what is there to what a spec says, in an order that AWS accepts."""

from __future__ import annotations

from typing import Any

import msgspec

from autopilot.domain import changes as steps
from autopilot.domain import restoring
from autopilot.domain.budgets import in_words, normal
from autopilot.domain.changes import Change, creation, differing
from autopilot.domain.requests import (
    SECURE_PARAMETERS,
    Foundation,
    cluster_request,
    config_parameters,
    creation_tags,
    lower_tags,
    namespace_request,
    roles_of,
    workgroup_request,
)
from autopilot.domain.resizing import CONSEQUENCES, NEW_NODES, resize_request
from autopilot.domain.spec import Spec
from autopilot.domain.spec_parts import LOG_EXPORTS, Logging
from autopilot.domain.surroundings import Surroundings, own_name
from autopilot.domain.warehouse import Warehouse, cluster_size, primary_status

_SESSIONS_END = "the endpoint changes and sessions end"
_REENCRYPT = "the data is encrypted anew in the background; the cluster is read-only or slower for hours"


def plan(
    spec: Spec,
    seen: Warehouse | None,
    around: Surroundings | None = None,
    foundation: Foundation | None = None,
    execution: str = "",
    *,
    reboot: bool = False,
    from_snapshot: str = "",
) -> list[Change]:
    """The steps that make a warehouse what the spec says; of one that is there only what the spec states is compared.

    One that is being created is described in part only: it is planned for when it is there. Raises WarehouseDiffers for somebody else's resource in the way.
    """
    around, foundation = around or Surroundings(), foundation or Foundation()
    if seen is None:
        return [*_creation(spec, around, foundation, execution, from_snapshot), *_budget(spec, around)]
    if primary_status(seen.status) == "creating":
        return []
    if from_snapshot and restoring.is_to_be_filled(seen, from_snapshot):
        return [_filling(spec, from_snapshot)]
    of_kind = _cluster_changes if spec.kind == "cluster" else _workgroup_changes
    return [
        *differing("database", seen.database, spec.database, "none", consequence="the first database cannot be renamed"),
        *steps.admit(spec, seen, around, execution),
        *of_kind(spec, seen, around, foundation, execution),
        *steps.limit_changes(spec, around, execution),
        *steps.tag_changes(spec, seen),
        *steps.shut_out(spec, seen, around),
        *_reboot(spec, seen, reboot=reboot),
        *_budget(spec, around),
    ]


def _filling(spec: Spec, snapshot: str) -> Change:
    return creation("data", f"that of snapshot {snapshot}", "restore_namespace", restoring.namespace_request(spec, snapshot))


def _budget(spec: Spec, around: Surroundings) -> list[Change]:
    """A budget is Autopilot's own: one that the spec no longer has is removed."""
    if normal(around.budget) == normal(spec.budget):
        return []
    before, after = (in_words(one) if one else "none" for one in (around.budget, spec.budget))
    wanted = {"budget": msgspec.to_builtins(spec.budget)} if spec.budget else {}
    return differing("budget", before, after, "set_budget", wanted)


def _creation(spec: Spec, around: Surroundings, foundation: Foundation, execution: str, from_snapshot: str) -> list[Change]:
    name = own_name(spec.kind, spec.name)
    allows = spec.network.allow_from is not None
    own_group = around.security_group.id if around.security_group and allows else f"<{name}>" if allows else ""
    before = steps.admit(spec, None, around, execution)
    if spec.kind == "workgroup":
        steps.check_namespace(spec, around)
        namespace = namespace_request(spec, execution, foundation)
        workgroup = workgroup_request(spec, execution, foundation, own_group=own_group)
        for request in (namespace, workgroup):
            request["tags"] += lower_tags(restoring.restoring_tags(from_snapshot))
        made = [
            *([] if around.namespace else [creation("namespace", f"namespace {spec.name}", "create_namespace", namespace)]),
            creation("workgroup", f"workgroup {spec.name}", "create_workgroup", workgroup),
            *([_filling(spec, from_snapshot)] if from_snapshot else []),
        ]
        return [*before, *made, *steps.limit_changes(spec, around, execution)]
    makes = steps.makes_parameter_group(spec, foundation)
    group = name if makes else spec.parameters.group or foundation.parameter_group
    request = cluster_request(spec, execution, foundation, own_group=own_group, parameter_group=group)
    size = cluster_size(request["NodeType"], request.get("NumberOfNodes", 1))
    whole = creation("cluster", f"cluster {spec.name} of {size}", "create_cluster", request)
    if from_snapshot:
        marks = {**creation_tags(spec, execution), restoring.RESTORED_TAG: from_snapshot}
        restored = {"request": restoring.restore_request(request, spec, from_snapshot), "tags": marks}
        whole = creation("cluster", f"cluster {spec.name} from snapshot {from_snapshot}", "restore_cluster", restored)
    return [
        *before,
        *(steps.parameter_steps(spec, around, execution) if makes else []),
        whole,
        *_logging_of_cluster(spec, around, foundation),
        *steps.limit_changes(spec, around, execution),
    ]


def _cluster_changes(spec: Spec, seen: Warehouse, around: Surroundings, foundation: Foundation, execution: str) -> list[Change]:
    network, backups = spec.network, spec.backups
    simple: list[tuple[str, Any, Any, dict[str, Any], str]] = [
        ("compute.multi_az", seen.multi_az, spec.compute.multi_az, {"MultiAZ": spec.compute.multi_az}, "the cluster moves; queries are dropped"),
        ("network.enhanced_vpc_routing", seen.enhanced_vpc_routing, network.enhanced_vpc_routing,
         {"EnhancedVpcRouting": network.enhanced_vpc_routing}, "COPY and UNLOAD go through the VPC, which needs a way to S3"),
        ("network.public", seen.public, network.public, {"PubliclyAccessible": network.public}, "its address changes"),
        ("network.elastic_ip", seen.elastic_ip, network.elastic_ip, {"PubliclyAccessible": True, "ElasticIp": network.elastic_ip}, _SESSIONS_END),
        ("network.port", seen.port, network.port, {"Port": network.port}, _SESSIONS_END),
        ("network.zone_relocation", seen.zone_relocation, network.zone_relocation, {"AvailabilityZoneRelocation": network.zone_relocation}, ""),
        ("network.ip_address_type", seen.ip_address_type, network.ip_address_type, {"IpAddressType": network.ip_address_type}, ""),
        ("backups.automated_days", seen.automated_days, backups.automated_days, {"AutomatedSnapshotRetentionPeriod": backups.automated_days},
         "automated snapshots older than that are deleted" if (backups.automated_days or 99) < (seen.automated_days or 0) else ""),
        ("backups.manual_days", seen.manual_days, backups.manual_days, {"ManualSnapshotRetentionPeriod": backups.manual_days}, ""),
        ("maintenance_window", seen.maintenance_window, spec.maintenance_window, {"PreferredMaintenanceWindow": spec.maintenance_window}, ""),
        ("encryption.secret_kms_key", seen.secret_kms_key, spec.encryption.secret_kms_key,
         {"ManageMasterPassword": True, "MasterPasswordSecretKmsKeyId": spec.encryption.secret_kms_key}, ""),
    ]  # fmt: skip
    return [
        *differing("network.subnet_group", seen.subnet_group, network.subnet_group, "none", consequence="a cluster stays in its subnet group"),
        *differing(
            "network.availability_zone", seen.availability_zone, network.availability_zone, "none", consequence="a cluster stays in its zone"
        ),
        *_parameter_group(spec, seen, around, execution),
        *steps.group_changes(spec, seen, around, "modify_cluster", "VpcSecurityGroupIds"),
        *(change for field, before, after, arguments, consequence in simple
          for change in differing(field, before, after, "modify_cluster", arguments, consequence)),
        *_key(spec, seen),
        *_roles_of_cluster(spec, seen),
        *_logging_of_cluster(spec, around, foundation),
        *_resize(spec, seen, around),
    ]  # fmt: skip


def _parameter_group(spec: Spec, seen: Warehouse, around: Surroundings, execution: str) -> list[Change]:
    if spec.parameters.values is None and spec.parameters.group is None:
        return []
    own = spec.parameters.values is not None
    wanted = own_name(spec.kind, spec.name) if own else spec.parameters.group
    return [
        *(steps.parameter_steps(spec, around, execution) if own else []),
        *differing(
            "parameters.group", seen.parameter_group, wanted, "modify_cluster", {"ClusterParameterGroupName": wanted}, steps.NEEDS_REBOOT
        ),
    ]


def _key(spec: Spec, seen: Warehouse) -> list[Change]:
    key = spec.encryption.kms_key
    return differing(
        "encryption.kms_key",
        seen.kms_key if seen.encrypted else None,
        key,
        "modify_cluster",
        {"Encrypted": True, "KmsKeyId": key},
        _REENCRYPT,
    )


def _roles_of_cluster(spec: Spec, seen: Warehouse) -> list[Change]:
    if spec.iam_roles is None:
        return []
    wanted, default = spec.iam_roles.all, spec.iam_roles.default
    request: dict[str, Any] = {
        "AddIamRoles": [role for role in wanted if role not in seen.roles],
        "RemoveIamRoles": [role for role in seen.roles if role not in wanted],
        **({"DefaultIamRoleArn": default} if default else {}),
    }
    given = {key: value for key, value in request.items() if value}
    changes = differing("iam_roles.arns", seen.roles, wanted, "modify_roles", given, "statements that use a removed role fail")
    return changes or differing("iam_roles.default", seen.default_role, default, "modify_roles", {"DefaultIamRoleArn": default})


def _logging_of_cluster(spec: Spec, around: Surroundings, foundation: Foundation) -> list[Change]:
    change = steps.logging_change(spec, around.logging, foundation)
    if change is None:
        return []
    now, wanted = change
    if wanted.destination == "none":
        return differing("logging", steps.in_words(now), "none", "disable_logging")
    request: dict[str, Any] = {
        "LogDestinationType": wanted.destination,
        **({"BucketName": wanted.bucket, "S3KeyPrefix": wanted.prefix} if wanted.destination == "s3" else {}),
        "LogExports": [name for name in LOG_EXPORTS if name in wanted.exports],
    }
    return differing("logging", steps.in_words(now), steps.in_words(wanted), "enable_logging", request)


def _resize(spec: Spec, seen: Warehouse, around: Surroundings) -> list[Change]:
    """One elastic resize makes both changes of size. A paused cluster is described as single-node: the ledger knows better, or nobody does."""
    compute, paused = spec.compute, seen.status in {"paused", "pausing", "resuming"}
    now_type = around.before_pause.node_type if paused and around.before_pause else seen.node_type
    now_nodes = seen.nodes if not paused else around.before_pause.nodes if around.before_pause else None
    node_type, nodes = compute.node_type or now_type, compute.nodes or now_nodes or 1
    wanted = {"compute.node_type": (now_type, compute.node_type), "compute.nodes": (now_nodes, compute.nodes if now_nodes else None)}
    differ = {field: values for field, values in wanted.items() if values[1] is not None and values[0] != values[1]}
    if not differ:
        return []
    one_node = now_nodes is not None and nodes != now_nodes and 1 in {nodes, now_nodes}
    arguments = resize_request(node_type or "", nodes)
    consequence = CONSEQUENCES["elastic"] + (f"; {NEW_NODES}" if "compute.node_type" in differ else "")
    if one_node:
        operation: steps.Operation = "none"
        consequence = "from or to a single node only a classic resize leads: start resize_warehouse with classic: allow"
    else:
        operation = "resize_cluster"
    return [
        change for field, (before, after) in differ.items() for change in differing(field, before, after, operation, arguments, consequence)
    ]


def _reboot(spec: Spec, seen: Warehouse, *, reboot: bool) -> list[Change]:
    if spec.kind != "cluster" or not reboot:
        return []
    return differing("parameters", "pending-reboot" if seen.reboot_pending else "in-sync", "in-sync", "reboot_cluster",
                     consequence="sessions end and running queries are dropped")  # fmt: skip


def _workgroup_changes(spec: Spec, seen: Warehouse, around: Surroundings, foundation: Foundation, _execution: str) -> list[Change]:
    network = spec.network
    values = {**SECURE_PARAMETERS, **spec.parameters.as_text()} if spec.parameters.values is not None else {}
    differ = {key: value for key, value in values.items() if seen.parameters.get(key) != value}
    subnets = sorted(network.subnet_ids)
    simple: list[tuple[str, Any, Any, dict[str, Any], str]] = [
        ("network.enhanced_vpc_routing", seen.enhanced_vpc_routing, network.enhanced_vpc_routing,
         {"enhancedVpcRouting": network.enhanced_vpc_routing}, "COPY and UNLOAD go through the VPC, which needs a way to S3"),
        ("network.public", seen.public, network.public, {"publiclyAccessible": network.public}, "its address changes"),
        ("network.port", seen.port, network.port, {"port": network.port}, _SESSIONS_END),
        ("network.ip_address_type", seen.ip_address_type, network.ip_address_type, {"ipAddressType": network.ip_address_type}, ""),
        ("network.subnet_ids", sorted(seen.subnet_ids), subnets or None, {"subnetIds": subnets}, ""),
        ("parameters.values", {key: seen.parameters.get(key) for key in differ}, differ or None, {"configParameters": config_parameters(differ)}, ""),
    ]  # fmt: skip
    return [
        *steps.group_changes(spec, seen, around, "update_workgroup", "securityGroupIds"),
        *(change for field, before, after, arguments, consequence in simple
          for change in differing(field, before, after, "update_workgroup", arguments, consequence)),
        *_capacity(spec, seen),
        *_namespace_changes(spec, seen, foundation),
    ]  # fmt: skip


def _capacity(spec: Spec, seen: Warehouse) -> list[Change]:
    """AWS takes one parameter at a time and keeps base below maximum: grow the maximum first, shrink it last."""
    compute, target = spec.compute, spec.compute.price_performance_target
    base = differing("compute.base_rpu", seen.base_rpu, compute.base_rpu, "update_workgroup", {"baseCapacity": compute.base_rpu})
    most = differing("compute.max_rpu", seen.max_rpu, compute.max_rpu, "update_workgroup", {"maxCapacity": compute.max_rpu})
    shrinks = compute.max_rpu is not None and seen.max_rpu is not None and compute.max_rpu < seen.max_rpu
    enable = {"pricePerformanceTarget": {"status": "ENABLED", "level": target}}
    by_target = differing("compute.price_performance_target", seen.price_performance_target, target, "update_workgroup", enable)
    # AWS takes no base capacity while it chooses one by itself.
    if compute.base_rpu is not None and seen.price_performance_target is not None:
        disable = {"pricePerformanceTarget": {"status": "DISABLED"}}
        by_target = differing("compute.price_performance_target", seen.price_performance_target, "none", "update_workgroup", disable)
    return [*by_target, *(base + most if shrinks else most + base)]


def _namespace_changes(spec: Spec, seen: Warehouse, foundation: Foundation) -> list[Change]:
    key, secret_key = spec.encryption.kms_key, spec.encryption.secret_kms_key
    now = Logging(destination="cloudwatch" if seen.log_exports else "none", exports=list(seen.log_exports))  # type: ignore[arg-type]
    change = steps.logging_change(spec, now, foundation)
    logs = [name for name in LOG_EXPORTS if change and name in change[1].exports and change[1].destination != "none"]
    roles = roles_of(spec, foundation)
    both = {"iamRoles": roles.all, "defaultIamRoleArn": roles.default or ""}
    stated = spec.iam_roles is not None
    by_role = differing(
        "iam_roles.arns", seen.roles, roles.all if stated else None, "update_namespace", both, "statements that use a removed role fail"
    )
    return [
        *differing("encryption.kms_key", seen.kms_key, key, "update_namespace", {"kmsKeyId": key}, _REENCRYPT),
        *differing(
            "encryption.secret_kms_key", seen.secret_kms_key, secret_key, "update_namespace",
            {"manageAdminPassword": True, "adminPasswordSecretKmsKeyId": secret_key},
        ),
        *(by_role or differing("iam_roles.default", seen.default_role, roles.default if stated else None, "update_namespace", both)),
        *(differing("logging", steps.in_words(change[0]), steps.in_words(change[1]), "update_namespace", {"logExports": logs}) if change else []),
    ]  # fmt: skip
