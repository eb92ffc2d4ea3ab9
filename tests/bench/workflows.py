"""What workflows use and how soon they go on, on the local AWS: counted from histories, logs and calls of real executions."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sandbox.driver import Driver, Ended
from sandbox.process import Sandbox
from tests.bench.prices import Usage

POLL_SECONDS = 5
#: The local AWS does not show in a history which steps of a Map's items were entered: of one statement with rows it is these three.
_STEPS_IN_MAP = {"run_sql": 3}
_FAILED_ATTEMPTS = {"TaskFailed", "TaskTimedOut", "TaskSubmitFailed", "TaskStartFailed"}
_WRITES = ("PutItem", "UpdateItem", "DeleteItem")
_READS = ("GetItem", "Query")
#: How long a pause and a resume take in the life cycle of the local AWS.
_CHANGE_SECONDS = 120.0
_SETTLE_SECONDS = 2.0
_PATIENCE_SECONDS = 120.0


class NotAsExpectedError(Exception):
    """An execution did not end as it should have; the message says how it did."""


@contextmanager
def deployed() -> Iterator[Driver]:
    """The product on a local AWS in which a minute passes in half a second."""
    # Retries come after a fiftieth of their delay; heartbeats take real seconds.
    with Sandbox({"SFN_WAIT_SCALE": "0.02"}) as sandbox:
        sandbox.desk("POST", "clock", {"scale": 120})
        yield Driver(sandbox, sandbox.deploy({"PollSeconds": str(POLL_SECONDS)}))


def usages(driver: Driver) -> dict[str, Usage]:
    """What each workflow of a cluster's life uses when its waits are shorter than one heartbeat."""
    life: dict[str, dict[str, Any]] = {
        "provision_warehouse": {"spec": {"name": "measured", "compute": {"nodes": 2}}},
        "run_sql": {"warehouse": "measured", "sql": "SELECT COUNT(*) FROM generate_series(1, 3000000)"},
        "pause_warehouse": {"warehouse": "measured"},
        "resume_warehouse": {"warehouse": "measured"},
    }
    return {workflow: _usage(driver, workflow, given) for workflow, given in life.items()}


def _usage(driver: Driver, workflow: str, given: dict[str, Any]) -> Usage:
    driver.sandbox.desk("DELETE", "faults")
    invoked_before = _invocations(driver)
    ended = _succeeded(driver.run(workflow, given))
    time.sleep(_SETTLE_SECONDS)  # what its last events wake is part of it
    history = driver.history(ended.arn)
    retries = sum(event["type"] in _FAILED_ATTEMPTS for event in history)
    calls: dict[str, int] = driver.sandbox.desk("GET", "faults")["calls"]

    def called(service: str, operations: tuple[str, ...]) -> int:
        return sum(calls.get(f"{service}:{operation}", 0) for operation in operations)

    return Usage(
        transitions=len(driver.states(ended.arn)) + _STEPS_IN_MAP.get(workflow, 0),
        invocations=_invocations(driver) - invoked_before - retries,
        writes=called("dynamodb", _WRITES) - retries,
        reads=called("dynamodb", _READS),
        events=called("events", ("PutEvents",)),
    )


def _invocations(driver: Driver) -> int:
    """How often functions ran so far, whoever invoked them: each run ends with one REPORT in its log."""
    logs = driver.sandbox.observe("logs")
    groups = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]
    pages = (page for group in groups for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]))
    return sum(event["message"].startswith("REPORT") for page in pages for event in page["events"])


def reactions(driver: Driver, rounds: int, *, hints: bool) -> list[float]:
    """Seconds from a cluster's change of state to the workflow's next step, over so many pauses and as many resumes.

    Counted from the last look that saw no change, so they are too long by up to the time between two looks, some hundredths of a second.
    """
    driver.sandbox.desk("POST", "events", {"drop": not hints})
    try:
        return [_reaction(driver, *change) for _ in range(rounds) for change in _CHANGES]
    finally:
        driver.sandbox.desk("POST", "events", {"drop": False})


_CHANGES = (("pause_warehouse", "Wait Until Paused", "paused"), ("resume_warehouse", "Wait Until Available", "available"))


def _reaction(driver: Driver, workflow: str, waiting: str, status: str) -> float:
    # The change falls on any moment between two heartbeats.
    driver.sandbox.desk("POST", "clock", {"scale": _CHANGE_SECONDS / random.uniform(2, 2 + POLL_SECONDS)})
    arn = driver.start(workflow, {"warehouse": "measured"})
    clusters = driver.sandbox.observe("redshift")
    _until(lambda: waiting in driver.states(arn), waiting)
    unchanged = time.time()

    def changed() -> bool:
        nonlocal unchanged
        asked = time.time()
        if clusters.describe_clusters(ClusterIdentifier="measured")["Clusters"][0]["ClusterStatus"] == status:
            return True
        unchanged = asked
        return False

    _until(changed, status)
    _succeeded(driver.wait(arn))
    left = [event["timestamp"].timestamp() for event in driver.history(arn) if _leaves(event, waiting)]
    return float(left[0] - unchanged)


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise NotAsExpectedError(f"not within {_PATIENCE_SECONDS:.0f} s: {what}")
        time.sleep(0.02)


def _leaves(event: dict[str, Any], state: str) -> bool:
    return bool(event["type"] == "TaskStateExited" and event["stateExitedEventDetails"]["name"] == state)


def _succeeded(ended: Ended) -> Ended:
    if not ended.succeeded:
        raise NotAsExpectedError(json.dumps(vars(ended)))
    return ended
