"""Reserved nodes to buy, snapshots to let go, and days to look into: what concerns the account or needs a person."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from autopilot.domain import thresholds
from autopilot.domain.advice.evidence import Account, Evidence, ReservedOffer, Snapshot
from autopilot.domain.report import Recommendation
from autopilot.domain.spending import cents

_MOST_NAMED = 20


def reserved_nodes(account: Account) -> list[Recommendation]:
    """What AWS recommends to reserve, with its own figures."""
    return [_reserve(offer) for offer in account.offers or [] if offer.monthly_saving >= thresholds.MIN_MONTHLY_SAVING and offer.nodes]


def _reserve(offer: ReservedOffer) -> Recommendation:
    saving = cents(offer.monthly_saving)
    breaks_even = f", breaks even after {offer.break_even_months:.1f} months" if offer.break_even_months is not None else ""
    return Recommendation(
        rule="reserved_nodes",
        title=f"Reserve {offer.nodes} x {offer.node_type} in {offer.region} for {offer.term}",
        warehouse=None,
        evidence=[f"use of the last {offer.lookback_days} days, as AWS reckons it", f"{offer.payment}{breaks_even}"],
        arithmetic=(
            f"AWS estimates {cents(offer.monthly_on_demand)} {offer.currency} a month on demand and {saving} {offer.currency} less when reserved; "
            f"{cents(offer.upfront)} {offer.currency} to be paid upfront"
        ),
        monthly_saving=saving,
        risk="Paid for the whole term, also while the nodes stand paused: settle schedules and sizes first. A purchase cannot be undone.",
        input={"NodeType": offer.node_type, "NodeCount": offer.nodes},
    )


def old_snapshots(account: Account) -> list[Recommendation]:
    """Manual snapshots that nothing ever removes: old ones of a warehouse that still takes its own. Final and tagged ones stay."""
    if account.snapshots is None:
        return []
    oldest = account.now - timedelta(days=thresholds.SNAPSHOT_OLD_DAYS)
    old = [
        one for one in account.snapshots if one.retention_days is None and one.created_at < oldest and not one.tagged and not _is_final(one)
    ]
    if not old:
        return []
    size_gb = sum((one.size_gb for one in old), Decimal(0))
    price = account.prices.snapshot_gb_month if account.prices else None
    saving = None if price is None else cents(size_gb * price)
    if saving is not None and saving <= 0:
        return []
    names = sorted(one.name for one in old)
    return [
        Recommendation(
            rule="old_snapshots",
            title=f"{len(old)} manual snapshot{'' if len(old) == 1 else 's'} older than {thresholds.SNAPSHOT_OLD_DAYS} days without an end",
            warehouse=None,
            evidence=[
                f"{one.name} of {one.warehouse}, {one.created_at:%Y-%m-%d}, {one.size_gb:.1f} GB of its own"
                for one in sorted(old, key=lambda one: -one.size_gb)[:_MOST_NAMED]
            ],
            arithmetic=(
                f"{size_gb:.1f} GB: no price is known"
                if price is None or account.prices is None
                else f"{size_gb:.1f} GB x {price.normalize():f} = {saving} {account.prices.currency} a month"
            ),
            monthly_saving=saving,
            risk="A deleted snapshot is gone. Give those that must stay a tag of any name; ask whoever took the others. The newest of each cluster stay.",
            workflow="clean_snapshots",
            input={"snapshots": names, "older_than_days": thresholds.SNAPSHOT_OLD_DAYS, "dry_run": True},
        )
    ]


def _is_final(snapshot: Snapshot) -> bool:
    """What may be the only copy of something: a final snapshot by its name, and any of a warehouse that is gone."""
    return snapshot.orphan or "final" in snapshot.name


def unusual_days(seen: Evidence) -> Recommendation | None:
    """Days on which a warehouse cost far more than on its others."""
    if not seen.anomalies:
        return None
    over = sum((one.amount - one.usual for one in seen.anomalies), Decimal(0))
    currency = seen.prices.currency if seen.prices else "USD"
    days = ", ".join(f"{one.day} ({one.amount} instead of {one.usual} {currency})" for one in seen.anomalies)
    return Recommendation(
        rule="unusual_days",
        title=f"{seen.costs.name}: look into {len(seen.anomalies)} day{'' if len(seen.anomalies) == 1 else 's'} off its usual line",
        warehouse=seen.costs.name,
        evidence=[days],
        arithmetic=f"{over} {currency} above the median of the other days, once",
        risk="None: this asks for a look. Concurrency scaling, Spectrum and a forgotten resize are the usual reasons.",
    )
