"""The spec: the desired state of one warehouse, and what it means for AWS."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Any

import msgspec

from autopilot.domain.errors import InvalidInput
from autopilot.domain.inputs import decode
from autopilot.domain.warehouse import NAME_RULES, Kind, can_be_named

#: A node type's form. Which ones exist is for AWS to say; the list changes. Source: CreateCluster, `NodeType`.
_NODE_TYPE = re.compile(r"[a-z]{2}[a-z0-9]{0,4}\.[a-z0-9]{1,12}")
#: Source: Redshift tagging: letters, digits, spaces and these; keys up to 128, values up to 256 characters.
_TAG = re.compile(r"[\w .:/=+\-@]*")
MAX_TAGS = 46
OWNER_TAG = "autopilot:execution"
MANAGED_TAG = "autopilot:managed"
PROTECT_TAG = "autopilot:protect"
#: Its value is the warehouse's name: Cost Explorer and Budgets tell warehouses apart by it, once it is activated for cost allocation.
WAREHOUSE_TAG = "autopilot:warehouse"


class Compute(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A cluster's `node_type` and `nodes` (1 is a single-node cluster), or a workgroup's `base_rpu` and `max_rpu` (RPUs)."""

    node_type: str | None = None
    nodes: Annotated[int, msgspec.Meta(ge=1, le=128)] | None = None
    base_rpu: Annotated[int, msgspec.Meta(ge=4, le=1024)] | None = None
    max_rpu: Annotated[int, msgspec.Meta(ge=4, le=5632)] | None = None


