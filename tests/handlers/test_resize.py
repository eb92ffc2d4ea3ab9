"""`resize`: ask which way leads to a size, say what it means, and take one step at a time."""

from __future__ import annotations

from typing import Any

import pytest

from autopilot.domain.errors import InvalidInput, ResizeRefused, WarehouseFailed, WarehouseNotReady, WarehouseUnavailable
from tests.handlers.account import Aws, Handle, execution, key_of, reference, sample
from tests.handlers.wiring import Refusal


def look(name: str = "analytics", **given: Any) -> dict[str, Any]:
    return sample("resize") | {"input": {"warehouse": name, **given}}


def step(name: str = "analytics", kind: str = "cluster", *, classic: bool = False, applied: int = 0, **size: Any) -> dict[str, Any]:
    given = {"step": "resize", "execution": execution("resize-warehouse"), "warehouse": reference(name, kind)}
    return given | {"size": size, "classic": classic, "applied": applied}


def put_ledger(aws: Aws, started: str, action: str, *, outcome: str = "done", nodes: str = "4") -> None:
    entry = {"pk": f"LEDGER#{key_of()}", "sk": f"{started}#{action}#one", "action": action, "outcome": outcome, "execution": "one"}
    aws.put(entry | {"status_before": "available", "node_type": "ra3.large", "nodes": nodes})


# --- look -------------------------------------------------------------------------------------------------------------


