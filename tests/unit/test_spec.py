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

from autopilot.domain.changes import plan_changes
from autopilot.domain.errors import InvalidInput
from autopilot.domain.spec import Spec, cluster_request, namespace_request, owner_of, parse_spec, parse_text, workgroup_request
from autopilot.domain.warehouse import Warehouse
from tests.unit.builders import EXECUTION, cluster, workgroup

NO_DATABASE = "is not allowed; lowercase letters, digits and underscores, not starting with a digit"
NAMES = st.from_regex(r"[a-z][a-z0-9]{2,20}(-[a-z0-9]{1,9}){0,3}", fullmatch=True)
TAGS = st.dictionaries(st.from_regex(r"[A-Za-z][\w .:/=+@-]{0,20}", fullmatch=True), st.text("abc /.-_@", max_size=20), max_size=4)
SUBNETS = st.lists(st.from_regex(r"subnet-[0-9a-f]{8}", fullmatch=True), max_size=3)
GROUPS = st.lists(st.from_regex(r"sg-[0-9a-f]{8}", fullmatch=True), max_size=3)
CLUSTERS = st.fixed_dictionaries(
    {"name": NAMES, "kind": st.just("cluster")},
    optional={
        "compute": st.fixed_dictionaries(
            {},
            optional={
                "node_type": st.sampled_from(["ra3.large", "ra3.16xlarge", "rg.xlarge", "dc2.8xlarge"]),
                "nodes": st.integers(1, 128),
            },
        ),
        "database": st.from_regex(r"[a-z_][a-z0-9_]{0,20}", fullmatch=True),
        "network": st.fixed_dictionaries({}, optional={"subnet_group": NAMES, "security_group_ids": GROUPS, "public": st.booleans()}),
        "tags": TAGS,
    },
)
WORKGROUPS = st.fixed_dictionaries(
    {"name": NAMES, "kind": st.just("workgroup")},
    optional={
        "compute": st.fixed_dictionaries({}, optional={"base_rpu": st.sampled_from([4, 8, 512]), "max_rpu": st.integers(512, 5632)}),
        "network": st.fixed_dictionaries({}, optional={"subnet_ids": SUBNETS, "security_group_ids": GROUPS, "public": st.booleans()}),
        "tags": TAGS,
    },
)


def refusal(data: object) -> str:
    with pytest.raises(InvalidInput) as refused:
        parse_spec(data)
    return str(refused.value)


def tags(count: int) -> dict[str, str]:
    return {f"t{number}": "x" for number in range(count)}


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
    ("data", "message"),
    [
        (None, "spec: Expected `object`, got `null`"),
        ({}, "spec: Object missing required field `name`. Allowed fields: name, kind, compute, database, network, tags, protect"),
        (
            {"name": "a", "nodes": 2},
            "spec: Object contains unknown field `nodes`. Allowed fields: name, kind, compute, database, network, tags, protect",
        ),
        ({"name": "a", "compute": {"nodes": 0}}, "spec.compute.nodes: Expected `int` >= 1"),
        ({"name": "a", "compute": {"nodes": "2"}}, "spec.compute.nodes: Expected `int | null`, got `str`"),
        ({"name": "a", "compute": {"cpus": 2}}, "spec.compute: Object contains unknown field `cpus`"),
        ({"name": "a", "kind": "lake"}, "spec.kind: Invalid enum value 'lake'"),
        ({"name": "a", "tags": {"team": 1}}, "spec.tags[...]: Expected `str`, got `int`"),
        ({"name": "a", "database": ""}, "spec.database: Expected `str` of length >= 1"),
        ({"name": "a", "database": "Dev"}, f"spec.database: 'Dev' {NO_DATABASE}"),
        ({"name": "a", "database": "1st"}, f"spec.database: '1st' {NO_DATABASE}"),
        ({"name": "a", "database": "dev\n"}, f"spec.database: 'dev\\n' {NO_DATABASE}"),
        (
            {"name": "a", "password": "secret"},
            "spec: Object contains unknown field `password`. Allowed fields: name, kind, compute, database, network, tags, protect",
        ),
    ],
)
def test_wrong_spec_is_told_by_path_and_expectation(data: object, message: str) -> None:
    assert refusal(data) == message


