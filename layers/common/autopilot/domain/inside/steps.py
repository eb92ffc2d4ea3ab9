"""What `configure_warehouse` sends to its handler, and the plan that it starts from."""

from __future__ import annotations

import msgspec

from autopilot.domain.inside.progress import Unit
from autopilot.domain.sql import Failure
from autopilot.domain.steps import Plan, Waiting
from autopilot.domain.steps import Step as Call


class Read(Waiting, tag="read", frozen=True, kw_only=True):
    """Submit the questions to the catalog. `round` counts from 0."""

    round: int = 0


class Compare(Call, tag="compare", frozen=True, kw_only=True):
    """Compare what was read with what is declared. `sent` are the units that were sent since the last look, those that failed left out."""

    statement_id: str
    round: int = 0
    sent: list[Unit] = msgspec.field(default_factory=list)


class Send(Waiting, tag="send", frozen=True, kw_only=True):
    """Send one unit."""

    unit: Unit
    round: int = 0


class Note(Call, tag="note", frozen=True, kw_only=True):
    """Note why the unit at place `at` of the `units` failed, and say what is left."""

    units: list[Unit]
    at: int
    failure: Failure


class ConfigurePlan(Plan, frozen=True, kw_only=True):
    """A plan to configure: the sections that are declared, and how Autopilot signs in."""

    sections: list[str]
    signed_in_as: str
    version: str | None = None
