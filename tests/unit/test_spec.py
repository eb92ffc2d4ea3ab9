"""The spec: decoded strictly, contradictions told all at once, and turned into what AWS is asked for."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import msgspec
import pytest
from botocore.model import Shape
from botocore.session import get_session
from botocore.validate import validate_parameters
from hypothesis import given
from hypothesis import strategies as st

from autopilot.domain.errors import InvalidInput
from autopilot.domain.plans import plan
from autopilot.domain.requests import Foundation, cluster_request, logging_of, namespace_request, workgroup_request
from autopilot.domain.spec import Spec, parse_spec, parse_text
from autopilot.domain.spec_parts import Logging
from autopilot.domain.surroundings import Surroundings
from autopilot.domain.tags import owner_of
from autopilot.domain.warehouse import Warehouse
from tests.unit.builders import EXECUTION, cluster, workgroup

NAMES = st.from_regex(r"[a-z][a-z0-9]{2,20}(-[a-z0-9]{1,9}){0,3}", fullmatch=True)
TAGS = st.dictionaries(st.from_regex(r"[A-Za-z][\w .:/=+@-]{0,20}", fullmatch=True), st.text("abc /.-_@", max_size=20), max_size=4)
SUBNETS = st.lists(st.from_regex(r"subnet-[0-9a-f]{8}", fullmatch=True), max_size=3)
GROUPS = st.lists(st.from_regex(r"sg-[0-9a-f]{8}", fullmatch=True), max_size=3)
KEYS = st.sampled_from(["alias/lake", "arn:aws:kms:us-east-1:123456789012:key/0f1e2d3c-aaaa-bbbb-cccc-0123456789ab"])
ROLES = st.sampled_from(
    [{"arns": [f"arn:aws:iam::123456789012:role/{name}" for name in ("a", "b")]}, {"default": "arn:aws:iam::123456789012:role/a"}]
)
SOURCES = st.lists(st.sampled_from(["sg-1", "10.0.0.0/16", "192.168.1.7/32", "fd00::/8"]), unique=True, max_size=3)
COMMON_NETWORK: dict[str, Any] = {
    "security_group_ids": GROUPS,
    "allow_from": SOURCES,
    "port": st.sampled_from([5431, 5455, 8200]),
    "enhanced_vpc_routing": st.booleans(),
    "ip_address_type": st.sampled_from(["ipv4", "dualstack"]),
}
COMMON: dict[str, Any] = {
    "environment": st.sampled_from(["dev", "production"]),
    "schedule": st.just("office-hours"),
    "encryption": st.fixed_dictionaries({}, optional={"kms_key": KEYS, "secret_kms_key": KEYS}),
    "parameters": st.just({"values": {"require_ssl": True, "search_path": "a, b"}}),
    "iam_roles": ROLES,
    "protect": st.booleans(),
    "tags": TAGS,
}
CLUSTERS = st.fixed_dictionaries(
    {"name": NAMES, "kind": st.just("cluster")},
    optional={
        **COMMON,
        "compute": st.fixed_dictionaries(
            {},
            optional={
                "node_type": st.sampled_from(["ra3.large", "ra3.16xlarge", "rg.xlarge", "dc2.8xlarge"]),
                "nodes": st.integers(1, 128),
                "usage_limits": st.just([{"feature": "spectrum", "amount": 3, "breach_action": "disable"}]),
            },
        ),
        "database": st.from_regex(r"[a-z_][a-z0-9_]{0,20}", fullmatch=True),
        "network": st.fixed_dictionaries(
            {},
            optional={
                **COMMON_NETWORK,
                "subnet_group": NAMES,
                "availability_zone": st.just("us-east-1a"),
                "zone_relocation": st.booleans(),
            },
        ),
        "backups": st.fixed_dictionaries(
            {}, optional={"automated_days": st.integers(1, 35), "manual_days": st.sampled_from([-1, 1, 3653])}
        ),
        "maintenance_window": st.sampled_from(["sun:05:00-sun:05:30", "sat:23:45-sun:00:15"]),
        "logging": st.sampled_from([{"destination": "s3", "bucket": "logs-of-mine", "prefix": "a/"}, {"destination": "none"}]),
    },
)
WORKGROUPS = st.fixed_dictionaries(
    {"name": NAMES, "kind": st.just("workgroup")},
    optional={
        **COMMON,
        "compute": st.one_of(
            st.fixed_dictionaries({}, optional={"base_rpu": st.sampled_from([4, 8, 512]), "max_rpu": st.sampled_from([512, 5632])}),
            st.fixed_dictionaries({"price_performance_target": st.sampled_from([1, 50])}, optional={"max_rpu": st.just(64)}),
        ),
        "network": st.fixed_dictionaries({}, optional={**COMMON_NETWORK, "subnet_ids": SUBNETS}),
        "logging": st.sampled_from([{"destination": "cloudwatch", "exports": ["userlog"]}, {"destination": "none"}]),
    },
)
FOUNDATION = Foundation(
    kms_key="arn:aws:kms:us-east-1:123456789012:key/x",
    subnet_group="shared",
    subnet_ids=("subnet-9",),
    security_group="sg-9",
    parameter_group="safe",
    spectrum_role="arn:aws:iam::123456789012:role/lake",
    log_bucket="audit",
)


@cache
def input_of(service: str, operation: str) -> Shape:
    shape = get_session().get_service_model(service).operation_model(operation).input_shape
    assert shape
    return shape


def fits(service: str, operation: str, request: dict[str, Any]) -> None:
    validate_parameters(request, input_of(service, operation))


# --- decoding ---------------------------------------------------------------------------------------------------------


def test_a_name_alone_is_a_small_private_cluster() -> None:
    spec = parse_spec({"name": "analytics"})
    assert (spec.kind, spec.database, spec.network.public) == ("cluster", "dev", False)
    request = cluster_request(spec, EXECUTION)
    assert (request["NodeType"], request["ClusterType"]) == ("ra3.large", "single-node")
    assert "NumberOfNodes" not in request


@given(st.one_of(CLUSTERS, WORKGROUPS))
def test_spec_survives_the_trip_through_a_workflow(data: dict[str, Any]) -> None:
    spec = parse_spec(data)
    assert msgspec.json.decode(msgspec.json.encode(spec), type=Spec) == spec
    assert parse_spec(msgspec.to_builtins(spec)) == spec


@pytest.mark.parametrize("data", ["kind: [", "a: b: c", "\t- x"])
def test_text_that_is_neither_yaml_nor_json_is_told_with_its_line(data: str) -> None:
    with pytest.raises(InvalidInput, match=r"(?s)^spec: not YAML or JSON: .*line 1"):
        parse_text(data)


def test_text_cannot_make_python_objects() -> None:
    with pytest.raises(InvalidInput, match="could not determine a constructor"):
        parse_text("!!python/object/apply:os.getcwd []")


@pytest.mark.parametrize(
    "node_type", ["ra3.large", "ra3.xlplus", "ra3.4xlarge", "ra3.16xlarge", "rg.xlarge", "rg.4xlarge", "dc2.large", "ds2.8xlarge"]
)
def test_forms_of_node_types_are_taken(node_type: str) -> None:
    assert parse_spec({"name": "a", "compute": {"node_type": node_type}}).compute.node_type == node_type


# --- requests ---------------------------------------------------------------------------------------------------------


@given(CLUSTERS)
def test_request_of_every_cluster_fits_awss_model(data: dict[str, Any]) -> None:
    request = cluster_request(parse_spec(data), EXECUTION)
    fits("redshift", "CreateCluster", request)
    assert (request["Encrypted"], request["ManageMasterPassword"]) == (True, True)
    assert "MasterUserPassword" not in request
    assert {"Key": "autopilot:execution", "Value": EXECUTION} in request["Tags"]


@given(WORKGROUPS)
def test_requests_of_every_workgroup_fit_awss_model(data: dict[str, Any]) -> None:
    spec = parse_spec(data)
    fits("redshift-serverless", "CreateNamespace", namespace_request(spec, EXECUTION))
    fits("redshift-serverless", "CreateWorkgroup", workgroup_request(spec, EXECUTION))
    assert namespace_request(spec, EXECUTION)["manageAdminPassword"] is True


def test_request_says_what_the_spec_says_of_a_cluster() -> None:
    network = {"subnet_group": "private", "security_group_ids": ["sg-1"], "public": True, "public_reason": "a demo"}
    request = cluster_request(parse_spec({"name": "a", "compute": {"nodes": 3}, "network": network, "tags": {"team": "data"}}), EXECUTION)
    assert (request["ClusterType"], request["NumberOfNodes"]) == ("multi-node", 3)
    assert (request["ClusterSubnetGroupName"], request["VpcSecurityGroupIds"]) == ("private", ["sg-1"])
    assert request["PubliclyAccessible"] is True
    assert {"Key": "team", "Value": "data"} in request["Tags"]


def test_request_says_what_the_spec_says_of_a_workgroup() -> None:
    data = {
        "name": "adhoc",
        "kind": "workgroup",
        "compute": {"base_rpu": 16, "max_rpu": 64},
        "network": {"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]},
    }
    request = workgroup_request(parse_spec(data), EXECUTION)
    assert (request["namespaceName"], request["baseCapacity"], request["maxCapacity"]) == ("adhoc", 16, 64)
    assert (request["subnetIds"], request["securityGroupIds"]) == (["subnet-1"], ["sg-1"])


def test_secure_values_are_what_a_small_spec_asks_for() -> None:
    request = cluster_request(parse_spec({"name": "a"}), EXECUTION, FOUNDATION, parameter_group="safe")
    secure = ("Encrypted", "ManageMasterPassword", "EnhancedVpcRouting", "PubliclyAccessible", "AutomatedSnapshotRetentionPeriod")
    assert [request[key] for key in secure] == [True, True, True, False, 7]
    assert (request["KmsKeyId"], request["ClusterParameterGroupName"]) == (FOUNDATION.kms_key, "safe")
    assert (request["ClusterSubnetGroupName"], request["VpcSecurityGroupIds"]) == ("shared", ["sg-9"])
    assert (request["IamRoles"], request["DefaultIamRoleArn"]) == ([FOUNDATION.spectrum_role], FOUNDATION.spectrum_role)
    small = parse_spec({"name": "adhoc", "kind": "workgroup"})
    namespace, wanted = namespace_request(small, EXECUTION, FOUNDATION), workgroup_request(small, EXECUTION, FOUNDATION)
    assert namespace["logExports"] == ["connectionlog", "userlog", "useractivitylog"]
    assert (wanted["enhancedVpcRouting"], wanted["publiclyAccessible"], wanted["subnetIds"]) == (True, False, ["subnet-9"])
    assert {"parameterKey": "require_ssl", "parameterValue": "true"} in wanted["configParameters"]


def test_spec_goes_before_what_the_stack_offers() -> None:
    own = {
        "network": {"subnet_group": "mine", "security_group_ids": ["sg-1"], "enhanced_vpc_routing": False},
        "encryption": {"kms_key": "alias/mine"},
        "iam_roles": {"arns": []},
        "backups": {"automated_days": 1},
    }
    request = cluster_request(parse_spec({"name": "a", **own}), EXECUTION, FOUNDATION, own_group="sg-2", parameter_group="mine")
    assert (request["ClusterSubnetGroupName"], request["VpcSecurityGroupIds"]) == ("mine", ["sg-1", "sg-2"])
    assert (request["KmsKeyId"], request["EnhancedVpcRouting"], request["AutomatedSnapshotRetentionPeriod"]) == ("alias/mine", False, 1)
    assert "IamRoles" not in request


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, ("s3", "audit", "a/")),
        ({"logging": {"destination": "s3", "bucket": "mine"}}, ("s3", "mine", "a/")),
        ({"logging": {"destination": "s3", "bucket": "mine", "prefix": ""}}, ("s3", "mine", "")),
        ({"logging": {"destination": "cloudwatch"}}, ("cloudwatch", None, None)),
        ({"logging": {"destination": "none"}}, ("none", None, None)),
        ({"kind": "workgroup"}, ("cloudwatch", None, None)),
    ],
)
def test_logs_go_where_the_spec_says_else_to_the_stacks_bucket(data: dict[str, Any], expected: tuple[str, str | None, str | None]) -> None:
    logging = logging_of(Spec(**msgspec.structs.asdict(parse_spec({"name": "abc", **data})) | {"name": "a"}), FOUNDATION)
    assert (logging.destination, logging.bucket, logging.prefix) == expected


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300))
def test_tag_of_the_owner_is_one_that_aws_takes(name: str) -> None:
    owner = owner_of(EXECUTION + name)
    assert len(owner) <= 256
    assert re.fullmatch(r"[\w .:/=+\-@]*", owner)


def test_owner_is_the_execution_itself_where_a_tag_can_hold_it() -> None:
    longest = EXECUTION + "x" * (256 - len(EXECUTION))
    assert (owner_of(EXECUTION), owner_of(longest)) == (EXECUTION, longest)


@pytest.mark.parametrize("name", ["x" * 200, "a{b}", "a,b", "a\n"])
def test_owners_that_no_tag_can_hold_are_told_apart(name: str) -> None:
    execution = EXECUTION + name
    assert owner_of(execution) != execution
    assert owner_of(execution) == owner_of(execution) != owner_of(execution + "x")
    assert {"Key": "autopilot:execution", "Value": owner_of(execution)} in cluster_request(parse_spec({"name": "a"}), execution)["Tags"]


def differences(spec: Spec, seen: Warehouse) -> list[str]:
    found = plan(spec, seen, Surroundings(logging=Logging(destination="cloudwatch")))
    return [str(change) for change in found]


# --- differences ------------------------------------------------------------------------------------------------------


def test_only_what_the_spec_states_is_compared() -> None:
    assert differences(parse_spec({"name": "analytics"}), cluster(node_type="dc2.large", nodes=9, tags={"a": "b"})) == []


@pytest.mark.parametrize("status", ["paused", "pausing", "resuming"])
def test_nodes_of_a_paused_cluster_are_not_compared(status: str) -> None:
    spec = parse_spec({"name": "analytics", "compute": {"node_type": "ra3.large", "nodes": 4}})
    assert differences(spec, cluster(status, nodes=1)) == []


def test_workgroup_is_compared_by_capacity() -> None:
    spec = parse_spec({"name": "adhoc", "kind": "workgroup", "compute": {"base_rpu": 16, "max_rpu": 32}})
    assert differences(spec, workgroup(max_rpu=32)) == ["compute.base_rpu is 8, the spec says 16"]


@pytest.mark.parametrize(
    ("network", "difference"),
    [
        ({"subnet_group": "private"}, "network.subnet_group is 'shared', the spec says 'private' (a cluster stays in its subnet group)"),
        ({"security_group_ids": ["sg-1"]}, "network.security_group_ids is ['sg-2', 'sg-3'], the spec says ['sg-1']"),
        ({"public": True, "public_reason": "a demo"}, "network.public is False, the spec says True"),
    ],
)
def test_network_that_the_spec_states_is_compared(network: dict[str, Any], difference: str) -> None:
    seen = cluster(subnet_group="shared", security_group_ids=["sg-3", "sg-2"])
    assert differences(parse_spec({"name": "analytics", "network": network}), seen) == [difference]


def test_order_of_subnets_and_security_groups_is_no_difference() -> None:
    network = {"subnet_ids": ["subnet-1", "subnet-2"], "security_group_ids": ["sg-1", "sg-2"]}
    spec = parse_spec({"name": "adhoc", "kind": "workgroup", "network": network})
    seen = workgroup(subnet_ids=["subnet-2", "subnet-1"], security_group_ids=["sg-2", "sg-1"])
    assert differences(spec, seen) == []
    assert differences(spec, workgroup(subnet_ids=["subnet-2"], security_group_ids=["sg-2", "sg-1"])) == [
        "network.subnet_ids is ['subnet-2'], the spec says ['subnet-1', 'subnet-2']"
    ]
