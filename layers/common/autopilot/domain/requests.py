"""What a spec means for AWS: the requests that create its warehouse. What the spec leaves open is taken from the stack's foundation."""

from __future__ import annotations

from typing import Any

import msgspec

from autopilot.domain.spec import Spec
from autopilot.domain.spec_checks import DEFAULT_BASE_RPU, DEFAULT_NODE_TYPE, DEFAULT_NODES
from autopilot.domain.spec_parts import LOG_EXPORTS, Logging, Roles
from autopilot.domain.tags import MANAGED_TAG, OWNER_TAG, WAREHOUSE_TAG, owner_of

ADMIN_USER = "autopilot_admin"
#: AWS keeps automated snapshots for one day, which a long weekend outlasts.
DEFAULT_BACKUP_DAYS = 7
DEFAULT_PORT = 5439
#: What a parameter group that Autopilot makes says, and a workgroup, unless the spec says otherwise.
SECURE_PARAMETERS = {"require_ssl": "true", "enable_user_activity_logging": "true"}


class Foundation(msgspec.Struct, frozen=True, kw_only=True):
    """What the stack offers to new warehouses; empty where it offers nothing and AWS's own default is taken."""

    kms_key: str = ""
    subnet_group: str = ""
    subnet_ids: tuple[str, ...] = ()
    security_group: str = ""
    parameter_group: str = ""
    spectrum_role: str = ""
    log_bucket: str = ""


def logging_of(spec: Spec, foundation: Foundation) -> Logging:
    """Where its audit logs go: as the spec says, else to the stack's log bucket (clusters) or to CloudWatch."""
    to_bucket = spec.kind == "cluster" and bool(foundation.log_bucket)
    asked = spec.logging or Logging(destination="s3" if to_bucket else "cloudwatch")
    if asked.destination != "s3":
        return asked
    return msgspec.structs.replace(
        asked, bucket=asked.bucket or foundation.log_bucket or None, prefix=asked.prefix if asked.prefix is not None else f"{spec.name}/"
    )


def roles_of(spec: Spec, foundation: Foundation) -> Roles:
    """The roles that a new warehouse is given."""
    return spec.iam_roles or Roles(default=foundation.spectrum_role or None)


def security_groups_of(spec: Spec, foundation: Foundation, own_group: str) -> list[str]:
    """The security groups of a new warehouse: the spec's and the one made for its `allow_from`, else the stack's."""
    return [*spec.network.security_group_ids, *([own_group] if own_group else [])] or [one for one in [foundation.security_group] if one]


def creation_tags(spec: Spec, execution: str) -> dict[str, str]:
    """The tags of everything that is created for a spec."""
    return {**spec.own_tags, MANAGED_TAG: "true", WAREHOUSE_TAG: spec.name, OWNER_TAG: owner_of(execution)}


