"""Applies what a spec declares inside a warehouse straight to its database: the plan as it is made, without the workflow around it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from autopilot.domain.inside import ordering, sections
from autopilot.domain.inside.model import PASSWORD_HERE, Catalog, Compared, Context, Known, Step
from autopilot.domain.spec import Spec, parse_spec
from sandbox.redshift.data_results import _field
from sandbox.sql.errors import SqlError
from sandbox.sql.session import Session
from tests.sandbox.warehouse import Warehouse

PASSWORD = "Sandbox1Password"


@dataclass
class Inside:
    """One warehouse and what is remembered of it between two plans."""

    warehouse: Warehouse
    known: dict[str, Known] = field(default_factory=dict)
    integrations: list[dict[str, Any]] = field(default_factory=list)
    version: str = "a version"

    def compare(self, **declared: Any) -> Compared:
        """What a spec of these sections asks for now, its steps in order."""
        found = sections.compare(spec := _spec(declared), self._catalog(spec), self._context(spec))
        return Compared(ordering.ordered(found.steps), found.drift)

    def apply(self, **declared: Any) -> list[str]:
        """Carry the plan out, unit by unit as the workflow does; the names of its steps. Raises SqlError with the step's name."""
        spec = _spec(declared)
        steps = self.compare(**declared).steps
        with self.warehouse.session() as session:
            for unit in ordering.units(steps):
                _send(session, [steps[number] for number in unit])
        catalog = self._catalog(spec)
        marked = {token for step in steps for token in step.marks}
        for section in sections.SECTIONS:
            self.known |= {token: Known(*texts) for token, texts in section.definitions(spec, catalog).items() if token in marked}
        self.known |= {token: Known(self.version) for step in steps if step.secret for token in step.marks}
        return [step.name for step in steps]

    def _catalog(self, spec: Spec) -> Catalog:
        with self.warehouse.session() as session:
            return {question.name: _rows(session, question.sql) for question in sections.questions_of(spec)}

    def _context(self, spec: Spec) -> Context:
        own: dict[str, Any] = {"warehouse": "test", "kind": "cluster", "account": "000000000000", "region": "us-east-1"}
        return Context(
            **own,
            known=self.known,
            secrets={user.secret_in("test"): self.version for user in spec.users or []},
            integrations=self.integrations,
        )


def _spec(declared: dict[str, Any]) -> Spec:
    return parse_spec({"name": "test", **declared})


def _send(session: Session, steps: list[Step]) -> None:
    assert not any(step.call for step in steps), "calls of AWS need the workflow"
    shared = len(steps) > 1
    if shared:
        session.begin()
    for step in steps:
        try:
            session.execute(step.sql.replace(PASSWORD_HERE, PASSWORD))
        except SqlError as error:
            raise SqlError(f"{step.name}: {error}\n{step.sql}", "XX000") from error
    if shared:
        session.commit()


def _rows(session: Session, sql: str) -> list[dict[str, Any]]:
    result = session.execute(sql)
    names = [column.name for column in result.columns]
    typed = [[_value(_field(value, column)) for value, column in zip(row, result.columns, strict=True)] for row in result.rows]
    return [dict(zip(names, row, strict=True)) for row in typed]


def _value(cell: dict[str, Any]) -> Any:
    return None if cell.get("isNull") else next(iter(cell.values()))
