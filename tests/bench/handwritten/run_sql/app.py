"""The AWS calls that `run_sql` makes to submit a statement, by hand."""

from typing import Any

import boto3

data = boto3.client("redshift-data")
dynamodb = boto3.client("dynamodb")
states = boto3.client("stepfunctions")


def handle(_event: Any, _context: Any) -> dict[str, Any]:
    statement = data.execute_statement(ClusterIdentifier="analytics", Database="dev", DbUser="awsuser", Sql="SELECT 1", WithEvent=True)[
        "Id"
    ]
    item = {name: {"S": "sample"} for name in ("pk", "sk", "owner", "token", "callback")}
    dynamodb.put_item(TableName="autopilot", Item={**item, "expires_at": {"N": "1"}})
    states.describe_execution(executionArn="arn:aws:states:us-east-1:000000000000:execution:any:sample")
    data.describe_statement(Id=statement)
    return {}
