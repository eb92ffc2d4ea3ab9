"""What AWS says of a warehouse as far as the security baseline asks: its settings, parameters, logs, network and roles."""

from __future__ import annotations

import re
from typing import Any

from autopilot.aws.clients import call, client, translated
from autopilot.domain.baseline import PARAMETERS, Facts, Role
from autopilot.domain.errors import AutopilotError, TransientError
from autopilot.domain.policies import Policy
from autopilot.domain.warehouse import Warehouse

PERMISSIONS = (
    "redshift:DescribeClusterParameters",
    "redshift:DescribeLoggingStatus",
    "ec2:DescribeNatGateways",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcEndpoints",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
)
#: Changes that a cluster shows as pending until they are in effect. Source: DescribeClusters, `PendingModifiedValues`.
_CHANGING = ("EncryptionType", "EnhancedVpcRouting", "PubliclyAccessible")


def of(seen: Warehouse) -> Facts:
    """The facts of a warehouse. Source: DescribeClusters, DescribeClusterParameters, DescribeLoggingStatus; GetWorkgroup, GetNamespace."""
    return _of_cluster(seen) if seen.kind == "cluster" else _of_workgroup(seen)


def _of_cluster(seen: Warehouse) -> Facts:
    name = seen.name
    cluster = call("redshift", "describe_clusters", f"describe cluster {name}", ClusterIdentifier=name)["Clusters"][0]
    logging = call("redshift", "describe_logging_status", f"look how cluster {name} is logged", ClusterIdentifier=name)
    (group, *_) = cluster.get("ClusterParameterGroups") or [{"ParameterGroupName": ""}]
    parameters = _parameters(group["ParameterGroupName"])
    routed, vpc = bool(cluster.get("EnhancedVpcRouting")), cluster.get("VpcId", "")
    unset = any(parameters.get(parameter) != "true" for parameter in PARAMETERS.values())
    return Facts(
        kind="cluster",
        name=name,
        status=cluster["ClusterStatus"],
        encrypted=bool(cluster.get("Encrypted")),
        public=bool(cluster.get("PubliclyAccessible")),
        enhanced_vpc_routing=routed,
        admin_user=cluster.get("MasterUsername", ""),
        vpc=vpc,
        route_to_s3="" if routed else _route_to_s3(vpc, seen.region),
        logging=(logging.get("LogDestinationType") or "s3") if logging.get("LoggingEnabled") else "",
        log_exports=logging.get("LogExports", []),
        parameter_group=group["ParameterGroupName"],
        parameters=parameters,
        pending_parameters=[parameter for parameter in PARAMETERS.values() if _is_pending(group, parameter)],
        sharing_group=_sharing(group["ParameterGroupName"], name) if unset else [],
        retention_days=cluster.get("AutomatedSnapshotRetentionPeriod", 0),
        roles=[_role(role["IamRoleArn"]) for role in cluster.get("IamRoles", [])],
        changing=[change for change in _CHANGING if change in cluster.get("PendingModifiedValues", {})],
    )


def _of_workgroup(seen: Warehouse) -> Facts:
    name, space = seen.name, seen.namespace or ""
    workgroup = call("redshift-serverless", "get_workgroup", f"describe workgroup {name}", workgroupName=name)["workgroup"]
    namespace = call("redshift-serverless", "get_namespace", f"describe namespace {space}", namespaceName=space)["namespace"]
    routed = bool(workgroup.get("enhancedVpcRouting"))
    vpc = "" if routed else _vpc_of(workgroup.get("subnetIds", []))
    return Facts(
        kind="workgroup",
        name=name,
        # A workgroup can be changed only while its namespace is available, too.
        status=next((status for status in (workgroup["status"], namespace["status"]) if status != "AVAILABLE"), "AVAILABLE").lower(),
        encrypted=True,
        public=bool(workgroup.get("publiclyAccessible")),
        enhanced_vpc_routing=routed,
        admin_user=namespace.get("adminUsername", ""),
        vpc=vpc,
        route_to_s3="" if routed else _route_to_s3(vpc, seen.region),
        logging="cloudwatch" if namespace.get("logExports") else "",
        log_exports=namespace.get("logExports", []),
        parameters={one["parameterKey"]: one.get("parameterValue", "") for one in workgroup.get("configParameters", [])},
        # GetNamespace gives each role as text: IamRole(applyStatus=in-sync, iamRoleArn=arn:...).
        roles=[_role(arn) for role in namespace.get("iamRoles", []) for arn in re.findall(r"arn:[^\s,)]+", role)],
        namespace=space,
    )


