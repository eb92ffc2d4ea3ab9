"""The data lake and the secrets as Redshift reaches them: Glue, S3 and Secrets Manager with the IAM role of an external schema."""

from __future__ import annotations

import json
from typing import Any

from sandbox.clients import as_api_error
from sandbox.hosting.assumed_roles import AssumedRoles


class RoleLake:
    """Implements sandbox.sql.lake.Lake. `role` is one ARN, or several in a chain."""

    def __init__(self, roles: AssumedRoles) -> None:
        self._roles = roles

    def table(self, role: str, region: str | None, database: str, name: str) -> dict[str, Any]:
        with as_api_error():
            found: dict[str, Any] = self._glue(role, region).get_table(DatabaseName=database, Name=name)["Table"]
            return found

    def tables(self, role: str, region: str | None, database: str) -> list[dict[str, Any]]:
        with as_api_error():
            pages = self._glue(role, region).get_paginator("get_tables").paginate(DatabaseName=database)
            return [table for page in pages for table in page["TableList"]]

    def partitions(self, role: str, region: str | None, database: str, name: str) -> list[dict[str, Any]]:
        with as_api_error():
            pages = self._glue(role, region).get_paginator("get_partitions").paginate(DatabaseName=database, TableName=name)
            return [partition for page in pages for partition in page["Partitions"]]

    def database(self, role: str, region: str | None, name: str) -> dict[str, Any]:
        with as_api_error():
            found: dict[str, Any] = self._glue(role, region).get_database(Name=name)["Database"]
            return found

    def make_database(self, role: str, region: str | None, name: str) -> None:
        with as_api_error():
            self._glue(role, region).create_database(DatabaseInput={"Name": name})

    def objects(self, role: str, bucket: str, prefix: str) -> list[str]:
        with as_api_error():
            pages = self._roles.client(role, "s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def content(self, role: str, bucket: str, key: str) -> bytes:
        with as_api_error():
            return bytes(self._roles.client(role, "s3").get_object(Bucket=bucket, Key=key)["Body"].read())

    def secret(self, role: str, arn: str) -> dict[str, Any]:
        with as_api_error():
            value: dict[str, Any] = json.loads(self._roles.client(role, "secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
            return value

    def _glue(self, role: str, region: str | None) -> Any:
        return self._roles.client(role, "glue", region)
