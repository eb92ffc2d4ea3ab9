"""What flows in by itself: streams and zero-ETL integrations."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from autopilot.domain.inside.declared.external import IamRole
from autopilot.domain.inside.declared.names import Name, Sql
from autopilot.domain.inside.declared.relations import Distribution
from autopilot.domain.spec_parts import Part


class Stream(Part, frozen=True, kw_only=True):
    """A streaming materialized view over a Kinesis stream or a Kafka topic, and the external schema that it is read through.

    `select` and `where` say what is taken from each record; without them: the keys, the times and the data as JSON. Kafka (`msk`, `kafka`) needs
    the brokers' `uri`, or MSK's `cluster_arn`; `mtls` needs the `certificate_arn` or the `secret_arn` that holds one. Nothing ever drops the view.
    """

    schema: Name = "public"
    name: Name
    source: Literal["kinesis", "msk", "kafka"] = "kinesis"
    external_schema: Name
    stream: Annotated[str, msgspec.Meta(max_length=249, pattern=r"^[A-Za-z0-9._-]+$")]
    role: IamRole = "default"
    cluster_arn: Annotated[str, msgspec.Meta(pattern=r"^arn:aws[a-z-]*:kafka:[a-z0-9-]+:[0-9]{12}:cluster/[A-Za-z0-9/_-]+$")] | None = None
    uri: Annotated[str, msgspec.Meta(max_length=2000, pattern=r"^[A-Za-z0-9.-]+:[0-9]{1,5}(,[A-Za-z0-9.-]+:[0-9]{1,5})*$")] | None = None
    authentication: Literal["none", "iam", "mtls"] = "iam"
    certificate_arn: Annotated[str, msgspec.Meta(pattern=r"^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[A-Za-z0-9-]+$")] | None = (
        None
    )
    secret_arn: (
        Annotated[str, msgspec.Meta(pattern=r"^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+$")] | None
    ) = None
    select: Sql | None = None
    where: Sql | None = None
    auto_refresh: bool = True
    distribution: Distribution = Distribution()
    sort: list[Name] = msgspec.field(default_factory=list)


class Integration(Part, frozen=True, kw_only=True):
    """A zero-ETL integration from Aurora, RDS or DynamoDB into this warehouse, and the `database` that shows it.

    `source_database` and `data_filter` are for Aurora and RDS. What is left out of the database's settings is AWS's default. Nothing ever deletes an
    integration or its database.
    """

    name: Annotated[str, msgspec.Meta(max_length=63, pattern=r"^[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*$")]
    source_arn: Annotated[
        str,
        msgspec.Meta(
            max_length=255,
            pattern=r"^arn:aws[a-z-]*:(rds:[a-z0-9-]+:[0-9]{12}:(cluster|db):[a-z][a-z0-9-]*|dynamodb:[a-z0-9-]+:[0-9]{12}:table/[A-Za-z0-9._-]+)$",
        ),
    ]
    database: Name
    source_database: Annotated[str, msgspec.Meta(min_length=1, max_length=127)] | None = None
    kms_key: Annotated[str, msgspec.Meta(min_length=1, max_length=2048)] | None = None
    description: Annotated[str, msgspec.Meta(max_length=1000, pattern=r"^.*$")] | None = None
    data_filter: Annotated[str, msgspec.Meta(min_length=1, max_length=25_600, pattern=r'^[a-zA-Z0-9_ "\\\-$,*.:?+/]*$')] | None = None
    refresh_interval_seconds: Annotated[int, msgspec.Meta(ge=0, le=432_000)] | None = None
    query_all_states: bool | None = None
    accept_invalid_characters: bool | None = None
    truncate_columns: bool | None = None
    history_mode: bool | None = None
    refresh_on_error: bool = True
