"""What AWS asks for, and what an execution costs by it.

On-demand prices of us-east-1 in US dollars as published in November 2026, without free tiers. Not counted: logs, traces, and data kept.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

#: Source: https://aws.amazon.com/step-functions/pricing/, Standard Workflows: $0.025 per 1,000 state transitions, retries included.
TRANSITION = 0.025 / 1_000
#: Source: https://aws.amazon.com/lambda/pricing/, Arm: per request, and per GB-second of the first tier.
INVOCATION = 0.20 / 1_000_000
GB_SECOND = 0.0000133334
#: Source: https://aws.amazon.com/dynamodb/pricing/on-demand/, Standard table class, per request unit.
WRITE_UNIT = 0.625 / 1_000_000
READ_UNIT = 0.125 / 1_000_000
#: Source: https://aws.amazon.com/eventbridge/pricing/, custom events.
EVENT = 1.00 / 1_000_000

#: Source: https://aws.amazon.com/eventbridge/pricing/, EventBridge Scheduler: per invocation.
SCHEDULED = 1.00 / 1_000_000
#: Source: https://aws.amazon.com/s3/pricing/, S3 Standard: GET, SELECT and all other requests.
S3_GET = 0.0004 / 1_000
HOURS_OF_A_MONTH = 730

MEMORY_GB = 0.5
#: Of the function that looks at the whole fleet.
SCHEDULE_MEMORY_GB = 1.0
#: How much memory comes with one whole processor. Source: Lambda guide, "Configure Lambda function memory".
MB_PER_PROCESSOR = 1769
POLL_SECONDS = 120
LOOP_SECONDS = 30


@dataclass(frozen=True)
class Usage:
    """What one execution used: state transitions, Lambda invocations, DynamoDB requests, events put on a bus."""

    transitions: int
    invocations: int
    writes: int = 0
    reads: int = 0
    events: int = 0

    def waiting(self, seconds: float) -> Usage:
        """The same with so many seconds of waiting in it: every missed `PollSeconds` is a retry that looks, and writes its callback anew."""
        retries = math.floor(seconds / POLL_SECONDS)
        return Usage(self.transitions + retries, self.invocations + retries, self.writes + retries, self.reads, self.events)

    def dollars(self, billed_ms: float) -> float:
        """At the published prices, with every invocation billed for so many milliseconds.

        A write counts twice: what has an owner is also written to the table's index.
        """
        compute = self.invocations * (INVOCATION + MEMORY_GB * billed_ms / 1000 * GB_SECOND)
        table = 2 * self.writes * WRITE_UNIT + self.reads * READ_UNIT
        return self.transitions * TRANSITION + compute + table + self.events * EVENT


def idle_month(transitions: int, billed_ms: float, calls: Mapping[str, int]) -> dict[str, float]:
    """What a month of hourly reconciles costs in which nothing is due, by what is paid for.

    `calls` are those of one reconcile, by service and operation; what is not listed here is free of charge. A read of DynamoDB counts as one unit.
    """
    reads = sum(count for key, count in calls.items() if key in {"dynamodb:GetItem", "dynamodb:Query"})
    writes = sum(count for key, count in calls.items() if key in {"dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:UpdateItem"})
    files = sum(count for key, count in calls.items() if key in {"s3:GetObject", "s3:GetObjectVersion", "s3:HeadObject"})
    each = {
        "state transitions": transitions * TRANSITION,
        "Lambda": INVOCATION + SCHEDULE_MEMORY_GB * billed_ms / 1000 * GB_SECOND,
        "DynamoDB": reads * READ_UNIT + 2 * writes * WRITE_UNIT,
        "S3": files * S3_GET,
        "EventBridge Scheduler": SCHEDULED,
    }
    return {what: HOURS_OF_A_MONTH * dollars for what, dollars in each.items()}


def loop(seconds: float) -> Usage:
    """A state machine that starts the change, and then waits 30 seconds, describes and chooses until it is done. It calls AWS directly."""
    turns = max(1, math.ceil(seconds / LOOP_SECONDS))
    start, end = 1, 1
    return Usage(transitions=start + 3 * turns + end, invocations=0)


def billed_ms_of_cold_start(processor_ms: float) -> float:
    """How long the same processor time takes with the share of a processor that the functions' memory comes with."""
    return processor_ms * MB_PER_PROCESSOR / (MEMORY_GB * 1024)
