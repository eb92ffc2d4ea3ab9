"""Cost Explorer, the Price List and the metrics of warehouses, as AWS documents them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.clients import client
from sandbox.process import Sandbox, SandboxError
from tests.sandbox.stage import Stage, eventually

TODAY = datetime.now(UTC).date()
TAG = "autopilot:warehouse"


@pytest.fixture
def ce(sandbox: Sandbox) -> Iterator[Any]:
    yield sandbox.client("ce")
    sandbox.desk("POST", "costs", {})


def day(number: int) -> str:
    """A day, counted back from today."""
    return str(TODAY - timedelta(days=number))


def usage(number: int, usage_type: str, amount: str, name: str = "", **more: Any) -> dict[str, Any]:
    tags = {TAG: name} if name else {}
    return {"day": day(number), "usage_type": usage_type, "amount": amount, "quantity": "24", "tags": tags, **more}


def ask(ce: Any, **more: Any) -> dict[str, Any]:
    request = {
        "TimePeriod": {"Start": day(5), "End": day(0)},
        "Granularity": "DAILY",
        "Metrics": ["AmortizedCost", "UsageQuantity"],
        "GroupBy": [{"Type": "DIMENSION", "Key": "USAGE_TYPE"}, {"Type": "TAG", "Key": TAG}],
    }
    answer: dict[str, Any] = ce.get_cost_and_usage(**{**request, **more})
    return answer


def groups(answer: dict[str, Any]) -> list[tuple[str, list[str], str]]:
    return [
        (result["TimePeriod"]["Start"], group["Keys"], group["Metrics"]["AmortizedCost"]["Amount"])
        for result in answer["ResultsByTime"]
        for group in result["Groups"]
    ]


def test_costs_are_summed_by_day_usage_type_and_active_tag(sandbox: Sandbox, ce: Any) -> None:
    rows = [usage(1, "Node:ra3.large", "1.25", "a"), usage(1, "Node:ra3.large", "0.50", "a"), usage(2, "Node:ra3.large", "3", "b")]
    sandbox.desk("POST", "costs", {"usage": rows, "active_tags": [TAG]})
    answer = ask(ce)
    assert groups(answer) == [(day(2), ["Node:ra3.large", f"{TAG}$b"], "3"), (day(1), ["Node:ra3.large", f"{TAG}$a"], "1.75")]
    assert len(answer["ResultsByTime"]) == 5
    assert answer["ResultsByTime"][4]["Groups"][0]["Metrics"]["UsageQuantity"] == {"Amount": "48", "Unit": "Hrs"}


def test_tag_that_is_not_activated_tells_nothing(sandbox: Sandbox, ce: Any) -> None:
    sandbox.desk("POST", "costs", {"usage": [usage(1, "Node:ra3.large", "1", "a")]})
    assert groups(ask(ce)) == [(day(1), ["Node:ra3.large", f"{TAG}$"], "1")]
    assert ce.list_cost_allocation_tags(TagKeys=[TAG])["CostAllocationTags"] == [
        {"TagKey": TAG, "Type": "UserDefined", "Status": "Inactive"}
    ]
    ce.update_cost_allocation_tags_status(CostAllocationTagsStatus=[{"TagKey": TAG, "Status": "Active"}])
    assert groups(ask(ce)) == [(day(1), ["Node:ra3.large", f"{TAG}$a"], "1")]


def test_filter_leaves_out_other_services_regions_accounts_and_credits(sandbox: Sandbox, ce: Any) -> None:
    odd = [{"service": "Amazon S3"}, {"region": "eu-west-1"}, {"account": "111111111111"}, {"record_type": "Credit"}]
    sandbox.desk("POST", "costs", {"usage": [usage(1, "Node:ra3.large", "1", **one) for one in ({}, *odd)]})
    wanted = {"SERVICE": "Amazon Redshift", "REGION": "us-east-1", "LINKED_ACCOUNT": "000000000000"}
    parts = [{"Dimensions": {"Key": key, "Values": [value]}} for key, value in wanted.items()]
    narrowed = ask(ce, Filter={"And": [*parts, {"Not": {"Dimensions": {"Key": "RECORD_TYPE", "Values": ["Credit"]}}}]})
    assert [amount for *_, amount in groups(narrowed)] == ["1"]
    assert [amount for *_, amount in groups(ask(ce))] == ["5"]


def test_costs_come_page_by_page(sandbox: Sandbox, ce: Any) -> None:
    rows = [usage(1 + number % 4, f"Node:type{number:03}", "1") for number in range(230)]
    sandbox.desk("POST", "costs", {"usage": rows})
    found, pages = [], 0
    token: dict[str, str] = {}
    while True:
        answer = ask(ce, **token)
        found += groups(answer)
        pages += 1
        if "NextPageToken" not in answer:
            break
        token = {"NextPageToken": answer["NextPageToken"]}
    assert (len(found), pages) == (230, 3)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"TimePeriod": {"Start": day(1), "End": day(1)}}, "ValidationException"),
        ({"TimePeriod": {"Start": "2020-01-01", "End": "2020-02-01"}}, "ValidationException"),
        ({"Metrics": ["Happiness"]}, "ValidationException"),
        ({"NextPageToken": "no"}, "InvalidNextTokenException"),
    ],
)
def test_what_cost_explorer_does_not_take_is_refused(ce: Any, request_: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as refused:
        ask(ce, **request_)
    assert refused.value.response["Error"]["Code"] == code


def test_forecast_and_recommendation_are_what_the_desk_has_set(sandbox: Sandbox, ce: Any) -> None:
    period = {"Start": str(TODAY), "End": str(TODAY + timedelta(days=30))}
    with pytest.raises(ce.exceptions.DataUnavailableException):
        ce.get_cost_forecast(TimePeriod=period, Metric="AMORTIZED_COST", Granularity="DAILY")
    assert ce.get_reservation_purchase_recommendation(Service="Amazon Redshift")["Recommendations"] == []
    offer = {"EstimatedMonthlySavingsAmount": "10", "InstanceDetails": {"RedshiftInstanceDetails": {"NodeType": "ra3.large"}}}
    sandbox.desk("POST", "costs", {"forecast": "42.5", "offers": [offer]})
    assert ce.get_cost_forecast(TimePeriod=period, Metric="AMORTIZED_COST", Granularity="DAILY")["Total"]["Amount"] == "42.5"
    found = ce.get_reservation_purchase_recommendation(Service="Amazon Redshift", TermInYears="ONE_YEAR")["Recommendations"]
    assert (found[0]["TermInYears"], found[0]["RecommendationDetails"]) == ("ONE_YEAR", [offer])


def test_reserved_nodes_are_those_that_the_desk_has_set(sandbox: Sandbox, ce: Any) -> None:  # noqa: ARG001 - the desk is cleared
    redshift = sandbox.client("redshift")
    assert redshift.describe_reserved_nodes()["ReservedNodes"] == []
    sandbox.desk(
        "POST", "costs", {"reserved_nodes": [{"ReservedNodeId": "one", "NodeType": "ra3.large", "NodeCount": 2, "State": "active"}]}
    )
    assert redshift.describe_reserved_nodes(ReservedNodeId="one")["ReservedNodes"][0]["NodeCount"] == 2
    with pytest.raises(ClientError) as refused:
        redshift.describe_reserved_nodes(ReservedNodeId="two")
    assert refused.value.response["Error"]["Code"] == "ReservedNodeNotFound"


def test_desk_refuses_costs_that_are_none(sandbox: Sandbox) -> None:
    for wrong in ({"usage": [{"day": "yesterday", "usage_type": "x", "amount": "1"}]}, {"usage": [{"dai": "x"}]}, {"spent": 1}):
        with pytest.raises(SandboxError, match="BadRequest"):
            sandbox.desk("POST", "costs", wrong)


def test_price_list_is_filtered_and_paged(sandbox: Sandbox) -> None:
    pricing = sandbox.client("pricing")
    region = {"Type": "TERM_MATCH", "Field": "regionCode", "Value": "us-east-1"}
    pages = [pricing.get_products(ServiceCode="AmazonRedshift", Filters=[region], MaxResults=10)]
    while "NextToken" in pages[-1]:
        pages.append(pricing.get_products(ServiceCode="AmazonRedshift", Filters=[region], MaxResults=10, NextToken=pages[-1]["NextToken"]))
    products = [json.loads(one) for page in pages for one in page["PriceList"]]
    assert len(pages) == 2
    node = {"Type": "TERM_MATCH", "Field": "instanceType", "Value": "ra3.xlplus"}
    [one] = [json.loads(one) for one in pricing.get_products(ServiceCode="AmazonRedshift", Filters=[region, node])["PriceList"]]
    assert one in products
    [term] = one["terms"]["OnDemand"].values()
    [rate] = term["priceDimensions"].values()
    assert (one["product"]["attributes"]["usagetype"], rate["unit"], rate["pricePerUnit"]) == (
        "Node:ra3.xlplus",
        "Hrs",
        {"USD": "1.0860000000"},
    )
    elsewhere = {"Type": "TERM_MATCH", "Field": "regionCode", "Value": "eu-central-1"}
    assert pricing.get_products(ServiceCode="AmazonRedshift", Filters=[elsewhere])["PriceList"] == []
    with pytest.raises(pricing.exceptions.InvalidParameterException):
        pricing.get_products(ServiceCode="AmazonEC2")


def test_money_is_under_iam(sandbox: Sandbox, stage: Stage) -> None:
    role = stage.role(({"Effect": "Allow", "Action": "ce:GetCostAndUsage", "Resource": "*"},))
    session = sandbox.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    assert ask(client(sandbox.endpoint, "ce", credentials=session))["ResultsByTime"]
    with pytest.raises(ClientError, match="not authorized to perform: pricing:GetProducts"):
        client(sandbox.endpoint, "pricing", credentials=session).get_products(ServiceCode="AmazonRedshift")


def test_metrics_of_hours_that_are_long_gone_are_kept(sandbox: Sandbox) -> None:
    start = datetime(*(TODAY - timedelta(days=40)).timetuple()[:3], tzinfo=UTC)
    metric = {
        "namespace": "AWS/Redshift",
        "metric": "CPUUtilization",
        "dimensions": {"ClusterIdentifier": "of-old"},
        "start": start.isoformat(),
        "values": [10.0, None, 30.0],
    }
    sandbox.desk("POST", "costs", {"metrics": [metric]})
    found = hourly(sandbox, "CPUUtilization", {"ClusterIdentifier": "of-old"}, start, start + timedelta(hours=3))
    assert found == {start: 10.0, start + timedelta(hours=2): 30.0}


def hourly(sandbox: Sandbox, name: str, dimensions: dict[str, str], start: datetime, end: datetime, namespace: str = "AWS/Redshift") -> Any:
    named = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    metric = {"Namespace": namespace, "MetricName": name, "Dimensions": named}
    query = {"Id": "m0", "MetricStat": {"Metric": metric, "Period": 3600, "Stat": "Maximum"}}
    [result] = sandbox.client("cloudwatch").get_metric_data(MetricDataQueries=[query], StartTime=start, EndTime=end)["MetricDataResults"]
    return dict(zip(result["Timestamps"], result["Values"], strict=True))


def test_running_cluster_leaves_metrics_of_what_it_did(sandbox: Sandbox, stage: Stage) -> None:
    name = stage.name("metered")
    redshift, data = sandbox.client("redshift"), sandbox.client("redshift-data")
    sandbox.desk("POST", "clock", {"scale": 600})
    redshift.create_cluster(
        ClusterIdentifier=name,
        NodeType="ra3.large",
        MasterUsername="admin",
        ManageMasterPassword=True,
        ClusterType="single-node",
        DBName="dev",
    )
    eventually(lambda: redshift.describe_clusters(ClusterIdentifier=name)["Clusters"][0]["ClusterStatus"] == "available")
    secret = redshift.describe_clusters(ClusterIdentifier=name)["Clusters"][0]["MasterPasswordSecretArn"]
    statement = data.execute_statement(
        ClusterIdentifier=name, Database="dev", SecretArn=secret, Sql="SELECT count(*) FROM generate_series(1, 3000000)"
    )
    eventually(lambda: data.describe_statement(Id=statement["Id"])["Status"] == "FINISHED")
    since, until = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(hours=1)
    own = {"ClusterIdentifier": name}

    def seen(metric: str, **more: str) -> float:
        return float(max(hourly(sandbox, metric, own | more, since, until).values(), default=0.0))

    assert eventually(lambda: seen("QueriesCompletedPerSecond", latency="short"), 40) > 0
    assert 2 < seen("CPUUtilization") <= 100
    assert seen("HealthStatus") == 1
    assert 0 < seen("PercentageDiskSpaceUsed") < 1
    assert seen("QueryDuration", latency="short") > 1000
    queues = sandbox.client("cloudwatch").list_metrics(Namespace="AWS/Redshift", MetricName="WLMQueueWaitTime")["Metrics"]
    assert {"Name": "ClusterIdentifier", "Value": name} in [one for found in queues for one in found["Dimensions"]]
    redshift.delete_cluster(ClusterIdentifier=name, SkipFinalClusterSnapshot=True)
