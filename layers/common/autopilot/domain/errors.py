"""Every error a workflow can end with. The class name is the error name in Step Functions, so `Retry` and `Catch` match on it."""

from __future__ import annotations


class AutopilotError(Exception):
    """What happened, to which warehouse, and what to do about it. `code` is AWS's own code where AWS refused a call."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class InvalidInput(AutopilotError):
    """The input or the spec is wrong: the message names each field, what was wrong and what is allowed. Nothing was changed."""


class WarehouseNotFound(AutopilotError):
    """No cluster and no workgroup of that name exists in this account and region."""


class WarehouseDiffers(AutopilotError):
    """A warehouse of that name exists and is not what the spec describes. It was left alone."""


class WarehouseProtected(AutopilotError):
    """The warehouse carries the tag that forbids its deletion. Nothing was changed."""


class WarehouseFailed(AutopilotError):
    """The warehouse went into a state from which the awaited one cannot be reached."""


class WarehouseUnavailable(AutopilotError):
    """The warehouse exists and does not take SQL in its present state; the message says which state and what to do."""


class PauseRefused(AutopilotError):
    """AWS does not pause this cluster: final, retrying does not help."""


class ResizeRefused(AutopilotError):
    """No elastic resize reaches the size asked for, and a classic one was not allowed. The message says what each would mean."""


class ScheduleFailed(AutopilotError):
    """None of the warehouses that were due by their schedules could be paused or resumed; each one's own execution says why."""


class StatementFailed(AutopilotError):
    """The database refused or failed a statement; the message is the database's own."""


class StatementAborted(AutopilotError):
    """The statement was cancelled before it ended."""


class ConfigurationIncomplete(AutopilotError):
    """Something of what lies inside the warehouse could not be made what the spec says. What does not depend on it was applied; a later run goes on."""


class WaitedTooLong(AutopilotError):
    """The awaited state did not come within the bounded number of looks; the message says what was seen last."""


class AccessDenied(AutopilotError):
    """An IAM policy or the database refused the call: the message names the action."""


class AwsRefused(AutopilotError):
    """AWS refused the call for a reason that retrying does not mend; the message is AWS's own."""


class TransientError(AutopilotError):
    """Worth trying again after a while. Subclasses name why; workflows retry each by name."""


class WarehouseNotReady(TransientError):
    """AWS says that the warehouse is between two states, or that another operation still runs on it."""


class Throttled(TransientError):
    """AWS asked to slow down, or one of its services failed for a moment."""


class CapacityUnavailable(TransientError):
    """AWS has no capacity for this cluster just now."""


class LookAgain(TransientError):
    """Not an error of anybody: a hint says that something changed, so the waiting task is to look again now."""
