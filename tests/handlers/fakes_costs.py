"""The Price List and CloudWatch's metrics in memory: as much of each as the cost report relies on."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar

from tests.handlers.wiring import Fake


class PriceList(Fake):
    """The Price List: on-demand prices in USD by usage type; free and reserved products stand among them."""

    service: ClassVar[str] = "pricing"

    def __init__(self) -> None:
        self.prices: dict[str, str] = {
            "Node:ra3.large": "0.5430000000",
            "Node:ra3.xlplus": "1.0860000000",
            "USE1-Redshift:ServerlessUsage": "0.3750000000",
            "USE1-Redshift:ServerlessUsage-CR-1YR-AU": "2716.0000000000",
            "CSFreeUsage:ra3.large": "0.0000000000",
            "RMS:ra3.large": "0.0240000000",
            "Redshift:PaidSnapshots": "0.0230000000",
        }

    def get_products(self, ServiceCode: str, Filters: list[dict[str, str]], NextToken: str = "0", **_: Any) -> dict[str, Any]:  # noqa: N803
        region = next(one["Value"] for one in Filters if one["Field"] == "regionCode")
        start, every = int(NextToken), list(self.prices.items())
        found = [json.dumps(_product(ServiceCode, region, *one)) for one in every[start : start + 4]]
        return {"PriceList": found, "FormatVersion": "aws_v1", **({"NextToken": str(start + 4)} if start + 4 < len(every) else {})}


def _product(service_code: str, region: str, usage_type: str, usd: str) -> dict[str, Any]:
    attributes = {"servicecode": service_code, "regionCode": region, "usagetype": usage_type}
    if "Node:" in usage_type:
        attributes["instanceType"] = usage_type.partition("Node:")[2]
    dimension = {"unit": "Hrs", "beginRange": "0", "endRange": "Inf", "pricePerUnit": {"USD": usd}}
    terms = {"OnDemand": {"SKU.TERM": {"priceDimensions": {"SKU.TERM.RATE": dimension}}}}
    return {"product": {"sku": "SKU", "attributes": attributes}, "terms": terms}


Value = Callable[[datetime], float | None]


class Metrics(Fake):
    """CloudWatch: metrics by name and dimensions, each a value for every hour (None: no data), given out a page at a time."""

    service: ClassVar[str] = "cloudwatch"
    rest_is_moto: ClassVar[bool] = True
    #: Source: GetMetricData, `MaxDatapoints`.
    PAGE = 100_800

    def __init__(self) -> None:
        self.known: dict[tuple[str, str, tuple[tuple[str, str], ...]], Value] = {}
        self.broken: set[str] = set()

    def add(self, namespace: str, name: str, value: Value, /, **dimensions: str) -> None:
        self.known[namespace, name, tuple(sorted(dimensions.items()))] = value

    def list_metrics(self, Namespace: str, MetricName: str, Dimensions: list[dict[str, str]], NextToken: str = "0") -> dict[str, Any]:  # noqa: N803
        wanted, start = {one["Name"] for one in Dimensions}, int(NextToken)
        every = [
            {"Namespace": Namespace, "MetricName": name, "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions]}
            for namespace, name, dimensions in self.known
            if (namespace, name) == (Namespace, MetricName) and wanted <= {key for key, _ in dimensions}
        ]
        return {"Metrics": every[start : start + 500], **({"NextToken": str(start + 500)} if start + 500 < len(every) else {})}

    def get_metric_data(
        self,
        MetricDataQueries: list[dict[str, Any]],  # noqa: N803
        StartTime: datetime,  # noqa: N803
        EndTime: datetime,  # noqa: N803
        NextToken: str = "0",  # noqa: N803
        **_: Any,
    ) -> dict[str, Any]:
        assert len(MetricDataQueries) <= 500
        hours = [StartTime + timedelta(hours=hour) for hour in range(int((EndTime - StartTime).total_seconds()) // 3600)]
        each = max(self.PAGE // max(len(hours), 1), 1)
        start = int(NextToken)
        results = []
        for query in MetricDataQueries[start : start + each]:
            metric = query["MetricStat"]["Metric"]
            dimensions = tuple(sorted((one["Name"], one["Value"]) for one in metric["Dimensions"]))
            value = self.known.get((metric["Namespace"], metric["MetricName"], dimensions))
            found = [] if value is None else [(hour, at) for hour in hours if (at := value(hour)) is not None]
            status = "Forbidden" if metric["MetricName"] in self.broken else "Complete"
            results.append(
                {
                    "Id": query["Id"],
                    "StatusCode": status,
                    "Timestamps": [hour for hour, _ in found],
                    "Values": [at for _, at in found],
                }
            )
        more = {"NextToken": str(start + each)} if start + each < len(MetricDataQueries) else {}
        return {"MetricDataResults": results, **more}
