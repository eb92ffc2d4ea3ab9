"""The plan: from what is there to what a spec says, in an order that AWS accepts, and nothing that was not asked for."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from botocore.session import get_session
from botocore.validate import validate_parameters
from hypothesis import given
from hypothesis import strategies as st

from autopilot.domain.changes import Change, Operation
from autopilot.domain.decisions import Decision, decide_provision, settles_as
from autopilot.domain.errors import WarehouseDiffers, WarehouseNotReady, WarehouseProtected
from autopilot.domain.plans import plan
from autopilot.domain.requests import Foundation
from autopilot.domain.resizing import Size
from autopilot.domain.spec import parse_spec
from autopilot.domain.spec_parts import LOG_EXPORTS, Logging, UsageLimit
from autopilot.domain.surroundings import Entry, Limit, Namespace, OwnGroup, OwnParameters, Surroundings
from autopilot.domain.tags import MANAGED_TAG
from autopilot.domain.warehouse import Warehouse
from tests.unit.builders import EXECUTION, cluster, workgroup

MANAGED = {MANAGED_TAG: "true"}
LOGGED = Logging(destination="cloudwatch", exports=list(LOG_EXPORTS))
ROLE, OTHER_ROLE = "arn:aws:iam::000000000000:role/a", "arn:aws:iam::000000000000:role/b"
KEY = "arn:aws:kms:us-east-1:000000000000:key/0f1e2d3c-aaaa-bbbb-cccc-0123456789ab"
PUBLIC = {"public": True, "public_reason": "a demo"}
OWN_GROUP = OwnGroup(id="sg-9", entries=frozenset({Entry("10.0.0.0/8", 5439)}), tags=MANAGED)


def planned(spec: dict[str, Any], around: Surroundings | None = None, *, reboot: bool = False, **seen: Any) -> list[Change]:
    kind = spec.get("kind", "cluster")
    there = (cluster if kind == "cluster" else workgroup)(**seen)
    around = around or Surroundings(logging=LOGGED)
    return plan(parse_spec({"name": there.name, **spec}), there, around, Foundation(), EXECUTION, reboot=reboot)


def created(spec: dict[str, Any], around: Surroundings | None = None, foundation: Foundation | None = None) -> list[Change]:
    return plan(parse_spec({"name": "analytics", **spec}), None, around or Surroundings(vpc="vpc-1"), foundation, EXECUTION)


def test_warehouse_that_is_what_the_spec_says_needs_no_change() -> None:
    assert planned({"compute": {"node_type": "ra3.large", "nodes": 2}}, node_type="ra3.large", nodes=2) == []


def test_nothing_but_the_secure_defaults_is_compared_where_the_spec_says_nothing() -> None:
    odd: dict[str, Any] = {
        "port": 8192,
        "multi_az": True,
        "automated_days": 3,
        "roles": [ROLE],
        "kms_key": "other",
        "parameter_group": "theirs",
        "nodes": 9,
    }
    assert planned({}, **odd) == []
    assert [change.field for change in planned({}, Surroundings(), public=True, enhanced_vpc_routing=False)] == [
        "network.enhanced_vpc_routing",
        "network.public",
        "logging",
    ]


#: Every field of a cluster that can be changed: what the spec says, what is seen, the operation, and what AWS is asked for.
CLUSTER: list[tuple[dict[str, Any], dict[str, Any], Operation, dict[str, Any]]] = [
    ({"compute": {"multi_az": True, "nodes": 2}}, {}, "modify_cluster", {"MultiAZ": True}),
    ({"network": PUBLIC}, {}, "modify_cluster", {"PubliclyAccessible": True}),
    ({"network": {"enhanced_vpc_routing": False}}, {}, "modify_cluster", {"EnhancedVpcRouting": False}),
    ({"network": {"security_group_ids": ["sg-1"]}}, {}, "modify_cluster", {"VpcSecurityGroupIds": ["sg-1"]}),
    ({"network": {"port": 5440}}, {}, "modify_cluster", {"Port": 5440}),
    (
        {"network": {**PUBLIC, "elastic_ip": "1.2.3.4"}},
        {"public": True},
        "modify_cluster",
        {"PubliclyAccessible": True, "ElasticIp": "1.2.3.4"},
    ),
    ({"network": {"zone_relocation": True}}, {}, "modify_cluster", {"AvailabilityZoneRelocation": True}),
    ({"network": {"ip_address_type": "dualstack"}}, {"ip_address_type": "ipv4"}, "modify_cluster", {"IpAddressType": "dualstack"}),
    ({"encryption": {"kms_key": KEY}}, {"kms_key": "other"}, "modify_cluster", {"Encrypted": True, "KmsKeyId": KEY}),
    (
        {"encryption": {"secret_kms_key": KEY}},
        {},
        "modify_cluster",
        {"ManageMasterPassword": True, "MasterPasswordSecretKmsKeyId": KEY},
    ),
    ({"backups": {"automated_days": 3}}, {"automated_days": 7}, "modify_cluster", {"AutomatedSnapshotRetentionPeriod": 3}),
    ({"backups": {"manual_days": 30}}, {"manual_days": -1}, "modify_cluster", {"ManualSnapshotRetentionPeriod": 30}),
    ({"maintenance_window": "sat:01:00-sat:02:00"}, {}, "modify_cluster", {"PreferredMaintenanceWindow": "sat:01:00-sat:02:00"}),
    ({"parameters": {"group": "mine"}}, {"parameter_group": "theirs"}, "modify_cluster", {"ClusterParameterGroupName": "mine"}),
    (
        {"iam_roles": {"arns": [ROLE], "default": ROLE}},
        {"roles": [OTHER_ROLE]},
        "modify_roles",
        {"AddIamRoles": [ROLE], "RemoveIamRoles": [OTHER_ROLE], "DefaultIamRoleArn": ROLE},
    ),
    ({"iam_roles": {"default": ROLE}}, {"roles": [ROLE]}, "modify_roles", {"DefaultIamRoleArn": ROLE}),
    (
        {"logging": {"destination": "s3", "bucket": "logs", "exports": ["userlog"]}},
        {},
        "enable_logging",
        {"LogDestinationType": "s3", "BucketName": "logs", "S3KeyPrefix": "analytics/", "LogExports": ["userlog"]},
    ),
    ({"logging": {"destination": "none"}}, {}, "disable_logging", {}),
    ({"tags": {"team": "a"}}, {"tags": {"team": "b"}}, "tag", {"team": "a"}),
    ({"protect": True}, {}, "tag", {"autopilot:protect": "true"}),
    ({"schedule": "office"}, {}, "tag", {"autopilot:schedule": "office"}),
    ({"environment": "dev"}, {}, "tag", {"autopilot:environment": "dev"}),
]
WORKGROUP: list[tuple[dict[str, Any], dict[str, Any], Operation, dict[str, Any]]] = [
    ({"compute": {"base_rpu": 16}}, {}, "update_workgroup", {"baseCapacity": 16}),
    ({"compute": {"max_rpu": 64}}, {}, "update_workgroup", {"maxCapacity": 64}),
    (
        {"compute": {"price_performance_target": 50}},
        {},
        "update_workgroup",
        {"pricePerformanceTarget": {"status": "ENABLED", "level": 50}},
    ),
    ({"network": PUBLIC}, {}, "update_workgroup", {"publiclyAccessible": True}),
    ({"network": {"enhanced_vpc_routing": False}}, {}, "update_workgroup", {"enhancedVpcRouting": False}),
    ({"network": {"port": 5440}}, {}, "update_workgroup", {"port": 5440}),
    ({"network": {"subnet_ids": ["subnet-1"]}}, {}, "update_workgroup", {"subnetIds": ["subnet-1"]}),
    ({"network": {"security_group_ids": ["sg-1"]}}, {}, "update_workgroup", {"securityGroupIds": ["sg-1"]}),
    ({"network": {"ip_address_type": "dualstack"}}, {}, "update_workgroup", {"ipAddressType": "dualstack"}),
    (
        {"parameters": {"values": {"auto_mv": False}}},
        {"parameters": {"require_ssl": "true", "enable_user_activity_logging": "true", "auto_mv": "true"}},
        "update_workgroup",
        {"configParameters": [{"parameterKey": "auto_mv", "parameterValue": "false"}]},
    ),
    ({"encryption": {"kms_key": KEY}}, {}, "update_namespace", {"kmsKeyId": KEY}),
    (
        {"encryption": {"secret_kms_key": KEY}},
        {},
        "update_namespace",
        {"manageAdminPassword": True, "adminPasswordSecretKmsKeyId": KEY},
    ),
    ({"iam_roles": {"default": ROLE}}, {}, "update_namespace", {"iamRoles": [ROLE], "defaultIamRoleArn": ROLE}),
    ({"logging": {"destination": "cloudwatch"}}, {}, "update_namespace", {"logExports": list(LOG_EXPORTS)}),
    ({"logging": {"destination": "none"}}, {}, "update_namespace", {"logExports": []}),
    ({"tags": {"team": "a"}}, {}, "tag", {"team": "a"}),
]
MODELS: dict[Operation, tuple[str, str, dict[str, Any]]] = {
    "modify_cluster": ("redshift", "ModifyCluster", {"ClusterIdentifier": "a"}),
    "modify_roles": ("redshift", "ModifyClusterIamRoles", {"ClusterIdentifier": "a"}),
    "enable_logging": ("redshift", "EnableLogging", {"ClusterIdentifier": "a"}),
    "disable_logging": ("redshift", "DisableLogging", {"ClusterIdentifier": "a"}),
    "update_workgroup": ("redshift-serverless", "UpdateWorkgroup", {"workgroupName": "abc"}),
    "update_namespace": ("redshift-serverless", "UpdateNamespace", {"namespaceName": "abc"}),
    "create_security_group": ("ec2", "CreateSecurityGroup", {}),
    "authorize_ingress": ("ec2", "AuthorizeSecurityGroupIngress", {}),
    "revoke_ingress": ("ec2", "RevokeSecurityGroupIngress", {}),
    "create_parameter_group": ("redshift", "CreateClusterParameterGroup", {}),
    "modify_parameters": ("redshift", "ModifyClusterParameterGroup", {}),
    "reset_parameters": ("redshift", "ResetClusterParameterGroup", {}),
}


def fits(change: Change) -> None:
    """Every request is one that AWS's own model takes."""
    if change.operation == "tag":
        return
    service, operation, more = MODELS[change.operation]
    shape = get_session().get_service_model(service).operation_model(operation).input_shape
    assert shape
    validate_parameters({**more, **change.arguments}, shape)


