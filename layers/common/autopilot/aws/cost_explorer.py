"""Cost Explorer: what was spent, what AWS expects, and which nodes it would reserve. Each call costs 0.01 USD, so each is made once a day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from autopilot.aws import daily
from autopilot.aws.clients import call
from autopilot.domain.advice.evidence import ReservedOffer
from autopilot.domain.errors import AwsRefused
from autopilot.domain.report import Period
from autopilot.domain.spending import CostRow
from autopilot.domain.tags import WAREHOUSE_TAG

READ = ("ce:GetCostAndUsage", "ce:GetCostForecast", "ce:GetReservationPurchaseRecommendation", *daily.PERMISSIONS)
SERVICE = "Amazon Redshift"
CURRENCY = "USD"
FORECAST_DAYS = 30
#: 500 warehouses with 5 usage types each are 80 000 groups a month; more pages than these are a mistake.
_MOST_PAGES = 100
#: What is none of a warehouse's doing. Source: Cost Explorer, charge types.
_NOT_SPENT = ["Credit", "Refund", "Tax"]
_LOOKBACK_DAYS = {"SEVEN_DAYS": 7, "THIRTY_DAYS": 30, "SIXTY_DAYS": 60}


def rows(period: Period, account: str, region: str, today: date) -> list[CostRow]:
    """What each usage type cost on each day for each value of the warehouse's tag, amortized. Source: GetCostAndUsage.

    Raises what AWS refuses, such as AccessDenied where the payer has not opened Cost Explorer to the account.
    """
    asked = [period, account, region]
    return daily.kept(today, "spent", asked, list[CostRow], lambda: list(_rows(period, account, region)))


def _rows(period: Period, account: str, region: str) -> Iterator[CostRow]:
    request: dict[str, Any] = {
        "TimePeriod": {"Start": period.start.isoformat(), "End": period.end.isoformat()},
        "Granularity": "DAILY",
        "Metrics": ["AmortizedCost", "UsageQuantity"],
        "GroupBy": [{"Type": "DIMENSION", "Key": "USAGE_TYPE"}, {"Type": "TAG", "Key": WAREHOUSE_TAG}],
        "Filter": _filter(account, region),
    }
    for _ in range(_MOST_PAGES):
        page = call("ce", "get_cost_and_usage", "read the costs", **request)
        for result in page["ResultsByTime"]:
            day = date.fromisoformat(result["TimePeriod"]["Start"])
            yield from (_row(day, group) for group in result["Groups"])
        if not page.get("NextPageToken"):
            return
        request["NextPageToken"] = page["NextPageToken"]
    raise AwsRefused(f"Cost Explorer's answer has more than {_MOST_PAGES} pages; report on fewer days")


def _row(day: date, group: dict[str, Any]) -> CostRow:
    usage_type, tag = group["Keys"]
    cost, usage = group["Metrics"]["AmortizedCost"], group["Metrics"]["UsageQuantity"]
    if cost["Unit"] != CURRENCY:
        raise AwsRefused(f"Cost Explorer answers in {cost['Unit']}, and prices are known in {CURRENCY} only: they are not added up")
    # A tag's group is `key$value`; without the tag the value is empty.
    return CostRow(day, usage_type, tag.partition("$")[2], Decimal(cost["Amount"]), Decimal(usage["Amount"]), usage["Unit"])


def forecast(account: str, region: str, today: date) -> Decimal:
    """What AWS expects Redshift to cost in the 30 days from today on. Source: GetCostForecast."""
    end = today + timedelta(days=FORECAST_DAYS)
    request = {
        "TimePeriod": {"Start": today.isoformat(), "End": end.isoformat()},
        "Metric": "AMORTIZED_COST",
        "Granularity": "DAILY",
        "Filter": _filter(account, region),
    }
    return daily.kept(
        today,
        "forecast",
        request,
        Decimal,
        lambda: Decimal(call("ce", "get_cost_forecast", "read the forecast", **request)["Total"]["Amount"]),
    )


def offers(region: str, today: date) -> list[ReservedOffer]:
    """The reserved nodes that AWS recommends to buy for a year without paying upfront. Source: GetReservationPurchaseRecommendation."""
    request = {
        "Service": SERVICE,
        "AccountScope": "LINKED",
        "LookbackPeriodInDays": "THIRTY_DAYS",
        "TermInYears": "ONE_YEAR",
        "PaymentOption": "NO_UPFRONT",
    }
    return daily.kept(today, "offers", [request, region], list[ReservedOffer], lambda: list(_offers(request, region)))


def _offers(request: dict[str, Any], region: str) -> Iterator[ReservedOffer]:
    for _ in range(_MOST_PAGES):
        page = call("ce", "get_reservation_purchase_recommendation", "read which nodes to reserve", **request)
        for found in page.get("Recommendations", []):
            lookback = _LOOKBACK_DAYS.get(found.get("LookbackPeriodInDays", ""), 30)
            for detail in found.get("RecommendationDetails", []):
                node = detail.get("InstanceDetails", {}).get("RedshiftInstanceDetails", {})
                # AWS writes a region by its code or by its place, `US East (N. Virginia)`: only another code is another region.
                if node.get("NodeType") and (node.get("Region", region) == region or " " in node["Region"]):
                    yield _offer(node, detail, lookback)
        if not page.get("NextPageToken"):
            return
        request = {**request, "NextPageToken": page["NextPageToken"]}


def _offer(node: dict[str, Any], detail: dict[str, Any], lookback_days: int) -> ReservedOffer:
    breaks_even = detail.get("EstimatedBreakEvenInMonths")
    return ReservedOffer(
        node_type=node["NodeType"],
        region=node.get("Region", ""),
        nodes=round(Decimal(detail.get("RecommendedNumberOfInstancesToPurchase") or 0)),
        term="1 year",
        payment="no upfront payment",
        monthly_saving=Decimal(detail["EstimatedMonthlySavingsAmount"]),
        upfront=Decimal(detail.get("UpfrontCost") or 0),
        monthly_on_demand=Decimal(detail["EstimatedMonthlyOnDemandCost"]),
        break_even_months=Decimal(breaks_even) if breaks_even else None,
        lookback_days=lookback_days,
        currency=detail.get("CurrencyCode", "USD"),
    )


def _filter(account: str, region: str) -> dict[str, Any]:
    """Redshift's costs of one account and region: a payer would see every account's."""
    wanted = {"SERVICE": [SERVICE], "REGION": [region], "LINKED_ACCOUNT": [account]}
    return {
        "And": [
            *({"Dimensions": {"Key": key, "Values": values}} for key, values in wanted.items()),
            {"Not": {"Dimensions": {"Key": "RECORD_TYPE", "Values": _NOT_SPENT}}},
        ]
    }
