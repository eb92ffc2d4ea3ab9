"""What statements reach beyond their database: the warehouse that it belongs to, and other services as the warehouse's IAM roles."""

from __future__ import annotations

from typing import Any, Protocol

from sandbox.sql.errors import SqlError


class Outside(Protocol):
    """The world of a warehouse, by its key. What another service refuses comes as ApiError."""

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


def role_of(outside: Outside, warehouse: str, asked: str) -> str:
    """The ARN that an IAM_ROLE of a statement stands for; raises SqlError for one that is not associated with the warehouse."""
    default, associated = outside.iam_roles(warehouse)
    if asked == "default":
        if default is None:
            raise SqlError("no default IAM role is set for the cluster", "42704")
        return default
    if asked not in associated:
        raise SqlError(f"the requested role {asked} is not associated to cluster", "42704")
    return asked
