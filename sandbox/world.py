"""How the parts of the sandbox know each other: one World holds them all, each reached through a small interface.

`wire` decodes a request and calls a backend (`clusters`, `serverless`, `data_api`); a backend may use the clock, the
hints, the databases and the ports; nothing but `host` and `ports` knows ministack.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from sandbox.kernel import ACCOUNT, REGION, Clock, Faults, Hints
from sandbox.sql.shares import Shares


@dataclass(frozen=True)
class Caller:
    """Who signed a request. `principal_arn` is the root, a user, or an assumed role (a Lambda function's role)."""

    account: str = ACCOUNT
    region: str = REGION
    principal_arn: str = f"arn:aws:iam::{ACCOUNT}:root"


@dataclass(frozen=True)
class Target:
    """A warehouse as the Data API needs to know it. `key` names it in the databases: `cluster:analytics`."""

    key: str
    kind: Literal["cluster", "workgroup"]
    name: str
    arn: str
    state: str
    admin_user: str
    database: str
    secret_arn: str | None = None


@dataclass(frozen=True)
class Activity:
    """What a warehouse did since a moment: how long each query kept it busy since then, and how long those took that ended."""

    busy_seconds: list[float]
    finished_seconds: list[float]
    failed: int
    running: int
    sessions: int
    stored_mb: float


class Ports(Protocol):
    """The other services of the same sandbox, for backends that must call them."""

    def s3_get(self, bucket: str, key: str) -> bytes: ...
    def s3_put(self, bucket: str, key: str, body: bytes) -> None: ...
    def s3_list(self, bucket: str, prefix: str) -> list[str]: ...
    def s3_delete(self, bucket: str, key: str) -> None: ...
    def create_secret(self, name: str, value: dict[str, Any]) -> str: ...
    def get_secret(self, arn: str) -> dict[str, Any]: ...
    def delete_secret(self, arn: str) -> None: ...
    def publish(self, topic_arn: str, subject: str, message: str) -> None: ...
    def put_event(self, source: str, detail_type: str, resources: list[str], detail: dict[str, Any]) -> None: ...
    def put_metrics(self, namespace: str, data: list[dict[str, Any]]) -> None: ...
    def bucket_admits(self, bucket: str, actions: list[str], source_arn: str) -> bool:
        """Whether the bucket's policy lets Redshift itself do all of this for a resource of it."""
        ...

    def may(self, caller: Caller, action: str, resource: str) -> bool:
        """Whether the caller's IAM policies allow a further action, such as redshift:GetClusterCredentials."""
        ...


class DatabasesLike(Protocol):
    """The databases of all warehouses on one PostgreSQL server. `warehouse` is a Target.key or a snapshot's key."""

    @property
    def shares(self) -> Shares: ...

    def create(self, warehouse: str, database: str, admin_user: str) -> None: ...
    def set_password(self, warehouse: str, user: str, password: str) -> None: ...
    def drop(self, warehouse: str) -> None: ...
    def copy(self, source: str, target: str) -> None: ...
    def stop(self, warehouse: str) -> None:
        """Terminate every session, so running queries die, and refuse new ones until `start`."""
        ...

    def start(self, warehouse: str) -> None: ...
    def set_namespace(self, warehouse: str, namespace: str) -> None: ...
    def make_source(self, database: str, user: str, password: str) -> dict[str, Any]:
        """Make a database that is no warehouse's, for federated schemas; its host and port."""
        ...

    def drop_sources(self) -> None: ...
    def set_base_capacity(self, warehouse: str, base_rpu: float) -> None: ...
    def active_queries(self, warehouse: str) -> int: ...
    def activity(self, warehouses: list[str], since: datetime) -> dict[str, Activity]:
        """What each of these warehouses did since then."""
        ...

    def size_mb(self, warehouse: str) -> float: ...


@dataclass
class World:
    """Everything of one sandbox. Parts are filled in by `host` (or by a test, which may leave out what it does not use)."""

    clock: Clock
    faults: Faults
    hints: Hints
    ports: Ports
    databases: DatabasesLike
    clusters: Any = None
    serverless: Any = None
    data_api: Any = None
    costs: Any = None
    zero_etl: Any = None

    def target(self, *, cluster: str | None = None, workgroup: str | None = None) -> Target | None:
        """The warehouse of that name, or None."""
        found: Target | None = self.clusters.target(cluster) if cluster else self.serverless.target(workgroup)
        return found
