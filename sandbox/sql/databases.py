"""The databases of all warehouses on one PostgreSQL server: made, copied, stopped, signed in to."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, LiteralString, Protocol

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from sandbox.sql import password_hashes
from sandbox.sql.errors import SqlError, from_postgres
from sandbox.sql.history import History
from sandbox.sql.names import MARKER, USER, on_server, prefix
from sandbox.sql.outside import Outside
from sandbox.sql.protection import SEAL
from sandbox.sql.session import Files, Session
from sandbox.sql.shares import Shares
from sandbox.sql.statements import plan
from sandbox.world import Activity

_CONTROL = "sandbox_control"
_TEMPLATE = "sandbox_template"
_SCRIPTS = Path(__file__).parent
_DEFAULT_BASE_RPU = 128.0
_SERVERLESS = ("namespace:", "workgroup:")
_PRIVILEGED_VIEWS = ("svv_table_info", "svv_alter_table_recommendations", "sys_serverless_usage")


class Server(Protocol):
    """The PostgreSQL server, as far as it matters here."""

    def conninfo(self, database: str = ..., user: str = ...) -> dict[str, Any]: ...


class Databases:
    """Implements world.DatabasesLike, and sign-in for SQL. Needs a server on which no Databases was made before.

    Each database of a warehouse is a database of the server, each user a role of the server, under names that begin with the
    warehouse's prefix. The admin user is a member of every user of its warehouse and so may do all that they may.
    """

    def __init__(self, postgres: Server) -> None:
        self._postgres = postgres
        self._lock = threading.RLock()
        #: What statements reach beyond their database; without one they reach nothing.
        self.outside: Outside | None = None
        self._stopped: set[str] = set()
        self._admins: dict[str, str] = {}
        self._sessions: set[Session] = set()
        self._vacuuming: set[str] = set()
        self._sources: dict[str, str] = {}
        self._system = psycopg.connect(**postgres.conninfo(), autocommit=True)
        for database in (_CONTROL, _TEMPLATE):
            self._run("CREATE DATABASE {}", database)
        self._script(_CONTROL, "control.sql", "datashares_control.sql", "zero_etl_control.sql")
        self._script(
            _TEMPLATE,
            "catalog.sql",
            "views.sql",
            "functions.sql",
            "datashares.sql",
            "privileges.sql",
            "external_schemas.sql",
            "external_tables.sql",
            "streams.sql",
            "zero_etl.sql",
            "policies.sql",
        )
        self.history = History(postgres.conninfo(_CONTROL))
        self.shares = Shares(postgres.conninfo(_CONTROL))

    def _script(self, database: str, *names: str) -> None:
        info = self._postgres.conninfo()
        values = {"{host}": info["host"], "{port}": str(info["port"]), "{control}": _CONTROL, "{superuser}": info["user"], "{seal}": SEAL}
        with psycopg.connect(**self._postgres.conninfo(database)) as connection:
            for name in names:
                text = (_SCRIPTS / name).read_text()
                for mark, value in values.items():
                    text = text.replace(mark, value)
                connection.execute(text.encode())

    def _run(self, query: LiteralString, *names: str, values: tuple[Any, ...] = ()) -> list[TupleRow]:
        with self._lock:
            cursor = self._system.execute(sql.SQL(query).format(*map(sql.Identifier, names)), values or None)
            return cursor.fetchall() if cursor.description else []

    # Warehouses ------------------------------------------------------------------------------------------------------

    def create(self, warehouse: str, database: str, admin_user: str) -> None:
        """Make the admin user and the first database of a new warehouse."""
        with self._lock:
            for marker in ("superuser", "syslog"):
                self._run("CREATE ROLE {}", on_server(warehouse, marker, MARKER))
            role = on_server(warehouse, admin_user)
            self._run("CREATE ROLE {} LOGIN", role)
            self._comment("ROLE", role, admin_user)
            self._run("GRANT {} TO {}", on_server(warehouse, "superuser", MARKER), role)
            self._admins[warehouse] = admin_user
            self.shares.set_namespace(warehouse, str(uuid.uuid4()))
            self.create_database(warehouse, database, admin_user)
            if warehouse.startswith(_SERVERLESS):
                self.set_base_capacity(warehouse, _DEFAULT_BASE_RPU)

    def set_namespace(self, warehouse: str, namespace: str) -> None:
        """The id of the warehouse's namespace, which datashares are given to."""
        self.shares.set_namespace(warehouse, namespace)

    def set_base_capacity(self, warehouse: str, base_rpu: float) -> None:
        """The capacity that SYS_SERVERLESS_USAGE counts with, in RPU."""
        self.history.set_capacity(warehouse, base_rpu)

    def create_database(self, warehouse: str, database: str, owner: str) -> None:
        """Make a further database of a warehouse; raises SqlError when it exists."""
        name, admin = on_server(warehouse, database), on_server(warehouse, self._admins[warehouse])
        with self._lock:
            if self._exists(name):
                raise SqlError(f'database "{database}" already exists', "42P04")
            self._run("CREATE DATABASE {} TEMPLATE {} OWNER {}", name, _TEMPLATE, on_server(warehouse, owner))
            self._comment("DATABASE", name, database)
        with psycopg.connect(**self._postgres.conninfo(name), autocommit=True) as connection:
            connection.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(sql.Identifier(admin)))
            for view in _PRIVILEGED_VIEWS:
                grant = sql.SQL("GRANT SELECT ON pg_catalog.{} TO {} WITH GRANT OPTION")
                connection.execute(grant.format(sql.Identifier(view), sql.Identifier(admin)))

    def drop_database(self, warehouse: str, database: str) -> None:
        """Drop one database of a warehouse; raises SqlError when there is none of that name or somebody uses it."""
        with self._lock:
            if not self._exists(on_server(warehouse, database)):
                raise SqlError(f'database "{database}" does not exist', "3D000")
            try:
                self._run("DROP DATABASE {}", on_server(warehouse, database))
            except psycopg.Error as error:
                raise from_postgres(error) from error

    def drop(self, warehouse: str) -> None:
        """Remove a warehouse with all its databases, users and records; harmless when there is none."""
        with self._lock:
            self._terminate(warehouse)
            for name in self._databases_of(warehouse):
                self._run("DROP DATABASE {} WITH (FORCE)", name)
            for (role,) in self._run("SELECT rolname FROM pg_roles WHERE rolname ~ %s", values=(f"^{prefix(warehouse)}[.@%!]",)):
                self._run("DROP ROLE {}", role)
            self.history.forget(warehouse)
            self.shares.forget(warehouse)
            self._stopped.discard(warehouse)
            self._admins.pop(warehouse, None)

    def copy(self, source: str, target: str) -> None:
        """Make `target` a copy of `source` with its users, rights and rows, as a snapshot or a restore does. `target` must be new.

        Raises SqlError with state 55006 while somebody is signed in to `source`; what was made of `target` by then stays.
        """
        with self._lock:
            self._refuse_while_open(source)
            self._copy_roles(source, target)
            self._admins[target] = self._admins[source]
            self.shares.set_namespace(target, str(uuid.uuid4()))
            self.shares.copied(source, target)
            for name in self._databases_of(source):
                self._copy_database(name, source, target)
            if target.startswith(_SERVERLESS):
                self.set_base_capacity(target, _DEFAULT_BASE_RPU)

    def _refuse_while_open(self, warehouse: str) -> None:
        """PostgreSQL copies only what nobody is connected to."""
        count = sum(session.warehouse == warehouse for session in self._sessions)
        if count:
            raise SqlError(f"the databases of {warehouse} are being accessed by {count} sessions", "55006")

    def _copy_database(self, name: str, source: str, target: str) -> None:
        plain = self._plain_name(name)
        copied = on_server(target, plain)
        try:
            self._run("CREATE DATABASE {} TEMPLATE {}", copied, name)
        except psycopg.Error as error:
            raise from_postgres(error) from error
        self._comment("DATABASE", copied, plain)
        self._hand_over(copied, source, target)

    def stop(self, warehouse: str) -> None:
        """Terminate every session, so running queries die, and refuse new ones until `start`."""
        with self._lock:
            self._stopped.add(warehouse)
        self._terminate(warehouse)

    def start(self, warehouse: str) -> None:
        with self._lock:
            self._stopped.discard(warehouse)

    def active_queries(self, warehouse: str) -> int:
        """How many statements run there now, of all users and databases."""
        return self.history.running(warehouse)

    def activity(self, warehouses: list[str], since: datetime) -> dict[str, Activity]:
        """What each of these warehouses did since then; sessions are counted as they are open now."""
        statements = self.history.since(since)
        sizes = "SELECT split_part(datname, '.', 1), sum(pg_database_size(oid))::float FROM pg_database GROUP BY 1"
        sessions = "SELECT split_part(datname, '.', 1), count(*)::int FROM pg_stat_activity WHERE datname IS NOT NULL GROUP BY 1"
        stored: dict[str, float] = dict(self._run(sizes))
        opened: dict[str, int] = dict(self._run(sessions))
        found = {}
        for warehouse in warehouses:
            mark = prefix(warehouse)
            own = [one for one in statements if one[0] == mark]
            finished = [took for _, _, took, _ in own if took is not None]
            found[warehouse] = Activity(
                busy_seconds=[busy for _, busy, _, _ in own],
                finished_seconds=finished,
                failed=sum(failed for *_, failed in own),
                running=len(own) - len(finished),
                sessions=opened.get(mark, 0),
                stored_mb=stored.get(mark, 0.0) / 1024**2,
            )
        return found

    def make_source(self, database: str, user: str, password: str) -> dict[str, Any]:
        """Make a database that is no warehouse's, with a user who owns it: what a federated schema reads. Where it is reached: host and port.

        Raises SqlError where either is there already.
        """
        with self._lock:
            if self._exists(database):
                raise SqlError(f'database "{database}" already exists', "42P04")
            try:
                self._system.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(user), sql.Literal(password)))
                self._run("CREATE DATABASE {} OWNER {}", database, user)
            except psycopg.Error as error:
                raise from_postgres(error) from error
            self._sources[database] = user
        return {"host": "127.0.0.1", "port": self._postgres.conninfo()["port"]}

    def drop_sources(self) -> None:
        """Remove all such databases and their users."""
        with self._lock:
            for database, user in self._sources.items():
                self._run("DROP DATABASE {} WITH (FORCE)", database)
                self._run("DROP ROLE {}", user)
            self._sources.clear()

    def size_mb(self, warehouse: str) -> float:
        """How much its databases hold, in megabytes of 1,048,576 bytes."""
        query = "SELECT coalesce(sum(pg_database_size(oid)), 0)::float FROM pg_database WHERE starts_with(datname, %s)"
        [(size,)] = self._run(query, values=(prefix(warehouse) + USER,))
        return round(float(size) / 1024**2, 3)

    def databases(self, warehouse: str) -> list[str]:
        """The plain names of a warehouse's databases."""
        return sorted(self._plain_name(name) for name in self._databases_of(warehouse))

    def reset(self) -> None:
        """Remove every warehouse."""
        for warehouse in list(self._admins):
            self.drop(warehouse)

    def close(self) -> None:
        """Close every connection that is open here."""
        for session in list(self._sessions):
            session.close()
        self.history.close()
        self.shares.close()
        self._system.close()

    # Users -----------------------------------------------------------------------------------------------------------

    def admin_user(self, warehouse: str) -> str:
        return self._admins[warehouse]

    def admin_role(self, warehouse: str) -> str:
        """The admin's role on the server, quoted."""
        return '"' + on_server(warehouse, self._admins[warehouse]).replace('"', '""') + '"'

    def user_exists(self, warehouse: str, user: str) -> bool:
        return bool(self._run("SELECT 1 FROM pg_roles WHERE rolname = %s", values=(on_server(warehouse, user),)))

    def ensure_user(self, warehouse: str, user: str) -> None:
        """Make a user that has no password, as the first sign-in of an IAM identity does; harmless when it exists."""
        with self._lock:
            if self.user_exists(warehouse, user):
                return
            role = on_server(warehouse, user)
            self._run("CREATE ROLE {} LOGIN", role)
            self._comment("ROLE", role, user)
            self._run("GRANT {} TO {}", role, on_server(warehouse, self._admins[warehouse]))

    def set_password(self, warehouse: str, user: str, password: str) -> None:
        """Set the password that `check_password` compares with, such as the admin's when a warehouse is made."""
        role = sql.Identifier(on_server(warehouse, user))
        with self._lock:
            self._system.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, sql.Literal(password)))

    def check_password(self, warehouse: str, user: str, password: str) -> bool:
        """Whether that is the user's password; never when the user is unknown or has none."""
        found = self._run("SELECT rolpassword FROM pg_authid WHERE rolname = %s", values=(on_server(warehouse, user),))
        return bool(found) and password_hashes.matches(found[0][0] or "", password)

    # Sessions --------------------------------------------------------------------------------------------------------

    def session(self, warehouse: str, database: str, user: str, files: Files | None = None) -> Session:
        """Sign in. `IAM:` and `IAMR:` users are made on first use. Raises SqlError as Redshift refuses a connection."""
        with self._lock:
            if warehouse in self._stopped:
                raise SqlError("FATAL: the warehouse is stopped and accepts no connections", "57P03")
            if warehouse not in self._admins or not self._exists(on_server(warehouse, database)):
                raise SqlError(f'FATAL: database "{database}" does not exist', "3D000")
            if user.startswith(("IAM:", "IAMR:")):
                self.ensure_user(warehouse, user)
            if not self.user_exists(warehouse, user):
                raise SqlError(f'FATAL: user "{user}" does not exist', "28000")
        try:
            info = self._postgres.conninfo(on_server(warehouse, database), on_server(warehouse, user))
            connection = psycopg.connect(**info, autocommit=True, application_name="redshift")
            session = Session(self, warehouse, database, user, connection, plan, files)
        except psycopg.Error as error:
            raise from_postgres(error) from error
        with self._lock:
            self._sessions.add(session)
            stopped = warehouse in self._stopped
        if stopped:
            session.close()
            raise SqlError("FATAL: the warehouse is stopped and accepts no connections", "57P03")
        return session

    def forget(self, session: Session) -> None:
        with self._lock:
            self._sessions.discard(session)

    @contextlib.contextmanager
    def vacuum(self, warehouse: str) -> Iterator[None]:
        """The one VACUUM that a warehouse may run at a time."""
        with self._lock:
            if warehouse in self._vacuuming:
                raise SqlError("VACUUM cannot run: another VACUUM is already running", "55006")
            self._vacuuming.add(warehouse)
        try:
            yield
        finally:
            with self._lock:
                self._vacuuming.discard(warehouse)

    # The server ------------------------------------------------------------------------------------------------------

    def _exists(self, database: str) -> bool:
        return bool(self._run("SELECT 1 FROM pg_database WHERE datname = %s", values=(database,)))

    def _databases_of(self, warehouse: str) -> list[str]:
        found = self._run("SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY 1", values=(prefix(warehouse) + USER,))
        return [name for (name,) in found]

    def _plain_name(self, database: str) -> str:
        [(name,)] = self._run("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", values=(database,))
        return str(name)

    def _comment(self, kind: LiteralString, name: str, plain: str) -> None:
        with self._lock:
            self._system.execute(sql.SQL("COMMENT ON {} {} IS {}").format(sql.SQL(kind), sql.Identifier(name), sql.Literal(plain)))

    def _terminate(self, warehouse: str) -> None:
        query = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE starts_with(datname, %s)"
        self._run(query, values=(prefix(warehouse) + USER,))
        with self._lock:
            self._sessions = {session for session in self._sessions if session.warehouse != warehouse}

    def _copy_roles(self, source: str, target: str) -> None:
        old = self._run(
            "SELECT oid, rolname, rolcanlogin, rolcreatedb, rolconnlimit, rolvaliduntil, rolpassword, shobj_description(oid, 'pg_authid') "
            "FROM pg_authid WHERE rolname ~ %s",
            values=(f"^{prefix(source)}[.@%!]",),
        )
        new = {row[0]: prefix(target) + row[1][len(prefix(source)) :] for row in old}
        for oid, _, login, createdb, limit, until, password, plain in old:
            options = f"{'LOGIN' if login else 'NOLOGIN'} {'CREATEDB' if createdb else 'NOCREATEDB'} CONNECTION LIMIT {limit}"
            secret = sql.SQL("PASSWORD {}").format(sql.Literal(password))
            valid = sql.SQL("VALID UNTIL {}").format(sql.Literal(str(until))) if until else sql.SQL("")
            self._system.execute(sql.SQL("CREATE ROLE {} {} {} {}").format(sql.Identifier(new[oid]), sql.SQL(options), secret, valid))
            if plain is not None:
                self._comment("ROLE", new[oid], plain)
        members = "SELECT roleid, member, admin_option, inherit_option FROM pg_auth_members WHERE roleid = ANY(%s)"
        for role, member, admin, inherit in self._run(members, values=(list(new),)):
            if member not in new:  # another warehouse, which reads a datashare of the source
                continue
            grant = sql.SQL("GRANT {} TO {} WITH ADMIN {}, INHERIT {}")
            self._system.execute(
                grant.format(sql.Identifier(new[role]), sql.Identifier(new[member]), sql.Literal(admin), sql.Literal(inherit))
            )

    def _hand_over(self, database: str, source: str, target: str) -> None:
        """Put the target's roles in the place of the source's, as owners and in every access list of a copied database."""
        with psycopg.connect(**self._postgres.conninfo(database)) as connection:
            connection.execute(
                "CREATE TEMP TABLE swap AS SELECT o.oid AS old, n.oid AS new FROM pg_roles o JOIN pg_roles n "
                "ON n.rolname = %s || substr(o.rolname, 8) WHERE o.rolname ~ %s",
                (prefix(target), f"^{prefix(source)}[.@%!]"),
            )
            for catalog, owner, access in _OWNED:
                if owner:
                    connection.execute(f"UPDATE {catalog} c SET {owner} = s.new FROM swap s WHERE c.{owner} = s.old".encode())  # noqa: S608 - names are quoted, values are bound
                if access:
                    renamed = f"replace({access}::text, '{prefix(source)}', '{prefix(target)}')::aclitem[]"
                    connection.execute(f"UPDATE {catalog} SET {access} = {renamed} WHERE {access}::text LIKE '%{prefix(source)}%'".encode())  # noqa: S608 - names are quoted, values are bound
            connection.execute(
                "UPDATE pg_shdepend d SET refobjid = s.new FROM swap s WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = s.old "
                "AND (d.dbid = (SELECT oid FROM pg_database WHERE datname = physical_database()) "
                "OR d.classid = 'pg_database'::regclass AND d.objid = (SELECT oid FROM pg_database WHERE datname = physical_database()))"
            )


_OWNED = (
    ("pg_class", "relowner", "relacl"),
    ("pg_namespace", "nspowner", "nspacl"),
    ("pg_proc", "proowner", "proacl"),
    ("pg_type", "typowner", "typacl"),
    ("pg_default_acl", "defaclrole", "defaclacl"),
    ("pg_attribute", "", "attacl"),
)
