"""Securing: what was made insecure by hand is found and repaired, one operation at a time; a dry run repairs nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.workflows.conftest import Stack

WRITES = {
    "redshift": ("ModifyCluster", "EnableLogging", "ModifyClusterParameterGroup", "RebootCluster"),
    "redshift-serverless": ("UpdateWorkgroup", "UpdateNamespace"),
}
REPAIRABLE = {
    "cluster": {"encryption", "tls", "enhanced_vpc_routing", "not_public", "audit_logging", "user_activity_logging", "snapshot_retention"},
    "workgroup": {"tls", "enhanced_vpc_routing", "not_public", "audit_logging", "user_activity_logging"},
}
AGREED = {"reboot": "allow", "read_only": "allow"}


def _statuses(output: dict[str, Any]) -> dict[str, str]:
    return {finding["rule"]: finding["status"] for finding in output["findings"]}


def _writes(stack: Stack, service: str) -> int:
    return sum(stack.calls(f"{service}:{operation}") for operation in WRITES[service])


@pytest.fixture(autouse=True)
def _fast(stack: Stack) -> Iterator[None]:
    """Changes end before the first look at them, so that many repairs take little time."""
    stack.sandbox.desk("POST", "clock", {"scale": 3000})
    yield
    stack.sandbox.desk("POST", "clock", {"scale": 120})


@pytest.fixture(scope="module")
def endpoint(deployed: Stack) -> Iterator[None]:
    """The way to S3 without which enhanced VPC routing is not turned on."""
    ec2 = deployed.sandbox.observe("ec2")
    made = ec2.create_vpc_endpoint(VpcId="vpc-00000001", ServiceName="com.amazonaws.us-east-1.s3")["VpcEndpoint"]["VpcEndpointId"]
    yield
    ec2.delete_vpc_endpoints(VpcEndpointIds=[made])


def _insecure_cluster(stack: Stack, name: str, **more: Any) -> str:
    """A cluster as people make them by hand, which nobody gave to Autopilot."""
    redshift = stack.sandbox.observe("redshift")
    given = {
        "NodeType": "ra3.large",
        "ClusterType": "single-node",
        "MasterUsername": "owner",
        "ManageMasterPassword": True,
        "Encrypted": False,
        "PubliclyAccessible": True,
        "AutomatedSnapshotRetentionPeriod": 1,
        "ClusterParameterGroupName": "default.redshift-1.0",
        **more,
    }
    redshift.create_cluster(ClusterIdentifier=name, **given)
    stack.until(lambda: stack.status(name) == "available", "the cluster is available")
    return name


def _insecure_workgroup(stack: Stack, name: str) -> str:
    serverless = stack.sandbox.observe("redshift-serverless")
    serverless.create_namespace(namespaceName=name, adminUsername="owner", manageAdminPassword=True)
    chosen = {"require_ssl": "false", "enable_user_activity_logging": "false", "search_path": "mine"}
    config = [{"parameterKey": key, "parameterValue": value} for key, value in chosen.items()]
    serverless.create_workgroup(workgroupName=name, namespaceName=name, publiclyAccessible=True, configParameters=config)
    stack.until(lambda: _workgroup(stack, name)["status"] == "AVAILABLE", "the workgroup is available")
    return name


def _workgroup(stack: Stack, name: str) -> dict[str, Any]:
    found: dict[str, Any] = stack.sandbox.observe("redshift-serverless").get_workgroup(workgroupName=name)["workgroup"]
    return found


def _cluster(stack: Stack, name: str) -> dict[str, Any]:
    found: dict[str, Any] = stack.sandbox.observe("redshift").describe_clusters(ClusterIdentifier=name)["Clusters"][0]
    return found


@pytest.mark.usefixtures("endpoint")
def test_every_repairable_rule_of_a_cluster_is_found_and_repaired(stack: Stack) -> None:
    name = _insecure_cluster(stack, "insecure")
    planned = stack.run("secure_warehouse", {"warehouse": name, "dry_run": True, **AGREED})
    assert planned.output["action"] == "secure", planned
    statuses = _statuses(planned.output)
    # The parameters are repaired by another group first; a reboot for them follows from what that look finds.
    assert {rule for rule, status in statuses.items() if status == "repairable"} == REPAIRABLE["cluster"]
    assert (_writes(stack, "redshift"), stack.lock(name)) == (0, None)

    ended = stack.run("secure_warehouse", {"warehouse": name, "reason": "review", **AGREED})
    assert ended.succeeded, ended
    assert {rule for rule, status in _statuses(ended.output).items() if status == "repaired"} == REPAIRABLE["cluster"], ended.output
    assert ended.output["changed"] is True
    seen = _cluster(stack, name)
    assert (seen["Encrypted"], seen["PubliclyAccessible"], seen["EnhancedVpcRouting"]) == (True, False, True)
    assert seen["AutomatedSnapshotRetentionPeriod"] == 7
    assert seen["ClusterParameterGroups"][0]["ParameterApplyStatus"] == "in-sync"
    assert not seen["ClusterParameterGroups"][0]["ParameterGroupName"].startswith("default.")
    assert stack.sandbox.observe("redshift").describe_logging_status(ClusterIdentifier=name)["LoggingEnabled"] is True
    assert stack.lock(name) is None
    assert stack.ledger(name)[-1]["action"] == "secure"

    stack.sandbox.desk("DELETE", "faults")
    again = stack.run("secure_warehouse", {"warehouse": name, **AGREED})
    assert (again.output["changed"], set(_statuses(again.output).values())) == (False, {"passed"})
    assert _writes(stack, "redshift") == 0


@pytest.mark.usefixtures("endpoint")
def test_every_repairable_rule_of_a_workgroup_is_found_and_repaired(stack: Stack) -> None:
    name = _insecure_workgroup(stack, "insecure-wg")
    planned = stack.run("secure_warehouse", {"warehouse": name, "dry_run": True})
    assert {rule for rule, status in _statuses(planned.output).items() if status == "repairable"} == REPAIRABLE["workgroup"], planned
    assert _writes(stack, "redshift-serverless") == 0

    ended = stack.run("secure_warehouse", {"warehouse": name})
    assert {rule for rule, status in _statuses(ended.output).items() if status == "repaired"} == REPAIRABLE["workgroup"], ended
    seen = _workgroup(stack, name)
    config = {one["parameterKey"]: one["parameterValue"] for one in seen["configParameters"]}
    assert (config["require_ssl"], config["enable_user_activity_logging"], config["search_path"]) == ("true", "true", "mine")
    assert (seen["publiclyAccessible"], seen["enhancedVpcRouting"]) == (False, True)
    exports = stack.sandbox.observe("redshift-serverless").get_namespace(namespaceName=name)["namespace"]["logExports"]
    assert sorted(exports) == ["connectionlog", "useractivitylog", "userlog"]


def test_what_nobody_agreed_to_is_left_and_told(stack: Stack) -> None:
    name = _insecure_cluster(stack, "busy", MasterUsername="awsuser")
    ended = stack.run("secure_warehouse", {"warehouse": name, "accept": {"not_public": "partners need it"}})
    assert ended.succeeded, ended
    statuses = _statuses(ended.output)
    left = {"encryption", "tls", "user_activity_logging", "enhanced_vpc_routing", "admin_name"}
    assert {rule for rule, status in statuses.items() if status == "needs_person"} == left, ended.output
    assert statuses["not_public"] == "passed"
    reasons = {finding["rule"]: finding["reason"] for finding in ended.output["findings"]}
    assert "reboot: allow" in reasons["tls"]
    assert "read_only: allow" in reasons["encryption"]
    seen = _cluster(stack, name)
    assert (seen["Encrypted"], seen["PubliclyAccessible"]) == (False, True)
    assert stack.calls("redshift:RebootCluster") == 0


def test_repair_that_aws_refuses_keeps_none_of_the_others_from_being_made(stack: Stack) -> None:
    name = _insecure_cluster(stack, "refused")
    stack.fault("redshift", "EnableLogging", "InsufficientS3BucketPolicyFault", message="not into this bucket")
    ended = stack.run("secure_warehouse", {"warehouse": name})
    findings = {finding["rule"]: finding for finding in ended.output["findings"]}
    assert findings["audit_logging"]["status"] == "needs_person"
    assert "not into this bucket (InsufficientS3BucketPolicyFault)" in findings["audit_logging"]["reason"]
    assert (findings["not_public"]["status"], findings["snapshot_retention"]["status"]) == ("repaired", "repaired")
    assert stack.calls("redshift:EnableLogging") == 1


def test_role_that_may_do_everything_is_found_and_left_to_a_person(stack: Stack) -> None:
    iam = stack.sandbox.observe("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "redshift.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName="wide", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))["Role"]
    wide = {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::lake/*"}
    iam.put_role_policy(RoleName="wide", PolicyName="lake", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [wide]}))
    name = _insecure_cluster(stack, "roles", IamRoles=[role["Arn"]])
    planned = stack.run("secure_warehouse", {"warehouse": name, "dry_run": True})
    finding = next(one for one in planned.output["findings"] if one["rule"] == "least_privilege")
    assert finding["status"] == "needs_person"
    assert finding["reason"] == f"{role['Arn']} may do s3:* by a statement of the policy lake"


def test_paused_cluster_is_judged_and_not_changed(stack: Stack) -> None:
    name = _insecure_cluster(stack, "asleep")
    stack.run("pause_warehouse", {"warehouse": name, "when_busy": "force", "drain_seconds": 0})
    stack.sandbox.desk("DELETE", "faults")
    ended = stack.run("secure_warehouse", {"warehouse": name, **AGREED})
    assert ended.succeeded, ended
    assert _statuses(ended.output)["not_public"] == "needs_person"
    assert _writes(stack, "redshift") == 0


@pytest.mark.parametrize("kind", ["cluster", "workgroup"])
def test_new_warehouse_passes_the_baseline_and_a_spec_that_breaks_it_is_left_alone(stack: Stack, kind: str) -> None:
    spec: dict[str, Any] = {"name": f"secured-{kind}", "kind": kind}
    ended = stack.run("provision_warehouse", {"spec": spec})
    assert set(_statuses(ended.output).values()) == {"passed"}, ended
    assert ended.output["detail"].endswith("of 9 rules 9 passed")
    stack.sandbox.desk("DELETE", "faults")
    open_spec = {**spec, "network": {"public": True, "public_reason": "partners reach it"}}
    ended = stack.run("provision_warehouse", {"spec": open_spec})
    reasons = {finding["rule"]: finding["reason"] for finding in ended.output["findings"]}
    assert reasons["not_public"] == "it has a public address; accepted: its spec says public: partners reach it", ended
    seen = (
        _cluster(stack, spec["name"])["PubliclyAccessible"] if kind == "cluster" else _workgroup(stack, spec["name"])["publiclyAccessible"]
    )
    assert seen is True
