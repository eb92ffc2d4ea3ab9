"""From what is there to what a spec says: single steps, in order, each with the operation that makes it and what it means for people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from autopilot.domain.errors import WarehouseDiffers, WarehouseNotReady
from autopilot.domain.requests import DEFAULT_PORT, SECURE_PARAMETERS, Foundation, creation_tags, logging_of, upper_tags
from autopilot.domain.spec import Spec
from autopilot.domain.spec_parts import Logging, UsageLimit
from autopilot.domain.surroundings import Entry, Surroundings, own_name
from autopilot.domain.tags import ENVIRONMENT_TAG, MANAGED_TAG, PROTECT_TAG, SCHEDULE_TAG
from autopilot.domain.warehouse import Warehouse

Operation = Literal[
    "create_security_group",
    "authorize_ingress",
    "revoke_ingress",
    "create_parameter_group",
    "modify_parameters",
    "reset_parameters",
    "create_cluster",
    "restore_cluster",
    "restore_namespace",
    "create_namespace",
    "create_workgroup",
    "resize_cluster",
    "modify_cluster",
    "modify_roles",
    "enable_logging",
    "disable_logging",
    "reboot_cluster",
    "update_workgroup",
    "update_namespace",
    "create_usage_limit",
    "modify_usage_limit",
    "delete_usage_limit",
    "tag",
    "set_budget",
    "none",
]
#: What AWS does to a running cluster only; the rest is done to a paused one as well. Of CreateTags, too, the reference says that it refuses a
#: cluster that is not available.
_NEEDS_RUNNING = {"resize_cluster", "modify_cluster", "modify_roles", "enable_logging", "disable_logging", "reboot_cluster", "tag"}
#: Source: ModifyClusterParameterGroup: 20 parameters in one request.
_PARAMETERS_AT_ONCE = 20
NEEDS_REBOOT = "static parameters need a reboot to take effect"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One step: `operation` with `arguments`, or `none` where only a new warehouse would have what the spec says."""

    field: str
    before: Any
    after: Any
    operation: Operation
    action: Literal["create", "change", "replace"] = "change"
    arguments: dict[str, Any] = {}
    consequence: str = ""

    @property
    def needs_running(self) -> bool:
        """Whether a paused cluster has to be resumed for it."""
        return self.operation in _NEEDS_RUNNING

    def __str__(self) -> str:
        if self.action == "create":
            return f"{self.field}: {self.after}"
        because = f" ({self.consequence})" if self.action == "replace" and self.consequence else ""
        return f"{self.field} is {self.before!r}, the spec says {self.after!r}{because}"


def differing(
    field: str, before: Any, after: Any, operation: Operation, arguments: dict[str, Any] | None = None, consequence: str = ""
) -> list[Change]:
    """The change of one field; none where the spec says nothing, or says what is."""
    if after is None or before == after:
        return []
    action: Literal["change", "replace"] = "replace" if operation == "none" else "change"
    return [
        Change(
            field=field,
            before=before,
            after=after,
            operation=operation,
            action=action,
            arguments=arguments or {},
            consequence=consequence,
        )
    ]


def creation(field: str, after: str, operation: Operation, arguments: dict[str, Any], consequence: str = "") -> Change:
    """The step that creates something."""
    return Change(field=field, before=None, after=after, operation=operation, action="create", arguments=arguments, consequence=consequence)


# --- Tags -------------------------------------------------------------------------------------------------------------


def tag_changes(spec: Spec, seen: Warehouse) -> list[Change]:
    """Tags that the spec asks for and that are missing or different; others stay."""
    names = {PROTECT_TAG: "protect", SCHEDULE_TAG: "schedule", ENVIRONMENT_TAG: "environment"}
    return [
        change
        for key, value in spec.own_tags.items()
        for change in differing(names.get(key, f"tags.{key}"), seen.tags.get(key), value, "tag", {key: value})
    ]


# --- Who may come in --------------------------------------------------------------------------------------------------


def port_of(spec: Spec, seen: Warehouse | None) -> int:
    """The port that the warehouse has when the spec is applied."""
    return spec.network.port or (seen.port if seen else None) or DEFAULT_PORT


