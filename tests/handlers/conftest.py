"""One account for the handlers: their own clients, answered in memory, with a table and a bucket as the template makes them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import pytest
from moto import mock_aws

from autopilot.aws import clients
from autopilot.runtime import handler
from tests.handlers.account import BUCKET, TABLE, TOPIC, VARIABLES, Aws, Handle, load
from tests.handlers.fakes import REGION


@pytest.fixture(scope="module")
def _account() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        patch.setenv("AWS_REGION", REGION)
        patch.setenv("TABLE_NAME", TABLE)
        patch.setenv("BUCKET_NAME", BUCKET)
        patch.setenv("STACK_NAME", "stack")
        patch.setenv("TOPIC_ARN", TOPIC)
        for name, value in VARIABLES.items():
            patch.setenv(name, value)
        patch.setenv("DEFAULT_PARAMETER_GROUP", "safe")
        clients.client.cache_clear()
        storage = clients.client("s3")
        storage.create_bucket(Bucket=BUCKET)
        storage.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield
        clients.client.cache_clear()


@pytest.fixture
def aws(_account: None) -> Iterator[Aws]:
    """An empty account, with no warehouse and no execution in it."""
    database = clients.client("dynamodb")
    database.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "owner")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_owner",
                "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    account = Aws()
    for wire in account.wires.values():
        wire.connect()
    yield account
    for wire in account.wires.values():
        wire.disconnect()
    database.delete_table(TableName=TABLE)


@pytest.fixture
def handle(request: pytest.FixtureRequest, aws: Aws) -> Handle:  # noqa: ARG001 - a handler needs its account
    """The handler that the test's module is named after, called as Lambda calls it."""
    return load(request.path.stem.removeprefix("test_"))


@pytest.fixture
def run_sql(aws: Aws) -> Handle:  # noqa: ARG001 - a handler needs its account
    """The handler of `run_sql`, for what several workflows end with."""
    return load("run_sql")


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Everything that the handlers have written: log lines and metrics."""
    stream, registered = io.StringIO(), handler.logger.registered_handler
    assert hasattr(registered, "setStream")
    before = registered.setStream(stream)
    yield lambda: stream.getvalue() + capsys.readouterr().out
    registered.setStream(before)
