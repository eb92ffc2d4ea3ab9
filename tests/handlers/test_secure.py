"""`secure`: judge a warehouse, then repair one thing a call, each after a fresh look."""

from __future__ import annotations

import json
from typing import Any

import pytest

from autopilot.aws import clients
from autopilot.domain.errors import InvalidInput, Throttled, WarehouseNotFound, WarehouseNotReady
from tests.handlers.account import Aws, Handle, execution, reference, sample
from tests.handlers.wiring import Refusal

SECURE = {
    "Encrypted": True,
    "EnhancedVpcRouting": True,
    "AutomatedSnapshotRetentionPeriod": 7,
    "MasterUsername": "owner",
    "ClusterParameterGroups": [{"ParameterGroupName": "own", "ParameterApplyStatus": "in-sync"}],
}


def secure(tried: list[dict[str, Any]] | None = None, **consent: bool) -> dict[str, Any]:
    step = {"step": "secure", "execution": execution("secure-warehouse"), "warehouse": reference()}
    return step | {"tried": tried or [], "consent": consent}


def add(aws: Aws, **more: Any) -> None:
    """A cluster that passes every rule but those that the test breaks."""
    aws.clusters.parameters["own"] = {"require_ssl": "true", "enable_user_activity_logging": "true"}
    aws.clusters.add(**{**SECURE, **more})
    aws.clusters.logging["analytics"] = {"LoggingEnabled": True, "LogDestinationType": "s3", "BucketName": "logs"}


def statuses(answer: dict[str, Any]) -> dict[str, str]:
    return {finding["rule"]: finding["status"] for finding in answer["findings"]}


def test_sample_is_a_dry_run_that_changes_nothing(aws: Aws, handle: Handle) -> None:
    add(aws, PubliclyAccessible=True)
    plan = handle(sample("secure"))
    assert (plan["action"], plan["dry_run"], statuses(plan)["not_public"]) == ("secure", True, "repairable")
    assert not [operation for operation in aws.order if not operation.startswith(("describe", "list", "get"))]


def test_secure_cluster_needs_nothing(aws: Aws, handle: Handle) -> None:
    add(aws)
    plan = handle(sample("secure"))
    assert (plan["action"], plan["reason"]) == ("nothing", "of 9 rules 9 passed")


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"warehouse": "analytics", "reboot": "perhaps"}, InvalidInput),
        ({"warehouse": "analytics", "accept": {"tsl": "typo"}}, InvalidInput),
        ({"warehouse": "nowhere"}, WarehouseNotFound),
    ],
)
def test_wrong_input_is_refused(aws: Aws, handle: Handle, given: dict[str, Any], error: type[Exception]) -> None:
    add(aws)
    with pytest.raises(error):
        handle(sample("secure") | {"input": given})


def test_repairs_follow_one_by_one_until_nothing_is_left(aws: Aws, handle: Handle) -> None:
    add(aws, PubliclyAccessible=True, AutomatedSnapshotRetentionPeriod=1)
    tried: list[dict[str, Any]] = []
    for expected in ({"PubliclyAccessible": False}, {"AutomatedSnapshotRetentionPeriod": 7}):
        answer = handle(secure(tried))
        tried = answer["tried"]
        assert (answer["next"], aws.calls("modify_cluster")[-1]) == ("available", {"ClusterIdentifier": "analytics", **expected})
        assert handle(secure(tried))["next"] == "available"
        aws.clusters.become("analytics", "available")
    done = handle(secure(tried))
    assert (done["next"], done["reason"]) == ("done", "of 9 rules 7 passed, 2 repaired (not_public, snapshot_retention)")
    assert len(aws.calls("modify_cluster")) == 2


def test_change_that_is_not_in_effect_is_waited_for(aws: Aws, handle: Handle) -> None:
    add(aws, PubliclyAccessible=True, PendingModifiedValues={"PubliclyAccessible": False})
    with pytest.raises(WarehouseNotReady, match="still changes: PubliclyAccessible"):
        handle(secure([{"key": "not_public", "rules": ["not_public"]}]))


def test_final_refusal_is_noted_and_a_passing_one_is_retried(aws: Aws, handle: Handle) -> None:
    add(aws, PubliclyAccessible=True)
    aws.fail("redshift", "modify_cluster", Refusal("Throttling"), times=4)
    with pytest.raises(Throttled):
        handle(secure())
    aws.fail("redshift", "modify_cluster", Refusal("UnsupportedOperation", "not this cluster"))
    answer = handle(secure())
    assert "not this cluster" in answer["tried"][0]["refusal"]
    done = handle(secure(answer["tried"]))
    assert (done["next"], statuses(done)["not_public"]) == ("done", "needs_person")


def test_nothing_restarts_unless_agreed(aws: Aws, handle: Handle) -> None:
    vpc = clients.client("ec2").create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    clients.client("ec2").create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.us-east-1.s3")
    add(aws, EnhancedVpcRouting=False, VpcId=vpc)
    assert handle(secure())["next"] == "done"
    assert handle(secure(reboot=True))["reason"] == "modify_cluster for enhanced_vpc_routing"


def test_policies_of_the_roles_are_read(aws: Aws, handle: Handle) -> None:
    iam = clients.client("iam")
    arn = iam.create_role(RoleName="lake", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    document = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}
    policy = iam.create_policy(PolicyName="read", PolicyDocument=json.dumps(document))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="lake", PolicyArn=policy)
    add(aws, IamRoles=[{"IamRoleArn": arn}, {"IamRoleArn": "arn:aws:iam::111111111111:role/elsewhere"}])
    reasons = {finding["rule"]: finding["reason"] for finding in handle(sample("secure"))["findings"]}
    assert f"{arn} may do s3:GetObject to every resource by a statement of the policy read" in reasons["least_privilege"]
    assert "arn:aws:iam::111111111111:role/elsewhere could not be read" in reasons["least_privilege"]
