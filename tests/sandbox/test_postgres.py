"""The PostgreSQL server of the sandbox starts, stops, and never outlives its owner."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from sandbox.sql.postgres import Postgres, PostgresError
from tests.sandbox.warehouse import soon


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_stop_leaves_no_process_and_no_file() -> None:
    postgres = Postgres().start()
    guard = postgres.pid
    servers = _children(guard)
    postgres.stop()
    assert servers
    assert not any(_alive(pid) for pid in (guard, *servers))
    assert not postgres.data.exists()
    assert not postgres.socket_dir.exists()


def test_stop_ends_sessions_that_are_open() -> None:
    with Postgres() as postgres:
        connection = psycopg.connect(**postgres.conninfo(), autocommit=True)
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")


def test_two_servers_run_side_by_side() -> None:
    with Postgres() as one, Postgres() as other:
        assert one.port != other.port
        for postgres in (one, other):
            with psycopg.connect(**postgres.conninfo()) as connection:
                assert connection.execute("SELECT inet_server_port(), 1").fetchone() == (None, 1)


def test_tcp_asks_for_a_password() -> None:
    with Postgres() as postgres, pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(**postgres.conninfo() | {"host": "127.0.0.1"})


@pytest.mark.parametrize("victim", ["owner", "guard"])
def test_a_killed_owner_or_guard_takes_the_server_with_it(victim: str) -> None:
    program = "from sandbox.sql.postgres import Postgres; p = Postgres().start(); print(p.pid, p.socket_dir, flush=True); input()"
    owner = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    guard_text, folder = owner.stdout.readline().split()
    guard = int(guard_text)
    servers = _children(guard)
    os.kill(owner.pid if victim == "owner" else guard, signal.SIGKILL)
    soon(lambda: not any(_alive(pid) for pid in servers))
    if victim == "owner":
        soon(lambda: not Path(folder).exists())
    owner.kill()
    owner.wait()
    if victim == "guard":
        shutil.rmtree(folder)
    assert servers


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's private folders are out of the server's reach")
def test_a_data_folder_out_of_reach_is_a_clear_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    postgres = Postgres(tmp_path / "data")
    with pytest.raises(PostgresError, match="Permission denied"):
        postgres.start()
    assert not postgres.socket_dir.exists()


def test_a_failing_statement_leaves_no_password_in_the_log() -> None:
    with Postgres() as postgres, psycopg.connect(**postgres.conninfo(), autocommit=True) as connection:
        with pytest.raises(psycopg.Error):
            connection.execute("CREATE ROLE postgres_x PASSWORD 'Hidden-Word-1' NONSENSE")
        assert "Hidden-Word-1" not in (postgres.socket_dir / "server.log").read_text()
