"""The section `users`: who signs in, how, and the roles and groups of each."""

from __future__ import annotations

from typing import Any

from autopilot.domain.inside import people, roles
from autopilot.domain.inside.declared.everything import Inside
from autopilot.domain.inside.declared.principals import User
from autopilot.domain.inside.model import PASSWORD_HERE, Catalog, Compared, Context, Drift, Question, Step, fate_of
from autopilot.domain.inside.people import Seen, list_problems
from autopilot.domain.inside.privileges import holders
from autopilot.domain.inside.quoting import identifier, identifier_problem, literal

#: What is remembered of a user who has no password.
_WITHOUT = "iam"


def problems(spec: Inside) -> list[str]:
    """Names that cannot be, those that stand there twice, and a secret for somebody without a password."""
    found = list_problems("spec.users", [user.name for user in spec.users or []])
    for number, user in enumerate(spec.users or []):
        path = f"spec.users[{number}]"
        found += [*list_problems(f"{path}.roles", user.roles), *list_problems(f"{path}.groups", user.groups)]
        if user.name in {"public", "rdsdb"}:
            found.append(f"{path}.name: {user.name} is a name of Redshift's own")
        if user.secret is not None and user.login != "password":
            found.append(f"{path}.secret: goes with login: password")
    return found


def questions(spec: Inside) -> list[Question]:
    """Everybody, and who belongs to what; shared with the roles."""
    return people.questions(spec)


def compare(spec: Inside, seen: Catalog, context: Context) -> Compared:
    """Create who is missing, alter what differs, set a password whose secret changed, and make members; who is there besides is drift."""
    if spec.users is None:
        return Compared()
    there, found = Seen(seen), Compared()
    for user in spec.users:
        found.steps.extend(_steps(user, there, context))
        found.steps.extend(roles.granting("users", "user", user.name, user.roles, there))
        found.steps.extend(_joining(user, there))
        for more in (
            roles.withdrawing("users", "user", user.name, user.roles, there, prune=spec.prune),
            _leaving(user, there, prune=spec.prune),
        ):
            found.steps.extend(more.steps)
            found.drift.extend(more.drift)
    undeclared = _undeclared(spec, there, holders(seen))
    return Compared(found.steps + undeclared.steps, found.drift + undeclared.drift)


def definitions(spec: Inside, seen: Catalog) -> dict[str, tuple[str, str]]:  # noqa: ARG001 - no view tells whether somebody has a password
    """Who has no password; of the others the version of the secret is remembered when it is applied."""
    return {f"user:{user.name}": (_WITHOUT, "") for user in spec.users or [] if user.login == "iam"}


def _steps(user: User, there: Seen, context: Context) -> list[Step]:
    name, token, secret = identifier(user.name), f"user:{user.name}", user.secret_in(context.warehouse)
    password = f"PASSWORD {literal(PASSWORD_HERE)}" if secret else "PASSWORD DISABLE"
    row = there.users.get(user.name)
    if row is None:
        words = " ".join([password, *(sql for sql, _, differs in _attributes(user, _NOBODY) if differs)])
        # Source: CREATE USER.
        sql = f"CREATE USER {name} {words}"
        return [_step(f"create user {user.name}", "it is not there", sql, f"DROP USER {name}", [token], secret)]
    steps = []
    known = context.known.get(token)
    if secret and (known is None or known.declared != context.secrets.get(secret, "")):
        reason = (
            f"secret {secret} holds another password than was set last"
            if known
            else f"its password is not known to be that of secret {secret}"
        )
        steps.append(_step(f"set password of user {user.name}", reason, f"ALTER USER {name} {password}", "", [token], secret))
    elif not secret and known is not None and known.declared != _WITHOUT:
        steps.append(
            _step(f"take password of user {user.name}", "it is to sign in by IAM", f"ALTER USER {name} {password}", "", [token], "")
        )
    for sql, back, differs in _attributes(user, row):
        if differs:
            # Source: ALTER USER.
            steps.append(
                _step(
                    f"alter user {user.name} {sql.lower()}",
                    "it is declared otherwise",
                    f"ALTER USER {name} {sql}",
                    f"ALTER USER {name} {back}",
                    [],
                    "",
                )
            )
    return steps