# --- contradictions ---------------------------------------------------------------------------------------------------


def test_contradictions_of_a_cluster_are_told_all_at_once() -> None:
    compute = {"node_type": "large", "base_rpu": 8, "max_rpu": 16}
    network = {"subnet_ids": ["subnet-1", "net"], "security_group_ids": ["sg"]}
    assert refusal({"name": "Big", "compute": compute, "network": network, "tags": {"aws:a": "b", "k": "[x]"}}) == (
        "spec.name: 'Big' is not allowed for a cluster; 1 to 63 lowercase letters, digits and single hyphens, "
        "starting with a letter and not ending with a hyphen; "
        "spec.compute.base_rpu: belongs to a workgroup; a cluster takes node_type and nodes; "
        "spec.compute.max_rpu: belongs to a workgroup; a cluster takes node_type and nodes; "
        "spec.compute.node_type: 'large' does not have the form of a node type such as ra3.large; "
        "spec.network.subnet_ids: belongs to a workgroup; a cluster takes subnet_group; "
        "spec.network.subnet_ids: 'net' is not a subnet id; "
        "spec.network.security_group_ids: 'sg' is not a security group id; "
        "spec.tags: key 'aws:a' is not allowed; 1 to 128 letters, digits, spaces and . : / = + - @ _, not aws: or autopilot:; "
        "spec.tags.k: the value is not allowed; up to 256 letters, digits, spaces and . : / = + - @ _"
    )


def test_contradictions_of_a_workgroup_are_told_all_at_once() -> None:
    compute = {"node_type": "ra3.large", "nodes": 2, "base_rpu": 20, "max_rpu": 8}
    assert refusal({"name": "ab", "kind": "workgroup", "compute": compute, "network": {"subnet_group": "private"}}) == (
        "spec.name: 'ab' is not allowed for a workgroup; 3 to 64 lowercase letters, digits and hyphens; "
        "spec.compute.node_type: belongs to a cluster; a workgroup takes base_rpu and max_rpu; "
        "spec.compute.nodes: belongs to a cluster; a workgroup takes base_rpu and max_rpu; "
        "spec.compute.base_rpu: 20 is not allowed; 4, or a multiple of 8 up to 1024; "
        "spec.compute.max_rpu: 8 is below base_rpu 20; "
        "spec.network.subnet_group: belongs to a cluster; a workgroup takes subnet_ids"
    )


def test_max_rpu_is_held_against_the_base_that_is_taken_where_none_is_given() -> None:
    assert refusal({"name": "adhoc", "kind": "workgroup", "compute": {"max_rpu": 4}}) == "spec.compute.max_rpu: 4 is below base_rpu 8"


@pytest.mark.parametrize("key", ["autopilot:managed", "AWS:x", "", "a" * 129, "a[b]", "a;b"])
def test_tag_keys_that_are_ours_or_that_aws_refuses_are_refused(key: str) -> None:
    assert refusal({"name": "a", "tags": {key: "x"}}).startswith(f"spec.tags: key {key[:40]!r} is not allowed; ")


def test_tags_leave_room_for_the_four_that_autopilot_adds() -> None:
    assert len(cluster_request(parse_spec({"name": "a", "tags": tags(46), "protect": True}), EXECUTION)["Tags"]) == 50
    assert refusal({"name": "a", "tags": tags(47)}) == "spec.tags: 47 tags; up to 46, as AWS takes 50 and four are Autopilot's own"


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
    network = {"subnet_group": "private", "security_group_ids": ["sg-1"], "public": True}
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
    return [str(change) for change in plan_changes(spec, seen)]


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
        ({"public": True}, "network.public is False, the spec says True"),
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
