"""Restoring a snapshot into a namespace: its databases are replaced by those of the snapshot."""

from __future__ import annotations

from functools import partial
from typing import Final

from sandbox.kernel import ACCOUNT, ApiError
from sandbox.redshift.answers import Answer, Params, not_supported, refuse_unsupported
from sandbox.redshift.lifecycle import DURATIONS
from sandbox.redshift.serverless_access import Access
from sandbox.redshift.serverless_records import Namespace, ServerlessSnapshot, Workgroup
from sandbox.redshift.serverless_rules import invalid
from sandbox.world import Caller

_UNSUPPORTED: Final = ("maintainIntegration", "adminPasswordSecretKmsKeyId")


class Restore(Access):
    """RestoreFromSnapshot: namespace and workgroup must be there, and stay what they are; the data and its admin user are the snapshot's."""

    def restore_from_snapshot(self, params: Params, _caller: Caller) -> Answer:
        refuse_unsupported(params, _UNSUPPORTED)
        if params.get("ownerAccount", ACCOUNT) != ACCOUNT:
            raise not_supported("A snapshot of another account")
        if ("snapshotName" in params) == ("snapshotArn" in params):
            raise invalid("Give either snapshotName or snapshotArn.")
        self._drop_expired()
        with self._present():
            by_arn = next((one.name for one in self._snapshots.values() if one.arn == params.get("snapshotArn")), None)
            snapshot = self._snapshot(params.get("snapshotName") or by_arn or params["snapshotArn"])
            if snapshot.status != "AVAILABLE":
                raise ApiError("ConflictException", f"The snapshot {snapshot.name} is {snapshot.status}, not AVAILABLE.")
            namespace, workgroup = self._available_namespace(params["namespaceName"]), self._available_workgroup(params["workgroupName"])
            if workgroup.namespace is not namespace:
                raise invalid(f"The workgroup {workgroup.name} is not one of the namespace {namespace.name}.")
            namespace.status = workgroup.status = "MODIFYING"
        try:
            self._replace(namespace, snapshot, managed=params.get("manageAdminPassword") is True)
        finally:  # a restore that began ends, whatever the databases say
            self.timeline.after(DURATIONS["restore namespace"], partial(self._restored, namespace, workgroup))
        with self._lock:
            return {"namespace": namespace.describe(), "ownerAccount": ACCOUNT, "snapshotName": snapshot.name}

    def _replace(self, namespace: Namespace, snapshot: ServerlessSnapshot, *, managed: bool) -> None:
        self.world.databases.stop(namespace.key)
        self._forget_password(namespace)
        self.world.databases.drop(namespace.key)
        self.world.databases.copy(snapshot.key, namespace.key)
        self.world.databases.set_namespace(namespace.key, namespace.resource_id)
        self.world.databases.stop(namespace.key)
        with self._lock:
            namespace.admin_user, namespace.database = snapshot.namespace.admin_user, snapshot.namespace.database
        if managed:
            self._set_password(namespace, {"manageAdminPassword": True})

    def _restored(self, namespace: Namespace, workgroup: Workgroup) -> None:
        self.world.databases.start(namespace.key)
        self.world.databases.set_base_capacity(namespace.key, workgroup.base_capacity)
        with self._lock:
            namespace.status = workgroup.status = "AVAILABLE"
