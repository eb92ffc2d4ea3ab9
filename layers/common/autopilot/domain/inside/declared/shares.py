"""Datashares: what a warehouse gives to others, and what it takes from them."""

from __future__ import annotations

from typing import Annotated

import msgspec

from autopilot.domain.inside.declared.names import Name, Relation
from autopilot.domain.spec_parts import Part

Namespace = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
Account = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{12}$")]


class Consumer(Part, frozen=True, kw_only=True):
    """Who may read a datashare: a `namespace` of the same account, or an `account`."""

    namespace: Namespace | None = None
    account: Account | None = None


class SharedSchema(Part, frozen=True, kw_only=True):
    """A schema in a datashare; with `include_new` tables and views that are made later are shared too."""

    name: Name
    include_new: bool = False
    all_tables: bool = False


class Produced(Part, frozen=True, kw_only=True):
    """A datashare that this warehouse gives. Tables and views need their schema in it."""

    name: Name
    schemas: list[SharedSchema] = msgspec.field(default_factory=list)
    tables: list[Relation] = msgspec.field(default_factory=list)
    views: list[Relation] = msgspec.field(default_factory=list)
    public_accessible: bool = False
    consumers: list[Consumer] = msgspec.field(default_factory=list)


class Consumed(Part, frozen=True, kw_only=True):
    """A `database` that shows what another warehouse's datashare holds; `account` where it is another's.

    `with_permissions` lets grants be made on single objects of it.
    """

    database: Name
    datashare: Name
    namespace: Namespace
    account: Account | None = None
    with_permissions: bool = False


class Datashares(Part, frozen=True, kw_only=True):
    """Both sides; a side that is left out is not managed."""

    produces: list[Produced] | None = None
    consumes: list[Consumed] | None = None
