"""What people, schedules and events may send: one strict struct per workflow, decoded once at the edge."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from autopilot.domain.baseline import Consent, RuleName
from autopilot.domain.errors import InvalidInput
from autopilot.domain.warehouse import Reference

Reason = Annotated[str, msgspec.Meta(max_length=500)]
DEFAULT_REASON = "started by hand"
LONGEST_DRAIN_SECONDS = 86_400
#: What the name of a cluster or of a workgroup can look like. Source: CreateWorkgroup, `workgroupName`; clusters' names are stricter.
_NAME = re.compile(r"[a-z0-9-]{1,64}")
#: A node type's form. Which ones exist is for AWS to say; the list changes. Source: ResizeCluster, `NodeType`.
NodeType = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2}[a-z0-9]{0,4}\.[a-z0-9]{1,12}$")]
#: Source: CreateClusterSnapshot, `SnapshotIdentifier`; CreateSnapshot, `snapshotName`, is shorter.
SnapshotName = Annotated[str, msgspec.Meta(pattern=r"^[a-z](-?[a-z0-9])*$", max_length=235)]
T = TypeVar("T")


class Common(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every workflow takes. `reason` travels to logs, events and the ledger; `dry_run` changes nothing."""

    reason: Reason = DEFAULT_REASON
    dry_run: bool = False


