"""The common ground of the `redshift-serverless` backend: its records, its lock, its timeline and its events."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, TypeVar

from sandbox.kernel import ApiError, utcnow
from sandbox.redshift.answers import Answer, Params, new_password, page
from sandbox.redshift.lifecycle import Timeline
from sandbox.redshift.serverless_records import Namespace, ServerlessSnapshot, UsageLimit, Workgroup
from sandbox.redshift.serverless_rules import invalid
from sandbox.world import Target, World

T = TypeVar("T")

SOURCE: Final = "aws.redshift-serverless"

_EVENTS: Final = {
    "workgroup created": (1008, "Management", "workgroup", "Your Amazon Redshift workgroup {name} has been created and is ready for use."),
    "workgroup deleted": (1009, "Management", "workgroup", "Your Amazon Redshift workgroup {name} was deleted at {time}."),
    "base capacity changed": (1001, "Base RPU Change", "workgroup", "Workgroup base RPU change completed successfully at {time}."),
    "snapshot completed": (1000, "Monitoring", "snapshot", "Snapshot {name} completed successfully at {time}."),
    "credentials updated": (1016, "Security", "namespace", "Admin credentials updated for your namespace {name} at {time}."),
}
"""Number, detail-type, kind of resource and text of each event. AWS documents these and none for other changes of a workgroup."""


class ServerlessState:
    """Records under one re-entrant lock, which is never held while a port or a database is called."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.timeline = Timeline(world.clock)
        self._lock = threading.RLock()
        self._forget()

    def _forget(self) -> None:
        self._namespaces: dict[str, Namespace] = {}
        self._workgroups: dict[str, Workgroup] = {}
        self._snapshots: dict[str, ServerlessSnapshot] = {}
        self._limits: dict[str, UsageLimit] = {}

    def reset(self) -> None:
        """Forget everything, the databases of namespaces and snapshots included."""
        self.timeline.clear()
        with self._lock:
            keys = [space.key for space in self._namespaces.values()] + [snapshot.key for snapshot in self._snapshots.values()]
            self._forget()
        for key in keys:
            self.world.databases.drop(key)

    def target(self, name: str) -> Target | None:
        """The workgroup as the Data API needs to know it, or None. Its key is that of the namespace, which owns the data."""
        with self._present():
            workgroup = self._workgroups.get(name)
            return workgroup.target() if workgroup else None

    def running(self) -> list[tuple[str, int, str]]:
        """The workgroups that take queries: name, base capacity in RPUs, and the key of the namespace that owns the data."""
        with self._present():
            found = [one for one in self._workgroups.values() if one.status in ("AVAILABLE", "MODIFYING")]
            return [(one.name, one.base_capacity, one.namespace.key) for one in found]

    @contextmanager
    def _present(self) -> Iterator[None]:
        """Everything that is due has happened, and the records stand still. Never enter it while the lock is held."""
        self.timeline.settle()
        with self._lock:
            yield

    def _namespace(self, name: str) -> Namespace:
        if name not in self._namespaces:
            raise ApiError("ResourceNotFoundException", f"The namespace {name} was not found.")
        return self._namespaces[name]

    def _available_namespace(self, name: str) -> Namespace:
        namespace = self._namespace(name)
        if namespace.status != "AVAILABLE":
            raise ApiError("ConflictException", f"The namespace {name} is {namespace.status}, not AVAILABLE. Try again later.")
        return namespace

    def _workgroup(self, name: str) -> Workgroup:
        if name not in self._workgroups:
            raise ApiError("ResourceNotFoundException", f"The workgroup {name} was not found.")
        return self._workgroups[name]

    def _available_workgroup(self, name: str) -> Workgroup:
        workgroup = self._workgroup(name)
        if workgroup.status != "AVAILABLE":
            raise ApiError("ConflictException", f"The workgroup {name} is {workgroup.status}, not AVAILABLE. Try again later.")
        return workgroup

    def _set_password(self, namespace: Namespace, params: Params) -> None:
        """Give the admin user the requested password, or one that Redshift keeps as a secret. The namespace keeps neither."""
        if params.get("manageAdminPassword") is True and namespace.secret_arn is None:
            password = new_password()
            secret = {"username": namespace.admin_user, "password": password}
            secret_arn = self.world.ports.create_secret(f"redshift!{namespace.name}-{namespace.admin_user}", secret)
            with self._lock:
                namespace.secret_arn = secret_arn
            self.world.databases.set_password(namespace.key, namespace.admin_user, password)
        elif "adminUserPassword" in params:
            self._forget_password(namespace)
            self.world.databases.set_password(namespace.key, namespace.admin_user, params["adminUserPassword"])

    def _forget_password(self, namespace: Namespace) -> None:
        with self._lock:
            secret_arn, namespace.secret_arn, namespace.secret_kms_key = namespace.secret_arn, None, None
        if secret_arn:
            self.world.ports.delete_secret(secret_arn)

    def _emit(self, event: str, name: str, resource_arn: str) -> None:
        number, category, kind, text = _EVENTS[event]
        detail = {
            "eventId": f"REDSHIFT-SERVERLESS-EVENT-{number}",
            "eventCategories": [category],
            "severity": "INFO",
            "eventMessage": text.format(name=name, time=f"{utcnow():%Y-%m-%d %H:%M UTC}"),
            "sourceType": kind,
            "sourceId": name,
        }
        self.world.hints.send(partial(self.world.ports.put_event, SOURCE, f"Redshift Serverless {category}", [resource_arn], detail))


def listed(name: str, records: Iterable[T], params: Params, key: Callable[[T], str], describe: Callable[[T], Any]) -> Answer:
    """One page of a list operation: `{name: [...], "nextToken": ...}`."""
    chosen, token = page(records, key, params.get("maxResults", 100), params.get("nextToken"), invalid)
    return {name: [describe(record) for record in chosen], "nextToken": token}
