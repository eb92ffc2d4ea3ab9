"""The test desk under `/_sandbox/`: what no AWS service offers. JSON in, JSON out.

GET    /_sandbox/health   whether the sandbox is up
GET    /_sandbox/faults   injected faults with their counts, and how often each operation was called
POST   /_sandbox/faults   {"service", "operation", "code", "times", "skip", "probability", "delay_seconds", "message", "status"}
DELETE /_sandbox/faults   forget all faults and counts
GET    /_sandbox/events   what happens to hints, and how many were sent and dropped
POST   /_sandbox/events   {"drop", "duplicate", "delay_seconds", "shuffle"}
GET    /_sandbox/clock    {"scale"}
POST   /_sandbox/clock    {"scale"}: how many life-cycle seconds pass in one real second
POST   /_sandbox/snapshots {"cluster" or "namespace", "older_by_hours"}: make every snapshot of it older
POST   /_sandbox/costs    {"usage", "forecast", "offers", "active_tags", "reserved_nodes", "metrics"}: what Cost Explorer knows, instead of what it knew; and metrics
                          by hour: [{"namespace", "metric", "dimensions", "start", "values"}], a value of null being an hour without data
POST   /_sandbox/clusters {"prefix", "count", "tags"}: put that many clusters there, named `<prefix>-<number>` from 1, available and backed up
POST   /_sandbox/sources  {"database", "user", "password"}: make a PostgreSQL database for federated schemas; answers {"host", "port"}
POST   /_sandbox/reset    clear warehouses, faults and hints; the deployed stack stays
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from sandbox.redshift.answers import new_password
from sandbox.sql.errors import SqlError
from sandbox.world import World

PREFIX = "/_sandbox/"

Json = dict[str, Any]

_FAULT_FIELDS: Mapping[str, tuple[type, ...]] = {
    "service": (str,),
    "operation": (str,),
    "code": (str,),
    "times": (int,),
    "skip": (int,),
    "probability": (int, float),
    "delay_seconds": (int, float),
    "message": (str,),
    "status": (int,),
}
_EVENT_FIELDS: Mapping[str, tuple[type, ...]] = {
    "drop": (bool,),
    "duplicate": (int,),
    "delay_seconds": (int, float),
    "shuffle": (bool,),
}
_SNAPSHOT_FIELDS: Mapping[str, tuple[type, ...]] = {"cluster": (str,), "namespace": (str,), "older_by_hours": (int, float)}
_COST_FIELDS: Mapping[str, tuple[type, ...]] = {
    "usage": (list,),
    "forecast": (str,),
    "offers": (list,),
    "active_tags": (list,),
    "reserved_nodes": (list,),
    "metrics": (list,),
}
_CLUSTER_FIELDS: Mapping[str, tuple[type, ...]] = {"prefix": (str,), "count": (int,), "tags": (dict,)}
_SEEDED_AT_ONCE = 8
_SOURCE_FIELDS: Mapping[str, tuple[type, ...]] = {"database": (str,), "user": (str,), "password": (str,)}
_CLOCK_FIELDS: Mapping[str, tuple[type, ...]] = {"scale": (int, float)}


class BadRequest(Exception):
    """The desk was asked for something it does not understand; the message says what to change."""


class Desk:
    """Answers one request of the desk. Blocks while a reset waits for the databases, so it runs on a worker thread."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._routes: dict[tuple[str, str], Callable[[Json], Json]] = {
            ("GET", "health"): self._health,
            ("GET", "faults"): self._list_faults,
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "events"): lambda _: self._world.hints.settings(),
            ("POST", "events"): self._configure_events,
            ("GET", "clock"): lambda _: {"scale": self._world.clock.scale},
            ("POST", "clock"): self._set_clock,
            ("POST", "snapshots"): self._age_snapshots,
            ("POST", "costs"): self._set_costs,
            ("POST", "clusters"): self._seed_clusters,
            ("POST", "sources"): self._make_source,
            ("POST", "reset"): self._reset,
        }

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Json]:
        """HTTP status and JSON answer."""
        name = path.removeprefix(PREFIX).strip("/")
        route = self._routes.get((method, name))
        if route is None:
            return self._no_route(method, name)
        try:
            return 200, route(_decode(body))
        except (BadRequest, ValueError, TypeError, KeyError) as error:
            return 400, {"error": "BadRequest", "message": str(error)}

    def _no_route(self, method: str, name: str) -> tuple[int, Json]:
        methods = sorted(known for known, route in self._routes if route == name)
        if methods:
            return 405, {"error": "MethodNotAllowed", "message": f"{PREFIX}{name} takes {', '.join(methods)}, not {method}"}
        names = sorted({route for _, route in self._routes})
        return 404, {"error": "NotFound", "message": f"there is no {PREFIX}{name}; there are {', '.join(names)}"}

    def _health(self, _: Json) -> Json:
        return {"status": "ok", "pid": os.getpid(), "clock_scale": self._world.clock.scale}

    def _list_faults(self, _: Json) -> Json:
        return {"faults": self._world.faults.list(), "calls": dict(self._world.faults.calls)}

    def _add_fault(self, spec: Json) -> Json:
        _check_fields(spec, _FAULT_FIELDS)
        if not spec.get("code") and not spec.get("delay_seconds"):
            raise BadRequest("a fault needs a code to answer with, or delay_seconds, or both")
        return {"fault": vars(self._world.faults.add(**spec)).copy()}

    def _clear_faults(self, _: Json) -> Json:
        self._world.faults.clear()
        return {"faults": []}

    def _configure_events(self, spec: Json) -> Json:
        _check_fields(spec, _EVENT_FIELDS)
        self._world.hints.configure(**spec)
        return self._world.hints.settings()

    def _set_clock(self, spec: Json) -> Json:
        _check_fields(spec, _CLOCK_FIELDS)
        if "scale" not in spec:
            raise BadRequest("scale is missing: how many life-cycle seconds pass in one real second")
        self._world.clock.scale = spec["scale"]
        return {"scale": self._world.clock.scale}

    def _age_snapshots(self, spec: Json) -> Json:
        _check_fields(spec, _SNAPSHOT_FIELDS)
        if len(spec) != 2 or "older_by_hours" not in spec:
            raise BadRequest("needed are older_by_hours and either cluster or namespace")
        by = timedelta(hours=spec["older_by_hours"])
        if "cluster" in spec:
            self._world.clusters.age_snapshots(spec["cluster"], by)
        else:
            self._world.serverless.age_snapshots(spec["namespace"], by)
        return spec

    def _set_costs(self, spec: Json) -> Json:
        _check_fields(spec, _COST_FIELDS)
        metrics = spec.pop("metrics", [])
        self._world.costs.set_costs(**spec)
        for one in metrics:
            self._world.ports.put_metrics(one["namespace"], list(_by_hour(one)))
        return {"usage": len(spec.get("usage", [])), "metrics": len(metrics)}

    def _seed_clusters(self, spec: Json) -> Json:
        _check_fields(spec, _CLUSTER_FIELDS)
        if not spec.get("prefix") or spec.get("count", 0) < 1:
            raise BadRequest("needed are prefix and count, and count must be at least 1")
        names = [f"{spec['prefix']}-{number}" for number in range(1, spec["count"] + 1)]
        tags = [{"Key": key, "Value": value} for key, value in spec.get("tags", {}).items()]
        with ThreadPoolExecutor(_SEEDED_AT_ONCE) as pool:
            for seeded in [pool.submit(self._seed_cluster, name, tags) for name in names]:
                seeded.result()
        return {"clusters": names}

    def _seed_cluster(self, name: str, tags: list[Json]) -> None:
        sign_in = {"MasterUsername": "awsuser", "MasterUserPassword": new_password()}
        request = {"ClusterIdentifier": name, "NodeType": "ra3.large", "ClusterType": "single-node", "Tags": tags, **sign_in}
        self._world.clusters.adopt(request, backed_up=True)

    def _make_source(self, spec: Json) -> Json:
        _check_fields(spec, _SOURCE_FIELDS)
        if missing := set(_SOURCE_FIELDS) - set(spec):
            raise BadRequest(f"needed are database, user and password; {min(missing)} is missing")
        try:
            return self._world.databases.make_source(**spec)
        except SqlError as error:
            raise BadRequest(str(error)) from error

    def _reset(self, _: Json) -> Json:
        self._world.faults.clear()
        self._world.hints.reset()
        for backend in (self._world.data_api, self._world.clusters, self._world.serverless, self._world.costs):
            if backend is not None:
                backend.reset()
        self._world.databases.drop_sources()
        return {"status": "reset"}


