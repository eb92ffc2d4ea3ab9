from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from sandbox.kernel import ApiError, utcnow
from sandbox.redshift.clusters import Clusters
from sandbox.redshift.lifecycle import DURATIONS
from sandbox.redshift.wire import Service, error_statuses
from tests.sandbox.fakes import LAMBDA_ROLE, ROOT, TOPIC, FakeWorld, delivered, fake_world

PASSWORD = "Secret4Redshift"


@pytest.fixture
def world() -> Iterator[FakeWorld]:
    world = fake_world()
    world.clusters = Clusters(world)
    yield world
    world.clusters.timeline.close()


@pytest.fixture
def clusters(world: FakeWorld) -> Clusters:
    found: Clusters = world.clusters
    return found


def spec(name: str = "analytics", **changes: Any) -> dict[str, Any]:
    basic = {"ClusterIdentifier": name, "NodeType": "ra3.xlplus", "NumberOfNodes": 2, "MasterUsername": "boss"}
    return basic | {"MasterUserPassword": PASSWORD} | changes


def managed_spec() -> dict[str, Any]:
    """A cluster whose admin password Redshift keeps in Secrets Manager."""
    params = spec(ManageMasterPassword=True)
    del params["MasterUserPassword"]
    return params


def create(clusters: Clusters, name: str = "analytics", **changes: Any) -> None:
    """Create a cluster and wait until it is available and has its first snapshot."""
    clusters.create_cluster(spec(name, **changes), ROOT)
    wait(clusters, "create cluster", "cluster snapshot")


def wait(clusters: Clusters, *changes: str) -> None:
    for change in changes:
        clusters.world.clock.advance(DURATIONS[change] + 1)  # type: ignore[attr-defined]
        clusters.timeline.settle()


def look(clusters: Clusters, name: str = "analytics") -> dict[str, Any]:
    found: dict[str, Any] = clusters.describe_clusters({"ClusterIdentifier": name}, ROOT)["Clusters"][0]
    return found


def status(clusters: Clusters, name: str = "analytics") -> str:
    found: str = look(clusters, name)["ClusterStatus"]
    return found


def refused(code: str) -> Any:
    """The next call is refused with this code, which must be one that the service knows."""
    assert code in error_statuses("redshift")
    return pytest.raises(ApiError, check=lambda error: error.code == code)


NAME = {"ClusterIdentifier": "analytics"}


def test_a_cluster_is_created_in_its_time(clusters: Clusters, world: FakeWorld) -> None:
    answer = clusters.create_cluster(spec(DBName="sales"), ROOT)["Cluster"]
    assert answer["ClusterStatus"] == "creating"
    assert answer["Endpoint"] is None
    world.clock.advance(DURATIONS["create cluster"] - 1)
    assert status(clusters) == "creating"
    world.clock.advance(2)
    cluster = look(clusters)
    assert (cluster["ClusterStatus"], cluster["ClusterAvailabilityStatus"]) == ("available", "Available")
    assert cluster["Endpoint"]["Port"] == 5439
    assert cluster["MultiAZ"] == "Disabled"
    warehouse = world.databases.warehouses["cluster:analytics"]
    assert (warehouse.databases, warehouse.admin_user, warehouse.passwords) == ({"sales"}, "boss", {"boss": PASSWORD})


def test_the_target_tells_the_data_api_all_it_needs(clusters: Clusters, world: FakeWorld) -> None:
    clusters.create_cluster(managed_spec(), ROOT)
    target = world.target(cluster="analytics")
    assert target is not None
    assert (target.key, target.kind, target.state, target.admin_user, target.database) == (
        "cluster:analytics",
        "cluster",
        "creating",
        "boss",
        "dev",
    )
    assert target.arn == "arn:aws:redshift:us-east-1:000000000000:cluster:analytics"
    assert target.secret_arn is not None
    assert world.ports.secrets[target.secret_arn]["username"] == "boss"
    assert clusters.target("nobody") is None


def test_a_managed_password_is_in_the_secret_and_nowhere_else(clusters: Clusters, world: FakeWorld) -> None:
    answer = clusters.create_cluster(managed_spec(), ROOT)["Cluster"]
    secret = world.ports.secrets[answer["MasterPasswordSecretArn"]]
    assert world.databases.warehouses["cluster:analytics"].passwords == {"boss": secret["password"]}
    assert secret["password"] not in str(answer)
    assert "redshift!analytics-boss" in answer["MasterPasswordSecretArn"]


def test_the_admin_password_is_never_described(clusters: Clusters) -> None:
    create(clusters)
    clusters.modify_cluster(NAME | {"MasterUserPassword": "Another4Redshift"}, ROOT)
    described = str(look(clusters))
    assert PASSWORD not in described
    assert "Another4Redshift" not in described


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ClusterIdentifier": "Analytics"}, "InvalidParameterValue"),
        ({"ClusterIdentifier": "a--b"}, "InvalidParameterValue"),
        ({"ClusterIdentifier": "a-"}, "InvalidParameterValue"),
        ({"ClusterIdentifier": "1a"}, "InvalidParameterValue"),
        ({"ClusterIdentifier": "a" * 64}, "InvalidParameterValue"),
        ({"NodeType": "ra3.huge"}, "InvalidParameterValue"),
        ({"NodeType": "dc2.large"}, "InvalidParameterValue"),
        ({"ClusterType": "single-node"}, "InvalidParameterCombination"),
        ({"ClusterType": "multi-node", "NumberOfNodes": 1}, "InvalidParameterCombination"),
        ({"NodeType": "ra3.16xlarge", "NumberOfNodes": 1}, "InvalidParameterCombination"),
        ({"NumberOfNodes": 17}, "NumberOfNodesPerClusterLimitExceeded"),
        ({"MasterUsername": "public"}, "InvalidParameterValue"),
        ({"MasterUsername": "Boss"}, "InvalidParameterValue"),
        ({"MasterUserPassword": "short1A"}, "InvalidParameterValue"),
        ({"MasterUserPassword": "nocapitals1"}, "InvalidParameterValue"),
        ({"MasterUserPassword": "Has/Slash1"}, "InvalidParameterValue"),
        ({"ManageMasterPassword": True}, "InvalidParameterCombination"),
        ({"Port": 1234}, "InvalidParameterValue"),
        ({"DBName": "Sales"}, "InvalidParameterValue"),
        ({"AutomatedSnapshotRetentionPeriod": 0}, "InvalidParameterValue"),
        ({"AutomatedSnapshotRetentionPeriod": 36}, "InvalidParameterValue"),
        ({"ManualSnapshotRetentionPeriod": 0}, "InvalidRetentionPeriodFault"),
        ({"PreferredMaintenanceWindow": "sometimes"}, "InvalidParameterValue"),
        ({"ClusterSubnetGroupName": "none"}, "ClusterSubnetGroupNotFoundFault"),
        ({"ClusterParameterGroupName": "none"}, "ClusterParameterGroupNotFound"),
        ({"Tags": [{"Key": "a", "Value": "b;c"}]}, "InvalidTagFault"),
        ({"Tags": [{"Key": "aws:a", "Value": "b"}]}, "InvalidTagFault"),
        ({"Tags": [{"Key": f"k{n}", "Value": ""} for n in range(51)]}, "TagLimitExceededFault"),
        ({"IamRoles": ["me"]}, "InvalidParameterValue"),
        ({"KmsKeyId": "k", "Encrypted": False}, "InvalidParameterCombination"),
        ({"MultiAZ": True, "NumberOfNodes": 1}, "InvalidParameterCombination"),
        ({"HsmConfigurationIdentifier": "h"}, "NotSupportedInSandbox"),
    ],
)
def test_a_cluster_that_aws_would_refuse_is_refused(clusters: Clusters, world: FakeWorld, changes: dict[str, Any], code: str) -> None:
    with refused(code):
        clusters.create_cluster(spec(**changes), ROOT)
    assert clusters.describe_clusters({}, ROOT)["Clusters"] == []
    assert world.databases.warehouses == {}


