"""All sections together: what they ask fits into one batch, and every documented example can be planned on an empty warehouse."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from autopilot.domain.inside import sections
from autopilot.domain.inside.declared.everything import Inside
from autopilot.domain.inside.model import Context
from autopilot.domain.inside.report import on_empty
from autopilot.domain.spec import Spec, parse_spec
from autopilot.domain.sql import MAX_BATCH, MAX_STATEMENT_BYTES

PAGES = sorted((Path(__file__).parents[2] / "docs" / "inside").glob("*.md"))
EXAMPLES: dict[str, dict[str, Any]] = {
    f"{page.stem}-{number}": yaml.safe_load(text)
    for page in PAGES
    for number, text in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL))
}
CONTEXT = Context(
    warehouse="analytics",
    kind="cluster",
    namespace="13b8833d-17c6-4f16-8fe4-1a018f5ed00d",
    account="000000000000",
    region="us-east-1",
)
#: One question is the engine's own: who is signed in.
QUESTIONS = MAX_BATCH - 1


def test_all_questions_fit_into_one_batch() -> None:
    declared: dict[str, Any] = {}
    for example in EXAMPLES.values():
        declared |= {key: value for key, value in example.items() if key in Inside.__struct_fields__}
    empty: dict[str, list[Any]] = {name: [] for name in Inside.__struct_fields__ if name not in {"prune", "datashares"}}
    spec = msgspec.convert({"name": "analytics", **empty, **declared}, Spec)
    questions = sections.questions_of(spec)
    assert 0 < len(questions) <= QUESTIONS
    assert all(len(question.sql.encode()) <= MAX_STATEMENT_BYTES for question in questions)


@pytest.mark.parametrize("name", EXAMPLES)
def test_documented_example_can_be_planned_on_an_empty_warehouse(name: str) -> None:
    spec = parse_spec(EXAMPLES[name])
    steps = on_empty(spec, msgspec.structs.replace(CONTEXT, kind=spec.kind))
    assert all(step.reason and step.sql for step in steps)
    assert len({step.step for step in steps}) == len(steps)


@pytest.mark.parametrize("section", sections.SECTIONS, ids=lambda section: section.__name__.rpartition(".")[2])
def test_section_that_is_not_declared_asks_and_wants_nothing(section: sections.Section) -> None:
    spec = parse_spec({"name": "analytics"})
    assert (section.problems(spec), section.questions(spec), section.definitions(spec, {})) == ([], [], {})
    compared = section.compare(spec, {}, CONTEXT)
    assert (compared.steps, compared.drift) == ([], [])
