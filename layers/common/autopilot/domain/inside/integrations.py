"""The section `integrations`: zero-ETL integrations into the warehouse, and the databases that show them."""

from __future__ import annotations

from typing import Any

import msgspec

from autopilot.domain.inside import integrating
from autopilot.domain.inside.declared.everything import Inside
from autopilot.domain.inside.declared.flows import Integration
from autopilot.domain.inside.model import Catalog, Compared, Context, Drift, Question, Step, fingerprint
from autopilot.domain.inside.quoting import name_problems
from autopilot.domain.inside.streams_checks import case_sensitive

Row = dict[str, Any]
_SECTION = "integrations"
_CREATE = "create_integration"
#: Source: SVV_INTEGRATION, SVV_INTEGRATION_TABLE_STATE; both are for superusers.
_INTEGRATIONS = Question("integrations", "SELECT integration_id, target_database FROM svv_integration WHERE target_database <> ''")
_FAILED = Question(
    "integration tables in error",
    "SELECT integration_id, target_database, schema_name, table_name, reason FROM svv_integration_table_state WHERE table_state = 'Failed'",
)
_DATABASES = Question("databases beside integrations", "SELECT database_name FROM svv_redshift_databases")
_TABLES_NAMED = 5


def problems(spec: Inside) -> list[str]:
    """Each contradiction of the section with its path."""
    found = []
    declared = spec.integrations or []
    for number, one in enumerate(declared):
        path, before = f"spec.integrations[{number}]", declared[:number]
        found += [
            f"{path}.{field}: {getattr(one, field)} is declared twice"
            for field in ("name", "database", "source_arn")
            if getattr(one, field) in {getattr(other, field) for other in before}
        ]
        found += name_problems([(f"{path}.database", one.database)])
        if one.database == getattr(spec, "database", None):
            found.append(f"{path}.database: {one.database} is the warehouse's own first database")
        if ":dynamodb:" in one.source_arn:
            found += [
                f"{path}.{field}: is for Aurora and RDS; a DynamoDB table is replicated as a whole"
                for field in ("source_database", "data_filter")
                if getattr(one, field) is not None
            ]
    if declared and case_sensitive(spec) is False:
        found.append("spec.parameters.values: zero-ETL integrations need enable_case_sensitive_identifier: true")
    return found


def questions(spec: Inside) -> list[Question]:
    """The integrations that have a database, the tables in error, and all databases."""
    return [_INTEGRATIONS, _FAILED, _DATABASES] if spec.integrations is not None else []


def compare(spec: Inside, seen: Catalog, context: Context) -> Compared:
    """Make what is missing and wait until it is active, then its database; refresh tables in error. Nothing is ever deleted."""
    if spec.integrations is None:
        return Compared()
    there = {one["SourceArn"]: one for one in context.integrations if one["Status"] != "deleting"}
    parts = [_of_one(one, there.get(one.source_arn), seen, context) for one in spec.integrations]
    declared = {one.source_arn for one in spec.integrations}
    drift = [
        _kept(f"integration {_name(one)}", f"is not declared; it brings {source}. Delete it yourself if nobody needs its data")
        for source, one in there.items()
        if source not in declared
    ]
    return Compared([step for part in parts for step in part.steps], [one for part in parts for one in part.drift] + drift)


def definitions(spec: Inside, seen: Catalog) -> dict[str, tuple[str, str]]:  # noqa: ARG001 - most settings of an integration's database stand in no view
    """What each integration was made with, and the settings that its database was given."""
    declared = spec.integrations or []
    databases = {f"database:{one.database}": (fingerprint(integrating.settings(one)), "") for one in declared}
    return databases | {f"integration:{one.name}": (_made_of(one), "") for one in declared}


def _of_one(declared: Integration, there: Row | None, seen: Catalog, context: Context) -> Compared:
    if there is None or there["Status"] == "creating":
        return Compared([_create(declared, there, context), _database(declared, integrating.ID_HERE)])
    if there["Status"] == "failed":
        # The call looks, finds it failed, and says why: the step fails with AWS's words.
        return Compared([_create(declared, there, context)])
    identity = there["IntegrationArn"].rpartition(":")[2]
    steps, drift = [], _differences(declared, there, context)
    shown = {_text(row["target_database"]) for row in seen[_INTEGRATIONS.name] if _text(row["integration_id"]) == identity}
    if declared.database in shown:
        return Compared(*_kept_up(declared, there, seen, context, drift))
    if declared.database in {_text(row["database_name"]) for row in seen[_DATABASES.name]}:
        drift.append(_kept(f"database {declared.database}", f"is there and shows something else than integration {declared.name}"))
    else:
        steps.append(_database(declared, identity))
    return Compared(steps, drift)


