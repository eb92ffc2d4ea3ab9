"""The parameter group that Autopilot makes for a cluster."""

from __future__ import annotations

from typing import Any

from autopilot.aws.clients import call, client, translated
from autopilot.domain.errors import AutopilotError, WarehouseNotReady
from autopilot.domain.surroundings import OwnParameters

LOOK = ("redshift:DescribeClusterParameterGroups", "redshift:DescribeClusterParameters")
WRITE = (
    "redshift:CreateClusterParameterGroup",
    "redshift:CreateTags",
    "redshift:ModifyClusterParameterGroup",
    "redshift:ResetClusterParameterGroup",
)
DELETE = ("redshift:DeleteClusterParameterGroup",)


def find(name: str) -> OwnParameters | None:
    """The parameter group of that name and what it sets, or None. Source: DescribeClusterParameterGroups, DescribeClusterParameters."""
    try:
        found = call("redshift", "describe_cluster_parameter_groups", f"describe parameter group {name}", ParameterGroupName=name)
    except AutopilotError as error:
        if error.code != "ClusterParameterGroupNotFound":
            raise
        return None
    pages = client("redshift").get_paginator("describe_cluster_parameters")
    with translated(f"describe the parameters of group {name}"):
        listed = [one for page in pages.paginate(ParameterGroupName=name, Source="user") for one in page["Parameters"]]
    tags = {tag["Key"]: tag.get("Value", "") for tag in found["ParameterGroups"][0].get("Tags", [])}
    return OwnParameters(name=name, values={one["ParameterName"]: one.get("ParameterValue", "") for one in listed}, tags=tags)


def create(request: dict[str, Any]) -> None:
    """Create the parameter group; one that appeared meanwhile is looked at again. Source: CreateClusterParameterGroup."""
    name = request["ParameterGroupName"]
    try:
        call("redshift", "create_cluster_parameter_group", f"create parameter group {name}", **request)
    except AutopilotError as error:
        if error.code != "ClusterParameterGroupAlreadyExists":
            raise
        raise WarehouseNotReady(f"parameter group {name} appeared while it was being created; looking again", error.code) from error


def modify(request: dict[str, Any]) -> None:
    """Set parameters. Source: ModifyClusterParameterGroup."""
    call("redshift", "modify_cluster_parameter_group", f"change parameter group {request['ParameterGroupName']}", **request)


def reset(request: dict[str, Any]) -> None:
    """Give parameters their default values again. Source: ResetClusterParameterGroup."""
    call("redshift", "reset_cluster_parameter_group", f"reset parameters of group {request['ParameterGroupName']}", **request)


def delete(name: str) -> None:
    """Delete the parameter group. Raises WarehouseNotReady while a cluster uses it. Source: DeleteClusterParameterGroup."""
    try:
        call("redshift", "delete_cluster_parameter_group", f"delete parameter group {name}", ParameterGroupName=name)
    except AutopilotError as error:
        if error.code == "InvalidClusterParameterGroupState":
            raise WarehouseNotReady(f"parameter group {name} is still in use", error.code) from error
        if error.code != "ClusterParameterGroupNotFound":
            raise
