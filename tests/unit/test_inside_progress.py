"""What is sent next: after a failure only what does not depend on it, after a look only what is still asked for."""

from __future__ import annotations

from typing import Any

import msgspec

from autopilot.domain.inside import progress as steps
from autopilot.domain.inside.model import Compared, Step
from autopilot.domain.inside.progress import MOST_FAILURES, MOST_IN_ALL, MOST_ROUNDS, MOST_STEPS, NOT_HELD, Progress, Tracked, Unit
from autopilot.domain.inside.report import MAX_STEP_BYTES, outcome_of, round_of
from autopilot.domain.signin import Target
from autopilot.domain.spec import parse_spec
from autopilot.domain.sql import Failure, failure_of

START = Progress(
    execution="arn:aws:states:us-east-1:000000000000:execution:configure:one",
    asked="a test",
    dry_run=False,
    kind="cluster",
    key="cluster#us-east-1#analytics",
    namespace="",
    target=Target(kind="cluster", name="analytics", database="dev", method="iam identity"),
    spec=parse_spec({"name": "analytics"}),
)


def step(name: str, *after: str, **more: Any) -> Step:
    return Step(section="test", name=name, reason="because", sql=f"DO {name}", marks=[name], after=list(after), **more)


def planned(*asked: Step, before: Progress = START) -> tuple[Progress, list[Unit]]:
    return steps.replanned(before, Compared(list(asked)))


def outcomes(progress: Progress) -> dict[str, str]:
    return {one.step.name: one.outcome for one in progress.tracked}


A, B, C, D = step("a"), step("b"), step("c", "b"), step("d", "c")


def test_what_may_share_a_transaction_is_one_unit() -> None:
    _, units = planned(A, B, step("alone", alone=True), C)
    assert units == [Unit(["a", "b", "c"]), Unit(["alone"])]


def test_the_others_of_a_failed_unit_are_sent_again_without_what_depends_on_it() -> None:
    progress, units = planned(A, B, C, D)
    after, left = steps.failed(progress, units[0], [], Failure("no such thing", 1))
    assert left == [Unit(["a"])]
    assert outcomes(after) == {"a": "planned", "b": "failed", "c": "blocked", "d": "blocked"}
    assert [one.message for one in after.tracked] == ["", "no such thing", "needs: b", "needs: b"]


def test_units_behind_a_failed_one_lose_only_what_depends_on_it() -> None:
    progress, units = planned(A, step("x", alone=True), step("y", "x"), step("z", alone=True))
    assert [unit.steps for unit in units] == [["a"], ["x"], ["y"], ["z"]]
    progress = steps.sent(progress, units[:1])
    after, left = steps.failed(progress, units[1], units[2:], Failure("no", 0))
    assert left == [Unit(["z"])]
    assert outcomes(after) == {"a": "done", "x": "failed", "y": "blocked", "z": "planned"}


def test_unit_of_which_nobody_says_what_failed_is_sent_apart_group_by_group() -> None:
    progress, units = planned(A, B, step("g1", together="g"), step("g2", together="g"))
    after, left = steps.failed(progress, units[0], [], Failure("no connection"))
    assert left == [Unit(["a"]), Unit(["b"]), Unit(["g1", "g2"])]
    assert after == progress
    gone, nothing = steps.failed(progress, left[2], [], Failure("no connection"))
    assert nothing == []
    assert outcomes(gone) | {"a": "", "b": ""} == {"a": "", "b": "", "g1": "failed", "g2": "failed"}


def test_cancelled_unit_is_not_sent_again() -> None:
    progress, units = planned(A, B)
    after, left = steps.failed(progress, units[0], [], Failure("it was cancelled", final=True))
    assert (left, outcomes(after)) == ([], {"a": "failed", "b": "failed"})


def test_noting_a_failure_twice_changes_nothing() -> None:
    progress, units = planned(A, B, C)
    once = steps.failed(progress, units[0], [], Failure("no", 1))
    assert steps.failed(once[0], units[0], [], Failure("no", 1)) == once


def test_what_was_done_and_is_asked_for_again_did_not_hold_and_is_not_done_for_ever() -> None:
    progress, units = planned(A, B, C)
    after, left = planned(B, C, before=steps.sent(progress, units))
    assert left == []
    assert outcomes(after) == {"a": "done", "b": "failed", "c": "failed"}
    assert after.named("b").message == NOT_HELD


def test_what_failed_and_is_not_asked_for_any_more_holds() -> None:
    progress, units = planned(A)
    failed, _ = steps.failed(progress, units[0], [], Failure("no answer"))
    after, left = planned(before=failed)
    assert (left, outcomes(after)) == ([], {"a": "done"})


