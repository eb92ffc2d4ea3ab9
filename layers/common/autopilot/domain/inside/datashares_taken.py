"""The consumer's side of datashares: databases that show what other namespaces give."""

from __future__ import annotations

from collections import Counter
from typing import Any

from autopilot.domain.inside import datashare_sql
from autopilot.domain.inside.datashares_given import SECTION, arn
from autopilot.domain.inside.declared.shares import Consumed
from autopilot.domain.inside.model import Catalog, Compared, Context, Drift, Step, fingerprint
from autopilot.domain.inside.quoting import identifier_problem


def problems(databases: list[Consumed]) -> list[str]:
    """What contradicts, each with its path."""
    path = "spec.datashares.consumes"
    counted = Counter(one.database for one in databases).items()
    found = [f"{path}: the database {name} is declared {count} times" for name, count in counted if count > 1]
    for number, one in enumerate(databases):
        for field, name in (("database", one.database), ("datashare", one.datashare)):
            if problem := identifier_problem(name):
                found.append(f"{path}[{number}].{field}: {name[:60]!r} {problem}")
    return found


def declared_as(one: Consumed) -> str:
    """What stands for the definition of a shared database where it is remembered."""
    return fingerprint(one.datashare, one.namespace, one.account or "", str(one.with_permissions))


def compare(databases: list[Consumed], seen: Catalog, context: Context, *, prune: bool) -> Compared:
    """What it takes to have these databases. One that shows something else holds no data, but grants: it is replaced with `prune` only."""
    steps: list[Step] = []
    drift: list[Drift] = []
    types = {row["database_name"]: row["database_type"] for row in seen["databases and their types"]}
    inbound = [row for row in seen["datashares"] if row["share_type"] == "INBOUND"]
    for one in databases:
        if one.database not in types:
            steps += [*_association(one, context), _create(one, "it is not there")]
        elif wrong := _wrong(one, types[one.database], inbound, context):
            what, replaceable = wrong
            replaced = prune and replaceable
            drift.append(_drift(one.database, what, "removed" if replaced else "reported" if replaceable else "kept"))
            if replaced:
                steps += [*_association(one, context), _drop(one.database, what), _create(one, what, after=[f"gone:database:{one.database}"])]
    declared = {one.database for one in databases}
    for row in inbound:
        name = row["consumer_database"]
        if name and name not in declared:
            drift.append(_drift(name, f"is not declared; it shows the datashare {row['share_name']}", "removed" if prune else "reported"))
            if prune:
                steps.append(_drop(name, "it is not declared"))
    return Compared(steps, drift)


def _drift(database: str, what: str, fate: str) -> Drift:
    return Drift(section=SECTION, object=f"database {database}", what=what, fate="removed" if fate == "removed" else "kept" if fate == "kept" else "reported")


def _wrong(one: Consumed, kind: str, inbound: list[dict[str, Any]], context: Context) -> tuple[str, bool] | None:
    """What a database of that name has against being the declared one, and whether replacing it would help."""
    if kind != "shared":
        return f"is a database of its own kind ({kind}), not one made from a datashare", False
    same = [row for row in inbound if (row["share_name"], row["producer_namespace"]) == (one.datashare, one.namespace)]
    known = context.known.get(f"database:{one.database}")
    if not same:
        return f"shows nothing: the datashare {one.datashare} of namespace {one.namespace} does not exist or is not shared with this warehouse", False
    if other := next((row for row in inbound if row["consumer_database"] == one.database and row not in same), None):
        return f"shows the datashare {other['share_name']} of namespace {other['producer_namespace']}", True
    if not any(row["consumer_database"] for row in same):
        return f"was made from a datashare that is gone; the datashare {one.datashare} that there is now is another one", True
    if known and known.declared != declared_as(one):
        return f"was made {'without' if one.with_permissions else 'with'} permissions on single objects, or from another account", True
    return None


def _association(one: Consumed, context: Context) -> list[Step]:
    """A datashare of another account must be associated with this namespace, unless it is already."""
    if not one.account or one.account == context.account:
        return []
    share = arn(one.region or context.region, one.account, one.namespace, one.datashare)
    associations = [found for row in context.datashares if row["DataShareArn"] == share for found in row.get("DataShareAssociations", [])]
    if any(found["Status"] == "ACTIVE" and found["ConsumerIdentifier"].endswith(context.namespace) for found in associations):
        return []
    return [
        Step(
            section=SECTION,
            name=f"associate datashare {one.datashare} of account {one.account}",
            reason="it is not associated with this namespace",
            call="associate_data_share_consumer",
            arguments={"DataShareArn": share, "ConsumerArn": _namespace_arn(context)},
            marks=[f"associated:{share}"],
        )
    ]


def _namespace_arn(context: Context) -> str:
    service, kind = ("redshift-serverless", "namespace/") if context.kind == "workgroup" else ("redshift", "namespace:")
    return f"arn:aws:{service}:{context.region}:{context.account}:{kind}{context.namespace}"


def _create(one: Consumed, reason: str, after: list[str] | None = None) -> Step:
    share = [f"associated:{arn(one.region, one.account, one.namespace, one.datashare)}"] if one.region and one.account else []
    return Step(
        section=SECTION,
        name=f"create database {one.database}",
        reason=reason,
        sql=datashare_sql.create_database(one.database, one.datashare, one.namespace, one.account, with_permissions=one.with_permissions),
        reverse=datashare_sql.drop_database(one.database),
        marks=[f"database:{one.database}"],
        after=[*share, *(after or [])],
        alone=True,
    )


def _drop(database: str, reason: str) -> Step:
    return Step(
        section=SECTION,
        name=f"drop database {database}",
        reason=reason,
        sql=datashare_sql.drop_database(database),
        marks=[f"gone:database:{database}"],
        alone=True,
    )
