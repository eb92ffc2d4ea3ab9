"""What a schedule means for one warehouse now: pause, resume or leave alone, and why. Pure; the reasons fit into Redshift's tags."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

import msgspec

from autopilot.domain.schedules import ACTIONS, Edge, EdgeAction, Schedule
from autopilot.domain.warehouse import primary_status

SCHEDULE_TAG = "autopilot:schedule"
HOLD_TAG = "autopilot:hold"
HOLD_UNTIL_TAG = "autopilot:hold-until"
IGNORE = "ignore"
#: Statuses in which a cluster runs, or will when what goes on has ended; a pause waits for that. Source: DescribeClusters, `ClusterStatus`.
_RUNNING = frozenset({"available", "resuming", "modifying", "rebooting", "resizing", "renaming", "rotating-keys", "updating-hsm"})
_MOST_SHARED = 1024
_STOPPED = frozenset({"paused", "pausing"})


class Decision(msgspec.Struct, frozen=True):
    """What to do and why.

    `settles` is the edge that this decision applies, also where nothing is left to do for it: to be kept as the last one applied, once the
    action has succeeded. `next_edge` is what the schedule says next.
    """

    action: Literal["pause", "resume", "nothing"]
    reason: str
    next_edge: Edge | None = None
    settles: Edge | None = None


class _Wish(msgspec.Struct, frozen=True):
    """What a schedule or a hold wants, and whether it is to be brought about now (`due`) or was before."""

    action: EdgeAction
    due: bool
    because: str
    settles: Edge | None
    next_edge: Edge | None


def decide(
    schedule: Schedule | None,
    tags: Mapping[str, str],
    observed_state: str,
    last_edge_applied: Edge | None,
    now: datetime,
    *,
    busy: bool = False,
    warm_up_minutes: int | None = None,
) -> Decision:
    """Decide for a warehouse in the `observed_state` (AWS's word), with the edge that an earlier decision settled.

    `schedule` is what its tag stands for, None where nothing of that name exists. `busy` says that queries still ran after the time to drain, or
    could not be seen. `warm_up_minutes` is what was learnt for a schedule that says `auto`. A hold beats the schedule, `ignore` beats both.
    """
    # In any other zone, Python takes the two moments of an hour that comes twice for one.
    now = now.astimezone(UTC)
    if tags.get(SCHEDULE_TAG) == IGNORE:
        return Decision("nothing", f"left alone: its tag says {SCHEDULE_TAG}={IGNORE}")
    if schedule is None:
        return Decision("nothing", _unnamed(tags.get(SCHEDULE_TAG)))
    if HOLD_TAG in tags or HOLD_UNTIL_TAG in tags:
        held = _held(schedule, tags, last_edge_applied, now, warm_up_minutes)
        if isinstance(held, Decision):
            return held
        if held is not None:
            return _carried(held, schedule, observed_state, busy=busy)
    # Most warehouses of a fleet are like many others: what follows from the same facts is worked out once.
    facts = (now, observed_state, last_edge_applied, busy, warm_up_minutes)
    decision: Decision | None = schedule.shared.get(facts)
    if decision is None:
        if len(schedule.shared) >= _MOST_SHARED:
            schedule.shared.clear()
        wish = _wished(schedule, last_edge_applied, now, warm_up_minutes)
        decision = wish if isinstance(wish, Decision) else _carried(wish, schedule, observed_state, busy=busy)
        schedule.shared[facts] = decision
    return decision


def _wished(schedule: Schedule, last: Edge | None, now: datetime, warm_up_minutes: int | None) -> _Wish | Decision:
    """What the schedule wants. An edge is due once: until it is settled, and for as long as its state holds."""
    outlook = schedule.outlook(now, warm_up_minutes)
    edge, ahead = outlook.edge, outlook.next_edge
    if outlook.state == "any":
        return Decision("nothing", f"schedule {_named(schedule)} says nothing now. {_until_next(ahead, schedule)}", ahead)
    action = ACTIONS[outlook.state]
    newer = edge is not None and (last is None or edge.moment > last.moment)
    # The last edge may also have been another one when the document was changed, or a hold.
    unsettled = newer or last is None or last.action != action
    settles = (edge if newer else Edge(now, action)) if unsettled else None
    because = f"schedule {_named(schedule)} says {outlook.state}{f' from {_local(edge.moment, schedule)}' if edge else ''}"
    return _Wish(action, unsettled or schedule.enforced, because, settles, ahead)


class Hold(msgspec.Struct, frozen=True):
    """What a warehouse's tags hold it to: `running`, `stopped`, or (None) what it is. `told` ends a sentence about it with when it is over.

    `problem` says why it cannot be understood, if so.
    """

    state: Literal["running", "stopped"] | None
    until: datetime | None
    told: str
    problem: str = ""


def hold_of(tags: Mapping[str, str], now: datetime) -> Hold | None:
    """The hold that is active now; None where there is none, or where it is over."""
    state, until_text = tags.get(HOLD_TAG), tags.get(HOLD_UNTIL_TAG)
    if state is None and until_text is None:
        return None
    until = _moment(until_text)
    if until is not None and until <= now:
        return None
    known: Literal["running", "stopped"] | None = "running" if state == "running" else "stopped" if state == "stopped" else None
    told = f" until {until_text}" if until else ""
    if until_text is not None and until is None:
        return Hold(known, None, "", f"{HOLD_UNTIL_TAG} is no ISO time with its zone such as 2026-12-24T18:00:00Z")
    return Hold(known, until, told, "" if known or state is None else f"{HOLD_TAG} is neither running nor stopped")


def _held(
    schedule: Schedule, tags: Mapping[str, str], last: Edge | None, now: datetime, warm_up_minutes: int | None
) -> _Wish | Decision | None:
    """What a hold wants: None when there is none. One that cannot be understood is taken as a wish to be left alone."""
    hold = hold_of(tags, now)
    if hold is None:
        return None
    if hold.problem:
        return Decision("nothing", f"left alone: {hold.problem}")
    if hold.state is None:
        after = _after_hold(schedule, None, hold.until, warm_up_minutes)
        return Decision("nothing", f"left alone{hold.told}: {HOLD_UNTIL_TAG} without {HOLD_TAG}", after)
    action = ACTIONS[hold.state]
    # Kept as the last edge, so that the schedule's own state is due again when the hold is over.
    settles = Edge(now, action) if last is None or last.action != action else None
    because = f"held {hold.state}{hold.told} by its tag"
    return _Wish(action, due=True, because=because, settles=settles, next_edge=_after_hold(schedule, action, hold.until, warm_up_minutes))


def _after_hold(schedule: Schedule, action: EdgeAction | None, until: datetime | None, warm_up_minutes: int | None) -> Edge | None:
    """What happens when the hold is over: at once what the schedule wants then, else its next edge."""
    if until is None:
        return None
    outlook = schedule.outlook(until, warm_up_minutes)
    if outlook.state != "any" and ACTIONS[outlook.state] != action:
        return Edge(until.astimezone(UTC), ACTIONS[outlook.state])
    return outlook.next_edge


def _carried(wish: _Wish, schedule: Schedule, observed_state: str, *, busy: bool) -> Decision:
    """The wish against what is."""
    status = primary_status(observed_state)
    there, elsewhere = (_RUNNING, _STOPPED) if wish.action == "resume" else (_STOPPED, _RUNNING)
    if status in there:
        return Decision("nothing", f"{wish.because}: it is {status}", wish.next_edge, wish.settles)
    if status not in elsewhere:
        return Decision("nothing", f"{wish.because}: it is {status} and can be neither paused nor resumed", wish.next_edge)
    if not wish.due:
        by_hand = f"{wish.because}: somebody changed it to {status}. {_until_next(wish.next_edge, schedule)}"
        return Decision("nothing", by_hand, wish.next_edge)
    if wish.action == "pause" and busy:
        match schedule.when_busy:
            case "wait":
                return Decision("nothing", f"{wish.because}: it is busy. Tried again at the next reconcile", wish.next_edge)
            case "skip":
                return Decision("nothing", f"{wish.because}: it is busy. Skipped as when_busy is skip", wish.next_edge, wish.settles)
            case "force":
                return Decision(
                    "pause", f"{wish.because}: it is busy. Paused all the same as when_busy is force", wish.next_edge, wish.settles
                )
    return Decision(wish.action, wish.because, wish.next_edge, wish.settles)


def _unnamed(name: str | None) -> str:
    return f"left alone: no schedule is named {name}" if name else f"left alone: it has no tag {SCHEDULE_TAG}"


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _named(schedule: Schedule) -> str:
    """Its name; of a long tag in Custodian's grammar so much that the reason still fits into a tag."""
    return schedule.name if len(schedule.name) <= 90 else f"{schedule.name[:87]}..."


def _until_next(edge: Edge | None, schedule: Schedule) -> str:
    if edge is None:
        return "Left alone until its schedule or its tags change"
    return f"Left alone until the next edge: {edge.action} at {_local(edge.moment, schedule)}"


def _local(moment: datetime, schedule: Schedule) -> str:
    return moment.astimezone(schedule.zone).isoformat(timespec="minutes")
