"""What the sections share: names, columns and who is meant."""

from __future__ import annotations

from typing import Annotated

import msgspec

from autopilot.domain.spec_parts import Part

#: The length is counted in bytes, by `quoting.identifier`.
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=127)]
#: A query or an expression in SQL, put into a statement as it is.
Sql = Annotated[str, msgspec.Meta(min_length=1, max_length=60_000)]


class Grantee(Part, frozen=True, kw_only=True):
    """Who is meant: exactly one of a `role`, a `user`, a `group`, or `public: true` for everybody."""

    role: Name | None = None
    user: Name | None = None
    group: Name | None = None
    public: bool = False

    @property
    def who(self) -> tuple[str, str]:
        """The kind, and the name: `role`, `user`, `group` or `public`."""
        if self.role is not None:
            return "role", self.role
        if self.user is not None:
            return "user", self.user
        return ("group", self.group) if self.group is not None else ("public", "public")


class Relation(Part, frozen=True, kw_only=True):
    """A table, view or materialized view."""

    schema: Name = "public"
    name: Name


class Column(Part, frozen=True, kw_only=True):
    """A column that a policy takes: its name and its type as Redshift writes it, such as `varchar(64)`."""

    name: Name
    type: Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[A-Za-z][A-Za-z ]*(\([0-9 ,]+\))?[A-Za-z ]*$")]
