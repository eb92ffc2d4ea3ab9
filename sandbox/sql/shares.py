"""The record of datashares that the API shows and changes; SQL reads and writes the same tables from every warehouse's database."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row

from sandbox.sql.names import prefix


@dataclass(frozen=True)
class Consumer:
    """One consumer of a datashare: a namespace, an account, or (both given) a namespace that an account associated. `status` is that of DescribeDataShares."""

    account: str
    namespace: str
    via_data_catalog: bool
    status: str
    share_date: datetime
    status_date: datetime


@dataclass(frozen=True)
class Share:
    """One datashare with the id of the namespace that gives it."""

    share_id: int
    name: str
    producer: str
    public_accessible: bool
    consumers: tuple[Consumer, ...]


class Shares:
    """Namespaces and datashares, through one connection of its own to the database that all warehouses share."""

    def __init__(self, conninfo: dict[str, Any]) -> None:
        self._lock = threading.Lock()
        self._connection = psycopg.connect(**conninfo, autocommit=True)

    def set_namespace(self, warehouse: str, namespace: str) -> None:
        """The id that other warehouses know this one by; the first time also the role that it reads theirs with."""
        upsert = "INSERT INTO namespace VALUES (%s, %s) ON CONFLICT (warehouse) DO UPDATE SET id = excluded.id"
        self._run(upsert, prefix(warehouse), namespace)
        reader = f"{prefix(warehouse)}!consumer"
        if not self._run("SELECT 1 FROM pg_roles WHERE rolname = %s", reader):
            self._run(psycopg.sql.SQL("CREATE ROLE {} LOGIN").format(psycopg.sql.Identifier(reader)))

    def namespace(self, warehouse: str) -> str:
        """The id of a warehouse's namespace."""
        return str(self._run("SELECT id FROM namespace WHERE warehouse = %s", prefix(warehouse))[0]["id"])

    def all(self) -> list[Share]:
        """Every datashare of every namespace, by producer and name."""
        found = self._run("SELECT d.*, n.id AS producer FROM datashare d JOIN namespace n USING (warehouse) ORDER BY n.id, d.name")
        return [
            Share(one["share_id"], one["name"], one["producer"], one["is_publicaccessible"], tuple(self._consumers(one["share_id"])))
            for one in found
        ]

    def _consumers(self, share_id: int) -> list[Consumer]:
        query = "SELECT account, namespace, via_data_catalog, status, share_date, status_date FROM datashare_consumer WHERE share_id = %s"
        with self._lock, self._connection.cursor(row_factory=class_row(Consumer)) as cursor:
            return cursor.execute(query + " ORDER BY account, namespace", (share_id,)).fetchall()

    def set_status(self, share_id: int, account: str, status: str) -> None:
        """Authorise or deauthorise an account; what it associated ends with its authorisation."""
        changed = "UPDATE datashare_consumer SET status = %s, status_date = clock_timestamp() WHERE share_id = %s AND account = %s AND namespace = ''"
        self._run(changed, status, share_id, account)
        if status != "AUTHORIZED":
            for one in self._consumers(share_id):
                if one.account == account and one.namespace:
                    self.dissociate(share_id, account, one.namespace)

    def associate(self, share_id: int, account: str, namespace: str) -> None:
        """Let a namespace of an authorised account read the share."""
        insert = "INSERT INTO datashare_consumer SELECT %s, %s, %s, false, 'ACTIVE', now(), now() ON CONFLICT DO NOTHING"
        self._run(insert, share_id, account, namespace)
        self._run("UPDATE datashare_consumer SET status = 'ACTIVE' WHERE share_id = %s AND account = %s", share_id, account)
        self._let_read(share_id, namespace, "GRANT {} TO {}")

    def dissociate(self, share_id: int, account: str, namespace: str) -> None:
        """Take it away again."""
        self._run("DELETE FROM datashare_consumer WHERE share_id = %s AND account = %s AND namespace = %s", share_id, account, namespace)
        self._let_read(share_id, namespace, "REVOKE {} FROM {}")

    def _let_read(self, share_id: int, namespace: str, change: Any) -> None:
        roles = (
            "SELECT s.rolname AS share, c.rolname AS consumer FROM pg_roles s JOIN pg_roles c ON true JOIN namespace n ON n.id = %s "
            "WHERE s.oid = %s AND c.rolname = n.warehouse || '!consumer'"
        )
        for found in self._run(roles, namespace, share_id):
            self._run(psycopg.sql.SQL(change).format(psycopg.sql.Identifier(found["share"]), psycopg.sql.Identifier(found["consumer"])))

    def copied(self, source: str, target: str) -> None:
        """A restored warehouse has the datashares of its snapshot without their consumers, and its shared databases, but usage of none.

        Source: Redshift database developer guide, "Standard datashares".
        """
        old, new = prefix(source), prefix(target)
        self._run(
            "INSERT INTO datashare SELECT r.oid, %(new)s, d.name, %(new)s || substr(d.physical_database, 8), d.source_database, "
            "coalesce((SELECT n.oid FROM pg_roles o JOIN pg_roles n ON n.rolname = %(new)s || substr(o.rolname, 8) WHERE o.oid = d.share_owner), 0), "
            "d.is_publicaccessible, d.createdate FROM datashare d JOIN pg_roles r ON r.rolname = %(new)s || '!share_' || md5(d.name) "
            "WHERE d.warehouse = %(old)s",
            {"new": new, "old": old},
        )
        self._run(
            "INSERT INTO shared_database SELECT %(new)s, s.name, s.share_id, s.share_name, s.producer_namespace, "
            "coalesce((SELECT n.oid FROM pg_roles o JOIN pg_roles n ON n.rolname = %(new)s || substr(o.rolname, 8) WHERE o.oid = s.database_owner), 0), "
            "s.with_permissions FROM shared_database s WHERE s.warehouse = %(old)s",
            {"new": new, "old": old},
        )
        self._run(
            "INSERT INTO shared_grant SELECT %(new)s, g.database_name, g.schema_name, g.relation_name, coalesce(n.oid, 0) FROM shared_grant g "
            "LEFT JOIN pg_roles o ON o.oid = g.grantee LEFT JOIN pg_roles n ON n.rolname = %(new)s || substr(o.rolname, 8) "
            "WHERE g.warehouse = %(old)s AND (g.grantee = 0 OR n.oid IS NOT NULL)",
            {"new": new, "old": old},
        )

    def forget(self, warehouse: str) -> None:
        """Remove what a warehouse that is gone gave and took; what others made of its datashares shows nothing any more."""
        mark = prefix(warehouse)
        self._run("DELETE FROM datashare_consumer WHERE share_id IN (SELECT share_id FROM datashare WHERE warehouse = %s)", mark)
        for table in ("datashare", "shared_database", "shared_grant", "namespace"):
            self._run(f"DELETE FROM {table} WHERE warehouse = %s", mark)  # noqa: S608 - names are written here, values are bound

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _run(self, query: Any, *values: Any) -> list[dict[str, Any]]:
        bound = values[0] if len(values) == 1 and isinstance(values[0], dict) else values
        with self._lock, self._connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(query, bound or None)
            return cursor.fetchall() if cursor.description else []
