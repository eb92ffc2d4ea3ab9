"""Alarms on a metric math expression: kept as they were put, and evaluated where they sum their metrics up.

What ministack does otherwise: PutMetricAlarm drops `Metrics`, so that such an alarm has neither metric nor expression.
"""

from __future__ import annotations

from typing import Any

from ministack.services import cloudwatch

Json = dict[str, Any]

#: Members that belong to an alarm on one metric only. Source: PutMetricAlarm, `Metrics`.
_OF_ONE_METRIC = ("MetricName", "Namespace", "Dimensions", "Period", "Unit", "Statistic", "ExtendedStatistic")
#: Source: CloudWatch guide, alarms: a metric math alarm is based on up to 10 metrics.
_MOST_METRICS = 10
SUM = "SUM(METRICS())"


def apply() -> None:
    """Put it in place, once per process."""
    put = cloudwatch._put_metric_alarm

    def put_metric_alarm(params: Any, request: Json, is_cbor: bool, is_json: bool = False) -> Any:  # noqa: FBT002 - ministack's signature
        metrics = (request or {}).get("Metrics")
        if not metrics:
            return put(params, request, is_cbor, is_json)
        if problem := _problem(request, metrics):
            return cloudwatch._error("ValidationError", problem, 400, use_json=is_json, use_cbor=is_cbor)
        answer = put(params, request, is_cbor, is_json)
        alarm = cloudwatch._alarms.get(request["AlarmName"])
        if alarm is not None:
            for member in _OF_ONE_METRIC:
                alarm.pop(member, None)
            alarm["Metrics"] = metrics
        return answer

    cloudwatch._put_metric_alarm = put_metric_alarm


def _problem(request: Json, metrics: list[Json]) -> str:
    if any(member in request for member in _OF_ONE_METRIC):
        return "If you specify the Metrics parameter, you cannot specify MetricName, Namespace, Dimensions, Period, Unit or Statistic."
    if sum("MetricStat" in one for one in metrics) > _MOST_METRICS:
        return f"An alarm on an expression takes up to {_MOST_METRICS} metrics."
    if sum(one.get("ReturnData", True) for one in metrics) != 1:
        return "Exactly one element of the metrics list should return data."
    return ""


def parts(alarm: Json) -> list[Json]:
    """The single metrics that an alarm sums up, each like an alarm on it; none for another expression, which is not evaluated here."""
    metrics = alarm.get("Metrics") or []
    if [one["Expression"] for one in metrics if one.get("ReturnData", True) and "Expression" in one] != [SUM]:
        return []
    stats = [one["MetricStat"] for one in metrics if "MetricStat" in one]
    shared = {"EvaluationPeriods": alarm.get("EvaluationPeriods", 1)}
    return [{**shared, **stat["Metric"], "Period": stat["Period"], "Statistic": stat["Stat"]} for stat in stats]
