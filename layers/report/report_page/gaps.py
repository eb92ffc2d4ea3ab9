"""What is missing, numbered, so that each figure that is not there can point at the reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from autopilot.domain.report import Missing
from report_page.words import listed

#: Which missing parts a figure may lack for. The names are those of the gathering.
_RESTS_ON = {"saved": {"saved", "prices", "reserved nodes"}}
UNSAID = "AWS had no data of it"


class Gap(NamedTuple):
    """A reason why something is missing, and for which warehouses; none means all."""

    number: int
    part: str
    why: str
    names: list[str]

    @property
    def concerns(self) -> str:
        """Whom it concerns, in words."""
        return listed(self.names) if self.names else "all"


class Gaps(NamedTuple):
    """All reasons of a report."""

    all: list[Gap]

    @classmethod
    def of(cls, missing: Sequence[Missing]) -> Gaps:
        """Equal reasons become one, with the warehouses that it concerns."""
        names: dict[tuple[str, str], list[str]] = {}
        for item in missing:
            found = names.setdefault((item.part, item.why), [])
            if item.warehouse is not None:
                found.append(item.warehouse)
        return cls([Gap(number, part, why, found) for number, ((part, why), found) in enumerate(names.items(), 1)])

    def behind(self, part: str, warehouse: str | None = None) -> list[Gap]:
        """The reasons why a figure is missing, of one warehouse or of the whole."""
        parts = _RESTS_ON.get(part, {part})
        return [gap for gap in self.all if gap.part in parts and (warehouse is None or not gap.names or warehouse in gap.names)]
