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
    [("available", "nothing"), ("resuming", "await"), ("creating", "await"), ("rebooting", "await"), ("modifying", "await")],
)
def test_plan_converges_with_what_is_under_way(aws: Aws, handle: Handle, status: str, action: str) -> None:
    aws.clusters.add(status=status)
    assert handle(look())["action"] == action


def test_workgroup_has_nothing_to_resume(aws: Aws, handle: Handle) -> None:
    aws.serverless.add()
    plan = handle(look(warehouse="adhoc"))
    assert (plan["action"], plan["reason"]) == ("nothing", "nothing to resume: a Serverless workgroup is always ready")


def test_cluster_that_is_pausing_is_tried_again_later(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="pausing")
    with pytest.raises(WarehouseNotReady, match=r"^analytics is pausing; a cluster can be resumed only from paused$"):
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


def test_cluster_that_somebody_else_resumes_is_left_to_it(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="resuming")
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


@pytest.mark.xfail(strict=True, reason="resume.act carries on with a decision to `retry`: the workflow then waits for what nobody started")
def test_cluster_that_began_to_change_since_the_plan_is_tried_again(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="resizing")
    with pytest.raises(WarehouseNotReady):
        handle(act())


@pytest.mark.xfail(strict=True, reason="warehouses.find ignores the region and the account of a reference and takes the namesake here")
@pytest.mark.parametrize("elsewhere", [{"region": "eu-west-1"}, {"account": "999999999999"}])
def test_namesake_here_is_not_taken_for_a_warehouse_elsewhere(aws: Aws, handle: Handle, elsewhere: dict[str, str]) -> None:
    aws.clusters.add(status="paused")
    with pytest.raises((InvalidInput, WarehouseNotFound)):
        handle(look(warehouse={"name": "analytics", **elsewhere}))


@pytest.mark.xfail(
    strict=True, reason="a short name is asked of GetWorkgroup, whose model takes 3 characters: botocore's words reach people"
)
@pytest.mark.usefixtures("aws")
def test_unknown_short_name_is_unknown(handle: Handle) -> None:
    with pytest.raises(WarehouseNotFound):
        handle(look(warehouse="ab"))


@pytest.mark.xfail(
    strict=True, reason="inputs.NAME knows clusters' names only: Serverless takes a leading digit, 64 characters, two hyphens"
)
@pytest.mark.parametrize("name", ["1st-team", "team--one", "w" * 64])
def test_every_name_that_serverless_gives_is_found(aws: Aws, handle: Handle, name: str) -> None:
    aws.serverless.add(name)
    assert handle(look(warehouse={"name": name, "kind": "workgroup"}))["warehouse"]["name"] == name
