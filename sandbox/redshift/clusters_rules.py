"""What Redshift demands of a provisioned cluster's parameters. Pure: raises ApiError with the service's wire codes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from sandbox.kernel import ApiError
from sandbox.redshift.answers import check_tags, refuse_unsupported
from sandbox.redshift.clusters_nodes import CLUSTER_VERSION, NODE_TYPES

CREATE_UNSUPPORTED: Final = (
    "ClusterSecurityGroups",
    "HsmClientCertificateIdentifier",
    "HsmConfigurationIdentifier",
    "AdditionalInfo",
    "LoadSampleData",
    "RedshiftIdcApplicationArn",
    "CatalogName",
)
MODIFY_UNSUPPORTED: Final = (
    "ClusterSecurityGroups",
    "HsmClientCertificateIdentifier",
    "HsmConfigurationIdentifier",
    "NewClusterIdentifier",
    "AvailabilityZone",
)

_HYPHENATED = re.compile(r"[a-z](?:-?[a-z0-9])*")
_USER_NAME = re.compile(r"[a-z][a-z0-9_+.@-]{0,127}")
_DATABASE_NAME = re.compile(r"[a-z_][a-z0-9_$]{0,63}")
_PASSWORD = re.compile(r"(?=.*[A-Z])(?=.*[a-z])(?=.*[0-9])[!-~]{8,64}")
_PASSWORD_FORBIDDEN = re.compile(r"['\"\\/@]")
_WINDOW = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun):(?:[01]\d|2[0-3]):[0-5]\d-(?:mon|tue|wed|thu|fri|sat|sun):(?:[01]\d|2[0-3]):[0-5]\d")
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/\S+")
_SECURITY_GROUP = re.compile(r"sg-[0-9a-z]+")
_RESERVED_USERS = frozenset({"public", "all", "user", "group", "table", "select", "default", "authorization"})
_PORTS = (range(5431, 5456), range(8191, 8216))
_MOST_TAGS = 50


def invalid(message: str) -> ApiError:
    """The refusal of one parameter's value."""
    return ApiError("InvalidParameterValue", message)


def combination(message: str) -> ApiError:
    """The refusal of parameters that do not go together, or of one that is missing."""
    return ApiError("InvalidParameterCombination", message)


def check_identifier(what: str, value: str, longest: int = 63) -> None:
    """Lower-case letters, digits and single hyphens; a letter first, no hyphen last."""
    if len(value) > longest or not _HYPHENATED.fullmatch(value):
        raise invalid(
            f"The parameter {what} is not a valid identifier: '{value}'. Identifiers must have 1 to {longest} lowercase letters, digits "
            "and hyphens, begin with a letter, and must not end with a hyphen or contain two consecutive hyphens."
        )


def tags_of(params: Mapping[str, Any]) -> dict[str, str]:
    """The tags of a request, checked."""
    pairs = [(tag.get("Key", ""), tag.get("Value", "")) for tag in params.get("Tags", [])]
    tags = check_tags(pairs, lambda message: ApiError("InvalidTagFault", message))
    check_tag_count(tags)
    return tags


def check_tag_count(tags: Mapping[str, str]) -> None:
    """At most 50 tags on a resource."""
    if len(tags) > _MOST_TAGS:
        raise ApiError("TagLimitExceededFault", f"A resource can have at most {_MOST_TAGS} tags.")


def check_new_cluster(params: Mapping[str, Any], *, only_sold: bool = True) -> None:
    """Refuse a CreateCluster that AWS would refuse for its parameters alone."""
    refuse_unsupported(params, CREATE_UNSUPPORTED)
    check_identifier("ClusterIdentifier", params["ClusterIdentifier"])
    check_admin(params["MasterUsername"])
    check_sign_in(params, required=True)
    if not _DATABASE_NAME.fullmatch(params.get("DBName", "dev")):
        raise invalid(f"Database name '{params['DBName']}' must have 1 to 64 lowercase letters, digits and underscores.")
    check_size(params["NodeType"], params.get("ClusterType"), params.get("NumberOfNodes"), only_sold=only_sold)
    check_settings(params, params["NodeType"] if only_sold else None)


def check_admin(name: str) -> None:
    """The admin user's name: lower case, a letter first, not reserved."""
    if not _USER_NAME.fullmatch(name) or name in _RESERVED_USERS:
        raise invalid(f"The parameter MasterUsername is not valid: '{name}' is reserved or has characters that are not allowed.")


def check_sign_in(params: Mapping[str, Any], *, required: bool) -> None:
    """A password, or a password managed by Redshift, and never both."""
    managed, password = params.get("ManageMasterPassword", False), params.get("MasterUserPassword")
    if managed and password is not None:
        raise combination("MasterUserPassword can't be used when ManageMasterPassword is true.")
    if params.get("MasterPasswordSecretKmsKeyId") and not managed:
        raise combination("MasterPasswordSecretKmsKeyId requires ManageMasterPassword.")
    if required and not managed and password is None:
        raise combination("MasterUserPassword is required unless ManageMasterPassword is true.")
    if password is not None and (not _PASSWORD.fullmatch(password) or _PASSWORD_FORBIDDEN.search(password)):
        raise invalid(
            "The parameter MasterUserPassword must have 8 to 64 printable ASCII characters with an uppercase letter, a lowercase letter "
            "and a digit, and none of ' \" \\ / @."
        )


