"""How to sign in for SQL, and to which database: the arguments that the Data API takes for a target."""

from __future__ import annotations

from typing import Literal

import msgspec

from autopilot.domain.warehouse import Kind, Warehouse

Method = Literal["secret", "temporary credentials", "iam identity"]


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A database of a warehouse and the way into it. Holds the secret's ARN, never the secret."""

    kind: Kind
    name: str
    database: str
    method: Method
    secret_arn: str | None = None
    db_user: str | None = None

    def arguments(self) -> dict[str, str]:
        """The arguments that name the warehouse, the database and the sign-in. Source: Data API, ExecuteStatement."""
        names = {"ClusterIdentifier" if self.kind == "cluster" else "WorkgroupName": self.name, "Database": self.database}
        if self.secret_arn:
            return {**names, "SecretArn": self.secret_arn}
        return {**names, "DbUser": self.db_user} if self.db_user else names

    @property
    def signed_in_as(self) -> str:
        """The way in, in words for people."""
        if self.method == "temporary credentials":
            return f"temporary credentials for {self.db_user}"
        return "the admin secret that Redshift manages" if self.method == "secret" else "the IAM identity of the function"


def target_of(warehouse: Warehouse, database: str | None = None) -> Target:
    """The way in: the managed admin secret, else temporary credentials for a cluster's admin user, else the own IAM identity."""
    method: Method = (
        "secret"
        if warehouse.secret_arn
        else "temporary credentials"
        if warehouse.admin_user and warehouse.kind == "cluster"
        else "iam identity"
    )
    return Target(
        kind=warehouse.kind,
        name=warehouse.name,
        database=database or warehouse.database,
        method=method,
        secret_arn=warehouse.secret_arn if method == "secret" else None,
        db_user=warehouse.admin_user if method == "temporary credentials" else None,
    )
