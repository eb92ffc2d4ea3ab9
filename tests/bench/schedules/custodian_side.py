"""Cloud Custodian's side of the benchmark: its own filters, in its own environment. Reads a command a line, answers a line of JSON.

Its clock is set, so that both sides decide for the same moment; everything else is its own code as it is.
"""

from __future__ import annotations

import gc
import importlib
import json
import logging
import sys
import time
from datetime import datetime, tzinfo
from types import SimpleNamespace
from typing import Any

TAG = "autopilot:schedule"
offhours: Any = importlib.import_module("c7n.filters.offhours")
_DATA = {"default_tz": "et", "tag": TAG}


def filters() -> tuple[Any, Any]:
    """OffHour and OnHour as a policy would make them, with Custodian's default hours."""
    off = offhours.OffHour({"type": "offhour", "offhour": 19, **_DATA})
    on = offhours.OnHour({"type": "onhour", "onhour": 7, **_DATA})
    for each in (off, on):
        # Without a policy around it, a filter believes that it filters EC2 instances.
        each.id_key = "ClusterIdentifier"
    return off, on


def set_clock(now: datetime) -> None:
    """Let the filters believe that it is `now`."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return now.astimezone(tz)

    offhours.datetime = SimpleNamespace(datetime=Clock)


def decide_all(fleet: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """What is measured: the names of the clusters that the two filters find."""
    off, on = filters()
    to_pause, to_resume = off.process(fleet), on.process(fleet)
    return [each["ClusterIdentifier"] for each in to_pause], [each["ClusterIdentifier"] for each in to_resume]


def parsed(values: list[str]) -> list[Any]:
    """What its parser makes of each tag: None where it refuses it."""
    off, on = filters()

    def one(value: str) -> Any:
        plain = off.get_tag_value({"Tags": [{"Key": TAG, "Value": value}]})
        if plain == "off":
            return {"timezone": "Etc/UTC", "on": [], "off": []}
        # As process_resource_schedule does: the tag's own times, or the defaults in the tag's zone.
        text = ";".join(part for part in plain.split(";") if part)
        times: dict[str, Any] = {}
        zone = None
        for each in (off, on):
            if each.parser.has_resource_schedule(text, each.time_type):
                schedule = each.parser.parse(text)
            elif each.parser.keys_are_valid(text):
                schedule = {
                    **each.default_schedule,
                    **({"tz": each.parser.raw_data(text)["tz"]} if "tz" in each.parser.raw_data(text) else {}),
                }
            else:
                schedule = None
            if schedule is None:
                return None
            zone = each.get_tz(schedule["tz"] or "et")
            times[each.time_type] = sorted({(day, item["hour"]) for item in schedule[each.time_type] for day in item["days"]})
        return None if zone is None else {"timezone": _offsets(zone), **times}

    return [one(value) for value in values]


def _offsets(zone: Any) -> list[float]:
    """A zone by what it does: its offsets in the middle of each month of 2026."""
    return [zone.utcoffset(datetime(2026, month, 15)).total_seconds() for month in range(1, 13)]  # noqa: DTZ001 - a wall time is asked for


def main() -> None:
    """Answer until the input ends."""
    logging.disable(logging.CRITICAL)
    fleet: list[dict[str, Any]] = []
    for line in sys.stdin:
        command = json.loads(line)
        if "fleet" in command:
            fleet = command["fleet"]
            answer: Any = len(fleet)
        elif "parse" in command:
            answer = parsed(command["parse"])
        else:
            some = fleet[: command["size"]]
            set_clock(datetime.fromisoformat(command["now"]))
            gc.collect()
            start = time.process_time()
            to_pause, to_resume = decide_all(some)
            answer = {"seconds": time.process_time() - start, "pause": to_pause, "resume": to_resume}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
