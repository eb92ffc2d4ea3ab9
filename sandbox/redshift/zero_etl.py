"""Zero-ETL integrations of both services that make them: records, states by life-cycle time, events, and what a source and a target must have.

Where AWS documents a condition and not its error (point-in-time recovery, the policies), the words here are the sandbox's own.
"""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from sandbox.kernel import ACCOUNT, REGION, ApiError, utcnow
from sandbox.redshift.clusters_records import Cluster
from sandbox.redshift.lifecycle import DURATIONS
from sandbox.redshift.serverless_records import Namespace
from sandbox.sql.outside import Outside
from sandbox.world import Caller, World

_EVENTS = {"active": ("0000", "Info", "is created and is now in ACTIVE state"), "failed": ("0006", "Error", "failed to be created")}
_CHANGEABLE = ("active", "needs_attention", "failed")


@dataclass
class Integration:
    """One integration. `service` made it: redshift for DynamoDB, rds for Aurora and RDS."""

    service: str
    name: str
    source_arn: str
    target_arn: str
    status: str = "creating"
    errors: list[dict[str, str]] = field(default_factory=list)
    description: str | None = None
    kms_key: str | None = None
    data_filter: str | None = None
    tags: list[dict[str, str]] = field(default_factory=list)
    created: datetime = field(default_factory=utcnow)
    identity: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def arn(self) -> str:
        return f"arn:aws:{self.service}:{REGION}:{ACCOUNT}:integration:{self.identity}"

    def inbound(self) -> dict[str, Any]:
        """As DescribeInboundIntegrations shows it."""
        return {
            "IntegrationArn": self.arn,
            "SourceArn": self.source_arn,
            "TargetArn": self.target_arn,
            "Status": self.status,
            "Errors": self.errors,
            "CreateTime": self.created,
        }

    def describe(self) -> dict[str, Any]:
        """As DescribeIntegrations of its service shows it."""
        filtered = {"DataFilter": self.data_filter} if self.service == "rds" else {}
        return {
            **self.inbound(),
            "IntegrationName": self.name,
            "Description": self.description,
            "KMSKeyId": self.kms_key,
            "Tags": self.tags,
            **filtered,
        }


class ZeroEtl:
    """All integrations, and the resource policies of namespaces."""

    def __init__(self, world: World, outside: Outside) -> None:
        self._world, self._outside = world, outside
        self._lock = threading.RLock()
        self.integrations: dict[str, Integration] = {}
        self.policies: dict[str, str] = {}

    def create(self, wanted: Integration, caller: Caller) -> Integration:
        """Begin to make one; raises ApiError as the service refuses."""
        target = self.target(wanted.target_arn)
        if target is None:
            raise ApiError("IntegrationTargetNotFoundFault", f"The target {wanted.target_arn} was not found.", 404)
        if not self._world.ports.may(caller, "redshift:CreateInboundIntegration", wanted.target_arn):
            what = f"redshift:CreateInboundIntegration on resource: {wanted.target_arn}"
            raise ApiError("AccessDenied", f"User: {caller.principal_arn} is not authorized to perform: {what}", 403)
        if isinstance(target, Cluster) and not target.encrypted:
            raise ApiError("UnsupportedOperation", "The target data warehouse must be encrypted.")
        if not self._outside.is_case_sensitive(target.key):
            raise ApiError("UnsupportedOperation", "The target data warehouse must have enable_case_sensitive_identifier turned on.")
        if not self._outside.admits_source(self.policies.get(wanted.target_arn), wanted.target_arn, wanted.source_arn):
            raise ApiError(
                "UnsupportedOperation", f"The resource policy of {wanted.target_arn} does not authorize the source {wanted.source_arn}."
            )
        if wanted.service == "redshift" and not self._outside.table_exists(wanted.source_arn):
            raise ApiError("IntegrationSourceNotFoundFault", f"The source {wanted.source_arn} was not found.", 404)
        with self._lock:
            if any(
                wanted.name == one.name or (wanted.source_arn, wanted.target_arn) == (one.source_arn, one.target_arn)
                for one in self.integrations.values()
            ):
                raise ApiError("IntegrationAlreadyExistsFault", f"The integration {wanted.name} already exists.")
            self.integrations[wanted.arn] = wanted
        self._world.clusters.timeline.after(DURATIONS["create integration"], partial(self._created, wanted))
        return wanted

    def _created(self, integration: Integration) -> None:
        if integration.service == "redshift" and (lacks := self._outside.table_lacks(integration.source_arn, integration.arn)):
            integration.errors = [{"ErrorCode": "InvalidSource", "ErrorMessage": lacks}]
            self.set_status(integration, "failed")
        else:
            self.set_status(integration, "active")

    def set_status(self, integration: Integration, status: str) -> None:
        """Move one to a state, and send the event. Source: Redshift management guide, zero-ETL integration event notifications."""
        integration.status = status
        number, severity, text = _EVENTS.get(status, ("0003", "Info", f"is {status}"))
        detail = {
            "severity": severity,
            "sourceArn": integration.source_arn,
            "destinationArn": integration.target_arn,
            "eventId": f"REDSHIFT-INTEGRATION-EVENT-{number}",
            "eventDescription": f"Zero-ETL integration {integration.name} {text}.",
            "integrationStatus": status.upper(),
            "statusCode": status.upper(),
        }
        send = partial(self._world.ports.put_event, "aws.redshift", "Redshift Integration Monitoring", [integration.arn], detail)
        self._world.hints.send(send)

    def present(self) -> list[Integration]:
        """All, once what is due has happened."""
        self._world.clusters.timeline.settle()
        return list(self.integrations.values())

    def get(self, arn: str) -> Integration:
        """One by its ARN or id; raises ApiError."""
        found = next((one for one in self.present() if arn in (one.arn, one.identity, one.name)), None)
        if found is None:
            raise ApiError("IntegrationNotFoundFault", f"The integration {arn} was not found.", 404)
        return found

    def delete(self, integration: Integration) -> Integration:
        """Begin to delete one."""
        if integration.status not in _CHANGEABLE:
            code = "InvalidIntegrationStateFault" if integration.service == "rds" else "IntegrationConflictStateFault"
            raise ApiError(code, f"The integration {integration.name} is {integration.status}.")
        integration.status = "deleting"
        self._world.clusters.timeline.after(DURATIONS["delete integration"], partial(self.integrations.pop, integration.arn, None))
        return integration

    def target(self, arn: str) -> Cluster | Namespace | None:
        """The cluster or namespace that a namespace's ARN names."""
        records = [*self._world.clusters._clusters.values(), *self._world.serverless._namespaces.values()]
        return next((one for one in records if arn == (one.namespace_arn if isinstance(one, Cluster) else one.arn)), None)

    def reset(self) -> None:
        """Forget everything."""
        with self._lock:
            self.integrations.clear()
            self.policies.clear()
