"""EC2 in the sandbox: a policy that asks for a tag of a security group lets in only those that carry it."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.stage import Stage


def test_condition_on_a_tag_holds_for_the_groups_that_carry_it(stage: Stage) -> None:
    condition = {"StringEquals": {"aws:ResourceTag/autopilot:managed": "true"}}
    role = stage.role([{"Effect": "Allow", "Action": "ec2:DeleteSecurityGroup", "Resource": "*", "Condition": condition}])
    given = stage.sandbox.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    ours, ec2 = stage.sandbox.client("ec2"), stage.sandbox.client("ec2", credentials=given)
    tags = [{"ResourceType": "security-group", "Tags": [{"Key": "autopilot:managed", "Value": "true"}]}]
    tagged = ours.create_security_group(GroupName=stage.name("group"), Description="ours", TagSpecifications=tags)["GroupId"]
    plain = ours.create_security_group(GroupName=stage.name("group"), Description="theirs")["GroupId"]
    ec2.delete_security_group(GroupId=tagged)
    with pytest.raises(ClientError) as refused:
        ec2.delete_security_group(GroupId=plain)
    assert refused.value.response["Error"]["Code"] == "UnauthorizedOperation"
    ours.delete_security_group(GroupId=plain)