def admit(spec: Spec, seen: Warehouse | None, around: Surroundings, execution: str) -> list[Change]:
    """The steps that let those in whom `allow_from` names: the group that Autopilot makes, and what is missing in it."""
    sources, name, group = spec.network.allow_from, own_name(spec.kind, spec.name), around.security_group
    if sources is None:
        return []
    steps = []
    if group is None:
        request = {
            "GroupName": name,
            "Description": f"Who may reach {spec.kind} {spec.name}; made by Redshift Autopilot",
            "VpcId": around.vpc,
            "TagSpecifications": [{"ResourceType": "security-group", "Tags": upper_tags({**creation_tags(spec, execution), "Name": name})}],
        }
        steps.append(creation("network.allow_from", f"security group {name} in {around.vpc}", "create_security_group", request))
    elif MANAGED_TAG not in group.tags:
        raise WarehouseDiffers(f"a security group {name} exists that Autopilot did not make; it is left alone. Rename it")
    missing = _wanted(spec, seen) - (group.entries if group else frozenset())
    if missing:
        after = ", ".join(f"{entry.source} by port {entry.port}" for entry in sorted(missing))
        request = {"GroupId": group.id if group else f"<{name}>", "IpPermissions": permissions(missing)}
        steps.append(
            msgspec.structs.replace(creation("network.allow_from", f"let in {after}", "authorize_ingress", request), action="change")
            if group and seen
            else creation("network.allow_from", f"let in {after}", "authorize_ingress", request)
        )
    return steps


def shut_out(spec: Spec, seen: Warehouse, around: Surroundings) -> list[Change]:
    """The step that shuts out whom `allow_from` names no more: the last one, when the new ways in are open."""
    group = around.security_group
    if spec.network.allow_from is None or group is None:
        return []
    extra = group.entries - _wanted(spec, seen)
    names = sorted(f"{entry.source} by port {entry.port}" for entry in extra)
    request = {"GroupId": group.id, "IpPermissions": permissions(extra)}
    return differing("network.allow_from", names, [], "revoke_ingress", request, "who came in this way can connect no more")


def _wanted(spec: Spec, seen: Warehouse | None) -> frozenset[Entry]:
    return frozenset(Entry(source, port_of(spec, seen)) for source in spec.network.allow_from or [])


