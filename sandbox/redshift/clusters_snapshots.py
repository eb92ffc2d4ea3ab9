"""Cluster snapshots: taken, described, kept, expired, deleted, restored into a new cluster. Each holds a real copy of the data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Final

from sandbox.kernel import ACCOUNT, ApiError, utcnow
from sandbox.redshift.answers import Answer, Params, not_supported, refuse_unsupported
from sandbox.redshift.clusters_creation import Creation, settings_of
from sandbox.redshift.clusters_records import Cluster, Snapshot
from sandbox.redshift.clusters_rules import (
    check_identifier,
    check_retention,
    check_settings,
    check_sign_in,
    check_size,
    combination,
    invalid,
    tags_of,
)
from sandbox.redshift.clusters_state import described, tagged_as
from sandbox.redshift.copies import copy_when_idle
from sandbox.redshift.lifecycle import DURATIONS
from sandbox.world import Caller

_RESTORE_UNSUPPORTED: Final = (
    "HsmClientCertificateIdentifier",
    "HsmConfigurationIdentifier",
    "ClusterSecurityGroups",
    "AdditionalInfo",
    "ReservedNodeId",
    "TargetReservedNodeOfferingId",
    "CatalogName",
    "RedshiftIdcApplicationArn",
)
_MOST_IN_A_BATCH = 100


class Snapshots(Creation):
    """Manual snapshots on request, and one automated snapshot of each cluster shortly after it became available."""

    def create_cluster_snapshot(self, params: Params, _caller: Caller) -> Answer:
        tags = tags_of(params)
        with self._present():
            cluster = self._cluster_in(params["ClusterIdentifier"], "available", "take a snapshot of")
            snapshot = self._new_snapshot(cluster, params["SnapshotIdentifier"], params.get("ManualSnapshotRetentionPeriod"), tags)
        answer = self._snapshot_answer(snapshot)
        self._emit("snapshot started", snapshot.name)
        self._fill(snapshot, self._snapshot_done)
        return answer

    def describe_cluster_snapshots(self, params: Params, _caller: Caller) -> Answer:
        refuse_unsupported(params, ["SortingEntities"])
        self._drop_expired()
        with self._present():
            chosen = [one for one in self._snapshots.values() if self._is_wanted(one, params)]
            self._check_found(params, chosen)
            return described("Snapshots", chosen, params, lambda one: f"{one.created.isoformat()}/{one.name}", Snapshot.describe)

    def delete_cluster_snapshot(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            snapshot = self._snapshot(params["SnapshotIdentifier"], params.get("SnapshotClusterIdentifier"))
            self._check_changeable(snapshot, "deleted")
            snapshot.status = "deleted"
            del self._snapshots[snapshot.name]
        self.world.databases.drop(snapshot.key)
        self._emit("snapshot deleted", snapshot.name)
        return self._snapshot_answer(snapshot)

    def batch_delete_cluster_snapshots(self, params: Params, caller: Caller) -> Answer:
        identifiers = params["Identifiers"]
        if len(identifiers) > _MOST_IN_A_BATCH:
            raise ApiError("BatchDeleteRequestSizeExceeded", f"At most {_MOST_IN_A_BATCH} snapshots can be deleted at once.")
        deleted, errors = [], []
        for identifier in identifiers:
            try:
                self.delete_cluster_snapshot(identifier, caller)
                deleted.append(identifier["SnapshotIdentifier"])
            except ApiError as error:
                failed = {"SnapshotIdentifier": identifier["SnapshotIdentifier"]}
                errors.append(failed | {"FailureCode": error.code, "FailureReason": error.message})
        return {"Resources": deleted, "Errors": errors}

    def modify_cluster_snapshot(self, params: Params, _caller: Caller) -> Answer:
        retention = params.get("ManualSnapshotRetentionPeriod")
        check_retention(None, retention)
        with self._present():
            snapshot = self._snapshot(params["SnapshotIdentifier"])
            self._check_changeable(snapshot, "modified")
            if retention is not None:
                self._keep_for(snapshot, retention, force=params.get("Force", False))
        return self._snapshot_answer(snapshot)

    def restore_from_cluster_snapshot(self, params: Params, _caller: Caller) -> Answer:
        refuse_unsupported(params, _RESTORE_UNSUPPORTED)
        check_identifier("ClusterIdentifier", params["ClusterIdentifier"])
        check_sign_in(params, required=False)
        self._drop_expired()
        with self._present():
            snapshot = self._restorable(params)
            cluster = self._restored(params, snapshot)
            self._take_name(cluster)
        with self._undone_on_error(cluster):
            self.world.databases.copy(snapshot.key, cluster.key)
            self.world.databases.set_namespace(cluster.key, cluster.namespace)
            self._set_password(cluster, params)
        answer = self._answer(cluster)
        self._finish(cluster, DURATIONS["restore cluster"], partial(self._start_backups, cluster), "restored")
        return answer

    def age_snapshots(self, cluster: str, by: timedelta) -> None:
        """Make every snapshot of the cluster older, as if it had been taken that much earlier."""
        with self._present():
            for snapshot in self._snapshots_of(self._cluster(cluster)):
                snapshot.created -= by
                snapshot.retention_began -= by

    def remove_snapshots(self, cluster: str) -> None:
        """Remove every snapshot of the cluster, automated ones too."""
        with self._present():
            removed = self._snapshots_of(self._cluster(cluster))
        self._drop(removed)

    def _snapshots_of(self, cluster: Cluster) -> list[Snapshot]:
        return [snapshot for snapshot in self._snapshots.values() if snapshot.cluster is cluster]

    def _new_snapshot(self, cluster: Cluster, name: str, retention: int | None, tags: dict[str, str]) -> Snapshot:
        """Take the name of a manual snapshot. The lock is held."""
        check_identifier("SnapshotIdentifier", name, 255)
        check_retention(None, retention)
        if name in self._snapshots:
            raise ApiError("ClusterSnapshotAlreadyExists", f"Cannot create the snapshot because the identifier {name} already exists.")
        days = cluster.manual_retention if retention is None else retention
        snapshot = self._snapshots[name] = Snapshot(name, cluster, manual=True, retention_days=days, tags=tags)
        return snapshot

    def _fill(self, snapshot: Snapshot, done: Callable[[Snapshot], None]) -> None:
        """Copy the data, and call `done` when the snapshot has taken its time. One that cannot be copied has never been."""

        def is_wanted() -> bool:
            with self._lock:
                return self._snapshots.get(snapshot.name) is snapshot

        then = partial(self.timeline.after, DURATIONS["cluster snapshot"], partial(done, snapshot))
        try:
            copy_when_idle(self.world.databases, self.timeline, snapshot.cluster.key, snapshot.key, is_wanted, then)
        except BaseException:
            with self._lock:
                self._snapshots.pop(snapshot.name, None)
            raise

    def _start_backups(self, cluster: Cluster) -> None:
        self.timeline.after(0, partial(self._take_automated, cluster))

    def _take_automated(self, cluster: Cluster) -> None:
        with self._lock:
            if cluster.automated_retention == 0 or self._clusters.get(cluster.name) is not cluster:
                return
            name = f"rs:{cluster.name}-{utcnow():%Y-%m-%d-%H-%M-%S}"
            snapshot = self._snapshots[name] = Snapshot(name, cluster, manual=False, retention_days=cluster.automated_retention)
        self._fill(snapshot, self._snapshot_done)

    def _snapshot_done(self, snapshot: Snapshot) -> None:
        size_mb = self.world.databases.size_mb(snapshot.key)
        with self._lock:
            if self._snapshots.get(snapshot.name) is not snapshot:
                return
            snapshot.status, snapshot.size_mb = "available", size_mb
        if snapshot.manual:
            self._emit("snapshot completed", snapshot.name)

    def _drop_expired(self) -> None:
        now = utcnow()
        with self._present():
            expired = [one for one in self._snapshots.values() if one.status == "available" and one.expired(now)]
        self._drop(expired)

    def _drop(self, snapshots: list[Snapshot]) -> None:
        for snapshot in snapshots:
            with self._lock:
                owned = self._snapshots.pop(snapshot.name, None) is not None
            if owned:
                self.world.databases.drop(snapshot.key)

    def _snapshot(self, name: str, cluster: str | None = None) -> Snapshot:
        snapshot = self._snapshots.get(name)
        if snapshot is None or cluster not in (None, snapshot.cluster.name):
            raise ApiError("ClusterSnapshotNotFound", f"Snapshot not found: {name}")
        return snapshot

    @staticmethod
    def _check_changeable(snapshot: Snapshot, change: str) -> None:
        if not snapshot.manual:
            raise ApiError("InvalidClusterSnapshotState", f"The automated snapshot {snapshot.name} can't be {change}.")
        if snapshot.status != "available":
            raise ApiError("InvalidClusterSnapshotState", f"Snapshot {snapshot.name} can't be {change} while it is {snapshot.status}.")

    @staticmethod
    def _keep_for(snapshot: Snapshot, days: int, *, force: bool) -> None:
        before, snapshot.retention_days = snapshot.retention_days, days
        if snapshot.expired(utcnow()) and not force:
            snapshot.retention_days = before
            raise ApiError(
                "InvalidRetentionPeriodFault", f"Snapshot {snapshot.name} is older than {days} days. Use Force to let it expire."
            )

    def _is_wanted(self, snapshot: Snapshot, params: Params) -> bool:
        wanted = (
            ("ClusterIdentifier", snapshot.cluster.name),
            ("SnapshotIdentifier", snapshot.name),
            ("SnapshotArn", snapshot.arn),
            ("SnapshotType", "manual" if snapshot.manual else "automated"),
            ("OwnerAccount", ACCOUNT),
            ("ClusterExists", snapshot.cluster.name in self._clusters),
        )
        return (
            all(params.get(name) in (None, value) for name, value in wanted)
            and params.get("StartTime", snapshot.created) <= snapshot.created <= params.get("EndTime", snapshot.created)
            and tagged_as(params, snapshot.tags)
        )

    def _check_found(self, params: Params, found: list[Snapshot]) -> None:
        cluster, name = params.get("ClusterIdentifier"), params.get("SnapshotIdentifier") or params.get("SnapshotArn")
        if params.get("ClusterExists") and cluster is None:
            raise combination("ClusterIdentifier is required when ClusterExists is true.")
        if params.get("SnapshotType") not in (None, "manual", "automated"):
            raise invalid("SnapshotType must be automated or manual.")
        if name and not found:
            raise ApiError("ClusterSnapshotNotFound", f"Snapshot not found: {name}")
        if cluster and cluster not in self._clusters and not any(one.cluster.name == cluster for one in self._snapshots.values()):
            raise ApiError("ClusterNotFound", f"Cluster {cluster} not found.")

    def _restorable(self, params: Params) -> Snapshot:
        if params.get("OwnerAccount", ACCOUNT) != ACCOUNT:
            raise not_supported("A snapshot of another account")
        if ("SnapshotArn" in params) == ("SnapshotIdentifier" in params):
            raise combination("Give either SnapshotIdentifier or SnapshotArn.")
        name: str = params.get("SnapshotIdentifier") or params["SnapshotArn"].rpartition("/")[2]
        snapshot = self._snapshot(name, params.get("SnapshotClusterIdentifier"))
        if snapshot.status != "available":
            raise ApiError("InvalidClusterSnapshotState", f"Snapshot {name} is {snapshot.status}, not available.")
        return snapshot

    @staticmethod
    def _restored(params: Params, snapshot: Snapshot) -> Cluster:
        node_type, nodes = params.get("NodeType", snapshot.node_type), params.get("NumberOfNodes", snapshot.nodes)
        check_size(node_type, None, nodes)
        check_settings(params, node_type)
        kept = {
            "port": snapshot.port,
            "encrypted": snapshot.encrypted,
            "kms_key": snapshot.kms_key,
            "restored_from": snapshot.name,
        }
        return Cluster(
            name=params["ClusterIdentifier"],
            node_type=node_type,
            nodes=nodes,
            admin_user=snapshot.admin_user,
            database=snapshot.database,
            **{**kept, **settings_of(params)},
        )

    def _snapshot_answer(self, snapshot: Snapshot) -> Answer:
        with self._lock:
            return {"Snapshot": snapshot.describe()}
