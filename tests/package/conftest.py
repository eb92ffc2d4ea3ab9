"""The product as `sam build` makes it, once for the machine that runs the tests and once for AWS."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.package.built import Built, build, copy_runtime_packages


@pytest.fixture(scope="session")
def built_for_aws(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The build that `make deploy` uploads."""
    return build(tmp_path_factory.mktemp("aws"))


@pytest.fixture(scope="session")
def built_for_host(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The build that the local AWS runs."""
    return build(tmp_path_factory.mktemp("host"), LAYER_TARGET="host")


@pytest.fixture(scope="session")
def runtime_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with boto3 and what it needs, and nothing else: what the Lambda runtime brings along."""
    return copy_runtime_packages(tmp_path_factory.mktemp("runtime"), "boto3")
