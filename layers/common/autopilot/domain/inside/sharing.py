"""Both sides of a datashare between two warehouses: what each has to declare, and how it is proven that rows arrive."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from autopilot.domain.errors import ConfigurationIncomplete, InvalidInput
from autopilot.domain.inputs import Common, reference_of
from autopilot.domain.inside.declared.names import Grantee, Name, Relation
from autopilot.domain.inside.quoting import literal, name_problems, qualified
from autopilot.domain.sql import check_takes_sql
from autopilot.domain.steps import Step
from autopilot.domain.warehouse import Reference, Warehouse

#: Data sharing is for nodes with managed storage. Source: Redshift database developer guide, "Considerations for data sharing".
_LOCAL_STORAGE = ("dc", "ds")


class ShareInput(Common, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Input of `share_data`: the `producer` lets the `consumer` read whole `schemas` or single `tables`.

    `datashare` is named after the only schema, and the consumer's `database` after the datashare, unless told. `include_new` shares what is made
    in the schemas later. `grant_to` are those of the consumer who may read the whole database.
    """

    producer: str | Reference
    consumer: str | Reference
    schemas: list[Name] = msgspec.field(default_factory=list)
    tables: list[Relation] = msgspec.field(default_factory=list)
    datashare: Name | None = None
    database: Name | None = None
    include_new: bool = False
    public_accessible: bool = False
    grant_to: list[Grantee] = msgspec.field(default_factory=list)

    @property
    def share(self) -> str:
        """The name of the datashare. Raises InvalidInput where none follows from what is shared."""
        schemas = {*self.schemas, *(table.schema for table in self.tables)}
        if self.datashare is None and len(schemas) != 1:
            raise InvalidInput(
                "datashare: give a name, or what lies in exactly one schema"
                if schemas
                else "schemas: name what is to be shared, here or in `tables`"
            )
        return self.datashare or schemas.pop()

    @property
    def shown_as(self) -> str:
        """The name of the consumer's database."""
        return self.database or self.share


class Prove(Step, tag="prove", frozen=True, kw_only=True):
    """Read what the consumer's catalog says, the rows of the `evidence` queries, and say what is to be read as the proof."""

    input: dict[str, Any]
    database: list[list[Any]]
    objects: list[list[Any]]
    readers: list[list[Any]]


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """What one warehouse has to declare."""

    warehouse: Reference
    spec: dict[str, Any]


class SharePlan(msgspec.Struct, frozen=True, kw_only=True):
    """What `share_data` is going to do. `evidence` are queries of the consumer's catalog."""

    action: Literal["share"]
    reason: str
    asked: str
    dry_run: bool
    datashare: str
    database: str
    producer: Side
    consumer: Side
    evidence: list[str]


def plan(asked: ShareInput, producer: Warehouse, consumer: Warehouse) -> SharePlan:
    """What each side has to declare. Raises InvalidInput for what cannot be shared, WarehouseUnavailable for a side that takes no SQL now."""
    _check(asked, producer, consumer)
    share: dict[str, Any] = {
        "name": asked.share,
        "schemas": [{"name": schema, "include_new": asked.include_new} for schema in asked.schemas],
        "tables": msgspec.to_builtins(asked.tables),
        "public_accessible": asked.public_accessible,
        "consumers": [{"namespace": consumer.namespace_id}],
    }
    taken = {"database": asked.shown_as, "datashare": asked.share, "namespace": producer.namespace_id}
    grants = [{"to": msgspec.to_builtins(who), "privileges": ["usage"], "object": {"database": asked.shown_as}} for who in asked.grant_to]
    return SharePlan(
        action="share",
        reason=f"{consumer.kind} {consumer.name} is to read the datashare {asked.share} of {producer.kind} {producer.name} as database {asked.shown_as}",
        asked=asked.reason,
        dry_run=asked.dry_run,
        datashare=asked.share,
        database=asked.shown_as,
        producer=_side(producer, {"datashares": {"produces": [share]}}),
        consumer=_side(consumer, {"datashares": {"consumes": [taken]}} | ({"grants": grants} if grants else {})),
        evidence=_evidence(asked, producer.namespace_id),
    )


def _side(seen: Warehouse, sections: dict[str, Any]) -> Side:
    return Side(warehouse=seen.reference, spec={"name": seen.name, "kind": seen.kind, **sections})


