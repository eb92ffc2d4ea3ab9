"""Our side of the benchmark: reads a command a line, answers a line of JSON. Runs in a process of its own, as the other side does."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from autopilot.domain.custodian_tags import parse_tag
from autopilot.domain.decisions import decide
from autopilot.domain.errors import InvalidInput
from autopilot.domain.schedules import Edge, Schedule, schedule_from_tag
from tests.bench.schedules.fleet import TAG


def followed(fleet: list[dict[str, Any]]) -> dict[str, Schedule]:
    """The schedule of each tag."""
    return {value: schedule_from_tag(value) for value in {_tags(cluster)[TAG] for cluster in fleet}}


def history(fleet: list[dict[str, Any]], now: datetime) -> tuple[list[str], list[Edge | None]]:
    """The state of each cluster, and the edge last applied to it, when everything up to a minute ago was carried out."""
    before = now - timedelta(minutes=1)
    by_tag = {value: (schedule.state_at(before), schedule.last_edge(before)) for value, schedule in followed(fleet).items()}
    found = [by_tag[_tags(cluster)[TAG]] for cluster in fleet]
    return [{"running": "available"}.get(state, "paused") for state, _ in found], [edge for _, edge in found]


def decide_all(fleet: list[dict[str, Any]], states: list[str], edges: list[Edge | None], now: datetime) -> tuple[list[str], list[str]]:
    """What is measured: the names of the clusters to pause and to resume now. Every schedule is read anew, nothing is known from before."""
    schedules: dict[str, Schedule] = {}
    to_pause, to_resume = [], []
    for cluster, state, edge in zip(fleet, states, edges, strict=True):
        tags = {tag["Key"]: tag["Value"] for tag in cluster["Tags"]}
        value = tags[TAG]
        schedule = schedules.get(value)
        if schedule is None:
            schedule = schedules[value] = schedule_from_tag(value)
        decision = decide(schedule, tags, state, edge, now)
        if decision.action == "pause":
            to_pause.append(cluster["ClusterIdentifier"])
        elif decision.action == "resume":
            to_resume.append(cluster["ClusterIdentifier"])
    return to_pause, to_resume


def parsed(values: list[str]) -> list[Any]:
    """What our parser makes of each tag: None where it refuses it."""

    def one(value: str) -> Any:
        try:
            found = parse_tag(value)
        except InvalidInput:
            return None
        return {"timezone": found.timezone, "on": found.on, "off": found.off}

    return [one(value) for value in values]


def _tags(cluster: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in cluster["Tags"]}


def main() -> None:
    """Answer until the input ends."""
    fleet: list[dict[str, Any]] = []
    for line in sys.stdin:
        command = msgspec.json.decode(line)
        if "fleet" in command:
            fleet = command["fleet"]
            answer: Any = len(fleet)
        elif "parse" in command:
            answer = parsed(command["parse"])
        else:
            some, now = fleet[: command["size"]], datetime.fromisoformat(command["now"])
            states, edges = history(some, now)
            if command.get("apart"):
                edges = [edge and Edge(edge.moment + timedelta(microseconds=index), edge.action) for index, edge in enumerate(edges)]
            gc.collect()
            start = time.process_time()
            to_pause, to_resume = decide_all(some, states, edges, now)
            answer = {"seconds": time.process_time() - start, "pause": to_pause, "resume": to_resume}
        print(msgspec.json.encode(answer).decode(), flush=True)


if __name__ == "__main__":
    main()
