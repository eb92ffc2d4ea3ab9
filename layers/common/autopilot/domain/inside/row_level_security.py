"""Row-level security: the policies, for whom they hold where, and the tables that it is on for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from autopilot.domain.inside import attachments, policy_checks, policy_plan, policy_sql
from autopilot.domain.inside.attachments import Attachment, Dropped, Place, decoded, place_of, whom_of, whom_seen
from autopilot.domain.inside.declared.everything import Inside
from autopilot.domain.inside.declared.names import Relation
from autopilot.domain.inside.declared.policies import RowLevelSecurity, RowPolicy, RowProtection
from autopilot.domain.inside.model import Catalog, Compared, Context, Drift, Question, Step, fate_of, fingerprint
from autopilot.domain.inside.policy_plan import Declared, Seen, Side

SIDE = Side(section="row_level_security", kind="RLS", token="rls_policy")  # noqa: S106 - the kind of a token of the plan
#: Source: SVV_RLS_POLICY (its columns are JSON), SVV_RLS_ATTACHED_POLICY, SVV_RLS_RELATION (its conjunctions are padded to three characters).
POLICIES = Question("rls policies", "SELECT polname, polalias, polatts, polqual FROM svv_rls_policy WHERE poldb = current_database()")
ATTACHED = Question("attached rls policies", "SELECT relschema, relname, polname, grantee, granteekind FROM svv_rls_attached_policy")
PROTECTED = Question(
    "relations with rls",
    "SELECT relschema, relname, is_rls_on, is_rls_datashare_on, rls_conjunction_type FROM svv_rls_relation WHERE datname = current_database()",
)
#: What a policy calls the table where it gives it no alias of its own. Source: the sample of SVV_RLS_POLICY.
DEFAULT_ALIAS = "rls_table"


def problems(spec: Inside) -> list[str]:
    """What contradicts in the section, each with its path."""
    return policy_checks.row_problems(spec, spec.row_level_security) if spec.row_level_security is not None else []


def questions(spec: Inside) -> list[Question]:
    """The policies, their attachments, what is protected, and which relations are materialized views; also of what the spec may drop to make it again."""
    asked = spec.row_level_security is not None or attachments.may_remake(spec)
    return [POLICIES, ATTACHED, PROTECTED, attachments.MATERIALIZED] if asked else []


def compare(spec: Inside, seen: Catalog, context: Context) -> Compared:
    """Policies created, altered or made anew; attached and, with `prune`, detached; row-level security turned on where it is declared."""
    section, drops = spec.row_level_security, attachments.dropped(context)
    found = [
        Attachment(row["polname"], Place(row["relschema"], row["relname"]), whom_seen(row["granteekind"], row["grantee"]))
        for row in seen.get(ATTACHED.name, [])
    ]
    on = _on(seen)
    tables = _tables(section) if section else {}
    # What is not declared is as protected after it was made again as before.
    again = [
        RowProtection(table=Relation(schema=place.schema, name=place.name), conjunction=_conjunction(row))
        for place, row in on.items()
        if place in drops.remade and place not in tables
    ]
    if section is None:
        back = [step for one in again for step in _switched(one, {}, drops, spec, seen)]
        return Compared([*policy_plan.restored(SIDE, found, context), *back])
    wanted = [
        Attachment(policy.name, place_of(at.table), whom_of(grantee))
        for policy in section.policies
        for at in policy.attach
        for grantee in at.to
    ]
    compared = policy_plan.plan(SIDE, [_declared(one) for one in section.policies], _there(seen), wanted, found, context, prune=spec.prune)
    switched = [step for one in tables.values() for step in _switched(one, _state(place_of(one.table), seen, drops), drops, spec, seen)]
    switched += [step for one in again if not spec.prune for step in _switched(one, {}, drops, spec, seen)]
    open_ = [place for place in on if place not in tables and not drops.takes(place)]
    kept = {one.place for one in found if one.problem}
    off = [_off(place, spec, seen) for place in open_ if spec.prune and place not in kept]
    drift = [_open_drift(place, prune=spec.prune, kept=place in kept) for place in open_]
    return Compared([*compared.steps, *switched, *off], [*compared.drift, *drift])


def definitions(spec: Inside, seen: Catalog) -> dict[str, tuple[str, str]]:
    """Each declared policy's columns, alias and expression, as declared and as the catalog gives them."""
    section = spec.row_level_security
    if section is None:
        return {}
    there = _there(seen)
    return {
        f"{SIDE.token}:{one.name}": (_declared(one).definition, there[one.name].definition) for one in section.policies if one.name in there
    }


def _declared(policy: RowPolicy) -> Declared:
    columns, alias = [f"{column.name} {column.type}" for column in policy.columns], policy.alias or DEFAULT_ALIAS
    return Declared(
        name=policy.name,
        create=policy_sql.create_rls_policy(policy),
        alter=policy_sql.alter_rls_policy(policy),
        columns=policy.columns,
        alias=alias if policy.columns else "",
        outputs=1,
        lookups=policy_sql.tables_named(policy.using),
        definition=fingerprint(*columns, "as", alias, "using", policy.using),
    )


