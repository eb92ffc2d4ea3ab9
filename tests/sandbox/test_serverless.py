from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from sandbox.kernel import ApiError
from sandbox.redshift.lifecycle import DURATIONS
from sandbox.redshift.serverless import Serverless
from sandbox.redshift.wire import Service, error_statuses
from tests.sandbox.fakes import LAMBDA_ROLE, ROOT, FakeDatabases, FakeWorld, delivered, fake_world

SPACE = {"namespaceName": "adhoc-data"}
GROUP = {"workgroupName": "adhoc"}


@pytest.fixture
def world() -> Iterator[FakeWorld]:
    world = fake_world()
    world.serverless = Serverless(world)
    yield world
    world.serverless.timeline.close()


@pytest.fixture
def serverless(world: FakeWorld) -> Serverless:
    found: Serverless = world.serverless
    return found


def wait(serverless: Serverless, change: str) -> None:
    serverless.world.clock.advance(DURATIONS[change] + 1)  # type: ignore[attr-defined]
    serverless.timeline.settle()


def create(serverless: Serverless, **settings: Any) -> dict[str, Any]:
    """A namespace with an available workgroup."""
    serverless.create_namespace(SPACE, ROOT)
    serverless.create_workgroup({**GROUP, **SPACE, **settings}, ROOT)
    wait(serverless, "create workgroup")
    return look(serverless)


def look(serverless: Serverless) -> dict[str, Any]:
    found: dict[str, Any] = serverless.get_workgroup(GROUP, ROOT)["workgroup"]
    return found


def refused(code: str) -> Any:
    """The next call is refused with this code, which must be one that the service knows."""
    assert code in error_statuses("redshift-serverless")
    return pytest.raises(ApiError, check=lambda error: error.code == code)


def test_a_namespace_is_there_at_once_with_its_databases_and_its_secret(serverless: Serverless, world: FakeWorld) -> None:
    params = {**SPACE, "dbName": "sales", "adminUsername": "boss", "manageAdminPassword": True}
    namespace = serverless.create_namespace(params, ROOT)["namespace"]
    assert (namespace["status"], namespace["dbName"], namespace["adminUsername"]) == ("AVAILABLE", "sales", "boss")
    secret = world.ports.secrets[namespace["adminPasswordSecretArn"]]
    warehouse = world.databases.warehouses["namespace:adhoc-data"]
    assert warehouse.databases == {"sales"}
    assert warehouse.passwords == {"boss": secret["password"]}
    assert secret["password"] not in str(namespace)


def test_nobody_reaches_the_data_without_an_available_workgroup(serverless: Serverless, world: FakeWorld) -> None:
    serverless.create_namespace(SPACE, ROOT)
    assert serverless.create_workgroup({**GROUP, **SPACE}, ROOT)["workgroup"]["status"] == "CREATING"
    assert look(serverless)["endpoint"] is None
    assert is_stopped(world)
    wait(serverless, "create workgroup")
    assert look(serverless)["status"] == "AVAILABLE"
    assert look(serverless)["endpoint"]["port"] == 5439
    assert not is_stopped(world)
    assert serverless.delete_workgroup(GROUP, ROOT)["workgroup"]["status"] == "DELETING"
    assert is_stopped(world)


def is_stopped(world: FakeWorld) -> bool:
    return world.databases.warehouses["namespace:adhoc-data"].stopped


def test_the_data_stays_when_the_workgroup_goes(serverless: Serverless, world: FakeWorld) -> None:
    create(serverless)
    world.databases.warehouses["namespace:adhoc-data"].rows.append("kept")
    serverless.delete_workgroup(GROUP, ROOT)
    wait(serverless, "delete workgroup")
    with refused("ResourceNotFoundException"):
        look(serverless)
    serverless.create_workgroup({"workgroupName": "other", **SPACE}, ROOT)
    wait(serverless, "create workgroup")
    target = world.target(workgroup="other")
    assert target is not None
    assert (target.key, target.kind, target.state, target.database) == ("namespace:adhoc-data", "workgroup", "AVAILABLE", "dev")
    assert target.arn.startswith("arn:aws:redshift-serverless:us-east-1:000000000000:workgroup/")
    assert world.databases.warehouses[target.key].rows == ["kept"]
    assert not world.databases.warehouses[target.key].stopped
    assert world.target(workgroup="adhoc") is None


