"""What is measured: our handlers as built, and what one could write by hand instead, all with the same surroundings."""

from __future__ import annotations

import compileall
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.lambda_runtime import Program
from tests.package.built import ROOT, Built, copy_runtime_packages

WITH = Path(__file__).parent / "handwritten"
_EXECUTION = "arn:aws:states:us-east-1:000000000000:execution:redshift-autopilot-run-sql:sample"
_CLUSTER = {"kind": "cluster", "name": "analytics", "region": "us-east-1", "account": "000000000000"}
#: A whole `run` of run_sql: submit, store the callback, see that the execution runs, look.
RUN_STATEMENT = {
    "step": "run",
    "execution": _EXECUTION,
    "token": "sample-task-token",
    "attempt": 0,
    "last_attempt": 720,
    "unit": 0,
    "target": {"kind": "cluster", "name": "analytics", "database": "dev", "method": "temporary credentials", "db_user": "awsuser"},
    "input": {"warehouse": "analytics", "sql": "SELECT 1"},
}


class Programs:
    """Makes programs of one build, that call one endpoint."""

    def __init__(self, built: Built, folder: Path, endpoint: str, authorities: Path) -> None:
        self._built, self._folder = built, folder
        self._runtime = copy_runtime_packages(folder / "runtime", "boto3", "awslambdaric")
        # The runtime's packages are compiled on Lambda too; what is ours is as the build made it.
        compileall.compile_dir(self._runtime, quiet=2)
        self._environment = {
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_LAMBDA_FUNCTION_NAME": "measured",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_CA_BUNDLE": str(authorities),
            "TABLE_NAME": "autopilot",
            "BUCKET_NAME": "autopilot",
            "POWERTOOLS_SERVICE_NAME": "redshift-autopilot",
            "POWERTOOLS_LOG_LEVEL": "INFO",
            "LANG": "C.UTF-8",
        }

    def ours(self, function: str, event: Any = None) -> Program:
        """A function of the product with its layers; its sample event unless another is given."""
        logical_id = function.title().replace("_", "") + "Function"
        given = event or json.loads((ROOT / "events" / "handlers" / f"{function}.json").read_text())
        layers = [self._built.folder / layer["Ref"] / "python" for layer in self._built.functions[logical_id]["Layers"]]
        return Program([self._built.function(logical_id), *layers, self._runtime], given, self._environment)

    def by_hand(self, name: str) -> Program:
        """A handler of `tests/bench/handwritten`, without any layer."""
        return Program([WITH / name, self._runtime], {}, self._environment)


@contextmanager
def stub(folder: Path) -> Iterator[str]:
    """A local AWS endpoint in a process of its own; its address. `ca.pem` in the folder vouches for it."""
    command = [sys.executable, "-m", "tests.bench.aws_stub", str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin
    assert process.stdout
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(10)
