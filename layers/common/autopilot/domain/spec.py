"""The spec: the desired state of one warehouse. Its parts stand in `spec_parts`, what contradicts in `spec_checks`."""

from __future__ import annotations

from typing import Annotated

import msgspec

from autopilot.domain import spec_checks as checks
from autopilot.domain.alarms import Alarms, alarm_problems
from autopilot.domain.budgets import Budget, budget_problems
from autopilot.domain.errors import InvalidInput
from autopilot.domain.inputs import decode
from autopilot.domain.inside import sections
from autopilot.domain.inside.declared.everything import Inside
from autopilot.domain.spec_parts import Backups, Compute, Encryption, Logging, Network, Parameters, Roles
from autopilot.domain.tags import ENVIRONMENT_TAG, PROTECT_TAG, SCHEDULE_TAG
from autopilot.domain.warehouse import Kind

TagValue = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class Spec(Inside, frozen=True, kw_only=True):
    """One warehouse. The admin password is never part of it: Redshift makes and keeps it in Secrets Manager.

    `environment` and `schedule` become tags; `protect` tags it so that nothing deletes or replaces it. What lies inside it are
    the sections of `Inside`.
    """

    name: str
    kind: Kind = "cluster"
    environment: TagValue | None = None
    compute: Compute = Compute()
    database: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] = "dev"
    network: Network = Network()
    encryption: Encryption = Encryption()
    backups: Backups = Backups()
    maintenance_window: str | None = None
    parameters: Parameters = Parameters()
    logging: Logging | None = None
    alarms: Alarms = Alarms()
    schedule: TagValue | None = None
    iam_roles: Roles | None = None
    budget: Budget | None = None
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    protect: bool = False

    @property
    def without_inside(self) -> Spec:
        """The same warehouse, with nothing said of what lies inside it."""
        return msgspec.structs.replace(self, **dict.fromkeys(self.declared), prune=False)

    @property
    def own_tags(self) -> dict[str, str]:
        """The tags that the spec asks for, those that its other fields stand for included."""
        fields = {ENVIRONMENT_TAG: self.environment, SCHEDULE_TAG: self.schedule, PROTECT_TAG: "true" if self.protect else None}
        return {**self.tags, **{key: value for key, value in fields.items() if value is not None}}


def parse_spec(data: object) -> Spec:
    """Decode and check a spec. Raises InvalidInput with every contradiction at once, each with its path."""
    try:
        spec = decode(Spec, data)
    except InvalidInput as error:
        text = str(error).removeprefix("input: ")
        raise InvalidInput(f"spec: {text}" if text.startswith(("Object ", "Expected ")) else f"spec.{text}") from error
    if problems := problems_of(spec):
        raise InvalidInput("; ".join(problems))
    return spec


def problems_of(spec: Spec) -> list[str]:
    """Everything in a spec that contradicts, or that AWS is known to refuse, each with its path."""
    kind = spec.kind
    return [
        *checks.name_problems(kind, spec.name, spec.database),
        *checks.kind_problems(
            kind,
            {
                "compute": spec.compute,
                "network": spec.network,
                "backups": spec.backups,
                "parameters": spec.parameters,
                "logging": spec.logging,
            },
        ),
        *checks.compute_problems(kind, spec.compute),
        *checks.network_problems(kind, spec.network, spec.compute),
        *checks.encryption_problems(spec.encryption),
        *checks.upkeep_problems(kind, spec.backups, spec.maintenance_window),
        *checks.parameter_problems(kind, spec.parameters),
        *checks.logging_problems(kind, spec.logging),
        *checks.role_problems(spec.iam_roles),
        *alarm_problems(kind, spec.alarms),
        *(budget_problems(spec.budget) if spec.budget else []),
        *checks.tag_problems(spec.tags, {"spec.environment": spec.environment, "spec.schedule": spec.schedule}),
        *sections.problems_of(spec),
    ]


def parse_text(text: str) -> object:
    """Plain data from a spec's text, YAML or JSON. Raises InvalidInput with the line where it cannot be read."""
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidInput(f"spec: not YAML or JSON: {error}") from error
