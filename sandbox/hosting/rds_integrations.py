"""Integrations that `rds` makes, from Aurora and RDS: the operations that ministack's rds lacks. Their rows are not brought."""

from __future__ import annotations

import asyncio
from typing import Any

from ministack import app
from ministack.core import iam_actions
from ministack.core.iam_evaluator import caller_arn
from ministack.core.responses import get_account_id, get_region

from sandbox.hosting import gateway
from sandbox.kernel import ApiError
from sandbox.redshift.answers import Answer, Params, refuse_unsupported
from sandbox.redshift.clusters_state import described
from sandbox.redshift.wire import Service, operation_of
from sandbox.redshift.zero_etl import Integration
from sandbox.world import Caller, World

_OPERATIONS = frozenset({"CreateIntegration", "DescribeIntegrations", "ModifyIntegration", "DeleteIntegration"})


class RdsIntegrations:
    """The backend of these operations."""

    def __init__(self, world: World) -> None:
        self._world = world

    def create_integration(self, params: Params, caller: Caller) -> Answer:
        refuse_unsupported(params, ["AdditionalEncryptionContext"])
        wanted = Integration(
            "rds",
            params["IntegrationName"],
            params["SourceArn"],
            params["TargetArn"],
            description=params.get("Description"),
            kms_key=params.get("KMSKeyId"),
            data_filter=params.get("DataFilter"),
            tags=params.get("Tags", []),
        )
        try:
            made: Answer = self._world.zero_etl.create(wanted, caller).describe()
        except ApiError as error:
            # rds knows fewer codes: what is wrong with the target is a value that it does not take.
            if error.code in ("IntegrationTargetNotFoundFault", "UnsupportedOperation"):
                raise ApiError("InvalidParameterValue", error.message) from error
            raise
        return made

    def describe_integrations(self, params: Params, _caller: Caller) -> Answer:
        refuse_unsupported(params, ["Filters"])
        wanted = params.get("IntegrationIdentifier")
        chosen = [self._world.zero_etl.get(wanted)] if wanted else [one for one in self._world.zero_etl.present() if one.service == "rds"]
        return described("Integrations", chosen, params, lambda one: one.arn, Integration.describe)

    def modify_integration(self, params: Params, _caller: Caller) -> Answer:
        found: Integration = self._world.zero_etl.get(params["IntegrationIdentifier"])
        found.name = params.get("IntegrationName", found.name)
        found.description = params.get("Description", found.description)
        found.data_filter = params.get("DataFilter", found.data_filter)
        return found.describe()

    def delete_integration(self, params: Params, _caller: Caller) -> Answer:
        deleted: Integration = self._world.zero_etl.delete(self._world.zero_etl.get(params["IntegrationIdentifier"]))
        return deleted.describe()


def apply(world: World) -> None:
    """Answer these operations of rds; all others stay ministack's. Call it before the gateway is put in front of the services."""
    service, known = Service("rds", RdsIntegrations(world), world), app.SERVICE_HANDLERS["rds"]
    extract = iam_actions.extract_resource_arn

    async def handle(method: str, path: str, headers: dict[str, str], body: Any, query: dict[str, Any]) -> gateway.Answer:
        raw = body.encode() if isinstance(body, str) else body or b""
        if operation_of(headers, raw) not in _OPERATIONS:
            answer: gateway.Answer = await known(method, path, headers, body, query)
            return answer
        caller = Caller(get_account_id(), get_region(), caller_arn())
        found = await asyncio.to_thread(service.handle, headers, raw, caller)
        return found.status, {"Content-Type": found.content_type, "x-amzn-requestid": found.request_id}, found.body

    def resource(  # noqa: PLR0913, PLR0917 - ministack's signature
        name: str, method: str, path: str, headers: Any, body: bytes, query: Any, region: str, account: str
    ) -> str:
        if name == "rds" and operation_of(headers, body or b"") in _OPERATIONS:
            return f"arn:aws:rds:{region}:{account}:integration:*"
        return str(extract(name, method, path, headers, body, query, region, account))

    app.SERVICE_HANDLERS["rds"] = handle
    iam_actions.extract_resource_arn = resource
