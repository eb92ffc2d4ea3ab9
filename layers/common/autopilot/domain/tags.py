"""The tags by which Autopilot knows what is its own and what people ask of it, and what a tag can hold."""

from __future__ import annotations

import hashlib
import re

OWNER_TAG = "autopilot:execution"
MANAGED_TAG = "autopilot:managed"
PROTECT_TAG = "autopilot:protect"
SCHEDULE_TAG = "autopilot:schedule"
ENVIRONMENT_TAG = "autopilot:environment"
#: Its value is the warehouse's name: Cost Explorer and Budgets tell warehouses apart by it, once it is activated for cost allocation.
WAREHOUSE_TAG = "autopilot:warehouse"
#: Source: Redshift tagging: letters, digits, spaces and these; keys up to 128, values up to 256 characters.
TAG_PATTERN = re.compile(r"[\w .:/=+\-@]*")
TAG_CHARACTERS = "letters, digits, spaces and . : / = + - @ _"


def fits_a_tag(value: str) -> bool:
    """Whether a tag can have this value."""
    return len(value) <= 256 and TAG_PATTERN.fullmatch(value) is not None


def owner_of(execution: str) -> str:
    """What the owner's tag says of an execution: its ARN, or a hash where a tag cannot hold that."""
    return execution if fits_a_tag(execution) else hashlib.sha256(execution.encode()).hexdigest()