def test_names_are_taken_once_and_a_namespace_has_one_workgroup(serverless: Serverless) -> None:
    create(serverless)
    with refused("ConflictException"):
        serverless.create_namespace(SPACE, ROOT)
    with refused("ConflictException"):
        serverless.create_workgroup({**GROUP, **SPACE}, ROOT)
    with refused("ConflictException"):
        serverless.create_workgroup({"workgroupName": "second", **SPACE}, ROOT)
    with refused("ResourceNotFoundException"):
        serverless.create_workgroup({"workgroupName": "second", "namespaceName": "nowhere"}, ROOT)


@pytest.mark.parametrize(
    "params",
    [
        {"manageAdminPassword": True, "adminUserPassword": "Secret4Me"},
        {"adminUserPassword": "Secret4Me"},
        {"adminUsername": "boss", "adminUserPassword": "short"},
        {"adminUsername": "Boss!"},
        {"dbName": "Sales"},
        {"tags": [{"key": "a", "value": "b,c"}]},
    ],
)
def test_a_bad_namespace_is_refused(serverless: Serverless, world: FakeWorld, params: dict[str, Any]) -> None:
    with refused("ValidationException"):
        serverless.create_namespace({**SPACE, **params}, ROOT)
    assert world.databases.warehouses == {}


def test_a_namespace_whose_databases_cannot_be_made_leaves_nothing_behind(serverless: Serverless, world: FakeWorld) -> None:
    world.databases.broken.add("create")
    with pytest.raises(OSError, match="create failed"):
        serverless.create_namespace(SPACE, ROOT)
    assert serverless.list_namespaces({}, ROOT)["namespaces"] == []
    assert world.ports.secrets == {}


@pytest.mark.parametrize(
    "params",
    [
        {"baseCapacity": 5},
        {"baseCapacity": 12},
        {"baseCapacity": 1032},
        {"maxCapacity": 100},
        {"baseCapacity": 64, "maxCapacity": 32},
        {"port": 1234},
        {"configParameters": [{"parameterKey": "speed", "parameterValue": "max"}]},
        {"pricePerformanceTarget": {"status": "ENABLED", "level": 10}},
        {"pricePerformanceTarget": {"status": "ENABLED", "level": 50}, "baseCapacity": 8},
    ],
)
def test_a_bad_workgroup_is_refused(serverless: Serverless, params: dict[str, Any]) -> None:
    serverless.create_namespace(SPACE, ROOT)
    with refused("ValidationException"):
        serverless.create_workgroup({**GROUP, **SPACE, **params}, ROOT)
    assert serverless.list_workgroups({}, ROOT)["workgroups"] == []


@pytest.mark.parametrize("base", [4, 8, 512, 1024])
def test_every_offered_base_capacity_is_taken(serverless: Serverless, base: int) -> None:
    assert create(serverless, baseCapacity=base)["baseCapacity"] == base


def test_a_workgroup_is_changed_in_its_time(serverless: Serverless) -> None:
    create(serverless)
    answer = serverless.update_workgroup({**GROUP, "baseCapacity": 16}, ROOT)["workgroup"]
    assert (answer["status"], answer["baseCapacity"]) == ("MODIFYING", 128)
    with refused("ConflictException"):
        serverless.update_workgroup({**GROUP, "port": 5440}, ROOT)
    with refused("ConflictException"):
        serverless.delete_workgroup(GROUP, ROOT)
    wait(serverless, "modify workgroup")
    assert (look(serverless)["status"], look(serverless)["baseCapacity"]) == ("AVAILABLE", 16)


def test_an_update_changes_exactly_one_parameter(serverless: Serverless) -> None:
    create(serverless)
    for params in ({}, {"baseCapacity": 16, "maxCapacity": 32}, {"port": 5440, "publiclyAccessible": True}):
        with refused("ValidationException"):
            serverless.update_workgroup({**GROUP, **params}, ROOT)
    assert look(serverless)["status"] == "AVAILABLE"