class Network(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where it lives: a cluster's `subnet_group`, a workgroup's `subnet_ids`; AWS's default VPC where neither is given."""

    subnet_group: str | None = None
    subnet_ids: list[str] = []
    security_group_ids: list[str] = []
    public: bool = False


class Spec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One warehouse. The admin password is never part of it: Redshift makes and keeps it in Secrets Manager.

    `protect` tags it so that `delete_warehouse` refuses it.
    """

    name: str
    kind: Kind = "cluster"
    compute: Compute = Compute()
    database: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] = "dev"
    network: Network = Network()
    tags: dict[str, str] = {}
    protect: bool = False


#: What a spec without `compute` asks for: the smallest that AWS sells of each kind at the time of writing.
DEFAULT_NODE_TYPE, DEFAULT_NODES, DEFAULT_BASE_RPU = "ra3.large", 1, 8
ADMIN_USER = "autopilot_admin"


def parse_spec(data: object) -> Spec:
    """Decode and check a spec. Raises InvalidInput with every contradiction at once, each with its path."""
    try:
        spec = decode(Spec, data)
    except InvalidInput as error:
        text = str(error).removeprefix("input: ")
        raise InvalidInput(f"spec: {text}" if text.startswith(("Object ", "Expected ")) else f"spec.{text}") from error
    problems = [*_name_problems(spec), *_compute_problems(spec), *_network_problems(spec), *_tag_problems(spec)]
    if problems:
        raise InvalidInput("; ".join(problems))
    return spec


def parse_text(text: str) -> object:
    """Plain data from a spec's text, YAML or JSON. Raises InvalidInput with the line where it cannot be read."""
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidInput(f"spec: not YAML or JSON: {error}") from error


def _name_problems(spec: Spec) -> list[str]:
    problems = []
    if not can_be_named(spec.kind, spec.name):
        problems.append(f"spec.name: {spec.name[:80]!r} is not allowed for a {spec.kind}; {NAME_RULES[spec.kind]}")
    if not re.fullmatch(r"[a-z_][a-z0-9_]*", spec.database):
        problems.append(
            f"spec.database: {spec.database!r} is not allowed; lowercase letters, digits and underscores, not starting with a digit"
        )
    return problems


def _compute_problems(spec: Spec) -> list[str]:
    compute, problems = spec.compute, []
    if spec.kind == "cluster":
        problems += [
            f"spec.compute.{field}: belongs to a workgroup; a cluster takes node_type and nodes"
            for field in ("base_rpu", "max_rpu")
            if getattr(compute, field) is not None
        ]
        if compute.node_type is not None and not _NODE_TYPE.fullmatch(compute.node_type):
            problems.append(f"spec.compute.node_type: {compute.node_type[:40]!r} does not have the form of a node type such as ra3.large")
        return problems
    problems += [
        f"spec.compute.{field}: belongs to a cluster; a workgroup takes base_rpu and max_rpu"
        for field in ("node_type", "nodes")
        if getattr(compute, field) is not None
    ]
    base = compute.base_rpu or DEFAULT_BASE_RPU
    if base != 4 and base % 8:
        problems.append(f"spec.compute.base_rpu: {base} is not allowed; 4, or a multiple of 8 up to 1024")
    if compute.max_rpu is not None and compute.max_rpu < base:
        problems.append(f"spec.compute.max_rpu: {compute.max_rpu} is below base_rpu {base}")
    return problems


def _network_problems(spec: Spec) -> list[str]:
    network, problems = spec.network, []
    if spec.kind == "cluster" and network.subnet_ids:
        problems.append("spec.network.subnet_ids: belongs to a workgroup; a cluster takes subnet_group")
    if spec.kind == "workgroup" and network.subnet_group is not None:
        problems.append("spec.network.subnet_group: belongs to a cluster; a workgroup takes subnet_ids")
    problems += [
        f"spec.network.subnet_ids: {i[:40]!r} is not a subnet id" for i in network.subnet_ids if not re.fullmatch(r"subnet-[0-9a-f]+", i)
    ]
    problems += [
        f"spec.network.security_group_ids: {i[:40]!r} is not a security group id"
        for i in network.security_group_ids
        if not re.fullmatch(r"sg-[0-9a-f]+", i)
    ]
    return problems


def _tag_problems(spec: Spec) -> list[str]:
    problems = []
    if len(spec.tags) > MAX_TAGS:
        problems.append(f"spec.tags: {len(spec.tags)} tags; up to {MAX_TAGS}, as AWS takes 50 and four are Autopilot's own")
    for key, value in spec.tags.items():
        if not 1 <= len(key) <= 128 or not _TAG.fullmatch(key) or key.lower().startswith(("aws:", "autopilot:")):
            problems.append(
                f"spec.tags: key {key[:40]!r} is not allowed; 1 to 128 letters, digits, spaces and . : / = + - @ _, not aws: or autopilot:"
            )
        if len(value) > 256 or not _TAG.fullmatch(value):
            problems.append(f"spec.tags.{key[:40]}: the value is not allowed; up to 256 letters, digits, spaces and . : / = + - @ _")
    return problems


def _tags(spec: Spec, execution: str) -> dict[str, str]:
    protection = {PROTECT_TAG: "true"} if spec.protect else {}
    return {**spec.tags, **protection, MANAGED_TAG: "true", WAREHOUSE_TAG: spec.name, OWNER_TAG: owner_of(execution)}


def owner_of(execution: str) -> str:
    """What the owner's tag says of an execution: its ARN, or a hash where a tag cannot hold that."""
    fits = len(execution) <= 256 and _TAG.fullmatch(execution)
    return execution if fits else hashlib.sha256(execution.encode()).hexdigest()


def cluster_request(spec: Spec, execution: str) -> dict[str, Any]:
    """The CreateCluster request of a spec. Encrypted, not public, TLS-managed admin secret: the safe values are not optional here."""
    nodes = spec.compute.nodes or DEFAULT_NODES
    request: dict[str, Any] = {
        "ClusterIdentifier": spec.name,
        "NodeType": spec.compute.node_type or DEFAULT_NODE_TYPE,
        "ClusterType": "multi-node" if nodes > 1 else "single-node",
        "DBName": spec.database,
        "MasterUsername": ADMIN_USER,
        "ManageMasterPassword": True,
        "Encrypted": True,
        "PubliclyAccessible": spec.network.public,
        "Tags": [{"Key": key, "Value": value} for key, value in _tags(spec, execution).items()],
    }
    if nodes > 1:
        request["NumberOfNodes"] = nodes
    if spec.network.subnet_group:
        request["ClusterSubnetGroupName"] = spec.network.subnet_group
    if spec.network.security_group_ids:
        request["VpcSecurityGroupIds"] = spec.network.security_group_ids
    return request


def namespace_request(spec: Spec, execution: str) -> dict[str, Any]:
    """The CreateNamespace request of a workgroup's spec; the namespace has the workgroup's name."""
    return {
        "namespaceName": spec.name,
        "dbName": spec.database,
        "adminUsername": ADMIN_USER,
        "manageAdminPassword": True,
        "tags": [{"key": key, "value": value} for key, value in _tags(spec, execution).items()],
    }


def workgroup_request(spec: Spec, execution: str) -> dict[str, Any]:
    """The CreateWorkgroup request of a spec."""
    request: dict[str, Any] = {
        "workgroupName": spec.name,
        "namespaceName": spec.name,
        "baseCapacity": spec.compute.base_rpu or DEFAULT_BASE_RPU,
        "publiclyAccessible": spec.network.public,
        "tags": [{"key": key, "value": value} for key, value in _tags(spec, execution).items()],
    }
    if spec.compute.max_rpu is not None:
        request["maxCapacity"] = spec.compute.max_rpu
    if spec.network.subnet_ids:
        request["subnetIds"] = spec.network.subnet_ids
    if spec.network.security_group_ids:
        request["securityGroupIds"] = spec.network.security_group_ids
    return request
