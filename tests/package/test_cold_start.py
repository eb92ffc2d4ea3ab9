"""Handlers start as Lambda starts them, with AWS's own runtime client, and load nothing that their first answer does not need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bench.cold_start import imported
from tests.bench.lambda_runtime import HandlerFailedError, RuntimeApi
from tests.bench.programs import RUN_STATEMENT, Programs, stub
from tests.package.built import Built

#: boto3's wrapping of botocore, and what parses, reckons or draws: each takes longer to import than a handler takes to answer.
HEAVY = {"boto3", "s3transfer", "multiprocessing", "sqlglot", "yaml", "pydantic", "holidays", "jinja2", "pygal"}


@pytest.fixture(scope="module")
def programs(built_for_host: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programs]:
    folder = tmp_path_factory.mktemp("cold")
    with stub(folder) as endpoint:
        yield Programs(built_for_host, folder, endpoint, folder / "ca.pem")


@pytest.fixture
def api() -> Iterator[RuntimeApi]:
    api = RuntimeApi()
    yield api
    api.close()


@pytest.mark.parametrize(
    ("function", "event", "answer"),
    [
        ("pause", None, {"action": "pause", "reason": "analytics is available"}),
        ("wait", None, {"outcome": "waiting", "goal": "paused"}),
        ("run_sql", None, {"action": "run", "signed_in_as": "temporary credentials for awsuser"}),
        ("run_sql", RUN_STATEMENT, {"outcome": "waiting", "statement_id": "d9b6c0c9-0747-4bf4-b142-e8883122f766"}),
    ],
)
def test_first_answer_comes_without_loading_what_is_heavy(
    programs: Programs, api: RuntimeApi, function: str, event: dict[str, object] | None, answer: dict[str, str]
) -> None:
    run = api.run(programs.ours(function, event), options=("-X", "importtime"))
    assert {key: run.answer[key] for key in answer} == answer
    packages = {module.partition(".")[0] for _, module in imported(run.log)}
    assert {"botocore", "msgspec", "aws_lambda_powertools"} <= packages
    assert packages & HEAVY == set()


def test_layers_modules_are_loaded_from_their_byte_code(programs: Programs, api: RuntimeApi) -> None:
    log = api.run(programs.ours("wait"), options=("-v",)).log
    compiled = [line for line in log.splitlines() if line.startswith("# code object from") and "/CommonLayer/" in line]
    assert [line for line in compiled if ".pyc'" not in line] == []
    assert any("autopilot" in line for line in compiled)


def test_error_of_a_handler_is_told_with_its_name(programs: Programs, api: RuntimeApi) -> None:
    with pytest.raises(HandlerFailedError, match="InvalidInput"):
        api.run(programs.ours("wait", {"goal": "nonsense"}))
