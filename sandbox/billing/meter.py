"""The metrics that warehouses leave in CloudWatch, from what they really did: every query on record, every open session, every byte stored.

A paused cluster leaves none. Hardware that a PostgreSQL does not have is derived: the CPU is as busy as queries kept the slices of the nodes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sandbox.redshift.clusters_nodes import NODE_TYPES
from sandbox.world import Activity, World

Json = dict[str, Any]
_EVERY_SECONDS = 15.0
#: What a cluster's own work takes of its CPUs.
_IDLE_CPU_PERCENT = 2.0
_QUEUE = "Default queue"
#: Bounds of a query's seconds for `latency`. Source: management guide, QueriesCompletedPerSecond.
_SHORT, _MEDIUM = 10.0, 600.0
_STORAGE_MB = {"ra3.large": 8e6, "ra3.xlplus": 32e6, "ra3.4xlarge": 128e6, "ra3.16xlarge": 128e6, "dc2.large": 160e3, "dc2.8xlarge": 2560e3}


class Meter:
    """Looks at every warehouse now and then and writes what it did since the last look."""

    def __init__(self, world: World) -> None:
        self._world, self._last = world, datetime.now(UTC)
        self._lock, self._stopped = threading.Lock(), threading.Event()

    def start(self) -> None:
        """Look until it is stopped."""
        threading.Thread(target=self._run, name="sandbox-meter", daemon=True).start()

    def _run(self) -> None:
        while not self._stopped.wait(_EVERY_SECONDS):
            self.look()

    def stop(self) -> None:
        """Look no more; returns when no look is under way."""
        self._stopped.set()
        with self._lock:
            pass

    def look(self) -> None:
        """Write one data point of each metric of each warehouse that runs."""
        with self._lock:
            if self._stopped.is_set():
                return
            now = datetime.now(UTC)
            seconds = max((now - self._last).total_seconds(), 0.001)
            clusters, workgroups = self._world.clusters.running(), self._world.serverless.running()
            # A workgroup's databases are filed under its namespace.
            done = self._world.databases.activity([one.key for one in clusters] + [key for _, _, key in workgroups], self._last)
            self._last = now
            of_clusters = [point for one in clusters for point in _cluster(one, done[one.key], seconds)]
            of_workgroups = [point for name, rpu, key in workgroups for point in _workgroup(name, rpu, done[key])]
            for namespace, data in (("AWS/Redshift", of_clusters), ("AWS/Redshift-Serverless", of_workgroups)):
                if data:
                    self._world.ports.put_metrics(namespace, data)


def _cluster(cluster: Any, done: Activity, seconds: float) -> Iterator[Json]:
    slices = NODE_TYPES[cluster.node_type].vcpus * cluster.nodes
    cpu = min(_IDLE_CPU_PERCENT + 100 * sum(done.busy_seconds) / (seconds * slices), 100.0)
    stored = 100 * done.stored_mb / (_STORAGE_MB.get(cluster.node_type, 32e6) * cluster.nodes)
    own = {"ClusterIdentifier": cluster.name}
    yield _point("CPUUtilization", cpu, "Percent", own)
    yield _point("DatabaseConnections", done.sessions, "Count", own)
    yield _point("PercentageDiskSpaceUsed", stored, "Percent", own)
    yield _point("HealthStatus", 1, "Count", own)
    yield _point("MaintenanceMode", 0, "Count", own)
    bounds = {"short": (0.0, _SHORT), "medium": (_SHORT, _MEDIUM), "long": (_MEDIUM, float("inf"))}
    for latency, (least, most) in bounds.items():
        took = [one for one in done.finished_seconds if least <= one < most]
        yield _point("QueriesCompletedPerSecond", len(took) / seconds, "Count/Second", {**own, "latency": latency})
        if took:
            yield _point("QueryDuration", 1e6 * sum(took) / len(took), "Microseconds", {**own, "latency": latency})
    queue = {**own, "QueueName": _QUEUE}
    yield _point("WLMRunningQueries", done.running, "Count", queue)
    yield _point("WLMQueueLength", 0, "Count", queue)
    yield _point("WLMQueueWaitTime", 0, "Milliseconds", queue)


def _workgroup(name: str, rpu: int, done: Activity) -> Iterator[Json]:
    own = {"Workgroup": name}
    kind = {**own, "QueryType": "SELECT"}
    # Several queries at a time share the capacity; AWS bills the time in which at least one runs.
    busy = max(done.busy_seconds, default=0.0)
    yield _point("ComputeSeconds", rpu * busy, "Seconds", own)
    yield _point("ComputeCapacity", rpu if busy else 0, "Count", own)
    yield _point("DatabaseConnections", done.sessions, "Count", own)
    yield _point("QueriesRunning", done.running, "Count", kind)
    yield _point("QueriesQueued", 0, "Count", kind)
    yield _point("QueriesSucceeded", len(done.finished_seconds) - done.failed, "Count", kind)
    yield _point("QueriesFailed", done.failed, "Count", kind)


def _point(name: str, value: float, unit: str, dimensions: dict[str, str]) -> Json:
    named = [{"Name": key, "Value": text} for key, text in dimensions.items()]
    return {"MetricName": name, "Value": float(value), "Unit": unit, "Dimensions": named}
