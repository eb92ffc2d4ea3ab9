"""A sandbox as a child process: what tests and the demo start, talk to and stop."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from sandbox import deploy as deployment
from sandbox.clients import OBSERVER, ROOT, client
from sandbox.kernel import REGION

_REPOSITORY = Path(__file__).resolve().parent.parent
_START_SECONDS = 180.0
_STOP_SECONDS = 30.0


class SandboxError(Exception):
    """The sandbox did not start, did not stop, or its desk refused a request; the message says why."""


def free_port() -> int:
    """A port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Sandbox:
    """`with Sandbox() as sandbox:` runs one on a free port; several run side by side."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        self._observers: dict[str, Any] = {}
        self.port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.stop()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, port: int | None = None) -> None:
        """Start and wait until it answers. Raises SandboxError with the end of its output when it does not."""
        self.port = port or free_port()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process does
        # It ends when its standard input closes, so it does not outlive this process however this process ends.
        command = [sys.executable, "-m", "sandbox", "up", "--port", str(self.port), "--no-deploy", "--until-stdin-closes"]
        self._process = subprocess.Popen(
            command,
            cwd=_REPOSITORY,
            env={**os.environ, **self._environment},
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._wait_until_up()

    def _wait_until_up(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise SandboxError(f"the sandbox ended with exit code {self._process.returncode}:\n{self.log()}")
            if self._answers():
                return
            time.sleep(0.05)
        log = self.log()
        self.stop()
        raise SandboxError(f"the sandbox did not answer within {_START_SECONDS:.0f} s:\n{log}")

    def _answers(self) -> bool:
        try:
            # Another sandbox may listen on the same port while ours is about to say that the port is in use.
            return bool(self.desk("GET", "health")["pid"] == self.pid)
        except OSError:
            return False

    def stop(self) -> None:
        """End it and wait until it is gone; kills it, and says so, when it does not end in time."""
        if self._process is None:
            return
        process, self._process = self._process, None
        assert process.stdin is not None
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise SandboxError(f"the sandbox did not stop within {_STOP_SECONDS:.0f} s and was killed:\n{self.log()}") from None
        finally:
            process.stdin.close()
            if self._log is not None:
                self._log.close()

    @property
    def pid(self) -> int:
        assert self._process is not None, "the sandbox is not running"
        return self._process.pid

    def log(self, last_bytes: int = 20_000) -> str:
        """The end of what the sandbox printed."""
        assert self._log is not None
        size = os.fstat(self._log.fileno()).st_size
        start = max(0, size - last_bytes)
        # Reading at a position leaves the one alone at which the process writes on.
        return os.pread(self._log.fileno(), size - start, start).decode(errors="replace")

    def client(self, service: str, *, credentials: Mapping[str, str] | None = None, region: str = REGION) -> Any:
        """A boto3 client for this sandbox: as its root, or with the credentials of STS's AssumeRole."""
        return client(self.endpoint, service, credentials=credentials or ROOT, region=region)

    def observe(self, service: str) -> Any:
        """The client of somebody who only watches: no injected fault hits it, and its calls are not counted."""
        if service not in self._observers:
            self._observers[service] = client(self.endpoint, service, user_agent=OBSERVER)
        return self._observers[service]

    def desk(self, method: str, name: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One request to the test desk, such as `desk("POST", "clock", {"scale": 600})`."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.endpoint}/_sandbox/{name}", data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                answer: dict[str, Any] = json.load(response)
        except urllib.error.HTTPError as error:
            raise SandboxError(f"{method} /_sandbox/{name} answered {error.code}: {error.read().decode()}") from error
        return answer

    def deploy(self, parameters: Mapping[str, str] | None = None, **options: Any) -> dict[str, str]:
        """Build and deploy the repository's template with the real SAM CLI; answers the stack's outputs."""
        return deployment.deploy(self.endpoint, parameters=parameters, **options)

    def outputs(self, stack: str = deployment.STACK) -> dict[str, str]:
        return deployment.outputs(self.endpoint, stack)
