"""The section `datashares`: what this warehouse gives to others, and the databases that show what others give to it."""

from __future__ import annotations

from autopilot.domain.inside import datashares_given, datashares_taken
from autopilot.domain.inside.declared.everything import Inside
from autopilot.domain.inside.model import Catalog, Compared, Context, Question
from autopilot.domain.inside.quoting import literal

# Sources: Redshift database developer guide, "SVV_DATASHARES", "SVV_DATASHARE_OBJECTS", "SVV_DATASHARE_CONSUMERS", "SVV_REDSHIFT_DATABASES", "PG_CLASS".
_SHARES = Question(
    "datashares",
    "SELECT TRIM(share_name) AS share_name, TRIM(share_type) AS share_type, TRIM(source_database) AS source_database, "
    "source_database = current_database() AS here, TRIM(consumer_database) AS consumer_database, is_publicaccessible, "
    "TRIM(producer_namespace) AS producer_namespace, TRIM(managed_by) AS managed_by FROM svv_datashares",
)
_OBJECTS = Question(
    "datashare objects",
    "SELECT TRIM(share_name) AS share_name, TRIM(object_type) AS object_type, TRIM(object_name) AS object_name, include_new "
    "FROM svv_datashare_objects WHERE share_type = 'OUTBOUND'",
)
_CONSUMERS = Question(
    "datashare consumers",
    "SELECT TRIM(share_name) AS share_name, TRIM(consumer_account) AS consumer_account, TRIM(consumer_namespace) AS consumer_namespace "
    "FROM svv_datashare_consumers",
)
_DATABASES = Question(
    "databases and their types",
    "SELECT TRIM(database_name) AS database_name, TRIM(database_type) AS database_type FROM svv_redshift_databases",
)


def problems(spec: Inside) -> list[str]:
    """What contradicts in this section, each with its path."""
    if spec.datashares is None:
        return []
    return [*datashares_given.problems(spec.datashares.produces or []), *datashares_taken.problems(spec.datashares.consumes or [])]


def questions(spec: Inside) -> list[Question]:
    """What has to be read to compare it."""
    if spec.datashares is None:
        return []
    schemas = sorted({schema.name for share in spec.datashares.produces or [] for schema in share.schemas})
    return [
        _SHARES,
        *([_OBJECTS, _CONSUMERS] if spec.datashares.produces is not None else []),
        *([_relations(schemas)] if schemas else []),
        *([_DATABASES] if spec.datashares.consumes is not None else []),
    ]


def _relations(schemas: list[str]) -> Question:
    """Tables and views, without the tables in which Redshift keeps what materialized views hold."""
    return Question(
        "relations of shared schemas",
        "SELECT TRIM(n.nspname) AS schema_name, TRIM(c.relname) AS relation_name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "  # noqa: S608 - names are quoted
        f"WHERE n.nspname IN ({', '.join(map(literal, schemas))}) AND c.relkind IN ('r', 'v', 'm') AND c.relname NOT LIKE 'mv!_tbl!_!_%' ESCAPE '!'",
    )


def compare(spec: Inside, seen: Catalog, context: Context) -> Compared:
    """The steps from what is there to what is declared, and what is there and not declared."""
    declared = spec.datashares
    if declared is None:
        return Compared()
    sides = []
    if declared.produces is not None:
        sides.append(datashares_given.compare(declared.produces, spec, seen, context))
    if declared.consumes is not None:
        sides.append(datashares_taken.compare(declared.consumes, seen, context, prune=spec.prune))
    return Compared([step for side in sides for step in side.steps], [drift for side in sides for drift in side.drift])


def definitions(spec: Inside, seen: Catalog) -> dict[str, tuple[str, str]]:  # noqa: ARG001 - the catalog gives no definition of a shared database
    """What a shared database was made from, which the catalog does not tell in full."""
    if spec.datashares is None:
        return {}
    return {f"database:{one.database}": (datashares_taken.declared_as(one), "") for one in spec.datashares.consumes or []}


def between_accounts(spec: Inside, namespace: str, account: str, region: str) -> list[str]:
    """The ARNs of the declared datashares that need the agreement of two accounts; the other arguments are this warehouse's."""
    if spec.datashares is None:
        return []
    given = [one for one in spec.datashares.produces or [] if any(consumer.account for consumer in one.consumers)]
    taken = [one for one in spec.datashares.consumes or [] if datashares_taken.of_another_account(one, account)]
    return [
        *(datashares_given.arn(region, account, namespace, one.name) for one in given),
        *(datashares_taken.share_arn(one, account, region) for one in taken),
    ]