@pytest.mark.parametrize(
    ("spec", "seen", "operation", "arguments"),
    [*CLUSTER, *(({"kind": "workgroup", **spec}, *rest) for spec, *rest in WORKGROUP)],
    ids=[str(spec)[:70] for spec, *_ in [*CLUSTER, *WORKGROUP]],
)
def test_each_field_is_changed_by_its_own_operation(
    spec: dict[str, Any], seen: dict[str, Any], operation: str, arguments: dict[str, Any]
) -> None:
    (change,) = planned(spec, **seen)
    assert (change.operation, change.arguments, change.action) == (operation, arguments, "change")
    fits(change)


@pytest.mark.parametrize(
    ("spec", "seen", "why"),
    [
        ({"database": "sales"}, {}, "the first database cannot be renamed"),
        ({"network": {"subnet_group": "mine"}}, {"subnet_group": "theirs"}, "a cluster stays in its subnet group"),
        ({"network": {"availability_zone": "us-east-1b"}}, {"availability_zone": "us-east-1a"}, "a cluster stays in its zone"),
        ({"compute": {"nodes": 2}}, {"nodes": 1}, "only a classic resize leads"),
        ({"compute": {"nodes": 1}}, {"nodes": 4}, "only a classic resize leads"),
        ({"kind": "workgroup", "database": "sales"}, {}, "the first database cannot be renamed"),
    ],
)
def test_what_only_a_replacement_would_change_is_said_to_be_one(spec: dict[str, Any], seen: dict[str, Any], why: str) -> None:
    (change,) = planned(spec, **seen)
    assert (change.action, change.operation) == ("replace", "none")
    assert why in str(change)


