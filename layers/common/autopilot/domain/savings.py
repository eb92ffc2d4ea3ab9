"""What pausing saved: the hours that a cluster really stood paused, from the ledger, times the price of what it was before the pause.

Nothing is counted that is not known: a pause counts from when it was over to when the resume began, and where somebody resumed by
hand, only up to the first hour in which the cluster's metrics show that it ran.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import msgspec

from autopilot.domain.report import Saved
from autopilot.domain.spending import cents
from autopilot.domain.warehouse import primary_status

_MICROSECOND = timedelta(microseconds=1)
_MICROSECONDS_PER_HOUR = 3_600_000_000
_HOURS = Decimal("0.0001")


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger says of one execution: `outcome` is `started` while it runs, then `done`, `skipped` or `failed`."""

    action: str
    outcome: str
    started_at: datetime
    ended_at: datetime | None = None
    status_before: str = ""
    node_type: str = ""
    nodes: int = 0


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """A time in which a cluster stood paused, with the node type and number of nodes from before."""

    start: datetime
    end: datetime
    node_type: str
    nodes: int


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """Reserved nodes of one type. `hourly` is what one costs an hour, its upfront payment spread over its time."""

    node_type: str
    nodes: int
    hourly: Decimal


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """What of a cluster reservations must be shared out with: its size, and whether it was paused in the period."""

    name: str
    node_type: str
    nodes: int
    paused: bool