def _by_hour(metric: Json) -> Iterator[Json]:
    """The data points of a metric's hours, as PutMetricData takes them; its own two weeks do not hold here."""
    start = datetime.fromisoformat(metric["start"])
    dimensions = [{"Name": key, "Value": value} for key, value in metric["dimensions"].items()]
    for hour, value in enumerate(metric["values"]):
        if value is not None:
            moment = (start + timedelta(hours=hour)).isoformat()
            yield {"MetricName": metric["metric"], "Dimensions": dimensions, "Value": value, "Timestamp": moment}


def _decode(body: bytes) -> Json:
    if not body.strip():
        return {}
    try:
        decoded = json.loads(body)
    except ValueError as error:
        raise BadRequest(f"the body is not JSON: {error}") from error
    if not isinstance(decoded, dict):
        raise BadRequest(f"the body must be a JSON object, not {type(decoded).__name__}")
    return decoded


def _check_fields(spec: Json, fields: Mapping[str, tuple[type, ...]]) -> None:
    for name, value in spec.items():
        if name not in fields:
            raise BadRequest(f"unknown field {name!r}; known fields are {', '.join(fields)}")
        # bool is an int to Python, and never what a number field means
        if not isinstance(value, fields[name]) or (isinstance(value, bool) and bool not in fields[name]):
            expected = " or ".join(kind.__name__ for kind in fields[name])
            raise BadRequest(f"field {name!r} must be {expected}, not {type(value).__name__}")
