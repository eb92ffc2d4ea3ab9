"""Applying a spec again: only the difference happens, step by step; the same spec makes no write call at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.workflows.conftest import Stack
from tests.workflows.provisioned import FULL, left_of, writes

KEY = "alias/warehouses-of-tests"
ROLES = [f"arn:aws:iam::000000000000:role/{name}" for name in ("lake", "copy")]
#: Stands for the subnets of the account's default VPC and one more.
SUBNETS: list[str] = []
PUBLIC = {"public": True, "public_reason": "a demo"}


@pytest.fixture
def quick(stack: Stack) -> Iterator[Stack]:
    stack.sandbox.desk("POST", "clock", {"scale": 1200})
    yield stack
    stack.sandbox.desk("POST", "clock", {"scale": 120})


def _apply(stack: Stack, spec: dict[str, Any], **more: Any) -> dict[str, Any]:
    ended = stack.run("provision_warehouse", {"spec": spec, **more})
    assert ended.succeeded, ended
    return ended.output


def _cluster(stack: Stack, name: str) -> dict[str, Any]:
    found: dict[str, Any] = stack.sandbox.observe("redshift").describe_clusters(ClusterIdentifier=name)["Clusters"][0]
    return found


def _merged(spec: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    return spec | {key: {**spec.get(key, {}), **value} if isinstance(value, dict) else value for key, value in change.items()}


def _key(stack: Stack) -> None:
    kms = stack.sandbox.observe("kms")
    if KEY not in [one["AliasName"] for one in kms.list_aliases()["Aliases"]]:
        kms.create_alias(AliasName=KEY, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])


#: Every field that can be changed, one by one: what the plan calls it, and what changes.
CLUSTER: list[tuple[str, dict[str, Any]]] = [
    ("network.zone_relocation", {"network": {"zone_relocation": True}}),
    ("network.zone_relocation", {"network": {"zone_relocation": False}}),
    ("network.allow_from, network.port", {"network": {"port": 5440}}),  # who may reach it may reach the new port
    ("compute.nodes", {"compute": {"nodes": 4}}),
    ("compute.node_type", {"compute": {"node_type": "ra3.xlplus"}}),
    ("compute.multi_az", {"compute": {"multi_az": True}}),
    ("compute.usage_limits.spectrum/monthly", {"compute": {"usage_limits": [{"feature": "spectrum", "amount": 9}]}}),
    ("network.allow_from", {"network": {"allow_from": ["10.0.0.0/16", "10.9.0.0/16"]}}),
    ("network.security_group_ids", {"network": {"security_group_ids": ["sg-0123456789abcdef0"]}}),
    ("network.enhanced_vpc_routing", {"network": {"enhanced_vpc_routing": False}}),
    ("network.public", {"network": PUBLIC}),
    ("network.elastic_ip", {"network": {"elastic_ip": "198.51.100.7"}}),
    ("network.ip_address_type", {"network": {"ip_address_type": "dualstack"}}),
    ("encryption.kms_key", {"encryption": {"kms_key": KEY}}),
    ("encryption.secret_kms_key", {"encryption": {"secret_kms_key": KEY}}),
    ("backups.automated_days", {"backups": {"automated_days": 14}}),
    ("backups.manual_days", {"backups": {"manual_days": 90}}),
    ("maintenance_window", {"maintenance_window": "sat:02:00-sat:03:00"}),
    ("parameters.values", {"parameters": {"values": {"statement_timeout": 1000}}}),
    ("logging", {"logging": {"destination": "cloudwatch", "exports": ["userlog"]}}),
    ("iam_roles.arns", {"iam_roles": {"arns": ROLES, "default": ROLES[0]}}),
    ("tags.team", {"tags": {"team": "b"}}),
    ("schedule", {"schedule": "office-hours"}),
    ("environment", {"environment": "dev"}),
    ("protect", {"protect": True}),
]
WORKGROUP: list[tuple[str, dict[str, Any]]] = [
    ("compute.base_rpu", {"compute": {"base_rpu": 16}}),
    ("compute.max_rpu", {"compute": {"max_rpu": 64}}),
    ("compute.usage_limits.serverless-compute/monthly", {"compute": {"usage_limits": [{"feature": "serverless-compute", "amount": 7}]}}),
    ("network.allow_from", {"network": {"allow_from": ["10.0.0.0/16", "10.9.0.0/16"]}}),
    ("network.security_group_ids", {"network": {"security_group_ids": ["sg-0123456789abcdef0"]}}),
    ("network.subnet_ids", {"network": {"subnet_ids": SUBNETS}}),
    ("network.enhanced_vpc_routing", {"network": {"enhanced_vpc_routing": False}}),
    ("network.public", {"network": PUBLIC}),
    ("network.allow_from, network.port", {"network": {"port": 5440}}),  # who may reach it may reach the new port
    ("network.ip_address_type", {"network": {"ip_address_type": "dualstack"}}),
    ("encryption.kms_key", {"encryption": {"kms_key": KEY}}),
    ("encryption.secret_kms_key", {"encryption": {"secret_kms_key": KEY}}),
    ("parameters.values", {"parameters": {"values": {"auto_mv": False}}}),
    ("logging", {"logging": {"destination": "cloudwatch", "exports": ["userlog"]}}),
    ("iam_roles.arns", {"iam_roles": {"arns": ROLES, "default": ROLES[0]}}),
    ("tags.team", {"tags": {"team": "b"}}),
    ("protect", {"protect": True}),
]


@pytest.mark.parametrize(("kind", "steps"), [("cluster", CLUSTER), ("workgroup", WORKGROUP)], ids=["cluster", "workgroup"])
def test_warehouse_becomes_what_each_new_spec_says_and_goes_without_a_trace(
    quick: Stack, kind: str, steps: list[tuple[str, dict[str, Any]]]
) -> None:
    _key(quick)
    SUBNETS[:] = _other_subnets(quick)
    name = f"every-{kind}"
    spec: dict[str, Any] = {"name": name, **FULL[kind]}
    assert _apply(quick, spec)["event"] == "Warehouse Provisioned"
    assert quick.sql(name, ["CREATE TABLE kept (a INT)", "INSERT INTO kept VALUES (7)"]).succeeded
    for field, change in steps:
        spec = _merged(spec, change)
        done = _apply(quick, spec)
        assert done["event"] == "Warehouse Changed", (field, done)
        assert f"changed: {field}" in done["detail"], done
    assert quick.rows(name, "SELECT a FROM kept") == [[7]]

    quick.sandbox.desk("DELETE", "faults")
    again = _apply(quick, spec)
    assert (again["event"], again["changed"]) == ("Warehouse Provision Skipped", False)
    assert _apply(quick, spec, dry_run=True)["changes"] == []
    assert writes(quick) == {}

    refused = quick.run("delete_warehouse", {"warehouse": name, "confirm": name})
    assert refused.error == "WarehouseProtected"
    _unprotect(quick, kind, name)
    assert quick.run("delete_warehouse", {"warehouse": name, "confirm": name, "final_snapshot": False}).succeeded
    assert left_of(quick, name) == []


def _other_subnets(stack: Stack) -> list[str]:
    """Three subnets that are not the default ones, which a workgroup without any of its own has already."""
    ec2 = stack.sandbox.observe("ec2")
    known = ec2.describe_subnets()["Subnets"]
    blocks = ["172.31.128.0/20", "172.31.144.0/20", "172.31.160.0/20"]
    there = [one["SubnetId"] for one in known if one["CidrBlock"] in blocks]
    return there or [ec2.create_subnet(VpcId=known[0]["VpcId"], CidrBlock=block)["Subnet"]["SubnetId"] for block in blocks]


def _unprotect(stack: Stack, kind: str, name: str) -> None:
    if kind == "cluster":
        arn = f"arn:aws:redshift:us-east-1:000000000000:cluster:{name}"
        stack.sandbox.observe("redshift").delete_tags(ResourceName=arn, TagKeys=["autopilot:protect"])
        return
    serverless = stack.sandbox.observe("redshift-serverless")
    arn = serverless.get_workgroup(workgroupName=name)["workgroup"]["workgroupArn"]
    serverless.untag_resource(resourceArn=arn, tagKeys=["autopilot:protect"])


def test_plan_says_what_each_step_means_and_changes_nothing(quick: Stack) -> None:
    name = quick.provision(node_type="ra3.large", nodes=2)
    quick.sandbox.desk("DELETE", "faults")
    spec = {"name": name, "compute": {"node_type": "ra3.xlplus", "nodes": 4}, "network": {"port": 5440}, "tags": {"team": "a"}}
    plan = _apply(quick, spec, dry_run=True)
    assert [(step["action"], step["field"], step["before"], step["after"]) for step in plan["changes"]] == [
        ("change", "network.port", 5439, 5440),
        ("change", "compute.node_type", "ra3.large", "ra3.xlplus"),
        ("change", "compute.nodes", 2, 4),
        ("change", "tags.team", None, "a"),
    ]
    assert "running queries are dropped" in plan["changes"][1]["consequence"]
    assert writes(quick) == {}
    assert (quick.lock(name), len(quick.ledger(name))) == (None, 1)
    new = _apply(quick, {"name": "not-there", **FULL["cluster"]}, dry_run=True)
    assert {step["action"] for step in new["changes"]} == {"create", "change"}
    replaced = _apply(quick, {"name": name, "database": "other"}, dry_run=True)
    assert [step["action"] for step in replaced["changes"]] == ["replace"]


def test_capacity_moves_in_an_order_that_aws_takes(quick: Stack) -> None:
    spec: dict[str, Any] = {"name": "flexible", "kind": "workgroup", "compute": {"base_rpu": 8, "max_rpu": 16}}
    _apply(quick, spec)
    targets: list[dict[str, Any]] = [
        {"base_rpu": 32, "max_rpu": 64},
        {"base_rpu": 16, "max_rpu": 24},
        {"price_performance_target": 50},
        {"base_rpu": 24},
    ]
    for compute in targets:
        done = _apply(quick, {**spec, "compute": compute})
        assert done["event"] == "Warehouse Changed", done
    seen = quick.sandbox.observe("redshift-serverless").get_workgroup(workgroupName="flexible")["workgroup"]
    assert (seen["baseCapacity"], seen["maxCapacity"], seen["pricePerformanceTarget"]["status"]) == (24, 24, "DISABLED")


def test_parameters_wait_for_a_reboot_that_is_allowed(quick: Stack) -> None:
    spec: dict[str, Any] = {"name": "rebooted", "parameters": {"values": {"statement_timeout": 1000}}}
    _apply(quick, spec)
    spec["parameters"] = {"values": {"statement_timeout": 2000}}
    assert "start again with reboot: allow" in _apply(quick, spec)["detail"]
    assert quick.calls("redshift:RebootCluster") == 0
    done = _apply(quick, spec, reboot="allow")
    assert (done["event"], quick.calls("redshift:RebootCluster")) == ("Warehouse Changed", 1)
    assert _cluster(quick, "rebooted")["ClusterParameterGroups"][0]["ParameterApplyStatus"] == "in-sync"
    assert _apply(quick, spec, reboot="allow")["changed"] is False


def test_change_that_aws_refuses_keeps_what_stands(quick: Stack) -> None:
    name = quick.provision(node_type="ra3.large", nodes=2)
    quick.fault("redshift", "ResizeCluster", "InvalidClusterState", message="not now", times=2)
    quick.fault("redshift", "CreateTags", "TagLimitExceededFault", message="too many tags")
    ended = quick.run("provision_warehouse", {"spec": {"name": name, "compute": {"nodes": 4}, "tags": {"team": "a"}}})
    assert (ended.status, ended.error) == ("FAILED", "AwsRefused"), ended
    assert _cluster(quick, name)["NumberOfNodes"] == 4
    assert quick.lock(name) is None
    quick.sandbox.desk("DELETE", "faults")
    assert _apply(quick, {"name": name, "compute": {"nodes": 4}, "tags": {"team": "a"}})["event"] == "Warehouse Changed"


def test_paused_cluster_is_resumed_for_what_needs_it_and_paused_again(quick: Stack) -> None:
    name = quick.provision(node_type="ra3.large", nodes=2)
    quick.run("pause_warehouse", {"warehouse": name})
    assert _apply(quick, {"name": name, "compute": {"nodes": 2}})["event"] == "Warehouse Provision Skipped"
    assert (quick.status(name), quick.calls("redshift:ResumeCluster")) == ("paused", 0)
    done = _apply(quick, {"name": name, "compute": {"nodes": 4}, "tags": {"team": "a"}})
    assert (done["event"], quick.status(name)) == ("Warehouse Changed", "paused"), done
    assert [entry["action"] for entry in quick.ledger(name)][-3:] == ["provision", "resume", "pause"]
    quick.run("resume_warehouse", {"warehouse": name})
    assert _cluster(quick, name)["NumberOfNodes"] == 4


def test_paused_cluster_is_paused_again_when_its_change_fails(quick: Stack) -> None:
    name = quick.provision()
    quick.run("pause_warehouse", {"warehouse": name})
    quick.fault("redshift", "ModifyCluster", "UnsupportedOperation", message="not this one")
    ended = quick.run("provision_warehouse", {"spec": {"name": name, "network": {"port": 5440}}})
    assert (ended.status, quick.status(name)) == ("FAILED", "paused"), ended
    assert "not this one" in ended.cause
