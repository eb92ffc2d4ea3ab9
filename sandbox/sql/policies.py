"""Row-level security and masking: CREATE, ALTER, DROP, ATTACH and DETACH of policies, and what else is said of them."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sandbox.sql import datashares
from sandbox.sql.errors import SqlError, unsupported
from sandbox.sql.lexer import Statement
from sandbox.sql.policy_expressions import Input, define
from sandbox.sql.results import Result
from sandbox.sql.session import Session

_ALIASES = {"rls": "rls_table", "masking": "masked_table"}


def create(session: Session, source: Statement) -> Result:
    """CREATE RLS POLICY name [WITH (columns) [[AS] alias]] USING (condition), CREATE MASKING POLICY [IF NOT EXISTS] name WITH (columns) USING (expressions)."""
    kind, index = _kind(source), 3
    quiet = source.words.count("EXISTS") > 0 and source.find("EXISTS") < source.find("USING")
    index += 3 if source.words[index : index + 3] == ("IF", "NOT", "EXISTS") else 0
    name = source.name_at(index)
    index += 4 if source.words[index + 1 : index + 4] == ("IF", "NOT", "EXISTS") else 1
    inputs: list[Input] = []
    alias = _ALIASES[kind]
    if source.words[index : index + 1] == ("WITH",):
        close = source.closing(index + 1)
        inputs = [_input(source, first, last) for first, last in source.parts(index + 2, close)]
        index = close + 1
        if kind == "rls" and source.words[index : index + 1] != ("USING",):
            index += source.words[index] == "AS"
            alias, index = source.name_at(index), index + 1
    elif kind == "masking":
        raise source.syntax_error(index)
    definition, lookups = define(session, kind, inputs, alias, _expressions(source, index, kind))
    if quiet and session.run("SELECT 1 FROM svv_masking_policy WHERE policy_name = $1", (name,)).rows:
        return Result()
    session.run("SELECT redshift_create_policy($1, $2, $3::jsonb, $4::oid[])", (kind, name, json.dumps(definition), _array(lookups)))
    return Result()


def alter(session: Session, source: Statement) -> Result:
    """ALTER {RLS | MASKING} POLICY name USING (expressions)."""
    kind, name = _kind(source), source.name_at(3)
    made = json.loads(str(session.run("SELECT redshift_policy_inputs($1, $2)", (kind, name)).rows[0][0]))
    inputs = [Input(one["colname"], one["type"]) for one in made["inputs"]]
    definition, lookups = define(session, kind, inputs, made["alias"], _expressions(source, 4, kind))
    session.run("SELECT redshift_alter_policy($1, $2, $3::jsonb, $4::oid[])", (kind, name, json.dumps(definition), _array(lookups)))
    return Result()


def drop(session: Session, source: Statement) -> Result:
    """DROP RLS POLICY [IF EXISTS] name [CASCADE | RESTRICT], DROP MASKING POLICY name."""
    kind, index = _kind(source), 3
    if quiet := kind == "rls" and source.words[3:5] == ("IF", "EXISTS"):
        index = 5
    name, rest = source.name_at(index), source.words[index + 1 :]
    if rest not in ((), ("CASCADE",), ("RESTRICT",)) or (rest and kind == "masking"):
        raise source.syntax_error(index + 1)
    if quiet and not session.run("SELECT 1 FROM svv_rls_policy WHERE polname = $1", (name,)).rows:
        return Result()
    session.run("SELECT redshift_drop_policy($1, $2, $3)", (kind, name, rest == ("CASCADE",)))
    return Result()


def _kind(source: Statement, index: int = 1) -> str:
    kind = source.words[index].lower() if index < len(source.words) else ""
    if kind not in _ALIASES or source.words[index + 1 : index + 2] != ("POLICY",):
        raise source.syntax_error(index)
    return kind


def _input(source: Statement, first: int, last: int) -> Input:
    kind = source.text_of(first + 1, last)
    if not kind:
        raise source.syntax_error(last)
    return Input(source.name_at(first), "varchar(256)" if kind.upper() == "TEXT" else kind)


def _expressions(source: Statement, index: int, kind: str) -> list[str]:
    """The texts of USING (...), which ends the statement."""
    if source.words[index : index + 1] != ("USING",):
        raise source.syntax_error(index)
    close = source.closing(index + 1)
    if close + 1 < len(source.tokens):
        raise source.syntax_error(close + 1)
    parts = source.parts(index + 2, close) if kind == "masking" else [(index + 2, close)]
    texts = [source.text_of(first, last) for first, last in parts]
    if not all(texts):
        raise source.syntax_error(close)
    return texts


def _array(values: list[str]) -> str:
    return "{" + ",".join('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values) + "}"


# Attachments --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Grantee:
    """For whom: `user`, `role` or `public`."""

    kind: str
    name: str


def attach(session: Session, source: Statement) -> Result:
    """ATTACH RLS POLICY name ON [TABLE] relation, ... TO grantee, ...; ATTACH MASKING POLICY name ON relation (columns) [USING (columns)] TO grantee [PRIORITY n]."""
    kind, policy = _kind(source), source.name_at(3)
    relations, index = _relations(source, kind)
    masks: list[str] = []
    takes, priority = masks, "0"
    if kind == "masking":
        masks, index = _columns(source, index)
        takes = masks
        if source.words[index : index + 1] == ("USING",):
            takes, index = _columns(source, index + 1)
    grantees, index = _grantees(source, index, "TO", kind)
    if kind == "masking" and source.words[index : index + 1] == ("PRIORITY",):
        priority, index = source.text_of(index + 1, index + 2), index + 2
        if not priority.isdigit():
            raise source.syntax_error(index - 1)
    if index < len(source.tokens):
        raise source.syntax_error(index)
    with session.all_or_nothing():
        for relation in relations:
            for to in grantees:
                values = (kind, policy, relation, to.kind, to.name, priority, _array(takes), _array(masks))
                session.run("SELECT redshift_attach_policy($1, $2, $3::regclass, $4, $5, $6::integer, $7::text[], $8::text[])", values)
    return Result()


def detach(session: Session, source: Statement) -> Result:
    """DETACH RLS POLICY name ON [TABLE] relation, ... FROM grantee, ...; DETACH MASKING POLICY name ON relation (columns) FROM grantee."""
    kind, policy = _kind(source), source.name_at(3)
    relations, index = _relations(source, kind)
    masks: list[str] = []
    if kind == "masking":
        masks, index = _columns(source, index)
    grantees, index = _grantees(source, index, "FROM", kind)
    if index < len(source.tokens):
        raise source.syntax_error(index)
    with session.all_or_nothing():
        for relation in relations:
            for to in grantees:
                values = (kind, policy, relation, to.kind, to.name, _array(masks))
                session.run("SELECT redshift_detach_policy($1, $2, $3::regclass, $4, $5, $6::text[])", values)
    return Result()


def _relations(source: Statement, kind: str) -> tuple[list[str], int]:
    if source.words[4:5] != ("ON",):
        raise source.syntax_error(4)
    index = 6 if kind == "rls" and source.words[5:6] == ("TABLE",) else 5
    found = []
    while True:
        name, index = source.qualified_name_at(index)
        found.append(name)
        if kind == "masking" or source.words[index : index + 1] != (",",):
            return found, index
        index += 1


def _columns(source: Statement, index: int) -> tuple[list[str], int]:
    close = source.closing(index)
    if "." in source.words[index:close]:
        raise unsupported("a masking policy on a path into a SUPER column")
    return source.names_in_parentheses(index)


def _grantees(source: Statement, index: int, word: str, kind: str) -> tuple[list[Grantee], int]:
    if source.words[index : index + 1] != (word,):
        raise source.syntax_error(index)
    found: list[Grantee] = []
    while True:
        index += 1
        role = source.words[index : index + 1] == ("ROLE",)
        index += role
        # Names of IAM's users and roles keep their capitals.
        name = source.tokens[index].text if index < len(source.tokens) and ":" in source.tokens[index].text else source.name_at(index)
        public = not role and source.words[index] == "PUBLIC"
        found.append(Grantee("role" if role else "public" if public else "user", name))
        index += 1
        if kind == "masking" or source.words[index : index + 1] != (",",):
            return found, index


# The rest -----------------------------------------------------------------------------------------------------------


def grant(session: Session, source: Statement) -> Result:
    """GRANT SELECT ON [TABLE] relation, ... TO {RLS | MASKING} POLICY name, ... and REVOKE ... FROM; every other GRANT is about something else."""
    at = source.find("TO" if source.words[0] == "GRANT" else "FROM")
    if at < 0 or source.words[at + 2 : at + 3] != ("POLICY",):
        return datashares.grant(session, source)
    kind = _kind(source, at + 1)
    if source.words[1:3] != ("SELECT", "ON"):
        raise source.syntax_error(1)
    start = 4 if source.words[3] == "TABLE" else 3
    with session.all_or_nothing():
        for first, _ in source.parts(start, at):
            relation, _ = source.qualified_name_at(first)
            for policy, _ in source.parts(at + 3, len(source.tokens)):
                values = (kind, source.name_at(policy), relation, source.words[0] == "GRANT")
                session.run("SELECT redshift_grant_lookup($1, $2, $3::regclass, $4)", values)
    return Result()


def secure(session: Session, relation: str, words: tuple[str, ...]) -> Result:
    """What ALTER TABLE and ALTER MATERIALIZED VIEW say of it: ROW LEVEL SECURITY {ON | OFF} [CONJUNCTION TYPE {AND | OR}] [FOR DATASHARES], MASKING ... FOR DATASHARES."""
    rest, combined = list(words), None
    shared = rest[-2:] == ["FOR", "DATASHARES"]
    rest = rest[:-2] if shared else rest
    if rest[-3:-1] == ["CONJUNCTION", "TYPE"] and rest[-1] in ("AND", "OR") and words[0] == "ROW":
        combined, rest = rest[-1].lower(), rest[:-3]
    part = {("ROW", "LEVEL", "SECURITY"): "rls", ("MASKING",): "masking"}.get(tuple(rest[:-1]))
    if part is None or rest[-1] not in ("ON", "OFF") or (part == "masking" and not shared):
        raise SqlError(f'syntax error at or near "{" ".join(words)}"', "42601")
    values = (relation, f"datashare_{part}" if shared else part, rest[-1] == "ON", combined)
    session.run("SELECT redshift_secure_relation($1::regclass, $2, $3, $4)", values)
    return Result()
