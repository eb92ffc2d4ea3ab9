"""`resume`: look and decide, then start the resume of what is still paused."""

from __future__ import annotations

from typing import Any

import pytest

from autopilot.domain.errors import CapacityUnavailable, InvalidInput, WarehouseNotFound, WarehouseNotReady
from tests.handlers.account import Aws, Handle, execution, reference, sample
from tests.handlers.wiring import Refusal


def look(**given: Any) -> dict[str, Any]:
    return sample("resume") | {"input": {"warehouse": "analytics", **given}}


def act(name: str = "analytics", kind: str = "cluster") -> dict[str, Any]:
    return {"step": "act", "execution": execution("resume-warehouse"), "warehouse": reference(name, kind)}


def test_sample_plans_the_resume_of_a_paused_cluster(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="paused", nodes=1)
    assert handle(sample("resume")) == {
        "action": "resume",
        "reason": "analytics is paused",
        "asked": "start of the working day",
        "warehouse": reference(),
        "key": "cluster#us-east-1#analytics",
        "dry_run": False,
        "status": "paused",
        "node_type": "ra3.large",
        "nodes": 1,
    }


@pytest.mark.parametrize(
    ("status", "action"),
    [
        ("available", "nothing"),
        ("resuming", "await"),
        ("creating", "await"),
        ("rebooting", "await"),
        ("modifying", "await"),
        ("resizing", "await"),
        ("pausing", "settle"),
    ],
)
def test_plan_converges_with_what_is_under_way(aws: Aws, handle: Handle, status: str, action: str) -> None:
    aws.clusters.add(status=status)
    assert handle(look())["action"] == action


def test_workgroup_has_nothing_to_resume(aws: Aws, handle: Handle) -> None:
    aws.serverless.add()
    plan = handle(look(warehouse="adhoc"))
    assert (plan["action"], plan["reason"]) == ("nothing", "nothing to resume: a Serverless workgroup is always ready")


def test_cluster_in_a_state_that_no_plan_can_wait_for_is_tried_again_later(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="storage-full")
    with pytest.raises(WarehouseNotReady, match=r"^analytics is storage-full; a cluster can be resumed only from paused$"):
        handle(look())


def test_unknown_warehouse_is_named(aws: Aws, handle: Handle) -> None:
    with pytest.raises(WarehouseNotFound, match="no cluster and no workgroup of the name analytics exists in this account and region"):
        handle(look())
    with pytest.raises(WarehouseNotFound, match="no workgroup of the name analytics exists"):
        handle(look(warehouse={"name": "analytics", "kind": "workgroup"}))
    assert aws.items() == []


def test_paused_cluster_is_resumed(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="paused")
    assert handle(act()) == {"action": "resume", "reason": "analytics is paused"}
    assert aws.clusters.status_of("analytics") == "resuming"


@pytest.mark.parametrize("status", ["resuming", "resizing"])
def test_cluster_that_becomes_available_by_itself_is_left_to_it(aws: Aws, handle: Handle, status: str) -> None:
    aws.clusters.add(status=status)
    assert handle(act())["action"] == "await"
    assert aws.calls("resume_cluster") == []


@pytest.mark.parametrize(
    ("code", "raised"), [("InvalidClusterState", WarehouseNotReady), ("InsufficientClusterCapacity", CapacityUnavailable)]
)
def test_refusal_for_now_is_told_from_one_for_good(aws: Aws, handle: Handle, code: str, raised: type[Exception]) -> None:
    aws.clusters.add(status="paused")
    aws.fail("redshift", "resume_cluster", Refusal(code, "not now"))
    with pytest.raises(raised, match=rf"^AWS refused to resume cluster analytics: not now \({code}\)$"):
        handle(act())


def test_unknown_field_is_refused_before_aws_is_asked(aws: Aws, handle: Handle) -> None:
    with pytest.raises(InvalidInput, match=r"^Object contains unknown field `when_busy`. Allowed fields: reason, dry_run, warehouse$"):
        handle(look(when_busy="force"))
    assert aws.order == []


@pytest.mark.parametrize("status", ["pausing", "storage-full"])
def test_cluster_that_is_not_paused_yet_is_tried_again(aws: Aws, handle: Handle, status: str) -> None:
    aws.clusters.add(status=status)
    with pytest.raises(WarehouseNotReady, match=f"^analytics is {status}; "):
        handle(act())
    assert aws.calls("resume_cluster") == []


def test_warehouse_of_another_region_is_refused_before_its_namesake_here_is_looked_at(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="paused")
    with pytest.raises(InvalidInput, match=r"^warehouse\.region: eu-west-1 is not us-east-1, the region that this stack serves$"):
        handle(look(warehouse={"name": "analytics", "region": "eu-west-1"}))
    assert aws.order == []


def test_namesake_here_is_not_taken_for_a_warehouse_of_another_account(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="paused")
    message = r"^warehouse\.account: 999999999999 is not 000000000000, the account that this stack serves$"
    with pytest.raises(InvalidInput, match=message):
        handle(look(warehouse={"name": "analytics", "account": "999999999999"}))
    with pytest.raises(InvalidInput, match=message):
        handle(act() | {"warehouse": reference() | {"account": "999999999999"}})
    assert aws.clusters.status_of("analytics") == "paused"


def test_cluster_without_a_namespace_yet_lies_in_the_stacks_own_region(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="creating")
    del aws.clusters.clusters["analytics"]["ClusterNamespaceArn"]
    plan = handle(look(warehouse=reference()))
    assert (plan["key"], plan["warehouse"]["account"]) == ("cluster#us-east-1#analytics", "")
    aws.clusters.add(status="paused")
    assert handle(act() | {"warehouse": plan["warehouse"]})["action"] == "resume"


def test_unknown_short_name_is_unknown(aws: Aws, handle: Handle) -> None:
    with pytest.raises(WarehouseNotFound, match="no cluster and no workgroup of the name ab exists"):
        handle(look(warehouse="ab"))
    assert aws.order == ["describe_clusters"]


@pytest.mark.parametrize("name", ["1st-team", "team--one", "w" * 64])
def test_every_name_that_serverless_gives_is_found(aws: Aws, handle: Handle, name: str) -> None:
    aws.serverless.add(name)
    assert handle(look(warehouse={"name": name, "kind": "workgroup"}))["warehouse"]["name"] == name
