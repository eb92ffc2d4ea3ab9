"""The common ground of the `redshift` backend: its records, its lock, its timeline and its events."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar

from sandbox.kernel import ACCOUNT, REGION, ApiError, utcnow
from sandbox.redshift.answers import Answer, Params, has_tag, page
from sandbox.redshift.clusters_parameters import ParameterGroup, default_groups
from sandbox.redshift.clusters_records import Cluster, Snapshot, SubnetGroup, UsageLimit, arn, wire_tags
from sandbox.redshift.clusters_rules import check_max_records, invalid
from sandbox.redshift.lifecycle import Timeline
from sandbox.world import Target, World

T = TypeVar("T")

_EVENTS_KEPT = 2000
_DOCS = "http://docs.aws.amazon.com/redshift/latest/mgmt/working-with-event-notifications.html"


@dataclass(frozen=True)
class EventKind:
    """One entry of Redshift's catalogue of events. `title` is the subject of the notification."""

    event_id: str
    source_type: str
    category: str
    title: str
    text: str
    severity: str = "INFO"


EVENT_KINDS: Final[dict[str, EventKind]] = {
    kind: EventKind(f"REDSHIFT-EVENT-{number}", source_type, category, title, text)
    for kind, number, source_type, category, title, text in (
        ("created", 2000, "cluster", "management", "Cluster Created", "Cluster {name} created at {time}."),
        ("deleted", 2001, "cluster", "management", "Cluster Deleted", "Cluster {name} deleted at {time}."),
        ("restored", 3003, "cluster", "monitoring", "Cluster Created", "Cluster {name} was created from a snapshot and is available."),
        ("rebooted", 3000, "cluster", "monitoring", "Cluster Rebooted", "Cluster {name} was rebooted at {time}."),
        ("resize started", 2006, "cluster", "management", "Resize Started", "Resize of cluster {name} started at {time}."),
        ("resized", 3002, "cluster", "monitoring", "Resize Completed", "The resize of cluster {name} completed at {time}."),
        ("pause started", 3618, "cluster", "management", "Pause Started", "The pause of cluster {name} started at {time}."),
        ("paused", 3619, "cluster", "monitoring", "Pause Succeeded", "Cluster {name} was paused at {time}."),
        ("resumed", 3622, "cluster", "monitoring", "Resume Succeeded", "The cluster {name} was resumed at {time}."),
        ("parameter group used", 1001, "cluster", "configuration", "Cluster Modified", "Cluster {name} uses another parameter group."),
        (
            "security groups updated",
            2002,
            "cluster",
            "management",
            "Cluster Modified",
            "The security groups of cluster {name} were updated.",
        ),
        (
            "credentials updated",
            4000,
            "cluster",
            "security",
            "Credentials Updated",
            "The admin credentials of cluster {name} were updated.",
        ),
        (
            "parameter group created",
            1003,
            "cluster-parameter-group",
            "configuration",
            "Group Created",
            "Parameter group {name} was created.",
        ),
        (
            "parameter group deleted",
            1004,
            "cluster-parameter-group",
            "configuration",
            "Group Deleted",
            "Parameter group {name} was deleted.",
        ),
        (
            "parameter group updated",
            1005,
            "cluster-parameter-group",
            "configuration",
            "Group Updated",
            "Group {name} was updated at {time}.",
        ),
        ("snapshot started", 2009, "cluster-snapshot", "management", "Snapshot Started", "The user snapshot {name} started at {time}."),
        ("snapshot deleted", 2011, "cluster-snapshot", "management", "Snapshot Deleted", "The user snapshot {name} was deleted at {time}."),
        (
            "final snapshot started",
            2012,
            "cluster-snapshot",
            "management",
            "Snapshot Started",
            "The final snapshot {name} started at {time}.",
        ),
        (
            "snapshot completed",
            3004,
            "cluster-snapshot",
            "monitoring",
            "Snapshot Completed",
            "The user snapshot {name} completed at {time}.",
        ),
        ("final snapshot completed", 3005, "cluster-snapshot", "monitoring", "Snapshot Completed", "The final snapshot {name} completed."),
    )
}
"""The events that the sandbox sends. AWS publishes none for other modifications, so the sandbox sends none either."""


