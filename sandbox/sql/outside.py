"""What statements reach beyond their database: the warehouse that it belongs to, and other services as the warehouse's IAM roles."""

from __future__ import annotations

from typing import Any, Protocol

from sandbox.sql.errors import SqlError
from sandbox.sql.lake import Lake


class Outside(Protocol):
    """The world of a warehouse, by its key. What another service refuses comes as ApiError."""

    @property
    def lake(self) -> Lake:
        """What external schemas are read from."""
        ...

    def iam_roles(self, warehouse: str) -> tuple[str | None, list[str]]:
        """The default IAM role of a warehouse, and all that are associated with it."""
        ...

    def is_case_sensitive(self, warehouse: str) -> bool:
        """Whether its parameters turn enable_case_sensitive_identifier on."""
        ...

    def describe_stream(self, role: str, stream: str) -> None:
        """Look at a stream of Kinesis as that role."""
        ...

    def stream_records(self, role: str, stream: str, positions: dict[str, str]) -> list[dict[str, Any]]:
        """The records behind the last sequence number of each shard: shard, sequence, key, time and data (base64)."""
        ...

    def admits_source(self, policy: str | None, target_arn: str, source_arn: str) -> bool:
        """Whether a namespace's resource policy admits a source of integrations."""
        ...

    def table_exists(self, arn: str) -> bool:
        """Whether there is such a table of DynamoDB."""
        ...

    def table_lacks(self, arn: str, integration_arn: str) -> str:
        """What it lacks to be a source, in a sentence; empty when it has all."""
        ...

    def table_items(self, arn: str) -> tuple[list[tuple[str, str]], list[dict[str, Any]]]:
        """Its key attributes with their types, and its items in DynamoDB's JSON."""
        ...

    def integrations(self, warehouse: str) -> list[dict[str, str]]:
        """The integrations into a warehouse: id, source_arn and status of each."""
        ...


def role_of(outside: Outside, warehouse: str, asked: str) -> str:
    """The ARN that an IAM_ROLE of a statement stands for, or the chain of them; raises SqlError when the (first) one is not associated with the warehouse."""
    default, associated = outside.iam_roles(warehouse)
    if asked == "default":
        if default is None:
            raise SqlError("no default IAM role is set for the cluster", "42704")
        return default
    if asked.partition(",")[0] not in associated:
        raise SqlError(f"the requested role {asked} is not associated to cluster", "42704")
    return asked
