"""The steps from the policies and attachments that are there to those that are declared, the same for row-level security and for masking.

A policy that hides data is lifted only where something takes its place in the same transaction, or where the spec says `prune`. What is attached marks
`protected:relation:<schema>.<name>` and `protected:schema:<schema>`: a grant on the relation, or on all tables of its schema, comes after that, so that
nobody is let in before the policies hold.
"""

from __future__ import annotations

import msgspec

from autopilot.domain.inside import attachments, policy_sql
from autopilot.domain.inside.attachments import Attachment, Dropped, Place
from autopilot.domain.inside.declared.names import Column
from autopilot.domain.inside.model import Compared, Context, Drift, Step, fate_of
from autopilot.domain.inside.policy_types import same_type
from autopilot.domain.inside.quoting import identifier_problem


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """A policy as declared: its statements, and its definition as it is remembered. `outputs` counts a masking policy's expressions."""

    name: str
    create: str
    alter: str
    columns: list[Column]
    alias: str
    outputs: int
    lookups: list[Place]
    definition: str


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A policy as the catalog gives it: columns by name and type, and its whole definition as it is remembered."""

    name: str
    columns: list[tuple[str, str]]
    alias: str
    outputs: int
    definition: str


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """Which of the two it is: the section, AWS's word in the statements, and the kind of the policies' tokens."""

    section: str
    kind: policy_sql.PolicyKind
    token: str

    def policy(self, name: str) -> str:
        """A policy in words."""
        return f"{'rls' if self.kind == 'RLS' else 'masking'} policy {name}"


def plan(
    side: Side,
    declared: list[Declared],
    there: dict[str, Seen],
    wanted: list[Attachment],
    found: list[Attachment],
    context: Context,
    *,
    prune: bool,
) -> Compared:
    """Everything but the switches of row-level security."""
    drops = attachments.dropped(context)
    found, lost = _told_apart(found, drops)
    asked = {one.name: _asked(side, one, there.get(one.name), context) for one in declared}
    replaced = {name for name, (verb, _) in asked.items() if verb == "replace"}
    held, keys = {one.key: one for one in found}, {one.key for one in wanted}
    extra = [one for one in found if one.key not in keys]
    kept = [one for one in extra if not prune or one.problem]
    lifted = [one for one in extra if one not in kept]
    moved = [one for one in wanted if one.key in held and held[one.key] != one]
    # What a replaced policy is detached from is attached again, declared or not.
    again = [one for one in [*wanted, *kept] if one.policy in replaced and one.key in held and one not in moved]
    new = [one for one in wanted if one.key not in held]
    back = [one for one in _restored(lost, drops) if one.key not in keys and not prune]
    down, up = [*lifted, *(held[one.key] for one in moved), *again], [*new, *moved, *again, *back]
    shared = attachments.groups(side.section, down, up, replaced, drops.remade)
    taken = {name: drops.tokens(one.place for one in lost if one.policy == name) for name in there}
    dropped = [one for one in there.values() if one.name not in asked and prune and not _unmovable(one.name, kept)]
    steps = [
        *(_detach(side, one, shared, _why_detached(one, asked, lifted, moved)) for one in down),
        *(_drop_to_replace(side, name, shared, taken[name]) for name in sorted(replaced)),
        *(step for one in declared for step in _define(side, one, *asked[one.name], shared)),
        *(_attach(side, one, shared, _why_attached(one, new, moved, drops)) for one in up),
        *(_drop(side, one.name, taken[one.name]) for one in dropped),
    ]
    return Compared(
        steps, [*_policy_drift(side, there, asked, dropped, kept, prune=prune), *_attachment_drift(side, lifted, kept, prune=prune)]
    )


def restored(side: Side, found: list[Attachment], context: Context) -> list[Step]:
    """What a section does that is not declared: attach again what the drop of a view that is made again would lift."""
    drops = attachments.dropped(context)
    lost = _restored(_told_apart(found, drops)[1], drops)
    shared = attachments.groups(side.section, [], lost, set(), drops.remade)
    return [_attach(side, one, shared, _MADE_AGAIN) for one in lost]


_MADE_AGAIN = "it was attached before its relation was made again"


def _told_apart(found: list[Attachment], drops: Dropped) -> tuple[list[Attachment], list[Attachment]]:
    """The attachments that outlive the plan's other steps and those that do not, always in the same order."""
    in_order = sorted(found, key=lambda one: one.text)
    return [one for one in in_order if not drops.takes(one.place)], [one for one in in_order if drops.takes(one.place)]


def _restored(lost: list[Attachment], drops: Dropped) -> list[Attachment]:
    return [one for one in lost if one.place in drops.remade and not one.problem]


def _unmovable(policy: str, kept: list[Attachment]) -> bool:
    """Whether a policy has to stay: it cannot be named, or is attached where it cannot be detached."""
    return bool(identifier_problem(policy)) or any(one.policy == policy for one in kept)


# Policies -----------------------------------------------------------------------------------------------------------


def _asked(side: Side, one: Declared, seen: Seen | None, context: Context) -> tuple[str, str]:
    """What is to be done with a policy and why: `create`, `alter`, `replace`, or nothing."""
    if seen is None:
        return "create", "it is not there"
    known = context.known.get(f"{side.token}:{one.name}")
    if known and known.declared == one.definition and known.seen == seen.definition:
        return "", ""
    if known and known.declared == one.definition:
        why = "somebody changed it in the database"
    else:
        why = "it is declared anew" if known else "nothing is remembered of what it was made of, so it is set again"
    same = [column.name for column in one.columns] == [name for name, _ in seen.columns] and all(
        same_type(column.type, kind) for column, (_, kind) in zip(one.columns, seen.columns, strict=True)
    )
    return ("alter" if same and one.outputs == seen.outputs and one.alias == seen.alias else "replace"), why


