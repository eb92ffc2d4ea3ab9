"""What the statements of a warehouse see of the sandbox around it: its own record, and other services as its IAM roles."""

from __future__ import annotations

from typing import Any

from sandbox.hosting import kinesis_records
from sandbox.hosting.assumed_roles import AssumedRoles
from sandbox.hosting.dynamodb_source import DynamoDbSource, service_may
from sandbox.hosting.lake import RoleLake
from sandbox.redshift.clusters_records import Cluster
from sandbox.redshift.serverless_records import Namespace
from sandbox.world import World

_CASE = "enable_case_sensitive_identifier"


class WarehouseOutside:
    """Implements sandbox.sql.outside.Outside. Records are read as they are: nothing here may wait for what is due."""

    def __init__(self, world: World, roles: AssumedRoles, tables: DynamoDbSource) -> None:
        self._world, self._roles, self._tables = world, roles, tables
        self.lake = RoleLake(roles)

    def iam_roles(self, warehouse: str) -> tuple[str | None, list[str]]:
        record = self._cluster(warehouse) or self._namespace(warehouse)
        return (record.default_iam_role, list(record.iam_roles)) if record else (None, [])

    def is_case_sensitive(self, warehouse: str) -> bool:
        if cluster := self._cluster(warehouse):
            group = self._world.clusters._parameter_groups[cluster.parameter_group]
            return bool(group.values.get(_CASE) == "true" and _CASE not in cluster.parameters_to_reboot)
        groups = [one for one in self._world.serverless._workgroups.values() if one.namespace.key == warehouse]
        return any(one.config.get(_CASE) == "true" for one in groups)

    def describe_stream(self, role: str, stream: str) -> None:
        kinesis_records.describe(self._roles, role, stream)

    def stream_records(self, role: str, stream: str, positions: dict[str, str]) -> list[dict[str, Any]]:
        return kinesis_records.records(self._roles, role, stream, positions)

    def admits_source(self, policy: str | None, target_arn: str, source_arn: str) -> bool:
        return service_may(policy, "redshift:AuthorizeInboundIntegration", target_arn, source_arn)

    def table_exists(self, arn: str) -> bool:
        return self._tables.exists(arn)

    def table_lacks(self, arn: str, integration_arn: str) -> str:
        return self._tables.lacks(arn, integration_arn)

    def table_items(self, arn: str) -> tuple[list[tuple[str, str]], list[dict[str, Any]]]:
        return self._tables.items(arn)

    def integrations(self, warehouse: str) -> list[dict[str, str]]:
        target = self._cluster(warehouse) or self._namespace(warehouse)
        arn = target.namespace_arn if isinstance(target, Cluster) else target.arn if target else ""
        found = [one for one in self._world.zero_etl.present() if one.target_arn == arn]
        return [{"id": one.identity, "source_arn": one.source_arn, "status": one.status} for one in found]

    def _cluster(self, warehouse: str) -> Cluster | None:
        kind, _, name = warehouse.partition(":")
        found: Cluster | None = self._world.clusters._clusters.get(name) if kind == "cluster" else None
        return found

    def _namespace(self, warehouse: str) -> Namespace | None:
        kind, _, name = warehouse.partition(":")
        found: Namespace | None = self._world.serverless._namespaces.get(name) if kind == "namespace" else None
        return found
