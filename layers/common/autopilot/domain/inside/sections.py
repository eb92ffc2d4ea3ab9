"""All sections: what they refuse, what they ask the catalog, and what they want done."""

from __future__ import annotations

from typing import Protocol

import msgspec

from autopilot.domain.inside import (
    datashares,
    external_schemas,
    grants,
    integrations,
    masking,
    materialized_views,
    roles,
    row_level_security,
    schemas,
    streams,
    users,
    views,
)
from autopilot.domain.inside.declared.everything import Inside
from autopilot.domain.inside.model import Catalog, Compared, Context, Question


class Section(Protocol):
    """What each section's module offers. Pure: the same spec, catalog and context give the same steps."""

    def problems(self, spec: Inside) -> list[str]:
        """What contradicts in this section, each with its path, such as `spec.roles[2].name`."""

    def questions(self, spec: Inside) -> list[Question]:
        """What has to be read to compare it; none where the section is not declared."""

    def compare(self, spec: Inside, seen: Catalog, context: Context) -> Compared:
        """The steps from what is there to what is declared, and what is there and not declared."""

    def definitions(self, spec: Inside, seen: Catalog) -> dict[str, tuple[str, str]]:
        """What is to be remembered of each thing by its token: its definition as declared, and as the catalog gives it."""


#: In this order: a section sees what those before it plan.
SECTIONS: list[Section] = [
    external_schemas,
    schemas,
    roles,
    users,
    datashares,
    streams,
    integrations,
    views,
    materialized_views,
    grants,
    row_level_security,
    masking,
]


def problems_of(spec: Inside) -> list[str]:
    """Everything that contradicts in what is declared, each with its path."""
    return [problem for section in SECTIONS for problem in section.problems(spec)]


def questions_of(spec: Inside) -> list[Question]:
    """What has to be read of the catalog for what is declared; each once."""
    return list({question.name: question for section in SECTIONS for question in section.questions(spec)}.values())


def compare(spec: Inside, seen: Catalog, context: Context) -> Compared:
    """What all sections want done, not yet in order, and what they found that is not declared."""
    compared: list[Compared] = []
    for section in SECTIONS:
        planned = [step for one in compared for step in one.steps]
        compared.append(section.compare(spec, seen, msgspec.structs.replace(context, planned=planned)))
    return Compared([step for one in compared for step in one.steps], [drift for one in compared for drift in one.drift])
