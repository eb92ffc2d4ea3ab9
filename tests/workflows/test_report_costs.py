"""`report_costs` on the local AWS, with IAM enforced: a set month whose figures were reckoned by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.workflows.conftest import Stack

ROOT = Path(__file__).parents[2]
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
START = TODAY - timedelta(days=30)
#: Days of the period, counted from 0, on which the cluster stood paused from 00:00 to 05:00 UTC.
PAUSED_DAYS = (9, 20)


def sample() -> dict[str, Any]:
    given: dict[str, Any] = json.loads((ROOT / "events/workflows/report_costs.json").read_text())
    return given


def usage(name: str) -> list[dict[str, Any]]:
    """30 days of two ra3.large, and storage that nobody tagged."""
    rows = []
    for number in range(30):
        day = str((START + timedelta(days=number)).date())
        # 48 node hours at 0.543 are 26.064; 10 fewer are 20.634
        amount, hours = ("20.634", "38") if number in PAUSED_DAYS else ("26.064", "48")
        rows.append(
            {"day": day, "usage_type": "Node:ra3.large", "amount": amount, "quantity": hours, "tags": {"autopilot:warehouse": name}}
        )
        rows.append({"day": day, "usage_type": "RMS:ra3.large", "amount": "0.10", "quantity": "4.1", "unit": "GB-Mo"})
    return rows


def metrics(name: str) -> list[dict[str, Any]]:
    """Used from 8 to 18 every day; no data while it stood paused."""

    def hourly(metric: str, used: float, idle: float, **more: str) -> dict[str, Any]:
        def value(hour: int) -> float | None:
            if hour // 24 in PAUSED_DAYS and hour % 24 < 5:
                return None
            return used if 8 <= hour % 24 < 18 else idle

        dimensions = {"ClusterIdentifier": name, **more}
        values = [value(hour) for hour in range(720)]
        return {"namespace": "AWS/Redshift", "metric": metric, "dimensions": dimensions, "start": START.isoformat(), "values": values}

    return [
        hourly("CPUUtilization", 40.0, 2.0),
        hourly("PercentageDiskSpaceUsed", 10.0, 10.0),
        hourly("DatabaseConnections", 5.0, 0.0),
        hourly("QueriesCompletedPerSecond", 0.5, 0.0, latency="short"),
        hourly("WLMQueueWaitTime", 100.0, 0.0, QueueName="Default queue"),
    ]


def record_pauses(stack: Stack, name: str) -> None:
    """Two pauses and resumes, as the workflows write them into the ledger."""
    table = stack.sandbox.observe("dynamodb")

    def record(action: str, begun: datetime, ended: datetime, before: str) -> None:
        stamp = begun.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        item = {"pk": f"LEDGER#cluster#us-east-1#{name}", "sk": f"{stamp}#{action}#set", "action": action, "outcome": "done"}
        item |= {
            "started_at": stamp,
            "ended_at": ended.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "status_before": before,
            "node_type": "ra3.large",
        }
        plain = {key: {"S": value} for key, value in item.items()}
        table.put_item(TableName=stack.outputs["TableName"], Item={**plain, "nodes": {"N": "2"}})

    for number in PAUSED_DAYS:
        midnight = START + timedelta(days=number)
        record("pause", midnight - timedelta(minutes=4), midnight, "available")
        record("resume", midnight + timedelta(hours=5), midnight + timedelta(hours=5, minutes=4), "paused")


def keys(stack: Stack, prefix: str) -> list[str]:
    """What lies in the bucket under a prefix."""
    found = stack.sandbox.observe("s3").list_objects_v2(Bucket=stack.outputs["BucketName"], Prefix=prefix)
    return [str(one["Key"]) for one in found.get("Contents", [])]


@pytest.fixture
def report_of(stack: Stack) -> Iterator[Callable[[str], dict[str, Any]]]:
    """Reads a report by its address. No answer of Cost Explorer is kept from another test."""
    storage = stack.sandbox.observe("s3")
    for key in keys(stack, "cache/"):
        storage.delete_object(Bucket=stack.outputs["BucketName"], Key=key)

    def read(uri: str) -> dict[str, Any]:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        report: dict[str, Any] = json.loads(storage.get_object(Bucket=bucket, Key=key)["Body"].read())
        return report

    yield read
    stack.sandbox.desk("POST", "costs", {})


def test_dry_run_says_what_would_be_reported_and_writes_nothing(stack: Stack) -> None:
    before = keys(stack, "reports/")
    ended = stack.run("report_costs", sample())
    assert ended.succeeded, ended
    assert ended.output["reason"].startswith("costs of all warehouses from ")
    assert keys(stack, "reports/") == before
    assert stack.calls("ce:GetCostAndUsage") == 0


def test_set_month_is_reported_to_the_cent_and_paid_for_once_a_day(stack: Stack, report_of: Callable[[str], dict[str, Any]]) -> None:
    name = stack.provision(node_type="ra3.large", nodes=2)
    record_pauses(stack, name)
    stack.sandbox.desk(
        "POST",
        "costs",
        {"usage": usage(name), "active_tags": ["autopilot:warehouse"], "forecast": "801.234", "metrics": metrics(name)},
    )
    ended = stack.run("report_costs", {"reason": "test"})
    assert ended.succeeded, ended
    report = report_of(ended.output["files"]["json"])
    jsonschema.validate(report, json.loads((ROOT / "docs/report.schema.json").read_text()))
    mine = next(one for one in report["warehouses"] if one["name"] == name)
    # 28 x 26.064 + 2 x 20.634 = 729.792 + 41.268; untold 30 x 0.10; together 774.06
    assert (mine["spent"], report["spent"]) == ("771.06", "774.06")
    assert [(one["usage_type"], one["amount"]) for one in report["unattributed"]] == [("RMS:ra3.large", "3.00")]
    # 2 x 5 h x 2 x 0.543
    assert (mine["saved"]["paused_hours"], mine["saved"]["amount"]) == ("10.0000", "10.86")
    # 300 of 710 hours with data were used: (300 x 40 + 410 x 2) / 710
    assert mine["used"]["cpu_average_percent"] == 18.0563
    # 300 h x 3600 x 0.5; 300 h x 0.1 s
    assert (mine["used"]["queries"], mine["used"]["queue_seconds"]) == (540_000, 30.0)
    assert (mine["hourly_price"], report["forecast"]) == ("0.5430000000", "801.23")
    # 98 of 168 hours a week are idle, 410 of 720 ran idle: 730 x 410 / 720 = 415.69 h; x 2 x 0.543 = 451.444
    advised = {one["rule"]: one for one in report["recommendations"] if one["warehouse"] == name}
    assert {rule: one["monthly_saving"] for rule, one in advised.items()} == {"schedule": "451.44"}
    assert ended.output["message"].startswith("Redshift in us-east-1 cost 774.06 USD from ")
    assert f"1. {name}: pause it in the 98 hours of the week in which nobody is connected: 451.44 USD a month." in ended.output["message"]

    bucket, _, key = ended.output["files"]["html"].removeprefix("s3://").partition("/")
    page = stack.sandbox.observe("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    assert '<span class="big">774.06</span>' in page
    assert '<svg xmlns="http://www.w3.org/2000/svg"' in page
    assert f"{key.rpartition('/')[0]}/report.html" in ended.output["message"]

    paid = [stack.calls(f"ce:{one}") for one in ("GetCostAndUsage", "GetCostForecast", "GetReservationPurchaseRecommendation")]
    again = stack.run("report_costs", {})
    assert again.output["files"] == ended.output["files"]
    assert report_of(again.output["files"]["json"])["spent"] == "774.06"
    assert paid == [stack.calls(f"ce:{one}") for one in ("GetCostAndUsage", "GetCostForecast", "GetReservationPurchaseRecommendation")]
    assert paid == [1, 1, 1]


def test_people_are_told_of_a_report_in_plain_sentences(stack: Stack) -> None:
    client, events = stack.sandbox.observe("sqs"), stack.sandbox.observe("events")
    queue = client.create_queue(QueueName="costs-heard")["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
    client.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})})
    bus, pattern = stack.outputs["BusName"], json.dumps({"detail-type": ["Costs Reported", "Cost Report Failed"]})
    events.put_rule(Name="costs-hear", EventBusName=bus, EventPattern=pattern)
    events.put_targets(Rule="costs-hear", EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    ended = stack.run("report_costs", {"from": str((TODAY - timedelta(days=2)).date()), "reason": "Monday"})
    stack.run("report_costs", {"from": "2000-01-01", "to": "2000-01-02"})
    heard: dict[str, Any] = {}

    def both_heard() -> bool:
        for message in client.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            event = json.loads(message["Body"])
            heard[event["detail-type"]] = event["detail"]
        return len(heard) == 2

    stack.until(both_heard, "an event for each end")
    told, failed = heard["Costs Reported"], heard["Cost Report Failed"]
    assert (told["message"], told["notify"], told["asked"]) == (ended.output["message"], True, "Monday")
    assert "https://us-east-1.console.aws.amazon.com/s3/object/" in told["message"]
    assert "Signature" not in json.dumps(told)
    assert (failed["error"], failed["notify"]) == ("InvalidInput", True)
    assert failed["message"].startswith("Cost Report Failed. from: 2000-01-01 is too long ago")


def test_report_comes_while_aws_throttles_and_says_what_is_missing(stack: Stack, report_of: Callable[[str], dict[str, Any]]) -> None:
    stack.fault("ce", "GetCostAndUsage", "ThrottlingException")
    stack.fault("cloudwatch", "GetMetricData", "Throttling")
    days = {"from": str((TODAY - timedelta(days=7)).date()), "to": str(TODAY.date())}
    ended = stack.run("report_costs", days)
    assert ended.succeeded, ended
    missing = {one["part"] for one in report_of(ended.output["files"]["json"])["missing"]}
    assert "spent" in missing
    assert ended.output["spent"] is None
    assert "cost unknown" in ended.output["message"]


def test_wrong_period_ends_with_the_field_and_what_is_allowed(stack: Stack) -> None:
    ended = stack.run("report_costs", {"from": "2026-02-01", "to": "2026-01-01"})
    assert (ended.status, ended.error) == ("FAILED", "InvalidInput")
    assert ended.cause.startswith("from: 2026-02-01 must be before to, 2026-01-01")


def test_report_is_made_every_monday(stack: Stack) -> None:
    schedules = stack.sandbox.observe("scheduler")
    found = [schedules.get_schedule(Name=one["Name"]) for one in schedules.list_schedules()["Schedules"]]
    mine = next(one for one in found if one["Target"]["Arn"] == stack.outputs["ReportCostsArn"])
    assert (mine["ScheduleExpression"], mine["ScheduleExpressionTimezone"], mine["State"]) == ("cron(0 6 ? * MON *)", "UTC", "ENABLED")
