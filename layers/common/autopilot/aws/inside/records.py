"""What is remembered of things inside a warehouse whose definition the catalog does not give back: items of the Autopilot table that stay."""

from __future__ import annotations

from autopilot.aws import table
from autopilot.domain.inside.model import Known

PERMISSIONS = (*table.READ, *table.WRITE)


def known(key: str, database: str) -> dict[str, Known]:
    """What is remembered of a warehouse's database, by token."""
    prefix = f"{database}#"
    items = table.of_partition(f"INSIDE#{key}", prefix)
    return {item["sk"].removeprefix(prefix): Known(item["declared"], item["seen"]) for item in items}


def remember(key: str, database: str, token: str, known: Known) -> None:
    """Remember a thing, over what was remembered of it before."""
    table.put({"pk": f"INSIDE#{key}", "sk": f"{database}#{token}", "declared": known.declared, "seen": known.seen})


def forget(key: str, database: str, token: str) -> None:
    """Remember nothing of a thing any more."""
    table.delete(f"INSIDE#{key}", f"{database}#{token}")
