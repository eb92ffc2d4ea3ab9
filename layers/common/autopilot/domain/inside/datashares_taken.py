"""The consumer's side of datashares: databases that show what other namespaces give."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

from autopilot.domain.inside import datashare_sql
from autopilot.domain.inside.datashares_given import SECTION, arn
from autopilot.domain.inside.declared.shares import Consumed
from autopilot.domain.inside.model import Catalog, Compared, Context, Drift, Step, fate_of, fingerprint
from autopilot.domain.inside.quoting import name_problems


def problems(databases: list[Consumed]) -> list[str]:
    """What contradicts, each with its path."""
    path = "spec.datashares.consumes"
    counted = Counter(one.database for one in databases).items()
    found = [f"{path}: the database {name} is declared {count} times" for name, count in counted if count > 1]
    for number, one in enumerate(databases):
        found += name_problems([(f"{path}[{number}].database", one.database), (f"{path}[{number}].datashare", one.datashare)])
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
            steps += _made(one, "it is not there", context)
        elif wrong := _wrong(one, types[one.database], inbound, context):
            what, fate = wrong
            replaced = prune and fate == "reported"
            drift.append(Drift(section=SECTION, object=f"database {one.database}", what=what, fate="removed" if replaced else fate))
            if replaced:
                steps += [_drop(one.database, what), *_made(one, what, context)]
    declared = {one.database for one in databases}
    for name, share in {row["consumer_database"]: row["share_name"] for row in inbound if row["consumer_database"]}.items():
        if name not in declared:
            what = f"is not declared; it shows the datashare {share}"
            drift.append(Drift(section=SECTION, object=f"database {name}", what=what, fate=fate_of(prune=prune)))
            steps += [_drop(name, "it is not declared")] if prune else []
    return Compared(steps, drift)


def _wrong(one: Consumed, kind: str, inbound: list[dict[str, Any]], context: Context) -> tuple[str, Literal["reported", "kept"]] | None:
    """Why a database of that name is not the declared one; it is kept where making it anew would not help."""
    if kind != "shared":
        return f"is a {kind} database, not one made from a datashare", "kept"
    same = [row for row in inbound if (row["share_name"], row["producer_namespace"]) == (one.datashare, one.namespace)]
    if other := next((row for row in inbound if row["consumer_database"] == one.database and row not in same), None):
        return f"shows the datashare {other['share_name']} of namespace {other['producer_namespace']}", "reported"
    if not same:
        return (
            f"shows nothing: the datashare {one.datashare} of namespace {one.namespace} is gone, or not shared with this warehouse",
            "kept",
        )
    if not any(row["consumer_database"] for row in same):
        return f"was made from a datashare {one.datashare} that is gone; the one that there is now is another", "reported"
    known = context.known.get(f"database:{one.database}")
    if known and known.declared != declared_as(one):
        return f"was made {'without' if one.with_permissions else 'with'} permissions on single objects, or of another account", "reported"
    return None


def share_arn(one: Consumed, account: str, region: str) -> str:
    """The ARN of the datashare that a database shows; `account` and `region` are those of the consumer."""
    return arn(one.region or region, one.account or account, one.namespace, one.datashare)


def of_another_account(one: Consumed, account: str) -> bool:
    """Whether a datashare must be associated before it can be used."""
    return one.account not in (None, account)


def _made(one: Consumed, reason: str, context: Context) -> list[Step]:
    """The steps that make a database; a datashare of another account is associated with this namespace first, unless it is already."""
    share = share_arn(one, context.account, context.region)
    create = Step(
        section=SECTION,
        name=f"create database {one.database}",
        reason=reason,
        sql=datashare_sql.create_database(one.database, one.datashare, one.namespace, one.account, with_permissions=one.with_permissions),
        reverse=datashare_sql.drop_database(one.database),
        marks=[f"database:{one.database}"],
        after=[f"associated:{share}", f"gone:database:{one.database}"],
        alone=True,
    )
    if not of_another_account(one, context.account) or _associated(share, context):
        return [create]
    associate = Step(
        section=SECTION,
        name=f"associate datashare {one.datashare} of account {one.account} for database {one.database}",
        reason="it is not associated with this namespace",
        call="associate_data_share_consumer",
        arguments={"DataShareArn": share, "ConsumerArn": _namespace_arn(context)},
        marks=[f"associated:{share}"],
    )
    return [associate, create]


def _associated(share: str, context: Context) -> bool:
    associations = [found for row in context.datashares if row["DataShareArn"] == share for found in row.get("DataShareAssociations", [])]
    return any(found["Status"] == "ACTIVE" and found["ConsumerIdentifier"].endswith(context.namespace) for found in associations)


def _namespace_arn(context: Context) -> str:
    service, kind = ("redshift-serverless", "namespace/") if context.kind == "workgroup" else ("redshift", "namespace:")
    return f"arn:aws:{service}:{context.region}:{context.account}:{kind}{context.namespace}"


def _drop(database: str, reason: str) -> Step:
    sql = datashare_sql.drop_database(database)
    return Step(section=SECTION, name=f"drop database {database}", reason=reason, sql=sql, marks=[f"gone:database:{database}"], alone=True)
