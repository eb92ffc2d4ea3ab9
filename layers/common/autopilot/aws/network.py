"""The security group that Autopilot makes for a warehouse, and the VPC that it belongs in."""

from __future__ import annotations

from typing import Any

from autopilot.aws.clients import call
from autopilot.domain.errors import AutopilotError, InvalidInput, WarehouseNotReady
from autopilot.domain.surroundings import Entry, OwnGroup

LOOK = ("ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs", "redshift:DescribeClusterSubnetGroups")
WRITE = ("ec2:CreateSecurityGroup", "ec2:CreateTags", "ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress")
DELETE = ("ec2:DeleteSecurityGroup",)


def vpc_of(subnet_group: str, subnet_ids: list[str]) -> str:
    """The VPC of a subnet group or of subnets, else the account's default one. Raises InvalidInput where there is none.

    Source: DescribeClusterSubnetGroups, DescribeSubnets, DescribeVpcs.
    """
    if subnet_group and subnet_group != "default":
        groups = call(
            "redshift", "describe_cluster_subnet_groups", f"describe subnet group {subnet_group}", ClusterSubnetGroupName=subnet_group
        )
        return str(groups["ClusterSubnetGroups"][0]["VpcId"])
    if subnet_ids:
        return str(call("ec2", "describe_subnets", "describe subnets", SubnetIds=subnet_ids[:1])["Subnets"][0]["VpcId"])
    found = call("ec2", "describe_vpcs", "find the default VPC", Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    if not found:
        raise InvalidInput("spec.network: this account has no default VPC here; name a subnet_group or subnet_ids")
    return str(found[0]["VpcId"])


def find(name: str, vpc: str = "") -> OwnGroup | None:
    """The security group of that name, or None. Source: DescribeSecurityGroups."""
    filters = [{"Name": "group-name", "Values": [name]}, *([{"Name": "vpc-id", "Values": [vpc]}] if vpc else [])]
    found = call("ec2", "describe_security_groups", f"find security group {name}", Filters=filters)["SecurityGroups"]
    if not found:
        return None
    group = found[0]
    tags = {tag["Key"]: tag.get("Value", "") for tag in group.get("Tags", [])}
    return OwnGroup(id=group["GroupId"], entries=frozenset(_entries(group.get("IpPermissions", []))), tags=tags)


def _entries(permissions: list[dict[str, Any]]) -> list[Entry]:
    return [
        Entry(one[member], permission["FromPort"])
        for permission in permissions
        if "FromPort" in permission
        for ranges, member in (("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6"), ("UserIdGroupPairs", "GroupId"))
        for one in permission.get(ranges, [])
    ]


def create(request: dict[str, Any]) -> None:
    """Create the security group; one of that name that appeared meanwhile is looked at again. Source: CreateSecurityGroup."""
    name = request["GroupName"]
    try:
        call("ec2", "create_security_group", f"create security group {name}", **request)
    except AutopilotError as error:
        if error.code != "InvalidGroup.Duplicate":
            raise
        raise WarehouseNotReady(f"security group {name} appeared while it was being created; looking again", error.code) from error


def authorize(request: dict[str, Any]) -> None:
    """Let sources in; those that are in already stay. Source: AuthorizeSecurityGroupIngress."""
    _settle("authorize_security_group_ingress", "let sources into", request, "InvalidPermission.Duplicate")


def revoke(request: dict[str, Any]) -> None:
    """Shut sources out; those that are out already stay out. Source: RevokeSecurityGroupIngress."""
    _settle("revoke_security_group_ingress", "shut sources out of", request, "InvalidPermission.NotFound")


def _settle(operation: str, what: str, request: dict[str, Any], done: str) -> None:
    try:
        call("ec2", operation, f"{what} security group {request['GroupId']}", **request)
    except AutopilotError as error:
        # EC2 refuses the whole request for one entry that is there already: another look tells what is left.
        if error.code != done:
            raise
        raise WarehouseNotReady(f"the entries of security group {request['GroupId']} changed meanwhile; looking again", done) from error


def delete(group_id: str) -> None:
    """Delete the security group. Raises WarehouseNotReady while something uses it. Source: DeleteSecurityGroup."""
    try:
        call("ec2", "delete_security_group", f"delete security group {group_id}", GroupId=group_id)
    except AutopilotError as error:
        if error.code == "DependencyViolation":
            raise WarehouseNotReady(f"security group {group_id} is still in use", error.code) from error
        if error.code != "InvalidGroup.NotFound":
            raise
