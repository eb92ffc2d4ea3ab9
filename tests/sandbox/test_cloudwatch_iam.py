"""IAM lets a role put the alarms and dashboards that it may, and no others."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.stage import Stage

ALARM: dict[str, Any] = {
    "Namespace": "AWS/Redshift",
    "MetricName": "CPUUtilization",
    "Statistic": "Average",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 90,
    "ComparisonOperator": "GreaterThanThreshold",
}


@pytest.fixture(scope="module")
def cloudwatch(running_sandbox: Any) -> Any:
    """A client of a role that may write what is called `mine` only."""
    stage = Stage(running_sandbox)
    prefix = "arn:aws:cloudwatch"
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": ["cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"], "Resource": f"{prefix}:*:*:alarm:mine-*"},
        {"Effect": "Allow", "Action": ["cloudwatch:PutDashboard", "cloudwatch:GetDashboard"], "Resource": f"{prefix}::*:dashboard/mine"},
        {"Effect": "Allow", "Action": "cloudwatch:DescribeAlarms", "Resource": "*"},
    ]
    session = running_sandbox.client("sts").assume_role(RoleArn=stage.role(statements), RoleSessionName="test")["Credentials"]
    return running_sandbox.client("cloudwatch", credentials=session)


def test_what_is_named_as_the_policy_says_is_allowed(cloudwatch: Any) -> None:
    cloudwatch.put_metric_alarm(AlarmName="mine-cpu", **ALARM)
    assert cloudwatch.describe_alarms(AlarmNamePrefix="mine-")["MetricAlarms"]
    cloudwatch.delete_alarms(AlarmNames=["mine-cpu"])
    cloudwatch.put_dashboard(DashboardName="mine", DashboardBody="{}")
    assert cloudwatch.get_dashboard(DashboardName="mine")["DashboardBody"] == "{}"


@pytest.mark.parametrize(
    ("operation", "request_members"),
    [
        ("put_metric_alarm", {"AlarmName": "yours-cpu", **ALARM}),
        ("delete_alarms", {"AlarmNames": ["yours-cpu"]}),
        ("put_dashboard", {"DashboardName": "yours", "DashboardBody": "{}"}),
        ("get_dashboard", {"DashboardName": "yours"}),
    ],
)
def test_anything_else_is_denied(cloudwatch: Any, operation: str, request_members: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="not authorized"):
        getattr(cloudwatch, operation)(**request_members)
