"""The account that a handler's test works in: what it prepares, what it asks afterwards, and the handlers as Lambda loads them."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import BotoCoreError

from autopilot.aws import callbacks, clients
from tests.handlers.fakes import ACCOUNT, REGION, Budgets, Clusters, CostExplorer, DataApi, Executions, Serverless, Tags
from tests.handlers.fakes_costs import Metrics, PriceList
from tests.handlers.fleet_fakes import Bus, Scheduler
from tests.handlers.wiring import Call, Fake, Refusal, Wire

ROOT = Path(__file__).resolve().parents[2]
SERVICES = (
    "redshift",
    "redshift-serverless",
    "redshift-data",
    "stepfunctions",
    "dynamodb",
    "s3",
    "budgets",
    "ce",
    "ec2",
    "iam",
    "kms",
    "pricing",
    "cloudwatch",
    "resourcegroupstaggingapi",
    "scheduler",
    "events",
    "secretsmanager",
)
TABLE, BUCKET = "autopilot-table", "autopilot-bucket"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:autopilot-notifications"
_MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:redshift-autopilot-"
#: What the template tells `schedule`.
VARIABLES = {
    "BUS_NAME": "redshift-autopilot",
    "SCHEDULE_GROUP": "redshift-autopilot",
    "SCHEDULER_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/scheduler",
    "DEAD_LETTERS_ARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead-letters",
    "RUN_SCHEDULE_ARN": f"{_MACHINE}run-schedule",
    "PAUSE_WAREHOUSE_ARN": f"{_MACHINE}pause-warehouse",
    "RESUME_WAREHOUSE_ARN": f"{_MACHINE}resume-warehouse",
}
Handle = Callable[[dict[str, Any]], dict[str, Any]]


def execution(workflow: str = "pause-warehouse", name: str = "sample") -> str:
    return f"arn:aws:states:{REGION}:{ACCOUNT}:execution:redshift-autopilot-{workflow}:{name}"


def reference(name: str = "analytics", kind: str = "cluster") -> dict[str, str]:
    return {"kind": kind, "name": name, "region": REGION, "account": ACCOUNT}


def key_of(name: str = "analytics", kind: str = "cluster") -> str:
    return f"{kind}#{REGION}#{name}"


def sample(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((ROOT / "events" / "handlers" / f"{name}.json").read_text())
    return event


@dataclass(repr=False)
class Aws:
    """The account that a test prepares and asks what was done to it."""

    clusters: Clusters = field(default_factory=Clusters)
    serverless: Serverless = field(default_factory=Serverless)
    data: DataApi = field(default_factory=DataApi)
    executions: Executions = field(default_factory=Executions)
    budgets: Budgets = field(default_factory=Budgets)
    costs: CostExplorer = field(default_factory=CostExplorer)
    prices: PriceList = field(default_factory=PriceList)
    metrics: Metrics = field(default_factory=Metrics)
    scheduler: Scheduler = field(default_factory=Scheduler)
    bus: Bus = field(default_factory=Bus)
    journal: list[Call] = field(default_factory=list)
    wires: dict[str, Wire] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tagging = Tags(self.clusters, self.serverless)
        reckoning = (self.budgets, self.costs, self.prices, self.metrics)
        known = (self.clusters, self.serverless, self.data, self.executions, self.tagging, self.scheduler, self.bus, *reckoning)
        fakes: dict[str, Fake] = {fake.service: fake for fake in known}
        self.wires = {name: Wire(clients.client(name), name, self.journal, fakes.get(name)) for name in SERVICES}

    def fail(self, service: str, operation: str, error: Refusal | BotoCoreError, times: int = 1) -> None:
        """Have the next calls of an operation fail."""
        self.wires[service].failures[operation] = [error] * times

    def calls(self, operation: str) -> list[dict[str, Any]]:
        """The arguments of every call of an operation, in order."""
        return [call.arguments for call in self.journal if call.operation == operation]

    @property
    def order(self) -> list[str]:
        """The operations called, in order."""
        return [call.operation for call in self.journal]

    def start(self, *arns: str) -> None:
        """Executions that run."""
        self.executions.status |= dict.fromkeys(arns, "RUNNING")

    def answer_to(self, token: str) -> dict[str, Any] | None:
        """What the task of that token was told, or None while it waits."""
        return self.executions.answers.get(token)

    def put(self, item: dict[str, str]) -> None:
        clients.client("dynamodb").put_item(TableName=TABLE, Item={key: {"S": value} for key, value in item.items()})

    def take_lock(self, owner: str, name: str = "analytics") -> None:
        """A lock, as the workflows write it."""
        self.put(
            {"pk": f"LOCK#{key_of(name)}", "sk": "LOCK", "owner": owner, "purpose": "pause", "taken_at": datetime.now(UTC).isoformat()}
        )

    def items(self) -> list[dict[str, str]]:
        found = clients.client("dynamodb").scan(TableName=TABLE)["Items"]
        return [{key: next(iter(value.values())) for key, value in item.items()} for item in found]

    def waiting(self) -> list[str]:
        """The tokens of the stored callbacks."""
        return sorted(item["token"] for item in self.items() if "token" in item)

    def lock_owner(self, name: str = "analytics") -> str | None:
        return next((item["owner"] for item in self.items() if item["pk"] == f"LOCK#{key_of(name)}"), None)

    def wait_for(self, goal: str, token: str, **more: Any) -> None:
        """A callback, as `wait` stores it."""
        given = {"name": "analytics", "kind": "cluster", "region": REGION, "execution": execution(), **more}
        callbacks.store(callbacks.Callback(goal=goal, token=token, **given))  # type: ignore[arg-type]

    def write(self, key: str, text: str | bytes) -> str | None:
        """A file in the Autopilot bucket; its version."""
        answer = clients.client("s3").put_object(Bucket=BUCKET, Key=key, Body=text)
        return str(answer["VersionId"])

    def read(self, uri: str) -> list[Any]:
        """The JSON lines of a result."""
        body = clients.client("s3").get_object(Bucket=BUCKET, Key=uri.removeprefix(f"s3://{BUCKET}/"))["Body"].read()
        return [json.loads(line) for line in body.splitlines()]


def load(name: str) -> Handle:
    """A function's handler, from its folder as on Lambda."""
    spec = importlib.util.spec_from_file_location(f"app_{name}", ROOT / "functions" / name / "app.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    context = SimpleNamespace(aws_request_id="request-1", function_name=name)

    def call(event: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = module.handle(json.loads(json.dumps(event)), context)
        return answer

    return call
