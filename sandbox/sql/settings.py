"""Transactions and the parameters of a session: BEGIN, SET, RESET, SHOW."""

from __future__ import annotations

from sandbox.sql.errors import SqlError, unsupported
from sandbox.sql.lexer import Statement
from sandbox.sql.results import Column, Result
from sandbox.sql.session import Session

_TEXT_OID = 25
# Redshift's own parameters, which PostgreSQL lacks: kept with the session and shown again, with the value they start with.
_OWN = {
    "query_group": "default",
    "wlm_query_slot_count": "1",
    "enable_result_cache_for_session": "on",
    "analyze_threshold_percent": "10",
    "mv_enable_aqmv_for_session": "on",
}
_CASE = "enable_case_sensitive_identifier"
_SHARED = (
    "search_path",
    "statement_timeout",
    "timezone",
    "datestyle",
    "application_name",
    "extra_float_digits",
    "client_encoding",
    "intervalstyle",
)


def transaction(session: Session, source: Statement) -> Result:
    """BEGIN, COMMIT, ROLLBACK. Redshift has one isolation level for the session, so an asked-for one changes nothing."""
    word = source.words[0]
    allowed = (
        "WORK",
        "TRANSACTION",
        "ISOLATION",
        "LEVEL",
        "SERIALIZABLE",
        "READ",
        "WRITE",
        "ONLY",
        "COMMITTED",
        "UNCOMMITTED",
        "REPEATABLE",
        ",",
    )
    if unknown := [w for w in source.words[1:] if w not in allowed]:
        raise SqlError(f'syntax error at or near "{unknown[0].lower()}"', "42601")
    access = " READ ONLY" if source.words[-2:] == ("READ", "ONLY") else ""
    return session.run({"BEGIN": f"BEGIN{access}", "START": f"BEGIN{access}", "COMMIT": "COMMIT", "END": "COMMIT"}.get(word, "ROLLBACK"))


def set_parameter(session: Session, source: Statement) -> Result:
    """SET [SESSION | LOCAL] name {TO | =} value."""
    start = 2 if source.words[1:2] in (("LOCAL",), ("SESSION",)) else 1
    if source.words[start : start + 1] == ("AUTHORIZATION",):
        raise unsupported("SET SESSION AUTHORIZATION")
    name, value = source.name_at(start), start + 1
    if source.words[value : value + 1] in (("TO",), ("=",)):
        value += 1
    if value >= len(source.tokens):
        raise source.syntax_error(value)
    if name in _OWN:
        if source.words[1] == "LOCAL":
            raise unsupported(f"SET LOCAL {name}")
        session.settings[name] = _OWN[name] if source.words[value] == "DEFAULT" else source.tokens[value].text
        return Result()
    if name == _CASE:
        return _set_case_sensitivity(session, source, value)
    if name not in _SHARED:
        raise unsupported(f"the parameter {name}")
    return session.run(f"SET {source.words[1] if start == 2 else 'SESSION'} {name} TO {source.text_of(value)}")


def _set_case_sensitivity(session: Session, source: Statement, value: int) -> Result:
    """Kept for the names of what lies outside: streams, and tables of zero-ETL databases. Names inside the database are folded all the same."""
    word = source.tokens[value].text.lower()
    if word == "default":
        session.settings.pop(_CASE, None)
    elif word in ("on", "true", "off", "false"):
        session.settings[_CASE] = "on" if word in ("on", "true") else "off"
    else:
        raise SqlError(f'parameter "{_CASE}" requires a Boolean value', "22023")
    return Result()


def reset_parameter(session: Session, source: Statement) -> Result:
    """RESET name and RESET ALL."""
    name = source.name_at(1)
    if name == "all":
        session.settings.clear()
        return session.run("RESET ALL")
    if name in _OWN or name == _CASE:
        session.settings.pop(name, None)
        return Result()
    if name not in _SHARED:
        raise unsupported(f"the parameter {name}")
    return session.run(f"RESET {name}")


def show(session: Session, source: Statement) -> Result:
    """SHOW name and SHOW ALL; the forms that list objects are not known here."""
    name = source.name_at(1)
    if len(source.tokens) > 2:
        raise unsupported(f"SHOW {name.upper()}")
    if name == "all":
        rows: list[tuple[str | None, ...]] = [(own, session.settings.get(own, value)) for own, value in sorted(_OWN.items())]
        rows += [(shared, session.run(f"SHOW {shared}").rows[0][0]) for shared in _SHARED]
        return Result((Column("name", _TEXT_OID, -1), Column("setting", _TEXT_OID, -1)), rows, len(rows))
    if name == _CASE:
        return Result((Column(name, _TEXT_OID, -1),), [("on" if session.case_sensitive else "off",)], 1)
    if name in _OWN:
        return Result((Column(name, _TEXT_OID, -1),), [(session.settings.get(name, _OWN[name]),)], 1)
    if name not in _SHARED:
        raise unsupported(f"the parameter {name}")
    return session.run(f"SHOW {name}")
