"""What external schemas need of the services around a database."""

from __future__ import annotations

from typing import Any, Protocol


class Lake(Protocol):
    """Glue, S3 and Secrets Manager, each call as an IAM role (or a chain of them). What a service refuses comes as ApiError."""

    def table(self, role: str, region: str | None, database: str, name: str) -> dict[str, Any]:
        """A table as GetTable gives it."""
        ...

    def tables(self, role: str, region: str | None, database: str) -> list[dict[str, Any]]:
        """All tables of a database of the catalog."""
        ...

    def partitions(self, role: str, region: str | None, database: str, name: str) -> list[dict[str, Any]]:
        """All partitions of a table."""
        ...

    def database(self, role: str, region: str | None, name: str) -> dict[str, Any]:
        """A database of the catalog."""
        ...

    def make_database(self, role: str, region: str | None, name: str) -> None:
        """Make one."""
        ...

    def objects(self, role: str, bucket: str, prefix: str) -> list[str]:
        """The keys under a prefix."""
        ...

    def content(self, role: str, bucket: str, key: str) -> bytes:
        """What is in an object."""
        ...

    def secret(self, role: str, arn: str) -> dict[str, Any]:
        """The JSON object in a secret."""
        ...
