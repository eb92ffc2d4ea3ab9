"""What became of each step of a plan: what is sent next, what is left after a failure, and what a later look at the catalog says of it."""

from __future__ import annotations

from typing import Literal

import msgspec

from autopilot.domain.inside import ordering
from autopilot.domain.inside.model import Compared, Drift, Step
from autopilot.domain.signin import Target
from autopilot.domain.spec import Spec
from autopilot.domain.sql import Failure
from autopilot.domain.warehouse import Kind

#: An execution's history holds 25,000 events, of which a unit takes about eight; what is left then is planned again.
MOST_UNITS, MOST_STEPS = 300, 1000
MOST_ROUNDS, MOST_IN_ALL = 40, 2500
#: After so many failures something is wrong with all of it.
MOST_FAILURES = 25
NOT_HELD = "it was done, and the catalog does not show it"


class Unit(msgspec.Struct, frozen=True, omit_defaults=True):
    """Steps that are sent together, by their names. After one that is `again` the catalog is read anew."""

    steps: list[str]
    again: bool = False


class Tracked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A step and what became of it. `message` is the database's, or says what it was blocked by; `version` is that of the secret that was applied."""

    step: Step
    outcome: Literal["planned", "done", "failed", "blocked"] = "planned"
    message: str = ""
    version: str = ""


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """What an execution makes of a spec, which is `partial` where the warehouse has more than it knows of: the plan's file. `version` is that of the spec's file, `namespace` the warehouse's namespace id."""

    execution: str
    asked: str
    dry_run: bool
    kind: Kind
    key: str
    namespace: str
    target: Target
    spec: Spec
    version: str | None = None
    partial: bool = False
    tracked: list[Tracked] = []
    drift: list[Drift] = []

    def named(self, name: str) -> Tracked:
        """The step of that name."""
        return next(one for one in self.tracked if one.step.name == name)

    def of(self, outcome: str) -> list[Tracked]:
        """The steps of which that became."""
        return [one for one in self.tracked if one.outcome == outcome]

    def with_versions(self, versions: dict[str, str]) -> Progress:
        """Remember by the steps' names which versions of their secrets are applied."""
        tracked = [msgspec.structs.replace(one, version=versions.get(one.step.name, one.version)) for one in self.tracked]
        return msgspec.structs.replace(self, tracked=tracked)


def sent(progress: Progress, units: list[Unit]) -> Progress:
    """What was sent is done, unless it failed."""
    names = {name for unit in units for name in unit.steps}
    return _marked(progress, {one.step.name for one in progress.of("planned")} & names, "done")


def replanned(progress: Progress, compared: Compared) -> tuple[Progress, list[Unit]]:
    """What a fresh look asks for, and the units to be sent now.

    What failed is not tried again, nor what depends on it. What was done and is asked for again did not hold, and counts as failed; what
    failed and is not asked for any more holds.
    """
    steps = ordering.ordered(compared.steps)
    asked = {step.name for step in steps}
    kept = []
    for one in progress.tracked:
        if one.outcome == "done" and one.step.name in asked:
            kept.append(msgspec.structs.replace(one, outcome="failed", message=NOT_HELD))
        elif one.outcome == "failed" and one.step.name not in asked:
            kept.append(msgspec.structs.replace(one, outcome="done", message=""))
        elif one.outcome in {"done", "failed"}:
            kept.append(one)
    tried = {one.step.name for one in kept}
    new = [Tracked(step=step) for step in steps if step.name not in tried]
    progress = _blocked(msgspec.structs.replace(progress, tracked=kept + new, drift=compared.drift))
    return progress, _units([one.step for one in progress.of("planned")])


def failed(progress: Progress, unit: Unit, left: list[Unit], failure: Failure) -> tuple[Progress, list[Unit]]:
    """What is to be sent after a unit failed, which its transaction took back as a whole.

    The others of the unit are sent again without the one that failed; where nobody says which it was, each is sent alone.
    """
    apart = _apart(progress, unit)
    if failure.number is None and len(apart) > 1 and not failure.final:
        return progress, apart + left
    lost = unit.steps if failure.number is None else [unit.steps[failure.number]]
    progress = _blocked(_marked(progress, set(lost), "failed", failure.message))
    if len(progress.of("failed")) >= MOST_FAILURES:
        rest = {one.step.name for one in progress.of("planned")}
        return _marked(progress, rest, "blocked", f"not tried: {MOST_FAILURES} others had failed"), []
    open_ = {one.step.name for one in progress.of("planned")}
    units = [msgspec.structs.replace(one, steps=[name for name in one.steps if name in open_]) for one in [unit, *left]]
    return progress, [one for one in units if one.steps]


def bounded(progress: Progress, units: list[Unit], rounds: int) -> tuple[Progress, list[Unit]]:
    """What is still asked for after many rounds or steps is left to another execution."""
    if not units or (rounds < MOST_ROUNDS and len(progress.of("done") + progress.of("failed")) < MOST_IN_ALL):
        return progress, units
    return _marked(progress, {one.step.name for one in progress.of("planned")}, "blocked", "not reached; a later run goes on with it"), []


def _marked(progress: Progress, names: set[str], outcome: Literal["done", "failed", "blocked"], message: str = "") -> Progress:
    tracked = [
        msgspec.structs.replace(one, outcome=outcome, message=message) if one.step.name in names else one for one in progress.tracked
    ]
    return msgspec.structs.replace(progress, tracked=tracked)


def _apart(progress: Progress, unit: Unit) -> list[Unit]:
    """A unit in its smallest parts: step by step, but for those that are done in one transaction or not at all."""
    parts: dict[str, list[str]] = {}
    for name in unit.steps:
        parts.setdefault(progress.named(name).step.together or name, []).append(name)
    return [msgspec.structs.replace(unit, steps=names) for names in parts.values()]


def _blocked(progress: Progress) -> Progress:
    """Mark what depends on what failed, each with what it was blocked by."""
    steps, open_ = [one.step for one in progress.tracked], {one.step.name for one in progress.of("planned")}
    by: dict[str, list[str]] = {}
    for one in progress.of("failed"):
        for name in ordering.blocked(steps, {one.step.name}) & open_:
            by.setdefault(name, []).append(one.step.name)
    for name, failures in by.items():
        progress = _marked(progress, {name}, "blocked", f"needs: {', '.join(failures)[:200]}")
    return progress


def _units(steps: list[Step]) -> list[Unit]:
    """The units of a round: not more than a round takes."""
    units: list[Unit] = []
    for numbers in ordering.units(steps)[:MOST_UNITS]:
        if sum(len(unit.steps) for unit in units) + len(numbers) > MOST_STEPS:
            break
        units.append(Unit([steps[number].name for number in numbers], again=any(steps[number].again for number in numbers)))
    return units
