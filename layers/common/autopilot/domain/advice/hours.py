"""A schedule, Serverless, or nothing at all: what the hours in which a warehouse was needed speak for."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from autopilot.domain import thresholds
from autopilot.domain.advice.evidence import Evidence
from autopilot.domain.node_types import NODE_TYPES
from autopilot.domain.report import HOURS_OF_WEEK, Recommendation
from autopilot.domain.spending import cents

SCHEDULE_TAG = "autopilot:schedule"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LETTERS = dict(zip(WEEKDAYS, "MTWHFSU", strict=True))
#: Source: Cloud Custodian, `c7n/filters/offhours.py`.
_ESCAPES = {"(": "u28", ")": "u29", "[": "u5b", "]": "u5d", ",": "u2c", ";": "u3b"}


def schedule(seen: Evidence) -> Recommendation | None:
    """Pause in the hours of the week in which nobody was ever connected; None for a cluster that follows a schedule already."""
    size, activity = seen.size, seen.activity
    if size is None or activity is None or seen.scheduled or not size.on_demand:
        return None
    gaps = idle_gaps(activity.idle_hours_of_week)
    hours_a_week = sum(length for _, length in gaps)
    if activity.weeks_seen < thresholds.SCHEDULE_MIN_WEEKS or hours_a_week < thresholds.SCHEDULE_MIN_IDLE_HOURS_A_WEEK:
        return None
    # What stood paused in these hours anyway is saved already: only what ran counts, up to what the gaps hold.
    share = min(Fraction(activity.idle_running_hours, 24 * seen.days), Fraction(hours_a_week, HOURS_OF_WEEK))
    hours = share * thresholds.HOURS_PER_MONTH
    saving = cents(hours * size.on_demand * Fraction(size.price))
    if saving < thresholds.MIN_MONTHLY_SAVING:
        return None
    name = seen.costs.name
    return Recommendation(
        rule="schedule",
        title=f"{name}: pause it in the {hours_a_week} hours of the week in which nobody is connected",
        warehouse=name,
        evidence=[
            f"no connection in {activity.weeks_seen} weeks: "
            + ", ".join(f"{_when(start)} to {_when(start + length)}" for start, length in gaps),
            f"it ran without a connection for {activity.idle_running_hours} hours of the period",
        ],
        arithmetic=(
            f"{float(hours):.2f} h a month x {size.on_demand} x {size.node_type} x {size.price.normalize():f} = {saving} {size.currency}"
        ),
        monthly_saving=saving,
        risk="Whoever needs the cluster at another hour waits for a resume of some minutes; a tag can hold it awake. Hours are UTC. The input is that of CreateTags.",
        input={"ResourceName": _arn(seen), "Tags": [{"Key": SCHEDULE_TAG, "Value": tag_of(gaps)}]},
    )


def serverless(seen: Evidence) -> Recommendation | None:
    """Serverless instead of a cluster that works few hours: as much memory as now, billed only in the hours in which queries ran."""
    size, used, node = seen.size, seen.used, NODE_TYPES.get(seen.costs.node_type)
    if size is None or node is None or seen.prices is None or used.busy_hours is None or not seen.seen_enough:
        return None
    rpu_price, share = seen.prices.rpu_hour, Fraction(used.busy_hours, 24 * seen.days)
    if rpu_price is None or not used.busy_hours or share > thresholds.SERVERLESS_MAX_BUSY_SHARE:
        return None
    rpus = max(thresholds.SMALLEST_RPU, _stepped(node.memory_gb * size.nodes / thresholds.RPU_MEMORY_GB))
    hours = share * thresholds.HOURS_PER_MONTH
    monthly = hours * rpus * Fraction(rpu_price)
    saving = cents(size.monthly - monthly)
    if saving < thresholds.MIN_MONTHLY_SAVING:
        return None
    name = seen.costs.name
    return Recommendation(
        rule="serverless",
        title=f"{name}: Serverless with {rpus} RPUs instead of {size.nodes} x {size.node_type}",
        warehouse=name,
        evidence=[
            f"queries ran in {used.busy_hours} of the {24 * seen.days} hours of the period ({float(100 * share):.1f} %)",
            f"{size.nodes} x {node.memory_gb} GB of memory are {rpus} RPUs of {thresholds.RPU_MEMORY_GB} GB, the smallest number being {thresholds.SMALLEST_RPU}",
        ],
        arithmetic=(
            f"{size.arithmetic}; {float(hours):.2f} h x {rpus} RPUs x {rpu_price.normalize():f} = {cents(monthly)} {size.currency}; "
            f"saves {saving} {size.currency}"
        ),
        monthly_saving=saving,
        risk=(
            "A new endpoint: the data come by restoring a snapshot into the namespace, and clients must be moved. Set a usage limit: many short "
            "queries spread over the day are billed at least 60 s each."
        ),
        workflow="provision_warehouse",
        input={"spec": {"name": f"{name[:53]}-serverless", "kind": "workgroup", "compute": {"base_rpu": rpus}}, "dry_run": True},
    )


def unused(seen: Evidence) -> Recommendation | None:
    """Delete, with a final snapshot, what nobody has used for long."""
    if not is_unused(seen):
        return None
    costs, size = seen.costs, seen.size
    storage = sum((charge.amount for charge in costs.charges if charge.kind == "storage"), Decimal(0))
    kept = Fraction(storage) / seen.days * thresholds.DAYS_PER_MONTH
    a_month = kept
    if size is not None:
        a_month += size.monthly
    elif costs.kind == "cluster" or costs.spent is None:
        return None
    saving = cents(a_month)
    if saving <= 0:
        return None
    words = [size.arithmetic] if size is not None else []
    if storage:
        words.append(f"storage {cents(storage)} in {seen.days} days = {seen.money(kept)} a month")
    return Recommendation(
        rule="unused",
        title=f"{costs.name}: delete it, nobody has used it for {thresholds.UNUSED_DAYS} days",
        warehouse=costs.name,
        evidence=[f"no connection and no query in the last {thresholds.UNUSED_DAYS} days, of {seen.used.hours_seen} hours with data"],
        arithmetic="; ".join(words),
        monthly_saving=saving,
        risk="Jobs that run less often than that fail. The final snapshot keeps the data, and costs its storage.",
        workflow="delete_warehouse",
        input={"warehouse": costs.name, "confirm": costs.name, "final_snapshot": True, "dry_run": True},
    )


def is_unused(seen: Evidence) -> bool:
    """Whether a warehouse was there, and seen, and nobody used it for UNUSED_DAYS. What was not seen is not unused."""
    enough = thresholds.UNUSED_DAYS * 24
    if seen.costs.kind == "workgroup":
        return seen.used.queries == 0 and seen.days >= thresholds.UNUSED_DAYS
    activity = seen.activity
    if activity is None or seen.used.hours_seen < enough:
        return False
    return activity.hours_since_use is None or activity.hours_since_use >= enough


def idle_gaps(idle: frozenset[int]) -> list[tuple[int, int]]:
    """The stretches of idle hours of the week, each with its first hour and its length; one may run over the end of the week.

    A week without any use has no gap between uses. Short ones are left out, and of many the shorter ones: a tag has room for few.
    """
    if len(idle) == HOURS_OF_WEEK:
        return []
    starts = sorted(hour for hour in idle if (hour - 1) % HOURS_OF_WEEK not in idle)
    gaps = []
    for start in starts:
        length = 1
        while (start + length) % HOURS_OF_WEEK in idle:
            length += 1
        gaps.append((start, length))
    longest = sorted((gap for gap in gaps if gap[1] >= thresholds.SCHEDULE_MIN_GAP_HOURS), key=lambda gap: -gap[1])
    return sorted(longest[: thresholds.SCHEDULE_MOST_GAPS])


def _arn(seen: Evidence) -> str:
    """The cluster's ARN, as CreateTags takes it. The region tells the partition. Source: AWS general reference, ARNs."""
    costs = seen.costs
    partition = {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(costs.region.rpartition("-")[0].rpartition("-")[0], "aws")
    return f"arn:{partition}:redshift:{costs.region}:{costs.account}:cluster:{costs.name}"


def tag_of(gaps: list[tuple[int, int]]) -> str:
    """The value of the tag `autopilot:schedule` that pauses in these gaps: Cloud Custodian's grammar, escaped as Redshift's tags need it."""
    off = ",".join(_edge(start) for start, _ in gaps)
    on = ",".join(_edge(start + length) for start, length in gaps)
    return "".join(_ESCAPES.get(letter, letter) for letter in f"off=[{off}];on=[{on}];tz=utc")


def _edge(hour: int) -> str:
    return f"({_LETTERS[WEEKDAYS[hour // 24 % 7]]},{hour % 24})"


def _when(hour: int) -> str:
    return f"{WEEKDAYS[hour // 24 % 7]} {hour % 24:02}:00"


def _stepped(rpus: Decimal) -> int:
    return -int(-rpus // thresholds.RPU_STEP) * thresholds.RPU_STEP