def test_a_cluster_whose_databases_cannot_be_made_leaves_nothing_behind(clusters: Clusters, world: FakeWorld) -> None:
    world.databases.broken.add("create")
    with pytest.raises(OSError, match="create failed"):
        clusters.create_cluster(spec(), ROOT)
    world.databases.broken.clear()
    create(clusters)
    assert status(clusters) == "available"


def test_of_many_requests_for_one_name_one_succeeds(clusters: Clusters) -> None:
    def attempt(_number: int) -> str:
        try:
            clusters.create_cluster(spec(), ROOT)
        except ApiError as error:
            return error.code
        return "created"

    with ThreadPoolExecutor(8) as pool:
        outcomes = sorted(pool.map(attempt, range(8)))
    assert outcomes == ["ClusterAlreadyExists"] * 7 + ["created"]


def test_an_unknown_cluster_is_not_found(clusters: Clusters) -> None:
    for operation in (clusters.pause_cluster, clusters.resume_cluster, clusters.describe_clusters, clusters.reboot_cluster):
        with refused("ClusterNotFound"):
            operation(NAME, ROOT)


def test_many_clusters_are_described_in_pages(clusters: Clusters) -> None:
    names = [f"c{number:02d}" for number in range(45)]
    for name in names:
        clusters.create_cluster(spec(name), ROOT)
    seen, marker, pages = [], None, 0
    while pages == 0 or marker:
        answer = clusters.describe_clusters({"MaxRecords": 20, **({"Marker": marker} if marker else {})}, ROOT)
        seen += [cluster["ClusterIdentifier"] for cluster in answer["Clusters"]]
        marker, pages = answer["Marker"], pages + 1
    assert (seen, pages) == (names, 3)
    for bad in ({"MaxRecords": 19}, {"MaxRecords": 101}, {"Marker": "2"}):
        with refused("InvalidParameterValue"):
            clusters.describe_clusters(bad, ROOT)


def test_clusters_are_found_by_their_tags(clusters: Clusters) -> None:
    clusters.create_cluster(spec("one", Tags=[{"Key": "team", "Value": "a"}]), ROOT)
    clusters.create_cluster(spec("two", Tags=[{"Key": "team", "Value": "b"}, {"Key": "owner", "Value": "x"}]), ROOT)

    def found(**filters: Any) -> list[str]:
        return [cluster["ClusterIdentifier"] for cluster in clusters.describe_clusters(filters, ROOT)["Clusters"]]

    assert found(TagKeys=["team"]) == ["one", "two"]
    assert found(TagKeys=["owner", "nobody"]) == ["two"]
    assert found(TagValues=["a"]) == ["one"]
    assert found(TagKeys=["owner"], TagValues=["b"]) == []


def test_a_pause_ends_queries_at_once_and_a_resume_starts_the_databases_at_its_end(clusters: Clusters, world: FakeWorld) -> None:
    create(clusters)
    warehouse = world.databases.warehouses["cluster:analytics"]
    assert clusters.pause_cluster(NAME, ROOT)["Cluster"]["ClusterStatus"] == "pausing"
    assert warehouse.stopped
    wait(clusters, "pause cluster")
    assert status(clusters) == "paused"
    assert clusters.resume_cluster(NAME, ROOT)["Cluster"]["ClusterStatus"] == "resuming"
    assert warehouse.stopped
    wait(clusters, "resume cluster")
    assert status(clusters) == "available"
    assert not warehouse.stopped


def test_a_paused_cluster_looks_like_a_single_node_and_comes_back_as_it_was(clusters: Clusters) -> None:
    create(clusters, NumberOfNodes=4)
    before = look(clusters)
    clusters.pause_cluster(NAME, ROOT)
    wait(clusters, "pause cluster")
    paused = look(clusters)
    assert (paused["NumberOfNodes"], paused["ClusterAvailabilityStatus"], paused["ClusterNodes"]) == (1, "Unavailable", [])
    clusters.resume_cluster(NAME, ROOT)
    wait(clusters, "resume cluster")
    after = look(clusters)
    assert after["NumberOfNodes"] == 4
    assert len(after["ClusterNodes"]) == 5
    assert [node["PrivateIPAddress"] for node in after["ClusterNodes"]] != [node["PrivateIPAddress"] for node in before["ClusterNodes"]]


