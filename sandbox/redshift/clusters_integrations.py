"""Zero-ETL integrations from DynamoDB, integrations into a namespace, and the resource policies of namespaces."""

from __future__ import annotations

import json

from sandbox.kernel import ApiError
from sandbox.redshift.answers import Answer, Params, refuse_unsupported
from sandbox.redshift.clusters_datashares import Datashares
from sandbox.redshift.clusters_state import described
from sandbox.redshift.zero_etl import Integration, ZeroEtl
from sandbox.world import Caller


class Integrations(Datashares):
    """The operations of `redshift` on integrations; what `rds` has is `hosting/rds_integrations.py`."""

    @property
    def _zero_etl(self) -> ZeroEtl:
        found: ZeroEtl = self.world.zero_etl
        return found

    def create_integration(self, params: Params, caller: Caller) -> Answer:
        refuse_unsupported(params, ["AdditionalEncryptionContext"])
        if ":dynamodb:" not in params["SourceArn"]:
            raise ApiError("UnsupportedOperation", "S3 event integrations are not supported in the sandbox.")
        wanted = Integration(
            "redshift",
            params["IntegrationName"],
            params["SourceArn"],
            params["TargetArn"],
            description=params.get("Description"),
            kms_key=params.get("KMSKeyId"),
            tags=params.get("TagList", []),
        )
        return self._zero_etl.create(wanted, caller).describe()

    def describe_integrations(self, params: Params, _caller: Caller) -> Answer:
        refuse_unsupported(params, ["Filters"])
        arn = params.get("IntegrationArn")
        chosen = [self._zero_etl.get(arn)] if arn else [one for one in self._zero_etl.present() if one.service == "redshift"]
        return described("Integrations", chosen, params, lambda one: one.arn, Integration.describe)

    def describe_inbound_integrations(self, params: Params, _caller: Caller) -> Answer:
        arn, target = params.get("IntegrationArn"), params.get("TargetArn")
        found = [self._zero_etl.get(arn)] if arn else self._zero_etl.present()
        chosen = [one for one in found if target in (None, one.target_arn)]
        return described("InboundIntegrations", chosen, params, lambda one: one.arn, Integration.inbound)

    def modify_integration(self, params: Params, _caller: Caller) -> Answer:
        found = self._zero_etl.get(params["IntegrationArn"])
        found.name = params.get("IntegrationName", found.name)
        found.description = params.get("Description", found.description)
        return found.describe()

    def delete_integration(self, params: Params, _caller: Caller) -> Answer:
        return self._zero_etl.delete(self._zero_etl.get(params["IntegrationArn"])).describe()

    def put_resource_policy(self, params: Params, _caller: Caller) -> Answer:
        arn = self._namespace_with_policy(params)
        try:
            statements = json.loads(params["Policy"])["Statement"]
        except (ValueError, KeyError, TypeError) as error:
            raise ApiError("InvalidPolicyFault", "The policy is no JSON document with statements.") from error
        if not statements:
            raise ApiError("InvalidPolicyFault", "The policy has no statement.")
        self._zero_etl.policies[arn] = params["Policy"]
        return {"ResourcePolicy": {"ResourceArn": arn, "Policy": params["Policy"]}}

    def get_resource_policy(self, params: Params, _caller: Caller) -> Answer:
        arn = self._namespace_with_policy(params)
        if arn not in self._zero_etl.policies:
            raise ApiError("ResourceNotFoundFault", f"{arn} has no resource policy.", 404)
        return {"ResourcePolicy": {"ResourceArn": arn, "Policy": self._zero_etl.policies[arn]}}

    def delete_resource_policy(self, params: Params, _caller: Caller) -> Answer:
        self._zero_etl.policies.pop(self._namespace_with_policy(params), None)
        return {}

    def _namespace_with_policy(self, params: Params) -> str:
        arn = str(params["ResourceArn"])
        if self._zero_etl.target(arn) is None:
            raise ApiError("ResourceNotFoundFault", f"The namespace {arn} was not found.", 404)
        return arn
