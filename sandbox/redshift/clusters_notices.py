"""Event subscriptions, past events, and tags."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Any, Final, Protocol

from sandbox.kernel import ApiError, utcnow
from sandbox.redshift.answers import Answer, Params, page
from sandbox.redshift.clusters_groups import Groups
from sandbox.redshift.clusters_records import arn
from sandbox.redshift.clusters_rules import check_identifier, check_max_records, check_tag_count, combination, invalid, tags_of
from sandbox.redshift.clusters_state import EVENT_KINDS, Event, Subscription, described, tagged_as
from sandbox.world import Caller

_SOURCE_TYPES: Final = ("cluster", "cluster-parameter-group", "cluster-security-group", "cluster-snapshot", "scheduled-action")
_CATEGORIES: Final = ("configuration", "management", "monitoring", "security", "pending")
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}")
_DEFAULT_PAST_MINUTES = 60


class Tagged(Protocol):
    """A resource that carries tags."""

    tags: dict[str, str]

    @property
    def arn(self) -> str: ...


class Notices(Groups):
    """Who hears of events, what happened, and the tags of every resource."""

    def create_event_subscription(self, params: Params, _caller: Caller) -> Answer:
        check_identifier("SubscriptionName", params["SubscriptionName"].lower(), 255)
        tags = tags_of(params)
        with self._present():
            if params["SubscriptionName"] in self._subscriptions:
                raise ApiError("SubscriptionAlreadyExist", f"Event subscription {params['SubscriptionName']} already exists.")
            subscription = Subscription(params["SubscriptionName"], "", None, [], [], "INFO", enabled=True, tags=tags)
            self._change_subscription(subscription, params)
            self._subscriptions[subscription.name] = subscription
            return {"EventSubscription": subscription.describe()}

    def modify_event_subscription(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            subscription = self._subscription(params["SubscriptionName"])
            self._change_subscription(subscription, params)
            return {"EventSubscription": subscription.describe()}

    def describe_event_subscriptions(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            name = params.get("SubscriptionName")
            chosen = self._subscriptions.values() if name is None else [self._subscription(name)]
            tagged = [one for one in chosen if tagged_as(params, one.tags)]
            return described("EventSubscriptionsList", tagged, params, lambda one: one.name, Subscription.describe)

    def delete_event_subscription(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            del self._subscriptions[self._subscription(params["SubscriptionName"]).name]
        return {}

    def describe_event_categories(self, params: Params, _caller: Caller) -> Answer:
        wanted = [one for one in _SOURCE_TYPES if params.get("SourceType") in (None, one)]
        return {"EventCategoriesMapList": [{"SourceType": one, "Events": _known_events(one)} for one in wanted]}

    def describe_events(self, params: Params, _caller: Caller) -> Answer:
        if "SourceIdentifier" in params and "SourceType" not in params:
            raise combination("SourceType is required with SourceIdentifier.")
        past = timedelta(minutes=params.get("Duration", _DEFAULT_PAST_MINUTES))
        with self._present():
            start = params.get("StartTime", params.get("EndTime", utcnow()) - past)
            chosen = [
                event
                for event in self._events
                if start <= event.moment <= params.get("EndTime", event.moment)
                and params.get("SourceType") in (None, event.kind.source_type)
                and params.get("SourceIdentifier") in (None, event.name)
            ]
            return described("Events", chosen, params, lambda event: event.sort_key, Event.describe)

    def create_tags(self, params: Params, _caller: Caller) -> Answer:
        added = tags_of(params)
        with self._present():
            resource = self._resource(params["ResourceName"])
            check_tag_count({**resource.tags, **added})
            resource.tags.update(added)
        return {}

    def delete_tags(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            resource = self._resource(params["ResourceName"])
            for key in params["TagKeys"]:
                resource.tags.pop(key, None)
        return {}

    def describe_tags(self, params: Params, _caller: Caller) -> Answer:
        name, kind = params.get("ResourceName"), params.get("ResourceType")
        if name is not None and kind is not None:
            raise combination("Give either ResourceName or ResourceType.")
        limit = check_max_records(params, fewest=1)
        with self._present():
            chosen = list(self._resources()) if name is None else [self._resource(name)]
            listed: list[dict[str, Any]] = [
                {"Tag": {"Key": key, "Value": value}, "ResourceName": resource.arn, "ResourceType": _kind(resource.arn)}
                for resource in chosen
                for key, value in resource.tags.items()
                if tagged_as(params, {key: value}) and kind in (None, *_names_of(_kind(resource.arn)))
            ]
        rows, marker = page(listed, lambda row: f"{row['ResourceName']} {row['Tag']['Key']}", limit, params.get("Marker"), invalid)
        return {"TaggedResources": rows, "Marker": marker}

    def _subscription(self, name: str) -> Subscription:
        if name not in self._subscriptions:
            raise ApiError("SubscriptionNotFound", f"Event subscription {name} not found.")
        return self._subscriptions[name]

    def _change_subscription(self, subscription: Subscription, params: Params) -> None:
        """Check everything first, so that a refused request changes nothing."""
        topic = params.get("SnsTopicArn", subscription.topic)
        source_type = params.get("SourceType", subscription.source_type)
        source_ids = params.get("SourceIds", subscription.source_ids)
        categories = [category.lower() for category in params.get("EventCategories", subscription.categories)]
        severity = params.get("Severity", subscription.severity).upper()
        if not _TOPIC.fullmatch(topic):
            raise ApiError("SNSInvalidTopic", f"'{topic}' is not the ARN of a standard SNS topic.")
        if source_type not in (None, *_SOURCE_TYPES):
            raise invalid(f"SourceType must be one of {', '.join(_SOURCE_TYPES)}.")
        if unknown := [category for category in categories if category not in _CATEGORIES]:
            raise ApiError("SubscriptionCategoryNotFound", f"Unknown event category: {unknown[0]}.")
        if severity not in ("INFO", "ERROR"):
            raise ApiError("SubscriptionSeverityNotFound", f"Unknown severity: {severity}.")
        self._check_sources(source_type, source_ids)
        subscription.topic, subscription.source_type, subscription.source_ids = topic, source_type, list(source_ids)
        subscription.categories, subscription.severity = categories, severity
        subscription.enabled = params.get("Enabled", subscription.enabled)

    def _check_sources(self, source_type: str | None, source_ids: list[str]) -> None:
        if source_ids and source_type is None:
            raise combination("SourceType is required with SourceIds.")
        known: dict[str, Collection[str]] = {
            "cluster": self._clusters,
            "cluster-snapshot": self._snapshots,
            "cluster-parameter-group": self._parameter_groups,
        }
        for source in source_ids:
            if source not in known.get(source_type or "", {}):
                raise ApiError("SourceNotFound", f"The {source_type} {source} was not found.")

    def _resources(self) -> Iterator[Tagged]:
        yield from self._clusters.values()
        yield from self._snapshots.values()
        yield from self._subnet_groups.values()
        yield from self._parameter_groups.values()
        yield from self._subscriptions.values()
        yield from self._usage_limits.values()

    def _resource(self, name: str) -> Tagged:
        if not name.startswith(arn("", "").rstrip(":")):
            raise invalid(f"'{name}' is not the ARN of a Redshift resource of this account and region.")
        found = next((resource for resource in self._resources() if resource.arn == name), None)
        if found is None:
            raise ApiError("ResourceNotFoundFault", f"The resource {name} was not found.")
        return found


def _kind(resource_arn: str) -> str:
    return resource_arn.split(":")[5]


def _names_of(kind: str) -> tuple[str, ...]:
    """What a request may call a type of resource: as in the ARN, or as AWS documents it."""
    documented = {"cluster": "Cluster", "snapshot": "Snapshot", "subnetgroup": "Subnet group", "parametergroup": "Parameter group"}
    return (kind, documented.get(kind, kind))


def _known_events(source_type: str) -> list[Answer]:
    return [
        {
            "EventId": kind.event_id,
            "EventCategories": [kind.category],
            "EventDescription": kind.text.format(name="<name>", time="<time in UTC>"),
            "Severity": kind.severity,
        }
        for kind in EVENT_KINDS.values()
        if kind.source_type == source_type
    ]