# --- size -------------------------------------------------------------------------------------------------------------


def test_resize_is_elastic_and_names_type_and_count() -> None:
    (change,) = planned({"compute": {"nodes": 4}}, node_type="ra3.large", nodes=2)
    assert change.operation == "resize_cluster"
    assert change.arguments == {"NodeType": "ra3.large", "NumberOfNodes": 4, "ClusterType": "multi-node", "Classic": False}


def test_new_node_type_says_that_queries_are_dropped() -> None:
    (change,) = planned({"compute": {"node_type": "ra3.4xlarge"}}, node_type="ra3.large", nodes=2)
    assert "running queries are dropped" in change.consequence


def test_size_of_a_paused_cluster_is_the_one_that_the_ledger_knows() -> None:
    known = Surroundings(logging=LOGGED, before_pause=Size(node_type="ra3.large", nodes=4))
    spec = {"compute": {"nodes": 4}}
    assert planned(spec, known, status="paused", nodes=1) == []
    (change,) = planned({"compute": {"nodes": 2}}, known, status="paused", nodes=1)
    assert (change.before, change.after) == (4, 2)
    assert planned(spec, status="paused", nodes=1) == []


@pytest.mark.parametrize(
    ("now", "wanted", "order"),
    [((8, 16), (32, 64), ["compute.max_rpu", "compute.base_rpu"]), ((32, 64), (8, 16), ["compute.base_rpu", "compute.max_rpu"])],
)
def test_capacity_grows_from_the_top_and_shrinks_from_the_bottom(now: tuple[int, int], wanted: tuple[int, int], order: list[str]) -> None:
    spec = {"kind": "workgroup", "compute": {"base_rpu": wanted[0], "max_rpu": wanted[1]}}
    assert [change.field for change in planned(spec, base_rpu=now[0], max_rpu=now[1])] == order