def test_a_paused_cluster_refuses_every_change(clusters: Clusters) -> None:
    create(clusters)
    clusters.pause_cluster(NAME, ROOT)
    attempts: tuple[Callable[[], Any], ...] = (
        lambda: clusters.pause_cluster(NAME, ROOT),
        lambda: clusters.modify_cluster(NAME | {"EnhancedVpcRouting": True}, ROOT),
        lambda: clusters.resize_cluster(NAME | {"NumberOfNodes": 4}, ROOT),
        lambda: clusters.reboot_cluster(NAME, ROOT),
        lambda: clusters.delete_cluster(NAME | {"SkipFinalClusterSnapshot": True}, ROOT),
        lambda: clusters.create_cluster_snapshot(NAME | {"SnapshotIdentifier": "s"}, ROOT),
        lambda: clusters.modify_cluster_iam_roles(NAME | {"AddIamRoles": []}, ROOT),
    )
    for state in ("pausing", "paused"):
        assert status(clusters) == state
        for attempt in attempts:
            with refused("InvalidClusterState") as raised:
                attempt()
            assert state in raised.value.message
        wait(clusters, "pause cluster")


def test_only_a_paused_cluster_can_be_resumed(clusters: Clusters) -> None:
    create(clusters)
    with refused("InvalidClusterState"):
        clusters.resume_cluster(NAME, ROOT)


def test_of_many_pauses_one_succeeds(clusters: Clusters) -> None:
    create(clusters)

    def attempt(_number: int) -> str:
        try:
            clusters.pause_cluster(NAME, ROOT)
        except ApiError as error:
            return error.code
        return "pausing"

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(attempt, range(8))) == ["InvalidClusterState"] * 7 + ["pausing"]


def test_a_pause_needs_a_recent_backup(clusters: Clusters) -> None:
    create(clusters, AutomatedSnapshotRetentionPeriod=7)
    clusters.age_snapshots("analytics", timedelta(hours=25))
    assert len(clusters.describe_cluster_snapshots({}, ROOT)["Snapshots"]) == 1
    with refused("InvalidClusterState") as raised:
        clusters.pause_cluster(NAME, ROOT)
    assert "no recently available backup was found" in raised.value.message
    clusters.remove_snapshots("analytics")
    with refused("InvalidClusterState"):
        clusters.pause_cluster(NAME, ROOT)
    clusters.create_cluster_snapshot(NAME | {"SnapshotIdentifier": "now"}, ROOT)
    wait(clusters, "cluster snapshot")
    clusters.pause_cluster(NAME, ROOT)
    assert status(clusters) == "pausing"


def test_a_pause_waits_for_a_running_snapshot(clusters: Clusters) -> None:
    create(clusters)
    clusters.create_cluster_snapshot(NAME | {"SnapshotIdentifier": "now"}, ROOT)
    with refused("InvalidClusterState") as raised:
        clusters.pause_cluster(NAME, ROOT)
    assert "operation running" in raised.value.message


def test_a_pause_needs_automated_snapshots(clusters: Clusters) -> None:
    clusters.adopt(spec("old", NodeType="dc2.large", AutomatedSnapshotRetentionPeriod=0))
    with refused("InvalidClusterState") as raised:
        clusters.pause_cluster({"ClusterIdentifier": "old"}, ROOT)
    assert "automated snapshots are disabled" in raised.value.message


def test_a_multi_az_cluster_cannot_be_paused(clusters: Clusters) -> None:
    create(clusters, MultiAZ=True)
    assert look(clusters)["MultiAZ"] == "Enabled"
    with refused("UnsupportedOperation"):
        clusters.pause_cluster(NAME, ROOT)


def test_a_modification_takes_time_and_shows_what_is_pending(clusters: Clusters) -> None:
    create(clusters)
    answer = clusters.modify_cluster(NAME | {"EnhancedVpcRouting": True, "Port": 5440}, ROOT)["Cluster"]
    assert (answer["ClusterStatus"], answer["PendingModifiedValues"]) == ("modifying", {"EnhancedVpcRouting": True})
    assert not answer["EnhancedVpcRouting"]
    wait(clusters, "modify cluster")
    after = look(clusters)
    assert (after["ClusterStatus"], after["EnhancedVpcRouting"], after["Endpoint"]["Port"]) == ("available", True, 5440)
    assert after["PendingModifiedValues"] == {}


def test_a_retention_period_changes_at_once(clusters: Clusters) -> None:
    create(clusters)
    answer = clusters.modify_cluster(NAME | {"AutomatedSnapshotRetentionPeriod": 7}, ROOT)["Cluster"]
    assert (answer["ClusterStatus"], answer["AutomatedSnapshotRetentionPeriod"]) == ("available", 7)


def test_a_password_can_become_managed_and_unmanaged_again(clusters: Clusters, world: FakeWorld) -> None:
    create(clusters)
    clusters.modify_cluster(NAME | {"ManageMasterPassword": True}, ROOT)
    wait(clusters, "modify cluster")
    assert look(clusters)["MasterPasswordSecretArn"] in world.ports.secrets
    clusters.modify_cluster(NAME | {"ManageMasterPassword": False, "MasterUserPassword": "Another4Redshift"}, ROOT)
    wait(clusters, "modify cluster")
    assert look(clusters)["MasterPasswordSecretArn"] is None
    assert world.ports.secrets == {}
    assert world.databases.warehouses["cluster:analytics"].passwords == {"boss": "Another4Redshift"}


def test_a_new_parameter_group_waits_for_a_reboot(clusters: Clusters) -> None:
    create(clusters)
    group = {"ParameterGroupName": "tuned"}
    clusters.create_cluster_parameter_group(group | {"ParameterGroupFamily": "redshift-2.0", "Description": "d"}, ROOT)
    clusters.modify_cluster(NAME | {"ClusterParameterGroupName": "tuned"}, ROOT)
    wait(clusters, "modify cluster")
    assert apply_status(clusters) == ("tuned", "pending-reboot")
    clusters.reboot_cluster(NAME, ROOT)
    assert status(clusters) == "rebooting"
    wait(clusters, "reboot cluster")
    assert apply_status(clusters) == ("tuned", "in-sync")


def apply_status(clusters: Clusters) -> tuple[str, str]:
    group = look(clusters)["ClusterParameterGroups"][0]
    return group["ParameterGroupName"], group["ParameterApplyStatus"]