def test_usage_is_counted_with_the_base_capacity(serverless: Serverless) -> None:
    create(serverless, baseCapacity=16)
    databases = serverless.world.databases
    assert isinstance(databases, FakeDatabases)
    counted_with = databases.base_rpu
    assert list(counted_with.values()) == [16]
    serverless.update_workgroup({**GROUP, "baseCapacity": 32}, ROOT)
    wait(serverless, "modify workgroup")
    assert list(counted_with.values()) == [32]


def test_a_new_capacity_must_fit_the_other_one(serverless: Serverless) -> None:
    create(serverless, baseCapacity=16, maxCapacity=64)
    for params in ({"baseCapacity": 128}, {"maxCapacity": 8}):
        with refused("ValidationException"):
            serverless.update_workgroup({**GROUP, **params}, ROOT)
    serverless.update_workgroup({**GROUP, "maxCapacity": -1}, ROOT)
    wait(serverless, "modify workgroup")
    assert look(serverless)["maxCapacity"] is None


def test_a_config_parameter_is_added_to_the_others(serverless: Serverless) -> None:
    create(serverless)
    serverless.update_workgroup({**GROUP, "configParameters": [{"parameterKey": "require_ssl", "parameterValue": "false"}]}, ROOT)
    wait(serverless, "modify workgroup")
    values = {one["parameterKey"]: one["parameterValue"] for one in look(serverless)["configParameters"]}
    assert (values["require_ssl"], values["auto_mv"]) == ("false", "true")


def test_a_namespace_is_changed_in_its_time(serverless: Serverless, world: FakeWorld) -> None:
    serverless.create_namespace(SPACE, ROOT)
    assert serverless.update_namespace({**SPACE, "manageAdminPassword": True}, ROOT)["namespace"]["status"] == "MODIFYING"
    with refused("ConflictException"):
        serverless.update_namespace({**SPACE, "logExports": ["userlog"]}, ROOT)
    wait(serverless, "modify namespace")
    namespace = serverless.get_namespace(SPACE, ROOT)["namespace"]
    assert namespace["status"] == "AVAILABLE"
    assert namespace["adminPasswordSecretArn"] in world.ports.secrets


def test_a_namespace_in_use_is_not_deleted(serverless: Serverless) -> None:
    create(serverless)
    with refused("ConflictException") as raised:
        serverless.delete_namespace(SPACE, ROOT)
    assert "adhoc" in raised.value.message


def test_a_deleted_namespace_leaves_only_its_final_snapshot(serverless: Serverless, world: FakeWorld) -> None:
    serverless.create_namespace({**SPACE, "manageAdminPassword": True}, ROOT)
    world.databases.warehouses["namespace:adhoc-data"].rows.append("kept")
    answer = serverless.delete_namespace({**SPACE, "finalSnapshotName": "last"}, ROOT)["namespace"]
    assert answer["status"] == "DELETING"
    wait(serverless, "delete namespace")
    with refused("ResourceNotFoundException"):
        serverless.get_namespace(SPACE, ROOT)
    assert world.databases.warehouses.keys() == {"serverless-snapshot:last"}
    assert world.databases.warehouses["serverless-snapshot:last"].rows == ["kept"]
    assert world.ports.secrets == {}
    assert serverless.get_snapshot({"snapshotName": "last"}, ROOT)["snapshot"]["status"] == "AVAILABLE"


