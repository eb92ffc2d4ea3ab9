"""The manual snapshots of clusters, as the cost report weighs them. Those of Serverless do not tell their tags, so they are left alone."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Any

from autopilot.aws.clients import client, translated
from autopilot.domain.advice.evidence import Snapshot

LIST = ("redshift:DescribeClusterSnapshots",)
_MB_PER_GB = 1000


def every(clusters: Collection[str]) -> list[Snapshot]:
    """All manual snapshots that are available; `clusters` are the names of those that exist. Source: DescribeClusterSnapshots."""
    with translated("list the manual snapshots"):
        pages = client("redshift").get_paginator("describe_cluster_snapshots").paginate(SnapshotType="manual")
        return [_snapshot(one, clusters) for page in pages for one in page["Snapshots"] if one["Status"] == "available"]


def _snapshot(found: dict[str, Any], clusters: Collection[str]) -> Snapshot:
    retention = found.get("ManualSnapshotRetentionPeriod", -1)
    return Snapshot(
        name=found["SnapshotIdentifier"],
        warehouse=found["ClusterIdentifier"],
        created_at=found["SnapshotCreateTime"],
        # What only this snapshot holds is what its deletion saves.
        size_gb=Decimal(str(found.get("ActualIncrementalBackupSizeInMegaBytes") or 0)) / _MB_PER_GB,
        retention_days=retention if retention > 0 else None,
        orphan=found["ClusterIdentifier"] not in clusters,
        tagged=any(not tag["Key"].startswith(("autopilot:", "aws:")) for tag in found.get("Tags", [])),
    )
