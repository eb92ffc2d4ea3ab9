"""What new warehouses are made of is made by the stack only where the account brings nothing of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.template.template_rules import Template, mentions

#: The parameter by which an account brings its own part, the resource made otherwise, and the variable that tells the functions which.
PARTS = [
    ("KmsKeyArn", "WarehouseKey", "DEFAULT_KMS_KEY"),
    ("SubnetGroupName", "WarehouseSubnetGroup", "DEFAULT_SUBNET_GROUP"),
    ("SecurityGroupId", "WarehouseSecurityGroup", "DEFAULT_SECURITY_GROUP"),
    ("ParameterGroupName", "WarehouseParameterGroup", "DEFAULT_PARAMETER_GROUP"),
    ("SpectrumRoleArn", "SpectrumRole", "DEFAULT_SPECTRUM_ROLE"),
    ("LogBucketName", "LogBucket", "LOG_BUCKET"),
]


@pytest.mark.parametrize(("parameter", "resource", "variable"), PARTS)
def test_part_is_made_only_when_the_account_brings_none(template: Template, parameter: str, resource: str, variable: str) -> None:
    assert template.body["Parameters"][parameter]["Default"] == ""
    condition = template.body["Resources"][resource]["Condition"]
    brings_none = json.dumps({"Fn::Equals": [{"Ref": parameter}, ""]})
    assert brings_none in json.dumps(template.body["Conditions"][condition])
    made_if, made, own = template.functions["CreateFunction"]["Environment"]["Variables"][variable]["Fn::If"]
    assert (made_if, mentions(made, resource), own) == (condition, True, {"Ref": parameter})


def test_security_group_lets_in_only_the_sources_that_parameters_name(template: Template) -> None:
    rules: list[Any] = template.body["Resources"]["WarehouseSecurityGroup"]["Properties"]["SecurityGroupIngress"]
    sources = ("CidrIp", "SourceSecurityGroupId", "SourcePrefixListId")
    named = []
    for rule in rules:
        _, allowed, nothing = rule["Fn::If"]
        assert nothing == {"Ref": "AWS::NoValue"}
        named += [allowed[source]["Ref"] for source in sources if source in allowed]
    assert named == ["AllowedCidr", "AllowedSecurityGroupId", "AllowedPrefixListId"]


def test_spectrum_role_reads_and_nothing_else(template: Template) -> None:
    resources = template.body["Resources"]
    documents = [resources["SpectrumRole"]["Properties"]["Policies"], resources["SpectrumReadsLakePolicy"]["Properties"]["PolicyDocument"]]
    text = json.dumps(documents)
    actions = {word.split('"')[0] for word in text.split('"') if ":" in word and word.split(":")[0] in {"glue", "s3"}}
    assert actions
    assert all(action.split(":")[1].startswith(("Get", "BatchGet", "List")) for action in actions)


def test_spectrum_role_reads_secrets_and_makes_databases_only_where_they_are_named(template: Template) -> None:
    for policy, parameter, actions in (
        (
            "SpectrumReadsSecretsPolicy",
            "FederatedSecretArns",
            {"GetSecretValue", "DescribeSecret", "GetResourcePolicy", "ListSecretVersionIds"},
        ),
        ("SpectrumMakesDatabasesPolicy", "ExternalDatabaseArns", {"CreateDatabase"}),
    ):
        resource = template.body["Resources"][policy]
        assert template.body["Parameters"][parameter]["Default"] == ""
        assert {"Ref": parameter} in [at for one in template.body["Conditions"][resource["Condition"]]["Fn::And"] for at in _values(one)]
        statements = resource["Properties"]["PolicyDocument"]["Statement"]
        named = [action for one in statements for action in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])]
        assert {action.partition(":")[2] for action in named} == actions
        assert mentions(statements[-1]["Resource"], parameter)


def _values(node: Any) -> list[Any]:
    """A node and all that stands in it."""
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return [node, *(value for one in inner for value in _values(one))]