def test_snapshots_are_taken_listed_kept_and_deleted(serverless: Serverless, world: FakeWorld) -> None:
    create(serverless)
    name = {"snapshotName": "s"}
    snapshot = serverless.create_snapshot({**name, **SPACE, "retentionPeriod": 7}, ROOT)["snapshot"]
    assert (snapshot["status"], snapshot["snapshotRetentionPeriod"]) == ("CREATING", 7)
    with refused("ConflictException"):
        serverless.delete_snapshot(name, ROOT)
    with refused("ConflictException"):
        serverless.create_snapshot({**name, **SPACE}, ROOT)
    wait(serverless, "serverless snapshot")
    assert serverless.get_snapshot({"snapshotArn": snapshot["snapshotArn"]}, ROOT)["snapshot"]["status"] == "AVAILABLE"
    assert [one["snapshotName"] for one in serverless.list_snapshots(SPACE, ROOT)["snapshots"]] == ["s"]
    assert serverless.update_snapshot({**name, "retentionPeriod": 3}, ROOT)["snapshot"]["snapshotRetentionPeriod"] == 3
    serverless.delete_snapshot(name, ROOT)
    assert "serverless-snapshot:s" not in world.databases.warehouses


def test_a_snapshot_expires(serverless: Serverless, world: FakeWorld) -> None:
    create(serverless)
    serverless.create_snapshot({"snapshotName": "s", **SPACE, "retentionPeriod": 2}, ROOT)
    wait(serverless, "serverless snapshot")
    serverless._snapshots["s"].created -= timedelta(days=2)
    assert serverless.list_snapshots({}, ROOT)["snapshots"] == []
    assert "serverless-snapshot:s" not in world.databases.warehouses


def test_a_snapshot_of_a_busy_workgroup_is_taken_when_it_is_idle(serverless: Serverless, world: FakeWorld) -> None:
    create(serverless)
    world.databases.busy.add("namespace:adhoc-data")
    serverless.create_snapshot({"snapshotName": "s", **SPACE}, ROOT)
    wait(serverless, "serverless snapshot")
    assert serverless.get_snapshot({"snapshotName": "s"}, ROOT)["snapshot"]["status"] == "CREATING"
    world.databases.busy.clear()
    wait(serverless, "serverless snapshot")
    wait(serverless, "serverless snapshot")
    assert serverless.get_snapshot({"snapshotName": "s"}, ROOT)["snapshot"]["status"] == "AVAILABLE"


def test_many_namespaces_are_listed_in_pages(serverless: Serverless) -> None:
    names = [f"space-{number}" for number in range(5)]
    for name in names:
        serverless.create_namespace({"namespaceName": name}, ROOT)
    seen, token, pages = [], None, 0
    while pages == 0 or token:
        answer = serverless.list_namespaces({"maxResults": 2, **({"nextToken": token} if token else {})}, ROOT)
        seen += [one["namespaceName"] for one in answer["namespaces"]]
        token, pages = answer["nextToken"], pages + 1
    assert (seen, pages) == (names, 3)
    with refused("ValidationException"):
        serverless.list_namespaces({"nextToken": "somewhere"}, ROOT)


def test_a_usage_limit_lives_as_long_as_its_workgroup(serverless: Serverless) -> None:
    workgroup = create(serverless)
    wanted = {"resourceArn": workgroup["workgroupArn"], "usageType": "serverless-compute", "amount": 60}
    limit = serverless.create_usage_limit(wanted, ROOT)["usageLimit"]
    assert (limit["period"], limit["breachAction"]) == ("monthly", "log")
    with refused("ConflictException"):
        serverless.create_usage_limit(wanted, ROOT)
    with refused("ValidationException"):
        serverless.create_usage_limit({**wanted, "amount": 0, "period": "daily"}, ROOT)
    with refused("ResourceNotFoundException"):
        serverless.create_usage_limit({**wanted, "resourceArn": "arn:aws:x"}, ROOT)
    name = {"usageLimitId": limit["usageLimitId"]}
    assert serverless.update_usage_limit({**name, "amount": 90}, ROOT)["usageLimit"]["amount"] == 90
    assert serverless.get_usage_limit(name, ROOT)["usageLimit"]["amount"] == 90
    serverless.delete_workgroup(GROUP, ROOT)
    wait(serverless, "delete workgroup")
    assert serverless.list_usage_limits({}, ROOT)["usageLimits"] == []


