"""Schemas whose tables lie elsewhere."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from autopilot.domain.inside.declared.names import Name
from autopilot.domain.spec_parts import Part

#: `default` is the warehouse's default IAM role.
IamRole = Annotated[str, msgspec.Meta(pattern=r"^(default|arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+)$")]
#: One role, or up to ten that assume each other in turn, without spaces. A role's name may hold a comma, but not one in a chain.
_ARN = r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=.@_/-]+"
ChainedRole = Annotated[str, msgspec.Meta(pattern=rf"^(default|{_ARN}(,{_ARN}){{0,9}})$")]
CatalogRole = Annotated[str, msgspec.Meta(pattern=rf"^{_ARN}(,{_ARN}){{0,9}}$")]
#: What an external catalog or database calls something: any printable text.
OutsideName = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class ExternalSchema(Part, frozen=True, kw_only=True):
    """A schema on a Glue `database` (made if `create_database`), on a `database` and `schema` of PostgreSQL, on one of MySQL, or of a Hive metastore.

    All but Glue need the `host`; PostgreSQL and MySQL also the `secret` (its ARN) with user and password, which the warehouse reads with its `role`.
    """

    name: Name
    source: Literal["glue", "postgres", "mysql", "hive"] = "glue"
    database: OutsideName
    schema: OutsideName | None = None
    role: ChainedRole = "default"
    create_database: bool = False
    catalog_role: CatalogRole | None = None
    region: Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")] | None = None
    host: Annotated[str, msgspec.Meta(max_length=255, pattern=r"^[A-Za-z0-9.:-]+$")] | None = None
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None
    secret: (
        Annotated[str, msgspec.Meta(pattern=r"^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@!-]+$")] | None
    ) = None
