"""`cost_report`: what is asked of AWS, what is written, and what is said when AWS does not answer."""

from __future__ import annotations

import json
import resource
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from autopilot.aws import clients
from autopilot.domain.errors import InvalidInput
from tests.handlers.account import BUCKET, ROOT, Aws, Handle, execution, key_of, sample
from tests.handlers.fakes import ACCOUNT, REGION
from tests.handlers.wiring import Refusal
from tests.template.template_rules import Template

ME = execution("report-costs")
TODAY = datetime.now(UTC).date()
START, END = TODAY - timedelta(days=30), TODAY


@pytest.fixture(autouse=True)
def empty_cache(aws: Aws) -> None:
    """No answer is kept from another test."""
    storage = clients.client("s3")
    for one in storage.list_objects_v2(Bucket=BUCKET, Prefix="cache/").get("Contents", []):
        storage.delete_object(Bucket=BUCKET, Key=one["Key"])
    # What the tests themselves asked is no part of what the handler did.
    aws.journal.clear()


def look(**given: Any) -> dict[str, Any]:
    return {"step": "look", "execution": ME, "input": given}


def make(folder: str = "reports/today/", warehouses: tuple[str, ...] = (), days: int = 30) -> dict[str, Any]:
    period = {"start": str(END - timedelta(days=days)), "end": str(END), "timezone": "UTC"}
    return {"step": "make", "execution": ME, "period": period, "folder": folder, "warehouses": [{"name": name} for name in warehouses]}


def written(key: str = "reports/today/report.json") -> dict[str, Any]:
    report: dict[str, Any] = json.loads(clients.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())
    return report


def at(day: int, hour: int = 0) -> datetime:
    """A moment of the period's day of that number, counted from 0."""
    return datetime(START.year, START.month, START.day, tzinfo=UTC) + timedelta(days=day, hours=hour)


