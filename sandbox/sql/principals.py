"""Databases, users, groups, roles and their rights: PostgreSQL enforces them, under the names the server knows."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.sql import password_hashes
from sandbox.sql.errors import SqlError, unsupported
from sandbox.sql.lexer import Statement, literal, quote, statement
from sandbox.sql.names import GROUP, MARKER, ROLE, USER, RoleKind, on_server
from sandbox.sql.results import Result
from sandbox.sql.rewrite import to_postgres
from sandbox.sql.session import Session

_KINDS: dict[str, tuple[RoleKind, str]] = {"USER": (USER, "user"), "ROLE": (ROLE, "role"), "GROUP": (GROUP, "group")}
_RIGHTS = (
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "REFERENCES",
    "TRUNCATE",
    "ALL",
    "PRIVILEGES",
    "USAGE",
    "CREATE",
    "TEMPORARY",
    "TEMP",
    "EXECUTE",
)


@dataclass
class UserOptions:
    """The options of CREATE USER and ALTER USER, and what they come to on the server."""

    role: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    superuser: bool | None = None
    syslog: bool | None = None
    rename: str | None = None


# Databases and schemas ----------------------------------------------------------------------------------------------


def create_database(session: Session, source: Statement) -> Result:
    """CREATE DATABASE name [[WITH] [OWNER [=] user] [CONNECTION LIMIT UNLIMITED]]."""
    session.refuse_in_transaction("CREATE DATABASE")
    name, owner, index = source.name_at(2), session.databases.admin_user(session.warehouse), 3
    while index < len(source.tokens):
        if source.words[index] == "OWNER":
            index += 2 if source.words[index + 1] == "=" else 1
            owner = _principal(source, index)
        elif source.words[index : index + 3] == ("CONNECTION", "LIMIT", "UNLIMITED"):
            index += 2
        elif source.words[index] != "WITH":
            raise unsupported(f"CREATE DATABASE with {source.words[index]}")
        index += 1
    _role(session, USER, owner)
    allowed = session.run("SELECT rolcreatedb FROM pg_roles WHERE rolname = session_user").rows[0][0] == "t"
    if not (session.superuser or allowed):
        raise SqlError("permission denied to create database", "42501")
    session.databases.create_database(session.warehouse, name, owner)
    return Result()


def drop_database(session: Session, source: Statement) -> Result:
    """DROP DATABASE name."""
    session.refuse_in_transaction("DROP DATABASE")
    name = source.name_at(2)
    if len(source.tokens) > 3:
        raise unsupported(f"DROP DATABASE with {source.words[3]}")
    if name == session.database:
        raise SqlError("cannot drop the currently open database", "55006")
    if not session.superuser:
        raise SqlError(f"must be owner of database {name}", "42501")
    session.databases.drop_database(session.warehouse, name)
    return Result()


def create_schema(session: Session, source: Statement) -> Result:
    """CREATE SCHEMA [IF NOT EXISTS] name [AUTHORIZATION user]."""
    if "QUOTA" in source.words:
        raise unsupported("CREATE SCHEMA with QUOTA")
    return session.run(to_postgres(_with_user(session, source, "AUTHORIZATION")))


def alter_owned(session: Session, source: Statement) -> Result:
    """ALTER TABLE, SCHEMA, PROCEDURE or FUNCTION: a new owner is named as on the server."""
    if "QUOTA" in source.words:
        raise unsupported("ALTER SCHEMA with QUOTA")
    return session.run(to_postgres(_with_user(session, source, "OWNER")))


def _with_user(session: Session, source: Statement, word: str) -> Statement:
    index = source.find(word)
    if index < 0:
        return source
    index += 2 if word == "OWNER" else 1
    user = quote(_role(session, USER, _principal(source, index)))
    return statement(source.replaced([(index, index + 1, user)]))


# Users, groups and roles --------------------------------------------------------------------------------------------


def create_user(session: Session, source: Statement) -> Result:
    """CREATE USER name [WITH] PASSWORD {'text' | DISABLE} [options]."""
    name = _principal(source, 2)
    if session.databases.user_exists(session.warehouse, name):
        raise SqlError(f'user "{name}" already exists', "42710")
    options = _user_options(source, 3)
    role = on_server(session.warehouse, name)
    owner = session.databases.admin_role(session.warehouse)
    commands = [f"CREATE ROLE {quote(role)} LOGIN {' '.join(options.role)}", f"COMMENT ON ROLE {quote(role)} IS {literal(name)}"]
    commands += [f"GRANT {owner} TO {quote(role)}" if options.superuser else f"GRANT {quote(role)} TO {owner}"]
    return _administer(session, commands + _memberships(session, role, options))


def alter_user(session: Session, source: Statement) -> Result:
    """ALTER USER name [WITH] options, or RENAME TO another name."""
    name = _principal(source, 2)
    role = _role(session, USER, name)
    options = _user_options(source, 3)
    if options.superuser is not None:
        raise unsupported("changing CREATEUSER of an existing user")
    commands = [f"ALTER ROLE {quote(role)} {' '.join(options.role)}"] if options.role else []
    commands += _memberships(session, role, options)
    if options.rename:
        renamed = on_server(session.warehouse, options.rename)
        commands += [
            f"ALTER ROLE {quote(role)} RENAME TO {quote(renamed)}",
            f"COMMENT ON ROLE {quote(renamed)} IS {literal(options.rename)}",
        ]
    return _administer(session, commands)


def _user_options(source: Statement, index: int) -> UserOptions:
    options = UserOptions()
    if source.words[index : index + 1] == ("WITH",):
        index += 1
    while index < len(source.tokens):
        index = _user_option(source, index, options)
    return options


def _user_option(source: Statement, index: int, options: UserOptions) -> int:
    """Read one option; returns the index behind it."""
    words = (*source.words[index : index + 3], "", "")[:3]
    match words:
        case ("CREATEDB" | "NOCREATEDB", _, _):
            options.role.append(words[0])
            return index + 1
        case ("CREATEUSER" | "NOCREATEUSER", _, _):
            options.superuser = words[0] == "CREATEUSER"
            return index + 1
        case ("PASSWORD", _, _):
            secret = "NULL" if words[1] == "DISABLE" else literal(_password(source.string_at(index + 1)))
            options.role.append(f"PASSWORD {secret}")
            return index + 2
        case ("SYSLOG", "ACCESS", "RESTRICTED" | "UNRESTRICTED"):
            options.syslog = words[2] == "UNRESTRICTED"
        case ("VALID", "UNTIL", _):
            options.role.append(f"VALID UNTIL {literal(source.string_at(index + 2))}")
        case ("CONNECTION", "LIMIT", limit) if limit == "UNLIMITED" or limit.isdigit():
            options.role.append(f"CONNECTION LIMIT {-1 if limit == 'UNLIMITED' else limit}")
        case ("RENAME", "TO", _):
            options.rename = _principal(source, index + 2)
        case ("IN", "GROUP", _):
            return _groups(source, index + 2, options)
        case _:
            raise unsupported(f"the option {words[0]} of a user")
    return index + 3


def _groups(source: Statement, index: int, options: UserOptions) -> int:
    options.groups.append(_principal(source, index))
    return _groups(source, index + 2, options) if source.words[index + 1 : index + 2] == (",",) else index + 1


def _password(text: str) -> str:
    if text.startswith("sha256|") and text.count("|") == 2:
        return password_hashes.as_verifier(text)
    if text.startswith(("md5", "sha256|")):
        raise unsupported("a password that is given as MD5, or as SHA-256 without a salt")
    if (
        not 8 <= len(text) <= 64
        or not any(c.isupper() for c in text)
        or not any(c.islower() for c in text)
        or not any(c.isdigit() for c in text)
    ):
        raise SqlError("password must have 8 to 64 characters, with an upper case letter, a lower case letter and a digit", "22023")
    return text


def _memberships(session: Session, role: str, options: UserOptions) -> list[str]:
    commands = [f"GRANT {quote(_role(session, GROUP, group))} TO {quote(role)}" for group in options.groups]
    for marker, wanted in (("superuser", options.superuser), ("syslog", options.syslog)):
        if wanted is not None:
            change = ("GRANT", "TO") if wanted else ("REVOKE", "FROM")
            commands.append(f"{change[0]} {quote(on_server(session.warehouse, marker, MARKER))} {change[1]} {quote(role)}")
    return commands


def create_group(session: Session, source: Statement) -> Result:
    """CREATE GROUP name [[WITH] USER user, ...]."""
    name = _principal(source, 2)
    role = on_server(session.warehouse, name, GROUP)
    commands = [f"CREATE ROLE {quote(role)}", f"COMMENT ON ROLE {quote(role)} IS {literal(name)}"]
    index = source.find("USER", 3)
    users = _names(source, index + 1) if index >= 0 else []
    return _administer(session, commands + [f"GRANT {quote(role)} TO {quote(_role(session, USER, user))}" for user in users])


def alter_group(session: Session, source: Statement) -> Result:
    """ALTER GROUP name {ADD | DROP} USER user, ..."""
    role = quote(_role(session, GROUP, _principal(source, 2)))
    change = {"ADD": ("GRANT", "TO"), "DROP": ("REVOKE", "FROM")}.get(source.words[3])
    if change is None or source.words[4] != "USER":
        raise unsupported(f"ALTER GROUP {source.words[3]}")
    return _administer(session, [f"{change[0]} {role} {change[1]} {quote(_role(session, USER, user))}" for user in _names(source, 5)])


def create_role(session: Session, source: Statement) -> Result:
    """CREATE ROLE name."""
    name = _principal(source, 2)
    if len(source.tokens) > 3:
        raise unsupported(f"CREATE ROLE with {source.words[3]}")
    role = quote(on_server(session.warehouse, name, ROLE))
    commands = [f"CREATE ROLE {role}", f"COMMENT ON ROLE {role} IS {literal(name)}"]
    # the owner may hand the role on, but does not have its rights by that
    return _administer(
        session, [*commands, f"GRANT {role} TO {quote(on_server(session.warehouse, session.user))} WITH ADMIN TRUE, INHERIT FALSE"]
    )


def drop(session: Session, source: Statement) -> Result:
    """DROP {USER | GROUP | ROLE} [IF EXISTS] name, ..."""
    kind, label = _KINDS[source.words[1]]
    if_exists = source.words[2:4] == ("IF", "EXISTS")
    commands = []
    for name in _names(source, 4 if if_exists else 2):
        if not if_exists or _exists(session, kind, name):
            if name == session.databases.admin_user(session.warehouse) and kind == USER:
                raise SqlError(f"the admin {label} cannot be dropped", "42501")
            role = quote(_role(session, kind, name))
            commands.append(f"DROP ROLE {role}")
    return _administer(session, commands)


# Rights -------------------------------------------------------------------------------------------------------------


def grant(session: Session, source: Statement) -> Result:
    """GRANT and REVOKE of rights on tables, columns, schemas, databases, procedures, functions and languages."""
    on = source.find("ON")
    if on < 0:
        raise unsupported(f"{source.words[0]} of system permissions")
    _check_rights(source, 1, on)
    if source.words[on + 1] in ("DATASHARE", "MODEL", "EXTERNAL", "COPY"):
        raise unsupported(f"{source.words[0]} ON {source.words[on + 1]}")
    at = source.find("TO" if source.words[0] == "GRANT" else "FROM", on)
    if at < 0:
        raise source.syntax_error(len(source.tokens))
    head = source.text_of(0, at + 1)
    if source.words[on + 1] == "DATABASE":
        databases = ", ".join(quote(on_server(session.warehouse, name)) for name in _names(source, on + 2, at))
        head = f"{source.text_of(0, on + 2)} {databases} {source.words[at]}"
    grantees, rest = _grantees(session, source, at + 1)
    return session.run(f"{head} {grantees} {rest}")


def _check_rights(source: Statement, start: int, end: int) -> None:
    depth = 0
    for word in source.words[start:end]:
        depth += {"(": 1, ")": -1}.get(word, 0)
        if depth == 0 and word not in (*_RIGHTS, ",", ")", "GRANT", "OPTION", "FOR"):
            raise unsupported(f"the right {word}")


def _grantees(session: Session, source: Statement, index: int) -> tuple[str, str]:
    """The names behind TO or FROM, as on the server, and the words behind them."""
    found = []
    while True:
        kind, _ = _KINDS.get(source.words[index], (USER, "")) if source.words[index] in ("ROLE", "GROUP") else (USER, "")
        index += kind != USER
        name = _principal(source, index)
        found.append("PUBLIC" if name == "public" and kind == USER else quote(_role(session, kind, name)))
        index += 1
        if source.words[index : index + 1] != (",",):
            break
        index += 1
    rest = " ".join(source.words[index:])
    if rest not in ("", "WITH GRANT OPTION", "CASCADE", "RESTRICT"):
        raise source.syntax_error(index)
    return ", ".join(found), rest


def grant_role(session: Session, source: Statement) -> Result:
    """GRANT ROLE name, ... TO {user | ROLE name}, ... [WITH ADMIN OPTION], and REVOKE ROLE ... FROM."""
    word = "TO" if source.words[0] == "GRANT" else "FROM"
    at = source.find(word)
    if at < 0:
        raise source.syntax_error(len(source.tokens))
    with_admin = source.words[-3:] == ("WITH", "ADMIN", "OPTION")
    roles = _names(source, 2, at)
    end = len(source.tokens) - (3 if with_admin else 0)
    commands = []
    for first, last in source.parts(at + 1, end):
        kind = ROLE if source.words[first] == "ROLE" and last - first > 1 else USER
        member = quote(_role(session, kind, _principal(source, last - 1)))
        option = f" WITH INHERIT TRUE, ADMIN {with_admin}" if word == "TO" else ""
        commands += [f"{source.words[0]} {quote(_role(session, ROLE, role))} {word} {member}{option}" for role in roles]
    if session.superuser:
        return _administer(session, commands)
    for command in commands:
        session.run(command)
    return Result()


def default_privileges(session: Session, source: Statement) -> Result:
    """ALTER DEFAULT PRIVILEGES [FOR USER user, ...] [IN SCHEMA ...] {GRANT | REVOKE} rights ON ... {TO | FROM} ..."""
    start = max(source.find("GRANT"), source.find("REVOKE"))
    if start < 0:
        raise source.syntax_error(len(source.tokens))
    head = source.text_of(0, start)
    if source.words[3:5] == ("FOR", "USER"):
        end = next((i for i in range(5, start) if source.words[i] == "IN"), start)
        users = ", ".join(quote(_role(session, USER, name)) for name in _names(source, 5, end))
        head = f"ALTER DEFAULT PRIVILEGES FOR ROLE {users} {source.text_of(end, start)}"
    at = max(source.find("TO", start), source.find("FROM", start))
    grantees, rest = _grantees(session, source, at + 1)
    return session.run(f"{head} {source.text_of(start, at + 1)} {grantees} {rest}")


# Names --------------------------------------------------------------------------------------------------------------


def _principal(source: Statement, index: int) -> str:
    """The name of a user, group or role at that token. The name of an IAM identity (`IAMR:Etl`) keeps its case."""
    text = source.name_at(index)
    return source.tokens[index].text if ":" in text else text


def _names(source: Statement, start: int, end: int | None = None) -> list[str]:
    """The names of a list; each part's last word is the name."""
    return [_principal(source, last - 1) for _, last in source.parts(start, len(source.tokens) if end is None else end)]


def _exists(session: Session, kind: RoleKind, name: str) -> bool:
    return bool(session.run("SELECT 1 FROM pg_roles WHERE rolname = $1", (on_server(session.warehouse, name, kind),)).rows)


def _role(session: Session, kind: RoleKind, name: str) -> str:
    """The role of that name on the server; raises SqlError when the warehouse has none."""
    if not _exists(session, kind, name):
        label = next(label for known, label in _KINDS.values() if known == kind)
        raise SqlError(f'{label} "{name}" does not exist', "42704")
    return on_server(session.warehouse, name, kind)


def _administer(session: Session, commands: list[str]) -> Result:
    with session.all_or_nothing():
        for command in commands:
            session.run("SELECT redshift_administer($1)", (command,))
    return Result()