def _check(asked: ShareInput, producer: Warehouse, consumer: Warehouse) -> None:
    names = [
        ("datashare", asked.share),
        ("database", asked.shown_as),
        *((f"schemas[{number}]", name) for number, name in enumerate(asked.schemas)),
    ]
    if wrong := name_problems(names):
        raise InvalidInput(wrong[0])
    for number, who in enumerate(asked.grant_to):
        if sum((who.role is not None, who.user is not None, who.group is not None, who.public)) != 1:
            raise InvalidInput(f"grant_to[{number}]: give exactly one of role, user, group and public")
    if producer.key == consumer.key:
        raise InvalidInput(
            f"consumer: {consumer.kind} {consumer.name} is the producer; within a warehouse, another database is read without a datashare"
        )
    for path, seen in (("producer", producer), ("consumer", consumer)):
        check_takes_sql(seen, 1)
        if (seen.node_type or "").startswith(_LOCAL_STORAGE):
            raise InvalidInput(
                f"{path}: cluster {seen.name} has {seen.node_type} nodes; data sharing needs RA3 or newer ones, or Serverless"
            )
    if consumer.public and not asked.public_accessible:
        raise InvalidInput(
            f"public_accessible: {consumer.kind} {consumer.name} is publicly accessible; it can read a datashare only if that is allowed with true"
        )


def _evidence(asked: ShareInput, namespace: str) -> list[str]:
    """Queries of the consumer's catalog: which database shows the datashare; one thing that it holds, a table before a view; who may read it.

    Source: Redshift database developer guide, "SVV_DATASHARES", "SVV_DATASHARE_OBJECTS" and "SVV_DATABASE_PRIVILEGES".
    """
    this = f"share_type = 'INBOUND' AND share_name = {literal(asked.share)} AND producer_namespace = {literal(namespace)}"
    database = literal(asked.shown_as)
    shown = f"SELECT TRIM(consumer_database) AS consumer_database FROM svv_datashares WHERE {this} AND consumer_database = {database}"  # noqa: S608 - texts are quoted
    held = (
        f"SELECT TRIM(object_name) AS object_name FROM svv_datashare_objects WHERE {this} AND object_type NOT IN ('schema', 'function') "  # noqa: S608 - texts are quoted
        "ORDER BY CASE object_type WHEN 'table' THEN 0 ELSE 1 END, object_name LIMIT 1"
    )
    readers = (
        "SELECT TRIM(identity_type) AS identity_type, TRIM(identity_name) AS identity_name FROM svv_database_privileges "  # noqa: S608 - texts are quoted
        f"WHERE database_name = {database} AND privilege_type = 'USAGE'"
    )
    return [shown, held, *([readers] if asked.grant_to else [])]


def proof(asked: ShareInput, seen: Prove) -> str:
    """The query that proves that rows can be read; empty while the datashare holds nothing to read.

    Raises ConfigurationIncomplete where the consumer's database does not show the datashare, or somebody who should may not read it.
    """
    consumer = reference_of(asked.consumer).name
    if not seen.database:
        raise ConfigurationIncomplete(
            f"database {asked.shown_as} of {consumer} does not show the datashare {asked.share} of {reference_of(asked.producer).name}: "
            "a database of that name is there already, or the datashare is not visible yet; choose another `database`, or start again"
        )
    readers = {(str(kind).lower(), str(name)) for kind, name in seen.readers}
    if missing := [f"{kind} {name}".strip() for kind, name in map(_identity, asked.grant_to) if (kind, name or kind) not in readers]:
        raise ConfigurationIncomplete(
            f"{', '.join(missing)} of {consumer} may not read database {asked.shown_as}: no usage of it is granted"
        )
    if not seen.objects:
        return ""
    name = str(seen.objects[0][0])
    schemas = [*asked.schemas, *(table.schema for table in asked.tables)]
    schema = max((one for one in schemas if name.startswith(f"{one}.")), key=len, default=name.partition(".")[0])
    return f"SELECT COUNT(*) AS rows_seen FROM (SELECT 1 FROM {qualified(asked.shown_as, schema, name[len(schema) + 1 :])} LIMIT 1) AS one"  # noqa: S608 - names are quoted


def _identity(who: Grantee) -> tuple[str, str]:
    """The type of an identity and its name, as the catalog tells them; nobody has the name of everybody."""
    if who.public:
        return "public", ""
    return next((kind, name) for kind, name in (("role", who.role), ("user", who.user), ("group", who.group)) if name)
