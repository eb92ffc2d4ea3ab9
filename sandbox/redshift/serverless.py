"""Redshift Serverless: the backend of the service `redshift-serverless`.

There is no pause. A namespace owns the databases, a workgroup computes on them: without a workgroup nobody can reach the data.
What is kept here lives as long as the process.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from sandbox.kernel import ApiError
from sandbox.redshift.answers import Answer, Params, refuse_unsupported
from sandbox.redshift.lifecycle import DURATIONS
from sandbox.redshift.serverless_records import Namespace, Workgroup
from sandbox.redshift.serverless_restore import Restore
from sandbox.redshift.serverless_rules import check_admin, check_capacity, check_database, check_workgroup, invalid, tags_of
from sandbox.redshift.serverless_state import listed
from sandbox.world import Caller

_NAMESPACE_SETTINGS: Final = {
    "kmsKeyId": "kms_key",
    "iamRoles": "iam_roles",
    "defaultIamRoleArn": "default_iam_role",
    "logExports": "log_exports",
    "adminPasswordSecretKmsKeyId": "secret_kms_key",
}
_S3_TABLES: Final = ("logDestinationType", "s3TableAction", "s3TableGranularity", "s3TableKmsKeyId", "s3TableNames")


class Serverless(Restore):
    """All operations of `redshift-serverless` that the sandbox supports, each as a method in snake case."""

    def create_namespace(self, params: Params, _caller: Caller) -> Answer:
        refuse_unsupported(params, ["redshiftIdcApplicationArn"])
        check_admin(params)
        check_database(params.get("dbName", "dev"))
        namespace = Namespace(
            name=params["namespaceName"],
            admin_user=params.get("adminUsername", "admin"),
            database=params.get("dbName", "dev"),
            tags=tags_of(params),
            **_namespace_settings(params),
        )
        with self._present():
            if namespace.name in self._namespaces:
                raise ApiError("ConflictException", f"The namespace {namespace.name} already exists.")
            self._namespaces[namespace.name] = namespace
        self._make(namespace, params)
        return self._namespace_answer(namespace)

    def get_namespace(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            return {"namespace": self._namespace(params["namespaceName"]).describe()}

    def list_namespaces(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            return listed("namespaces", self._namespaces.values(), params, lambda one: one.name, Namespace.describe)

    def update_namespace(self, params: Params, _caller: Caller) -> Answer:
        refuse_unsupported(params, _S3_TABLES)
        check_admin(params)
        if params.get("manageAdminPassword") is False and "adminUserPassword" not in params:
            raise invalid("adminUserPassword is required when manageAdminPassword is false.")
        if len(params) == 1:
            raise invalid("No change of the namespace was requested.")
        with self._present():
            namespace = self._available_namespace(params["namespaceName"])
            if params.get("adminUsername", namespace.admin_user) != namespace.admin_user:
                raise invalid("The sandbox can't rename the admin user of a namespace.")
            namespace.status = "MODIFYING"
            for name, value in _namespace_settings(params).items():
                setattr(namespace, name, value)
        try:
            self._set_password(namespace, params)
        finally:
            self.timeline.after(DURATIONS["modify namespace"], partial(self._namespace_modified, namespace, params))
        return self._namespace_answer(namespace)

    def delete_namespace(self, params: Params, _caller: Caller) -> Answer:
        final = params.get("finalSnapshotName")
        if "finalSnapshotRetentionPeriod" in params and final is None:
            raise invalid("finalSnapshotRetentionPeriod requires finalSnapshotName.")
        with self._present():
            namespace = self._available_namespace(params["namespaceName"])
            if workgroup := next((one for one in self._workgroups.values() if one.namespace is namespace), None):
                raise ApiError("ConflictException", f"The namespace {namespace.name} has the workgroup {workgroup.name}. Delete it first.")
            if any(one.namespace is namespace and one.status == "CREATING" for one in self._snapshots.values()):
                raise ApiError("ConflictException", f"A snapshot of the namespace {namespace.name} is being created. Try again later.")
            snapshot = self._new_snapshot(namespace, final, params.get("finalSnapshotRetentionPeriod", -1), {}) if final else None
            namespace.status = "DELETING"
        try:
            if snapshot:
                self._fill(snapshot)
        except BaseException:
            with self._lock:
                namespace.status = "AVAILABLE"
            raise
        self._forget_password(namespace)
        self.timeline.after(DURATIONS["delete namespace"], partial(self._namespace_deleted, namespace))
        return self._namespace_answer(namespace)

    def create_workgroup(self, params: Params, _caller: Caller) -> Answer:
        check_workgroup(params)
        check_capacity(params.get("baseCapacity", 128), params.get("maxCapacity"))
        tags = tags_of(params)
        with self._present():
            if params["workgroupName"] in self._workgroups:
                raise ApiError("ConflictException", f"The workgroup {params['workgroupName']} already exists.")
            namespace = self._available_namespace(params["namespaceName"])
            if other := next((one for one in self._workgroups.values() if one.namespace is namespace), None):
                raise ApiError("ConflictException", f"The namespace {namespace.name} already has the workgroup {other.name}.")
            workgroup = Workgroup(params["workgroupName"], namespace, tags=tags)
            workgroup.change(params)
            self._workgroups[workgroup.name] = workgroup
            answer = {"workgroup": workgroup.describe()}
        self.timeline.after(DURATIONS["create workgroup"], partial(self._workgroup_created, workgroup))
        return answer

    def get_workgroup(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            return {"workgroup": self._workgroup(params["workgroupName"]).describe()}

    def list_workgroups(self, params: Params, _caller: Caller) -> Answer:
        refuse_unsupported(params, ["ownerAccount"])
        with self._present():
            return listed("workgroups", self._workgroups.values(), params, lambda one: one.name, Workgroup.describe)

    def update_workgroup(self, params: Params, _caller: Caller) -> Answer:
        changes = {name: value for name, value in params.items() if name != "workgroupName"}
        if len(changes) != 1:
            found = f"got {', '.join(sorted(changes))}" if changes else "got none"
            raise invalid(f"UpdateWorkgroup changes one parameter per request: {found}.")
        check_workgroup(changes)
        with self._present():
            workgroup = self._available_workgroup(params["workgroupName"])
            self._check_new_capacity(workgroup, changes)
            workgroup.status = "MODIFYING"
            answer = {"workgroup": workgroup.describe()}
        self.timeline.after(DURATIONS["modify workgroup"], partial(self._workgroup_modified, workgroup, changes))
        return answer

    def delete_workgroup(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            workgroup = self._available_workgroup(params["workgroupName"])
            workgroup.status = "DELETING"
            answer = {"workgroup": workgroup.describe()}
        try:
            self.world.databases.stop(workgroup.namespace.key)
        finally:  # a deletion that began ends, whatever the databases say
            self.timeline.after(DURATIONS["delete workgroup"], partial(self._workgroup_deleted, workgroup))
        return answer

    def _make(self, namespace: Namespace, params: Params) -> None:
        """Make the databases and the secret; when that fails the name is free again."""
        try:
            self.world.databases.create(namespace.key, namespace.database, namespace.admin_user)
            self.world.databases.set_namespace(namespace.key, namespace.resource_id)
            self.world.databases.stop(namespace.key)
            self._set_password(namespace, params)
        except BaseException:
            self._forget_password(namespace)
            self.world.databases.drop(namespace.key)
            with self._lock:
                self._namespaces.pop(namespace.name, None)
            raise

    @staticmethod
    def _check_new_capacity(workgroup: Workgroup, changes: dict[str, Any]) -> None:
        check_capacity(changes.get("baseCapacity", workgroup.base_capacity), changes.get("maxCapacity", workgroup.max_capacity))
        target = workgroup.price_performance or {}
        if "baseCapacity" in changes and target.get("status") == "ENABLED":
            raise invalid("baseCapacity can't be set while the price-performance target is enabled.")

    def _namespace_modified(self, namespace: Namespace, params: Params) -> None:
        with self._lock:
            namespace.status = "AVAILABLE"
        if "manageAdminPassword" in params or "adminUserPassword" in params:
            self._emit("credentials updated", namespace.name, namespace.arn)

    def _namespace_deleted(self, namespace: Namespace) -> None:
        self.world.databases.drop(namespace.key)
        with self._lock:
            self._namespaces.pop(namespace.name, None)

    def _workgroup_created(self, workgroup: Workgroup) -> None:
        self.world.databases.start(workgroup.namespace.key)
        self.world.databases.set_base_capacity(workgroup.namespace.key, workgroup.base_capacity)
        with self._lock:
            workgroup.status = "AVAILABLE"
        self._emit("workgroup created", workgroup.name, workgroup.arn)

    def _workgroup_modified(self, workgroup: Workgroup, changes: dict[str, Any]) -> None:
        with self._lock:
            workgroup.change(changes)
            workgroup.status = "AVAILABLE"
        if "baseCapacity" in changes:
            self.world.databases.set_base_capacity(workgroup.namespace.key, workgroup.base_capacity)
            self._emit("base capacity changed", workgroup.name, workgroup.arn)

    def _workgroup_deleted(self, workgroup: Workgroup) -> None:
        with self._lock:
            self._workgroups.pop(workgroup.name, None)
            self._limits = {key: limit for key, limit in self._limits.items() if limit.resource_arn != workgroup.arn}
        self._emit("workgroup deleted", workgroup.name, workgroup.arn)

    def _namespace_answer(self, namespace: Namespace) -> Answer:
        with self._lock:
            return {"namespace": namespace.describe()}


def _namespace_settings(params: Params) -> dict[str, Any]:
    return {name: params[parameter] for parameter, name in _NAMESPACE_SETTINGS.items() if parameter in params}
