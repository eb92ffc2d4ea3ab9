"""The least that anyone could write to look at clusters: no logging, no metrics, no validation."""

from typing import Any

import boto3


def handle(_event: Any, _context: Any) -> dict[str, Any]:
    boto3.client("redshift").describe_clusters()
    return {}
