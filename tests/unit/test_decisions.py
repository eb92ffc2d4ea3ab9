"""What to do with a warehouse, and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopilot.domain.changes import Change
from autopilot.domain.decisions import (
    Decision,
    Drain,
    carried_out,
    decide_drain,
    decide_pause,
    decide_provision,
    decide_resume,
    snapshot_name,
)
from autopilot.domain.errors import WarehouseDiffers, WarehouseNotReady
from autopilot.domain.inputs import PauseInput, ProvisionInput
from autopilot.domain.plans import plan as plan_of
from autopilot.domain.provision_steps import ProvisionPlan
from autopilot.domain.spec import parse_spec
from autopilot.domain.spec_parts import Logging
from autopilot.domain.steps import PausePlan
from autopilot.domain.surroundings import Surroundings
from autopilot.domain.warehouse import Warehouse
from tests.unit.builders import EXECUTION, cluster, workgroup

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
SPEC = parse_spec({"name": "analytics", "compute": {"node_type": "ra3.large", "nodes": 2}})


def steps_to(seen: Warehouse | None) -> list[Change]:
    return plan_of(SPEC, seen, Surroundings(logging=Logging(destination="cloudwatch")))


@pytest.mark.parametrize(
    ("status", "action", "reason"),
    [
        ("available", "pause", "analytics is available"),
        ("available, resize-cleanup", "pause", "analytics is available"),
        ("pausing", "await", "analytics is already pausing"),
        ("paused", "nothing", "analytics is already paused"),
        ("deleting", "nothing", "analytics is being deleted"),
        ("final-snapshot", "nothing", "analytics is being deleted"),
        ("resuming", "settle", "analytics is resuming; it is paused when that has ended"),
        ("modifying", "settle", "analytics is modifying; it is paused when that has ended"),
        ("rebooting", "settle", "analytics is rebooting; it is paused when that has ended"),
        ("resizing, prep-for-resize", "settle", "analytics is resizing; it is paused when that has ended"),
        ("creating", "retry", "analytics is creating; a cluster can be paused only from available"),
        ("storage-full", "retry", "analytics is storage-full; a cluster can be paused only from available"),
    ],
)
def test_pause_is_decided_by_the_state(status: str, action: str, reason: str) -> None:
    assert decide_pause(cluster(status)) == Decision(action, reason)


@pytest.mark.parametrize(
    ("status", "action", "reason"),
    [
        ("paused", "resume", "analytics is paused"),
        ("resuming", "await", "analytics is resuming"),
        ("creating", "await", "analytics is creating"),
        ("available", "nothing", "analytics is already available"),
        ("available, prep-for-resize", "nothing", "analytics is already available"),
        ("resizing", "await", "analytics is resizing"),
        ("pausing", "settle", "analytics is pausing; it is resumed when that has ended"),
        ("storage-full", "retry", "analytics is storage-full; a cluster can be resumed only from paused"),
    ],
)
def test_resume_is_decided_by_the_state(status: str, action: str, reason: str) -> None:
    assert decide_resume(cluster(status)) == Decision(action, reason)


@pytest.mark.parametrize("decide", [decide_pause, decide_resume])
@pytest.mark.parametrize("status", ["creating", "available", "modifying", "deleting"])
def test_nothing_is_ever_done_to_a_workgroup(decide: Any, status: str) -> None:
    assert decide(workgroup(status)).action == "nothing"


@pytest.mark.parametrize(
    ("seen", "decision"),
    [
        (None, Decision("create", "no cluster analytics exists")),
        (cluster("deleting"), Decision("settle", "cluster analytics is being deleted; it can be created when that has ended")),
        (cluster("creating"), Decision("await", "cluster analytics is already being created")),
        (cluster("creating", nodes=3), Decision("await", "cluster analytics is already being created")),
        (cluster(), Decision("nothing", "cluster analytics exists and is what the spec says")),
        (
            cluster(nodes=3),
            Decision(
                "differs", "cluster analytics exists, differs, and has no tag autopilot:managed=true: compute.nodes is 3, the spec says 2"
            ),
        ),
    ],
)
def test_provisioning_is_decided_by_what_is_there(seen: Warehouse | None, decision: Decision) -> None:
    assert decide_provision(SPEC, seen, steps_to(seen)) == decision


@pytest.mark.parametrize("action", ["retry", "settle"])
def test_decision_that_has_to_wait_is_not_carried_out(action: str) -> None:
    with pytest.raises(WarehouseNotReady, match=r"^analytics is modifying$"):
        carried_out(Decision(action, "analytics is modifying"))


@pytest.mark.parametrize("action", ["pause", "resume", "create", "await", "nothing"])
def test_decision_that_need_not_wait_is_carried_out_as_it_is(action: str) -> None:
    decision = Decision(action, "because")
    assert carried_out(decision) is decision


@given(st.from_regex(r"[a-z][a-z0-9]{0,62}", fullmatch=True), st.text(), st.text())
def test_snapshot_is_named_after_the_cluster_and_the_execution(name: str, execution: str, other: str) -> None:
    identifier = snapshot_name(name, execution)
    assert identifier == snapshot_name(name, execution)
    assert identifier.startswith(f"autopilot-pause-{name}-")
    assert len(identifier) <= 255
    assert (identifier == snapshot_name(name, other)) is (execution == other)


@pytest.mark.parametrize(
    ("running", "late", "expected"),
    [
        (0, False, Drain("idle", 0, "no query was running")),
        (0, True, Drain("idle", 0, "no query was running")),
        (1, False, Drain("pending", 1, "1 query was running")),
        (2, True, Drain("busy", 2, "2 queries were running when the time to drain was over")),
        (None, False, Drain("pending", None, "its queries could not be seen (no right)")),
        (None, True, Drain("busy", None, "its queries could not be seen (no right) when the time to drain was over")),
    ],
)
def test_drain_is_judged_by_what_runs_and_by_the_time(running: int | None, late: bool, expected: Drain) -> None:
    deadline = NOW if late else NOW + timedelta(seconds=1)
    assert decide_drain(running, "no right", NOW, deadline) == expected


def test_plan_keeps_node_type_and_count_of_before_the_pause() -> None:
    seen = cluster(nodes=4)
    plan = PausePlan.of(seen, decide_pause(seen), PauseInput(warehouse="analytics"), when_busy="skip", drain_seconds=900)
    assert (plan.node_type, plan.nodes, plan.key) == ("ra3.large", 4, "cluster#us-east-1#analytics")


def test_plan_waits_for_a_state_that_ends_by_itself() -> None:
    seen = cluster("modifying")
    plan = PausePlan.of(seen, decide_pause(seen), PauseInput(warehouse="analytics"), when_busy="skip", drain_seconds=900)
    assert (plan.action, plan.reason) == ("settle", "analytics is modifying; it is paused when that has ended")


def test_no_plan_is_made_for_a_state_that_no_plan_can_wait_for() -> None:
    seen = cluster("storage-full")
    with pytest.raises(WarehouseNotReady, match=r"^analytics is storage-full; a cluster can be paused only from available$"):
        PausePlan.of(seen, decide_pause(seen), PauseInput(warehouse="analytics"), when_busy="skip", drain_seconds=900)


def test_warehouse_to_be_created_lies_where_the_execution_runs() -> None:
    there = EXECUTION.replace("us-east-1", "eu-central-1")
    plan = ProvisionPlan.of_spec(SPEC, None, [], ProvisionInput(), there)
    assert plan.key == "cluster#eu-central-1#analytics"
    assert (plan.status, plan.warehouse.region, plan.warehouse.account) == ("absent", "eu-central-1", "000000000000")


def test_dry_run_tells_of_a_difference_that_cannot_be_mended() -> None:
    seen = cluster(nodes=3)
    plan = ProvisionPlan.of_spec(SPEC, seen, steps_to(seen), ProvisionInput(dry_run=True), EXECUTION)
    assert (plan.action, [change.field for change in plan.changes]) == ("differs", ["compute.nodes"])
    with pytest.raises(WarehouseDiffers, match=r"compute\.nodes is 3, the spec says 2\. Nothing was changed$"):
        ProvisionPlan.of_spec(SPEC, seen, steps_to(seen), ProvisionInput(), EXECUTION)
