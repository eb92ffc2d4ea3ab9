"""Handlers as Lambda runs them: AWS's own runtime client in a fresh process, served events by a small Runtime API.

Source: Lambda guide, "Using the Lambda runtime API for custom runtimes".
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_PREFIX = "/2018-06-01/runtime/"
_ANSWER_SECONDS = 60.0


class HandlerFailedError(Exception):
    """A handler answered with an error, or not at all; the message carries it and what the process printed."""


@dataclass(frozen=True)
class Program:
    """A handler to run: where its code lies, in the order in which Lambda searches, what it is given, and its environment."""

    places: Sequence[Path]
    event: Any
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Run:
    """One process. Times in milliseconds: until the first answer, of each later answer, and of processor time in all."""

    answer: Any
    first_ms: float
    later_ms: list[float]
    processor_ms: float
    log: str


class Server(ThreadingHTTPServer):
    """A server on a free port of this machine, that takes no offence at callers that are ended."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class RuntimeApi:
    """The Runtime API for one process at a time."""

    def __init__(self) -> None:
        self._renew()
        api = self

        class Answering(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                body = api._events.get()
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
                self.send_header("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1000) + 60_000))
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:measured")
                self.send_header("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    self.close_connection = True  # the process was ended while it waited for more

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                api._answers.put((time.perf_counter(), self.path.removeprefix(_PREFIX), body))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                pass

        self._server = Server(("127.0.0.1", 0), Answering)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()

    def run(self, program: Program, invocations: int = 1, options: Sequence[str] = ()) -> Run:
        """Start a fresh process, invoke its handler so many times, and end it. Raises HandlerFailedError.

        `options` are the interpreter's, such as `-X importtime`.
        """
        event = json.dumps(program.event).encode()
        environment = {
            **program.environment,
            "AWS_LAMBDA_RUNTIME_API": self.address,
            "PYTHONPATH": os.pathsep.join(map(str, program.places)),
        }
        # Without the packages of this environment, and without writing byte code: what lies in a function or layer is read-only.
        command = [os.path.realpath(sys.executable), "-S", "-s", "-B", *options, "-m", "awslambdaric", "app.handle"]
        self._events.put(event)
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=program.places[0], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        # What it prints is read while it runs, so that it never waits for a full pipe.
        printed: list[str] = []
        reader = threading.Thread(target=lambda: printed.append(process.stdout.read() if process.stdout else ""), daemon=True)
        reader.start()
        try:
            first_ms, answer = self._answer(started, process, printed)
            later_ms = []
            for _ in range(invocations - 1):
                began = time.perf_counter()
                self._events.put(event)
                later_ms.append(self._answer(began, process, printed)[0])
        finally:
            process.kill()
            _, _, used = os.wait4(process.pid, 0)
            process.returncode = -9
            reader.join()
            self._events.put(b"")  # whoever still serves the ended process lets go
            self._renew()
        return Run(answer, first_ms, later_ms, (used.ru_utime + used.ru_stime) * 1000, "".join(printed))

    def _answer(self, since: float, process: subprocess.Popen[str], printed: list[str]) -> tuple[float, Any]:
        deadline = time.perf_counter() + _ANSWER_SECONDS
        while True:
            try:
                arrived, path, body = self._answers.get(timeout=0.5)
            except queue.Empty:
                ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if ended is not None or time.perf_counter() > deadline:
                    raise HandlerFailedError(f"no answer: {''.join(printed)}") from None
                continue
            if not path.endswith("/response"):
                raise HandlerFailedError(f"{path}: {body.decode()}")
            return (arrived - since) * 1000, json.loads(body)

    def _renew(self) -> None:
        """New queues: what an ended process left must not reach the next one."""
        self._events: queue.Queue[bytes] = queue.Queue()
        self._answers: queue.Queue[tuple[float, str, bytes]] = queue.Queue()
