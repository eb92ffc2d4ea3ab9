"""What new warehouses are made of: the stack makes each part, unless the account brings its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.workflows.conftest import Stack


def _variables(stack: Stack, name: str) -> dict[str, str]:
    function = stack.sandbox.observe("lambda").get_function_configuration(FunctionName=f"{name}-create")
    variables: dict[str, str] = function["Environment"]["Variables"]
    return variables


def _remove(stack: Stack, name: str) -> None:
    cloudformation = stack.sandbox.observe("cloudformation")
    cloudformation.delete_stack(StackName=name)

    def gone() -> bool:
        try:
            return bool(cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE")
        except ClientError:
            return True

    stack.until(gone, "the stack is deleted")


@pytest.fixture
def network(stack: Stack) -> Iterator[dict[str, str]]:
    """A stack of its own in a VPC, with every source of the security group named."""
    ec2 = stack.sandbox.observe("ec2")
    subnets = ec2.describe_subnets()["Subnets"]
    parameters = {
        "VpcId": subnets[0]["VpcId"],
        "SubnetIds": ",".join(subnet["SubnetId"] for subnet in subnets[:3]),
        "AllowedCidr": "10.0.0.0/16",
        "AllowedSecurityGroupId": ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"],
        "AllowedPrefixListId": "pl-0a1b2c3d",
        "SpectrumBucketArns": "arn:aws:s3:::lake,arn:aws:s3:::other-lake",
        "ExternalDatabaseArns": "arn:aws:glue:us-east-1:000000000000:database/sales,arn:aws:glue:us-east-1:000000000000:database/orders",
        "FederatedSecretArns": "arn:aws:secretsmanager:us-east-1:000000000000:secret:shop-AbCdEf",
    }
    stack.sandbox.deploy(parameters, stack="networked")
    yield parameters
    _remove(stack, "networked")


def test_default_foundation_is_encrypted_logged_and_closed(stack: Stack) -> None:
    variables = _variables(stack, "redshift-autopilot")
    kms, redshift = stack.sandbox.observe("kms"), stack.sandbox.observe("redshift")
    assert kms.get_key_rotation_status(KeyId=variables["DEFAULT_KMS_KEY"])["KeyRotationEnabled"] is True
    assert kms.describe_key(KeyId="alias/redshift-autopilot")["KeyMetadata"]["Arn"] == variables["DEFAULT_KMS_KEY"]
    parameters = redshift.describe_cluster_parameters(ParameterGroupName=variables["DEFAULT_PARAMETER_GROUP"])["Parameters"]
    values = {one["ParameterName"]: one["ParameterValue"] for one in parameters}
    assert (values["require_ssl"], values["enable_user_activity_logging"]) == ("true", "true")
    assert (variables["DEFAULT_SUBNET_GROUP"], variables["DEFAULT_SUBNET_IDS"], variables["DEFAULT_SECURITY_GROUP"]) == ("", "", "")
    bucket, s3 = variables["LOG_BUCKET"], stack.sandbox.observe("s3")
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert set(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values()) == {True}


def test_redshift_may_write_audit_logs_into_the_log_bucket_and_into_no_other(stack: Stack) -> None:
    name, redshift = stack.provision(), stack.sandbox.observe("redshift")
    redshift.enable_logging(ClusterIdentifier=name, BucketName=_variables(stack, "redshift-autopilot")["LOG_BUCKET"])
    assert redshift.describe_logging_status(ClusterIdentifier=name)["LoggingEnabled"] is True
    with pytest.raises(ClientError, match="InsufficientS3BucketPolicyFault"):
        redshift.enable_logging(ClusterIdentifier=name, BucketName=stack.outputs["BucketName"])


def test_stack_in_a_vpc_makes_subnet_group_and_a_security_group_with_the_named_sources_only(stack: Stack, network: dict[str, str]) -> None:
    variables = _variables(stack, "networked")
    groups = stack.sandbox.observe("redshift").describe_cluster_subnet_groups(ClusterSubnetGroupName=variables["DEFAULT_SUBNET_GROUP"])
    found = sorted(subnet["SubnetIdentifier"] for subnet in groups["ClusterSubnetGroups"][0]["Subnets"])
    assert found == sorted(network["SubnetIds"].split(","))
    assert variables["DEFAULT_SUBNET_IDS"] == network["SubnetIds"]
    described = stack.sandbox.observe("ec2").describe_security_groups(GroupIds=[variables["DEFAULT_SECURITY_GROUP"]])["SecurityGroups"][0]
    assert {(rule["FromPort"], rule["ToPort"]) for rule in described["IpPermissions"]} == {(5439, 5439)}
    sources = json.dumps(described["IpPermissions"])
    assert all(network[source] in sources for source in ("AllowedCidr", "AllowedSecurityGroupId", "AllowedPrefixListId"))
    role = variables["DEFAULT_SPECTRUM_ROLE"].rpartition("/")[2]
    policy: dict[str, Any] = stack.sandbox.observe("iam").get_role_policy(RoleName=role, PolicyName="read-lake")["PolicyDocument"]
    assert [statement["Resource"] for statement in policy["Statement"]] == [
        ["arn:aws:s3:::lake", "arn:aws:s3:::other-lake"],
        ["arn:aws:s3:::lake/*", "arn:aws:s3:::other-lake/*"],
    ]
    made = stack.sandbox.observe("iam").get_role_policy(RoleName=role, PolicyName="make-databases")["PolicyDocument"]["Statement"]
    assert [arn.rpartition(":")[2] for arn in made[1]["Resource"]] == ["database/sales", "database/orders"]
    secrets = stack.sandbox.observe("iam").get_role_policy(RoleName=role, PolicyName="read-secrets")["PolicyDocument"]["Statement"]
    assert secrets[0]["Resource"] == [network["FederatedSecretArns"]]
