"""Cleaning up snapshots: look at all of them, judge each, and delete those that may go, a batch a call, each after a fresh look."""

from __future__ import annotations

import tempfile
from datetime import datetime
from typing import Any

import msgspec

from autopilot.aws import files, snapshots, workgroups
from autopilot.aws.clients import client, translated
from autopilot.domain.inputs import CleanInput
from autopilot.domain.retention import Existing, Verdict, judge
from autopilot.domain.snapshots import Snapshot

LOOK = (
    *snapshots.LIST,
    "redshift:DescribeClusters",
    "redshift-serverless:ListNamespaces",
    "redshift-serverless:ListTagsForResource",
    *files.WRITE,
)
PERMISSIONS = (*LOOK, *snapshots.DELETE)
#: Source: BatchDeleteClusterSnapshots, `Identifiers`: up to 100.
MAX_OF_CLUSTERS, MAX_OF_NAMESPACES = 100, 25


class Cleaned(msgspec.Struct, frozen=True):
    """What a call deleted. `next` is `more` while there are others, else `done`; `failed` says why AWS kept some, by identifier."""

    next: str
    deleted: list[str]
    size_mb: float
    failed: dict[str, str]


def verdicts(rules: CleanInput, now: datetime, account: str) -> list[Verdict]:
    """What becomes of every snapshot of the account and region. Tags of namespaces' snapshots are asked for only where they decide."""
    found, existing = snapshots.every(), [*_clusters(), *_namespaces()]
    first = judge(found, existing, rules, now, account)
    going = {one.snapshot.arn for one in first if one.action == "delete" and one.snapshot.kind == "workgroup"}
    known = [snapshots.with_tags(one) if one.arn in going else one for one in found]
    return judge(known, existing, rules, now, account)


def clean(rules: CleanInput, now: datetime, account: str, failed: dict[str, str]) -> Cleaned:
    """Delete the next batch of what may go, judged afresh; what failed before in this execution is left out."""
    going = [one.snapshot for one in verdicts(rules, now, account) if one.action == "delete" and one.snapshot.identifier not in failed]
    of_clusters = [one for one in going if one.kind == "cluster"][:MAX_OF_CLUSTERS]
    of_namespaces = [one for one in going if one.kind == "workgroup"][:MAX_OF_NAMESPACES]
    refused = snapshots.delete_of_clusters(of_clusters) if of_clusters else {}
    refused |= {one.identifier: why for one in of_namespaces if (why := snapshots.delete_of_namespace(one))}
    gone = [one for one in (*of_clusters, *of_namespaces) if one.identifier not in refused]
    left = len(going) > len(of_clusters) + len(of_namespaces)
    size_mb = round(sum(one.size_mb or 0 for one in gone), 3)
    return Cleaned("more" if left else "done", [one.identifier for one in gone], size_mb, failed | refused)


def write_report(judged: list[Verdict], execution: str) -> str:
    """Put all verdicts into the bucket, one JSON object a line; the file's address."""
    with tempfile.NamedTemporaryFile() as file:
        file.writelines(msgspec.json.encode(_plain(one)) + b"\n" for one in judged)
        file.flush()
        return files.write_file(f"reports/snapshots/{execution.rsplit(':', 1)[-1]}.jsonl", file.name)


def _plain(one: Verdict) -> dict[str, Any]:
    snapshot: Snapshot = one.snapshot
    return {"action": one.action, "reason": one.reason, **msgspec.to_builtins(snapshot)}


def _clusters() -> list[Existing]:
    """Source: DescribeClusters."""
    with translated("list the clusters"):
        found = [one for page in client("redshift").get_paginator("describe_clusters").paginate() for one in page["Clusters"]]
    return [
        Existing(
            kind="cluster",
            name=one["ClusterIdentifier"],
            origin=str(one.get("ClusterCreateTime", "")),
            tags={tag["Key"]: tag.get("Value", "") for tag in one.get("Tags", [])},
        )
        for one in found
    ]


def _namespaces() -> list[Existing]:
    """Source: ListNamespaces."""
    pages = client(workgroups.SERVICE).get_paginator("list_namespaces")
    with translated("list the namespaces"):
        found = [one for page in pages.paginate() for one in page["namespaces"]]
    return [Existing(kind="workgroup", name=one["namespaceName"], origin=one["namespaceArn"]) for one in found]
