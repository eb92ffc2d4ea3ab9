"""Retention: what may go, why the rest stays, and what no rule ever gives up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopilot.domain.inputs import CleanInput
from autopilot.domain.retention import Existing, Verdict, judge, tally
from autopilot.domain.snapshots import Snapshot
from tests.unit.builders import ACCOUNT

NOW = datetime(2026, 11, 25, 6, 0, tzinfo=UTC)
OLD = 200


def snapshot(identifier: str = "s", days: float = OLD, **more: Any) -> Snapshot:
    given = {"kind": "cluster", "warehouse": "analytics", "origin": "2026-01-01", "status": "available", "owner": ACCOUNT, "size_mb": 10.0}
    return Snapshot(identifier=identifier, arn=identifier, created_at=NOW - timedelta(days=days), **{**given, **more})


def existing(**more: Any) -> Existing:
    return Existing(**{"kind": "cluster", "name": "analytics", "origin": "2026-01-01", **more})


def verdict(one: Snapshot, *others: Snapshot, there: tuple[Existing, ...] = (existing(),), **rules: Any) -> Verdict:
    """The verdict on one snapshot, beside a newer one that keeps it from being the last."""
    newest = msgspec.structs.replace(one, identifier="newest", created_at=NOW, status="available", automated=False)
    return judge([one, newest, *others], there, CleanInput(**{"keep_last": 1, **rules}), NOW, ACCOUNT)[0]


def test_old_manual_snapshot_that_nobody_marked_goes() -> None:
    found = verdict(snapshot())
    assert (found.action, found.reason) == ("delete", "200 days old")


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"automated": True}, "automated: AWS removes it by itself"),
        ({"status": "creating"}, "its status is creating"),
        ({"owner": "999999999999"}, "it belongs to account 999999999999"),
        ({"identifier": "autopilot-final-analytics-0a1b"}, "a final snapshot"),
        ({"identifier": "awsbackup:job-1"}, "AWS Backup keeps it by its own rules"),
        ({"tags": {"aws:backup:source-resource": "x"}}, "AWS Backup keeps it by its own rules"),
        ({"shared_with": ["111122223333"]}, "shared with 1 account"),
        ({"tags": {"autopilot:keep": ""}}, "it carries the tag autopilot:keep"),
        ({"tags": {"release": "7"}}, "somebody tagged it: release"),
        ({"remaining_days": 3, "retention_days": 30}, "it removes itself when its retention ends"),
        ({"days": 89.9}, "younger than 90 days"),
    ],
)
def test_each_reason_to_stay_is_told(more: dict[str, Any], reason: str) -> None:
    found = verdict(snapshot(**more))
    assert (found.action, found.reason) == ("keep", reason)


@pytest.mark.parametrize(
    "more",
    [
        {"tags": {"autopilot:managed": "true"}},
        {"remaining_days": -1, "retention_days": -1},
        {"tags": {"team": "a"}},
        {"days": 90},
    ],
)
def test_what_is_no_reason_to_stay(more: dict[str, Any]) -> None:
    assert verdict(snapshot(**more), there=(existing(tags={"team": "a"}),)).action == "delete"


def test_newest_of_each_warehouse_stay_whatever_their_age() -> None:
    found = judge([snapshot(f"s{n}", OLD + n) for n in range(4)], [existing()], CleanInput(keep_last=2), NOW, ACCOUNT)
    assert [one.action for one in found] == ["keep", "keep", "delete", "delete"]
    assert found[0].reason == "one of the newest 2 of analytics"


def test_unusable_and_automated_snapshots_do_not_stand_in_for_the_last() -> None:
    others = [snapshot("failed", 1, status="failed"), snapshot("automated", 1, automated=True)]
    (last, *_) = judge([snapshot("last"), *others], [existing()], CleanInput(keep_last=1), NOW, ACCOUNT)
    assert (last.action, last.reason) == ("keep", "one of the newest 1 of analytics")


def test_snapshots_of_deleted_warehouses_have_a_rule_of_their_own() -> None:
    old, older = snapshot(days=300), snapshot(days=400)
    assert verdict(old, there=()).reason == "younger than 365 days, and analytics is deleted"
    assert verdict(older, there=()).reason == "400 days old, and analytics is deleted"
    assert verdict(older, there=(), orphans_older_than_days=None).reason == "analytics is deleted, and snapshots of deleted warehouses stay"


def test_later_warehouse_of_the_same_name_is_another_one() -> None:
    mine, namesakes = snapshot("mine"), snapshot("namesakes", 1, origin="2025-06-01")
    found = judge([mine, namesakes], [existing()], CleanInput(keep_last=1), NOW, ACCOUNT)
    assert [one.reason for one in found] == ["one of the newest 1 of analytics"] * 2


def test_names_narrow_it_down() -> None:
    assert verdict(snapshot(), warehouses=["analytics"]).action == "delete"
    assert verdict(snapshot(), warehouses=["other"]).reason == "its warehouse is not among those named"
    assert verdict(snapshot(), snapshots=["s"]).action == "delete"
    assert verdict(snapshot(), snapshots=["other"]).reason == "it is not among those named"
    assert verdict(snapshot(tags={"autopilot:keep": "yes"}), snapshots=["s"]).action == "keep"


def test_figures_add_up() -> None:
    found = judge(
        [snapshot("a"), snapshot("b", OLD + 1), snapshot("c", 1), snapshot("d", size_mb=None), snapshot("e", automated=True)],
        [existing()],
        CleanInput(keep_last=1),
        NOW,
        ACCOUNT,
    )
    figures = tally(found)
    assert (figures.found, figures.deleting, figures.size_mb) == (5, 3, 20.0)
    assert figures.kept == {"among the newest": 1, "automated": 1}


# --- whatever there is ------------------------------------------------------------------------------------------------

ORIGINS = ["2026-01-01", "2025-06-01"]
snapshots = st.lists(
    st.builds(
        snapshot,
        days=st.integers(0, 800).map(float),
        kind=st.sampled_from(["cluster", "workgroup"]),
        warehouse=st.sampled_from(["analytics", "sales"]),
        origin=st.sampled_from(ORIGINS),
        status=st.sampled_from(["available", "available", "available", "creating", "failed"]),
        automated=st.sampled_from([False, False, False, True]),
        owner=st.sampled_from([ACCOUNT, "", "999999999999"]),
        remaining_days=st.sampled_from([None, -1, 0, 12]),
        shared_with=st.sampled_from([[], [], ["1"]]),
        tags=st.sampled_from([{}, {}, {"autopilot:keep": "1"}, {"autopilot:managed": "true"}, {"team": "a"}]),
    ),
    max_size=25,
).map(lambda found: [msgspec.structs.replace(one, identifier=f"s{n}", arn=f"s{n}") for n, one in enumerate(found)])
rules = st.builds(
    CleanInput,
    older_than_days=st.integers(1, 400),
    keep_last=st.integers(1, 4),
    orphans_older_than_days=st.none() | st.integers(1, 400),
)
warehouses = st.lists(st.builds(existing, kind=st.sampled_from(["cluster", "workgroup"]), origin=st.sampled_from(ORIGINS)), max_size=3)


def _deleted(found: list[Verdict]) -> set[str]:
    return {one.snapshot.identifier for one in found if one.action == "delete"}


@given(snapshots, warehouses, rules)
def test_every_snapshot_gets_one_verdict_and_the_figures_count_each(
    found: list[Snapshot], there: list[Existing], asked: CleanInput
) -> None:
    judged = judge(found, there, asked, NOW, ACCOUNT)
    assert [one.snapshot for one in judged] == found
    figures = tally(judged)
    assert (figures.found, figures.deleting) == (len(found), len(_deleted(judged)))
    assert figures.found == figures.deleting + sum(figures.kept.values())


@given(snapshots, warehouses, rules)
def test_newest_usable_snapshot_of_every_warehouse_always_stays(found: list[Snapshot], there: list[Existing], asked: CleanInput) -> None:
    gone = _deleted(judge(found, there, asked, NOW, ACCOUNT))
    for origin in {(one.kind, one.warehouse, one.origin) for one in found}:
        usable = [
            one for one in found if (one.kind, one.warehouse, one.origin) == origin and one.status == "available" and not one.automated
        ]
        if usable:
            assert max(usable, key=lambda one: (one.created_at, one.identifier)).identifier not in gone


@given(snapshots, warehouses, rules)
def test_what_somebody_marked_shares_or_owns_is_never_deleted(found: list[Snapshot], there: list[Existing], asked: CleanInput) -> None:
    for one in judge(found, there, asked, NOW, ACCOUNT):
        if one.action == "delete":
            kept = one.snapshot
            assert not kept.automated
            assert (kept.status, kept.shared_with) == ("available", [])
            assert kept.owner in {"", ACCOUNT}
            assert set(kept.tags) <= {"autopilot:managed"}
            assert kept.remaining_days in {None, -1}


@given(snapshots, warehouses, rules)
def test_second_run_finds_nothing_more(found: list[Snapshot], there: list[Existing], asked: CleanInput) -> None:
    gone = _deleted(judge(found, there, asked, NOW, ACCOUNT))
    left = [one for one in found if one.identifier not in gone]
    assert _deleted(judge(left, there, asked, NOW, ACCOUNT)) == set()


@given(snapshots, warehouses, rules, st.integers(0, 300), st.integers(0, 3))
def test_gentler_rules_delete_no_more(found: list[Snapshot], there: list[Existing], asked: CleanInput, days: int, more: int) -> None:
    orphans = asked.orphans_older_than_days
    gentler = msgspec.structs.replace(
        asked,
        older_than_days=asked.older_than_days + days,
        keep_last=asked.keep_last + more,
        orphans_older_than_days=None if orphans is None else orphans + days,
    )
    assert _deleted(judge(found, there, gentler, NOW, ACCOUNT)) <= _deleted(judge(found, there, asked, NOW, ACCOUNT))
