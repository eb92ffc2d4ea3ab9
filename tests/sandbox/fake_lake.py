"""A stand-in for the services that external schemas read, held in memory."""

from __future__ import annotations

from typing import Any

from sandbox.kernel import ApiError


class FakeLake:
    """A Glue catalog, an S3 and secrets. A role may all but the calls in `denied`; `roles` are those that asked."""

    def __init__(self) -> None:
        self.catalog: dict[str, dict[str, dict[str, Any]]] = {}
        self.parts: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.files: dict[str, bytes] = {}
        self.secrets: dict[str, dict[str, Any]] = {}
        self.denied: set[str] = set()
        self.roles: list[str] = []

    def table(self, role: str, region: str | None, database: str, name: str) -> dict[str, Any]:
        found = {table["Name"]: table for table in self.tables(role, region, database)}
        if name not in found:
            raise ApiError("EntityNotFoundException", f"Table {name} not found")
        return found[name]

    def tables(self, role: str, _region: str | None, database: str) -> list[dict[str, Any]]:
        self._check("glue", role)
        if database not in self.catalog:
            raise ApiError("EntityNotFoundException", f"Database {database} not found")
        return list(self.catalog[database].values())

    def partitions(self, _role: str, _region: str | None, database: str, name: str) -> list[dict[str, Any]]:
        return self.parts.get((database, name), [])

    def database(self, role: str, region: str | None, name: str) -> dict[str, Any]:
        self.tables(role, region, name)
        return {"Name": name}

    def make_database(self, role: str, _region: str | None, name: str) -> None:
        self._check("glue:CreateDatabase", role)
        if name in self.catalog:
            raise ApiError("AlreadyExistsException", f"Database {name} already exists")
        self.catalog[name] = {}

    def objects(self, role: str, bucket: str, prefix: str) -> list[str]:
        self._check("s3", role)
        start = f"s3://{bucket}/"
        return [uri.removeprefix(start) for uri in self.files if uri.startswith(start + prefix)]

    def content(self, _role: str, bucket: str, key: str) -> bytes:
        return self.files[f"s3://{bucket}/{key}"]

    def secret(self, role: str, arn: str) -> dict[str, Any]:
        self._check("secretsmanager", role)
        return self.secrets[arn]

    def _check(self, action: str, role: str) -> None:
        self.roles.append(role)
        if action in self.denied:
            raise ApiError("AccessDeniedException", f"{role} is not authorized to perform: {action}", 403)