def test_a_static_parameter_waits_for_a_reboot_and_a_dynamic_one_does_not(clusters: Clusters) -> None:
    group = {"ParameterGroupName": "tuned"}
    clusters.create_cluster_parameter_group(group | {"ParameterGroupFamily": "redshift-2.0", "Description": "d"}, ROOT)
    create(clusters, ClusterParameterGroupName="tuned")
    queues = [{"ParameterName": "wlm_json_configuration", "ParameterValue": '[{"query_concurrency":5}]'}]
    clusters.modify_cluster_parameter_group(group | {"Parameters": queues}, ROOT)
    assert apply_status(clusters) == ("tuned", "in-sync")
    logging = [{"ParameterName": "enable_user_activity_logging", "ParameterValue": "true"}]
    clusters.modify_cluster_parameter_group(group | {"Parameters": logging}, ROOT)
    assert apply_status(clusters) == ("tuned", "pending-reboot")
    own = clusters.describe_cluster_parameters(group | {"Source": "user"}, ROOT)["Parameters"]
    assert {one["ParameterName"]: one["ParameterValue"] for one in own} == {
        "wlm_json_configuration": '[{"query_concurrency":5}]',
        "enable_user_activity_logging": "true",
    }
    clusters.reset_cluster_parameter_group(group | {"ResetAllParameters": True}, ROOT)
    assert clusters.describe_cluster_parameters(group | {"Source": "user"}, ROOT)["Parameters"] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("require_ssl", "yes"),
        ("statement_timeout", "-1"),
        ("statement_timeout", "soon"),
        ("wlm_json_configuration", "{"),
        ("nonsense", "1"),
    ],
)
def test_a_parameter_takes_only_its_own_values(clusters: Clusters, name: str, value: str) -> None:
    group = {"ParameterGroupName": "tuned"}
    clusters.create_cluster_parameter_group(group | {"ParameterGroupFamily": "redshift-2.0", "Description": "d"}, ROOT)
    with refused("InvalidParameterValue"):
        clusters.modify_cluster_parameter_group(group | {"Parameters": [{"ParameterName": name, "ParameterValue": value}]}, ROOT)


def test_default_and_used_parameter_groups_are_protected(clusters: Clusters) -> None:
    parameters = [{"ParameterName": "require_ssl", "ParameterValue": "true"}]
    with refused("InvalidClusterParameterGroupState"):
        clusters.modify_cluster_parameter_group({"ParameterGroupName": "default.redshift-2.0", "Parameters": parameters}, ROOT)
    group = {"ParameterGroupName": "tuned"}
    clusters.create_cluster_parameter_group(group | {"ParameterGroupFamily": "redshift-2.0", "Description": "d"}, ROOT)
    create(clusters, ClusterParameterGroupName="tuned")
    with refused("InvalidClusterParameterGroupState"):
        clusters.delete_cluster_parameter_group(group, ROOT)


def test_the_newer_family_requires_tls_by_default(clusters: Clusters) -> None:
    def require_ssl(family: str) -> Any:
        answer = clusters.describe_default_cluster_parameters({"ParameterGroupFamily": family}, ROOT)["DefaultClusterParameters"]
        return next(one["ParameterValue"] for one in answer["Parameters"] if one["ParameterName"] == "require_ssl")

    assert (require_ssl("redshift-1.0"), require_ssl("redshift-2.0")) == ("false", "true")


def test_a_subnet_group_is_made_changed_used_and_deleted(clusters: Clusters) -> None:
    group = {"ClusterSubnetGroupName": "inner"}
    clusters.create_cluster_subnet_group(group | {"Description": "d", "SubnetIds": ["subnet-1", "subnet-2"]}, ROOT)
    create(clusters, ClusterSubnetGroupName="inner")
    assert look(clusters)["ClusterSubnetGroupName"] == "inner"
    answer = clusters.modify_cluster_subnet_group(group | {"SubnetIds": ["subnet-3"]}, ROOT)["ClusterSubnetGroup"]
    assert [subnet["SubnetIdentifier"] for subnet in answer["Subnets"]] == ["subnet-3"]
    with refused("InvalidClusterSubnetGroupStateFault"):
        clusters.delete_cluster_subnet_group(group, ROOT)
    with refused("ClusterSubnetGroupAlreadyExists"):
        clusters.create_cluster_subnet_group(group | {"Description": "d", "SubnetIds": ["subnet-1"]}, ROOT)
    with refused("InvalidSubnet"):
        clusters.modify_cluster_subnet_group(group | {"SubnetIds": ["here"]}, ROOT)
    clusters.delete_cluster(NAME | {"SkipFinalClusterSnapshot": True}, ROOT)
    wait(clusters, "delete cluster")
    clusters.delete_cluster_subnet_group(group, ROOT)
    assert clusters.describe_cluster_subnet_groups({}, ROOT)["ClusterSubnetGroups"] == []


def test_an_elastic_resize_goes_through_its_states(clusters: Clusters) -> None:
    create(clusters)
    answer = clusters.resize_cluster(NAME | {"NumberOfNodes": 4}, ROOT)["Cluster"]
    assert (answer["ClusterStatus"], answer["NumberOfNodes"]) == ("available, prep-for-resize", 2)
    wait(clusters, "elastic resize, preparation")
    assert status(clusters) == "resizing"
    progress = clusters.describe_resize(NAME, ROOT)
    assert (progress["Status"], progress["ResizeType"], progress["TargetNumberOfNodes"]) == ("IN_PROGRESS", "ElasticResize", 4)
    wait(clusters, "elastic resize")
    assert (status(clusters), look(clusters)["NumberOfNodes"]) == ("available, resize-cleanup", 4)
    wait(clusters, "elastic resize, cleanup")
    assert status(clusters) == "available"
    assert clusters.describe_resize(NAME, ROOT)["Status"] == "SUCCEEDED"


def test_a_resize_reaches_exactly_the_sizes_that_are_offered(clusters: Clusters) -> None:
    create(clusters)
    offered = clusters.describe_node_configuration_options(NAME | {"ActionType": "resize-cluster"}, ROOT)["NodeConfigurationOptionList"]
    same_type = [option["NumberOfNodes"] for option in offered if option["NodeType"] == "ra3.xlplus"]
    assert same_type == [3, 4]
    assert look(clusters)["ElasticResizeNumberOfNodeOptions"] == "[3,4]"
    assert {option["NodeType"] for option in offered} > {"ra3.xlplus", "ra3.large"}
    for nodes in (1, 5):
        with refused("UnsupportedOperation"):
            clusters.resize_cluster(NAME | {"NumberOfNodes": nodes}, ROOT)
    assert status(clusters) == "available"


def test_offered_sizes_can_be_filtered(clusters: Clusters) -> None:
    create(clusters)
    filters = [
        {"Name": "NodeType", "Operator": "eq", "Values": ["ra3.xlplus"]},
        {"Name": "NumberOfNodes", "Operator": "between", "Values": ["4", "9"]},
    ]
    query = NAME | {"ActionType": "resize-cluster", "Filters": filters}
    options = clusters.describe_node_configuration_options(query, ROOT)["NodeConfigurationOptionList"]
    assert [(option["NodeType"], option["NumberOfNodes"]) for option in options] == [("ra3.xlplus", 4)]


