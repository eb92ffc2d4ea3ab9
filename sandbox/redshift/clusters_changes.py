"""Changes of a living cluster: settings, roles, maintenance windows and size."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from sandbox.kernel import ApiError, utcnow
from sandbox.redshift.answers import Answer, Params, refuse_unsupported
from sandbox.redshift.clusters_creation import settings_of
from sandbox.redshift.clusters_life import ClusterLife
from sandbox.redshift.clusters_nodes import NODE_TYPES, chosen_by, elastic_options, orderable_options
from sandbox.redshift.clusters_records import Cluster, Resize
from sandbox.redshift.clusters_rules import MODIFY_UNSUPPORTED, check_roles, check_settings, check_sign_in, check_size, combination, invalid
from sandbox.redshift.clusters_state import described, nothing_more
from sandbox.redshift.lifecycle import DURATIONS
from sandbox.world import Caller

_SIZE: Final = ("NodeType", "NumberOfNodes", "ClusterType")
_IMMEDIATE: Final = {
    "AutomatedSnapshotRetentionPeriod",
    "ManualSnapshotRetentionPeriod",
    "PreferredMaintenanceWindow",
    "MaintenanceTrackName",
    "AllowVersionUpgrade",
}
"""What a modification changes at once, without leaving the available state."""

_SHOWN_AS_PENDING: Final = ("ClusterVersion", "PubliclyAccessible", "EnhancedVpcRouting")
_MOST_ROLES = 50
_LONGEST_DEFERMENT = timedelta(days=60)


class Changes(ClusterLife):
    """The operations that change a cluster and leave it available."""

    def modify_cluster(self, params: Params, _caller: Caller) -> Answer:
        refuse_unsupported(params, MODIFY_UNSUPPORTED)
        check_sign_in(params, required=params.get("ManageMasterPassword") is False)
        changes = {name: value for name, value in params.items() if name != "ClusterIdentifier"}
        if not changes:
            raise combination("No modification was requested.")
        if any(name in changes for name in _SIZE):
            return self._modify_size(params, changes)
        with self._present():
            cluster = self._modifiable(params)
            lasting = not set(changes) <= _IMMEDIATE
            if lasting:
                cluster.status = "resizing" if self._reencrypts(cluster, params) else "modifying"
                cluster.pending = _pending(cluster, params)
            else:
                self._apply(cluster, params)
        if lasting:
            self._modify_later(cluster, params)
        return self._answer(cluster)

    def modify_cluster_iam_roles(self, params: Params, _caller: Caller) -> Answer:
        added, removed, default = params.get("AddIamRoles", []), params.get("RemoveIamRoles", []), params.get("DefaultIamRoleArn")
        check_roles([*added, *removed, *([default] if default else [])])
        with self._present():
            cluster = self._cluster_in(params["ClusterIdentifier"], "available", "modify")
            roles = [role for role in dict.fromkeys([*cluster.iam_roles, *added]) if role not in removed]
            if len(roles) > _MOST_ROLES:
                raise invalid(f"A cluster can have at most {_MOST_ROLES} IAM roles.")
            if default and default not in roles:
                raise invalid("The default IAM role must be one of the cluster's IAM roles.")
            kept = cluster.default_iam_role if cluster.default_iam_role in roles else None
            cluster.iam_roles, cluster.default_iam_role = roles, default or kept
        return self._answer(cluster)

    def modify_cluster_maintenance(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            cluster = self._cluster_in(params["ClusterIdentifier"], "available", "modify")
            name = params.get("DeferMaintenanceIdentifier")
            others = [window for window in cluster.deferred if name is not None and window["DeferMaintenanceIdentifier"] != name]
            cluster.deferred = [*others, _deferment(params)] if params.get("DeferMaintenance", False) else others
        return self._answer(cluster)

    def resize_cluster(self, params: Params, _caller: Caller) -> Answer:
        refuse_unsupported(params, ("ReservedNodeId", "TargetReservedNodeOfferingId"))
        with self._present():
            cluster = self._cluster_in(params["ClusterIdentifier"], "available", "resize")
            node_type, nodes = _new_size(cluster, params)
            classic = params.get("Classic", False)
            if not classic and (node_type, nodes) not in elastic_options(cluster.node_type, cluster.nodes):
                raise ApiError(
                    "UnsupportedOperation",
                    f"Elastic resize of cluster {cluster.name} to {nodes} {node_type} is not supported. Ask DescribeNodeConfigurationOptions "
                    "for the possible sizes, or use a classic resize.",
                )
            self._begin_resize(cluster, node_type, nodes, classic=classic)
        answer = self._answer(cluster)
        self._go_on_resizing(cluster, classic=classic)
        return answer

    def describe_resize(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            cluster = self._cluster(params["ClusterIdentifier"])
            if cluster.resize is None:
                raise ApiError("ResizeNotFound", f"No resize operation was found for cluster {cluster.name}.")
            return cluster.resize.describe(self.world.clock.seconds())

    def cancel_resize(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            cluster = self._cluster(params["ClusterIdentifier"])
            if cluster.resize is None or cluster.resize.done:
                raise ApiError("ResizeNotFound", f"No resize operation is running on cluster {cluster.name}.")
            raise ApiError(
                "UnsupportedOperation", f"The {cluster.resize.kind} of cluster {cluster.name} can't be cancelled in the sandbox."
            )

    def describe_node_configuration_options(self, params: Params, _caller: Caller) -> Answer:
        if params["ActionType"] != "resize-cluster":
            raise ApiError("UnsupportedOperation", f"The action type {params['ActionType']} is not supported in the sandbox.")
        if "ClusterIdentifier" not in params:
            raise combination("ClusterIdentifier is required for the action type resize-cluster.")
        refuse_unsupported(params, ("SnapshotIdentifier", "SnapshotArn", "OwnerAccount"))
        with self._present():
            cluster = self._cluster_in(params["ClusterIdentifier"], "available", "resize")
            options = elastic_options(cluster.node_type, cluster.nodes)
        listed: list[dict[str, Any]] = [
            {"NodeType": node_type, "NumberOfNodes": nodes, "EstimatedDiskUtilizationPercent": 1.0, "Mode": "standard"}
            for node_type, nodes in options
        ]
        chosen = [option for option in listed if chosen_by(params.get("Filters", []), option)]
        return described(
            "NodeConfigurationOptionList", chosen, params, lambda option: f"{option['NodeType']}/{option['NumberOfNodes']:04d}", dict
        )

    def describe_orderable_cluster_options(self, params: Params, _caller: Caller) -> Answer:
        wanted = [
            option
            for option in orderable_options()
            if params.get("NodeType") in (None, option["NodeType"]) and params.get("ClusterVersion") in (None, option["ClusterVersion"])
        ]
        # AWS documents 20 as the least page size; a small page is allowed here because the whole table has fewer rows than that.
        return described(
            "OrderableClusterOptions", wanted, params, lambda option: f"{option['NodeType']}/{option['ClusterType']}", dict, fewest=1
        )

    def _modifiable(self, params: Params) -> Cluster:
        cluster = self._cluster_in(params["ClusterIdentifier"], "available", "modify")
        sold = NODE_TYPES[cluster.node_type].sold
        check_settings({"PubliclyAccessible": cluster.public, **params}, cluster.node_type if sold else None)
        if "ClusterParameterGroupName" in params:
            self._check_parameter_group(params["ClusterParameterGroupName"])
        if params.get("MultiAZ", False) and cluster.nodes < 2:
            raise combination("MultiAZ requires a multi-node cluster.")
        return cluster

    @staticmethod
    def _reencrypts(cluster: Cluster, params: Params) -> bool:
        key_changes = "KmsKeyId" in params and params["KmsKeyId"] != cluster.kms_key
        return key_changes or bool(params.get("Encrypted", cluster.encrypted)) != cluster.encrypted

    def _modify_later(self, cluster: Cluster, params: Params) -> None:
        if "EnhancedVpcRouting" in params and params["EnhancedVpcRouting"] != cluster.enhanced_vpc_routing:
            # Source: management guide, enhanced VPC routing: the cluster restarts by itself to apply the change.
            self._restart(cluster)
        seconds = DURATIONS["encrypt cluster" if cluster.status == "resizing" else "modify cluster"]
        try:
            self._set_password(cluster, params)
        finally:
            self._finish(cluster, seconds, partial(self._modified, cluster, params), None)

    def _modified(self, cluster: Cluster, params: Params) -> None:
        with self._lock:
            self._apply(cluster, params)
            cluster.pending = {}
        if "ClusterParameterGroupName" in params:
            self._emit_after("parameter group used", cluster)
        if "VpcSecurityGroupIds" in params:
            self._emit_after("security groups updated", cluster)
        if "MasterUserPassword" in params or "ManageMasterPassword" in params:
            self._emit_after("credentials updated", cluster)

    def _emit_after(self, kind: str, cluster: Cluster) -> None:
        """Send the event once the cluster shows its new state."""
        self.timeline.after(0, partial(self._emit, kind, cluster.name))

    @staticmethod
    def _apply(cluster: Cluster, params: Params) -> None:
        group = params.get("ClusterParameterGroupName", cluster.parameter_group)
        if group != cluster.parameter_group:
            cluster.reboot_pending = True
        for name, value in settings_of(params).items():
            setattr(cluster, name, value)
        if "KmsKeyId" in params:
            cluster.encrypted = True

    def _modify_size(self, params: Params, changes: dict[str, Any]) -> Answer:
        if others := sorted(set(changes) - set(_SIZE)):
            raise combination(f"A change of size can't be combined with {', '.join(others)}.")
        with self._present():
            cluster = self._cluster_in(params["ClusterIdentifier"], "available", "modify")
            node_type, nodes = _new_size(cluster, params)
            self._begin_resize(cluster, node_type, nodes, classic=True)
        answer = self._answer(cluster)
        self._go_on_resizing(cluster, classic=True)
        return answer

    def _begin_resize(self, cluster: Cluster, node_type: str, nodes: int, *, classic: bool) -> None:
        lasts = DURATIONS["classic resize"] if classic else DURATIONS["elastic resize, preparation"] + DURATIONS["elastic resize"]
        kind = "ClassicResize" if classic else "ElasticResize"
        cluster.resize = Resize(kind, node_type, nodes, self.world.clock.seconds(), lasts)
        cluster.status = "resizing" if classic else "available, prep-for-resize"
        cluster.pending = {"NodeType": node_type, "NumberOfNodes": nodes, "ClusterType": "multi-node" if nodes > 1 else "single-node"}

    def _go_on_resizing(self, cluster: Cluster, *, classic: bool) -> None:
        self._emit("resize started", cluster.name)
        if classic:
            self._restart(cluster)
            self._finish(cluster, DURATIONS["classic resize"], partial(self._resized, cluster, restart=True), "resized")
            return
        self._finish(cluster, DURATIONS["elastic resize, preparation"], partial(self._resize_nodes, cluster), None, "resizing")

    def _resize_nodes(self, cluster: Cluster) -> None:
        """Begin the second part of an elastic resize. Only a change of node type ends the running queries."""
        restart = cluster.resize is not None and cluster.resize.node_type != cluster.node_type
        if restart:
            self._restart(cluster)
        cleanup = "available, resize-cleanup"
        self._finish(cluster, DURATIONS["elastic resize"], partial(self._resized, cluster, restart=restart), None, cleanup)
        both = DURATIONS["elastic resize"] + DURATIONS["elastic resize, cleanup"]
        self._finish(cluster, both, nothing_more, "resized")

    def _restart(self, cluster: Cluster) -> None:
        """End the running queries, as AWS does when a resize moves the cluster to other nodes."""
        self.world.databases.stop(cluster.key)
        self.world.databases.start(cluster.key)

    def _resized(self, cluster: Cluster, *, restart: bool) -> None:
        if restart:
            self._restart(cluster)
        with self._lock:
            if cluster.resize is not None:
                cluster.node_type, cluster.nodes, cluster.resize.done = cluster.resize.node_type, cluster.resize.nodes, True
            cluster.pending = {}


def _pending(cluster: Cluster, params: Params) -> dict[str, Any]:
    pending: dict[str, Any] = {name: params[name] for name in _SHOWN_AS_PENDING if name in params}
    if "MasterUserPassword" in params:
        pending["MasterUserPassword"] = "****"
    if "Encrypted" in params and params["Encrypted"] != cluster.encrypted:
        pending["EncryptionType"] = "KMS" if params["Encrypted"] else "NONE"
    return pending


def _new_size(cluster: Cluster, params: Params) -> tuple[str, int]:
    node_type: str = params.get("NodeType", cluster.node_type)
    nodes: int = params.get("NumberOfNodes", 1 if params.get("ClusterType") == "single-node" else cluster.nodes)
    check_size(node_type, params.get("ClusterType"), nodes, only_sold=node_type != cluster.node_type, resizing=True)
    if (node_type, nodes) == (cluster.node_type, cluster.nodes):
        raise invalid(f"Cluster {cluster.name} already has {nodes} {node_type}.")
    return node_type, nodes


def _deferment(params: Params) -> dict[str, Any]:
    start: datetime = params.get("DeferMaintenanceStartTime", utcnow())
    days, end = params.get("DeferMaintenanceDuration"), params.get("DeferMaintenanceEndTime")
    if (days is None) == (end is None):
        raise combination("Give either DeferMaintenanceEndTime or DeferMaintenanceDuration.")
    end = end or start + timedelta(days=days or 0)
    if not timedelta(0) < end - start <= _LONGEST_DEFERMENT:
        raise invalid(f"Maintenance can be deferred for at most {_LONGEST_DEFERMENT.days} days.")
    name = params.get("DeferMaintenanceIdentifier") or f"dm-{uuid.uuid4().hex[:20]}"
    return {"DeferMaintenanceIdentifier": name, "DeferMaintenanceStartTime": start, "DeferMaintenanceEndTime": end}