@given(st.lists(st.integers(1, 32).map(lambda n: n * 8), min_size=4, max_size=4))
def test_base_never_rises_above_maximum_between_two_changes(sizes: list[int]) -> None:
    (base, most), (new_base, new_most) = sorted(sizes[:2]), sorted(sizes[2:])
    now = {"baseCapacity": base, "maxCapacity": most}
    for change in planned({"kind": "workgroup", "compute": {"base_rpu": new_base, "max_rpu": new_most}}, base_rpu=base, max_rpu=most):
        now |= change.arguments
        assert now["baseCapacity"] <= now["maxCapacity"]
    assert now == {"baseCapacity": new_base, "maxCapacity": new_most}


def test_base_capacity_comes_after_the_price_performance_target_is_off() -> None:
    changes = planned({"kind": "workgroup", "compute": {"base_rpu": 32}}, price_performance_target=50)
    assert [change.arguments for change in changes] == [{"pricePerformanceTarget": {"status": "DISABLED"}}, {"baseCapacity": 32}]


# --- who may come in --------------------------------------------------------------------------------------------------


def test_new_sources_are_let_in_before_the_port_changes_and_old_ones_shut_out_after() -> None:
    spec = {"network": {"allow_from": ["sg-1", "fd00::/8"], "port": 5440}}
    changes = planned(spec, Surroundings(logging=LOGGED, security_group=OWN_GROUP), security_group_ids=["sg-9"])
    assert [change.operation for change in changes] == ["authorize_ingress", "modify_cluster", "revoke_ingress"]
    assert changes[0].arguments == {
        "GroupId": "sg-9",
        "IpPermissions": [
            {"IpProtocol": "tcp", "FromPort": 5440, "ToPort": 5440, "Ipv6Ranges": [{"CidrIpv6": "fd00::/8"}]},
            {"IpProtocol": "tcp", "FromPort": 5440, "ToPort": 5440, "UserIdGroupPairs": [{"GroupId": "sg-1"}]},
        ],
    }
    assert changes[2].before == ["10.0.0.0/8 by port 5439"]
    fits(changes[0])
    fits(changes[2])


def test_first_sources_of_an_old_warehouse_add_a_group_to_those_it_has() -> None:
    spec = {"network": {"allow_from": ["10.0.0.0/8"]}}
    changes = planned(spec, Surroundings(logging=LOGGED, vpc="vpc-1"), security_group_ids=["sg-1"])
    assert [change.operation for change in changes] == ["create_security_group", "authorize_ingress"]
    fits(changes[0])
    after = planned(spec, Surroundings(logging=LOGGED, security_group=OWN_GROUP), security_group_ids=["sg-1"])
    assert [change.arguments for change in after] == [{"VpcSecurityGroupIds": ["sg-1", "sg-9"]}]