def test_a_single_node_is_resized_only_the_classic_way(clusters: Clusters) -> None:
    create(clusters, NumberOfNodes=1)
    with refused("UnsupportedOperation"):
        clusters.resize_cluster(NAME | {"NumberOfNodes": 2}, ROOT)
    clusters.resize_cluster(NAME | {"NumberOfNodes": 2, "Classic": True}, ROOT)
    assert status(clusters) == "resizing"
    wait(clusters, "classic resize")
    assert (status(clusters), look(clusters)["NumberOfNodes"]) == ("available", 2)


def test_a_resize_cannot_be_cancelled(clusters: Clusters) -> None:
    create(clusters)
    for operation in (clusters.cancel_resize, clusters.describe_resize):
        with refused("ResizeNotFound"):
            operation(NAME, ROOT)
    clusters.resize_cluster(NAME | {"NumberOfNodes": 4}, ROOT)
    with refused("UnsupportedOperation"):
        clusters.cancel_resize(NAME, ROOT)


def test_every_sold_node_type_can_be_ordered(clusters: Clusters) -> None:
    options = clusters.describe_orderable_cluster_options({}, ROOT)["OrderableClusterOptions"]
    assert {option["NodeType"] for option in options} == {
        "ra3.large",
        "ra3.xlplus",
        "ra3.4xlarge",
        "ra3.16xlarge",
        "rg.xlarge",
        "rg.4xlarge",
    }
    for number, option in enumerate(options):
        nodes = 1 if option["ClusterType"] == "single-node" else 2
        wanted = {"NodeType": option["NodeType"], "ClusterType": option["ClusterType"], "NumberOfNodes": nodes}
        clusters.create_cluster(spec(f"c{number}", **wanted), ROOT)
    page = clusters.describe_orderable_cluster_options({"MaxRecords": 5}, ROOT)
    assert len(page["OrderableClusterOptions"]) == 5
    assert page["Marker"]


def test_a_snapshot_holds_the_data_of_its_moment_and_restores_it(clusters: Clusters, world: FakeWorld) -> None:
    create(clusters, NumberOfNodes=4)
    rows = world.databases.warehouses["cluster:analytics"].rows
    rows.append("old")
    clusters.create_cluster_snapshot(NAME | {"SnapshotIdentifier": "before"}, ROOT)
    rows.append("new")
    with refused("InvalidClusterSnapshotState"):
        clusters.restore_from_cluster_snapshot({"ClusterIdentifier": "copy", "SnapshotIdentifier": "before"}, ROOT)
    wait(clusters, "cluster snapshot")
    answer = clusters.restore_from_cluster_snapshot({"ClusterIdentifier": "copy", "SnapshotIdentifier": "before"}, ROOT)["Cluster"]
    assert (answer["ClusterStatus"], answer["RestoreStatus"], answer["NumberOfNodes"]) == ("creating", {"Status": "restoring"}, 4)
    wait(clusters, "restore cluster")
    assert look(clusters, "copy")["RestoreStatus"] == {"Status": "completed"}
    assert world.databases.warehouses["cluster:copy"].rows == ["old"]


def test_a_snapshot_of_a_busy_cluster_is_taken_when_it_is_idle(clusters: Clusters, world: FakeWorld) -> None:
    create(clusters)
    world.databases.busy.add("cluster:analytics")
    clusters.create_cluster_snapshot(NAME | {"SnapshotIdentifier": "s"}, ROOT)
    wait(clusters, "cluster snapshot", "cluster snapshot")
    assert snapshot_status(clusters, "s") == "creating"
    world.databases.busy.clear()
    wait(clusters, "cluster snapshot", "cluster snapshot")
    assert snapshot_status(clusters, "s") == "available"
    assert "snapshot:s" in world.databases.warehouses


def snapshot_status(clusters: Clusters, name: str) -> str:
    answer = clusters.describe_cluster_snapshots({"SnapshotIdentifier": name}, ROOT)
    found: str = answer["Snapshots"][0]["Status"]
    return found


def test_a_snapshot_that_cannot_be_copied_leaves_nothing_behind(clusters: Clusters, world: FakeWorld) -> None:
    create(clusters)
    world.databases.broken.add("copy")
    with pytest.raises(OSError, match="copy failed"):
        clusters.create_cluster_snapshot(NAME | {"SnapshotIdentifier": "s"}, ROOT)
    with refused("ClusterSnapshotNotFound"):
        clusters.describe_cluster_snapshots({"SnapshotIdentifier": "s"}, ROOT)


def test_a_manual_snapshot_expires(clusters: Clusters, world: FakeWorld) -> None:
    create(clusters)
    clusters.create_cluster_snapshot(NAME | {"SnapshotIdentifier": "s", "ManualSnapshotRetentionPeriod": 2}, ROOT)
    wait(clusters, "cluster snapshot")
    clusters.age_snapshots("analytics", timedelta(days=1))
    snapshot = clusters.describe_cluster_snapshots({"SnapshotIdentifier": "s"}, ROOT)["Snapshots"][0]
    assert (snapshot["ManualSnapshotRetentionPeriod"], snapshot["ManualSnapshotRemainingDays"]) == (2, 0)
    clusters.age_snapshots("analytics", timedelta(days=1))
    assert clusters.describe_cluster_snapshots({}, ROOT)["Snapshots"] == []
    assert list(world.databases.warehouses) == ["cluster:analytics"]


def test_a_shorter_retention_that_has_passed_needs_force(clusters: Clusters) -> None:
    create(clusters)
    clusters.create_cluster_snapshot(NAME | {"SnapshotIdentifier": "s"}, ROOT)
    wait(clusters, "cluster snapshot")
    clusters.age_snapshots("analytics", timedelta(days=3))
    change = {"SnapshotIdentifier": "s", "ManualSnapshotRetentionPeriod": 2}
    with refused("InvalidRetentionPeriodFault"):
        clusters.modify_cluster_snapshot(change, ROOT)
    assert snapshot_status(clusters, "s") == "available"
    clusters.modify_cluster_snapshot(change | {"Force": True}, ROOT)
    with refused("ClusterSnapshotNotFound"):
        snapshot_status(clusters, "s")


