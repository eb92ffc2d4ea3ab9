"""A cluster's life: create, describe, pause, resume, reboot, delete."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Final

from sandbox.kernel import ApiError, utcnow
from sandbox.redshift.answers import Answer, Params
from sandbox.redshift.clusters_creation import settings_of
from sandbox.redshift.clusters_records import Cluster, Snapshot
from sandbox.redshift.clusters_rules import check_new_cluster, combination, tags_of
from sandbox.redshift.clusters_snapshots import Snapshots
from sandbox.redshift.clusters_state import described, nothing_more, tagged_as
from sandbox.redshift.lifecycle import DURATIONS
from sandbox.world import Caller

RECENT_BACKUP: Final = timedelta(hours=24)
"""How old the newest snapshot may be for a pause. AWS does not publish its limit."""


class ClusterLife(Snapshots):
    """The operations that begin, suspend and end a cluster."""

    def create_cluster(self, params: Params, _caller: Caller) -> Answer:
        check_new_cluster(params)
        cluster = self._create(params)
        answer = self._answer(cluster)
        self._finish(cluster, DURATIONS["create cluster"], partial(self._start_backups, cluster), "created")
        return answer

    def adopt(self, params: Params, *, backed_up: bool = False) -> None:
        """Put an available cluster there, with CreateCluster's parameters, also of a node type that is no longer sold.

        `backed_up` gives it an automated snapshot, which a pause needs; there is no data in it.
        """
        check_new_cluster(params, only_sold=False)
        cluster = self._create(params)
        with self._lock:
            cluster.status = "available"
            if backed_up:
                name = f"rs:{cluster.name}-adopted"
                self._snapshots[name] = Snapshot(name, cluster, manual=False, retention_days=1, status="available")

    def describe_clusters(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            name = params.get("ClusterIdentifier")
            chosen = self._clusters.values() if name is None else [self._cluster(name)]
            tagged = [cluster for cluster in chosen if tagged_as(params, cluster.tags)]
            return described("Clusters", tagged, params, lambda cluster: cluster.name, Cluster.describe)

    def pause_cluster(self, params: Params, _caller: Caller) -> Answer:
        self._drop_expired()
        with self._present():
            cluster = self._cluster_in(params["ClusterIdentifier"], "available", "pause")
            self._check_pause(cluster)
            cluster.status = "pausing"
        answer = self._answer(cluster)
        self._emit("pause started", cluster.name)
        try:
            self.world.databases.stop(cluster.key)
        finally:  # a pause that began ends, whatever the databases say
            self._finish(cluster, DURATIONS["pause cluster"], nothing_more, "paused", "paused")
        return answer

    def resume_cluster(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            cluster = self._cluster_in(params["ClusterIdentifier"], "paused", "resume")
            cluster.status = "resuming"
            cluster.resumes += 1
        answer = self._answer(cluster)
        self._finish(cluster, DURATIONS["resume cluster"], partial(self.world.databases.start, cluster.key), "resumed")
        return answer

    def reboot_cluster(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            cluster = self._cluster_in(params["ClusterIdentifier"], "available", "reboot")
            cluster.status = "rebooting"
        answer = self._answer(cluster)
        try:
            self.world.databases.stop(cluster.key)
        finally:
            self._finish(cluster, DURATIONS["reboot cluster"], partial(self._rebooted, cluster), "rebooted")
        return answer

    def delete_cluster(self, params: Params, _caller: Caller) -> Answer:
        final = params.get("FinalClusterSnapshotIdentifier")
        if params.get("SkipFinalClusterSnapshot", False) == bool(final):
            raise combination("Give FinalClusterSnapshotIdentifier, or set SkipFinalClusterSnapshot to true, and not both.")
        with self._present():
            cluster = self._cluster_in(params["ClusterIdentifier"], "available", "delete")
            snapshot = self._new_snapshot(cluster, final, params.get("FinalClusterSnapshotRetentionPeriod"), {}) if final else None
            cluster.status = "final-snapshot" if snapshot else "deleting"
        answer = self._answer(cluster)
        self._begin_delete(cluster, snapshot)
        return answer

    def _begin_delete(self, cluster: Cluster, final: Snapshot | None) -> None:
        self.world.databases.stop(cluster.key)
        if final:
            self._take_final(final)
        self._forget_password(cluster)
        if not final:
            self.timeline.after(DURATIONS["delete cluster"], partial(self._deleted, cluster))

    def _create(self, params: Params) -> Cluster:
        cluster = Cluster(
            name=params["ClusterIdentifier"],
            node_type=params["NodeType"],
            nodes=params.get("NumberOfNodes", 1),
            admin_user=params["MasterUsername"],
            database=params.get("DBName", "dev"),
            tags=tags_of(params),
            **settings_of(params),
        )
        with self._present():
            self._take_name(cluster)
        with self._undone_on_error(cluster):
            self.world.databases.create(cluster.key, cluster.database, cluster.admin_user)
            self.world.databases.set_namespace(cluster.key, cluster.namespace)
            self._set_password(cluster, params)
        return cluster

    def _check_pause(self, cluster: Cluster) -> None:
        if cluster.multi_az:
            raise ApiError("UnsupportedOperation", f"Pause is not supported for the Multi-AZ cluster {cluster.name}.")
        if cluster.automated_retention == 0:
            raise ApiError("InvalidClusterState", f"You can't pause cluster {cluster.name} because automated snapshots are disabled.")
        backups = [one for one in self._snapshots_of(cluster) if one.status == "available"]
        if not any(utcnow() - one.created <= RECENT_BACKUP for one in backups):
            raise ApiError(
                "InvalidClusterState",
                f"You can't pause cluster {cluster.name} because no recently available backup was found. Take a manual snapshot and try again.",
            )

    def _rebooted(self, cluster: Cluster) -> None:
        self.world.databases.start(cluster.key)
        with self._lock:
            cluster.reboot_pending = False
            cluster.parameters_to_reboot.clear()

    def _take_final(self, snapshot: Snapshot) -> None:
        try:
            self._fill(snapshot, self._final_snapshot_done)
        except BaseException:
            self.world.databases.start(snapshot.cluster.key)
            with self._lock:
                snapshot.cluster.status = "available"
            raise
        self._emit("final snapshot started", snapshot.name)

    def _final_snapshot_done(self, snapshot: Snapshot) -> None:
        size_mb = self.world.databases.size_mb(snapshot.key)
        with self._lock:
            snapshot.status, snapshot.size_mb, snapshot.cluster.status = "available", size_mb, "deleting"
        self._emit("final snapshot completed", snapshot.name)
        self.timeline.after(DURATIONS["delete cluster"], partial(self._deleted, snapshot.cluster))

    def _deleted(self, cluster: Cluster) -> None:
        with self._lock:
            if self._clusters.get(cluster.name) is not cluster:
                return
            automated = [one for one in self._snapshots_of(cluster) if not one.manual]
        self._drop(automated)
        self.world.databases.drop(cluster.key)
        with self._lock:
            self._usage_limits = {key: limit for key, limit in self._usage_limits.items() if limit.cluster != cluster.name}
            del self._clusters[cluster.name]
        self._emit("deleted", cluster.name)