def test_own_group_stays_when_the_spec_names_others() -> None:
    around = Surroundings(logging=LOGGED, security_group=OWN_GROUP)
    (change,) = planned({"network": {"security_group_ids": ["sg-2"]}}, around, security_group_ids=["sg-1", "sg-9"])
    assert change.arguments == {"VpcSecurityGroupIds": ["sg-2", "sg-9"]}


def test_group_that_autopilot_did_not_make_is_left_alone() -> None:
    theirs = msgspec.structs.replace(OWN_GROUP, tags={})
    with pytest.raises(WarehouseDiffers, match="security group autopilot-cluster-analytics exists that Autopilot did not make"):
        planned({"network": {"allow_from": ["sg-1"]}}, Surroundings(security_group=theirs))


# --- parameters -------------------------------------------------------------------------------------------------------


def test_parameters_are_kept_in_a_group_of_the_clusters_own() -> None:
    spec = {"parameters": {"values": {"statement_timeout": 60000, "require_ssl": False}}}
    changes = planned(spec, parameter_group="theirs")
    assert [change.operation for change in changes] == ["create_parameter_group", "modify_parameters", "modify_cluster"]
    set_ = {one["ParameterName"]: one["ParameterValue"] for one in changes[1].arguments["Parameters"]}
    assert set_ == {"require_ssl": "false", "enable_user_activity_logging": "true", "statement_timeout": "60000"}
    assert "reboot" in changes[1].consequence
    for change in changes:
        fits(change)


def test_parameters_that_the_spec_names_no_more_go_back_to_their_defaults() -> None:
    own = OwnParameters(
        name="autopilot-cluster-analytics",
        values={"require_ssl": "true", "enable_user_activity_logging": "true", "statement_timeout": "5"},
        tags=MANAGED,
    )
    (change,) = planned({"parameters": {"values": {}}}, Surroundings(logging=LOGGED, parameters=own), parameter_group=own.name)
    assert (change.operation, change.arguments["Parameters"]) == ("reset_parameters", [{"ParameterName": "statement_timeout"}])
    fits(change)


def test_more_parameters_than_one_request_takes_are_set_in_several() -> None:
    changes = planned({"parameters": {"values": {f"p{number}": "x" for number in range(30)}}})
    sizes = [len(change.arguments["Parameters"]) for change in changes if change.operation == "modify_parameters"]
    assert sizes == [20, 12]


@pytest.mark.parametrize(("pending", "allowed", "steps"), [(True, True, ["reboot_cluster"]), (True, False, []), (False, True, [])])
def test_reboot_is_made_where_it_is_needed_and_allowed(pending: bool, allowed: bool, steps: list[str]) -> None:
    assert [change.operation for change in planned({}, reboot=allowed, reboot_pending=pending)] == steps


# --- usage limits -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["cluster", "workgroup"])
def test_usage_limits_become_those_of_the_spec(kind: str) -> None:
    def there(period: Any, amount: int) -> Limit:
        return Limit(id=f"id-{period}", limit=UsageLimit(feature="cross-region-datasharing", amount=amount, period=period))

    limits = {one.limit.name: one for one in (there("daily", 1), there("weekly", 2))}
    stated = [
        {"feature": "cross-region-datasharing", "amount": 3, "period": "weekly"},
        {"feature": "cross-region-datasharing", "amount": 9, "breach_action": "emit-metric"},
    ]
    changes = planned({"kind": kind, "compute": {"usage_limits": stated}}, Surroundings(logging=LOGGED, usage_limits=limits))
    assert [(change.field.split("/")[1], change.operation) for change in changes] == [
        ("weekly", "modify_usage_limit"),
        ("monthly", "create_usage_limit"),
        ("daily", "delete_usage_limit"),
    ]
    assert planned({"kind": kind}, Surroundings(logging=LOGGED, usage_limits=limits)) == []


# --- creation ---------------------------------------------------------------------------------------------------------


