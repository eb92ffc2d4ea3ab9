"""Endpoints of a VPC are found by their VPC and service, as on AWS."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.stage import Stage


def test_endpoints_are_filtered_by_vpc_and_service(stage: Stage) -> None:
    ec2 = stage.sandbox.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    made = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.us-east-1.s3")["VpcEndpoint"]["VpcEndpointId"]

    def found(**filters: str) -> list[str]:
        wanted = [{"Name": name.replace("_", "-"), "Values": [value]} for name, value in filters.items()]
        return [one["VpcEndpointId"] for one in ec2.describe_vpc_endpoints(Filters=wanted)["VpcEndpoints"]]

    assert found(vpc_id=vpc, service_name="com.amazonaws.us-east-1.s3") == [made]
    assert found(vpc_id=vpc, service_name="com.amazonaws.us-east-1.dynamodb") == []
    assert found(vpc_id="vpc-00000001") == []
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        found(nonsense="x")
