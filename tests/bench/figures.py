"""Figures with their spread: medians and quartiles of interleaved rounds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A median with its quartiles, in the unit of what was measured."""

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Figure:
        """The figure of one or more values."""
        if not values:
            raise ValueError("a figure needs a value")
        if len(values) == 1:
            return cls(values[0], values[0], values[0], 1)
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high, len(values))

    def text(self, unit: str, digits: int = 0) -> str:
        """For people: `210 ms (205 to 220)`."""
        return f"{self.median:.{digits}f}{unit} ({self.low:.{digits}f} to {self.high:.{digits}f})"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Figure:
    """How many times theirs ours is, from values of the same rounds: what slows a whole round leaves the ratio alone."""
    return Figure.of([mine / other for mine, other in zip(ours, theirs, strict=True)])
