"""A condition over a list of parameters is what CloudFormation makes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sandbox.stage import Stage, eventually

TEMPLATE: dict[str, Any] = {
    "Parameters": {"Subnets": {"Type": "CommaDelimitedList", "Default": ""}},
    "Conditions": {"HasSubnets": {"Fn::Not": [{"Fn::Equals": [{"Fn::Join": ["", {"Ref": "Subnets"}]}, ""]}]}},
    "Resources": {
        "Always": {"Type": "AWS::SQS::Queue"},
        "Sometimes": {"Type": "AWS::SQS::Queue", "Condition": "HasSubnets"},
    },
}


@pytest.mark.parametrize(("given", "made"), [("", ["Always"]), ("subnet-1,subnet-2", ["Always", "Sometimes"])])
def test_a_resource_whose_list_is_empty_is_not_made(stage: Stage, given: str, made: list[str]) -> None:
    cloudformation, name = stage.sandbox.client("cloudformation"), stage.name("stack")
    parameters = [{"ParameterKey": "Subnets", "ParameterValue": given}]
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(TEMPLATE), Parameters=parameters)
    eventually(lambda: cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE")
    resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    assert sorted(resource["LogicalResourceId"] for resource in resources) == made