def hour_of(moment: datetime) -> int:
    """The number of the hour since 1970 (UTC) in which a moment lies."""
    return int(moment.timestamp() // 3600)


def pauses(entries: Iterable[Entry], *, now: datetime, status: str, ran: Collection[int] | None) -> tuple[list[Pause], list[str]]:
    """The pauses that a ledger proves, in order and without overlap, and what it leaves open, in words.

    `status` is the cluster's at `now`. `ran` are the hours in which its metrics show that it ran (see `hour_of`), None if unknown.
    """
    told = sorted(entries, key=lambda entry: (_moment(entry), entry.started_at))
    found: list[Pause] = []
    doubts: list[str] = []
    opened: Entry | None = None
    for number, entry in enumerate(told):
        later = told[number + 1 :]
        if opened is not None and _ends(entry, later, status):
            _close(found, doubts, opened, _moment(entry), ran, by_hand=_ran_before(entry))
            opened = None
        if entry.action == "pause" and entry.outcome == "done" and opened is None:
            node_type, nodes = size_before(told[: number + 1])
            opened = msgspec.structs.replace(entry, node_type=node_type, nodes=nodes)
    if opened is not None:
        _close(found, doubts, opened, now, ran, by_hand=primary_status(status) != "paused")
    return found, doubts


def size_before(entries: Sequence[Entry]) -> tuple[str, int]:
    """The node type and number of nodes that the last entry tells which saw the cluster whole; `("", 0)` without any.

    AWS describes a cluster of several nodes as a single one while it is pausing, paused or resuming. Source: DescribeClusters.
    """
    for entry in reversed(entries):
        if entry.nodes and primary_status(entry.status_before) not in {"paused", "pausing", "resuming"}:
            return entry.node_type, entry.nodes
    return "", 0


def _moment(entry: Entry) -> datetime:
    """When an entry counts: a pause when it was over, whatever else when it began."""
    return entry.ended_at or entry.started_at if entry.action == "pause" else entry.started_at


def _ran_before(entry: Entry) -> bool:
    return primary_status(entry.status_before) not in {"paused", "pausing", ""}


def _ends(entry: Entry, later: Sequence[Entry], status: str) -> bool:
    """Whether a cluster that stood paused does so no longer after this entry."""
    if _ran_before(entry):
        return True
    if entry.action not in {"resume", "delete"} or entry.outcome == "skipped":
        return False
    if entry.outcome != "failed":
        return True
    # A resume that failed has ended the pause, unless the next look still found the cluster paused.
    return primary_status(later[0].status_before if later else status) != "paused"


def _close(found: list[Pause], doubts: list[str], opened: Entry, end: datetime, ran: Collection[int] | None, *, by_hand: bool) -> None:
    start = _moment(opened)
    if ran is not None:
        # An hour with data is one in which it ran; one that a pause or a resume cuts in two may have data of its other part.
        first, last = hour_of(start + timedelta(hours=1) - _MICROSECOND), hour_of(end)
        seen = min((hour for hour in ran if first <= hour < last), default=last if by_hand else None)
        end = end if seen is None else datetime.fromtimestamp(seen * 3600, UTC)
    elif by_hand:
        doubts.append(f"the pause of {start:%Y-%m-%d %H:%M} UTC was ended outside of Autopilot and no metric says when; it is not counted")
        return
    if end > start:
        found.append(Pause(start=start, end=end, node_type=opened.node_type, nodes=opened.nodes))


def within(found: Iterable[Pause], start: datetime, end: datetime) -> list[Pause]:
    """The parts of pauses that lie in a period."""
    cut = (Pause(start=max(pause.start, start), end=min(pause.end, end), node_type=pause.node_type, nodes=pause.nodes) for pause in found)
    return [pause for pause in cut if pause.end > pause.start]


def microseconds(found: Iterable[Pause]) -> int:
    """How long pauses last together: whole, so that sums are exact."""
    return sum((pause.end - pause.start) // _MICROSECOND for pause in found)


def paused_hours(found: Iterable[Pause]) -> frozenset[int]:
    """The hours (see `hour_of`) that lie wholly in a pause."""
    return frozenset(
        hour for pause in found for hour in range(hour_of(pause.start + timedelta(hours=1) - _MICROSECOND), hour_of(pause.end))
    )


def covered_nodes(fleet: Iterable[Fleet], reservations: Iterable[Reservation]) -> dict[str, int]:
    """How many nodes of each cluster reservations pay for. Clusters that were never paused come first: so no saving is claimed too high.

    Reserved nodes float between the clusters of a region and node type. Source: management guide, "Reserved nodes".
    """
    left: dict[str, int] = {}
    for reservation in reservations:
        left[reservation.node_type] = left.get(reservation.node_type, 0) + reservation.nodes
    covered = {}
    for cluster in sorted(fleet, key=lambda one: (one.paused, one.name)):
        taken = min(cluster.nodes, left.get(cluster.node_type, 0))
        left[cluster.node_type] = left.get(cluster.node_type, 0) - taken
        covered[cluster.name] = taken
    return covered


def reserved_rates(reservations: Iterable[Reservation]) -> dict[str, Decimal]:
    """What one reserved node of each type costs an hour, on average over the reservations."""
    sums: dict[str, tuple[int, Decimal]] = {}
    for one in reservations:
        nodes, amount = sums.get(one.node_type, (0, Decimal(0)))
        sums[one.node_type] = nodes + one.nodes, amount + one.nodes * one.hourly
    return {node_type: amount / nodes for node_type, (nodes, amount) in sums.items() if nodes}


def saved(found: Sequence[Pause], prices: Mapping[str, Decimal], covered: int, rates: Mapping[str, Decimal], currency: str) -> Saved:
    """What these pauses saved. `prices` are on-demand prices of one node an hour, `rates` those of reserved ones, `covered` how many are reserved.

    Reserved nodes are billed whether the cluster runs or not, so only what is above them is saved. No price, no figure.
    """
    sizes: dict[tuple[str, int], int] = {}
    for pause in found:
        sizes[pause.node_type, pause.nodes] = sizes.get((pause.node_type, pause.nodes), 0) + microseconds([pause])
    amount, reserved, words = Fraction(0), Fraction(0), []
    priced, rated = True, True
    for (node_type, nodes), lasted in sizes.items():
        hours, kept = Fraction(lasted, _MICROSECONDS_PER_HOUR), min(nodes, covered)
        price, rate = prices.get(node_type), rates.get(node_type)
        what = f"{float(hours):.2f} h x {nodes - kept} x {node_type or 'an unknown node type'}"
        if price is None or not nodes:
            priced = False
            words.append(f"{what}: no price is known")
        else:
            worth = hours * (nodes - kept) * Fraction(price)
            amount += worth
            words.append(f"{what} at {price.normalize():f} {currency} = {cents(worth)} {currency}")
        if kept and rate is None:
            rated = False
        elif kept and rate is not None:
            reserved += hours * kept * Fraction(rate)
            words.append(f"{kept} reserved {'node is' if kept == 1 else 'nodes are'} billed all the same, at {rate:.4f} {currency}")
    return Saved(
        paused_hours=(Decimal(microseconds(found)) / _MICROSECONDS_PER_HOUR).quantize(_HOURS),
        amount=cents(amount) if priced else None,
        reserved_amount=cents(reserved) if covered and rated else None,
        arithmetic="; ".join(words),
    )