def permissions(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Entries as EC2 writes them. Source: AuthorizeSecurityGroupIngress, `IpPermissions`."""
    kinds = {"sg": ("UserIdGroupPairs", "GroupId"), "v6": ("Ipv6Ranges", "CidrIpv6"), "v4": ("IpRanges", "CidrIp")}
    found = []
    for entry in sorted(entries):
        kind = "sg" if entry.source.startswith("sg-") else "v6" if ":" in entry.source else "v4"
        ranges, member = kinds[kind]
        found.append({"IpProtocol": "tcp", "FromPort": entry.port, "ToPort": entry.port, ranges: [{member: entry.source}]})
    return found


def group_changes(spec: Spec, seen: Warehouse, around: Surroundings, operation: Operation, argument: str) -> list[Change]:
    """The change of the security groups that a warehouse has; the one that Autopilot made for it stays among them."""
    own = [around.security_group.id] if around.security_group else []
    stated = spec.network.security_group_ids
    if not stated and not (own and spec.network.allow_from is not None):
        return []
    wanted = sorted({*(stated or seen.security_group_ids), *own})
    return differing("network.security_group_ids", sorted(seen.security_group_ids), wanted, operation, {argument: wanted})


# --- Parameters -------------------------------------------------------------------------------------------------------


def makes_parameter_group(spec: Spec, foundation: Foundation) -> bool:
    """Whether a new cluster gets a parameter group of its own: it asks for values, or there is no group to be had."""
    return spec.parameters.values is not None or not (spec.parameters.group or foundation.parameter_group)


def parameter_steps(spec: Spec, around: Surroundings, execution: str) -> list[Change]:
    """The steps that make the parameter group of a cluster what the spec says."""
    name, group = own_name(spec.kind, spec.name), around.parameters
    wanted = {**SECURE_PARAMETERS, **spec.parameters.as_text()}
    steps = []
    if group is None:
        request = {
            "ParameterGroupName": name,
            "ParameterGroupFamily": "redshift-2.0",
            "Description": f"Parameters of cluster {spec.name}; made by Redshift Autopilot",
            "Tags": upper_tags(creation_tags(spec, execution)),
        }
        steps.append(creation("parameters", f"parameter group {name}", "create_parameter_group", request))
    elif MANAGED_TAG not in group.tags:
        raise WarehouseDiffers(f"a parameter group {name} exists that Autopilot did not make; it is left alone. Rename it")
    there = group.values if group else {}
    missing = {key: value for key, value in wanted.items() if there.get(key) != value}
    extra = sorted(set(there) - set(wanted))
    keys = list(missing)
    for start in range(0, len(keys), _PARAMETERS_AT_ONCE):
        part = keys[start : start + _PARAMETERS_AT_ONCE]
        request = {"ParameterGroupName": name, "Parameters": [{"ParameterName": key, "ParameterValue": missing[key]} for key in part]}
        before, after = {key: there.get(key) for key in part}, {key: missing[key] for key in part}
        steps += differing("parameters.values", before, after, "modify_parameters", request, NEEDS_REBOOT)
    if extra:
        request = {"ParameterGroupName": name, "Parameters": [{"ParameterName": key} for key in extra]}
        steps += differing("parameters.values", {key: there[key] for key in extra}, {}, "reset_parameters", request, NEEDS_REBOOT)
    return steps


# --- Audit logging ----------------------------------------------------------------------------------------------------


def logging_change(spec: Spec, there: Logging | None, foundation: Foundation) -> tuple[Logging, Logging] | None:
    """Audit logging as it is and as it is to be, or None when nothing is to be done; left open, any logging will do."""
    now = there or Logging(destination="none", exports=[])
    wanted = logging_of(spec, foundation)
    if spec.logging is None and now.destination != "none":
        return None
    same = now.destination == wanted.destination and (
        wanted.destination == "none"
        or ((now.bucket, now.prefix or "", sorted(now.exports)) == (wanted.bucket, wanted.prefix or "", sorted(wanted.exports)))
    )
    return None if same else (now, wanted)


def in_words(logging: Logging) -> str:
    """Where logs go, in words."""
    if logging.destination == "none":
        return "none"
    where = f"s3://{logging.bucket}/{logging.prefix or ''}" if logging.destination == "s3" else "CloudWatch"
    return f"{', '.join(sorted(logging.exports))} to {where}"


# --- Usage limits -----------------------------------------------------------------------------------------------------


def limit_changes(spec: Spec, around: Surroundings, execution: str) -> list[Change]:
    """The steps that make the usage limits those of the spec; where it names none, all stay as they are."""
    if spec.compute.usage_limits is None:
        return []
    wanted = {limit.name: limit for limit in spec.compute.usage_limits}
    steps = []
    for name, limit in wanted.items():
        there, field = around.usage_limits.get(name), f"compute.usage_limits.{name}"
        if there is None:
            request = _cluster_limit(spec, limit, execution) if spec.kind == "cluster" else _workgroup_limit(limit)
            steps.append(creation(field, _limit_in_words(limit), "create_usage_limit", request))
        else:
            steps += differing(
                field, _limit_in_words(there.limit), _limit_in_words(limit), "modify_usage_limit", _changed_limit(spec, there.id, limit)
            )
    for name, there in around.usage_limits.items():
        if name not in wanted:
            request = {"UsageLimitId" if spec.kind == "cluster" else "usageLimitId": there.id}
            steps += differing(f"compute.usage_limits.{name}", _limit_in_words(there.limit), "none", "delete_usage_limit", request)
    return steps


def _limit_in_words(limit: UsageLimit) -> str:
    return f"{limit.amount} {limit.period}, then {limit.breach_action}"


def _cluster_limit(spec: Spec, limit: UsageLimit, execution: str) -> dict[str, Any]:
    return {
        "ClusterIdentifier": spec.name,
        "FeatureType": limit.feature,
        "LimitType": "time" if limit.feature in {"concurrency-scaling", "extra-compute-for-automatic-optimization"} else "data-scanned",
        "Amount": limit.amount,
        "Period": limit.period,
        "BreachAction": limit.breach_action,
        "Tags": upper_tags(creation_tags(spec, execution)),
    }


def _workgroup_limit(limit: UsageLimit) -> dict[str, Any]:
    return {"usageType": limit.feature, "amount": limit.amount, "period": limit.period, "breachAction": limit.breach_action}


def _changed_limit(spec: Spec, limit_id: str, limit: UsageLimit) -> dict[str, Any]:
    if spec.kind == "cluster":
        return {"UsageLimitId": limit_id, "Amount": limit.amount, "BreachAction": limit.breach_action}
    return {"usageLimitId": limit_id, "amount": limit.amount, "breachAction": limit.breach_action}


def check_namespace(spec: Spec, around: Surroundings) -> None:
    """Raise WarehouseDiffers for a namespace in the way that must be left alone, WarehouseNotReady for one that is going away."""
    left = around.namespace
    if left is None:
        return
    if MANAGED_TAG not in left.tags:
        raise WarehouseDiffers(f"a namespace {spec.name} exists that Autopilot did not create; its data is left alone. Choose another name")
    if left.database != spec.database:
        raise WarehouseDiffers(f"a namespace {spec.name} is left over with the database {left.database}, the spec says {spec.database}")
    if left.status == "deleting":
        raise WarehouseNotReady(f"namespace {spec.name} is being deleted; it can be created when that has ended")
