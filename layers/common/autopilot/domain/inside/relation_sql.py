"""The statements of views and materialized views. Source of each: the page of its name in the Redshift database developer guide."""

from __future__ import annotations

from autopilot.domain.inside.declared.relations import Distribution, MaterializedView, View
from autopilot.domain.inside.quoting import identifier, qualified


def create_view(view: View, *, replace: bool = False) -> str:
    """CREATE [OR REPLACE] VIEW name AS query [WITH NO SCHEMA BINDING]. It may run in a transaction."""
    binding = "\nWITH NO SCHEMA BINDING" if view.late_binding else ""
    return f"CREATE {'OR REPLACE ' if replace else ''}VIEW {qualified(view.schema, view.name)} AS\n{view.query.strip()}{binding}"


def create_materialized_view(view: MaterializedView) -> str:
    """CREATE MATERIALIZED VIEW name [BACKUP] [table attributes] [AUTO REFRESH] AS query. It may run in a transaction unless it reads what is external."""
    words = [f"CREATE MATERIALIZED VIEW {qualified(view.schema, view.name)}"]
    if not view.backup:
        words.append("BACKUP NO")
    words += table_attributes(view.distribution, view.sort)
    words.append(f"AUTO REFRESH {'YES' if view.auto_refresh else 'NO'}")
    return f"{' '.join(words)} AS\n{view.query.strip()}"


def table_attributes(distribution: Distribution, sort: list[str]) -> list[str]:
    """DISTSTYLE, DISTKEY and SORTKEY; nothing where Redshift is to choose."""
    words = [] if distribution.style == "auto" else [f"DISTSTYLE {distribution.style.upper()}"]
    if distribution.column is not None:
        words.append(f"DISTKEY ({identifier(distribution.column)})")
    if sort:
        words.append(f"SORTKEY ({', '.join(identifier(column) for column in sort)})")
    return words


def set_auto_refresh(schema: str, name: str, *, on: bool) -> str:
    """ALTER MATERIALIZED VIEW name AUTO REFRESH { YES | NO }."""
    return f"ALTER MATERIALIZED VIEW {qualified(schema, name)} AUTO REFRESH {'YES' if on else 'NO'}"


def drop(kind: str, schema: str, name: str) -> str:
    """DROP VIEW or DROP MATERIALIZED VIEW; refused by the database while anything depends on it."""
    return f"DROP {kind.upper()} {qualified(schema, name)}"


def grant(schema: str, name: str, privileges: list[str], grantee: str, *, grant_option: bool) -> str:
    """GRANT privileges ON relation TO grantee, who is given as it stands in the statement."""
    option = " WITH GRANT OPTION" if grant_option else ""
    return f"GRANT {', '.join(sorted(privileges)).upper()} ON {qualified(schema, name)} TO {grantee}{option}"
