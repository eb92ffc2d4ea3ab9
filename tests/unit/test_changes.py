"""Changes: from what a warehouse is to what its spec says, in an order that AWS accepts, and nothing that was not asked for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopilot.domain.changes import Change, plan_changes
from autopilot.domain.decisions import decide_provision
from autopilot.domain.errors import WarehouseUnavailable
from autopilot.domain.spec import MANAGED_TAG, parse_spec
from tests.unit.builders import cluster, workgroup

MANAGED = {MANAGED_TAG: "true"}


def planned(spec: dict[str, Any], **seen: Any) -> list[Change]:
    kind = spec.get("kind", "cluster")
    there = (cluster if kind == "cluster" else workgroup)(**seen)
    return plan_changes(parse_spec({"name": there.name, **spec}), there)


def test_warehouse_that_is_what_the_spec_says_needs_no_change() -> None:
    assert planned({"compute": {"node_type": "ra3.large", "nodes": 2}}, node_type="ra3.large", nodes=2) == []


@pytest.mark.parametrize(
    ("spec", "seen", "operation", "arguments"),
    [
        ({"network": {"public": True, "public_reason": "a demo"}}, {"public": False}, "modify_cluster", {"PubliclyAccessible": True}),
        ({"network": {"security_group_ids": ["sg-1"]}}, {}, "modify_cluster", {"VpcSecurityGroupIds": ["sg-1"]}),
        ({"tags": {"team": "a"}}, {"tags": {"team": "b"}}, "tag", {"team": "a"}),
        ({"protect": True}, {}, "tag", {"autopilot:protect": "true"}),
        ({"kind": "workgroup", "compute": {"base_rpu": 16}}, {"base_rpu": 8}, "update_workgroup", {"baseCapacity": 16}),
        (
            {"kind": "workgroup", "network": {"public": True, "public_reason": "a demo"}},
            {},
            "update_workgroup",
            {"publiclyAccessible": True},
        ),
    ],
)
def test_each_field_is_changed_by_its_own_operation(
    spec: dict[str, Any], seen: dict[str, Any], operation: str, arguments: dict[str, Any]
) -> None:
    (change,) = planned(spec, **seen)
    assert (change.operation, change.arguments) == (operation, arguments)


def test_resize_is_elastic_and_names_type_and_count() -> None:
    (change,) = planned({"compute": {"nodes": 4}}, node_type="ra3.large", nodes=2)
    assert change.operation == "resize_cluster"
    assert change.arguments == {"NodeType": "ra3.large", "NumberOfNodes": 4, "ClusterType": "multi-node", "Classic": False}


def test_new_node_type_says_that_queries_are_dropped() -> None:
    (change,) = planned({"compute": {"node_type": "ra3.4xlarge"}}, node_type="ra3.large", nodes=2)
    assert "running queries are dropped" in change.consequence


@pytest.mark.parametrize(("before", "after"), [(1, 2), (4, 1)])
def test_change_from_or_to_a_single_node_is_not_made_unasked(before: int, after: int) -> None:
    (change,) = planned({"compute": {"nodes": after}}, node_type="ra3.large", nodes=before)
    assert change.operation == "none"
    assert "classic resize" in str(change)


@pytest.mark.parametrize(
    ("now", "wanted", "order"),
    [((8, 16), (32, 64), ["compute.max_rpu", "compute.base_rpu"]), ((32, 64), (8, 16), ["compute.base_rpu", "compute.max_rpu"])],
)
def test_capacity_grows_from_the_top_and_shrinks_from_the_bottom(now: tuple[int, int], wanted: tuple[int, int], order: list[str]) -> None:
    spec = {"kind": "workgroup", "compute": {"base_rpu": wanted[0], "max_rpu": wanted[1]}}
    assert [change.field for change in planned(spec, base_rpu=now[0], max_rpu=now[1])] == order


@given(st.lists(st.integers(1, 32).map(lambda n: n * 8), min_size=4, max_size=4))
def test_base_never_rises_above_maximum_between_two_changes(sizes: list[int]) -> None:
    (base, most), (new_base, new_most) = sorted(sizes[:2]), sorted(sizes[2:])
    now = {"baseCapacity": base, "maxCapacity": most}
    for change in planned({"kind": "workgroup", "compute": {"base_rpu": new_base, "max_rpu": new_most}}, base_rpu=base, max_rpu=most):
        now |= change.arguments
        assert now["baseCapacity"] <= now["maxCapacity"]
    assert now == {"baseCapacity": new_base, "maxCapacity": new_most}


# --- the decision -----------------------------------------------------------------------------------------------------


def decided(spec: dict[str, Any], **seen: Any) -> str:
    there = cluster(**seen)
    return decide_provision(parse_spec({"name": there.name, **spec}), there, "arn").action


def test_managed_warehouse_is_changed() -> None:
    assert decided({"tags": {"team": "a"}}, tags=MANAGED) == "change"


def test_warehouse_that_nobody_gave_to_autopilot_is_left_alone() -> None:
    assert decided({"tags": {"team": "a"}}, tags={}) == "differs"


def test_one_change_that_cannot_be_made_holds_back_all() -> None:
    assert decided({"database": "sales", "tags": {"team": "a"}}, tags=MANAGED, database="dev") == "differs"


def test_paused_cluster_is_not_changed() -> None:
    with pytest.raises(WarehouseUnavailable, match="resume_warehouse"):
        decide_provision(parse_spec({"name": "analytics", "tags": {"team": "a"}}), cluster("paused", tags=MANAGED), "arn")


def test_cluster_between_two_states_is_changed_later() -> None:
    there = cluster("resizing", tags=MANAGED)
    assert decide_provision(parse_spec({"name": there.name, "tags": {"team": "a"}}), there, "arn").action == "retry"