def test_plan_of_a_new_cluster_lists_every_step_in_order() -> None:
    spec = {
        "network": {"allow_from": ["10.0.0.0/8"]},
        "parameters": {"values": {"statement_timeout": 5}},
        "compute": {"usage_limits": [{"feature": "spectrum", "amount": 5}]},
    }
    assert [change.operation for change in created(spec)] == [
        "create_security_group",
        "authorize_ingress",
        "create_parameter_group",
        "modify_parameters",
        "create_cluster",
        "enable_logging",
        "create_usage_limit",
    ]
    own = OwnParameters(name="autopilot-cluster-analytics", values={}, tags=MANAGED)
    left = created(spec, Surroundings(vpc="vpc-1", security_group=OWN_GROUP, parameters=own))
    assert [change.operation for change in left][:2] == ["modify_parameters", "create_cluster"]
    assert left[1].arguments["VpcSecurityGroupIds"] == ["sg-9"]
    assert left[1].arguments["ClusterParameterGroupName"] == own.name


def test_new_cluster_takes_the_stacks_parameter_group_where_it_asks_for_none() -> None:
    (first, *_) = created({}, foundation=Foundation(parameter_group="safe"))
    assert (first.operation, first.arguments["ClusterParameterGroupName"]) == ("create_cluster", "safe")


def test_plan_of_a_new_workgroup_makes_its_namespace_unless_one_is_left() -> None:
    spec = {"kind": "workgroup"}
    assert [change.operation for change in created(spec)] == ["create_namespace", "create_workgroup"]
    left = Surroundings(namespace=Namespace("dev", MANAGED, "available"))
    assert [change.operation for change in created(spec, left)] == ["create_workgroup"]


@pytest.mark.parametrize(
    ("left", "raised", "message"),
    [
        (Namespace("dev", {}, "available"), WarehouseDiffers, "a namespace analytics exists that Autopilot did not create"),
        (Namespace("sales", MANAGED, "available"), WarehouseDiffers, "is left over with the database sales, the spec says dev"),
        (Namespace("dev", MANAGED, "deleting"), WarehouseNotReady, "is being deleted"),
    ],
)
def test_namespace_in_the_way_is_left_alone(left: Namespace, raised: type[Exception], message: str) -> None:
    with pytest.raises(raised, match=message):
        created({"kind": "workgroup"}, Surroundings(namespace=left))


def test_what_is_being_created_is_planned_for_when_it_is_there() -> None:
    assert planned({"compute": {"nodes": 4}, "network": {"availability_zone": "us-east-1b"}}, status="creating", nodes=2) == []


# --- the decision -----------------------------------------------------------------------------------------------------


def decided(spec: dict[str, Any], **seen: Any) -> Decision:
    there = cluster(**seen)
    return decide_provision(parse_spec({"name": there.name, **spec}), there, planned(spec, **seen))


def test_managed_warehouse_is_changed() -> None:
    assert decided({"tags": {"team": "a"}}, tags=MANAGED).action == "change"


def test_warehouse_that_nobody_gave_to_autopilot_is_left_alone() -> None:
    assert decided({"tags": {"team": "a"}}, tags={}).action == "differs"


def test_one_change_that_cannot_be_made_holds_back_all() -> None:
    decision = decided({"database": "sales", "tags": {"team": "a"}}, tags=MANAGED, database="dev")
    assert decision.action == "differs"
    assert "restore it under a new name" in decision.reason


def test_protected_warehouse_is_not_replaced() -> None:
    with pytest.raises(WarehouseProtected, match="would have to be replaced"):
        decided({"database": "sales"}, tags=MANAGED | {"autopilot:protect": "true"}, database="dev")


@pytest.mark.parametrize(
    ("spec", "action"),
    [
        ({"network": {"port": 5440}}, "resume"),
        ({"tags": {"team": "a"}}, "resume"),
        ({"budget": {"amount": 10}}, "change"),
        ({}, "nothing"),
    ],
)
def test_paused_cluster_is_resumed_only_for_what_needs_it(spec: dict[str, Any], action: str) -> None:
    assert decided(spec, tags=MANAGED, status="paused").action == action


@pytest.mark.parametrize("status", ["resizing", "modifying", "pausing", "available, prep-for-resize"])
def test_cluster_between_two_states_is_changed_later(status: str) -> None:
    assert decided({"tags": {"team": "a"}}, tags=MANAGED, status=status).action == "settle"


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        (None, "deleted"),
        (cluster("deleting"), "deleted"),
        (cluster("pausing"), "paused"),
        (cluster("creating"), "available"),
        (cluster("resizing"), "available"),
    ],
)
def test_what_is_between_two_states_is_known_to_end_in_one(seen: Warehouse | None, state: str) -> None:
    assert settles_as(seen) == state
