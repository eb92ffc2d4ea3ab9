"""DescribeVpcEndpoints answers only what its filters name; ministack answers every endpoint of the account."""

from __future__ import annotations

from typing import Any

from ministack.services import ec2

#: What an endpoint is filtered by. Source: DescribeVpcEndpoints, `Filters`.
_MEMBERS = {"vpc-id": "VpcId", "service-name": "ServiceName", "vpc-endpoint-id": "VpcEndpointId", "vpc-endpoint-state": "State"}


def apply() -> None:
    """Put it in place, once per process."""
    ec2._ACTION_MAP["DescribeVpcEndpoints"] = _describe_vpc_endpoints


def _describe_vpc_endpoints(params: Any) -> Any:
    filters, ids = ec2._parse_filters(params), ec2._parse_member_list(params, "VpcEndpointId")
    if unknown := sorted(name for name in filters if name not in _MEMBERS and not name.startswith("tag")):
        return ec2._error("InvalidParameterValue", f"The filter '{unknown[0]}' is invalid", 400)
    found = [one for one in ec2._vpc_endpoints.values() if _is_asked_for(one, filters, ids)]
    items = "".join(ec2._vpce_fields_xml(one) for one in found)
    return ec2._xml(200, "DescribeVpcEndpointsResponse", f"<vpcEndpointSet>{items}</vpcEndpointSet>")


def _is_asked_for(endpoint: dict[str, Any], filters: dict[str, list[str]], ids: list[str]) -> bool:
    if ids and endpoint["VpcEndpointId"] not in ids:
        return False
    if not ec2._resource_matches_tag_filters(endpoint["VpcEndpointId"], filters):
        return False
    return all(endpoint[member] in filters[name] for name, member in _MEMBERS.items() if name in filters)