#: What CREATE USER makes of somebody about whom nothing is said.
_NOBODY: dict[str, Any] = {"superuser": False, "createdb": False, "syslog_access": "RESTRICTED", "connection_limit": "UNLIMITED"}


def _attributes(user: User, row: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """Each attribute as it should be, as it is, and whether the two differ. A superuser sees all rows anyway; a limit that is left out is left as it is."""
    limit, limited = (
        str(row["connection_limit"]).strip().upper(),
        "UNLIMITED" if user.connection_limit is None else str(user.connection_limit),
    )
    access = str(row["syslog_access"]).strip().upper()
    return [
        (_flag("CREATEUSER", on=user.superuser), _flag("CREATEUSER", on=row["superuser"]), user.superuser != row["superuser"]),
        (_flag("CREATEDB", on=user.create_database), _flag("CREATEDB", on=row["createdb"]), user.create_database != row["createdb"]),
        (
            f"SYSLOG ACCESS {user.syslog_access.upper()}",
            f"SYSLOG ACCESS {access}",
            not user.superuser and not row["superuser"] and user.syslog_access.upper() != access,
        ),
        (f"CONNECTION LIMIT {limited}", f"CONNECTION LIMIT {limit}", user.connection_limit is not None and limited != limit),
    ]


def _flag(word: str, *, on: bool) -> str:
    return word if on else f"NO{word}"


def _joining(user: User, there: Seen) -> list[Step]:
    """Source: ALTER GROUP."""
    return [
        Step(
            section="users",
            name=f"add user {user.name} to group {group}",
            reason="it is not in it",
            sql=f"ALTER GROUP {identifier(group)} ADD USER {identifier(user.name)}",
            reverse=f"ALTER GROUP {identifier(group)} DROP USER {identifier(user.name)}",
            after=[f"group:{group}", f"user:{user.name}"],
        )
        for group in user.groups
        if (group, user.name) not in there.members
    ]


def _leaving(user: User, there: Seen, *, prune: bool) -> Compared:
    found = Compared()
    for group in sorted(group for group, member in there.members if member == user.name and group not in user.groups):
        fate = fate_of(prune=prune, kept=bool(identifier_problem(group)))
        found.drift.append(Drift(section="users", object=f"user {user.name} in group {group}", what="is not declared", fate=fate))
        if fate == "removed":
            leave = f"ALTER GROUP {identifier(group)} DROP USER {identifier(user.name)}"
            back = f"ALTER GROUP {identifier(group)} ADD USER {identifier(user.name)}"
            found.steps.append(
                _step(f"take user {user.name} from group {group}", "it is not declared", leave, back, [f"unused:group:{group}"], "")
            )
    return found


def _undeclared(spec: Inside, there: Seen, busy: set[tuple[str, str]]) -> Compared:
    """Users that nobody declared. With prune those are dropped who own nothing, hold nothing and belong to nothing."""
    found, declared = Compared(), {user.name for user in spec.users or []}
    for name in sorted(set(there.users) - declared):
        if there.is_own(name):
            continue
        belongs = any(held.holder == name and held.kind == "user" for held in there.holdings) or any(
            member == name for _, member in there.members
        )
        why = (
            ": it owns something"
            if name in there.owners
            else ": it holds privileges"
            if ("user", name) in busy
            else ": it has roles or is in groups"
            if belongs
            else ": its name cannot be quoted"
            if identifier_problem(name)
            else ""
        )
        fate = fate_of(prune=spec.prune, kept=bool(why))
        found.drift.append(Drift(section="users", object=f"user {name}", what=f"is not declared{why if spec.prune else ''}", fate=fate))
        if fate == "removed":
            step = _step(
                f"drop user {name}", "it is not declared, and has nothing", f"DROP USER {identifier(name)}", "", [f"gone:user:{name}"], ""
            )
            found.steps.append(step)
    return found


def _step(name: str, reason: str, sql: str, reverse: str, marks: list[str], secret: str) -> Step:
    return Step(section="users", name=name, reason=reason, sql=sql, reverse=reverse, marks=marks, secret=secret)
