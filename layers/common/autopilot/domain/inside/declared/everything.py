"""All sections together, as a spec takes them."""

from __future__ import annotations

from autopilot.domain.inside.declared.external import ExternalSchema
from autopilot.domain.inside.declared.flows import Integration, Stream
from autopilot.domain.inside.declared.policies import MaskingPolicy, RowLevelSecurity
from autopilot.domain.inside.declared.principals import Grant, Group, Role, Schema, User
from autopilot.domain.inside.declared.relations import MaterializedView, View
from autopilot.domain.inside.declared.shares import Datashares
from autopilot.domain.spec_parts import Part


class Inside(Part, frozen=True, kw_only=True):
    """What lies inside a warehouse. A section that is left out is not managed; of one that is given, what is not declared is drift.

    With `prune` drift is removed, except what holds data.
    """

    external_schemas: list[ExternalSchema] | None = None
    schemas: list[Schema] | None = None
    roles: list[Role] | None = None
    groups: list[Group] | None = None
    users: list[User] | None = None
    views: list[View] | None = None
    materialized_views: list[MaterializedView] | None = None
    streams: list[Stream] | None = None
    integrations: list[Integration] | None = None
    datashares: Datashares | None = None
    grants: list[Grant] | None = None
    row_level_security: RowLevelSecurity | None = None
    masking: list[MaskingPolicy] | None = None
    prune: bool = False

    @property
    def declared(self) -> list[str]:
        """The sections that are given, empty ones too."""
        return [name for name in Inside.__struct_fields__ if name != "prune" and getattr(self, name) is not None]
