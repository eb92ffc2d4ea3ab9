"""boto3 clients for a sandbox, whatever AWS configuration this machine has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox.kernel import REGION, ApiError

#: A request that says so is the sandbox's own, or one of somebody who only watches: no fault hits it and nobody counts it.
OBSERVER = "redshift-sandbox-observer"
ROOT = {"AccessKeyId": "test", "SecretAccessKey": "test"}


def client(
    endpoint: str,
    service: str,
    *,
    credentials: Mapping[str, str] = ROOT,
    region: str = REGION,
    attempts: int = 1,
    user_agent: str | None = None,
) -> Any:
    """A client with the given credentials (those of STS's AssumeRole, or the sandbox's root), trying each call `attempts` times."""
    session = boto3.session.Session(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials.get("SessionToken"),
        region_name=region,
    )
    config = Config(
        user_agent_extra=user_agent,
        retries={"mode": "standard", "total_max_attempts": attempts},
        s3={"addressing_style": "path"},
        max_pool_connections=32,
    )
    return session.client(service, endpoint_url=endpoint, config=config)  # type: ignore[call-overload]


@contextmanager
def as_api_error() -> Iterator[None]:
    """What another service of the sandbox refuses, as Redshift passes it on: its own code, message and status."""
    try:
        yield
    except ClientError as error:
        detail = error.response["Error"]
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
        raise ApiError(detail.get("Code", "Unknown"), detail.get("Message", str(error)), status) from error
