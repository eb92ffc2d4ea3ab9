"""Schemas whose tables lie elsewhere."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from autopilot.domain.inside.declared.names import Name
from autopilot.domain.spec_parts import Part

#: `default` is the warehouse's default IAM role.
IamRole = Annotated[str, msgspec.Meta(pattern=r"^(default|arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+)$")]


class ExternalSchema(Part, frozen=True, kw_only=True):
    """A schema on a Glue `database` (made if `create_database`), on a `database` and `schema` of PostgreSQL or MySQL, or on a Hive metastore.

    A federated one needs `host` and the `secret` (its ARN) with user and password, which the warehouse reads with its `role`.
    """

    name: Name
    source: Literal["glue", "postgres", "mysql", "hive"] = "glue"
    database: Name
    schema: Name | None = None
    role: IamRole = "default"
    create_database: bool = False
    catalog_role: IamRole | None = None
    region: Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")] | None = None
    host: Annotated[str, msgspec.Meta(max_length=255, pattern=r"^[A-Za-z0-9.:-]+$")] | None = None
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None
    secret: Annotated[str, msgspec.Meta(pattern=r"^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:.+$")] | None = None
