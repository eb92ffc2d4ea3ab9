"""The statements of row-level security and masking, each as AWS's page of it documents it, and the tables that an expression reads.

Source: the SQL reference of the Redshift database developer guide. All of them may run in a transaction.
"""

from __future__ import annotations

from typing import Literal

from autopilot.domain.inside.attachments import Attachment, Place
from autopilot.domain.inside.declared.names import Column
from autopilot.domain.inside.declared.policies import MaskingPolicy, RowPolicy
from autopilot.domain.inside.quoting import identifier

PolicyKind = Literal["RLS", "MASKING"]


def create_rls_policy(policy: RowPolicy) -> str:
    """`CREATE RLS POLICY`: the columns are left out where the expression names none."""
    columns = f" WITH ({_columns(policy.columns)})" if policy.columns else ""
    alias = f" AS {identifier(policy.alias)}" if policy.columns and policy.alias else ""
    return f"CREATE RLS POLICY {identifier(policy.name)}{columns}{alias} USING ({policy.using})"


def alter_rls_policy(policy: RowPolicy) -> str:
    """`ALTER RLS POLICY`, which changes nothing but the expression."""
    return f"ALTER RLS POLICY {identifier(policy.name)} USING ({policy.using})"


def create_masking_policy(policy: MaskingPolicy) -> str:
    """`CREATE MASKING POLICY`: several expressions mask several columns."""
    return f"CREATE MASKING POLICY {identifier(policy.name)} WITH ({_columns(policy.columns)}) USING ({', '.join(policy.using)})"


def alter_masking_policy(policy: MaskingPolicy) -> str:
    """`ALTER MASKING POLICY`, which changes nothing but the expressions."""
    return f"ALTER MASKING POLICY {identifier(policy.name)} USING ({', '.join(policy.using)})"


def drop_policy(kind: PolicyKind, name: str) -> str:
    """`DROP RLS POLICY` and `DROP MASKING POLICY`; both refuse while the policy is attached."""
    return f"DROP {kind} POLICY {identifier(name)}"


def attach(kind: PolicyKind, one: Attachment) -> str:
    """`ATTACH RLS POLICY` and `ATTACH MASKING POLICY`; the latter with columns and a priority."""
    if kind == "RLS":
        return f"ATTACH RLS POLICY {identifier(one.policy)} ON {one.place.sql} TO {one.whom.sql}"
    using = f" USING ({_names(one.inputs)})" if one.inputs != one.outputs else ""
    return (
        f"ATTACH MASKING POLICY {identifier(one.policy)} ON {one.place.sql} ({_names(one.outputs)}){using} "
        f"TO {one.whom.sql} PRIORITY {one.priority}"
    )


def detach(kind: PolicyKind, one: Attachment) -> str:
    """`DETACH RLS POLICY` and `DETACH MASKING POLICY`."""
    columns = f" ({_names(one.outputs)})" if kind == "MASKING" else ""
    return f"DETACH {kind} POLICY {identifier(one.policy)} ON {one.place.sql}{columns} FROM {one.whom.sql}"


def switch(place: Place, *, materialized: bool, on: bool, conjunction: str = "") -> str:
    """`ROW LEVEL SECURITY` of `ALTER TABLE`, which takes views too, and of `ALTER MATERIALIZED VIEW`."""
    combined = f" CONJUNCTION TYPE {'OR' if conjunction == 'or' else 'AND'}" if conjunction else ""
    return f"{_altered(place, materialized)} ROW LEVEL SECURITY {'ON' if on else 'OFF'}{combined}"


def switch_for_datashares(place: Place, *, materialized: bool, on: bool) -> str:
    """`ROW LEVEL SECURITY ... FOR DATASHARES`: off, consumers read every row; on, they read none."""
    return f"{switch(place, materialized=materialized, on=on)} FOR DATASHARES"


def grant_lookup(kind: PolicyKind, policy: str, table: Place) -> str:
    """`GRANT SELECT ... TO {RLS | MASKING} POLICY`: the policy reads a table that its users need not be allowed to read."""
    return f"GRANT SELECT ON TABLE {table.sql} TO {kind} POLICY {identifier(policy)}"


def _altered(place: Place, materialized: bool) -> str:
    return f"ALTER {'MATERIALIZED VIEW' if materialized else 'TABLE'} {place.sql}"


def _columns(columns: list[Column]) -> str:
    return ", ".join(f"{identifier(column.name)} {column.type}" for column in columns)


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(identifier(name) for name in names)


def tables_named(text: str) -> list[Place]:
    """The tables that an expression reads by subqueries, each once; one without a schema is taken to be in `public`."""
    from sqlglot import exp, parse_one

    tree = parse_one(f"SELECT ({text})", read="redshift")
    own = {cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE)}
    found = [table for table in tree.find_all(exp.Table) if table.db or table.name.lower() not in own]
    return sorted({Place((table.db or "public").lower(), table.name.lower()) for table in found}, key=lambda place: place.text)
