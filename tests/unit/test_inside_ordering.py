"""Steps of a group are done in one transaction, or none of them."""

from __future__ import annotations

import pytest

from autopilot.domain.errors import InvalidInput
from autopilot.domain.inside.model import Step
from autopilot.domain.inside.ordering import blocked, left, ordered, units


def step(name: str, *, together: str = "", marks: str = "", after: str = "", alone: bool = False) -> Step:
    return Step(
        section="test", name=name, reason="test", sql=name, marks=marks.split(), after=after.split(), together=together, alone=alone
    )


def names(steps: list[Step]) -> list[str]:
    return [one.name for one in steps]


def test_a_group_stands_side_by_side_behind_all_that_any_of_it_needs() -> None:
    steps = [
        step("detach", together="swap"),
        step("other", after="role:r"),
        step("attach", together="swap", after="role:r"),
        step("create role", marks="role:r", alone=True),
    ]
    assert names(ordered(steps)) == ["create role", "detach", "attach", "other"]


def test_what_needs_one_of_a_group_comes_after_all_of_it() -> None:
    steps = [step("drop role", after="unused:r"), step("detach", together="swap", marks="unused:r"), step("attach", together="swap")]
    assert names(ordered(steps)) == ["detach", "attach", "drop role"]


def test_a_group_is_never_split_over_two_transactions() -> None:
    steps = [step(f"single {n}") for n in range(38)] + [step(f"part {n}", together="swap") for n in range(4)] + [step("last")]
    assert units(steps) == [list(range(38)), [38, 39, 40, 41, 42]]


def test_a_group_that_one_transaction_cannot_hold_is_refused() -> None:
    with pytest.raises(InvalidInput, match="swap takes 41 statements in one transaction"):
        units([step(f"part {n}", together="swap") for n in range(41)])


def test_what_fails_takes_its_whole_group_along_and_what_depends_on_that() -> None:
    steps = [
        step("detach", together="swap", marks="free"),
        step("attach", together="swap", marks="held"),
        step("grant", after="held"),
        step("reuse", after="free"),
        step("other"),
    ]
    assert blocked(steps, {"attach"}) == {"detach", "grant", "reuse"}
    assert left(steps, [[0, 1, 4], [2, 3]], {"attach"}) == [[4]]
