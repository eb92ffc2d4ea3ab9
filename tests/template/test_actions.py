"""Every IAM action that the template grants or the code declares exists, and is granted on resources that it can be granted on."""

from __future__ import annotations

import fnmatch
import functools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from policy_sentry.querying.actions import get_action_data

from tests.template.template_rules import Template, statements
from tests.template.test_permissions import FUNCTIONS, declared

#: A resource's ARN as the template writes it, with whatever stands for a name, region or account.
_SUBSTITUTED = re.compile(r"\$\{[^}]*\}")


@functools.cache
def arn_forms(action: str) -> tuple[str, ...] | None:
    """The ARNs that an action can be granted on, `*` where it takes no resource; None for an action that does not exist."""
    service, _, name = action.partition(":")
    found = get_action_data(service, name)
    return tuple(sorted({row["resource_arn_format"] for row in found[service]})) if found else None


def granted(template: Template) -> Iterator[tuple[str, str, Any]]:
    """Every allowed action of an identity's policy, with the resource that holds the statement, and what it is granted on."""
    for name, resource in template.body["Resources"].items():
        if resource["Type"] in {"AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy", "AWS::KMS::Key"}:
            continue
        for statement in statements(resource.get("Properties")):
            if statement["Effect"] != "Allow" or "Principal" in statement:
                continue
            actions = statement["Action"]
            for action in [actions] if isinstance(actions, str) else actions:
                yield name, action, statement["Resource"]


#: What makes a warehouse or takes it down has Redshift ask other services with the caller's rights. Changes that ask for more (the admin
#: password, the key) are none that Autopilot makes.
_ASKS_FOR_THE_CALLER = ("CreateCluster", "RestoreFromClusterSnapshot", "CreateNamespace", "RestoreFromSnapshot", "DeleteNamespace")


@functools.cache
def dependents(action: str) -> frozenset[str]:
    """The actions of Secrets Manager and KMS that whoever calls an action needs too."""
    service, _, name = action.partition(":")
    rows = get_action_data(service, name)[service]
    needed = {dependent for row in rows for dependent in row["dependent_actions"]}
    return frozenset(one for one in needed if one.startswith(("secretsmanager:", "kms:")))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_redshift_asks_for_the_caller_is_declared_with_it(function: str) -> None:
    own = declared(function)
    asking = [action for action in own if action.partition(":")[2] in _ASKS_FOR_THE_CALLER]
    assert {action: dependents(action) - own for action in asking} == {action: frozenset() for action in asking}


def test_creating_a_cluster_is_known_to_need_its_secret() -> None:
    assert {"secretsmanager:RotateSecret", "kms:CreateGrant"} <= dependents("redshift:CreateCluster")


def test_every_granted_action_exists(template: Template) -> None:
    found = list(granted(template))
    assert found
    assert sorted({action for _, action, _ in found if arn_forms(action) is None}) == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_declared_action_exists(function: str) -> None:
    assert sorted(action for action in declared(function) if arn_forms(action) is None) == []


def test_action_that_takes_no_resource_is_granted_on_everything(template: Template) -> None:
    useless = [f"{name}: {action}" for name, action, resource in granted(template) if arn_forms(action) == ("*",) and resource != "*"]
    assert useless == []


def test_action_is_granted_on_a_kind_of_resource_that_it_has(template: Template) -> None:
    useless = [
        f"{name}: {action} on {arns(resource)}"
        for name, action, resource in granted(template)
        if resource != "*"
        and arns(resource)
        and not any(fits(arn, form) for arn in arns(resource) for form in arn_forms(action) or ())
        # Where AWS also lists the action without a resource, it does not say on which others it can be granted.
        and "*" not in (arn_forms(action) or ())
    ]
    assert useless == []


def arns(resource: Any) -> list[str]:
    """The ARNs that a statement spells out; what refers to a resource of the template is that resource's affair."""
    return re.findall(r'"(arn:[^"]+)"', json.dumps(resource))


def fits(arn: str, form: str) -> bool:
    """Whether an ARN of the template can be one of a form such as `arn:${Partition}:redshift:${Region}:${Account}:cluster:${ClusterName}`.

    Either its text fills the form's gaps, or its wildcards stand for what the form has.
    """
    if form == "*":
        return False
    pattern = ".*".join(map(re.escape, _SUBSTITUTED.split(form)))
    if re.fullmatch(pattern, _SUBSTITUTED.sub("x", arn).replace("*", "x")):
        return True
    return fnmatch.fnmatchcase(_SUBSTITUTED.sub("x-x", form), _SUBSTITUTED.sub("*", arn))


def test_misspelt_and_misplaced_actions_are_noticed() -> None:
    assert arn_forms("redshift:DescribeClusterz") is None
    assert arn_forms("nowhere:Get") is None
    assert arn_forms("redshift-serverless:ListUsageLimits") == ("*",)
    assert fits("arn:${AWS::Partition}:redshift:x:y:cluster:*", "arn:${Partition}:redshift:${Region}:${Account}:cluster:${ClusterName}")
    assert not fits(
        "arn:${AWS::Partition}:redshift:x:y:snapshot:*", "arn:${Partition}:redshift:${Region}:${Account}:cluster:${ClusterName}"
    )
