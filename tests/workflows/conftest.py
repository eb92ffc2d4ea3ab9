"""One local AWS with the deployed stack for all workflow tests; every test has warehouses of its own names and a clean desk."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from sandbox.driver import Driver, Ended
from sandbox.process import Sandbox

_NAMES = itertools.count(1)


class Stack:
    """A deployed stack and what tests ask of it."""

    def __init__(self, sandbox: Sandbox, outputs: Mapping[str, str]) -> None:
        self.sandbox, self.outputs = sandbox, outputs
        self.driver = Driver(sandbox, outputs)
        self.start, self.wait, self.run = self.driver.start, self.driver.wait, self.driver.run

    # --- warehouses
    def provision(self, kind: str = "cluster", **compute: Any) -> str:
        """A new warehouse of a name of its own, ready for SQL."""
        name = f"{kind[:2]}-{next(_NAMES)}"
        ended = self.run("provision_warehouse", {"spec": {"name": name, "kind": kind, "compute": compute}})
        assert ended.succeeded, ended
        return name

    def status(self, cluster: str) -> str:
        found = self.sandbox.observe("redshift").describe_clusters(ClusterIdentifier=cluster)["Clusters"]
        return str(found[0]["ClusterStatus"])

    def sql(self, warehouse: str, sql: str | list[str], **more: Any) -> Ended:
        return self.run("run_sql", {"warehouse": warehouse, "sql": sql, **more})

    def rows(self, warehouse: str, sql: str) -> list[list[Any]]:
        ended = self.sql(warehouse, sql)
        assert ended.succeeded, ended
        found: list[list[Any]] = ended.output["statements"][0]["rows"]
        return found

    # --- the table
    def items(self, prefix: str) -> list[dict[str, Any]]:
        """The items of the Autopilot table whose partition key starts so, as plain data."""
        pages = self.sandbox.observe("dynamodb").get_paginator("scan").paginate(TableName=self.outputs["TableName"], ConsistentRead=True)
        items = [{key: next(iter(value.values())) for key, value in item.items()} for page in pages for item in page["Items"]]
        return [item for item in items if item["pk"].startswith(prefix)]

    def lock(self, name: str) -> dict[str, Any] | None:
        return next((item for item in self.items("LOCK#") if item["pk"].endswith(f"#{name}")), None)

    def ledger(self, name: str) -> list[dict[str, Any]]:
        return sorted((item for item in self.items("LEDGER#") if item["pk"].endswith(f"#{name}")), key=lambda item: str(item["sk"]))

    # --- the desk
    def calls(self, key: str) -> int:
        """How often an operation was called since the desk was cleared, such as `redshift:PauseCluster`."""
        calls: dict[str, int] = self.sandbox.desk("GET", "faults")["calls"]
        return calls.get(key, 0)

    def fault(self, service: str, operation: str, code: str = "", **more: Any) -> None:
        self.sandbox.desk("POST", "faults", {"service": service, "operation": operation, "code": code, **more})

    def hints(self, **settings: Any) -> None:
        self.sandbox.desk("POST", "events", settings)

    def until(self, condition: Callable[[], object], what: str, seconds: float = 30) -> None:
        """Wait until something holds; fails the test when it does not in that time."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
            time.sleep(0.05)

    def heartbeats(self, arn: str) -> int:
        """How many waits of an execution were ended by the slow poll."""
        return sum(
            "HeartbeatTimeout" in json.dumps(event, default=str)
            for event in self.driver.history(arn)
            if "Failed" in event["type"] or "TimedOut" in event["type"]
        )


@pytest.fixture(scope="session")
def deployed() -> Iterator[Stack]:
    # Retries come after a fiftieth of their delay; what waits for AWS itself, such as heartbeats, takes real seconds.
    with Sandbox({"SFN_WAIT_SCALE": "0.02"}) as sandbox:
        sandbox.desk("POST", "clock", {"scale": 120})
        yield Stack(sandbox, sandbox.deploy({"PollSeconds": "2", "WarehousesAtOnce": "6"}))


@pytest.fixture
def stack(deployed: Stack) -> Iterator[Stack]:
    deployed.sandbox.desk("DELETE", "faults")
    deployed.hints(drop=False)
    yield deployed
    deployed.sandbox.desk("DELETE", "faults")
    deployed.hints(drop=False)
