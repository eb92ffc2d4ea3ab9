"""The warehouses under schedules: found by their tag, with their state, and with the edge that was last applied to each."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from autopilot.aws import clusters, table, workgroups
from autopilot.aws.clients import client, translated
from autopilot.domain.errors import WarehouseNotReady
from autopilot.domain.fleet import changed_tags
from autopilot.domain.schedule_decisions import SCHEDULE_TAG
from autopilot.domain.schedules import Edge
from autopilot.domain.warehouse import Warehouse, primary_status

FIND = (*clusters.LOOK, *workgroups.LOOK, "redshift-serverless:ListWorkgroups", "tag:GetResources")
TAG = ("redshift:CreateTags",)
REMEMBER = (*table.READ, *table.WRITE)
_PARTITION = "FLEET"
_KEPT_SECONDS = 2 * 365 * 24 * 3600
_PAGE = 100


def scheduled(tag_value: str | None = None) -> list[Warehouse]:
    """The clusters and workgroups that carry the schedule's tag, with that value where one is given.

    Clusters are asked themselves, as that tells their state and newest tags, too; workgroups are found through the Resource Groups Tagging API.
    """
    values = [tag_value] if tag_value else None
    return [*clusters.tagged(SCHEDULE_TAG, values), *_workgroups(values)]


def _workgroups(values: list[str] | None) -> Iterator[Warehouse]:
    """Workgroups by tag. Their ARNs do not tell their names. Source: GetResources."""
    arns = set(_arns("redshift-serverless:workgroup", values))
    if arns:
        yield from (found for found in workgroups.every() if found.arn in arns)


def _arns(resource_type: str, values: list[str] | None) -> Iterator[str]:
    wanted = {"Key": SCHEDULE_TAG, **({"Values": values} if values else {})}
    pages = client("resourcegroupstaggingapi").get_paginator("get_resources")
    with translated(f"find what carries the tag {SCHEDULE_TAG}"):
        for page in pages.paginate(ResourceTypeFilters=[resource_type], TagFilters=[wanted], ResourcesPerPage=_PAGE):
            yield from (found["ResourceARN"] for found in page["ResourceTagMappingList"])


def last_edges() -> dict[str, Edge]:
    """The edge that was last applied to each warehouse, by the warehouse's key."""
    found = {}
    for item in table.of_partition(_PARTITION):
        found[item["sk"]] = Edge(datetime.fromisoformat(item["edge"]), "pause" if item["action"] == "pause" else "resume")
    return found


def remember(key: str, edge: Edge, reason: str) -> None:
    """Keep an edge as the last one applied, unless a later one is kept already."""
    moment = edge.moment.astimezone(UTC).isoformat(timespec="seconds")
    item = {"pk": _PARTITION, "sk": key, "edge": moment, "action": edge.action, "reason": reason}
    table.put_if(item, int(time.time()) + _KEPT_SECONDS, "attribute_not_exists(pk) OR edge <= :edge", {":edge": moment})


def resumes(keys: Iterable[str], since: datetime) -> Iterator[table.Item]:
    """What the ledgers of these warehouses say of resumes since then."""
    for key in keys:
        yield from table.of_partition_since(f"LEDGER#{key}", since.isoformat(), "action", "resume")


def write_tags(seen: Warehouse, wanted: Mapping[str, str]) -> bool:
    """Set the tags that differ; False when nothing was to be written, or AWS takes no tags in the cluster's present state.

    They only show people what was done, so nothing waits for them. Source: CreateTags.
    """
    tags = changed_tags(wanted, seen.tags)
    if not tags or seen.kind != "cluster" or primary_status(seen.status) != "available":
        return False
    try:
        clusters.tag(seen.arn, tags)
    except WarehouseNotReady:
        return False
    return True
