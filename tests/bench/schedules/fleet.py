"""The fleet that both sides of the benchmark decide about: the same clusters with the same tags, as AWS describes them."""

from __future__ import annotations

import random
from typing import Any

from autopilot.domain.custodian_tags import escaped

TAG = "autopilot:schedule"
ZONES = ("et", "pt", "ct", "cet", "jst", "aet", "utc", "bst", "sgt", "europe/helsinki")


def schedule_tags(count: int = 50) -> list[str]:
    """So many different schedules: working hours in ten zones, every fifth with a shorter day at the weekend."""
    tags = []
    for index in range(count):
        on, off, zone = 6 + index % 4, 17 + index // 10, ZONES[index % len(ZONES)]
        if index % 5 == 0:
            tags.append(f"off=[(M-F,{off}),(S-U,{off - 3})];on=[(M-F,{on}),(S-U,{on + 3})];tz={zone}")
        else:
            tags.append(f"off=(M-F,{off});on=(M-F,{on});tz={zone}")
    return tags


def fleet(size: int) -> list[dict[str, Any]]:
    """So many clusters as DescribeClusters gives them, cut to what both sides look at; each has three tags beside its schedule's."""
    tags = [escaped(tag) for tag in schedule_tags()]
    dice = random.Random(4)
    return [
        {
            "ClusterIdentifier": f"warehouse-{index}",
            "ClusterStatus": "available",
            "Tags": [
                {"Key": "team", "Value": f"team-{index % 97}"},
                {"Key": "environment", "Value": "dev"},
                {"Key": "cost-center", "Value": str(dice.randrange(1000))},
                {"Key": TAG, "Value": tags[index % len(tags)]},
            ],
        }
        for index in range(size)
    ]