def _create(declared: Integration, there: Row | None, context: Context) -> Step:
    reason = "there is none from its source" if there is None else f"it is {there['Status']}"
    arguments = {
        key: value
        for key, value in {
            "name": declared.name,
            "source_arn": declared.source_arn,
            "target_arn": integrating.namespace_arn(context.kind, context.namespace, context.account, context.region),
            "kms_key": declared.kms_key,
            "description": declared.description,
            "data_filter": declared.data_filter,
        }.items()
        if value is not None
    }
    return Step(
        section=_SECTION,
        name=f"create integration {declared.name}",
        reason=f"{reason}; its source is admitted in the namespace's resource policy, and it is waited for until it is active",
        call=_CREATE,
        arguments=arguments,
        marks=[f"integration:{declared.name}"],
        again=True,
    )


def _database(declared: Integration, identity: str) -> Step:
    return Step(
        section=_SECTION,
        name=f"create database {declared.database}",
        reason=f"nothing shows integration {declared.name} yet",
        sql=integrating.create_database(declared, identity),
        reverse=integrating.drop_database(declared),
        marks=[f"database:{declared.database}"],
        after=[f"integration:{declared.name}"],
        alone=True,
    )


def _kept_up(declared: Integration, there: Row, seen: Catalog, context: Context, drift: list[Drift]) -> tuple[list[Step], list[Drift]]:
    """What a database needs that is there: other settings, and tables in error refreshed."""
    steps = []
    known, settings = context.known.get(f"database:{declared.database}"), integrating.settings(declared)
    if settings and (known is None or known.declared != fingerprint(settings)):
        steps.append(
            Step(
                section=_SECTION,
                name=f"set integration of database {declared.database}",
                reason="its settings are not known to be as declared"
                if known is None
                else "its settings are declared otherwise than before",
                sql=integrating.alter_database(declared),
                marks=[f"database:{declared.database}"],
                alone=True,
            )
        )
    failed = [row for row in seen[_FAILED.name] if _text(row["target_database"]) == declared.database]
    if failed:
        drift.append(_reported(f"database {declared.database}", f"tables in error: {_tables(failed)}"))
    if failed and declared.refresh_on_error:
        steps.append(
            Step(
                section=_SECTION,
                name=f"refresh tables of database {declared.database}",
                reason=f"{len(failed)} in error: {_tables(failed)}",
                sql=integrating.refresh_tables(declared),
                alone=True,
            )
        )
    if there["Status"] == "needs_attention":
        drift.append(_reported(f"integration {declared.name}", f"needs attention: {errors_of(there) or 'AWS gives no reason'}"))
    return steps, drift


def _differences(declared: Integration, there: Row, context: Context) -> list[Drift]:
    """What was declared otherwise when it was made. A filter that narrows takes data away, so a person changes it."""
    known = context.known.get(f"integration:{declared.name}")
    if known is None or known.declared == _made_of(declared):
        return []
    why = "its description, key or filter is declared otherwise than it was made: change it by modify-integration, or declare it as it was"
    return [_kept(f"integration {_name(there)}", why)]


def _made_of(declared: Integration) -> str:
    """What is given to an integration when it is made; the catalog says nothing of it."""
    return fingerprint(declared.kms_key or "", declared.description or "", declared.data_filter or "")


def errors_of(integration: Row) -> str:
    """AWS's reasons for the state of an integration. Source: DescribeInboundIntegrations, `Errors`."""
    return "; ".join(
        f"{one.get('ErrorMessage') or 'no message'} ({one.get('ErrorCode', 'no code')})" for one in integration.get("Errors") or []
    )


def _tables(failed: list[Row]) -> str:
    named = [f"{_text(row['schema_name'])}.{_text(row['table_name'])} ({_text(row['reason']) or 'no reason given'})" for row in failed]
    return ", ".join(named[:_TABLES_NAMED]) + (f" and {len(named) - _TABLES_NAMED} more" if len(named) > _TABLES_NAMED else "")


def _name(integration: Row) -> str:
    return str(integration["IntegrationArn"].rpartition(":")[2])


def _kept(what: str, why: str) -> Drift:
    return msgspec.structs.replace(_reported(what, why), fate="kept")


def _reported(what: str, why: str) -> Drift:
    return Drift(section=_SECTION, object=what, what=why)


def _text(value: object) -> str:
    """System tables pad their names with blanks."""
    return str(value if value is not None else "").strip()
