"""CloudWatch under IAM: alarms and dashboards are authorized by their names; a dashboard's ARN has no region.

Source: service authorization reference, Amazon CloudWatch. ministack authorizes what has an AlarmName
only by name, and all the rest on `*`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ministack.core import iam_actions

#: Operations that take no resource, though their requests may name one.
_ON_EVERYTHING = {"DescribeAlarmsForMetric", "ListDashboards", "ListMetrics", "GetMetricData", "GetMetricStatistics", "PutMetricData"}


def apply() -> None:
    """Put it in place, once per process."""
    known = iam_actions.extract_resource_arn

    def extract(  # noqa: PLR0913, PLR0917 - ministack's signature
        service: str, method: str, path: str, headers: Any, body: bytes, query: Any, region: str, account: str
    ) -> str:
        if service != "monitoring":
            return str(known(service, method, path, headers, body, query, region, account))
        action = iam_actions.extract_iam_action(service, method, path, headers, body, query) or ""
        return resource_arn(action.partition(":")[2], members(body, query), region, account)

    iam_actions.extract_resource_arn = extract


def resource_arn(operation: str, request: Mapping[str, Any], region: str, account: str) -> str:
    """The ARN that IAM checks for an operation with these request members. Of several names the first one stands for all."""
    if operation in _ON_EVERYTHING:
        return "*"
    if name := _first(request, "DashboardName", "DashboardNames"):
        return f"arn:aws:cloudwatch::{account}:dashboard/{name}"
    if name := _first(request, "AlarmName", "AlarmNames"):
        return f"arn:aws:cloudwatch:{region}:{account}:alarm:{name}"
    return f"arn:aws:cloudwatch:{region}:{account}:alarm:*" if operation == "DescribeAlarms" else "*"


def _first(request: Mapping[str, Any], *members: str) -> str:
    for member in members:
        value = request.get(member) or request.get(f"{member}.member.1")
        if value:
            return str(value[0] if isinstance(value, list) else value)
    return ""


def members(body: bytes, query: Mapping[str, Any]) -> Mapping[str, Any]:
    """The members of a request, in JSON or in the query protocol."""
    if body[:1] == b"{":
        request: Mapping[str, Any] = json.loads(body)
        return request
    return {name: value[0] if isinstance(value, list) else value for name, value in query.items()}
