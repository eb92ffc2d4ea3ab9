"""Stand-ins for the parts of a World, held in memory, so that a backend can be tested without PostgreSQL and ministack."""

from __future__ import annotations

import base64
import copy
import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.kernel import ACCOUNT, REGION, ApiError, Clock, Faults, Hints
from sandbox.sql.errors import SqlError
from sandbox.sql.shares import Shares
from sandbox.world import Activity, Caller, World
from tests.sandbox.fake_lake import FakeLake

ROOT = Caller()
LAMBDA_ROLE = Caller(principal_arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/pause-role/pause")
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:cluster-events"
PATIENCE_SECONDS = 10.0


class HandClock(Clock):
    """A clock that stands still until a test advances it."""

    def __init__(self) -> None:
        super().__init__(scale=1e-9)

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._base += seconds


class FakePorts:
    """The other services: what was published and put stays here to be looked at."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}
        self.buckets: set[str] = set()
        self.closed_buckets: set[str] = set()
        self.secrets: dict[str, dict[str, Any]] = {}
        self.published: list[tuple[str, str, str]] = []
        self.events: list[tuple[str, str, list[str], dict[str, Any]]] = []
        self.metrics: list[tuple[str, dict[str, Any]]] = []
        self.denied: set[str] = set()
        self._made = 0

    def s3_get(self, bucket: str, key: str) -> bytes:
        if (bucket, key) not in self.objects:
            raise ApiError("NoSuchKey", "The specified key does not exist.", 404)
        return self.objects[bucket, key]

    def s3_put(self, bucket: str, key: str, body: bytes) -> None:
        self.buckets.add(bucket)
        self.objects[bucket, key] = body

    def s3_list(self, bucket: str, prefix: str) -> list[str]:
        if bucket not in self.buckets:
            raise ApiError("NoSuchBucket", "The specified bucket does not exist.", 404)
        return sorted(key for owner, key in self.objects if owner == bucket and key.startswith(prefix))

    def s3_delete(self, bucket: str, key: str) -> None:
        self.objects.pop((bucket, key), None)

    def create_secret(self, name: str, value: dict[str, Any]) -> str:
        self._made += 1
        arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-{self._made:06d}"
        self.secrets[arn] = value
        return arn

    def get_secret(self, arn: str) -> dict[str, Any]:
        if arn not in self.secrets:
            raise ApiError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
        return self.secrets[arn]

    def delete_secret(self, arn: str) -> None:
        del self.secrets[arn]

    def publish(self, topic_arn: str, subject: str, message: str) -> None:
        self.published.append((topic_arn, subject, message))

    def put_event(self, source: str, detail_type: str, resources: list[str], detail: dict[str, Any]) -> None:
        self.events.append((source, detail_type, resources, detail))

    def put_metrics(self, namespace: str, data: list[dict[str, Any]]) -> None:
        self.metrics.extend((namespace, one) for one in data)

    def bucket_admits(self, bucket: str, _actions: list[str], _source_arn: str) -> bool:
        return bucket not in self.closed_buckets

    def may(self, _caller: Caller, action: str, _resource: str) -> bool:
        return action not in self.denied


@dataclass
class FakeWarehouse:
    """One warehouse: `rows` stands for its data."""

    admin_user: str
    databases: set[str]
    rows: list[str] = field(default_factory=list)
    passwords: dict[str, str] = field(default_factory=dict)
    stopped: bool = False


class FakeDatabases:
    """The databases of all warehouses. A key in `busy` has open sessions, which `stop` ends."""

    def __init__(self) -> None:
        self.warehouses: dict[str, FakeWarehouse] = {}
        self.busy: set[str] = set()
        self.base_rpu: dict[str, float] = {}
        self.namespaces: dict[str, str] = {}
        self.broken: set[str] = set()
        self._lock = threading.Lock()

    def create(self, warehouse: str, database: str, admin_user: str) -> None:
        self._check("create")
        with self._lock:
            assert warehouse not in self.warehouses, f"{warehouse} exists"
            self.warehouses[warehouse] = FakeWarehouse(admin_user, {database})

    def set_password(self, warehouse: str, user: str, password: str) -> None:
        self.warehouses[warehouse].passwords[user] = password

    def drop(self, warehouse: str) -> None:
        with self._lock:
            self.warehouses.pop(warehouse, None)

    def copy(self, source: str, target: str) -> None:
        self._check("copy")
        if source in self.busy:
            raise SqlError("source database is being accessed by other users", "55006")
        with self._lock:
            assert target not in self.warehouses, f"{target} exists"
            self.warehouses[target] = copy.deepcopy(self.warehouses[source])
            self.warehouses[target].stopped = False

    def stop(self, warehouse: str) -> None:
        self.warehouses[warehouse].stopped = True
        self.busy.discard(warehouse)

    def start(self, warehouse: str) -> None:
        self.warehouses[warehouse].stopped = False

    @property
    def shares(self) -> Shares:
        raise NotImplementedError("datashares need a real PostgreSQL")

    def set_namespace(self, warehouse: str, namespace: str) -> None:
        self.namespaces[warehouse] = namespace

    def make_source(self, database: str, user: str, password: str) -> dict[str, Any]:
        raise NotImplementedError("a source of federated schemas needs a real PostgreSQL")

    def drop_sources(self) -> None:
        """There are none."""

    def set_base_capacity(self, warehouse: str, base_rpu: float) -> None:
        self.base_rpu[warehouse] = base_rpu

    def size_mb(self, warehouse: str) -> float:
        return 8.0 if warehouse in self.warehouses else 0.0

    def active_queries(self, warehouse: str) -> int:
        return int(warehouse in self.busy)

    def activity(self, warehouses: list[str], since: datetime) -> dict[str, Activity]:  # noqa: ARG002 - as the protocol has it
        idle = Activity(busy_seconds=[], finished_seconds=[], failed=0, running=0, sessions=0, stored_mb=0.0)
        return dict.fromkeys(warehouses, idle)

    def _check(self, operation: str) -> None:
        if operation in self.broken:
            raise OSError(f"{operation} failed")


@dataclass
class FakeWorld(World):
    """A World of fakes, with their own types."""

    clock: HandClock
    ports: FakePorts
    databases: FakeDatabases


def fake_world() -> FakeWorld:
    return FakeWorld(clock=HandClock(), faults=Faults(), hints=Hints(), ports=FakePorts(), databases=FakeDatabases())


def delivered(hints: Hints) -> None:
    """Return when every hint that was sent before has been delivered."""
    done = threading.Event()
    hints.send(done.set)
    assert done.wait(PATIENCE_SECONDS), "the hints were not delivered"


class FakeOutside:
    """Streams held in memory, one shard each, tables with the key `pk`, and the IAM roles and integrations of every warehouse.

    A stream in `denied` refuses; `case_sensitive` is every warehouse's.
    """

    ROLE = f"arn:aws:iam::{ACCOUNT}:role/streams"

    def __init__(self) -> None:
        self.streams: dict[str, list[tuple[str, bytes]]] = {}
        self.denied: set[str] = set()
        self.case_sensitive = False
        self.into: list[dict[str, str]] = []
        self.tables: dict[str, list[dict[str, Any]]] = {}
        self.lake = FakeLake()

    def iam_roles(self, _warehouse: str) -> tuple[str | None, list[str]]:
        return self.ROLE, [self.ROLE]

    def is_case_sensitive(self, _warehouse: str) -> bool:
        return self.case_sensitive

    def describe_stream(self, _role: str, stream: str) -> None:
        if stream in self.denied:
            raise ApiError("AccessDeniedException", "not authorized to perform: kinesis:DescribeStreamSummary")
        if stream not in self.streams:
            raise ApiError("ResourceNotFoundException", f"Stream {stream} not found")

    def stream_records(self, role: str, stream: str, positions: dict[str, str]) -> list[dict[str, Any]]:
        self.describe_stream(role, stream)
        shard, after = "shardId-000000000000", int(positions.get("shardId-000000000000", -1))
        return [
            {"shard": shard, "sequence": str(n), "key": key, "time": f"2026-11-25T10:00:{n:02}", "data": base64.b64encode(data).decode()}
            for n, (key, data) in enumerate(self.streams[stream])
            if n > after
        ]

    def admits_source(self, policy: str | None, _target_arn: str, source_arn: str) -> bool:
        return source_arn in (policy or "")

    def table_exists(self, arn: str) -> bool:
        return arn in self.tables

    def table_lacks(self, _arn: str, _integration_arn: str) -> str:
        return ""

    def table_items(self, arn: str) -> tuple[list[tuple[str, str]], list[dict[str, Any]]]:
        return [("pk", "S"), ("Number", "N")], self.tables[arn]

    def integrations(self, _warehouse: str) -> list[dict[str, str]]:
        return self.into
