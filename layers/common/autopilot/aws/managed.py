"""Which warehouses are given to Autopilot: found by their tag, all of the region at once."""

from __future__ import annotations

from autopilot.aws.clients import client, translated
from autopilot.domain.tags import MANAGED_TAG, WAREHOUSE_TAG
from autopilot.domain.warehouse import Kind

LOOK = ("tag:GetResources",)
_TYPES = ["redshift:cluster", "redshift-serverless:workgroup"]


def names() -> dict[Kind, list[str]]:
    """The names of the managed clusters and workgroups; what was created a moment ago may be missing.

    A workgroup's ARN does not tell its name: that is a tag of its own. Source: GetResources.
    """
    found: dict[Kind, list[str]] = {"cluster": [], "workgroup": []}
    pages = client("resourcegroupstaggingapi").get_paginator("get_resources")
    with translated("find the managed warehouses"):
        for page in pages.paginate(ResourceTypeFilters=_TYPES, TagFilters=[{"Key": MANAGED_TAG, "Values": ["true"]}]):
            for resource in page["ResourceTagMappingList"]:
                tags = {tag["Key"]: tag["Value"] for tag in resource["Tags"]}
                kind, name = _named(resource["ResourceARN"], tags)
                if name:
                    found[kind].append(name)
    return found


def _named(arn: str, tags: dict[str, str]) -> tuple[Kind, str]:
    if ":cluster:" in arn:
        return "cluster", arn.rpartition(":")[2]
    return "workgroup", tags.get(WAREHOUSE_TAG, "")
