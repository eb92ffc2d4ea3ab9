"""Schemas, roles, groups, users and what they may do."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from autopilot.domain.inside.declared.names import Grantee, Name
from autopilot.domain.spec_parts import Part


class Schema(Part, frozen=True, kw_only=True):
    """A schema of the warehouse's own tables; `quota_gb` limits what it may take on disk."""

    name: Name
    owner: Name | None = None
    quota_gb: Annotated[int, msgspec.Meta(ge=1)] | None = None


class Role(Part, frozen=True, kw_only=True):
    """A database role, and the `roles` that it is granted."""

    name: Name
    roles: list[Name] = msgspec.field(default_factory=list)


class Group(Part, frozen=True, kw_only=True):
    """A user group."""

    name: Name


class User(Part, frozen=True, kw_only=True):
    """A database user: signs in by IAM (no password), or by a password that is kept in the `secret` and nowhere else.

    `secret` is the name of a secret under `autopilot/`; without one a user with `login: password` gets `autopilot/<warehouse>/<user>`. A secret that is
    not there is made, with a password that Secrets Manager draws.
    """

    name: Name
    login: Literal["iam", "password"] = "iam"
    secret: Annotated[str, msgspec.Meta(max_length=512, pattern=r"^autopilot/[A-Za-z0-9/_+=.@-]+$")] | None = None
    roles: list[Name] = msgspec.field(default_factory=list)
    groups: list[Name] = msgspec.field(default_factory=list)
    superuser: bool = False
    create_database: bool = False
    syslog_access: Literal["restricted", "unrestricted"] = "restricted"
    connection_limit: Annotated[int, msgspec.Meta(ge=0)] | None = None

    def secret_in(self, warehouse: str) -> str:
        """The name of the secret that keeps the password; empty for one who has none."""
        return (self.secret or f"autopilot/{warehouse}/{self.name}") if self.login == "password" else ""


class Object(Part, frozen=True, kw_only=True):
    """What a grant is on.

    A `database`; or a `schema`, and in it a `table` (a view too), or with `tables: true` all tables and views that are there; or with `later_by` those that
    this user makes in the schema from then on.
    """

    database: Name | None = None
    schema: Name | None = None
    table: Name | None = None
    tables: bool = False
    later_by: Name | None = None


Privilege = Literal[
    "select", "insert", "update", "delete", "references", "truncate", "drop", "alter", "trigger", "usage", "create", "temporary"
]


class Grant(Part, frozen=True, kw_only=True):
    """Privileges of somebody on something."""

    to: Grantee
    privileges: Annotated[list[Privilege], msgspec.Meta(min_length=1)]
    object: Object
