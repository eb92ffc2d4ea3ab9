"""A DynamoDB table as the source of a zero-ETL integration: what it must have, and its items."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError
from ministack.core import iam_evaluator

from sandbox.clients import OBSERVER, client
from sandbox.kernel import ACCOUNT, REGION

_ACTIONS = ("dynamodb:ExportTableToPointInTime", "dynamodb:DescribeTable")


class DynamoDbSource:
    """Looks at tables as the sandbox itself."""

    def __init__(self, endpoint: str) -> None:
        self._tables = client(endpoint, "dynamodb", attempts=2, user_agent=OBSERVER)

    def exists(self, arn: str) -> bool:
        """Whether there is such a table."""
        try:
            self._tables.describe_table(TableName=_name(arn))
        except ClientError:
            return False
        return True

    def lacks(self, arn: str, integration_arn: str) -> str:
        """What the table lacks of what AWS asks for, in a sentence; empty when it has all. Source: DynamoDB developer guide, zero-ETL with Redshift."""
        backups = self._tables.describe_continuous_backups(TableName=_name(arn))["ContinuousBackupsDescription"]
        if backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") != "ENABLED":
            return f"Point-in-time recovery is not enabled for the source table {_name(arn)}."
        try:
            policy = self._tables.get_resource_policy(ResourceArn=arn)["Policy"]
        except ClientError:
            policy = None
        if not all(service_may(policy, action, arn, integration_arn) for action in _ACTIONS):
            return f"The resource policy of the source table {_name(arn)} does not let redshift.amazonaws.com {' and '.join(_ACTIONS)}."
        return ""

    def items(self, arn: str) -> tuple[list[tuple[str, str]], list[dict[str, Any]]]:
        """The key attributes with their types, and every item in DynamoDB's JSON."""
        table = self._tables.describe_table(TableName=_name(arn))["Table"]
        types = {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]}
        pages = self._tables.get_paginator("scan").paginate(TableName=_name(arn), ConsistentRead=True)
        items = [json.loads(json.dumps(item, default=_plain)) for page in pages for item in page["Items"]]
        return [(one["AttributeName"], types[one["AttributeName"]]) for one in table["KeySchema"]], items


def service_may(policy: str | None, action: str, resource: str, source_arn: str) -> bool:
    """Whether a resource's policy lets Redshift do this for a source."""
    context = iam_evaluator.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource,
        region=REGION,
        service_context={"aws:sourcearn": source_arn, "aws:sourceaccount": ACCOUNT},
    )
    return bool(iam_evaluator.evaluate_resource_policy(policy, context, service="redshift.amazonaws.com").decision == "Allow")


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, set) else value.decode("latin-1") if isinstance(value, bytes) else str(value)
