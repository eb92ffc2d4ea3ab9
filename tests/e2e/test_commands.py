"""The two commands for people, as they run them: the demo, and the sandbox in the foreground."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.process import free_port

ROOT = Path(__file__).parents[2]
_READY_SECONDS = 120
_STOP_SECONDS = 10


def test_demo_holds_at_every_step() -> None:
    done = subprocess.run([sys.executable, "-m", "sandbox.demo"], cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every step held" in done.stdout


@contextmanager
def _foreground(port: int) -> Iterator[subprocess.Popen[str]]:
    """`make sandbox` without the make: in a session of its own, so that what it leaves behind can be found."""
    command = [sys.executable, "-m", "sandbox", "up", "--deploy", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _read_until_ready(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    lines, deadline = [], time.monotonic() + _READY_SECONDS
    for line in process.stdout:
        lines.append(line)
        if line.strip() == "ready":
            return "".join(lines)
        assert time.monotonic() < deadline, "".join(lines)
    raise AssertionError("it ended before it was ready:\n" + "".join(lines))


def _alive_in_session(session: int) -> list[str]:
    """Command lines of the processes of a session: Lambda workers and PostgreSQL are children of the sandbox."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] != "Z":
                found.append((stat.parent / "cmdline").read_text().replace("\0", " "))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_two_sandboxes_run_side_by_side_and_leave_nothing_behind() -> None:
    ports = [free_port(), free_port()]
    with _foreground(ports[0]) as first, _foreground(ports[1]) as second:
        for process, port in ((first, ports[0]), (second, ports[1])):
            said = _read_until_ready(process)
            assert f"http://127.0.0.1:{port}" in said
            assert "AWS_ENDPOINT_URL" in said
            assert "PauseWarehouseArn" in said
        for process, port, ask in ((first, ports[0], signal.SIGTERM), (second, ports[1], signal.SIGINT)):
            asked = time.monotonic()
            process.send_signal(ask)
            process.wait(_STOP_SECONDS)
            assert time.monotonic() - asked < _STOP_SECONDS
            assert not _listens(port)
            assert _alive_in_session(process.pid) == []
