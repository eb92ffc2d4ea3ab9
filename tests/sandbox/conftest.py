"""One sandbox and one PostgreSQL for all tests that need a running one; each test cleans up behind it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.process import Sandbox
from sandbox.sql.databases import Databases
from sandbox.sql.postgres import Postgres
from tests.sandbox.fakes import FakeOutside
from tests.sandbox.stage import Stage
from tests.sandbox.warehouse import Warehouse


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Iterator[Sandbox]:
    yield running_sandbox
    running_sandbox.desk("DELETE", "faults")
    running_sandbox.desk("POST", "events", {})


@pytest.fixture
def stage(sandbox: Sandbox) -> Stage:
    return Stage(sandbox)


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    with Postgres() as postgres:
        databases = Databases(postgres)
        yield databases
        databases.close()


@pytest.fixture
def warehouse(databases: Databases) -> Iterator[Warehouse]:
    warehouse = Warehouse(databases)
    yield warehouse
    warehouse.remove()


@pytest.fixture
def outside(databases: Databases) -> Iterator[FakeOutside]:
    databases.outside = outside = FakeOutside()
    yield outside
    databases.outside = None


@pytest.fixture
def consumer(databases: Databases) -> Iterator[Warehouse]:
    """A second warehouse, which reads what the first one shares."""
    other = Warehouse(databases)
    yield other
    other.remove()
