"""Row-level security and dynamic data masking."""

from __future__ import annotations

from typing import Annotated

import msgspec

from autopilot.domain.inside.declared.names import Column, Grantee, Name, Relation, Sql
from autopilot.domain.spec_parts import Part


class RowAttachment(Part, frozen=True, kw_only=True):
    """Where a row-level security policy holds, and for whom."""

    table: Relation
    to: Annotated[list[Grantee], msgspec.Meta(min_length=1)]


class RowPolicy(Part, frozen=True, kw_only=True):
    """A row-level security policy: rows for which `using` is true are seen. `columns` are those that `using` names."""

    name: Name
    columns: list[Column] = msgspec.field(default_factory=list)
    using: Sql
    attach: list[RowAttachment] = msgspec.field(default_factory=list)


class MaskAttachment(Part, frozen=True, kw_only=True):
    """Where a masking policy holds, for whom, and before which others (the highest priority wins).

    `columns` are masked; `using` are those given to the policy where it takes others.
    """

    table: Relation
    columns: Annotated[list[Name], msgspec.Meta(min_length=1)]
    using: list[Name] = msgspec.field(default_factory=list)
    to: Grantee
    priority: Annotated[int, msgspec.Meta(ge=0)] = 0


class MaskingPolicy(Part, frozen=True, kw_only=True):
    """A masking policy: the `columns` that it takes, and the expressions that are shown instead, as many as columns are masked."""

    name: Name
    columns: Annotated[list[Column], msgspec.Meta(min_length=1)]
    using: Annotated[list[Sql], msgspec.Meta(min_length=1)]
    attach: list[MaskAttachment] = msgspec.field(default_factory=list)