def _define(side: Side, one: Declared, verb: str, why: str, shared: dict[str, str]) -> list[Step]:
    if not verb:
        return []
    token, what = f"{side.token}:{one.name}", side.policy(one.name)
    group = shared.get(f"policy {one.name}", "")
    if verb == "replace":
        why += "; AWS alters nothing but its expression, so it is made anew"
    definition = Step(
        section=side.section,
        name=f"{'alter' if verb == 'alter' else 'create'} {what}",
        reason=why,
        sql=one.alter if verb == "alter" else one.create,
        reverse="" if verb != "create" else policy_sql.drop_policy(side.kind, one.name),
        marks=[token],
        after=[f"gone:{token}"],
        together=group,
    )
    lookups = [
        Step(
            section=side.section,
            name=f"grant select on {table.text} to {what}",
            reason="its expression reads the table, which its users need not be allowed to read",
            sql=policy_sql.grant_lookup(side.kind, one.name, table),
            marks=[f"readable:{token}"],
            after=[token, f"relation:{table.text}"],
            together=group,
        )
        for table in one.lookups
    ]
    return [definition, *lookups]


def _drop_to_replace(side: Side, name: str, shared: dict[str, str], after: list[str]) -> Step:
    token = f"{side.token}:{name}"
    return Step(
        section=side.section,
        name=f"drop {side.policy(name)}",
        reason="it is made anew in the same transaction, so that at no moment anybody sees what it hides",
        sql=policy_sql.drop_policy(side.kind, name),
        after=[f"unused:{token}", *after],
        together=shared[f"policy {name}"],
    )


def _drop(side: Side, name: str, after: list[str]) -> Step:
    token = f"{side.token}:{name}"
    return Step(
        section=side.section,
        name=f"drop {side.policy(name)}",
        reason="it is not declared, and the spec prunes",
        sql=policy_sql.drop_policy(side.kind, name),
        after=[f"unused:{token}", *after],
        marks=[f"gone:{token}"],
    )


# Attachments --------------------------------------------------------------------------------------------------------


def _attach(side: Side, one: Attachment, shared: dict[str, str], why: str) -> Step:
    token = f"{side.token}:{one.policy}"
    return Step(
        section=side.section,
        name=f"attach {side.policy(one.text)}",
        reason=why,
        sql=policy_sql.attach(side.kind, one),
        reverse=policy_sql.detach(side.kind, one),
        marks=[f"protected:relation:{one.place.text}", f"protected:schema:{one.place.schema}"],
        after=[token, f"readable:{token}", f"relation:{one.place.text}", one.whom.token],
        together=shared.get(f"relation {one.place.text}", ""),
    )


def _detach(side: Side, one: Attachment, shared: dict[str, str], why: str) -> Step:
    return Step(
        section=side.section,
        name=f"detach {side.policy(one.text)}",
        reason=why,
        sql=policy_sql.detach(side.kind, one),
        reverse=policy_sql.attach(side.kind, one),
        marks=[f"unused:{side.token}:{one.policy}", f"unused:{one.whom.token}", f"detached:relation:{one.place.text}"],
        together=shared.get(f"relation {one.place.text}", ""),
    )


def _why_detached(one: Attachment, asked: dict[str, tuple[str, str]], lifted: list[Attachment], moved: list[Attachment]) -> str:
    if one in lifted:
        return "it is not declared, and the spec prunes: for these the policy hides nothing any more"
    if one.key in {other.key for other in moved}:
        return "its priority or what it takes is declared anew; attached again in the same transaction"
    return f"the policy is made anew ({asked[one.policy][1]}); attached again in the same transaction"


def _why_attached(one: Attachment, new: list[Attachment], moved: list[Attachment], drops: Dropped) -> str:
    if one.place in drops.remade:
        return _MADE_AGAIN
    if one in new:
        return "the policy is not attached there"
    return "its priority or what it takes is declared anew" if one in moved else "the policy is made anew"


# Drift --------------------------------------------------------------------------------------------------------------


def _policy_drift(
    side: Side, there: dict[str, Seen], asked: dict[str, tuple[str, str]], dropped: list[Seen], kept: list[Attachment], *, prune: bool
) -> list[Drift]:
    found = []
    for one in there.values():
        if one.name in asked:
            continue
        problem = identifier_problem(one.name) or "it is attached where it cannot be detached" * any(at.policy == one.name for at in kept)
        what = "is there and not declared" + (f", and stays: {problem}" if prune and problem else "")
        found.append(
            Drift(section=side.section, object=side.policy(one.name), what=what, fate=fate_of(prune=prune, kept=one not in dropped))
        )
    return found


def _attachment_drift(side: Side, lifted: list[Attachment], kept: list[Attachment], *, prune: bool) -> list[Drift]:
    return [
        Drift(
            section=side.section,
            object=side.policy(one.text),
            what="is attached and not declared" + (f", and stays: {one.problem}" if prune and one.problem else ""),
            fate=fate_of(prune=prune, kept=one not in lifted),
        )
        for one in [*lifted, *kept]
    ]
