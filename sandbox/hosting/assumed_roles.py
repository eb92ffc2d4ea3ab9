"""What Redshift does with the IAM role of a statement: it assumes the role, which must trust it, and calls the other service as that."""

from __future__ import annotations

import json
import time
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import iam

from sandbox.clients import client
from sandbox.kernel import ACCOUNT, REGION, ApiError

_TRUSTED = frozenset({"redshift.amazonaws.com", "redshift-serverless.amazonaws.com"})
_KEPT_SECONDS = 600.0


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
            sts = client(self._endpoint, "sts")
            credentials = sts.assume_role(RoleArn=first, RoleSessionName="RedshiftIamRoleSession")["Credentials"]
            for other in others:
                sts = client(self._endpoint, "sts", credentials=credentials)
                credentials = sts.assume_role(RoleArn=other, RoleSessionName="RedshiftIamRoleSession")["Credentials"]
            found = client(self._endpoint, service, credentials=credentials, region=region or REGION, attempts=2)
            self._clients[key] = (time.monotonic(), found)
        return found

    @staticmethod
    def _check_trust(role_arn: str) -> None:
        with request_scope(ACCOUNT, REGION):
            role = iam._roles.get(role_arn.rpartition("/")[2])
        if role is None or role["Arn"] != role_arn or not _trusts_redshift(role.get("AssumeRolePolicyDocument") or "{}"):
            raise ApiError(
                "AccessDenied", f"Not authorized to assume the role {role_arn}: it does not exist, or does not trust Redshift.", 403
            )


def _trusts_redshift(document: str | dict[str, Any]) -> bool:
    statements = (json.loads(document) if isinstance(document, str) else document).get("Statement", [])
    for one in [statements] if isinstance(statements, dict) else statements:
        principal = one.get("Principal")
        services = principal.get("Service", []) if isinstance(principal, dict) else []
        if one.get("Effect") == "Allow" and _TRUSTED & set([services] if isinstance(services, str) else services):
            return True
    return False
