"""AWS clients: made once per process, when first asked for; and the translation of AWS's errors into ours, by code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from autopilot.domain import errors

#: Codes on the wire, from the services' models; what is not listed is refused for good, unless it is the service's own failure.
_BY_CODE: dict[str, type[errors.AutopilotError]] = {
    **dict.fromkeys(
        (
            "Throttling",
            "ThrottlingException",
            "ThrottledException",
            "RequestLimitExceeded",
            "TooManyRequestsException",
            "ProvisionedThroughputExceededException",
            "SlowDown",
            "ActiveStatementsExceededException",
            "ActiveSessionsExceededException",
            "ActiveWaitingRequestsExceededException",
            "DependentServiceRequestThrottlingFault",
            "DependentServiceUnavailableFault",
        ),
        errors.Throttled,
    ),
    **dict.fromkeys(
        (
            "InvalidClusterState",
            "InvalidClusterSnapshotState",
            "InvalidClusterParameterGroupState",
            "ConflictException",
            "InvalidNamespaceFault",
        ),
        errors.WarehouseNotReady,
    ),
    **dict.fromkeys(("InsufficientClusterCapacity", "InsufficientCapacityException"), errors.CapacityUnavailable),
    **dict.fromkeys(("AccessDenied", "AccessDeniedException", "UnauthorizedOperation"), errors.AccessDenied),
    "ClusterNotFound": errors.WarehouseNotFound,
}
#: Services that answer for all regions at one place. Source: AWS general reference, endpoints of Billing and Cost Management.
_GLOBAL = {"budgets": "us-east-1", "ce": "us-east-1", "pricing": "us-east-1"}
_SERVER_ERROR = 500
_NOT_IMPLEMENTED = 501


@cache
def client(service: str) -> Any:
    """The client of a service. Standard retry mode; all attempts of one call together stay below any function's own timeout."""
    from botocore.config import Config

    config = Config(retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=2, read_timeout=10)
    return _session().create_client(service, region_name=_GLOBAL.get(service), config=config)


@cache
def _session() -> Any:
    """The session that boto3 wraps: the same clients without S3's transfer manager and the resources that boto3 imports."""
    from botocore.session import get_session

    from autopilot.aws.models import Models

    session = get_session()
    session.register_component("data_loader", Models())
    return session


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Raise AWS's errors as ours, each with AWS's `code`. `what` says what was being done, to which warehouse: `pause cluster analytics`."""
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

    try:
        yield
    except ClientError as error:
        said = error.response.get("Error", {})
        code, message = str(said.get("Code", "")), said.get("Message", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        unavailable = status >= _SERVER_ERROR and status != _NOT_IMPLEMENTED
        kind = _BY_CODE.get(code, errors.Throttled if unavailable else errors.AwsRefused)
        raise kind(f"AWS refused to {what}: {message} ({code})", code) from error
    except ParamValidationError as error:
        raise errors.InvalidInput(f"AWS does not take this request to {what}: {error}") from error
    except BotoCoreError as error:
        raise errors.Throttled(f"no answer from AWS when trying to {what}: {error}") from error


def call(service: str, operation: str, what: str, /, **arguments: Any) -> dict[str, Any]:
    """Call one operation (snake case) and return its answer; errors are translated, `what` says what was being done."""
    with translated(what):
        answer: dict[str, Any] = getattr(client(service), operation)(**arguments)
    return answer
