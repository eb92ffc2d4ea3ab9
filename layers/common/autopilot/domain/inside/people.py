"""What the catalog says of roles, groups and users, and which of them are Redshift's own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from autopilot.domain.inside.declared.everything import Inside
from autopilot.domain.inside.model import Catalog, Question
from autopilot.domain.inside.privileges import QUESTIONS
from autopilot.domain.inside.quoting import name_problems

#: Source: SVV_USER_INFO.
USERS = Question("users", "SELECT user_name, createdb, superuser, connection_limit, syslog_access FROM svv_user_info")
#: Source: SVV_ROLES.
ROLES = Question("roles", "SELECT role_name FROM svv_roles")
#: Source: PG_GROUP.
GROUPS = Question(
    "groups and members",
    "SELECT g.groname AS group_name, u.usename AS user_name FROM pg_group g LEFT JOIN pg_user u ON u.usesysid = ANY(g.grolist)",
)
#: Source: SVV_ROLE_GRANTS, SVV_USER_GRANTS.
_ROLES_OF_ROLES = Question("roles of roles", "SELECT role_name AS holder, granted_role_name AS role_name FROM svv_role_grants")
_ROLES_OF_USERS = Question("roles of users", "SELECT user_name AS holder, role_name FROM svv_user_grants")
#: Who keeps somebody from being dropped: the owners of anything in this database, and of databases.
_OWNERS = Question(
    "owners",
    "SELECT usename AS name FROM pg_user WHERE usesysid IN (SELECT relowner FROM pg_class) OR usesysid IN (SELECT nspowner FROM pg_namespace) "
    "OR usesysid IN (SELECT proowner FROM pg_proc) OR usesysid IN (SELECT datdba FROM pg_database)",
)


class Holding(NamedTuple):
    """Somebody who has a role: a `role` or a `user`, by name."""

    kind: str
    holder: str
    role: str


class Seen:
    """The catalog's roles, groups, users, and who belongs to what."""

    def __init__(self, seen: Catalog) -> None:
        self.users = {row["user_name"]: row for row in seen.get(USERS.name, [])}
        self.roles = {row["role_name"] for row in seen.get(ROLES.name, [])}
        self.members = {(row["group_name"], row["user_name"]) for row in seen.get(GROUPS.name, [])}
        self.groups = {group for group, _ in self.members}
        self.owners = {row["name"] for row in seen.get(_OWNERS.name, [])}
        self.holdings = {
            Holding(kind, row["holder"], row["role_name"])
            for kind, question in (("role", _ROLES_OF_ROLES), ("user", _ROLES_OF_USERS))
            for row in seen.get(question.name, [])
        }

    def is_own(self, user: str) -> bool:
        """Whether a user is Redshift's own, a superuser as the admin is, or was made by Redshift when an IAM identity signed in."""
        return user == "rdsdb" or user.lower().startswith(("iam:", "iamr:", "ds:")) or self.users[user]["superuser"]


def questions(spec: Inside) -> list[Question]:
    """What is read once any of the three sections is declared; what keeps somebody from being dropped only with prune."""
    if spec.roles is None and spec.groups is None and spec.users is None:
        return []
    return [USERS, ROLES, GROUPS, _ROLES_OF_ROLES, _ROLES_OF_USERS, *([_OWNERS, *QUESTIONS] if spec.prune else [])]


def is_system_role(role: str) -> bool:
    """Roles that Redshift brings along. Source: database developer guide, "Amazon Redshift system-defined roles"."""
    return role.startswith(("sys:", "ds:"))


def list_problems(path: str, names: Iterable[str]) -> list[str]:
    """What is wrong with the names of a list, and which of them stand there before; `path` is the list's."""
    listed = list(names)
    again = [f"{path}[{number}]: {name[:60]} stands there before" for number, name in enumerate(listed) if name in listed[:number]]
    return name_problems((f"{path}[{number}]", name) for number, name in enumerate(listed)) + again
