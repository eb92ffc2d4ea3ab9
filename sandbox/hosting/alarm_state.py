"""When a CloudWatch alarm rings, as AWS decides it. Replaces ministack's own evaluation (see `fidelity.alarms`).

What ministack does otherwise: it looks at a metric's data whatever their dimensions are, so that an alarm rings for another
queue or state machine than its own; it takes all periods together, and looks only when data arrive.
"""

from __future__ import annotations

import operator
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch, sqs

from sandbox.hosting import alarm_math
from sandbox.kernel import ACCOUNT, REGION

Json = dict[str, Any]

_LOOK_SECONDS = 1.0
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


def evaluate(alarm: Json, now: float | None = None) -> None:
    """Bring one alarm on a metric into the state that its data stand for, and carry out the actions of a change."""
    comparison = _COMPARISONS.get(alarm.get("ComparisonOperator", ""))
    summed = alarm_math.parts(alarm)
    if comparison is None or not (alarm.get("MetricName") or summed):
        return  # an alarm on another expression or an anomaly band: ministack does not evaluate these either
    moment = now or time.time()
    values = _sums([period_values(part, moment) for part in summed]) if summed else period_values(alarm, moment)
    state = state_of(alarm, values, comparison)
    before = alarm["StateValue"]
    if state == before:
        return
    reason = f"Threshold Crossed: {values} {alarm['ComparisonOperator']} {alarm['Threshold']}"
    alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
    cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def period_values(alarm: Json, now: float) -> list[float | None]:
    """The statistic of each evaluated period, the latest first; None where the metric has no data of the alarm's dimensions."""
    dimensions = {one["Name"]: one["Value"] for one in alarm.get("Dimensions") or []}
    key = (alarm["Namespace"], alarm["MetricName"], cloudwatch._dims_key(dimensions))
    points: Sequence[Json] = list(cloudwatch._metrics.get(key) or [])
    period, statistic = float(alarm.get("Period", 60)), alarm.get("ExtendedStatistic") or alarm.get("Statistic", "Average")

    def value(index: int) -> float | None:
        end = now - index * period
        within = [point for point in points if end - period < point["Timestamp"] <= end]
        return cloudwatch._stat_value(cloudwatch._calc_stats(within), statistic, within) if within else None

    return [value(index) for index in range(int(alarm.get("EvaluationPeriods", 1)))]


def _sums(series: list[list[float | None]]) -> list[float | None]:
    """Period by period the sum of what has data; None where nothing has."""
    found = [[value for value in values if value is not None] for values in zip(*series, strict=True)]
    return [sum(values) if values else None for values in found]


def state_of(alarm: Json, values: Sequence[float | None], comparison: Callable[[float, float], bool]) -> str:
    """`OK`, `ALARM` or `INSUFFICIENT_DATA` for these values, after the alarm's treatment of missing data."""
    treatment = alarm.get("TreatMissingData") or "missing"
    if all(value is None for value in values) and treatment in ("missing", "ignore"):
        return "INSUFFICIENT_DATA" if treatment == "missing" else str(alarm["StateValue"])
    threshold = float(alarm["Threshold"])
    breaching = [treatment == "breaching" if value is None else comparison(value, threshold) for value in values]
    needed = int(alarm.get("DatapointsToAlarm") or alarm.get("EvaluationPeriods", 1))
    return "ALARM" if sum(breaching) >= needed else "OK"


class Watch:
    """Looks at queues and alarms every second: CloudWatch counts a queue's messages, and sees data cease, by itself."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def start(self) -> None:
        """Watch until the process ends."""
        threading.Thread(target=self._run, name="sandbox-alarms", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(_LOOK_SECONDS)
            with request_scope(ACCOUNT, REGION):
                self._count_messages()
                cloudwatch._evaluate_all_alarms()

    def _count_messages(self) -> None:
        for queue in list(sqs._queues.values()):
            now = time.time()
            visible = sum(message["visible_at"] <= now for message in list(queue["messages"]))
            # A count that stays is the same data point again; only an empty queue needs none.
            if visible or self._counts.get(queue["name"]):
                cloudwatch.record_metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", visible, "Count", {"QueueName": queue["name"]})
            self._counts[queue["name"]] = visible
