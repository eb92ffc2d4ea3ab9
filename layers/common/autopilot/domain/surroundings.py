"""What belongs to a warehouse beside itself: its security group, parameter group, namespace, audit logging and usage limits."""

from __future__ import annotations

import msgspec

from autopilot.domain.budgets import Budget
from autopilot.domain.resizing import Size
from autopilot.domain.spec_parts import Logging, UsageLimit
from autopilot.domain.warehouse import Kind


class Entry(msgspec.Struct, frozen=True, order=True):
    """Who may come in, a security group or a CIDR, and by which port."""

    source: str
    port: int


class OwnGroup(msgspec.Struct, frozen=True, kw_only=True):
    """The security group that Autopilot made for a warehouse, and whom it lets in. Source: DescribeSecurityGroups."""

    id: str
    entries: frozenset[Entry] = frozenset()
    tags: dict[str, str] = {}


class OwnParameters(msgspec.Struct, frozen=True, kw_only=True):
    """The parameter group that Autopilot made for a cluster, and what it sets. Source: DescribeClusterParameters, `user`."""

    name: str
    values: dict[str, str] = {}
    tags: dict[str, str] = {}


class Namespace(msgspec.Struct, frozen=True):
    """A namespace: its first database, its tags and its status. Source: GetNamespace, ListTagsForResource."""

    database: str
    tags: dict[str, str]
    status: str


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """A usage limit that is there, with the id that AWS gave it."""

    id: str
    limit: UsageLimit


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a look found. A part that the spec says nothing of was not looked for."""

    vpc: str = ""
    security_group: OwnGroup | None = None
    parameters: OwnParameters | None = None
    namespace: Namespace | None = None
    logging: Logging | None = None
    usage_limits: dict[str, Limit] = {}
    before_pause: Size | None = None
    budget: Budget | None = None


def own_name(kind: Kind, name: str) -> str:
    """What Autopilot calls the security group and the parameter group that it makes for a warehouse."""
    return f"autopilot-{kind}-{name}"
