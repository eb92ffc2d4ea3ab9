"""What wraps every handler: errors keep their names, decisions are logged and counted, and what people's data is stays out of the log."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError, ReadTimeoutError

from autopilot.aws.clients import translated
from autopilot.domain import errors
from autopilot.domain.errors import AutopilotError, InvalidInput, StatementFailed
from autopilot.runtime.handler import handler
from tests.handlers.account import Aws, Handle, execution, load, reference, sample
from tests.handlers.wiring import Refusal

ME = execution("run-sql")
Log = Callable[[], str]


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


@pytest.fixture
def pause(aws: Aws) -> Handle:  # noqa: ARG001 - a handler needs its account
    return load("pause")


def test_decision_is_logged_with_its_reason_and_its_warehouse(aws: Aws, pause: Handle, log: Log) -> None:
    aws.clusters.add(status="paused")
    pause(sample("pause"))
    done = next(line for line in lines(log()) if line.get("message") == "done")
    assert (done["action"], done["reason"], done["warehouse"]) == ("nothing", "analytics is already paused", "analytics")
    assert (done["execution"], done["request_id"]) == (sample("pause")["execution"], "request-1")


def test_what_was_done_is_counted_by_action(aws: Aws, pause: Handle, log: Log) -> None:
    aws.clusters.add(status="paused")
    pause(sample("pause"))
    metric = next(line for line in lines(log()) if "Done" in line)
    assert (metric["Done"], metric["what"]) == ([1.0], "nothing")


def test_error_is_logged_and_counted_under_its_own_name(aws: Aws, pause: Handle, log: Log) -> None:
    aws.fail("redshift", "describe_clusters", Refusal("Throttling", "Rate exceeded"))
    with pytest.raises(errors.Throttled):
        pause(sample("pause"))
    written = lines(log())
    assert any(line.get("error") == "Throttled" and line["level"] == "WARNING" for line in written)
    assert any("Refused" in line and line["what"] == "Throttled" for line in written)


@pytest.mark.parametrize("ending", ["well", "badly"])
def test_garbage_is_collected_in_every_call_but_the_first_however_that_ends(ending: str) -> None:
    collected: list[bool] = []

    @handler(dict[str, Any])
    def act(_: dict[str, Any]) -> dict[str, Any]:
        collected.append(gc.isenabled())
        if ending == "badly":
            raise InvalidInput("no")
        return {}

    for _ in range(3):
        with suppress(InvalidInput):
            act({}, SimpleNamespace(aws_request_id="request-1"))
    assert [*collected, gc.isenabled()] == [False, True, True, True]


def test_keys_of_one_call_do_not_stay_for_the_next(aws: Aws, pause: Handle, log: Log) -> None:
    aws.clusters.add(status="paused")
    pause(sample("pause"))
    log()
    with pytest.raises(InvalidInput):
        pause({"step": "unknown"})
    assert "warehouse" not in lines(log())[-1]


def test_error_that_no_rule_foresaw_goes_out_unchanged(aws: Aws, pause: Handle, log: Log) -> None:
    aws.clusters.add()
    del aws.clusters.clusters["analytics"]["ClusterIdentifier"]
    with pytest.raises(KeyError):
        pause(sample("pause"))
    assert any(line.get("message") == "an error that no rule foresaw" and line["level"] == "ERROR" for line in lines(log()))


def test_sql_parameters_and_rows_stay_out_of_the_log(aws: Aws, run_sql: Handle, log: Log) -> None:
    aws.clusters.add()
    aws.start(ME)
    given = {"warehouse": "analytics", "sql": "SELECT 'sesame-sql', :p", "parameters": {"p": "sesame-parameter"}}
    plan = run_sql({"step": "look", "execution": ME, "input": given})
    waiting = {"token": "sesame-token", "attempt": 0, "last_attempt": 9, "execution": ME}
    run_sql({"step": "run", "input": given, "target": plan["target"], "unit": 0, **waiting})
    aws.data.finish(aws.data.last, (["c"], [["sesame-row"]]))
    fetched = {"statement_id": aws.data.last, "unit": 0, "result": "rows", "budget_bytes": 1000, "execution": ME}
    assert run_sql({"step": "fetch", **fetched})["statements"][0]["rows"] == [["sesame-row"]]
    written = log()
    assert aws.data.last in written
    assert "sesame" not in written


def test_refused_sql_stays_out_of_the_log(aws: Aws, run_sql: Handle, log: Log) -> None:
    given = {"warehouse": "analytics", "sql": "SELECT 'sesame" + "x" * 100_000 + "'"}
    with pytest.raises(InvalidInput):
        run_sql({"step": "look", "execution": ME, "input": given})
    assert "sesame" not in log()
    assert aws.order == []


def test_sql_that_cannot_be_split_stays_out_of_the_log(aws: Aws, run_sql: Handle, log: Log) -> None:
    given = {"warehouse": "analytics", "sql": "SELECT 1; ALTER USER a PASSWORD 'sesame and more"}
    with pytest.raises(InvalidInput):
        run_sql({"step": "look", "execution": ME, "input": given})
    assert "sesame" not in log()
    assert aws.order == []


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"step": "act"}, "input: Object missing required field `execution`"),
        ({"step": "act", "execution": ME, "warehouse": reference(), "zone": "x"}, "input: Object contains unknown field `zone`"),
        ({"step": "fly", "execution": ME}, "step: Invalid value 'fly'"),
    ],
)
def test_step_with_wrong_fields_is_refused_by_name(aws: Aws, pause: Handle, event: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        pause(event)
    assert str(refused.value) == message
    assert aws.order == []


# --- the translation of AWS's errors ----------------------------------------------------------------------------------


def client_error(code: str, status: int = 400) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}, "PauseCluster")  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("Throttling", 400, errors.Throttled),
        ("ThrottlingException", 400, errors.Throttled),
        ("TooManyRequestsException", 429, errors.Throttled),
        ("ProvisionedThroughputExceededException", 400, errors.Throttled),
        ("SlowDown", 503, errors.Throttled),
        ("DependentServiceRequestThrottlingFault", 400, errors.Throttled),
        ("ActiveStatementsExceededException", 400, errors.Throttled),
        ("ActiveSessionsExceededException", 400, errors.Throttled),
        ("ActiveWaitingRequestsExceededException", 400, errors.Throttled),
        ("InternalFailure", 500, errors.Throttled),
        ("WhateverItIsCalled", 503, errors.Throttled),
        ("NotImplemented", 501, errors.AwsRefused),
        ("InvalidClusterState", 400, errors.WarehouseNotReady),
        ("InvalidClusterSnapshotState", 400, errors.WarehouseNotReady),
        ("ConflictException", 409, errors.WarehouseNotReady),
        ("InsufficientClusterCapacity", 400, errors.CapacityUnavailable),
        ("AccessDenied", 403, errors.AccessDenied),
        ("AccessDeniedException", 400, errors.AccessDenied),
        ("UnauthorizedOperation", 403, errors.AccessDenied),
        ("ClusterNotFound", 404, errors.WarehouseNotFound),
        ("InvalidClusterStateFault", 400, errors.AwsRefused),
        ("ValidationException", 400, errors.AwsRefused),
    ],
)
def test_code_on_the_wire_decides_the_error(code: str, status: int, kind: type[AutopilotError]) -> None:
    with pytest.raises(kind) as refused, translated("pause cluster analytics"):
        raise client_error(code, status)
    assert type(refused.value) is kind
    assert (str(refused.value), refused.value.code) == (f"AWS refused to pause cluster analytics: no ({code})", code)


@pytest.mark.parametrize("error", [EndpointConnectionError(endpoint_url="https://a"), ReadTimeoutError(endpoint_url="https://a")])
def test_missing_answer_is_worth_another_try(error: Exception) -> None:
    with (
        pytest.raises(errors.Throttled, match=r"^no answer from AWS when trying to pause cluster analytics: "),
        translated("pause cluster analytics"),
    ):
        raise error


def test_request_that_aws_would_not_take_is_the_inputs_fault() -> None:
    with (
        pytest.raises(InvalidInput, match=r"^AWS does not take this request to pause cluster analytics: "),
        translated("pause cluster analytics"),
    ):
        raise ParamValidationError(report="too long")


def test_our_own_errors_pass_untouched() -> None:
    with pytest.raises(StatementFailed, match=r"^no such table$"), translated("run SQL"):
        raise StatementFailed("no such table")