def test_snapshots_are_found_by_type_time_and_tag(clusters: Clusters) -> None:
    create(clusters)
    tags = [{"Key": "why", "Value": "pause"}]
    clusters.create_cluster_snapshot(NAME | {"SnapshotIdentifier": "s", "Tags": tags}, ROOT)
    wait(clusters, "cluster snapshot")

    def found(**filters: Any) -> list[str]:
        return [one["SnapshotIdentifier"] for one in clusters.describe_cluster_snapshots(filters, ROOT)["Snapshots"]]

    assert len(found()) == 2
    assert found(SnapshotType="manual") == ["s"]
    assert found(TagKeys=["why"]) == ["s"]
    assert found(SnapshotType="automated")[0].startswith("rs:analytics-")
    assert found(EndTime=utcnow() - timedelta(hours=1)) == []
    assert found(ClusterExists=False) == []
    with refused("ClusterNotFound"):
        found(ClusterIdentifier="nobody")
    with refused("NotSupportedInSandbox"):
        found(SortingEntities=[{"Attribute": "CREATE_TIME"}])


def test_automated_snapshots_cannot_be_deleted_and_manual_ones_can(clusters: Clusters, world: FakeWorld) -> None:
    create(clusters)
    automated = clusters.describe_cluster_snapshots({}, ROOT)["Snapshots"][0]["SnapshotIdentifier"]
    clusters.create_cluster_snapshot(NAME | {"SnapshotIdentifier": "s"}, ROOT)
    wait(clusters, "cluster snapshot")
    names = [{"SnapshotIdentifier": name} for name in ("s", automated, "nothing")]
    answer = clusters.batch_delete_cluster_snapshots({"Identifiers": names}, ROOT)
    assert answer["Resources"] == ["s"]
    assert [error["FailureCode"] for error in answer["Errors"]] == ["InvalidClusterSnapshotState", "ClusterSnapshotNotFound"]
    assert "snapshot:s" not in world.databases.warehouses


def test_a_deleted_cluster_is_gone_with_its_data_its_secret_and_its_automated_snapshots(clusters: Clusters, world: FakeWorld) -> None:
    clusters.create_cluster(managed_spec(), ROOT)
    wait(clusters, "create cluster", "cluster snapshot")
    assert clusters.delete_cluster(NAME | {"SkipFinalClusterSnapshot": True}, ROOT)["Cluster"]["ClusterStatus"] == "deleting"
    wait(clusters, "delete cluster")
    with refused("ClusterNotFound"):
        look(clusters)
    assert world.databases.warehouses == {}
    assert world.ports.secrets == {}


def test_a_final_snapshot_outlives_its_cluster(clusters: Clusters, world: FakeWorld) -> None:
    create(clusters)
    world.databases.warehouses["cluster:analytics"].rows.append("kept")
    world.databases.busy.add("cluster:analytics")
    final = NAME | {"FinalClusterSnapshotIdentifier": "last"}
    assert clusters.delete_cluster(final, ROOT)["Cluster"]["ClusterStatus"] == "final-snapshot"
    wait(clusters, "cluster snapshot")
    assert status(clusters) == "deleting"
    wait(clusters, "delete cluster")
    assert list(world.databases.warehouses) == ["snapshot:last"]
    clusters.restore_from_cluster_snapshot({"ClusterIdentifier": "analytics", "SnapshotIdentifier": "last"}, ROOT)
    assert world.databases.warehouses["cluster:analytics"].rows == ["kept"]


@pytest.mark.parametrize("params", [{}, {"SkipFinalClusterSnapshot": True, "FinalClusterSnapshotIdentifier": "s"}])
def test_a_deletion_must_say_whether_it_wants_a_final_snapshot(clusters: Clusters, params: dict[str, Any]) -> None:
    create(clusters)
    with refused("InvalidParameterCombination"):
        clusters.delete_cluster(NAME | params, ROOT)


def subscribe(clusters: Clusters, **filters: Any) -> None:
    clusters.create_event_subscription({"SubscriptionName": "events", "SnsTopicArn": TOPIC, **filters}, ROOT)


def published(world: FakeWorld) -> list[str]:
    """The event ids that went to the topic, in order."""
    delivered(world.hints)
    return [json.loads(message)["About this Event"].strip().rpartition("-")[2] for _, _, message in world.ports.published]


def test_the_life_of_a_cluster_is_told_to_its_subscribers(clusters: Clusters, world: FakeWorld) -> None:
    subscribe(clusters, SourceType="cluster")
    create(clusters)
    clusters.pause_cluster(NAME, ROOT)
    wait(clusters, "pause cluster")
    clusters.resume_cluster(NAME, ROOT)
    wait(clusters, "resume cluster")
    clusters.resize_cluster(NAME | {"NumberOfNodes": 4}, ROOT)
    wait(clusters, "elastic resize, preparation", "elastic resize", "elastic resize, cleanup")
    clusters.reboot_cluster(NAME, ROOT)
    wait(clusters, "reboot cluster")
    clusters.delete_cluster(NAME | {"SkipFinalClusterSnapshot": True}, ROOT)
    wait(clusters, "delete cluster")
    assert published(world) == ["2000", "3618", "3619", "3622", "2006", "3002", "3000", "2001"]


def test_manual_snapshots_are_told_and_automated_ones_are_not(clusters: Clusters, world: FakeWorld) -> None:
    subscribe(clusters, SourceType="cluster-snapshot")
    create(clusters)
    clusters.create_cluster_snapshot(NAME | {"SnapshotIdentifier": "s"}, ROOT)
    wait(clusters, "cluster snapshot")
    clusters.delete_cluster_snapshot({"SnapshotIdentifier": "s"}, ROOT)
    assert published(world) == ["2009", "3004", "2011"]


def test_a_notification_has_the_form_of_redshift(clusters: Clusters, world: FakeWorld) -> None:
    subscribe(clusters)
    create(clusters)
    delivered(world.hints)
    topic, subject, message = world.ports.published[0]
    assert (topic, subject) == (TOPIC, "[Amazon Redshift INFO] - Cluster Created")
    body = json.loads(message)
    assert (body["Event Source"], body["Resource"], body["Severity"], body["Category"]) == ("cluster", "analytics", "INFO", ["Management"])
    assert body["About this Event"].endswith("#REDSHIFT-EVENT-2000 ")


