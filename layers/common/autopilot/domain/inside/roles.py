"""The sections `roles` and `groups`, and who holds which role. Members of groups are declared with the users."""

from __future__ import annotations

from autopilot.domain.inside import people
from autopilot.domain.inside.declared.everything import Inside
from autopilot.domain.inside.model import Catalog, Compared, Context, Drift, Question, Step, fate_of
from autopilot.domain.inside.people import Holding, Seen, is_system_role, list_problems
from autopilot.domain.inside.privileges import holders
from autopilot.domain.inside.quoting import grantee, identifier, identifier_problem


def problems(spec: Inside) -> list[str]:
    """Names that cannot be, those that stand there twice, and roles that are granted to themselves."""
    found = list_problems("spec.roles", [role.name for role in spec.roles or []])
    found += list_problems("spec.groups", [group.name for group in spec.groups or []])
    for number, role in enumerate(spec.roles or []):
        path = f"spec.roles[{number}]"
        # Source: CREATE ROLE: a role's name is not PUBLIC, nor starts as a system's own does.
        if role.name == "public" or is_system_role(role.name):
            found.append(f"{path}.name: {role.name[:60]} is a name of Redshift's own")
        found += list_problems(f"{path}.roles", role.roles)
        if role.name in role.roles:
            found.append(f"{path}.roles: {role.name[:60]} cannot be granted to itself")
    return found


def questions(spec: Inside) -> list[Question]:
    """Everybody, and who belongs to what; shared with the users."""
    return people.questions(spec)


def compare(spec: Inside, seen: Catalog, context: Context) -> Compared:  # noqa: ARG001 - all that there is stands in the catalog
    """Create what is missing and grant the roles of roles; what is there and not declared is drift."""
    if spec.roles is None and spec.groups is None:
        return Compared()
    there, steps, drift = Seen(seen), list[Step](), list[Drift]()
    for role in spec.roles or []:
        if role.name not in there.roles:
            name = identifier(role.name)
            # Source: CREATE ROLE.
            steps.append(_step("roles", f"create role {role.name}", f"CREATE ROLE {name}", f"DROP ROLE {name}", [f"role:{role.name}"]))
        steps += granting("roles", "role", role.name, role.roles, there)
        memberships = withdrawing("roles", "role", role.name, role.roles, there, prune=spec.prune)
        steps, drift = steps + memberships.steps, drift + memberships.drift
    for group in spec.groups or []:
        if group.name not in there.groups:
            name = identifier(group.name)
            # Source: CREATE GROUP.
            steps.append(
                _step("groups", f"create group {group.name}", f"CREATE GROUP {name}", f"DROP GROUP {name}", [f"group:{group.name}"])
            )
    undeclared = _undeclared(spec, seen, there)
    return Compared(steps + undeclared.steps, drift + undeclared.drift)


def definitions(spec: Inside, seen: Catalog) -> dict[str, tuple[str, str]]:  # noqa: ARG001 - the catalog says all
    """Nothing: the catalog gives names back as they are."""
    return {}


def granting(section: str, kind: str, holder: str, roles: list[str], there: Seen) -> list[Step]:
    """The roles that somebody lacks. Source: GRANT, `GRANT ROLE`."""
    to = grantee(kind, holder)
    return [
        Step(
            section=section,
            name=f"grant role {role} to {kind} {holder}",
            reason="it does not have it",
            sql=f"GRANT ROLE {identifier(role)} TO {to}",
            reverse=f"REVOKE ROLE {identifier(role)} FROM {to}",
            after=[f"role:{role}", f"{kind}:{holder}"],
        )
        for role in roles
        if Holding(kind, holder, role) not in there.holdings
    ]


def withdrawing(section: str, kind: str, holder: str, roles: list[str], there: Seen, *, prune: bool) -> Compared:
    """The roles that somebody has and that are not declared for them: drift, revoked with prune. Source: REVOKE, `REVOKE ROLE`."""
    found = Compared()
    for held in sorted(there.holdings):
        if (held.kind, held.holder) != (kind, holder) or held.role in roles:
            continue
        fate = fate_of(prune=prune, kept=bool(identifier_problem(held.role)))
        found.drift.append(Drift(section=section, object=f"role {held.role} of {kind} {holder}", what="is not declared", fate=fate))
        if fate == "removed":
            of = grantee(kind, holder)
            found.steps.append(
                Step(
                    section=section,
                    name=f"revoke role {held.role} from {kind} {holder}",
                    reason="it is not declared",
                    sql=f"REVOKE ROLE {identifier(held.role)} FROM {of}",
                    reverse=f"GRANT ROLE {identifier(held.role)} TO {of}",
                    marks=[f"unused:role:{held.role}"],
                )
            )
    return found


def _undeclared(spec: Inside, seen: Catalog, there: Seen) -> Compared:
    found, busy = Compared(), holders(seen)
    if spec.roles is not None:
        for role in sorted(there.roles - {one.name for one in spec.roles}):
            if is_system_role(role):
                continue
            has = sorted(held.holder for held in there.holdings if held.role == role and (held.kind, held.holder) not in _pruned(spec))
            why = f": {has[0]} has it" if has else ": it holds privileges" if ("role", role) in busy else ""
            _judge(found, "roles", "role", role, why, prune=spec.prune)
    if spec.groups is not None:
        for group in sorted(there.groups - {one.name for one in spec.groups}):
            has = sorted(user for one, user in there.members if one == group and user)
            why = f": {has[0]} is in it" if has else ": it holds privileges" if ("group", group) in busy else ""
            _judge(found, "groups", "group", group, why, prune=spec.prune)
    return found


def _pruned(spec: Inside) -> set[tuple[str, str]]:
    """Those from whom undeclared roles are revoked in the same plan."""
    return {("role", role.name) for role in spec.roles or []} | {("user", user.name) for user in spec.users or []}


def _judge(found: Compared, section: str, kind: str, name: str, why: str, *, prune: bool) -> None:
    fate = fate_of(prune=prune, kept=bool(why or identifier_problem(name)))
    found.drift.append(Drift(section=section, object=f"{kind} {name}", what=f"is not declared{why if prune else ''}", fate=fate))
    if fate == "removed":
        quoted = identifier(name)
        found.steps.append(
            Step(
                section=section,
                name=f"drop {kind} {name}",
                reason="it is not declared, and nobody uses it",
                sql=f"DROP {kind.upper()} {quoted}",
                reverse=f"CREATE {kind.upper()} {quoted}",
                marks=[f"gone:{kind}:{name}"],
                after=[f"unused:{kind}:{name}"],
            )
        )


def _step(section: str, name: str, sql: str, reverse: str, marks: list[str]) -> Step:
    return Step(section=section, name=name, reason="it is not there", sql=sql, reverse=reverse, marks=marks)