def test_tags_are_added_listed_and_removed(serverless: Serverless) -> None:
    arn = {"resourceArn": create(serverless, tags=[{"key": "team", "value": "a"}])["workgroupArn"]}
    serverless.tag_resource({**arn, "tags": [{"key": "owner", "value": "me"}]}, ROOT)
    serverless.untag_resource({**arn, "tagKeys": ["team"]}, ROOT)
    assert serverless.list_tags_for_resource(arn, ROOT)["tags"] == [{"key": "owner", "value": "me"}]
    with refused("ValidationException"):
        serverless.tag_resource({**arn, "tags": [{"key": "k", "value": "[]"}]}, ROOT)
    with refused("ResourceNotFoundException"):
        serverless.list_tags_for_resource({"resourceArn": "arn:aws:nothing"}, ROOT)


def test_temporary_credentials_name_the_identity_of_the_caller(serverless: Serverless) -> None:
    create(serverless)
    assert serverless.get_credentials(GROUP, LAMBDA_ROLE)["dbUser"] == "IAMR:pause-role"
    assert serverless.get_credentials(GROUP, ROOT)["dbUser"] == "IAM:root"
    with refused("ValidationException"):
        serverless.get_credentials({**GROUP, "durationSeconds": 10}, ROOT)
    with refused("ResourceNotFoundException"):
        serverless.get_credentials({"workgroupName": "nobody"}, ROOT)


def test_events_tell_of_what_can_already_be_seen(serverless: Serverless, world: FakeWorld) -> None:
    arn = create(serverless)["workgroupArn"]
    serverless.update_workgroup({**GROUP, "baseCapacity": 16}, ROOT)
    wait(serverless, "modify workgroup")
    serverless.create_snapshot({"snapshotName": "s", **SPACE}, ROOT)
    wait(serverless, "serverless snapshot")
    serverless.delete_workgroup(GROUP, ROOT)
    wait(serverless, "delete workgroup")
    delivered(world.hints)
    assert [(kind, detail["sourceType"], detail["sourceId"]) for _, kind, _, detail in world.ports.events] == [
        ("Redshift Serverless Management", "workgroup", "adhoc"),
        ("Redshift Serverless Base RPU Change", "workgroup", "adhoc"),
        ("Redshift Serverless Monitoring", "snapshot", "s"),
        ("Redshift Serverless Management", "workgroup", "adhoc"),
    ]
    assert {source for source, *_ in world.ports.events} == {"aws.redshift-serverless"}
    assert world.ports.events[0][2] == [arn]


def test_lost_events_lose_no_change(serverless: Serverless, world: FakeWorld) -> None:
    world.hints.configure(drop=True)
    assert create(serverless)["status"] == "AVAILABLE"
    assert (world.ports.events, world.hints.dropped) == ([], 1)


def test_a_reset_forgets_everything(serverless: Serverless, world: FakeWorld) -> None:
    create(serverless)
    serverless.update_workgroup({**GROUP, "baseCapacity": 16}, ROOT)
    serverless.reset()
    wait(serverless, "modify workgroup")
    assert world.databases.warehouses == {}
    assert create(serverless)["baseCapacity"] == 128


def test_everything_is_described_only_with_what_the_service_model_knows(serverless: Serverless, world: FakeWorld) -> None:
    arn = create(serverless, subnetIds=["subnet-1"], pricePerformanceTarget={"status": "DISABLED"})["workgroupArn"]
    serverless.create_snapshot({"snapshotName": "s", **SPACE}, ROOT)
    serverless.create_usage_limit({"resourceArn": arn, "usageType": "serverless-compute", "amount": 60}, ROOT)
    service = Service("redshift-serverless", serverless, world)
    requests: dict[str, dict[str, Any]] = {
        "GetWorkgroup": GROUP,
        "GetNamespace": SPACE,
        "ListWorkgroups": {},
        "ListNamespaces": {},
        "ListSnapshots": {},
        "ListUsageLimits": {},
        "GetCredentials": GROUP,
        "UpdateNamespace": {**SPACE, "iamRoles": ["arn:aws:iam::000000000000:role/r"]},
        "DeleteWorkgroup": GROUP,
    }
    for operation, params in requests.items():
        response = service.handle({"X-Amz-Target": f"RedshiftServerless.{operation}"}, json.dumps(params).encode(), ROOT)
        assert (operation, response.status) == (operation, 200)
