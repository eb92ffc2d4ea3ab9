"""What to change, and why: each rule judges what is known and says nothing where that is not enough."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

from autopilot.domain.advice import hours, purchases, sizes
from autopilot.domain.advice.evidence import Account, Evidence
from autopilot.domain.report import Recommendation

WAREHOUSE_RULES: tuple[Callable[[Evidence], Recommendation | None], ...] = (
    sizes.fewer_or_smaller_nodes,
    sizes.newer_nodes,
    hours.schedule,
    hours.serverless,
    hours.unused,
    purchases.unusual_days,
)
ACCOUNT_RULES: tuple[Callable[[Account], list[Recommendation]], ...] = (purchases.reserved_nodes, purchases.old_snapshots)


def recommend(warehouses: Iterable[Evidence], account: Account) -> list[Recommendation]:
    """All recommendations, the one that saves most first; those without a price come last.

    Those of one warehouse are alternatives: their savings do not add up. What nobody uses is not also to be resized.
    """
    found = [recommendation for rule in ACCOUNT_RULES for recommendation in rule(account)]
    for seen in warehouses:
        of_one = [recommendation for rule in WAREHOUSE_RULES if (recommendation := rule(seen)) is not None]
        unused = [one for one in of_one if one.rule == "unused"]
        found += unused or of_one
    return sorted(found, key=lambda one: (one.monthly_saving is None, -(one.monthly_saving or Decimal(0)), one.rule, one.warehouse or ""))