def _there(seen: Catalog) -> dict[str, Seen]:
    found = {}
    for row in seen[POLICIES.name]:
        columns = [(str(one.get("colname")), str(one.get("type"))) for one in decoded(row["polatts"]) if isinstance(one, dict)]
        found[row["polname"]] = Seen(
            name=row["polname"],
            columns=columns,
            alias=(row["polalias"] or DEFAULT_ALIAS) if columns else "",
            outputs=1,
            definition=fingerprint(*(str(row[name]) for name in ("polatts", "polalias", "polqual"))),
        )
    return found


# The tables ---------------------------------------------------------------------------------------------------------


def _tables(section: RowLevelSecurity) -> dict[Place, RowProtection]:
    """Every table that row-level security is to be on for."""
    attached = {place_of(at.table): RowProtection(table=at.table) for policy in section.policies for at in policy.attach}
    return attached | {place_of(one.table): one for one in section.tables}


def _on(seen: Catalog) -> dict[Place, dict[str, Any]]:
    """The relations that row-level security is on for, and what the catalog says of each."""
    return {Place(row["relschema"], row["relname"]): row for row in seen.get(PROTECTED.name, []) if row["is_rls_on"]}


def _conjunction(state: dict[str, Any]) -> Literal["and", "or"]:
    return "or" if str(state.get("rls_conjunction_type")).strip().lower() == "or" else "and"


def _state(place: Place, seen: Catalog, drops: Dropped) -> dict[str, Any]:
    """What the catalog says of a relation's protection; one that it does not know has none, and one that is made anew neither."""
    if drops.takes(place):
        return {}
    return next((row for row in seen[PROTECTED.name] if (row["relschema"], row["relname"]) == (place.schema, place.name)), {})


def _switched(one: RowProtection, state: dict[str, Any], drops: Dropped, spec: Inside, seen: Catalog) -> Iterator[Step]:
    """Row-level security on, and put together as declared; it waits for no policy: until one is attached, nobody sees a row."""
    place = place_of(one.table)
    materialized = _materialized(place, spec, seen)
    now, together = _conjunction(state), drops.remade.get(place, "")
    marks = [f"protected:relation:{place.text}", f"protected:schema:{place.schema}"]
    if not state.get("is_rls_on") or now != one.conjunction:
        yield Step(
            section=SIDE.section,
            name=f"turn on row level security of {place.text}",
            reason=f"several policies of one user are put together by {now}"
            if state.get("is_rls_on")
            else "it is off, so everybody sees every row",
            sql=policy_sql.switch(place, materialized=materialized, on=True, conjunction=one.conjunction),
            reverse=policy_sql.switch(
                place, materialized=materialized, on=bool(state.get("is_rls_on")), conjunction=now if state.get("is_rls_on") else ""
            ),
            marks=marks,
            after=[f"relation:{place.text}"],
            together=together,
        )
    if one.datashares is not None and bool(state.get("is_rls_datashare_on", True)) != one.datashares:
        yield Step(
            section=SIDE.section,
            name=f"turn {'on' if one.datashares else 'off'} row level security of {place.text} for datashares",
            reason="consumers of a datashare read no row of it" if one.datashares else "consumers of a datashare read every row of it",
            sql=policy_sql.switch_for_datashares(place, materialized=materialized, on=one.datashares),
            reverse=policy_sql.switch_for_datashares(place, materialized=materialized, on=not one.datashares),
            marks=marks if one.datashares else [f"shareable:relation:{place.text}"],
            after=[f"relation:{place.text}"],
            together=together,
        )


def _off(place: Place, spec: Inside, seen: Catalog) -> Step:
    """Turned off only with `prune`, after the last policy is detached: with none of them left, nobody would see a row."""
    materialized = _materialized(place, spec, seen)
    return Step(
        section=SIDE.section,
        name=f"turn off row level security of {place.text}",
        reason="it is not declared, and the spec prunes: whoever may read it sees every row",
        sql=policy_sql.switch(place, materialized=materialized, on=False),
        reverse=policy_sql.switch(place, materialized=materialized, on=True),
        after=[f"detached:relation:{place.text}"],
    )


def _open_drift(place: Place, *, prune: bool, kept: bool) -> Drift:
    return Drift(
        section=SIDE.section,
        object=f"row level security of {place.text}",
        what="is on and not declared" + (", and stays: a policy is attached that cannot be detached" if kept and prune else ""),
        fate=fate_of(prune=prune, kept=kept),
    )


def _materialized(place: Place, spec: Inside, seen: Catalog) -> bool:
    return attachments.is_materialized(place, [*(spec.materialized_views or []), *(spec.streams or [])], seen)
