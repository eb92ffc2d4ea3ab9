"""What comes of the judged rules: which repair is next, and what people are told."""

from __future__ import annotations

from autopilot.domain.baseline import REFERENCES, Finding, Judgment, Repair, RuleName, Status, Tried
from autopilot.domain.decisions import Decision
from autopilot.domain.warehouse import Warehouse, primary_status


def next_repair(judged: list[Judgment], tried: list[Tried]) -> tuple[Repair, list[RuleName]] | None:
    """The first repair that was not tried yet, and the rules it is for. A reboot comes last: it takes over what others have set."""
    known = {one.key for one in tried}
    waiting = [one.repair for one in judged if one.repair and one.repair.key not in known]
    repair = next(iter(sorted(waiting, key=lambda one: one.operation == "reboot_cluster")), None)
    return (repair, [one.rule for one in judged if one.repair and one.repair.key == repair.key]) if repair else None


def findings_of(judged: list[Judgment], tried: list[Tried]) -> list[Finding]:
    """What people are told: of each rule whether it held before, holds now, could be repaired, or needs a person, and why."""
    return [
        Finding(rule=one.rule, status=_status(one, tried), reason=_reason(one, tried), reference=REFERENCES[one.rule]) for one in judged
    ]


def decide_secure(seen: Warehouse, findings: list[Finding]) -> Decision:
    """`secure`, `nothing` when no rule can be repaired, or `retry` between two states."""
    status = primary_status(seen.status)
    if status not in {"available", "paused", "pausing", "deleting"}:
        return Decision("retry", f"{seen.name} is {seen.status}; it can be secured when that has ended")
    repairable = any(finding.status == "repairable" for finding in findings)
    return Decision("secure" if repairable else "nothing", summary(findings))


def summary(findings: list[Finding]) -> str:
    """The findings in one sentence."""
    words: dict[Status, str] = {
        "passed": "passed",
        "repaired": "repaired",
        "repairable": "can be repaired",
        "needs_person": "needs a person",
    }
    parts = []
    for status, word in words.items():
        rules = [finding.rule for finding in findings if finding.status == status]
        if rules:
            names = "" if status == "passed" else f" ({', '.join(rules)})"
            parts.append(f"{len(rules)} {'need a person' if status == 'needs_person' and len(rules) > 1 else word}{names}")
    return f"of {len(findings)} rules {', '.join(parts)}"


def _status(one: Judgment, tried: list[Tried]) -> Status:
    mended = any(one.rule in attempt.rules and not attempt.refusal for attempt in tried)
    if one.holds:
        return "repaired" if mended else "passed"
    waits = one.repair is not None and one.repair.key not in {attempt.key for attempt in tried}
    return "repairable" if waits else "needs_person"


def _reason(one: Judgment, tried: list[Tried]) -> str:
    refusals = [attempt.refusal for attempt in tried if one.rule in attempt.rules and attempt.refusal]
    return one.reason if one.holds or not refusals else f"{one.reason}; {refusals[-1]}"
