"""How a cluster comes to be, from parameters or from a snapshot: its name is taken, then its secret and its databases are made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sandbox.kernel import ApiError
from sandbox.redshift.answers import Answer, Params, new_password
from sandbox.redshift.clusters_records import Cluster
from sandbox.redshift.clusters_rules import combination
from sandbox.redshift.clusters_state import ClustersState

_SETTINGS: Final = {
    "Port": "port",
    "AvailabilityZone": "zone",
    "ClusterSubnetGroupName": "subnet_group",
    "ClusterParameterGroupName": "parameter_group",
    "VpcSecurityGroupIds": "security_groups",
    "IamRoles": "iam_roles",
    "DefaultIamRoleArn": "default_iam_role",
    "Encrypted": "encrypted",
    "KmsKeyId": "kms_key",
    "EnhancedVpcRouting": "enhanced_vpc_routing",
    "PubliclyAccessible": "public",
    "ElasticIp": "elastic_ip",
    "MultiAZ": "multi_az",
    "AvailabilityZoneRelocation": "zone_relocation",
    "ExtraComputeForAutomaticOptimization": "extra_compute",
    "IpAddressType": "ip_address_type",
    "AutomatedSnapshotRetentionPeriod": "automated_retention",
    "ManualSnapshotRetentionPeriod": "manual_retention",
    "PreferredMaintenanceWindow": "maintenance_window",
    "MaintenanceTrackName": "maintenance_track",
    "AllowVersionUpgrade": "allow_version_upgrade",
    "MasterPasswordSecretKmsKeyId": "secret_kms_key",
}
"""The field of a cluster that each parameter of a request sets."""


def settings_of(params: Params) -> dict[str, Any]:
    """The fields of a cluster that the request sets."""
    return {name: params[parameter] for parameter, name in _SETTINGS.items() if parameter in params}


class Creation(ClustersState):
    """What CreateCluster and RestoreFromClusterSnapshot share."""

    def _take_name(self, cluster: Cluster) -> None:
        """Register the cluster, so that a second request for its name is refused from here on. The lock is held."""
        if cluster.name in self._clusters:
            raise ApiError("ClusterAlreadyExists", f"Cluster already exists: {cluster.name}")
        if cluster.subnet_group is not None and cluster.subnet_group not in self._subnet_groups:
            raise ApiError("ClusterSubnetGroupNotFoundFault", f"The cluster subnet group '{cluster.subnet_group}' doesn't exist.")
        self._check_parameter_group(cluster.parameter_group)
        if cluster.multi_az and cluster.nodes < 2:
            raise combination("MultiAZ requires a multi-node cluster.")
        if cluster.default_iam_role and cluster.default_iam_role not in cluster.iam_roles:
            cluster.iam_roles.append(cluster.default_iam_role)
        self._clusters[cluster.name] = cluster

    def _check_parameter_group(self, name: str) -> None:
        if name not in self._parameter_groups:
            raise ApiError("ClusterParameterGroupNotFound", f"Cluster parameter group not found: {name}")

    @contextmanager
    def _undone_on_error(self, cluster: Cluster) -> Iterator[None]:
        """Give the name free again when the block raises."""
        try:
            yield
        except BaseException:
            self._forget_password(cluster)
            self.world.databases.drop(cluster.key)
            with self._lock:
                self._clusters.pop(cluster.name, None)
            raise

    def _set_password(self, cluster: Cluster, params: Params) -> None:
        """Give the admin user the requested password, or one that Redshift keeps as a secret. The cluster keeps neither."""
        if params.get("ManageMasterPassword") is True and cluster.secret_arn is None:
            password = new_password()
            secret = {"username": cluster.admin_user, "password": password}
            secret_arn = self.world.ports.create_secret(f"redshift!{cluster.name}-{cluster.admin_user}", secret)
            with self._lock:
                cluster.secret_arn = secret_arn
            self.world.databases.set_password(cluster.key, cluster.admin_user, password)
        elif "MasterUserPassword" in params:
            self._forget_password(cluster)
            self.world.databases.set_password(cluster.key, cluster.admin_user, params["MasterUserPassword"])

    def _forget_password(self, cluster: Cluster) -> None:
        """Stop keeping the admin password, when Redshift does."""
        with self._lock:
            secret_arn, cluster.secret_arn, cluster.secret_kms_key = cluster.secret_arn, None, None
        if secret_arn:
            self.world.ports.delete_secret(secret_arn)

    def _answer(self, cluster: Cluster) -> Answer:
        with self._lock:
            return {"Cluster": cluster.describe()}