def check_size(node_type: str, cluster_type: str | None, nodes: int | None, *, only_sold: bool = True, resizing: bool = False) -> None:
    """The three parameters must agree with each other and with the node type's limits."""
    node = NODE_TYPES.get(node_type)
    if node is None or (only_sold and not node.sold):
        raise invalid(f"Invalid node type: {node_type}. Ask DescribeOrderableClusterOptions for the node types of this region.")
    if cluster_type not in (None, "single-node", "multi-node"):
        raise invalid(f"Invalid cluster type: {cluster_type}. It must be single-node or multi-node.")
    if cluster_type == "multi-node" and nodes is None:
        raise combination("Number of nodes must be specified when the cluster type is multi-node.")
    count = 1 if nodes is None else nodes
    if cluster_type == "single-node" and count != 1:
        raise combination("Number of nodes for cluster type single-node must be 1.")
    if cluster_type == "multi-node" and count < 2:
        raise combination("Number of nodes for cluster type multi-node must be greater than or equal to 2.")
    if count < 1:
        raise invalid("Number of nodes must be at least 1.")
    if count == 1 and not node.single_node:
        raise combination(f"Number of nodes for node type {node_type} must be at least 2.")
    most = node.most_nodes if resizing else node.most_nodes_at_creation
    if count > most:
        raise ApiError("NumberOfNodesPerClusterLimitExceeded", f"{node_type} allows at most {most} nodes.")


def check_settings(params: Mapping[str, Any], node_type: str | None) -> None:
    """The settings that can be given at creation, at restore and later. `node_type` None: an older type with wider limits."""
    check_retention(params.get("AutomatedSnapshotRetentionPeriod"), params.get("ManualSnapshotRetentionPeriod"), node_type)
    port = params.get("Port")
    if port is not None and node_type is not None and not any(port in ports for ports in _PORTS):
        raise invalid(f"Port {port} is not valid: {node_type} takes a port within 5431-5455 or 8191-8215.")
    window = params.get("PreferredMaintenanceWindow")
    if window is not None and not _WINDOW.fullmatch(window.lower()):
        raise invalid(f"Invalid maintenance window '{window}': the format is ddd:hh24:mi-ddd:hh24:mi.")
    if params.get("ClusterVersion", CLUSTER_VERSION) != CLUSTER_VERSION:
        raise invalid(f"Cannot find version {params['ClusterVersion']}. The only version is {CLUSTER_VERSION}.")
    if params.get("KmsKeyId") and params.get("Encrypted") is False:
        raise combination("KmsKeyId can't be used when Encrypted is false.")
    if params.get("ElasticIp") and not params.get("PubliclyAccessible", False):
        raise combination("ElasticIp requires PubliclyAccessible.")
    if params.get("IpAddressType", "ipv4") not in ("ipv4", "dualstack"):
        raise invalid("IpAddressType must be ipv4 or dualstack.")
    if params.get("SnapshotScheduleIdentifier"):
        raise ApiError("SnapshotScheduleNotFound", f"Snapshot schedule {params['SnapshotScheduleIdentifier']} not found.")
    _check_access(params)


def _check_access(params: Mapping[str, Any]) -> None:
    for group in params.get("VpcSecurityGroupIds", []):
        if not _SECURITY_GROUP.fullmatch(group):
            raise invalid(f"Invalid security group ID '{group}'.")
    check_roles([*params.get("IamRoles", []), *([params["DefaultIamRoleArn"]] if params.get("DefaultIamRoleArn") else [])])


def check_roles(arns: list[str]) -> None:
    """Every ARN must be that of an IAM role; whether the role exists is not asked."""
    for arn in arns:
        if not _ROLE_ARN.fullmatch(arn):
            raise invalid(f"The IAM role '{arn}' is not valid: it must be the ARN of a role.")


def check_retention(automated: int | None, manual: int | None, node_type: str | None = None) -> None:
    """Days that automated and manual snapshots are kept; ra3 and rg nodes cannot do without automated ones."""
    if automated is not None and not 0 <= automated <= 35:
        raise invalid("AutomatedSnapshotRetentionPeriod must be between 0 and 35 days.")
    if automated == 0 and node_type is not None and node_type.startswith(("ra3.", "rg.")):
        raise invalid(f"Automated snapshots can't be disabled for {node_type}: AutomatedSnapshotRetentionPeriod must be 1 to 35 days.")
    if manual is not None and manual != -1 and not 1 <= manual <= 3653:
        raise ApiError("InvalidRetentionPeriodFault", "The retention period of manual snapshots must be -1 or between 1 and 3653 days.")


def check_max_records(params: Mapping[str, Any], fewest: int = 20) -> int:
    """The page size that a describe operation asks for."""
    limit: int = params.get("MaxRecords", 100)
    if not fewest <= limit <= 100:
        raise invalid(f"MaxRecords must be between {fewest} and 100.")
    return limit