def _parameters(group: str) -> dict[str, str]:
    """All parameters of a group. Source: DescribeClusterParameters."""
    pages = client("redshift").get_paginator("describe_cluster_parameters")
    with translated(f"read parameter group {group}"):
        found = [one for page in pages.paginate(ParameterGroupName=group) for one in page["Parameters"]]
    return {one["ParameterName"]: one.get("ParameterValue", "") for one in found}


def _is_pending(group: dict[str, Any], parameter: str) -> bool:
    """Whether a parameter waits for a reboot. A group that was just attached waits as a whole and lists nothing."""
    listed = {one["ParameterName"]: one["ParameterApplyStatus"] for one in group.get("ClusterParameterStatusList", [])}
    status = listed.get(parameter, "in-sync") if listed else group.get("ParameterApplyStatus", "in-sync")
    return status not in {"in-sync", "applying"}


def _sharing(group: str, name: str) -> list[str]:
    """The other clusters of the account that use a parameter group; nobody asks that of a default group, which cannot be changed."""
    if group.startswith("default."):
        return []
    pages = client("redshift").get_paginator("describe_clusters")
    with translated(f"look who uses parameter group {group}"):
        return [
            cluster["ClusterIdentifier"]
            for page in pages.paginate()
            for cluster in page["Clusters"]
            if cluster["ClusterIdentifier"] != name
            and any(one["ParameterGroupName"] == group for one in cluster.get("ClusterParameterGroups", []))
        ]


def _vpc_of(subnets: list[str]) -> str:
    if not subnets:
        return ""
    found = call("ec2", "describe_subnets", f"describe subnet {subnets[0]}", SubnetIds=subnets[:1])["Subnets"]
    return str(found[0]["VpcId"]) if found else ""


def _route_to_s3(vpc: str, region: str) -> str:
    """How a VPC reaches S3 by itself: an endpoint, else a NAT gateway, else not at all."""
    if not vpc:
        return ""
    service = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "service-name", "Values": [f"com.amazonaws.{region}.s3"]}]
    endpoints = call("ec2", "describe_vpc_endpoints", f"list the endpoints of {vpc}", Filters=service)["VpcEndpoints"]
    if endpoints:
        return str(endpoints[0]["VpcEndpointId"])
    available = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "state", "Values": ["available"]}]
    gateways = call("ec2", "describe_nat_gateways", f"list the NAT gateways of {vpc}", Filters=available)["NatGateways"]
    return str(gateways[0]["NatGatewayId"]) if gateways else ""


def _role(arn: str) -> Role:
    """A role with its policies, inline and attached; why they could not be read where that is so (a role of another account, say)."""
    name = arn.rpartition("/")[2]
    try:
        return Role(arn, [*_inline(name), *_attached(name)])
    except TransientError:
        raise
    except AutopilotError as error:
        return Role(arn, unreadable=str(error))


def _inline(role: str) -> list[Policy]:
    pages = client("iam").get_paginator("list_role_policies")
    with translated(f"list the policies of role {role}"):
        names = [name for page in pages.paginate(RoleName=role) for name in page["PolicyNames"]]
    what = f"read a policy of role {role}"
    return [Policy(name, call("iam", "get_role_policy", what, RoleName=role, PolicyName=name)["PolicyDocument"]) for name in names]


def _attached(role: str) -> list[Policy]:
    pages = client("iam").get_paginator("list_attached_role_policies")
    with translated(f"list the policies of role {role}"):
        attached = [one for page in pages.paginate(RoleName=role) for one in page["AttachedPolicies"]]
    return [Policy(one["PolicyName"], _document(one["PolicyArn"])) for one in attached]


def _document(policy: str) -> dict[str, Any]:
    what = f"read policy {policy}"
    version = call("iam", "get_policy", what, PolicyArn=policy)["Policy"]["DefaultVersionId"]
    document: dict[str, Any] = call("iam", "get_policy_version", what, PolicyArn=policy, VersionId=version)["PolicyVersion"]["Document"]
    return document