def test_an_event_is_sent_when_its_state_can_be_seen(clusters: Clusters, world: FakeWorld) -> None:
    seen: list[str] = []
    world.ports.publish = lambda *_: seen.append(status(clusters))  # type: ignore[method-assign]
    subscribe(clusters, SourceType="cluster", EventCategories=["monitoring"])
    create(clusters)
    clusters.pause_cluster(NAME, ROOT)
    wait(clusters, "pause cluster")
    clusters.resume_cluster(NAME, ROOT)
    wait(clusters, "resume cluster")
    delivered(world.hints)
    assert seen[-1] == "available"


@pytest.mark.parametrize(
    ("filters", "heard"),
    [
        ({"EventCategories": ["management"]}, ["2000", "3618"]),
        ({"EventCategories": ["Monitoring"], "SourceType": "cluster"}, ["3619"]),
        ({"SourceType": "cluster-parameter-group"}, []),
        ({"Severity": "ERROR"}, []),
        ({"Enabled": False}, []),
    ],
)
def test_a_subscription_hears_what_it_asked_for(clusters: Clusters, world: FakeWorld, filters: dict[str, Any], heard: list[str]) -> None:
    subscribe(clusters, **filters)
    create(clusters)
    clusters.pause_cluster(NAME, ROOT)
    wait(clusters, "pause cluster")
    assert published(world) == heard


def test_a_subscription_to_one_cluster_hears_of_no_other(clusters: Clusters, world: FakeWorld) -> None:
    create(clusters, "mine")
    subscribe(clusters, SourceType="cluster", SourceIds=["mine"])
    create(clusters, "other")
    clusters.reboot_cluster({"ClusterIdentifier": "mine"}, ROOT)
    wait(clusters, "reboot cluster")
    assert published(world) == ["3000"]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"SnsTopicArn": f"{TOPIC}.fifo"}, "SNSInvalidTopic"),
        ({"SourceIds": ["a"]}, "InvalidParameterCombination"),
        ({"SourceType": "cluster", "SourceIds": ["nobody"]}, "SourceNotFound"),
        ({"EventCategories": ["gossip"]}, "SubscriptionCategoryNotFound"),
        ({"Severity": "LOUD"}, "SubscriptionSeverityNotFound"),
    ],
)
def test_a_subscription_that_could_never_hear_anything_is_refused(clusters: Clusters, params: dict[str, Any], code: str) -> None:
    with refused(code):
        subscribe(clusters, **params)
    assert clusters.describe_event_subscriptions({}, ROOT)["EventSubscriptionsList"] == []


def test_a_subscription_is_changed_and_deleted(clusters: Clusters) -> None:
    subscribe(clusters)
    name = {"SubscriptionName": "events"}
    with refused("SubscriptionAlreadyExist"):
        subscribe(clusters)
    assert clusters.modify_event_subscription(name | {"Enabled": False}, ROOT)["EventSubscription"]["Enabled"] is False
    clusters.delete_event_subscription(name, ROOT)
    with refused("SubscriptionNotFound"):
        clusters.describe_event_subscriptions(name, ROOT)


def test_past_events_can_be_read(clusters: Clusters) -> None:
    create(clusters)
    clusters.pause_cluster(NAME, ROOT)
    events = clusters.describe_events({"SourceType": "cluster", "SourceIdentifier": "analytics"}, ROOT)["Events"]
    assert [event["EventId"] for event in events] == ["REDSHIFT-EVENT-2000", "REDSHIFT-EVENT-3618"]
    assert clusters.describe_events({"EndTime": utcnow() - timedelta(hours=2)}, ROOT)["Events"] == []
    with refused("InvalidParameterCombination"):
        clusters.describe_events({"SourceIdentifier": "analytics"}, ROOT)


def test_every_event_that_is_sent_is_in_the_catalogue(clusters: Clusters) -> None:
    maps = clusters.describe_event_categories({}, ROOT)["EventCategoriesMapList"]
    known = {event["EventId"] for one in maps for event in one["Events"]}
    assert {f"REDSHIFT-EVENT-{number}" for number in (2000, 3002, 3618, 3619, 3622)} <= known


def test_tags_are_added_found_and_removed(clusters: Clusters) -> None:
    create(clusters, Tags=[{"Key": "team", "Value": "a"}])
    arn = "arn:aws:redshift:us-east-1:000000000000:cluster:analytics"
    clusters.create_tags({"ResourceName": arn, "Tags": [{"Key": "autopilot:reason", "Value": "idle for 2 h @ 10:00"}]}, ROOT)
    rows = clusters.describe_tags({"ResourceType": "Cluster"}, ROOT)["TaggedResources"]
    assert {row["Tag"]["Key"]: row["Tag"]["Value"] for row in rows} == {"team": "a", "autopilot:reason": "idle for 2 h @ 10:00"}
    clusters.delete_tags({"ResourceName": arn, "TagKeys": ["team", "never"]}, ROOT)
    assert look(clusters)["Tags"] == [{"Key": "autopilot:reason", "Value": "idle for 2 h @ 10:00"}]
    for value in ("a[b]", "a,b", "a;b", "x" * 257):
        with refused("InvalidTagFault"):
            clusters.create_tags({"ResourceName": arn, "Tags": [{"Key": "k", "Value": value}]}, ROOT)
    with refused("ResourceNotFoundFault"):
        clusters.create_tags({"ResourceName": f"{arn}2", "Tags": []}, ROOT)


def test_temporary_credentials_name_the_user(clusters: Clusters) -> None:
    create(clusters)
    answer = clusters.get_cluster_credentials(NAME | {"DbUser": "boss", "DurationSeconds": 900}, ROOT)
    assert answer["DbUser"] == "IAM:boss"
    assert timedelta(0) < answer["Expiration"] - utcnow() <= timedelta(seconds=900)
    assert clusters.get_cluster_credentials_with_iam(NAME, LAMBDA_ROLE)["DbUser"] == "IAMR:pause-role"
    with refused("InvalidParameterValue"):
        clusters.get_cluster_credentials(NAME | {"DbUser": "boss", "DurationSeconds": 60}, ROOT)
    with refused("ClusterNotFound"):
        clusters.get_cluster_credentials({"ClusterIdentifier": "nobody", "DbUser": "boss"}, ROOT)


