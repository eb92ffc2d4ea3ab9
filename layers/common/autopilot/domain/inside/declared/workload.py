"""Workload management: how queries share the warehouse."""

from __future__ import annotations

from autopilot.domain.spec_parts import Part


class Workload(Part, frozen=True, kw_only=True):
    """How queries share the warehouse."""
