"""An alarm on an expression is kept as it was put, and one on a sum rings for the sum of its own metrics."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.stage import Stage, eventually


def metric(identifier: str, workgroup: str) -> dict[str, Any]:
    dimensions = [{"Name": "QueryType", "Value": identifier.upper()}, {"Name": "Workgroup", "Value": workgroup}]
    named = {"Namespace": "AWS/Redshift-Serverless", "MetricName": "QueriesFailed", "Dimensions": dimensions}
    return {"Id": identifier, "MetricStat": {"Metric": named, "Period": 60, "Stat": "Maximum"}, "ReturnData": False}


def put(stage: Stage, workgroup: str, expression: str = "SUM(METRICS())", **more: Any) -> str:
    name = stage.name("alarm")
    total = {"Id": "total", "Expression": expression, "ReturnData": True}
    stage.sandbox.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Metrics=[metric("select", workgroup), metric("insert", workgroup), total],
        EvaluationPeriods=1,
        Threshold=10,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        **more,
    )
    return name


def look(stage: Stage, name: str) -> dict[str, Any]:
    found: dict[str, Any] = stage.sandbox.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    return found


def test_an_alarm_on_a_sum_rings_when_the_sum_passes_the_threshold(stage: Stage) -> None:
    workgroup, cloudwatch = stage.name("workgroup"), stage.sandbox.client("cloudwatch")
    name = put(stage, workgroup)
    assert [one["Id"] for one in look(stage, name)["Metrics"]] == ["select", "insert", "total"]
    assert "MetricName" not in look(stage, name)

    def publish(query_type: str, value: float) -> None:
        dimensions = [{"Name": "QueryType", "Value": query_type}, {"Name": "Workgroup", "Value": workgroup}]
        data = {"MetricName": "QueriesFailed", "Dimensions": dimensions, "Value": value}
        cloudwatch.put_metric_data(Namespace="AWS/Redshift-Serverless", MetricData=[data])

    publish("SELECT", 6)
    eventually(lambda: look(stage, name)["StateValue"] == "OK")
    publish("INSERT", 6)
    eventually(lambda: look(stage, name)["StateValue"] == "ALARM")


def test_an_alarm_takes_a_metric_or_an_expression(stage: Stage) -> None:
    with pytest.raises(ClientError, match="cannot specify MetricName"):
        put(stage, "both", MetricName="QueriesFailed", Namespace="AWS/Redshift-Serverless")
