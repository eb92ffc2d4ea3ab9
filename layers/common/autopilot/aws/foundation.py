"""What the stack offers to new warehouses, and what AWS itself offers: keys and node types."""

from __future__ import annotations

import os

import msgspec

from autopilot.aws.clients import call, client, translated
from autopilot.domain.errors import AutopilotError, InvalidInput
from autopilot.domain.requests import Foundation
from autopilot.domain.spec import Spec
from autopilot.domain.spec_checks import DEFAULT_NODE_TYPE, DEFAULT_NODES

LOOK = ("kms:DescribeKey", "redshift:DescribeOrderableClusterOptions")


def of_stack() -> Foundation:
    """What the stack offers, from the environment that the template gives."""
    given = os.environ.get
    return Foundation(
        kms_key=given("DEFAULT_KMS_KEY", ""),
        subnet_group=given("DEFAULT_SUBNET_GROUP", ""),
        subnet_ids=tuple(one for one in given("DEFAULT_SUBNET_IDS", "").split(",") if one),
        security_group=given("DEFAULT_SECURITY_GROUP", ""),
        parameter_group=given("DEFAULT_PARAMETER_GROUP", ""),
        spectrum_role=given("DEFAULT_SPECTRUM_ROLE", ""),
        log_bucket=given("LOG_BUCKET", ""),
    )


def with_key_arns(spec: Spec) -> Spec:
    """The spec with its keys as the ARNs by which Redshift describes them. Raises InvalidInput for keys that cannot be used."""
    keys = {
        field: _key_arn(value, f"spec.encryption.{field}")
        for field in ("kms_key", "secret_kms_key")
        if (value := getattr(spec.encryption, field))
    }
    return msgspec.structs.replace(spec, encryption=msgspec.structs.replace(spec.encryption, **keys)) if keys else spec


def _key_arn(key: str, path: str) -> str:
    """Source: DescribeKey."""
    try:
        found = call("kms", "describe_key", f"describe key {key}", KeyId=key)["KeyMetadata"]
    except AutopilotError as error:
        if error.code not in {"NotFoundException", "AccessDeniedException"}:
            raise
        raise InvalidInput(f"{path}: {key} does not exist in this region, or these functions may not see it") from error
    if not found.get("Enabled", True):
        raise InvalidInput(f"{path}: {key} is {found.get('KeyState', 'disabled')}; warehouses need a key that is enabled")
    return str(found["Arn"])


def check_is_sold(spec: Spec) -> None:
    """Raise InvalidInput for a node type that AWS does not sell in this region (any more), or not for that many nodes.

    Source: DescribeOrderableClusterOptions.
    """
    wanted, nodes = spec.compute.node_type or DEFAULT_NODE_TYPE, spec.compute.nodes or DEFAULT_NODES
    pages = client("redshift").get_paginator("describe_orderable_cluster_options")
    with translated("ask which node types are sold"):
        sold = [one for page in pages.paginate() for one in page["OrderableClusterOptions"]]
    types = {one["ClusterType"] for one in sold if one["NodeType"] == wanted}
    if not types:
        offered = ", ".join(sorted({one["NodeType"] for one in sold}))
        raise InvalidInput(f"spec.compute.node_type: {wanted} is not sold in this region, or no longer; sold are {offered}")
    if nodes == 1 and "single-node" not in types:
        raise InvalidInput(f"spec.compute.nodes: {wanted} is sold for 2 nodes or more, not for a single one")
    if spec.compute.multi_az and not any(len(one.get("AvailabilityZones", [])) > 1 for one in sold if one["NodeType"] == wanted):
        raise InvalidInput(f"spec.compute.multi_az: {wanted} is offered in one zone of this region only")
