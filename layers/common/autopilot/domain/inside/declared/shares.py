"""Datashares: what a warehouse gives to others, and what it takes from them."""

from __future__ import annotations

from typing import Annotated

import msgspec

from autopilot.domain.inside.declared.names import Name, Relation
from autopilot.domain.spec_parts import Part

Namespace = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
Account = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{12}$")]
Region = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]


class Consumer(Part, frozen=True, kw_only=True):
    """Who may read a datashare: a `namespace` of the same account, or another `account`, which is authorised too. Exactly one of both."""

    namespace: Namespace | None = None
    account: Account | None = None


class SharedSchema(Part, frozen=True, kw_only=True):
    """A schema in a datashare with all its tables and views; with `include_new` Redshift adds those that are made later by itself."""

    name: Name
    include_new: bool = False


class Produced(Part, frozen=True, kw_only=True):
    """A datashare that this warehouse gives: whole `schemas`, and single `tables` (or views) of others. Who has it are its `consumers`."""

    name: Name
    schemas: list[SharedSchema] = msgspec.field(default_factory=list)
    tables: list[Relation] = msgspec.field(default_factory=list)
    public_accessible: bool = False
    consumers: list[Consumer] = msgspec.field(default_factory=list)


class Consumed(Part, frozen=True, kw_only=True):
    """A `database` that shows what the datashare of another `namespace` holds; `account` and `region` where they are not this warehouse's.

    `with_permissions` lets grants be made on single objects of it; without it, usage of the database is the right to read all of it.
    """

    database: Name
    datashare: Name
    namespace: Namespace
    account: Account | None = None
    region: Region | None = None
    with_permissions: bool = False


class Datashares(Part, frozen=True, kw_only=True):
    """Both sides; a side that is left out is not managed."""

    produces: list[Produced] | None = None
    consumes: list[Consumed] | None = None
