"""Row-level security and dynamic data masking."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from autopilot.domain.inside.declared.names import Column, Grantee, Name, Relation, Sql
from autopilot.domain.spec_parts import Part


class RowAttachment(Part, frozen=True, kw_only=True):
    """Where a row-level security policy holds, and for whom: users, roles or `public`."""

    table: Relation
    to: Annotated[list[Grantee], msgspec.Meta(min_length=1)]


class RowPolicy(Part, frozen=True, kw_only=True):
    """A row-level security policy: rows for which `using` is true are seen.

    `columns` are those of the table that `using` names, by the table's `alias` where it has one.
    """

    name: Name
    columns: list[Column] = msgspec.field(default_factory=list)
    alias: Name | None = None
    using: Sql
    attach: list[RowAttachment] = msgspec.field(default_factory=list)


class RowProtection(Part, frozen=True, kw_only=True):
    """A table with row-level security on: how several policies of one user are put together, and whether it is on for the consumers of datashares.

    Without `datashares` that is left as it is.
    """

    table: Relation
    conjunction: Literal["and", "or"] = "and"
    datashares: bool | None = None


class RowLevelSecurity(Part, frozen=True, kw_only=True):
    """Who sees which rows. Row-level security is on for every table that a policy is attached to, and for the `tables`."""

    policies: list[RowPolicy] = msgspec.field(default_factory=list)
    tables: list[RowProtection] = msgspec.field(default_factory=list)


class MaskAttachment(Part, frozen=True, kw_only=True):
    """Where a masking policy holds, for whom, and before which others (the highest priority wins).

    `columns` are masked, by the policy's expressions in their order; `using` are the columns that the policy takes where those are others.
    """

    table: Relation
    columns: Annotated[list[Name], msgspec.Meta(min_length=1)]
    using: list[Name] = msgspec.field(default_factory=list)
    to: Grantee
    priority: Annotated[int, msgspec.Meta(ge=0, le=2_147_483_647)] = 0


class MaskingPolicy(Part, frozen=True, kw_only=True):
    """A masking policy: the `columns` that it takes, and the expressions that are shown instead, as many as columns are masked."""

    name: Name
    columns: Annotated[list[Column], msgspec.Meta(min_length=1)]
    using: Annotated[list[Sql], msgspec.Meta(min_length=1)]
    attach: list[MaskAttachment] = msgspec.field(default_factory=list)
