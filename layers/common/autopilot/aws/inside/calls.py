"""Steps that are calls of AWS instead of statements: the operations by the names that steps give them.

An operation takes the step and the context, starts what is to be done and returns what is to be waited for. It is repeated when its task is, so it
looks first and finds what it has begun. A module of operations declares its PERMISSIONS, and both are entered here.
"""

from __future__ import annotations

from collections.abc import Callable

from autopilot.aws.inside import datashares, integrations
from autopilot.aws.statements import Started
from autopilot.domain.errors import InvalidInput
from autopilot.domain.inside.model import Context, Step

Operation = Callable[[Step, Context], Started]

OPERATIONS: dict[str, Operation] = {
    "authorize_data_share": datashares.authorize,
    "associate_data_share_consumer": datashares.associate,
    "create_integration": integrations.create,
}
PERMISSIONS: tuple[str, ...] = (*datashares.PERMISSIONS, *integrations.PERMISSIONS)


def start(step: Step, context: Context) -> Started:
    """Start the call of a step. Raises InvalidInput for an operation that nobody has entered here."""
    operation = OPERATIONS.get(step.call)
    if operation is None:
        raise InvalidInput(f"{step.name}: no operation {step.call!r} is known. Known: {', '.join(sorted(OPERATIONS)) or 'none'}")
    return operation(step, context)
