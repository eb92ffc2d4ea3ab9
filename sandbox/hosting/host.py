"""The sandbox process: ministack and the Redshift services on one port of 127.0.0.1, with all their state in one private folder.

ministack reads its settings from the environment when it is imported, so this module sets the environment first and
imports ministack (and everything of ours that touches it) afterwards, inside functions.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import os
import shutil
import signal
import socket
import tempfile
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.kernel import REGION, Clock, Faults, Hints
from sandbox.world import Caller, World

if TYPE_CHECKING:
    from sandbox.billing.meter import Meter
    from sandbox.desk import Desk

ADDRESS = "127.0.0.1"
DEFAULT_PORT = 4566
FOLDER_PREFIX = "redshift-sandbox-"

_XML_NAMESPACE = "http://redshift.amazonaws.com/doc/2012-12-01/"
_SERVICES: dict[str, dict[str, Any]] = {
    "redshift": {"pattern": {}, "sdk_name": "redshift", "sdk": {"protocol": "query"}},
    "redshift-data": {
        "pattern": {"target_prefixes": ["RedshiftData."]},
        "sdk_name": "redshiftdata",
        "sdk": {"protocol": "json", "target_prefix": "RedshiftData", "service_key": "redshift-data"},
    },
    "redshift-serverless": {
        "pattern": {"target_prefixes": ["RedshiftServerless."]},
        "sdk_name": "redshiftserverless",
        "sdk": {
            "protocol": "json",
            "target_prefix": "RedshiftServerless",
            "service_key": "redshift-serverless",
            "param_case": "lower-camel",
        },
    },
    "ce": {
        "pattern": {"target_prefixes": ["AWSInsightsIndexService."]},
        "sdk_name": "costexplorer",
        "sdk": {"protocol": "json", "target_prefix": "AWSInsightsIndexService", "service_key": "ce"},
    },
    "pricing": {
        "pattern": {"target_prefixes": ["AWSPriceListService."]},
        "sdk_name": "pricing",
        "sdk": {"protocol": "json", "target_prefix": "AWSPriceListService", "service_key": "pricing"},
    },
}
# What a child process of the sandbox may see of this machine; everything else in the environment is dropped.
_KEPT_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "HOME", "USER", "LOGNAME", "TERM", "SYSTEMROOT", "PYTHONPATH", "VIRTUAL_ENV")
_REQUEST_THREADS = 128
_STOP_SECONDS = 8.0


class PortInUseError(Exception):
    """Something else listens on the port already; the message names it."""


def private_folder() -> Path:
    """A new folder for one sandbox. Folders left by sandboxes that were killed are removed first."""
    base = Path(tempfile.gettempdir())
    for folder in base.glob(f"{FOLDER_PREFIX}*"):
        owner = folder.name.removeprefix(FOLDER_PREFIX).partition("-")[0]
        if owner.isdigit() and not _alive(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER_PREFIX}{os.getpid()}-", dir=base))
    folder.chmod(0o755)  # PostgreSQL drops root's privileges and must still reach its data below this folder
    return folder


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def set_environment(port: int, folder: Path) -> None:
    """Replace this process's environment by what the sandbox needs: settings of ministack, and nothing of this machine's AWS."""
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    scratch = folder / "tmp"
    scratch.mkdir(mode=0o777, exist_ok=True)
    overridable = {
        "SFN_WAIT_SCALE": "0.1",
        "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.2",
        "LOG_LEVEL": "WARNING",
    }
    settings = {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": ADDRESS,
        "MINISTACK_REGION": REGION,
        "AUTH": "true",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LAMBDA_EXECUTOR": "local",
        "TMPDIR": str(scratch),
        "S3_DATA_DIR": str(folder / "s3"),
        "STATE_DIR": str(folder / "state"),
        # A socket that does not exist: ministack then never looks for Docker.
        "DOCKER_HOST": f"unix://{folder}/no-docker.sock",
        # The sandbox's own boto3 clients must not read this machine's profiles or ask for an instance role.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    chosen = {name: os.environ.get(name, default) for name, default in overridable.items()}
    os.environ.clear()
    os.environ.update(kept | chosen | settings)
    tempfile.tempdir = str(scratch)


class Host:
    """One sandbox: builds the world, serves it, and takes it down again."""

    def __init__(self, port: int, folder: Path, when_down: Callable[[], None]) -> None:
        self.port, self.folder = port, folder
        self.endpoint = f"http://{ADDRESS}:{port}"
        self.exit_code = 0
        self._when_down = when_down
        self._meter: Meter | None = None
        self._desk: Desk | None = None
        self._postgres: Any = None
        self._requests = ThreadPoolExecutor(_REQUEST_THREADS, thread_name_prefix="sandbox-request")
        self._stopping = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def stop(self, code: int = 0) -> None:
        """Ask the sandbox to end, with this exit code; safe from any thread."""
        self.exit_code = code
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)

    @property
    def asked_to_stop(self) -> bool:
        return self._stopping.is_set()

    def run(self, when_up: Callable[[Host], None]) -> None:
        """Serve until `stop`, SIGTERM or Ctrl-C. `when_up` runs on a thread of its own once requests are answered.

        Raises PortInUseError before anything is started.
        """
        listener = _listener(self.port)
        try:
            asyncio.new_event_loop().run_until_complete(self._serve(listener, when_up))
        finally:
            self._take_down()

    async def _serve(self, listener: socket.socket, when_up: Callable[[Host], None]) -> None:
        from hypercorn.asyncio import serve
        from hypercorn.config import Config

        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._stopping.set)
        await asyncio.to_thread(self._build)
        config = Config()
        config.bind = [f"fd://{listener.detach()}"]  # hypercorn owns it from here and closes it
        config.keep_alive_timeout = 75
        config.graceful_timeout = 1.0
        config.loglevel = os.environ["LOG_LEVEL"]
        threading.Thread(target=when_up, args=(self,), name="sandbox-when-up", daemon=True).start()
        await serve(self._application, config, shutdown_trigger=self._stopping.wait)

    def _build(self) -> None:
        """Fill the world with its parts and hang them into ministack."""
        from sandbox.billing.cost_explorer import CostExplorer
        from sandbox.billing.meter import Meter
        from sandbox.billing.price_list import PriceList
        from sandbox.desk import Desk
        from sandbox.hosting import (
            alarm_events,
            alarm_math,
            budgets_iam,
            cloudformation,
            cloudwatch_iam,
            distributed_map,
            ec2_tags,
            fidelity,
            gateway,
            kms_aliases,
            lambda_layers,
            lambda_slots,
            metric_retention,
            nested_execution,
            networks,
            rds_integrations,
            redshift_iam,
            scheduling,
            tagging,
        )
        from sandbox.hosting.assumed_roles import AssumedRoles
        from sandbox.hosting.dynamodb_source import DynamoDbSource
        from sandbox.hosting.ports import LocalPorts
        from sandbox.redshift.clusters import Clusters
        from sandbox.redshift.data_api import DataApi
        from sandbox.redshift.outside import WarehouseOutside
        from sandbox.redshift.serverless import Serverless
        from sandbox.redshift.wire import Service
        from sandbox.redshift.zero_etl import ZeroEtl
        from sandbox.sql.databases import Databases
        from sandbox.sql.postgres import Postgres

        self._postgres = Postgres(self.folder / "postgres")
        self._postgres.start()
        databases = Databases(self._postgres)
        world = World(clock=Clock(), faults=Faults(), hints=Hints(), ports=LocalPorts(self.endpoint), databases=databases)
        world.clusters, world.serverless = Clusters(world), Serverless(world)
        world.data_api = DataApi(world, databases)
        world.costs = CostExplorer()
        databases.outside = outside = WarehouseOutside(world, AssumedRoles(self.endpoint), DynamoDbSource(self.endpoint))
        world.zero_etl = ZeroEtl(world, outside)
        fidelity.apply(world)
        lambda_layers.apply()
        lambda_slots.apply()
        nested_execution.apply(world)
        distributed_map.apply()
        networks.apply()
        alarm_math.apply()
        cloudwatch_iam.apply()
        alarm_events.apply(world)
        scheduling.apply()
        tagging.apply(world)
        budgets_iam.apply()
        metric_retention.apply()
        ec2_tags.apply()
        kms_aliases.apply()
        cloudformation.register(self.endpoint)
        rds_integrations.apply(world)
        gateway.wrap_services(world)
        redshift_iam.register(world)
        backends = {
            "redshift": world.clusters,
            "redshift-data": world.data_api,
            "redshift-serverless": world.serverless,
            "ce": world.costs,
            "pricing": PriceList(),
        }
        for name, backend in backends.items():
            self._register(name, Service(name, backend, world))
        self._meter = Meter(world)
        self._meter.start()
        self._desk = Desk(world)

    def _register(self, name: str, service: Any) -> None:
        """Make one of our services reachable by boto3, by `aws-sdk:` integrations and under IAM."""
        from ministack import app
        from ministack.core import iam_actions, router
        from ministack.services import stepfunctions

        known = _SERVICES[name]
        app.SERVICE_HANDLERS[name] = self._handler(name, service)
        router.SERVICE_PATTERNS[name] = {"host_patterns": [rf"^{name}\."], **known["pattern"]}
        stepfunctions._AWS_SDK_SERVICE_MAP[known["sdk_name"]] = known["sdk"]
        iam_actions.SERVICE_TO_IAM_NAMESPACE[name] = name
        if known["sdk"]["protocol"] == "query":
            iam_actions._SERVICE_PROTOCOL[name] = "query-xml"
            iam_actions._QUERY_XML_NS[name] = _XML_NAMESPACE

    def _handler(self, name: str, service: Any) -> Any:
        from ministack.core.iam_evaluator import caller_arn
        from ministack.core.responses import get_account_id, get_region

        from sandbox.hosting import gateway

        async def handle(method: str, path: str, headers: dict[str, str], body: Any, query: dict[str, Any]) -> gateway.Answer:
            raw = body.encode() if isinstance(body, str) else body or b""
            denied = gateway.role_denial(name, method, path, headers, raw, query)
            if denied is not None:
                return denied
            role = gateway.acting_role.get()
            caller = Caller(get_account_id(), get_region(), gateway.session_arn(role) if role else caller_arn())
            context = contextvars.copy_context()
            answer = await asyncio.get_running_loop().run_in_executor(self._requests, context.run, service.handle, headers, raw, caller)
            return answer.status, {"Content-Type": answer.content_type, "x-amzn-requestid": answer.request_id}, answer.body

        return handle

    async def _application(self, scope: Any, receive: Any, send: Any) -> None:
        from ministack import app

        from sandbox.desk import PREFIX

        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await self._answer_desk(scope, receive, send)
        else:
            await app.app(scope, receive, send)

    async def _answer_desk(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        assert self._desk is not None
        status, answer = await asyncio.to_thread(self._desk.answer, scope["method"], scope["path"], body)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(answer, default=str).encode()})

    def _take_down(self) -> None:
        """End every process that was started and remove the folder. One part that fails to end does not keep the others alive."""
        from ministack.core import lambda_runtime
        from ministack.services import lambda_svc

        # Events that are still to be delivered would start new workers while the old ones end.
        lambda_svc.acquire_worker = _no_worker
        meter, postgres = ([part.stop] if part else [] for part in (self._meter, self._postgres))
        for part in (self._when_down, lambda_runtime.reset, *meter, *postgres):
            worker = threading.Thread(target=part, daemon=True)
            worker.start()
            worker.join(_STOP_SECONDS / 2)
        shutil.rmtree(self.folder, ignore_errors=True)


def _no_worker(*_: Any, **__: Any) -> Any:
    raise SystemExit  # ends the thread that asks, without a word


def _listener(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((ADDRESS, port))
    except OSError as error:
        listener.close()
        raise PortInUseError(f"{ADDRESS}:{port} is in use; stop what listens there or choose another port") from error
    return listener


def serve(port: int, when_up: Callable[[Host], None], when_down: Callable[[], None]) -> None:
    """Run one sandbox on the port until it is asked to stop, then leave the process.

    `when_up` runs on a thread of its own once requests are answered, `when_down` before the process is left.

    Raises PortInUseError when the port is taken. Does not return otherwise: threads that wait for a Lambda function or a
    statement would keep the interpreter alive, and there is nothing left that could answer them.
    """
    _listener(port).close()
    folder = private_folder()
    set_environment(port, folder)
    for chatty in ("hypercorn.error", "samtranslator"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    sandbox, code = Host(port, folder, when_down), 1
    try:
        sandbox.run(when_up)
        code = sandbox.exit_code
    except Exception:  # noqa: BLE001 - the process ends here, so nothing above would print it
        # Ctrl-C while it starts ends PostgreSQL's own programs, too: that they failed is then no news.
        if not sandbox.asked_to_stop:
            traceback.print_exc()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        logging.shutdown()
        os._exit(code)
