"""Resizing a warehouse: ask AWS which way leads to the size, then take one step a call, each after a fresh look."""

from __future__ import annotations

import msgspec

from autopilot.aws import clusters, table, warehouses, workgroups
from autopilot.aws.clients import call, client, translated
from autopilot.domain.errors import WarehouseFailed
from autopilot.domain.inputs import ResizeInput
from autopilot.domain.resizing import Option, Size, Way, capacity_requests, choose_way, first_step, has_size, resize_request, wanted_size
from autopilot.domain.steps import Resize
from autopilot.domain.warehouse import Warehouse

PERMISSIONS = (
    *warehouses.LOOK,
    *table.READ,
    "redshift:DescribeNodeConfigurationOptions",
    "redshift:DescribeOrderableClusterOptions",
    "redshift:ResizeCluster",
    "redshift-serverless:UpdateWorkgroup",
)
#: A capacity has two parameters, a cluster one size: after more steps than that AWS does not carry out what it took.
MAX_STEPS = {"cluster": 1, "workgroup": 2}
_RECENT_ENTRIES = 20


class Resized(msgspec.Struct, frozen=True):
    """What a step did. `next` says what to wait for: `resized` (a cluster), `available` (a workgroup), or that it is `done`.

    `applied` counts the changes that this execution has made.
    """

    next: str
    reason: str
    applied: int


def plan(seen: Warehouse, asked: ResizeInput) -> Way:
    """The way to the size asked for. Raises InvalidInput, and WarehouseUnavailable in a state from which none leads."""
    paused = seen.status in {"paused", "pausing"}
    before = size_before_pause(seen.key) if paused else None
    known = msgspec.structs.replace(seen, node_type=before.node_type, nodes=before.nodes) if before else seen
    size = wanted_size(asked, known)
    first = first_step(seen, size, before)
    if first.action != "resize" or first.method:
        return first
    options = elastic_options(seen.name)
    elastic = any((option.node_type, option.nodes) == (size.node_type, size.nodes) for option in options)
    sold = elastic or size.node_type == seen.node_type or is_sold(size.node_type or "")
    return choose_way(first, seen, options, classic=asked.classic == "allow", sold=sold)


def elastic_options(name: str) -> list[Option]:
    """The sizes that an elastic resize of the cluster reaches. Source: DescribeNodeConfigurationOptions, `resize-cluster`."""
    pages = client("redshift").get_paginator("describe_node_configuration_options")
    with translated(f"ask to what sizes cluster {name} can be resized"):
        found = pages.paginate(ActionType="resize-cluster", ClusterIdentifier=name)
        return [
            Option(option["NodeType"], option["NumberOfNodes"], option.get("EstimatedDiskUtilizationPercent"))
            for page in found
            for option in page["NodeConfigurationOptionList"]
        ]


def is_sold(node_type: str) -> bool:
    """Whether AWS sells the node type in this region. Source: DescribeOrderableClusterOptions."""
    answer = call("redshift", "describe_orderable_cluster_options", f"ask whether {node_type} is sold", NodeType=node_type)
    return bool(answer["OrderableClusterOptions"])


def size_before_pause(key: str) -> Size | None:
    """The size that a cluster had before Autopilot paused it, from the ledger; None when the last thing done to it was something else.

    What a spec changed of a paused cluster, its tags and its groups, left it paused and of that size.
    """
    for entry in table.newest(f"LEDGER#{key}", _RECENT_ENTRIES):
        if entry["action"] == "provision" and entry.get("status_before") == "paused":
            continue
        if entry.get("outcome") in {"done", "started"}:
            was_pause = entry["action"] == "pause" and entry.get("status_before", "").startswith("available")
            return Size(node_type=entry["node_type"], nodes=int(entry["nodes"])) if was_pause else None
    return None


def resize(step: Resize) -> Resized:
    """Take the next step. Raises WarehouseFailed when AWS took the steps and the size is still another one."""
    seen, size = warehouses.get(step.warehouse), step.size
    following = "resized" if seen.kind == "cluster" else "available"
    first = first_step(seen, size)
    if first.action == "nothing" and has_size(seen, size):
        return Resized("done", f"{seen.name} has {size}", step.applied)
    if first.action != "resize":
        return Resized(following, first.reason, step.applied)
    if step.applied >= MAX_STEPS[seen.kind]:
        raise WarehouseFailed(f"AWS has taken the resize of {seen.name} to {size}, which ended with {seen.size}")
    if seen.kind == "cluster":
        clusters.resize(seen.name, resize_request(size.node_type or "", size.nodes or 1, classic=step.classic))
    else:
        workgroups.update(seen.name, dict(capacity_requests(seen, size)[0]))
    return Resized(following, f"resizing {seen.name} from {seen.size} to {size}", step.applied + 1)