class PauseInput(Common, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Input of `pause_warehouse`. A busy cluster is given `drain_seconds`; if it is still busy then, `when_busy` decides.

    `wait` lets its queries end however long they take, for a day at most. Nothing is waited for beyond `until`.
    """

    warehouse: str | Reference
    when_busy: Literal["wait", "skip", "force"] = "skip"
    drain_seconds: Annotated[int, msgspec.Meta(ge=0, le=LONGEST_DRAIN_SECONDS)] = 900
    until: Annotated[datetime, msgspec.Meta(tz=True)] | None = None

    @property
    def patience_seconds(self) -> int:
        """How long running queries are let end."""
        return LONGEST_DRAIN_SECONDS if self.when_busy == "wait" else self.drain_seconds


class ResumeInput(Common, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Input of `resume_warehouse`."""

    warehouse: str | Reference


class DeleteInput(Common, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Input of `delete_warehouse`. `confirm` repeats the name; without `final_snapshot` the data is gone for good."""

    warehouse: str | Reference
    confirm: str
    final_snapshot: bool = True


class ResizeInput(Common, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Input of `resize_warehouse`: a cluster's `node_type` and `nodes`, or a workgroup's `base_rpu` and `max_rpu`; what is left out stays.

    `classic` says whether a size that no elastic resize reaches may be reached by a classic one, which is long and read-only. A busy cluster
    is given `drain_seconds`; if it is still busy then, `when_busy` decides.
    """

    warehouse: str | Reference
    node_type: NodeType | None = None
    nodes: Annotated[int, msgspec.Meta(ge=1, le=128)] | None = None
    base_rpu: Annotated[int, msgspec.Meta(ge=4, le=1024)] | None = None
    max_rpu: Annotated[int, msgspec.Meta(ge=4, le=5632)] | None = None
    classic: Literal["forbid", "allow"] = "forbid"
    when_busy: Literal["skip", "force"] = "skip"
    drain_seconds: Annotated[int, msgspec.Meta(ge=0, le=86_400)] = 900


class SnapshotInput(Common, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Input of `snapshot_warehouse`: take a snapshot, or list those there are, of a deleted warehouse too.

    `snapshot` names the one to take; without it each execution takes its own. It removes itself after `retention_days`; -1 keeps it for ever.
    """

    warehouse: str | Reference
    action: Literal["take", "list"] = "take"
    snapshot: SnapshotName | None = None
    retention_days: Annotated[int, msgspec.Meta(ge=-1, le=3653)] = 30


class CleanInput(Common, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Input of `clean_snapshots`. Without `dry_run: false` it only says what it would delete.

    Manual snapshots older than `older_than_days` go, except the newest `keep_last` of each warehouse; those of deleted warehouses go after
    `orphans_older_than_days`, or never when that is null. `warehouses` and `snapshots` narrow it down to those named.
    """

    dry_run: bool = True
    older_than_days: Annotated[int, msgspec.Meta(ge=1, le=3653)] = 90
    keep_last: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 3
    orphans_older_than_days: Annotated[int, msgspec.Meta(ge=1, le=3653)] | None = 365
    warehouses: list[str] = []
    snapshots: list[str] = []


class SecureInput(Common, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Input of `secure_warehouse`.

    `reboot` agrees to a restart, which drops sessions; `read_only` to hours without writes while an unencrypted cluster is encrypted.
    `accept` names rules that are to stay broken, each with the reason.
    """

    warehouse: str | Reference
    reboot: Literal["refuse", "allow"] = "refuse"
    read_only: Literal["refuse", "allow"] = "refuse"
    accept: dict[RuleName, Reason] = {}

    @property
    def consent(self) -> Consent:
        """What people agreed to."""
        return Consent(reboot=self.reboot == "allow", read_only=self.read_only == "allow", accept=dict(self.accept))


class RunSqlInput(Common, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Input of `run_sql`: `sql` (text, or a list of statements) or `sql_uri` (a file in the Autopilot bucket), not both.

    `transaction` true runs a list as one transaction; it must be false for what cannot run in one, such as VACUUM.
    """

    warehouse: str | Reference
    database: Annotated[str, msgspec.Meta(min_length=1, max_length=127)] | None = None
    sql: str | list[str] | None = None
    sql_uri: str | None = None
    parameters: dict[str, str | int | float | bool] = {}
    transaction: bool = True
    result: Literal["rows", "s3"] = "rows"


class ReportInput(Common, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Input of `report_costs`: from the day `from` to the one before `to` (UTC), by default the last 30 days; all warehouses or some."""

    start: date | None = msgspec.field(default=None, name="from")
    end: date | None = msgspec.field(default=None, name="to")
    warehouses: list[str | Reference] = []


class ProvisionInput(Common, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Input of `provision_warehouse`: a `spec`, or the address of one in the Autopilot bucket, not both.

    `reboot: allow` reboots a cluster whose parameters wait for it. `from_snapshot` restores that snapshot as the new warehouse of the spec.
    """

    spec: dict[str, Any] | None = None
    spec_uri: str | None = None
    reboot: Literal["never", "allow"] = "never"
    from_snapshot: Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern=r"^[a-z0-9:-]+$")] | None = None


class ConfigureInput(Common, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Input of `configure_warehouse`: a `spec`, or the address of one in the Autopilot bucket, by default its newest `version`, not both.

    Of the spec only what lies inside the warehouse is applied; `name` and `kind` say which warehouse, which Autopilot need not have created.
    `partial` says that the warehouse has more than this spec knows of: what is not declared is not reported.
    """

    spec: dict[str, Any] | None = None
    spec_uri: str | None = None
    version: str | None = None
    partial: bool = False


def decode(kind: type[T], data: object) -> T:
    """Decode plain data strictly. Raises InvalidInput naming the path of the field and what was expected there."""
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise InvalidInput(_say(str(error), kind)) from error


def _say(message: str, kind: type[Any]) -> str:
    """Turn msgspec's message into one that also lists the fields allowed, where a field was unknown or missing."""
    text, _, path = message.partition(" - at ")
    where = path.strip("`").removeprefix("$").lstrip(".")
    if (
        text.startswith(("Object contains unknown field", "Object missing required field"))
        and not where
        and hasattr(kind, "__struct_fields__")
    ):
        allowed = ", ".join(field.encode_name for field in msgspec.structs.fields(kind))
        return f"{text}. Allowed fields: {allowed}"
    return f"{where or 'input'}: {text}"


def reference_of(warehouse: str | Reference) -> Reference:
    """The reference that a `warehouse` field stands for. Raises InvalidInput for a name AWS could not have given."""
    reference = Reference(name=warehouse) if isinstance(warehouse, str) else warehouse
    check_name(reference.name, "warehouse" if isinstance(warehouse, str) else "warehouse.name")
    return reference


def check_name(name: str, path: str) -> None:
    """Raise InvalidInput unless the name is one that some cluster or workgroup can have."""
    if not name:
        raise InvalidInput(f"{path}: must not be empty")
    if not _NAME.fullmatch(name):
        raise InvalidInput(f"{path}: {name[:80]!r} is not a warehouse name. Allowed: 1 to 64 lowercase letters, digits and hyphens")


def check_confirmed(reference: Reference, confirm: str) -> None:
    """Raise InvalidInput unless the name was given a second time."""
    if confirm != reference.name:
        raise InvalidInput(
            f"confirm: must repeat the name of the warehouse that is to be deleted, {reference.name!r}, and is {confirm[:80]!r}"
        )


def check_one_of(given: dict[str, object]) -> None:
    """Raise InvalidInput unless exactly one of the named fields was given."""
    present = [name for name, value in given.items() if value is not None]
    if len(present) != 1:
        names = " or ".join(given)
        raise InvalidInput(f"{names}: give exactly one of them, {'both were' if present else 'none was'} given")


def split_s3_uri(uri: str, path: str, bucket: str) -> str:
    """The key in the Autopilot bucket that `s3://bucket/key` names. Raises InvalidInput for any other bucket or form."""
    match = re.fullmatch(r"s3://([a-z0-9.-]{3,63})/(.{1,1024})", uri)
    if not match:
        raise InvalidInput(f"{path}: {uri[:100]!r} is not of the form s3://bucket/key")
    if match[1] != bucket:
        raise InvalidInput(f"{path}: the file must lie in the Autopilot bucket s3://{bucket}/, the only one that these functions may read")
    return match[2]