def upper_tags(tags: dict[str, str]) -> list[dict[str, str]]:
    """Tags as Redshift and EC2 write them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def lower_tags(tags: dict[str, str]) -> list[dict[str, str]]:
    """Tags as Redshift Serverless writes them."""
    return [{"key": key, "value": value} for key, value in tags.items()]


def cluster_request(
    spec: Spec, execution: str, foundation: Foundation | None = None, *, own_group: str = "", parameter_group: str = ""
) -> dict[str, Any]:
    """The CreateCluster request of a spec. Encrypted, admin secret kept by Redshift: the safe values are not optional here.

    `own_group` is the security group made for `allow_from`, `parameter_group` the one to be used.
    """
    foundation = foundation or Foundation()
    nodes, network, roles = spec.compute.nodes or DEFAULT_NODES, spec.network, roles_of(spec, foundation)
    return {
        "ClusterIdentifier": spec.name,
        "NodeType": spec.compute.node_type or DEFAULT_NODE_TYPE,
        "ClusterType": "multi-node" if nodes > 1 else "single-node",
        "DBName": spec.database,
        "MasterUsername": ADMIN_USER,
        "ManageMasterPassword": True,
        "Encrypted": True,
        "PubliclyAccessible": network.public,
        "EnhancedVpcRouting": network.enhanced_vpc_routing,
        "AutomatedSnapshotRetentionPeriod": spec.backups.automated_days or DEFAULT_BACKUP_DAYS,
        "Tags": upper_tags(creation_tags(spec, execution)),
        **_given(
            NumberOfNodes=nodes if nodes > 1 else None,
            MultiAZ=spec.compute.multi_az,
            ClusterSubnetGroupName=network.subnet_group or foundation.subnet_group,
            VpcSecurityGroupIds=security_groups_of(spec, foundation, own_group),
            Port=network.port,
            ElasticIp=network.elastic_ip,
            AvailabilityZone=network.availability_zone,
            AvailabilityZoneRelocation=network.zone_relocation,
            IpAddressType=network.ip_address_type,
            KmsKeyId=spec.encryption.kms_key or foundation.kms_key,
            MasterPasswordSecretKmsKeyId=spec.encryption.secret_kms_key,
            ManualSnapshotRetentionPeriod=spec.backups.manual_days,
            PreferredMaintenanceWindow=spec.maintenance_window,
            ClusterParameterGroupName=parameter_group,
            IamRoles=roles.all,
            DefaultIamRoleArn=roles.default,
        ),
    }


def namespace_request(spec: Spec, execution: str, foundation: Foundation | None = None) -> dict[str, Any]:
    """The CreateNamespace request of a workgroup's spec; the namespace has the workgroup's name."""
    foundation = foundation or Foundation()
    roles, logging = roles_of(spec, foundation), logging_of(spec, foundation)
    return {
        "namespaceName": spec.name,
        "dbName": spec.database,
        "adminUsername": ADMIN_USER,
        "manageAdminPassword": True,
        "tags": lower_tags(creation_tags(spec, execution)),
        **_given(
            kmsKeyId=spec.encryption.kms_key or foundation.kms_key,
            adminPasswordSecretKmsKeyId=spec.encryption.secret_kms_key,
            iamRoles=roles.all,
            defaultIamRoleArn=roles.default,
            logExports=[name for name in LOG_EXPORTS if name in logging.exports and logging.destination == "cloudwatch"],
        ),
    }


def workgroup_request(spec: Spec, execution: str, foundation: Foundation | None = None, *, own_group: str = "") -> dict[str, Any]:
    """The CreateWorkgroup request of a spec."""
    foundation = foundation or Foundation()
    network, target = spec.network, spec.compute.price_performance_target
    return {
        "workgroupName": spec.name,
        "namespaceName": spec.name,
        "publiclyAccessible": network.public,
        "enhancedVpcRouting": network.enhanced_vpc_routing,
        "configParameters": config_parameters({**SECURE_PARAMETERS, **spec.parameters.as_text()}),
        "tags": lower_tags(creation_tags(spec, execution)),
        **_given(
            baseCapacity=None if target else spec.compute.base_rpu or DEFAULT_BASE_RPU,
            pricePerformanceTarget={"status": "ENABLED", "level": target} if target else None,
            maxCapacity=spec.compute.max_rpu,
            subnetIds=network.subnet_ids or list(foundation.subnet_ids),
            securityGroupIds=security_groups_of(spec, foundation, own_group),
            port=network.port,
            ipAddressType=network.ip_address_type,
        ),
    }


def config_parameters(values: dict[str, str]) -> list[dict[str, str]]:
    """Database parameters as Redshift Serverless writes them."""
    return [{"parameterKey": key, "parameterValue": value} for key, value in sorted(values.items())]


def _given(**arguments: Any) -> dict[str, Any]:
    """The arguments that say something."""
    return {key: value for key, value in arguments.items() if value not in (None, "", [])}
