"""EC2: policies can ask for a security group's tags (`aws:ResourceTag/...`), as on AWS.

What ministack does otherwise: it gives such conditions the tags of some services' resources, and none of EC2's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ministack.services import ec2, tagging


def apply() -> None:
    """Put it in place, once per process."""
    tagging._RESOURCE_TAG_COLLECTORS["ec2"] = _security_groups


def _security_groups() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for group_id in list(ec2._security_groups):
        yield ec2._security_group_arn(group_id), list(ec2._tags.get(group_id) or [])
