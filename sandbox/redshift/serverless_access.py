"""Serverless snapshots, usage limits, tags and temporary credentials."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from sandbox.kernel import ApiError, utcnow
from sandbox.redshift.answers import Answer, Params, iam_database_user, new_password, refuse_unsupported
from sandbox.redshift.copies import copy_when_idle
from sandbox.redshift.lifecycle import DURATIONS
from sandbox.redshift.serverless_records import Namespace, ServerlessSnapshot, UsageLimit, Workgroup
from sandbox.redshift.serverless_rules import check_credentials_duration, check_tag_count, invalid, tags_of
from sandbox.redshift.serverless_state import ServerlessState, listed
from sandbox.world import Caller

_LONGEST_RETENTION_DAYS = 3653


class Access(ServerlessState):
    """What surrounds namespaces and workgroups."""

    def create_snapshot(self, params: Params, _caller: Caller) -> Answer:
        tags = tags_of(params)
        with self._present():
            namespace = self._available_namespace(params["namespaceName"])
            snapshot = self._new_snapshot(namespace, params["snapshotName"], params.get("retentionPeriod", -1), tags)
            answer = {"snapshot": snapshot.describe()}
        self._fill(snapshot)
        return answer

    def get_snapshot(self, params: Params, _caller: Caller) -> Answer:
        refuse_unsupported(params, ["ownerAccount"])
        if ("snapshotName" in params) == ("snapshotArn" in params):
            raise invalid("Give either snapshotName or snapshotArn.")
        self._drop_expired()
        with self._present():
            by_arn = next((one.name for one in self._snapshots.values() if one.arn == params.get("snapshotArn")), None)
            return {"snapshot": self._snapshot(params.get("snapshotName") or by_arn or params["snapshotArn"]).describe()}

    def list_snapshots(self, params: Params, _caller: Caller) -> Answer:
        refuse_unsupported(params, ["ownerAccount"])
        self._drop_expired()
        with self._present():
            chosen = [
                one
                for one in self._snapshots.values()
                if params.get("namespaceName") in (None, one.namespace.name)
                and params.get("namespaceArn") in (None, one.namespace.arn)
                and params.get("startTime", one.created) <= one.created <= params.get("endTime", one.created)
            ]
            key = "{0.created:%Y-%m-%dT%H:%M:%S.%f}/{0.name}".format
            return listed("snapshots", chosen, params, key, ServerlessSnapshot.describe)

    def update_snapshot(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            snapshot = self._snapshot(params["snapshotName"])
            _check_retention(params.get("retentionPeriod", snapshot.retention_days))
            snapshot.retention_days = params.get("retentionPeriod", snapshot.retention_days)
            return {"snapshot": snapshot.describe()}

    def delete_snapshot(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            snapshot = self._snapshot(params["snapshotName"])
            if snapshot.status != "AVAILABLE":
                raise ApiError("ConflictException", f"The snapshot {snapshot.name} is {snapshot.status}, not AVAILABLE.")
            snapshot.status = "DELETED"
            del self._snapshots[snapshot.name]
        self.world.databases.drop(snapshot.key)
        return {"snapshot": snapshot.describe()}

    def create_usage_limit(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            _check_amount(params["amount"])
            if not any(one.arn == params["resourceArn"] for one in self._workgroups.values()):
                raise ApiError("ResourceNotFoundException", f"The workgroup {params['resourceArn']} was not found.")
            period = params.get("period", "monthly")
            wanted = (params["resourceArn"], params["usageType"], period)
            if any((one.resource_arn, one.usage_type, one.period) == wanted for one in self._limits.values()):
                raise ApiError("ConflictException", f"The workgroup already has a {period} limit of {params['usageType']}.")
            limit = UsageLimit(params["resourceArn"], params["usageType"], params["amount"], period, params.get("breachAction", "log"))
            self._limits[limit.resource_id] = limit
            return {"usageLimit": limit.describe()}

    def get_usage_limit(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            return {"usageLimit": self._limit(params["usageLimitId"]).describe()}

    def list_usage_limits(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            chosen = [
                one
                for one in self._limits.values()
                if params.get("resourceArn") in (None, one.resource_arn) and params.get("usageType") in (None, one.usage_type)
            ]
            return listed("usageLimits", chosen, params, lambda one: one.resource_id, UsageLimit.describe)

    def update_usage_limit(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            limit = self._limit(params["usageLimitId"])
            _check_amount(params.get("amount", limit.amount))
            limit.amount = params.get("amount", limit.amount)
            limit.breach_action = params.get("breachAction", limit.breach_action)
            return {"usageLimit": limit.describe()}

    def delete_usage_limit(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            limit = self._limit(params["usageLimitId"])
            del self._limits[limit.resource_id]
            return {"usageLimit": limit.describe()}

    def tag_resource(self, params: Params, _caller: Caller) -> Answer:
        added = tags_of(params)
        with self._present():
            resource = self._resource(params["resourceArn"])
            check_tag_count({**resource.tags, **added})
            resource.tags.update(added)
        return {}

    def untag_resource(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            resource = self._resource(params["resourceArn"])
            for key in params["tagKeys"]:
                resource.tags.pop(key, None)
        return {}

    def list_tags_for_resource(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            resource = self._resource(params["resourceArn"])
            return {"tags": [{"key": key, "value": value} for key, value in resource.tags.items()]}

    def get_credentials(self, params: Params, caller: Caller) -> Answer:
        refuse_unsupported(params, ["customDomainName"])
        if "workgroupName" not in params:
            raise invalid("workgroupName is required.")
        seconds = check_credentials_duration(params)
        with self._present():
            self._workgroup(params["workgroupName"])
        expiration = utcnow() + timedelta(seconds=seconds)
        user = {"dbUser": iam_database_user(caller), "dbPassword": new_password()}
        return {**user, "expiration": expiration, "nextRefreshTime": expiration}

    def _new_snapshot(self, namespace: Namespace, name: str, retention_days: int, tags: dict[str, str]) -> ServerlessSnapshot:
        """Take the name of a snapshot. The lock is held."""
        _check_retention(retention_days)
        if name in self._snapshots:
            raise ApiError("ConflictException", f"The snapshot {name} already exists.")
        snapshot = self._snapshots[name] = ServerlessSnapshot(name, namespace, retention_days, tags)
        return snapshot

    def _fill(self, snapshot: ServerlessSnapshot) -> None:
        """Copy the data; the snapshot is available when it has taken its time. One that cannot be copied has never been."""

        def is_wanted() -> bool:
            with self._lock:
                return self._snapshots.get(snapshot.name) is snapshot

        then = partial(self.timeline.after, DURATIONS["serverless snapshot"], partial(self._snapshot_done, snapshot))
        try:
            copy_when_idle(self.world.databases, self.timeline, snapshot.namespace.key, snapshot.key, is_wanted, then)
        except BaseException:
            with self._lock:
                self._snapshots.pop(snapshot.name, None)
            raise

    def age_snapshots(self, namespace: str, by: timedelta) -> None:
        """Make every snapshot of the namespace, which may be deleted, older, as if it had been taken that much earlier."""
        with self._present():
            for snapshot in self._snapshots.values():
                if snapshot.namespace.name == namespace:
                    snapshot.created -= by

    def _snapshot_done(self, snapshot: ServerlessSnapshot) -> None:
        size_mb = self.world.databases.size_mb(snapshot.key)
        with self._lock:
            snapshot.status, snapshot.size_mb = "AVAILABLE", size_mb
        self._emit("snapshot completed", snapshot.name, snapshot.arn)

    def _drop_expired(self) -> None:
        now = utcnow()
        with self._present():
            expired = [one for one in self._snapshots.values() if one.status == "AVAILABLE" and one.expired(now)]
            for snapshot in expired:
                del self._snapshots[snapshot.name]
        for snapshot in expired:
            self.world.databases.drop(snapshot.key)

    def _snapshot(self, name: str) -> ServerlessSnapshot:
        if name not in self._snapshots:
            raise ApiError("ResourceNotFoundException", f"The snapshot {name} was not found.")
        return self._snapshots[name]

    def _limit(self, limit_id: str) -> UsageLimit:
        if limit_id not in self._limits:
            raise ApiError("ResourceNotFoundException", f"The usage limit {limit_id} was not found.")
        return self._limits[limit_id]

    def _resource(self, name: str) -> Namespace | Workgroup | ServerlessSnapshot:
        resources: list[Namespace | Workgroup | ServerlessSnapshot] = [*self._namespaces.values(), *self._workgroups.values()]
        resources += self._snapshots.values()
        found = next((resource for resource in resources if resource.arn == name), None)
        if found is None:
            raise ApiError("ResourceNotFoundException", f"The resource {name} was not found.")
        return found


def _check_retention(days: int) -> None:
    if days != -1 and not 1 <= days <= _LONGEST_RETENTION_DAYS:
        raise invalid(f"The retention period of a snapshot must be -1 or 1 to {_LONGEST_RETENTION_DAYS} days.")


def _check_amount(amount: int) -> None:
    if amount <= 0:
        raise invalid("The amount of a usage limit must be positive.")