def put_ledger(aws: Aws, action: str, ended: datetime, *, begun: datetime | None = None, name: str = "analytics", **more: str) -> None:
    started = begun or ended - timedelta(minutes=5)
    stamp = started.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    before = "available" if action == "pause" else "paused"
    entry = {"action": action, "outcome": "done", "execution": f"one-{action}", "status_before": before, "started_at": stamp}
    entry |= {"node_type": "ra3.large", "nodes": "2", "ended_at": ended.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
    aws.put({"pk": f"LEDGER#{key_of(name)}", "sk": f"{stamp}#{action}#one", **entry, **more})


def measure(aws: Aws, name: str = "analytics", connections: float = 2.0) -> None:
    """Metrics of a cluster under steady load."""
    for metric, value in (("CPUUtilization", 55.0), ("PercentageDiskSpaceUsed", 20.0), ("DatabaseConnections", connections)):
        aws.metrics.add("AWS/Redshift", metric, lambda _, value=value: value, ClusterIdentifier=name)  # type: ignore[misc]
    aws.metrics.add("AWS/Redshift", "QueriesCompletedPerSecond", lambda _: 0.5, ClusterIdentifier=name, latency="short")
    aws.metrics.add("AWS/Redshift", "QueriesCompletedPerSecond", lambda _: 0.25, ClusterIdentifier=name, latency="long")
    aws.metrics.add("AWS/Redshift", "WLMQueueWaitTime", lambda _: 1500.0, ClusterIdentifier=name, QueueName="Default queue")


# --- look --------------------------------------------------------------------------------------------------------------


def test_sample_plans_a_report_and_asks_nothing_of_aws(aws: Aws, handle: Handle) -> None:
    plan = handle(sample("cost_report"))
    assert plan["reason"] == "costs of analytics from 2026-10-01 to the day before 2026-11-01"
    assert (plan["action"], plan["dry_run"], plan["warehouses"]) == ("report", True, [{"name": "analytics"}])
    assert plan["period"] == {"start": "2026-10-01", "end": "2026-11-01", "timezone": "UTC"}
    assert aws.order == []


def test_usual_report_of_a_day_has_its_place_and_others_lie_below_it(handle: Handle) -> None:
    usual = handle(look())["folder"]
    assert usual == f"reports/{TODAY}/"
    other = handle(look(**{"from": str(TODAY - timedelta(days=7))}))["folder"]
    some = handle(look(warehouses=["analytics"]))["folder"]
    assert other == f"{usual}{TODAY - timedelta(days=7)}_{TODAY}/"
    assert some.startswith(f"{usual}some-")
    assert handle(look(warehouses=["analytics"]))["folder"] == some


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"from": "yesterday"}, "from: Invalid RFC3339"),
        ({"from": "2000-01-01", "to": "2000-01-02"}, "from: 2000-01-01 is too long ago"),
        ({"warehouses": ["No Such"]}, "warehouse: 'No Such' is not a warehouse name"),
        ({"until": "2026-01-01"}, "Allowed fields: reason, dry_run, from, to, warehouses"),
    ],
)
def test_wrong_input_is_refused_by_field(handle: Handle, given: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        handle(look(**given))


# --- make --------------------------------------------------------------------------------------------------------------


def test_report_holds_what_was_spent_used_and_saved(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(tags={"autopilot:environment": "prod"})
    aws.serverless.add()
    measure(aws)
    aws.metrics.add("AWS/Redshift-Serverless", "ComputeSeconds", lambda _: 7200.0, Workgroup="adhoc")
    aws.metrics.add("AWS/Redshift-Serverless", "QueriesSucceeded", lambda _: 3.0, Workgroup="adhoc", QueryType="SELECT")
    aws.metrics.add("AWS/Redshift-Serverless", "QueriesFailed", lambda _: 1.0, Workgroup="adhoc", QueryType="SELECT")
    aws.costs.rows = [
        (str(START + timedelta(days=day)), usage_type, tag, amount)
        for day in range(2)
        for usage_type, tag, amount in (
            ("Node:ra3.large", "analytics", "26.064"),
            ("USE1-Redshift:ServerlessUsage", "adhoc", "3.005"),
            ("RMS:ra3.large", "", "0.5"),
        )
    ]
    # 10 h paused on the third day, with data of no hour in it
    put_ledger(aws, "pause", at(2, 20))
    put_ledger(aws, "resume", at(3, 7), begun=at(3, 6))
    aws.metrics.add(
        "AWS/Redshift", "CPUUtilization", lambda hour: None if at(2, 20) <= hour < at(3, 6) else 55.0, ClusterIdentifier="analytics"
    )
    answer = handle(make())
    report = written()
    cluster, workgroup = report["warehouses"]
    # 2 x 26.064; 2 x 3.005; 2 x 0.5; together 52.128 + 6.01 + 1
    assert (cluster["spent"], workgroup["spent"], report["spent"]) == ("52.13", "6.01", "59.14")
    assert [(one["usage_type"], one["amount"]) for one in report["unattributed"]] == [("RMS:ra3.large", "1.00")]
    # 10 h x 2 x 0.543
    assert (cluster["saved"]["paused_hours"], cluster["saved"]["amount"], report["saved"]) == ("10.0000", "10.86", "10.86")
    assert (cluster["environment"], cluster["hourly_price"]) == ("prod", "0.5430000000")
    # 720 h x 3600 x (0.5 + 0.25); 720 h x 1.5 s
    assert (cluster["used"]["queries"], cluster["used"]["queue_seconds"]) == (1_944_000, 1080.0)
    # 720 h x 7200 / 3600; 720 h x (3 + 1)
    assert (workgroup["used"]["rpu_hours"], workgroup["used"]["queries"]) == ("1440.0000", 2880)
    assert report["forecast"] == "123.46"
    assert answer["message"].startswith(
        f"Redshift in us-east-1 cost 59.14 USD from {START} to {END - timedelta(days=1)} (UTC). 1.00 USD of it"
    )
    assert answer["message"].endswith(
        f"https://us-east-1.console.aws.amazon.com/s3/object/{BUCKET}?region=us-east-1&prefix=reports/today/report.html"
    )
    assert (answer["spent"], answer["saved"], answer["currency"]) == ("59.14", "10.86", "USD")


def test_report_is_written_as_data_as_a_sheet_and_as_a_page(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    aws.costs.rows = [(str(START), "Node:ra3.large", "analytics", "26.064")]
    answer = handle(make())
    assert answer["files"] == {kind: f"s3://{BUCKET}/reports/today/report.{kind}" for kind in ("json", "csv", "html")}
    read = {kind: clients.client("s3").get_object(Bucket=BUCKET, Key=f"reports/today/report.{kind}") for kind in ("csv", "html")}
    assert (read["csv"]["ContentType"], read["html"]["ContentType"]) == ("text/csv; charset=utf-8", "text/html; charset=utf-8")
    assert ",analytics," in read["csv"]["Body"].read().decode().splitlines()[1]
    page = read["html"]["Body"].read().decode()
    assert page.startswith("<!doctype html>")
    assert '<span class="big">26.06</span>' in page


def test_second_report_of_a_day_pays_cost_explorer_nothing_and_writes_over_the_first(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    aws.costs.rows = [(str(START + timedelta(days=day)), "Node:ra3.large", "analytics", "1") for day in range(7)]
    handle(make())
    first = [call.operation for call in aws.journal if call.service in {"ce", "pricing"}]
    # 7 rows on pages of 3; 7 prices on pages of 4
    assert sorted(first) == [
        *["get_cost_and_usage"] * 3,
        "get_cost_forecast",
        *["get_products"] * 2,
        "get_reservation_purchase_recommendation",
    ]
    before = written()
    handle(make())
    assert [call.operation for call in aws.journal if call.service in {"ce", "pricing"}] == first
    assert written() | {"made_at": before["made_at"]} == before


def test_costs_are_asked_of_this_account_and_region_only(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    handle(make())
    asked = aws.calls("get_cost_and_usage")[0]
    values = {one["Dimensions"]["Key"]: one["Dimensions"]["Values"] for one in asked["Filter"]["And"] if "Dimensions" in one}
    assert values == {"SERVICE": ["Amazon Redshift"], "REGION": [REGION], "LINKED_ACCOUNT": [ACCOUNT]}
    assert asked["GroupBy"] == [{"Type": "DIMENSION", "Key": "USAGE_TYPE"}, {"Type": "TAG", "Key": "autopilot:warehouse"}]
    assert clients.client("ce").meta.endpoint_url == "https://ce.us-east-1.amazonaws.com"
    assert clients.client("pricing").meta.endpoint_url == "https://api.pricing.us-east-1.amazonaws.com"


def test_open_pause_from_before_the_period_counts_and_older_entries_are_not_read(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="paused", nodes=1)
    for day in range(120):
        put_ledger(aws, "resume", at(-60 - day, 7), begun=at(-60 - day, 6))
        put_ledger(aws, "pause", at(-60 - day, 5))
    put_ledger(aws, "pause", at(-10), nodes="4")
    handle(make())
    cluster = written()["warehouses"][0]
    # 720 h x 4 x 0.543
    assert (cluster["saved"]["paused_hours"], cluster["saved"]["amount"], cluster["nodes"]) == ("720.0000", "1563.84", 4)
    assert len(aws.calls("query")) == 1


def test_reserved_nodes_are_known_with_their_upfront_payment(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="paused", nodes=1)
    put_ledger(aws, "pause", at(-1))
    aws.clusters.reserved = [
        {
            "NodeType": "ra3.large",
            "NodeCount": 1,
            "State": "active",
            "Duration": 31_536_000,
            "FixedPrice": 876.0,
            "UsagePrice": 0.0,
            "RecurringCharges": [{"RecurringChargeAmount": 0.25, "RecurringChargeFrequency": "Hourly"}],
        },
        {"NodeType": "ra3.large", "NodeCount": 9, "State": "retired", "Duration": 31_536_000},
    ]
    handle(make())
    saved = written()["warehouses"][0]["saved"]
    # one of two nodes is reserved: 720 h x 1 x 0.543; 720 h x (0.25 + 876 / 8760)
    assert (saved["amount"], saved["reserved_amount"]) == ("390.96", "252.00")


def test_budget_of_a_warehouse_stands_with_its_figures(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    spend = {"ActualSpend": {"Amount": "71.5", "Unit": "USD"}, "ForecastedSpend": {"Amount": "120", "Unit": "USD"}}
    limit = {"Amount": "100.0", "Unit": "USD"}
    name = f"autopilot-cluster-{REGION}-analytics"
    aws.budgets.budgets[name] = {
        "BudgetName": name,
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": limit,
        "CalculatedSpend": spend,
    }
    handle(make())
    budget = written()["warehouses"][0]["budget"]
    assert {key: float(value) for key, value in budget.items()} == {"limit": 100.0, "spent": 71.5, "forecast": 120.0}


def test_costs_in_another_currency_are_not_added_up(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    aws.costs.rows, aws.costs.currency = [(str(START), "Node:ra3.large", "analytics", "5")], "CNY"
    handle(make())
    report = written()
    assert report["spent"] is None
    assert "Cost Explorer answers in CNY" in next(one["why"] for one in report["missing"] if one["part"] == "spent")


def test_chosen_warehouses_are_reported_alone(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    aws.clusters.add("other")
    aws.costs.rows = [(str(START), "Node:ra3.large", tag, "5") for tag in ("analytics", "other", "gone", "")]
    handle(make(warehouses=("analytics",)))
    report = written()
    assert [one["name"] for one in report["warehouses"]] == ["analytics"]
    assert (report["spent"], report["unattributed"], report["forecast"]) == ("5.00", [], None)
    # What concerns the whole account is not asked, as it would be paid for.
    assert {"get_cost_forecast", "get_reservation_purchase_recommendation", "describe_cluster_snapshots"}.isdisjoint(aws.order)


def test_warehouse_that_does_not_exist_is_refused(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    with pytest.raises(InvalidInput, match="no cluster and no workgroup of the name nowhere exists"):
        handle(make(warehouses=("nowhere",)))


def test_old_snapshots_and_reserved_nodes_are_recommended(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    for name, days, tags in (("old", 100, []), ("kept", 100, [{"Key": "owner", "Value": "finance"}]), ("young", 3, [])):
        aws.clusters.snapshots[name] = {
            "SnapshotIdentifier": name,
            "ClusterIdentifier": "analytics",
            "SnapshotType": "manual",
            "Status": "available",
            "SnapshotCreateTime": datetime.now(UTC) - timedelta(days=days),
            "ManualSnapshotRetentionPeriod": -1,
            "ActualIncrementalBackupSizeInMegaBytes": 2_000_000.0,
            "Tags": tags,
        }
    node = {"RedshiftInstanceDetails": {"NodeType": "ra3.large", "Region": REGION}}
    aws.costs.offers = [
        {
            "InstanceDetails": node,
            "RecommendedNumberOfInstancesToPurchase": "2",
            "EstimatedMonthlySavingsAmount": "240.5",
            "EstimatedMonthlyOnDemandCost": "792.78",
            "UpfrontCost": "0",
            "CurrencyCode": "USD",
        },
        {
            "InstanceDetails": {"RedshiftInstanceDetails": {"NodeType": "ra3.large", "Region": "eu-west-1"}},
            "EstimatedMonthlySavingsAmount": "1",
        },
    ]
    handle(make())
    found = {one["rule"]: one for one in written()["recommendations"]}
    # 2000 GB x 0.023
    assert (found["old_snapshots"]["monthly_saving"], found["old_snapshots"]["input"]["snapshots"]) == ("46.00", ["old"])
    assert found["reserved_nodes"]["monthly_saving"] == "240.50"


# --- AWS does not answer -----------------------------------------------------------------------------------------------

PARTS = {
    ("ce", "get_cost_and_usage", "DataUnavailableException"): "spent",
    ("ce", "get_cost_forecast", "DataUnavailableException"): "forecast",
    ("ce", "get_reservation_purchase_recommendation", "AccessDeniedException"): "reserved node recommendations",
    ("pricing", "get_products", "AccessDeniedException"): "prices",
    ("redshift", "describe_clusters", "AccessDenied"): "clusters",
    ("redshift", "describe_reserved_nodes", "AccessDenied"): "reserved nodes",
    ("redshift", "describe_cluster_snapshots", "AccessDenied"): "snapshots",
    ("redshift-serverless", "list_workgroups", "AccessDeniedException"): "workgroups",
    ("cloudwatch", "get_metric_data", "AccessDenied"): "used",
    ("cloudwatch", "list_metrics", "AccessDenied"): "used",
    ("budgets", "describe_budgets", "AccessDeniedException"): "budgets",
    ("dynamodb", "query", "AccessDeniedException"): "saved",
}


@pytest.mark.parametrize(("failure", "part"), PARTS.items(), ids=[f"{operation}" for _, operation, _ in PARTS])
def test_report_comes_without_what_aws_refuses_and_says_so(aws: Aws, handle: Handle, failure: tuple[str, str, str], part: str) -> None:
    aws.clusters.add()
    aws.serverless.add()
    measure(aws)
    service, operation, code = failure
    aws.fail(service, operation, Refusal(code, "not for you"), times=9)
    answer = handle(make())
    missing = [one for one in written()["missing"] if one["part"] == part and "not for you" in one["why"]]
    assert missing
    assert answer["missing"] >= 1
    assert "could not be had; the report says which" in answer["message"]


def test_report_comes_when_aws_does_not_answer_at_all(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    for service, operation, _ in PARTS:
        aws.fail(service, operation, ReadTimeoutError(endpoint_url="https://aws"), times=99)
    handle(make())
    report = written()
    assert {one["part"] for one in report["missing"]} >= {"spent", "prices", "clusters", "workgroups", "forecast"}
    assert (report["spent"], report["saved"], report["forecast"], report["warehouses"]) == (None, None, None, [])


def test_metric_that_may_not_be_read_costs_only_that_figure(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    measure(aws)
    aws.metrics.broken = {"PercentageDiskSpaceUsed"}
    handle(make())
    report = written()
    assert [(one["part"], one["warehouse"]) for one in report["missing"] if one["part"] == "used"] == [("used", "analytics")]
    assert report["warehouses"][0]["used"]["cpu_average_percent"] is None


# --- scale -------------------------------------------------------------------------------------------------------------


def test_five_hundred_warehouses_take_few_calls_and_little_memory(aws: Aws, handle: Handle) -> None:
    names = [f"w{number:03}" for number in range(500)]
    for name in names:
        aws.clusters.add(name, tags={"autopilot:environment": "prod"})
        measure(aws, name)
    aws.costs.PAGE = 5000
    aws.costs.rows = [
        (str(START + timedelta(days=day)), usage_type, name, "1.25")
        for day in range(30)
        for name in names
        for usage_type in ("Node:ra3.large", "RMS:ra3.large")
    ]
    for service in ("cloudwatch", "ce"):
        aws.wires[service].unchecked = {"get_metric_data", "get_cost_and_usage"}
    handle(make("reports/fleet/"))
    # The most that this process ever took, in MB: with pytest, moto and the fakes in it.
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    counted: dict[str, int] = {}
    for call in aws.journal:
        counted[call.operation] = counted.get(call.operation, 0) + 1
    body = clients.client("s3").get_object(Bucket=BUCKET, Key="reports/fleet/report.json")["ContentLength"]
    print(f"500 warehouses, 30 days: {sum(counted.values())} calls {counted}; {peak_mb:.0f} MB at most; report.json {body / 1e6:.1f} MB")
    # 500 x 9 metrics of 720 hours: 55 warehouses a call, and 140 metrics a page
    assert counted["get_metric_data"] <= 10 * 4
    assert counted["list_metrics"] <= 8
    assert counted["get_cost_and_usage"] == 6
    assert counted["query"] == 500
    assert counted["describe_clusters"] == 5
    assert sum(counted.values()) < 500 + 100
    assert peak_mb < Template.read(ROOT / "template.yaml").functions["CostReportFunction"]["MemorySize"]
