"""Recommendations: what each rests on, its money, the input that carries it out, and silence where something is not known."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopilot.domain.advice import recommend
from autopilot.domain.advice.evidence import Account, Evidence, ReservedOffer, Snapshot
from autopilot.domain.advice.hours import idle_gaps, tag_of
from autopilot.domain.inputs import CleanInput, DeleteInput, ProvisionInput, ResizeInput, decode
from autopilot.domain.report import Anomaly, Charge, Recommendation, Used, WarehouseCosts
from autopilot.domain.schedules import schedule_from_tag
from autopilot.domain.spec import parse_spec
from autopilot.domain.using import Activity
from tests.unit.months import NOW, PRICES

FULL_WEEK = frozenset(range(168))
OFFICE = frozenset(day * 24 + hour for day in range(5) for hour in range(8, 18))
USED = Used(
    hours_seen=720,
    busy_hours=720,
    cpu_average_percent=10.0,
    cpu_p95_percent=20.0,
    cpu_maximum_percent=60.0,
    disk_maximum_percent=1.0,
    disk_median_percent=0.9,
    connections_average=3.0,
    connections_maximum=9.0,
    queries=10_000,
    queue_seconds=0.0,
)
ALWAYS_USED = Activity(weeks_seen=4, idle_hours_of_week=frozenset(), idle_running_hours=0, hours_since_use=0)


def seen(used: dict[str, Any] | None = None, costs: dict[str, Any] | None = None, **more: Any) -> Evidence:
    """A cluster of 4 ra3.xlplus that ran all 30 days; what a test says differs."""
    about: dict[str, Any] = {"kind": "cluster", "name": "a", "region": "us-east-1", "account": "1", "node_type": "ra3.xlplus", "nodes": 4}
    of_one = WarehouseCosts(**{**about, **(costs or {})}, used=msgspec.structs.replace(USED, **(used or {})))
    told: dict[str, Any] = {"days": 30, "prices": PRICES, "reserved_nodes": 0, "paused_share": Fraction(0), "activity": ALWAYS_USED}
    return Evidence(costs=of_one, **{**told, **more})


def advised(evidence: Evidence, **account: Any) -> dict[str, Recommendation]:
    return {one.rule: one for one in recommend([evidence], Account(now=NOW, **account))}


def money(evidence: Evidence) -> dict[str, str]:
    return {rule: str(one.monthly_saving) for rule, one in advised(evidence).items()}


def test_cluster_without_load_needs_half_of_its_nodes() -> None:
    # 20 % of 16 vCPUs are 40 % of 8. 2 x ra3.large would be 4 vCPUs, at 80 %: too much; 4 x ra3.large cost the same as 2 x ra3.xlplus.
    found = advised(seen())["fewer_nodes"]
    # 4 x 1.086 x 730 = 3171.12; 2 x 1.086 x 730 = 1585.56
    assert str(found.monthly_saving) == "1585.56"
    assert found.arithmetic == (
        "4 x ra3.xlplus x 1.086 x 730.00 h = 3171.12 USD; 2 x ra3.xlplus x 1.086 x 730.00 h = 1585.56 USD; saves 1585.56 USD"
    )
    asked = decode(ResizeInput, found.input)
    assert (found.workflow, asked.warehouse, asked.node_type, asked.nodes) == ("resize_warehouse", "a", "ra3.xlplus", 2)


def test_smaller_nodes_are_taken_where_the_load_allows_even_less() -> None:
    # 10 % of 2 x 12 vCPUs are 2.4: 2 x ra3.large have 4 (60 %), for 2 x 0.543 x 730 = 792.78 instead of 2 x 3.26 x 730 = 4759.60
    found = advised(seen({"cpu_p95_percent": 10.0, "cpu_average_percent": 5.0}, {"node_type": "ra3.4xlarge", "nodes": 2}))["smaller_nodes"]
    assert (str(found.monthly_saving), found.input["node_type"], found.input["nodes"]) == ("3966.82", "ra3.large", 2)


def test_new_size_can_hold_the_data() -> None:
    # 1.5 % of 2 x 128 TB are 3.84 TB: 24 % of 2 x ra3.large (16 TB); 5 % are 12.8 TB: 80 % of those, but 20 % of 2 x ra3.xlplus (64 TB)
    idle = {"cpu_p95_percent": 5.0, "cpu_average_percent": 5.0}
    size = {"node_type": "ra3.4xlarge", "nodes": 2}
    small = advised(seen({**idle, "disk_maximum_percent": 1.5, "disk_median_percent": 1.5}, size))["smaller_nodes"]
    large = advised(seen({**idle, "disk_maximum_percent": 5.0, "disk_median_percent": 5.0}, size))["smaller_nodes"]
    assert [(one.input["node_type"], one.input["nodes"]) for one in (small, large)] == [("ra3.large", 2), ("ra3.xlplus", 2)]
    full = advised(seen({**idle, "disk_maximum_percent": 70.0, "disk_median_percent": 70.0}, size))
    assert full == {}


@pytest.mark.parametrize(
    "pressure",
    [
        {"cpu_p95_percent": 90.0},
        {"cpu_average_percent": 60.0},
        {"queue_seconds": 720 * 11.0},
        {"disk_maximum_percent": 30.0, "disk_median_percent": 5.0},
        {"hours_seen": 100},
    ],
    ids=["cpu", "average", "queues", "spills", "too short"],
)
def test_pressure_on_cpu_memory_or_disk_keeps_the_nodes(pressure: dict[str, Any]) -> None:
    assert advised(seen(pressure)) == {}


def test_reserved_nodes_are_not_saved() -> None:
    # 3 of 4 are reserved: with 2 nodes none is paid on demand, so 1 x 1.086 x 730 is saved.
    assert money(seen(reserved_nodes=3)) == {"fewer_nodes": "792.78"}
    assert money(seen(reserved_nodes=4)) == {}


def test_single_node_is_made_smaller_by_a_person() -> None:
    found = advised(seen({"cpu_p95_percent": 5.0}, {"nodes": 1}))["smaller_nodes"]
    # 1 x 1.086 x 730 - 1 x 0.543 x 730
    assert (str(found.monthly_saving), found.workflow) == ("396.39", "")


def test_schedule_pauses_in_the_hours_without_connections() -> None:
    activity = Activity(weeks_seen=4, idle_hours_of_week=FULL_WEEK - OFFICE, idle_running_hours=500, hours_since_use=0)
    found = advised(seen({"cpu_p95_percent": 60.0, "cpu_average_percent": 40.0}, activity=activity))["schedule"]
    # 500 of 720 h are 69.44 %, the gaps are 118 of 168 h = 70.24 %: 730 x 500 / 720 = 506.9444 h x 4 x 1.086 = 2202.1667
    assert str(found.monthly_saving) == "2202.17"
    assert found.input["ResourceName"] == "arn:aws:redshift:us-east-1:1:cluster:a"
    assert found.input["Tags"] == [
        {
            "Key": "autopilot:schedule",
            "Value": "off=u5bu28Mu2c18u29u2cu28Tu2c18u29u2cu28Wu2c18u29u2cu28Hu2c18u29u2cu28Fu2c18u29u5d"
            "u3bon=u5bu28Tu2c8u29u2cu28Wu2c8u29u2cu28Hu2c8u29u2cu28Fu2c8u29u2cu28Mu2c8u29u5du3btz=utc",
        }
    ]


@pytest.mark.parametrize(("region", "partition"), [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-east-1", "aws-us-gov")])
def test_schedule_is_for_the_cluster_in_its_partition(region: str, partition: str) -> None:
    found = advised(seen(costs={"region": region}, activity=IDLE))["schedule"]
    assert found.input["ResourceName"].startswith(f"arn:{partition}:redshift:{region}:")


def test_cluster_with_a_schedule_gets_no_other() -> None:
    activity = Activity(weeks_seen=4, idle_hours_of_week=FULL_WEEK - OFFICE, idle_running_hours=500, hours_since_use=0)
    busy = {"cpu_p95_percent": 60.0, "cpu_average_percent": 40.0}
    assert advised(seen(busy, activity=activity, scheduled=True)) == {}


def test_gaps_run_over_the_end_of_the_week_and_short_ones_are_left_out() -> None:
    assert idle_gaps(frozenset({166, 167, 0, 1, 50, 51})) == [(166, 4)]
    assert idle_gaps(FULL_WEEK) == []
    assert idle_gaps(frozenset()) == []


@given(st.frozensets(st.integers(0, 167)))
def test_tag_of_a_schedule_is_one_that_redshift_takes(idle: frozenset[int]) -> None:
    gaps = idle_gaps(idle)
    value = tag_of(gaps)
    assert len(value) <= 256
    assert all(letter.isalnum() or letter == "=" for letter in value)


@given(st.frozensets(st.integers(0, 41)).map(lambda blocks: frozenset(4 * block + hour for block in blocks for hour in range(4))))
def test_tag_of_a_schedule_means_just_these_gaps(idle: frozenset[int]) -> None:
    gaps = idle_gaps(idle)
    if not gaps:
        return
    paused = {(start + hour) % 168 for start, length in gaps for hour in range(length)}
    meant = schedule_from_tag(tag_of(gaps))
    monday = datetime(2026, 10, 5, 0, 30, tzinfo=UTC)
    states = {hour: meant.state_at(monday + timedelta(hours=hour)) for hour in range(168)}
    assert states == {hour: "stopped" if hour in paused else "running" for hour in range(168)}


def test_serverless_is_compared_by_the_hours_in_which_queries_ran() -> None:
    found = advised(seen({"busy_hours": 72, "cpu_p95_percent": 60.0, "cpu_average_percent": 40.0}))["serverless"]
    # 4 x 32 GB are 128 GB = 8 RPUs. 72 of 720 h are 10 %: 73 h x 8 x 0.375 = 219.00; 3171.12 - 219.00
    assert str(found.monthly_saving) == "2952.12"
    assert parse_spec(decode(ProvisionInput, found.input).spec).compute.base_rpu == 8


def test_what_nobody_uses_is_to_be_deleted_and_not_also_resized() -> None:
    activity = Activity(weeks_seen=4, idle_hours_of_week=FULL_WEEK, idle_running_hours=720, hours_since_use=None)
    charges = [Charge(kind="storage", usage_type="RMS:ra3.xlplus", amount=Decimal("6.00"))]
    found = advised(seen(costs={"charges": charges}, activity=activity))
    assert set(found) == {"unused"}
    # 3171.12, and storage: 6.00 / 30 x 730 / 24 = 6.0833
    assert str(found["unused"].monthly_saving) == "3177.20"
    asked = decode(DeleteInput, found["unused"].input)
    assert (asked.warehouse, asked.confirm, asked.final_snapshot, asked.dry_run) == ("a", "a", True, True)


def test_ra3_replaces_what_aws_no_longer_sells_and_may_cost_more() -> None:
    old = {"node_type": "dc2.large", "nodes": 4}
    found = advised(seen({"cpu_p95_percent": 90.0, "disk_maximum_percent": 50.0}, old))["newer_nodes"]
    # Now 4 x 15 GB = 60 GB of memory for 4 x 0.25 x 730 = 730.00; then 4 x ra3.large = 64 GB, or 2 x ra3.xlplus, for the same:
    # 2 x 1.086 x 730 = 1585.56; 320 GB x 0.024 = 7.68 of storage: 730.00 - 1585.56 - 7.68
    assert str(found.monthly_saving) == "-863.24"
    assert found.arithmetic.endswith("costs 863.24 USD more")
    assert (found.input["node_type"], found.input["nodes"]) == ("ra3.xlplus", 2)


def test_days_off_the_line_are_named_without_a_monthly_figure() -> None:
    odd = [Anomaly(day=date(2026, 10, 14), amount=Decimal("402.96"), usual=Decimal("312.96"))]
    found = advised(seen({"cpu_p95_percent": 90.0}, {"anomalies": odd}))["unusual_days"]
    assert found.monthly_saving is None
    assert found.evidence == ["2026-10-14 (402.96 instead of 312.96 USD)"]
    assert found.arithmetic == "90.00 USD above the median of the other days, once"


OFFER = ReservedOffer(
    node_type="ra3.xlplus",
    region="us-east-1",
    nodes=4,
    term="1 year",
    payment="no upfront",
    monthly_saving=Decimal("950.336"),
    upfront=Decimal(0),
    monthly_on_demand=Decimal("3171.12"),
    break_even_months=Decimal("0.0"),
    lookback_days=30,
)


def test_reserved_nodes_are_what_aws_recommends() -> None:
    found = advised(seen({"cpu_p95_percent": 90.0}), offers=[OFFER])["reserved_nodes"]
    assert (found.warehouse, str(found.monthly_saving)) == (None, "950.34")
    assert "3171.12 USD a month on demand and 950.34 USD less when reserved" in found.arithmetic


def snapshot(name: str, days: int = 100, **more: Any) -> Snapshot:
    told: dict[str, Any] = {"warehouse": "a", "size_gb": Decimal(100), "retention_days": None, "orphan": False, "tagged": False}
    return Snapshot(name=name, created_at=NOW - timedelta(days=days), **{**told, **more})


def test_old_snapshots_are_named_but_never_final_tagged_or_orphaned_ones() -> None:
    stay = [
        snapshot("young", 89),
        snapshot("ends", retention_days=120),
        snapshot("kept", tagged=True),
        snapshot("autopilot-final-a-1"),
        snapshot("last-of-its-kind", orphan=True),
    ]
    found = advised(seen({"cpu_p95_percent": 90.0}), prices=PRICES, snapshots=[snapshot("old"), snapshot("older", 200), *stay])
    # 200 GB x 0.023
    assert str(found["old_snapshots"].monthly_saving) == "4.60"
    asked = decode(CleanInput, found["old_snapshots"].input)
    assert (found["old_snapshots"].workflow, asked.snapshots, asked.dry_run) == ("clean_snapshots", ["old", "older"], True)
    assert advised(seen({"cpu_p95_percent": 90.0}), prices=PRICES, snapshots=stay) == {}


# --- whatever is missing -----------------------------------------------------------------------------------------------

IDLE = Activity(weeks_seen=4, idle_hours_of_week=FULL_WEEK - OFFICE, idle_running_hours=500, hours_since_use=1)
TALKATIVE = [
    seen({"busy_hours": 60}, activity=IDLE),
    seen({"busy_hours": 60}, {"node_type": "dc2.large"}, activity=IDLE),
    seen(activity=Activity(weeks_seen=4, idle_hours_of_week=FULL_WEEK, idle_running_hours=720, hours_since_use=None)),
]
PARTS = ("prices", "reserved_nodes", "paused_share", "activity")
FIGURES = (
    "busy_hours",
    "cpu_average_percent",
    "cpu_p95_percent",
    "disk_maximum_percent",
    "disk_median_percent",
    "queue_seconds",
    "hours_seen",
    "queries",
)
NEEDED = {
    "fewer_nodes": {"prices", "reserved_nodes", "paused_share", *FIGURES} - {"busy_hours", "queries"},
    "newer_nodes": {"prices", "reserved_nodes", "paused_share", "disk_maximum_percent"},
    "schedule": {"prices", "reserved_nodes", "paused_share", "activity"},
    "serverless": {"prices", "reserved_nodes", "paused_share", "busy_hours", "hours_seen"},
    "unused": {"prices", "reserved_nodes", "paused_share", "activity", "hours_seen"},
}


def without(evidence: Evidence, missing: set[str]) -> Evidence:
    used = {name: 0 if name == "hours_seen" else None for name in missing & set(FIGURES)}
    costs = msgspec.structs.replace(evidence.costs, used=msgspec.structs.replace(evidence.costs.used, **used))
    return msgspec.structs.replace(evidence, costs=costs, **dict.fromkeys(missing & set(PARTS)))


def test_every_rule_speaks_when_all_is_known() -> None:
    assert {rule for one in TALKATIVE for rule in advised(one)} == set(NEEDED)


@pytest.mark.parametrize(("rule", "part"), [(rule, part) for rule, parts in NEEDED.items() for part in sorted(parts)])
def test_rule_is_silent_without_what_it_rests_on(rule: str, part: str) -> None:
    assert all(rule not in advised(without(one, {part})) for one in TALKATIVE)


@given(st.sets(st.sampled_from([*PARTS, *FIGURES])), st.sampled_from(TALKATIVE))
def test_missing_evidence_takes_recommendations_away_and_changes_none(missing: set[str], evidence: Evidence) -> None:
    whole, less = advised(evidence), advised(without(evidence, missing))
    for rule, one in less.items():
        # What nobody uses hides the other rules; without that knowledge they may speak again.
        if rule in whole:
            assert one.monthly_saving == whole[rule].monthly_saving
            assert one.input == whole[rule].input
        else:
            assert "unused" in whole


def test_dearest_recommendation_comes_first() -> None:
    found = recommend(TALKATIVE, Account(now=NOW, offers=[OFFER]))
    savings = [one.monthly_saving for one in found if one.monthly_saving is not None]
    assert savings == sorted(savings, reverse=True)
    assert all(one.evidence and one.arithmetic and one.risk and one.title for one in found)
