"""Which metrics warehouses leave, and what they are made of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from sandbox.billing.meter import Meter
from sandbox.redshift.clusters import Clusters
from sandbox.redshift.lifecycle import DURATIONS
from sandbox.redshift.serverless import Serverless
from sandbox.world import Activity
from tests.sandbox.fakes import ROOT, FakeDatabases, FakeWorld, fake_world

ADMIN = {"MasterUsername": "admin", "MasterUserPassword": "Abcdefg1"}
Point = tuple[str, str, frozenset[tuple[str, str]]]


class BusyDatabases(FakeDatabases):
    """Every warehouse ran two short queries, one of which failed, and one that still runs."""

    def activity(self, warehouses: list[str], since: datetime) -> dict[str, Activity]:  # noqa: ARG002 - as the protocol has it
        busy = Activity(busy_seconds=[1.0, 2.0, 4.0], finished_seconds=[1.0, 2.0], failed=1, running=1, sessions=3, stored_mb=800.0)
        return dict.fromkeys(warehouses, busy)


@pytest.fixture
def world() -> Iterator[FakeWorld]:
    world = fake_world()
    world.databases = BusyDatabases()
    world.clusters, world.serverless = Clusters(world), Serverless(world)
    yield world
    world.clusters.timeline.close()
    world.serverless.timeline.close()


def metrics(world: FakeWorld) -> dict[Point, float]:
    """What the meter writes at one look."""
    world.ports.metrics.clear()
    Meter(world).look()
    return {
        (namespace, point["MetricName"], frozenset((one["Name"], one["Value"]) for one in point["Dimensions"])): point["Value"]
        for namespace, point in world.ports.metrics
    }


def of(found: dict[Point, float], metric: str, namespace: str = "AWS/Redshift", **dimensions: str) -> float:
    return found[namespace, metric, frozenset(dimensions.items())]


def test_cluster_leaves_metrics_of_its_queries_sessions_and_data(world: FakeWorld) -> None:
    world.clusters.adopt({"ClusterIdentifier": "a", "NodeType": "dc2.large", "NumberOfNodes": 2, "ClusterType": "multi-node", **ADMIN})
    found = metrics(world)
    assert of(found, "DatabaseConnections", ClusterIdentifier="a") == 3
    # 800 MB of 2 x 160 GB
    assert of(found, "PercentageDiskSpaceUsed", ClusterIdentifier="a") == 0.25
    # one and a half seconds on average
    assert of(found, "QueryDuration", ClusterIdentifier="a", latency="short") == 1_500_000
    assert of(found, "QueriesCompletedPerSecond", ClusterIdentifier="a", latency="long") == 0
    assert of(found, "WLMRunningQueries", ClusterIdentifier="a", QueueName="Default queue") == 1
    # 7 s of work in next to no time: as much as a CPU can do
    assert of(found, "CPUUtilization", ClusterIdentifier="a") == 100


def test_paused_cluster_leaves_no_metrics(world: FakeWorld) -> None:
    world.clusters.adopt({"ClusterIdentifier": "a", "NodeType": "ra3.large", "ClusterType": "single-node", **ADMIN}, backed_up=True)
    assert metrics(world)
    world.clusters.pause_cluster({"ClusterIdentifier": "a"}, ROOT)
    assert metrics(world) == {}
    world.clock.advance(DURATIONS["pause cluster"] + 1)
    assert metrics(world) == {}


def test_workgroup_is_metered_by_its_capacity_and_the_time_in_which_it_worked(world: FakeWorld) -> None:
    world.serverless.create_namespace({"namespaceName": "adhoc-data"}, ROOT)
    world.serverless.create_workgroup({"workgroupName": "adhoc", "namespaceName": "adhoc-data", "baseCapacity": 16}, ROOT)
    assert metrics(world) == {}
    world.clock.advance(DURATIONS["create workgroup"] + 1)
    found = metrics(world)
    serverless = "AWS/Redshift-Serverless"
    # 16 RPUs for the 4 s in which the longest query ran
    assert of(found, "ComputeSeconds", serverless, Workgroup="adhoc") == 64
    assert of(found, "QueriesSucceeded", serverless, Workgroup="adhoc", QueryType="SELECT") == 1
    assert of(found, "QueriesFailed", serverless, Workgroup="adhoc", QueryType="SELECT") == 1
    assert of(found, "QueriesRunning", serverless, Workgroup="adhoc", QueryType="SELECT") == 1
