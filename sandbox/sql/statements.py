"""Which statement is handled by what: the one table of everything that the sandbox's Redshift understands."""

from __future__ import annotations

from sandbox.sql import (
    copying,
    datashares,
    external_schemas,
    external_tables,
    external_views,
    maintenance,
    policies,
    principals,
    settings,
    streams,
    tables,
    unloading,
    zero_etl,
)
from sandbox.sql.errors import SqlError, unsupported
from sandbox.sql.lexer import Statement
from sandbox.sql.protection import refuse_restricted
from sandbox.sql.relations import RULES, translated
from sandbox.sql.results import Result
from sandbox.sql.rewrite import to_postgres
from sandbox.sql.session import Handler, Session

_OPTIONAL_AFTER_CREATE = ("OR", "REPLACE", "LOCAL", "TEMP", "TEMPORARY", "RECURSIVE")


def _query(session: Session, source: Statement) -> Result:
    """SELECT, INSERT, UPDATE, DELETE and their like."""
    text, names = translated(session, source.text)
    return session.run(text, session.bound(names))


def _definition(session: Session, source: Statement) -> Result:
    """What PostgreSQL has too, with other words inside."""
    names: list[str] = []
    text = to_postgres(source, names)
    return session.run(text, session.bound(names))


def _explain(session: Session, source: Statement) -> Result:
    start = 2 if source.starts_with("EXPLAIN", "VERBOSE") else 1
    text, names = translated(session, source.text_of(start))
    return session.run(f"EXPLAIN {'VERBOSE ' if start == 2 else ''}{text}", session.bound(names))


def _merge(session: Session, source: Statement) -> Result:
    if source.words[-2:] == ("REMOVE", "DUPLICATES"):
        raise unsupported("MERGE ... REMOVE DUPLICATES")
    return _inner_queries(session, source)


def _inner_queries(session: Session, source: Statement) -> Result:
    """A statement with queries that PostgreSQL runs by itself: those of MERGE, of a procedure, a cursor, a prepared statement."""
    refuse_restricted(session, source.words[0])
    return _definition(session, source)


def _create_function(session: Session, source: Statement) -> Result:
    language = source.find("LANGUAGE")
    if language >= 0 and source.name_at(language + 1).startswith("plpython"):
        raise SqlError("Python UDFs have ended; a function in plpythonu is not supported", "0A000")
    return _definition(session, source)


def _not_supported(what: str) -> Handler:
    def refuse(_session: Session, _source: Statement) -> Result:
        raise unsupported(what)

    return refuse