def test_enhanced_vpc_routing_is_applied_by_a_restart_that_drops_sessions(clusters: Clusters, world: FakeWorld) -> None:
    create(clusters)
    world.databases.busy.add("cluster:analytics")
    clusters.modify_cluster(NAME | {"PubliclyAccessible": True}, ROOT)
    wait(clusters, "modify cluster")
    assert world.databases.active_queries("cluster:analytics")
    clusters.modify_cluster(NAME | {"EnhancedVpcRouting": True}, ROOT)
    assert not world.databases.active_queries("cluster:analytics")


def test_audit_logs_go_to_an_existing_bucket_or_to_cloudwatch(clusters: Clusters, world: FakeWorld) -> None:
    create(clusters)
    with refused("BucketNotFoundFault"):
        clusters.enable_logging(NAME | {"BucketName": "logs"}, ROOT)
    world.ports.buckets.update({"logs", "closed"})
    world.ports.closed_buckets.add("closed")
    with refused("InsufficientS3BucketPolicyFault"):
        clusters.enable_logging(NAME | {"BucketName": "closed"}, ROOT)
    clusters.enable_logging(NAME | {"BucketName": "logs", "S3KeyPrefix": "audit/"}, ROOT)
    assert clusters.describe_logging_status(NAME, ROOT) == {
        "LoggingEnabled": True,
        "LogDestinationType": "s3",
        "BucketName": "logs",
        "S3KeyPrefix": "audit/",
    }
    clusters.enable_logging(NAME | {"LogDestinationType": "cloudwatch", "LogExports": ["userlog"]}, ROOT)
    assert clusters.describe_logging_status(NAME, ROOT)["LogExports"] == ["userlog"]
    clusters.disable_logging(NAME, ROOT)
    assert clusters.describe_logging_status(NAME, ROOT) == {"LoggingEnabled": False}


def test_roles_are_attached_and_detached(clusters: Clusters) -> None:
    create(clusters)
    role = "arn:aws:iam::000000000000:role/spectrum"
    answer = clusters.modify_cluster_iam_roles(NAME | {"AddIamRoles": [role], "DefaultIamRoleArn": role}, ROOT)["Cluster"]
    assert answer["IamRoles"] == [{"IamRoleArn": role, "ApplyStatus": "in-sync"}]
    answer = clusters.modify_cluster_iam_roles(NAME | {"RemoveIamRoles": [role]}, ROOT)["Cluster"]
    assert (answer["IamRoles"], answer["DefaultIamRoleArn"]) == ([], None)


def test_maintenance_is_deferred_and_taken_back(clusters: Clusters) -> None:
    create(clusters)
    answer = clusters.modify_cluster_maintenance(NAME | {"DeferMaintenance": True, "DeferMaintenanceDuration": 7}, ROOT)["Cluster"]
    assert len(answer["DeferredMaintenanceWindows"]) == 1
    answer = clusters.modify_cluster_maintenance(NAME | {"DeferMaintenance": False}, ROOT)["Cluster"]
    assert answer["DeferredMaintenanceWindows"] == []
    with refused("InvalidParameterValue"):
        clusters.modify_cluster_maintenance(NAME | {"DeferMaintenance": True, "DeferMaintenanceDuration": 61}, ROOT)


def test_a_usage_limit_lives_as_long_as_its_cluster(clusters: Clusters) -> None:
    create(clusters)
    wanted = NAME | {"FeatureType": "spectrum", "LimitType": "data-scanned", "Amount": 5}
    limit = clusters.create_usage_limit(wanted, ROOT)
    assert (limit["Period"], limit["BreachAction"]) == ("monthly", "log")
    with refused("UsageLimitAlreadyExists"):
        clusters.create_usage_limit(wanted, ROOT)
    with refused("InvalidUsageLimit"):
        clusters.create_usage_limit(wanted | {"LimitType": "time", "Period": "daily"}, ROOT)
    changed = clusters.modify_usage_limit({"UsageLimitId": limit["UsageLimitId"], "Amount": 9, "BreachAction": "disable"}, ROOT)
    assert (changed["Amount"], changed["BreachAction"]) == (9, "disable")
    clusters.delete_cluster(NAME | {"SkipFinalClusterSnapshot": True}, ROOT)
    wait(clusters, "delete cluster")
    assert clusters.describe_usage_limits({}, ROOT)["UsageLimits"] == []


def test_advisor_recommends_what_was_put_there(clusters: Clusters) -> None:
    create(clusters)
    assert clusters.list_recommendations({}, ROOT)["Recommendations"] == []
    clusters.put_recommendation("analytics", {"Title": "Sort it", "ImpactRanking": "HIGH"})
    found = clusters.list_recommendations(NAME, ROOT)["Recommendations"]
    assert [(one["Title"], one["ClusterIdentifier"]) for one in found] == [("Sort it", "analytics")]
    with refused("ClusterNotFound"):
        clusters.list_recommendations({"ClusterIdentifier": "nobody"}, ROOT)


def test_a_reset_forgets_everything(clusters: Clusters, world: FakeWorld) -> None:
    create(clusters)
    subscribe(clusters)
    clusters.pause_cluster(NAME, ROOT)
    clusters.reset()
    wait(clusters, "pause cluster")
    assert clusters.describe_clusters({}, ROOT)["Clusters"] == []
    assert clusters.describe_event_subscriptions({}, ROOT)["EventSubscriptionsList"] == []
    assert world.databases.warehouses == {}
    create(clusters)
    assert status(clusters) == "available"


def test_a_cluster_is_described_only_with_what_the_service_model_knows(clusters: Clusters, world: FakeWorld) -> None:
    role = "arn:aws:iam::000000000000:role/spectrum"
    world.ports.buckets.add("logs")
    create(clusters, IamRoles=[role], PubliclyAccessible=True, ElasticIp="198.51.100.7", VpcSecurityGroupIds=["sg-1"])
    clusters.resize_cluster(NAME | {"NumberOfNodes": 4}, ROOT)
    service = Service("redshift", clusters, world)
    for action in ("DescribeClusters", "DescribeClusterSnapshots", "DescribeEvents", "DescribeClusterParameterGroups", "DescribeTags"):
        assert service.handle({}, f"Action={action}".encode(), ROOT).status == 200
    for action in ("DescribeOrderableClusterOptions", "DescribeEventCategories", "DescribeUsageLimits", "ListRecommendations"):
        assert service.handle({}, f"Action={action}".encode(), ROOT).status == 200
    for action in ("DescribeResize", "DescribeLoggingStatus"):
        assert service.handle({}, f"Action={action}&ClusterIdentifier=analytics".encode(), ROOT).status == 200