@dataclass(frozen=True)
class Event:
    """One event that happened. `order` makes the events of one moment distinct."""

    kind: EventKind
    name: str
    message: str
    moment: datetime
    order: int

    @property
    def sort_key(self) -> str:
        return f"{self.moment.isoformat()}/{self.order:08d}"

    def describe(self) -> Answer:
        return {
            "SourceIdentifier": self.name,
            "SourceType": self.kind.source_type,
            "Message": self.message,
            "EventCategories": [self.kind.category],
            "Severity": self.kind.severity,
            "Date": self.moment,
            "EventId": self.kind.event_id,
        }

    def notification(self) -> str:
        """The JSON text that Redshift publishes to SNS. The blanks behind both links are AWS's own."""
        return json.dumps(
            {
                "Event Source": self.kind.source_type,
                "Resource": self.name,
                "Event Time": self.moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{self.moment.microsecond // 1000:03d}",
                "Identifier Link": f"https://console.aws.amazon.com/redshift/home?region={REGION}#cluster-details:cluster={self.name} ",
                "Severity": self.kind.severity,
                "Category": [self.kind.category.capitalize()],
                "About this Event": f"{_DOCS}#{self.kind.event_id} ",
                "Event Message": self.message,
            }
        )


@dataclass
class Subscription:
    """Who wants to hear of which events. Empty lists and None stand for all."""

    name: str
    topic: str
    source_type: str | None
    source_ids: list[str]
    categories: list[str]
    severity: str
    enabled: bool
    tags: dict[str, str]
    created: datetime = field(default_factory=utcnow)

    @property
    def arn(self) -> str:
        return arn("eventsubscription", self.name)

    def wants(self, event: Event) -> bool:
        return (
            self.enabled
            and self.source_type in (None, event.kind.source_type)
            and (not self.source_ids or event.name in self.source_ids)
            and (not self.categories or event.kind.category in self.categories)
            and self.severity in ("INFO", event.kind.severity)
        )

    def describe(self) -> Answer:
        return {
            "CustomerAwsId": ACCOUNT,
            "CustSubscriptionId": self.name,
            "SnsTopicArn": self.topic,
            "Status": "active",
            "SubscriptionCreationTime": self.created,
            "SourceType": self.source_type,
            "SourceIdsList": self.source_ids,
            "EventCategoriesList": self.categories,
            "Severity": self.severity,
            "Enabled": self.enabled,
            "Tags": wire_tags(self.tags),
        }


class ClustersState:
    """Records under one re-entrant lock, which is never held while a port or a database is called."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.timeline = Timeline(world.clock)
        self._lock = threading.RLock()
        self._forget()

    def _forget(self) -> None:
        self._clusters: dict[str, Cluster] = {}
        self._snapshots: dict[str, Snapshot] = {}
        self._subnet_groups: dict[str, SubnetGroup] = {}
        self._parameter_groups: dict[str, ParameterGroup] = default_groups()
        self._subscriptions: dict[str, Subscription] = {}
        self._usage_limits: dict[str, UsageLimit] = {}
        self._recommendations: list[Answer] = []
        self._events: deque[Event] = deque(maxlen=_EVENTS_KEPT)
        self._event_count = 0

    def reset(self) -> None:
        """Forget everything, the databases of clusters and snapshots included."""
        self.timeline.clear()
        with self._lock:
            keys = [cluster.key for cluster in self._clusters.values()] + [snapshot.key for snapshot in self._snapshots.values()]
            self._forget()
        for key in keys:
            self.world.databases.drop(key)

    def target(self, name: str) -> Target | None:
        """The cluster as the Data API needs to know it, or None."""
        with self._present():
            cluster = self._clusters.get(name)
            return cluster.target() if cluster else None

    def running(self) -> list[Cluster]:
        """The clusters that work at this moment, and so leave metrics."""
        with self._present():
            return [one for one in self._clusters.values() if one.status.partition(",")[0] in ("available", "modifying", "resizing")]

    @contextmanager
    def _present(self) -> Iterator[None]:
        """Everything that is due has happened, and the records stand still. Never enter it while the lock is held."""
        self.timeline.settle()
        with self._lock:
            yield

    def _cluster(self, name: str) -> Cluster:
        if name not in self._clusters:
            raise ApiError("ClusterNotFound", f"Cluster {name} not found.")
        return self._clusters[name]

    def _cluster_in(self, name: str, status: str, verb: str) -> Cluster:
        """The cluster when it is in that state and nothing else is under way on it."""
        cluster = self._cluster(name)
        if cluster.status != status:
            raise ApiError(
                "InvalidClusterState", f"You can't {verb} cluster {name} because it is in the {cluster.status} state, not {status}."
            )
        if any(snapshot.cluster is cluster and snapshot.status == "creating" for snapshot in self._snapshots.values()):
            raise ApiError("InvalidClusterState", f"There is an operation running on the Cluster. Please try to {verb} it at a later time.")
        return cluster

    def _finish(self, cluster: Cluster, seconds: float, change: Callable[[], None], event: str | None, status: str = "available") -> None:
        """After so many life-cycle seconds run `change` without the lock, move the cluster to `status` and send the event.

        The cluster keeps its present state until `change` has returned.
        """
        self.timeline.after(seconds, partial(self._finish_now, cluster, change, event, status))

    def _finish_now(self, cluster: Cluster, change: Callable[[], None], event: str | None, status: str) -> None:
        with self._lock:
            if self._clusters.get(cluster.name) is not cluster:
                return
        change()
        with self._lock:
            cluster.status = status
        if event:
            self._emit(event, cluster.name)

    def _emit(self, kind_name: str, name: str) -> None:
        """Record the event and send it to every subscription that wants it."""
        kind, now = EVENT_KINDS[kind_name], utcnow()
        text = kind.text.format(name=name, time=now.strftime("%Y-%m-%d %H:%M UTC"))
        with self._lock:
            self._event_count += 1
            event = Event(kind, name, text, now, self._event_count)
            self._events.append(event)
            topics = [subscription.topic for subscription in self._subscriptions.values() if subscription.wants(event)]
        subject = f"[Amazon Redshift {kind.severity}] - {kind.title}"
        for topic in topics:
            self.world.hints.send(partial(self.world.ports.publish, topic, subject, event.notification()))


def nothing_more() -> None:
    """What remains to be done at the end of a change that is only a matter of time."""


def described(
    name: str, records: Iterable[T], params: Params, key: Callable[[T], str], describe: Callable[[T], Any], fewest: int = 20
) -> Answer:
    """One page of a describe operation: `{name: [...], "Marker": ...}`."""
    limit = check_max_records(params, fewest)
    chosen, marker = page(records, key, limit, params.get("Marker"), invalid)
    return {name: [describe(record) for record in chosen], "Marker": marker}


def tagged_as(params: Mapping[str, Any], tags: Mapping[str, str]) -> bool:
    """Whether a resource's tags pass the request's TagKeys and TagValues."""
    return has_tag(tags, params.get("TagKeys", []), params.get("TagValues", []))