def test_what_failed_is_not_tried_again_nor_what_depends_on_it() -> None:
    progress, units = planned(B)
    failed, _ = steps.failed(progress, units[0], [], Failure("no", 0))
    after, left = planned(B, C, A, before=failed)
    assert left == [Unit(["a"])]
    assert outcomes(after) == {"b": "failed", "c": "blocked", "a": "planned"}


def test_steps_behind_one_that_changes_what_can_be_planned_are_planned_anew() -> None:
    progress, units = planned(step("call", call="make", again=True), step("d", "call"))
    assert units == [Unit(["call"], again=True), Unit(["d"])]
    after, left = planned(msgspec.structs.replace(step("d"), sql="DO d WITH 7"), before=steps.sent(progress, units[:1]))
    assert (left, outcomes(after)) == ([Unit(["d"])], {"call": "done", "d": "planned"})
    assert after.named("d").step.sql == "DO d WITH 7"


def test_after_many_failures_the_rest_is_not_tried() -> None:
    progress, units = planned(*(step(f"s{number}", alone=True) for number in range(MOST_FAILURES + 5)))
    while units:
        progress, units = steps.failed(progress, units[0], units[1:], Failure("no", 0))
    assert list(outcomes(progress).values()) == ["failed"] * MOST_FAILURES + ["blocked"] * 5


def test_large_plan_is_sent_in_rounds() -> None:
    many = [step(f"s{number}") for number in range(MOST_STEPS + 40)]
    progress, units = planned(*many)
    assert sum(len(unit.steps) for unit in units) == MOST_STEPS
    after, rest = planned(*many[MOST_STEPS:], before=steps.sent(progress, units))
    assert [name for unit in rest for name in unit.steps] == [one.name for one in many[MOST_STEPS:]]
    assert len(after.of("done")) == MOST_STEPS


def test_what_is_left_after_many_rounds_is_left_to_another_execution() -> None:
    progress, units = planned(A)
    assert steps.bounded(progress, units, MOST_ROUNDS - 1) == (progress, units)
    after, left = steps.bounded(progress, units, MOST_ROUNDS)
    assert (left, outcomes(after)) == ([], {"a": "blocked"})
    many, units = planned(
        A, before=msgspec.structs.replace(START, tracked=[Tracked(step=step(str(n)), outcome="done") for n in range(MOST_IN_ALL)])
    )
    assert steps.bounded(many, units, 1)[1] == []


def test_end_says_what_failed_what_was_blocked_and_fails_the_execution() -> None:
    progress, units = planned(A, B, C)
    progress, units = steps.failed(progress, units[0], [], Failure("no such user", 1))
    progress, _ = planned(B, C, before=steps.sent(progress, units))
    outcome = outcome_of(progress, "s3://bucket/plan")
    assert (outcome.result, outcome.error, outcome.changed) == ("failed", "ConfigurationIncomplete", True)
    assert outcome.detail.startswith("analytics: steps: 1 done, 1 failed, 1 blocked; failed: b: no such user")
    assert outcome.failed == {"b": "no such user"}
    nothing = outcome_of(START, "s3://bucket/plan")
    assert (nothing.result, nothing.event, nothing.changed) == ("nothing", "Warehouse Configuration Skipped", False)


def test_answer_shows_as_many_steps_as_fit() -> None:
    progress, units = planned(*(msgspec.structs.replace(step(f"s{n}"), sql="x" * 5000) for n in range(60)))
    shown = round_of(progress, units, "s3://bucket/plan")
    assert 0 < len(shown.steps) < 60
    assert len(msgspec.json.encode(shown.steps)) <= MAX_STEP_BYTES
    assert shown.counts.planned == 60


def test_failure_names_the_statement_and_keeps_no_hash() -> None:
    form = "sha256|" + "ab" * 32 + "|" + "cd" * 32
    subs = [{"Status": "ABORTED"}, {"Status": "FAILED", "Error": f"syntax error at '{form}'"}, {"Status": "ABORTED"}]
    assert failure_of({"Status": "FAILED", "SubStatements": subs}) == Failure("syntax error at 'sha256|...'", 1)
    assert failure_of({"Status": "FAILED", "Error": "no"}) == Failure("no", 0)
    assert failure_of({"Status": "FAILED", "Error": "no connection", "SubStatements": [{"Status": "ABORTED"}]}) == Failure("no connection")
    assert failure_of({"Status": "ABORTED", "Error": "by a person"}) == Failure("it was cancelled: by a person", final=True)