HANDLERS: dict[tuple[str, ...], tuple[Handler, str]] = {
    ("SELECT",): (_query, "SELECT"),
    ("WITH",): (_query, "SELECT"),
    ("VALUES",): (_query, "SELECT"),
    ("(",): (_query, "SELECT"),
    ("INSERT",): (_query, "INSERT"),
    ("UPDATE",): (_query, "UPDATE"),
    ("DELETE",): (_query, "DELETE"),
    ("MERGE",): (_merge, "MERGE"),
    ("TRUNCATE",): (_definition, "DDL"),
    ("COPY",): (copying.copy, "COPY"),
    ("UNLOAD",): (unloading.unload, "UNLOAD"),
    ("VACUUM",): (maintenance.vacuum, "VACUUM"),
    ("ANALYZE",): (maintenance.analyze, "ANALYZE"),
    ("ANALYSE",): (maintenance.analyze, "ANALYZE"),
    ("ANALYZE", "COMPRESSION"): (maintenance.analyze_compression, "ANALYZE"),
    ("REFRESH", "MATERIALIZED", "VIEW"): (streams.refresh_materialized_view, "UTILITY"),
    ("CALL",): (_inner_queries, "UTILITY"),
    ("EXPLAIN",): (_explain, "UTILITY"),
    ("CANCEL",): (maintenance.cancel, "UTILITY"),
    ("LOCK",): (_definition, "UTILITY"),
    ("COMMENT",): (_definition, "DDL"),
    # transactions, cursors and prepared statements
    ("BEGIN",): (settings.transaction, "UTILITY"),
    ("START", "TRANSACTION"): (settings.transaction, "UTILITY"),
    ("COMMIT",): (settings.transaction, "UTILITY"),
    ("END",): (settings.transaction, "UTILITY"),
    ("ROLLBACK",): (settings.transaction, "UTILITY"),
    ("ABORT",): (settings.transaction, "UTILITY"),
    ("DECLARE",): (_inner_queries, "UTILITY"),
    ("FETCH",): (_definition, "UTILITY"),
    ("CLOSE",): (_definition, "UTILITY"),
    ("PREPARE",): (_inner_queries, "UTILITY"),
    ("EXECUTE",): (_definition, "UTILITY"),
    ("DEALLOCATE",): (_definition, "UTILITY"),
    ("SET",): (settings.set_parameter, "UTILITY"),
    ("RESET",): (settings.reset_parameter, "UTILITY"),
    ("SHOW",): (settings.show, "UTILITY"),
    # tables, views, schemas, procedures
    ("CREATE", "TABLE"): (tables.create_table, "DDL"),
    ("CREATE", "VIEW"): (tables.create_view, "DDL"),
    ("CREATE", "MATERIALIZED", "VIEW"): (streams.create_materialized_view, "DDL"),
    ("ALTER", "MATERIALIZED", "VIEW"): (tables.alter_materialized_view, "DDL"),
    ("CREATE", "SCHEMA"): (principals.create_schema, "DDL"),
    ("CREATE", "PROCEDURE"): (_definition, "DDL"),
    ("CREATE", "FUNCTION"): (_create_function, "DDL"),
    ("ALTER", "TABLE"): (tables.alter_table, "DDL"),
    ("ALTER", "SCHEMA"): (principals.alter_owned, "DDL"),
    ("ALTER", "PROCEDURE"): (principals.alter_owned, "DDL"),
    ("ALTER", "FUNCTION"): (principals.alter_owned, "DDL"),
    ("DROP", "TABLE"): (_definition, "DDL"),
    ("DROP", "VIEW"): (_definition, "DDL"),
    ("DROP", "MATERIALIZED", "VIEW"): (_definition, "DDL"),
    ("DROP", "SCHEMA"): (external_schemas.drop_schema, "DDL"),
    ("DROP", "PROCEDURE"): (_definition, "DDL"),
    ("DROP", "FUNCTION"): (_definition, "DDL"),
    # databases, users and rights
    ("CREATE", "DATABASE"): (zero_etl.create_database, "DDL"),
    ("ALTER", "DATABASE"): (zero_etl.alter_database, "DDL"),
    ("DROP", "DATABASE"): (zero_etl.drop_database, "DDL"),
    ("CREATE", "USER"): (principals.create_user, "DDL"),
    ("ALTER", "USER"): (principals.alter_user, "DDL"),
    ("DROP", "USER"): (principals.drop, "DDL"),
    ("CREATE", "GROUP"): (principals.create_group, "DDL"),
    ("ALTER", "GROUP"): (principals.alter_group, "DDL"),
    ("DROP", "GROUP"): (principals.drop, "DDL"),
    ("CREATE", "ROLE"): (principals.create_role, "DDL"),
    ("DROP", "ROLE"): (principals.drop, "DDL"),
    ("GRANT",): (policies.grant, "DDL"),
    ("REVOKE",): (policies.grant, "DDL"),
    ("GRANT", "ROLE"): (principals.grant_role, "DDL"),
    ("REVOKE", "ROLE"): (principals.grant_role, "DDL"),
    ("ALTER", "DEFAULT", "PRIVILEGES"): (principals.default_privileges, "DDL"),
    # datashares
    ("CREATE", "DATASHARE"): (datashares.create_datashare, "DDL"),
    ("ALTER", "DATASHARE"): (datashares.alter_datashare, "DDL"),
    ("DROP", "DATASHARE"): (datashares.drop_datashare, "DDL"),
    # policies
    ("CREATE", "RLS"): (policies.create, "DDL"),
    ("CREATE", "MASKING"): (policies.create, "DDL"),
    ("ALTER", "RLS"): (policies.alter, "DDL"),
    ("ALTER", "MASKING"): (policies.alter, "DDL"),
    ("DROP", "RLS"): (policies.drop, "DDL"),
    ("DROP", "MASKING"): (policies.drop, "DDL"),
    ("ATTACH",): (policies.attach, "DDL"),
    ("DETACH",): (policies.detach, "DDL"),
    # known to Redshift, refused by name
    ("CREATE", "EXTERNAL", "SCHEMA"): (external_schemas.create, "DDL"),
    ("ALTER", "EXTERNAL", "SCHEMA"): (external_schemas.alter, "DDL"),
    ("CREATE", "EXTERNAL"): (_not_supported("CREATE EXTERNAL"), "DDL"),
    ("CREATE", "MODEL"): (_not_supported("CREATE MODEL"), "DDL"),
    ("CREATE", "LIBRARY"): (_not_supported("CREATE LIBRARY"), "DDL"),
}

RULES.extend((datashares.shared_relation, external_views.relation, external_tables.relation, zero_etl.relation, streams.relation))


def plan(source: Statement) -> tuple[Handler, str]:
    """The handler of a statement and its query type; raises SqlError for a statement the sandbox does not know."""
    words = source.words
    if words[0] == "CREATE":
        rest = list(words[1:])
        while rest and rest[0] in _OPTIONAL_AFTER_CREATE:
            rest.pop(0)
        words = ("CREATE", *rest)
    for length in (3, 2, 1):
        if found := HANDLERS.get(words[:length]):
            handler, query_type = found
            return handler, "CTAS" if handler is tables.create_table and source.find("AS") >= 0 else query_type
    raise unsupported(f"the statement {' '.join(word for word in words[:2] if word)}")
