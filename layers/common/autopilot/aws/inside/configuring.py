"""Making what lies inside a warehouse what its spec says: read its catalog, compare, send the statements, and compare again."""

from __future__ import annotations

from functools import partial
from typing import Any

from autopilot.aws import cleaning, data_api, specs, statements, warehouses
from autopilot.aws.inside import calls, datashares, integrations, passwords, plans, records
from autopilot.domain.decisions import Decision
from autopilot.domain.errors import AccessDenied, InvalidInput
from autopilot.domain.inputs import ConfigureInput
from autopilot.domain.inside import progress as steps
from autopilot.domain.inside import report, sections
from autopilot.domain.inside.datashares import between_accounts
from autopilot.domain.inside.integrating import namespace_arn
from autopilot.domain.inside.model import Catalog, Context, Known, Question
from autopilot.domain.inside.passwords import user_of, with_password
from autopilot.domain.inside.progress import Progress, Tracked
from autopilot.domain.inside.steps import Compare, ConfigurePlan, Note, Read, Send
from autopilot.domain.signin import target_of
from autopilot.domain.spec import Spec, parse_spec
from autopilot.domain.sql import check_takes_sql, client_token
from autopilot.domain.warehouse import Reference

PERMISSIONS = (
    *warehouses.LOOK,
    *specs.PERMISSIONS,
    *statements.PERMISSIONS,
    *cleaning.PERMISSIONS,
    *calls.PERMISSIONS,
    *integrations.LOOK,
    *passwords.PERMISSIONS,
    *plans.PERMISSIONS,
    *records.PERMISSIONS,
)
#: An ordinary user does not see all of the catalog: what it does not see would be taken for missing.
_WHO = Question("signed in", "SELECT current_user AS name, usesuper AS superuser FROM pg_user WHERE usename = current_user")


def look(asked: ConfigureInput, execution: str) -> ConfigurePlan:
    """Which warehouse, and which sections of the spec are declared; the spec is kept with the plan.

    Raises WarehouseUnavailable for a warehouse that takes no SQL now.
    """
    data, version = specs.read(asked.spec, asked.spec_uri, asked.version)
    spec = parse_spec(data)
    if asked.partial and spec.prune:
        raise InvalidInput("partial: what is not declared in a part of a spec cannot be removed; leave out spec.prune")
    seen = warehouses.get(Reference(name=spec.name, kind=spec.kind))
    check_takes_sql(seen, 1)
    # A warehouse that Autopilot did not create may have another first database than the spec's default.
    target = target_of(seen, data.get("database") if isinstance(data, dict) else None)
    declared = spec.declared
    if declared:
        decision = Decision("configure", f"{seen.kind} {seen.name}: {', '.join(declared)} of database {target.database} are compared")
        plan = Progress(
            execution=execution,
            asked=asked.reason,
            dry_run=asked.dry_run,
            kind=seen.kind,
            key=seen.key,
            namespace=seen.namespace_id,
            target=target,
            spec=spec,
            version=version,
            partial=asked.partial,
        )
        plans.save(plan)
    else:
        decision = Decision("nothing", f"the spec of {seen.kind} {seen.name} declares nothing that lies inside it")
    return ConfigurePlan.of(seen, decision, asked, sections=declared, signed_in_as=target.signed_in_as, version=version)


def read(call: Read) -> dict[str, str]:
    """Submit all questions as one batch and look once."""
    plan = plans.load(call.execution)
    key = client_token(call.execution, "read", call.round)
    texts = [question.sql for question in _questions(plan.spec)]
    submit = partial(statements.submitted, plan.target, texts, key)
    return statements.wait_for(call, plan.target.name, key, submit, label="the look at the catalog")


def compare(call: Compare) -> report.Round:
    """What is to be done and what became of what was done. What was sent is remembered before it is compared: else it would be asked for again."""
    plan, region = plans.load(call.execution), call.execution.split(":")[3]
    catalog = _catalog(call.statement_id, _questions(plan.spec))
    plan = steps.sent(plan, call.sent)
    _remember(plan, {name for unit in call.sent for name in unit.steps}, catalog)
    before = {one.step.name for one in plan.of("done")}
    found = sections.compare(plan.spec, catalog, _context(plan, region, records.known(plan.key, plan.target.database)))
    if plan.partial:
        found = found.of_what_is_declared()
    after, units = steps.bounded(*steps.replanned(plan, found), call.round)
    _remember(after, {one.step.name for one in after.of("done")} - before, catalog)
    uri = plans.save(after)
    return report.round_of(after, units, uri)


