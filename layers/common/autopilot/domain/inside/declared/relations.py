"""Views and materialized views."""

from __future__ import annotations

from typing import Literal

import msgspec

from autopilot.domain.inside.declared.names import Name, Sql
from autopilot.domain.spec_parts import Part


class View(Part, frozen=True, kw_only=True):
    """A view; a `late_binding` one is not tied to the tables that it reads, which those on external schemas must not be."""

    schema: Name = "public"
    name: Name
    query: Sql
    late_binding: bool = False


class Distribution(Part, frozen=True, kw_only=True):
    """How rows are spread over nodes: `key` needs the `column`."""

    style: Literal["auto", "even", "all", "key"] = "auto"
    column: Name | None = None


class MaterializedView(Part, frozen=True, kw_only=True):
    """A materialized view. Its data can be made again from its query: it is replaced when its definition changes."""

    schema: Name = "public"
    name: Name
    query: Sql
    auto_refresh: bool = False
    backup: bool = True
    distribution: Distribution = Distribution()
    sort: list[Name] = msgspec.field(default_factory=list)
