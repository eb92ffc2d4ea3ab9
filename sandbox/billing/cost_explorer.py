"""Cost Explorer over the usage that the test desk has set: what AWS would have billed an account for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sandbox.kernel import ACCOUNT, REGION, ApiError, utcnow
from sandbox.world import Caller

Json = dict[str, Any]
#: AWS does not say how long its pages are; these are short, so that whoever reads only the first one notices.
_PAGE_GROUPS = 100
#: Source: GetCostAndUsage: daily data go back 14 months.
_OLDEST_DAYS = 425
_METRICS = (
    "AmortizedCost",
    "BlendedCost",
    "NetAmortizedCost",
    "NetUnblendedCost",
    "NormalizedUsageAmount",
    "UnblendedCost",
    "UsageQuantity",
)


@dataclass(frozen=True)
class Usage:
    """What one usage type of one resource cost on one day. Amounts are text, as exact as they were given."""

    day: str
    usage_type: str
    amount: str
    quantity: str = "0"
    unit: str = "Hrs"
    tags: dict[str, str] = field(default_factory=dict)
    service: str = "Amazon Redshift"
    region: str = REGION
    account: str = ACCOUNT
    record_type: str = "Usage"

    def dimension(self, key: str) -> str:
        known = {
            "SERVICE": self.service,
            "REGION": self.region,
            "LINKED_ACCOUNT": self.account,
            "USAGE_TYPE": self.usage_type,
            "RECORD_TYPE": self.record_type,
        }
        if key not in known:
            raise ApiError("ValidationException", f"The sandbox knows the dimensions {', '.join(known)}, not {key}.")
        return known[key]


class CostExplorer:
    """Implements the operations of `ce` that concern costs, forecasts, reservations and tags."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """An account that has spent nothing."""
        self.set_costs()

    def set_costs(
        self,
        usage: Iterable[Json] = (),
        forecast: str | None = None,
        offers: Iterable[Json] = (),
        active_tags: Iterable[str] = (),
        reserved_nodes: Iterable[Json] = (),
    ) -> None:
        """Replace everything that is known. Raises TypeError or ValueError with a readable message for what is malformed."""
        rows = [Usage(**one) for one in usage]
        for row in rows:
            date.fromisoformat(row.day)
            Decimal(row.amount)
        self.usage, self.forecast = rows, forecast
        self.offers, self.active_tags, self.reserved_nodes = list(offers), set(active_tags), list(reserved_nodes)

    def get_cost_and_usage(self, params: Json, _caller: Caller) -> Json:
        start, end = _period(params["TimePeriod"])
        groups_by, metrics = params.get("GroupBy", []), params["Metrics"]
        if params["Granularity"] != "DAILY":
            raise ApiError("ValidationException", "The sandbox knows the granularity DAILY only.")
        if len(groups_by) > 2:
            raise ApiError("ValidationException", "Only 2 GroupBy are allowed.")
        if unknown := [one for one in metrics if one not in _METRICS]:
            raise ApiError("ValidationException", f"Unknown metric {unknown[0]}; known are {', '.join(_METRICS)}.")
        token = params.get("NextPageToken", "0")
        if not token.isdecimal():
            raise ApiError("InvalidNextTokenException", "The pagination token is invalid.")
        if (utcnow().date() - start).days > _OLDEST_DAYS:
            raise ApiError("ValidationException", "Data before the last 14 months is not available at this granularity.")
        rows = [row for row in self.usage if _is_within(row, start, end) and self._passes(row, params.get("Filter"))]
        found = self._grouped(rows, groups_by, metrics)
        page, first = found[int(token) : int(token) + _PAGE_GROUPS], int(token)
        answer: Json = {"GroupDefinitions": groups_by, "ResultsByTime": _by_day(page, start, end, whole=len(found) <= _PAGE_GROUPS)}
        return answer | ({"NextPageToken": str(first + _PAGE_GROUPS)} if first + _PAGE_GROUPS < len(found) else {})

    def get_cost_forecast(self, params: Json, _caller: Caller) -> Json:
        start, _ = _period(params["TimePeriod"])
        if start < utcnow().date():
            raise ApiError("ValidationException", "Start date must be equal to or later than today.")
        if self.forecast is None:
            raise ApiError("DataUnavailableException", "Insufficient amount of historical data.")
        return {"Total": {"Amount": self.forecast, "Unit": "USD"}, "ForecastResultsByTime": []}

    def get_reservation_purchase_recommendation(self, params: Json, _caller: Caller) -> Json:
        if params["Service"] != "Amazon Redshift" or not self.offers:
            return {"Recommendations": []}
        terms = {key: params[key] for key in ("AccountScope", "LookbackPeriodInDays", "TermInYears", "PaymentOption") if key in params}
        return {"Recommendations": [{**terms, "RecommendationDetails": self.offers}]}

    def list_cost_allocation_tags(self, params: Json, _caller: Caller) -> Json:
        keys = {key for row in self.usage for key in row.tags} | self.active_tags
        found = [
            {"TagKey": key, "Type": "UserDefined", "Status": "Active" if key in self.active_tags else "Inactive"}
            for key in sorted(keys)
            if key in params.get("TagKeys", keys)
        ]
        return {"CostAllocationTags": [one for one in found if params.get("Status", one["Status"]) == one["Status"]]}

    def update_cost_allocation_tags_status(self, params: Json, _caller: Caller) -> Json:
        for one in params["CostAllocationTagsStatus"]:
            (self.active_tags.add if one["Status"] == "Active" else self.active_tags.discard)(one["TagKey"])
        return {"Errors": []}

    def _grouped(self, rows: list[Usage], groups_by: list[Json], metrics: list[str]) -> list[tuple[str, Json]]:
        sums: dict[tuple[str, ...], list[Usage]] = defaultdict(list)
        for row in rows:
            sums[row.day, *(self._key(row, one) for one in groups_by)].append(row)
        return [(day, {"Keys": keys, "Metrics": _metrics(sums[day, *keys], metrics)}) for day, *keys in sorted(sums)]

    def _key(self, row: Usage, group: Json) -> str:
        if group["Type"] == "TAG":
            # A tag that is not activated for cost allocation is unknown to Cost Explorer.
            return f"{group['Key']}${row.tags.get(group['Key'], '') if group['Key'] in self.active_tags else ''}"
        return row.dimension(group["Key"])

    def _passes(self, row: Usage, expression: Json | None) -> bool:
        if not expression:
            return True
        match expression:
            case {"And": parts}:
                return all(self._passes(row, part) for part in parts)
            case {"Or": parts}:
                return any(self._passes(row, part) for part in parts)
            case {"Not": part}:
                return not self._passes(row, part)
            case {"Dimensions": {"Key": key, "Values": values}}:
                return row.dimension(key) in values
            case {"Tags": {"Key": key, "Values": values}}:
                return key in self.active_tags and row.tags.get(key, "") in values
        raise ApiError("ValidationException", f"The sandbox does not understand the filter {expression}.")


def _period(period: Json) -> tuple[date, date]:
    try:
        start, end = date.fromisoformat(period["Start"]), date.fromisoformat(period["End"])
    except ValueError as error:
        raise ApiError("ValidationException", f"TimePeriod must be days such as 2026-10-01: {error}") from error
    if start >= end:
        raise ApiError("ValidationException", "Start date (and hour) should be before end date (and hour)")
    return start, end


def _is_within(row: Usage, start: date, end: date) -> bool:
    return start <= date.fromisoformat(row.day) < end


def _metrics(rows: list[Usage], metrics: list[str]) -> Json:
    amount, quantity = sum(Decimal(row.amount) for row in rows), sum(Decimal(row.quantity) for row in rows)
    units = {row.unit for row in rows}
    unit = units.pop() if len(units) == 1 else "N/A"
    return {
        name: {"Amount": str(quantity), "Unit": unit} if name == "UsageQuantity" else {"Amount": str(amount), "Unit": "USD"}
        for name in metrics
    }


def _by_day(page: list[tuple[str, Json]], start: date, end: date, *, whole: bool) -> list[Json]:
    """The groups under their days; days without any are told, too, unless they may stand on another page."""
    days: dict[str, list[Json]] = {}
    if whole:
        days = {(start + timedelta(days=number)).isoformat(): [] for number in range((end - start).days)}
    for day, group in page:
        days.setdefault(day, []).append(group)
    return [
        {"TimePeriod": {"Start": day, "End": (date.fromisoformat(day) + timedelta(days=1)).isoformat()}, "Total": {}, "Groups": groups}
        for day, groups in days.items()
    ]
