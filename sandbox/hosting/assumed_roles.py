"""What Redshift does with the IAM role of a statement: it assumes the role, which must trust it, and calls the other service as that."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import request_scope
from ministack.services import iam, sts

from sandbox.clients import client
from sandbox.kernel import ACCOUNT, REGION, ApiError

_TRUSTED = frozenset({"redshift.amazonaws.com", "redshift-serverless.amazonaws.com"})
_KEPT_SECONDS = 600.0
_SESSION = "RedshiftIamRoleSession"
_ROOT = f"arn:aws:iam::{ACCOUNT}:root"


class AssumedRoles:
    """Clients by role and service, each for some minutes."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._clients: dict[tuple[str, str, str | None], tuple[float, Any]] = {}

    def client(self, role_arn: str, service: str, region: str | None = None) -> Any:
        """A client that acts as the role, or as the last of a chain (with commas), in which each assumes the next.

        Raises ApiError where there is no such role, or it does not trust Redshift; ClientError where a role may not assume the next.
        """
        key = (role_arn, service, region)
        made, found = self._clients.get(key, (0.0, None))
        first, *others = role_arn.split(",")
        self._check_trust(first)
        if found is None or time.monotonic() - made > _KEPT_SECONDS:
            credentials = _assumed(first)
            for other in others:
                chain = client(self._endpoint, "sts", credentials=credentials)
                credentials = chain.assume_role(RoleArn=other, RoleSessionName=_SESSION)["Credentials"]
            found = client(self._endpoint, service, credentials=credentials, region=region or REGION, attempts=2)
            self._clients[key] = (time.monotonic(), found)
        return found

    @staticmethod
    def _check_trust(role_arn: str) -> None:
        with request_scope(ACCOUNT, REGION):
            role = iam._roles.get(role_arn.rpartition("/")[2])
        if role is None or role["Arn"] != role_arn or not _trusts_redshift(role_arn, role.get("AssumeRolePolicyDocument") or "{}"):
            raise ApiError(
                "AccessDenied", f"Not authorized to assume the role {role_arn}: it does not exist, or does not trust Redshift.", 403
            )


def _assumed(role_arn: str) -> dict[str, str]:
    """Credentials of the role as a service of AWS gets them: STS itself would ask whether root may assume it."""
    made = {
        "AccessKeyId": f"ASIA{secrets.token_hex(8).upper()}",
        "SecretAccessKey": secrets.token_hex(20),
        "SessionToken": secrets.token_hex(32),
    }
    session = {
        "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role_arn.rpartition('/')[2]}/{_SESSION}",
        "UserId": f"{role_arn.rpartition('/')[2]}:{_SESSION}",
        "SecretAccessKey": made["SecretAccessKey"],
        "SessionToken": made["SessionToken"],
        "AccountId": ACCOUNT,
        "PrincipalType": "AssumedRole",
        "Expiration": time.time() + 2 * _KEPT_SECONDS,
    }
    with request_scope(ACCOUNT, REGION):
        sts.register_session(made["AccessKeyId"], session)
    return made


def _trusts_redshift(role_arn: str, document: str | dict[str, Any]) -> bool:
    """Whether the trust policy lets Redshift assume the role for this account, by those of its statements that name Redshift."""
    statements = (json.loads(document) if isinstance(document, str) else document).get("Statement", [])
    named = [one for one in ([statements] if isinstance(statements, dict) else statements) if _TRUSTED & set(_services(one))]
    context = iam_evaluator.EvalContext(
        principal_arn=_ROOT,
        principal_type="Root",
        principal_account=ACCOUNT,
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region=REGION,
        service_context={"aws:sourceaccount": ACCOUNT},
    )
    return bool(iam_evaluator.evaluate_trust_policy({"Statement": named}, _ROOT, context))


def _services(statement: dict[str, Any]) -> list[str]:
    principal = statement.get("Principal")
    services = principal.get("Service", []) if isinstance(principal, dict) else []
    return [services] if isinstance(services, str) else services