def send(call: Send) -> dict[str, str]:
    """Send one unit: statements as one transaction, or a call of AWS."""
    plan = plans.load(call.execution)
    unit = [plan.named(name) for name in call.unit.steps]
    key = client_token(call.execution, call.round, *call.unit.steps)
    if unit[0].step.call:
        start = partial(calls.start, unit[0].step, _context(plan, call.execution.split(":")[3], {}))
    else:
        start = partial(_submit, plan, unit, key)
    return statements.wait_for(call, plan.target.name, key, start, kind=plan.kind, reports=True)


def note(call: Note) -> dict[str, Any]:
    """Keep why a unit failed; the units that are left."""
    plan = steps.sent(plans.load(call.execution), call.units[: call.at])
    after, left = steps.failed(plan, call.units[call.at], call.units[call.at + 1 :], call.failure)
    plans.save(after)
    return {"action": "note", "reason": call.failure.message, "units": left}


def _questions(spec: Spec) -> list[Question]:
    return [_WHO, *sections.questions_of(spec)]


def _catalog(statement_id: str, questions: list[Question]) -> Catalog:
    """The answers by the questions' names. Raises AccessDenied for who does not see the whole catalog."""
    results = data_api.results(data_api.describe(statement_id))
    catalog = {question.name: _rows(result) for question, result in zip(questions, results, strict=True)}
    if not catalog[_WHO.name] or not catalog[_WHO.name][0]["superuser"]:
        name = catalog[_WHO.name][0]["name"] if catalog[_WHO.name] else "nobody known"
        raise AccessDenied(
            f"signed in to the database as {name}, who is no superuser and does not see the whole catalog. Let Redshift manage the admin's "
            "secret, or make that user a superuser"
        )
    return catalog


def _rows(result: data_api.Result) -> list[dict[str, Any]]:
    if not result.has_result:
        return []
    columns, rows = data_api.read(result.statement_id)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _context(plan: Progress, region: str, known: dict[str, Known]) -> Context:
    secrets = [secret for user in plan.spec.users or [] if (secret := user.secret_in(plan.spec.name))]
    account = plan.execution.split(":")[4]
    return Context(
        warehouse=plan.target.name,
        kind=plan.kind,
        namespace=plan.namespace,
        account=account,
        region=region,
        known=known,
        secrets=passwords.versions(secrets),
        integrations=integrations.into(namespace_arn(plan.kind, plan.namespace, account, region))
        if plan.spec.integrations is not None
        else [],
        datashares=datashares.described(between_accounts(plan.spec, plan.namespace, account, region)),
    )


def _submit(plan: Progress, unit: list[Tracked], key: str) -> statements.Started:
    """Put the passwords in at the last moment, as hashes; which versions they are is written down first."""
    versions: dict[str, str] = {}
    texts = []
    for one in unit:
        if one.step.secret:
            form, versions[one.step.name] = passwords.hash_of(one.step.secret, user_of(one.step), plan.target, one.version)
            texts.append(with_password(one.step, form))
        else:
            texts.append(one.step.sql)
    if versions:
        plans.save(plan.with_versions(versions))
    return statements.submitted(plan.target, texts, key)


def _remember(plan: Progress, names: set[str], catalog: Catalog) -> None:
    """Of the steps of these names that were done, what a later look compares with."""
    if not names:
        return
    defined = {token: texts for section in sections.SECTIONS for token, texts in section.definitions(plan.spec, catalog).items()}
    for one in [one for one in plan.of("done") if one.step.name in names]:
        for token in one.step.marks:
            if token.startswith("gone:"):
                records.forget(plan.key, plan.target.database, token.removeprefix("gone:"))
            elif one.version and token.startswith("user:"):
                records.remember(plan.key, plan.target.database, token, Known(one.version))
            elif token in defined:
                records.remember(plan.key, plan.target.database, token, Known(*defined[token]))