def test_sample_plans_an_elastic_resize_and_says_what_it_means(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    aws.clusters.elastic = [("ra3.large", 4), ("ra3.large", 3)]
    plan = handle(sample("resize"))
    assert (plan["action"], plan["method"], plan["before"], plan["after"]) == ("resize", "elastic", "2 x ra3.large", "4 x ra3.large")
    assert "usually 10 to 15 minutes" in plan["consequence"]
    assert plan["possible"] == ["4 x ra3.large (disks 12 % full)", "3 x ra3.large (disks 12 % full)"]
    assert aws.calls("resize_cluster") == []


def test_new_node_type_says_that_queries_are_dropped(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    aws.clusters.elastic = [("ra3.xlplus", 2)]
    assert "running queries are dropped" in handle(look(node_type="ra3.xlplus"))["reason"]


def test_size_that_only_a_classic_resize_reaches_is_refused_unless_that_is_allowed(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    aws.clusters.elastic = [("ra3.large", 4)]
    with pytest.raises(ResizeRefused) as refused:
        handle(look(nodes=1))
    for part in (
        "no elastic resize leads from 2 x ra3.large to 1 x ra3.large",
        "it reaches 4 x ra3.large",
        "read-only until",
        "Set classic",
    ):
        assert part in str(refused.value)
    assert handle(look(nodes=1, classic="allow"))["method"] == "classic"


def test_dry_run_of_a_refused_resize_is_a_plan(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    plan = handle(look(nodes=1, dry_run=True))
    assert (plan["action"], plan["method"]) == ("refuse", "classic")
    assert "it reaches no size" in plan["reason"]


def test_node_type_that_is_not_sold_is_said_to_be(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    with pytest.raises(InvalidInput, match=r"node_type: AWS does not sell ds2.xlarge in this region, or no longer does"):
        handle(look(node_type="ds2.xlarge", classic="allow"))


@pytest.mark.parametrize(
    ("status", "action"),
    [("paused", "resume"), ("pausing", "resume"), ("resizing", "await"), ("modifying", "await"), ("available, prep-for-resize", "await")],
)
def test_plan_converges_with_what_is_under_way(aws: Aws, handle: Handle, status: str, action: str) -> None:
    aws.clusters.add(status=status)
    assert handle(look(nodes=4))["action"] == action


def test_cluster_that_is_cleaned_up_after_a_resize_is_tried_again_later(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="available, resize-cleanup")
    assert handle(look(nodes=2))["action"] == "nothing"
    with pytest.raises(WarehouseNotReady, match="resize-cleanup"):
        handle(look(nodes=4))


def test_state_from_which_nothing_leads_is_an_answer(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="deleting")
    with pytest.raises(WarehouseUnavailable, match="resized only from available"):
        handle(look(nodes=4))


def test_paused_cluster_that_had_the_size_before_stays_paused(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="paused", nodes=1)
    put_ledger(aws, "2026-01-01T08:00:00Z", "resume")
    put_ledger(aws, "2026-01-01T20:00:00Z", "pause", nodes="4")
    put_ledger(aws, "2026-01-01T21:00:00Z", "resize", outcome="failed")
    plan = handle(look(nodes=4))
    assert (plan["action"], plan["reason"]) == ("nothing", "analytics is paused and had 4 x ra3.large before")
    assert handle(look(nodes=2))["action"] == "resume"


def test_old_pause_says_nothing_about_a_cluster_that_was_resumed_since(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="paused", nodes=1)
    put_ledger(aws, "2026-01-01T20:00:00Z", "pause", nodes="4")
    put_ledger(aws, "2026-01-02T08:00:00Z", "resume")
    assert handle(look(nodes=4))["action"] == "resume"


@pytest.mark.parametrize(
    ("name", "given", "complaint"),
    [
        ("analytics", {}, "node_type or nodes: give at least one of them, none was given"),
        ("analytics", {"base_rpu": 8}, "base_rpu: cluster analytics takes node_type and nodes"),
        ("analytics", {"nodes": 0}, "nodes: Expected `int` >= 1"),
        ("analytics", {"node_type": "huge'; --"}, "node_type: Expected `str` matching regex"),
        ("analytics", {"nodes": 4, "classic": "maybe"}, "classic: Invalid enum value 'maybe'"),
        ("adhoc", {"nodes": 2, "max_rpu": 4}, "nodes: workgroup adhoc takes base_rpu and max_rpu"),
        (
            "adhoc",
            {"base_rpu": 12, "max_rpu": 9},
            "base_rpu: 12 is not allowed; 4, or a multiple of 8 up to 1024; max_rpu: 9 is not allowed",
        ),
        ("adhoc", {"max_rpu": 4}, "max_rpu: 4 is below base_rpu 8"),
    ],
)
def test_size_that_makes_no_sense_is_refused(aws: Aws, handle: Handle, name: str, given: dict[str, Any], complaint: str) -> None:
    aws.clusters.add()
    aws.serverless.add()
    with pytest.raises(InvalidInput) as refused:
        handle(look(name, **given))
    assert complaint in str(refused.value)


def test_workgroup_is_planned_without_asking_for_nodes(aws: Aws, handle: Handle) -> None:
    aws.serverless.add()
    plan = handle(look("adhoc", base_rpu=16, max_rpu=32))
    assert (plan["action"], plan["method"], plan["before"], plan["after"]) == ("resize", "capacity", "8 RPU", "16 to 32 RPU")
    assert handle(look("adhoc", base_rpu=8))["action"] == "nothing"


# --- resize -----------------------------------------------------------------------------------------------------------


def test_cluster_is_resized_once_and_then_waited_for(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    did = handle(step(node_type="ra3.large", nodes=4))
    assert (did["next"], did["applied"]) == ("resized", 1)
    assert handle(step(node_type="ra3.large", nodes=4, applied=1))["next"] == "resized"
    assert aws.calls("resize_cluster") == [
        {"ClusterIdentifier": "analytics", "NodeType": "ra3.large", "NumberOfNodes": 4, "ClusterType": "multi-node", "Classic": False}
    ]
    aws.clusters.clusters["analytics"] |= {"NumberOfNodes": 4, "ClusterStatus": "available"}
    assert handle(step(node_type="ra3.large", nodes=4, applied=1))["next"] == "done"


def test_classic_resize_to_a_single_node_says_so_to_aws(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    handle(step(node_type="ra3.large", nodes=1, classic=True))
    (request,) = aws.calls("resize_cluster")
    assert (request["ClusterType"], request["NumberOfNodes"], request["Classic"]) == ("single-node", 1, True)


def test_resize_that_aws_took_and_undid_fails(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    with pytest.raises(WarehouseFailed, match=r"ended with 2 x ra3\.large"):
        handle(step(node_type="ra3.large", nodes=4, applied=1))
    assert aws.calls("resize_cluster") == []


def test_cluster_that_is_busy_with_itself_is_tried_again(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    aws.fail("redshift", "resize_cluster", Refusal("InvalidClusterState"))
    with pytest.raises(WarehouseNotReady):
        handle(step(node_type="ra3.large", nodes=4))


def test_workgroup_grows_its_maximum_first_and_shrinks_it_last(aws: Aws, handle: Handle) -> None:
    aws.serverless.add(baseCapacity=8, maxCapacity=16)
    for base, most in ((32, 64), (8, 8)):
        for applied in (0, 1, 2):
            did = handle(step("adhoc", "workgroup", applied=applied, base_rpu=base, max_rpu=most))
        assert did["next"] == "done"
    changes = [{key: value for key, value in one.items() if key != "workgroupName"} for one in aws.calls("update_workgroup")]
    assert changes == [{"maxCapacity": 64}, {"baseCapacity": 32}, {"baseCapacity": 8}, {"maxCapacity": 8}]
