"""What flows in by itself: streams and zero-ETL integrations."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from autopilot.domain.inside.declared.external import IamRole
from autopilot.domain.inside.declared.names import Name, Sql
from autopilot.domain.inside.declared.relations import Distribution
from autopilot.domain.spec_parts import Part


class Stream(Part, frozen=True, kw_only=True):
    """A materialized view over a Kinesis stream or an MSK topic, and the external schema that it is read through.

    `select` says what is taken from each record; without it: the arrival time, the keys and the parsed data. Its rows may outlive the stream's own
    retention, so nothing ever drops it.
    """

    schema: Name = "public"
    name: Name
    source: Literal["kinesis", "msk"] = "kinesis"
    external_schema: Name
    stream: Annotated[str, msgspec.Meta(min_length=1, max_length=249)]
    role: IamRole = "default"
    cluster_arn: str | None = None
    authentication: Literal["none", "iam", "mtls"] = "iam"
    select: Sql | None = None
    where: Sql | None = None
    auto_refresh: bool = True
    distribution: Distribution = Distribution()
    sort: list[Name] = msgspec.field(default_factory=list)


class Integration(Part, frozen=True, kw_only=True):
    """A zero-ETL integration from Aurora, RDS or DynamoDB into this warehouse, and the `database` that shows it."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=63, pattern=r"^[A-Za-z][A-Za-z0-9-]*$")]
    source_arn: Annotated[str, msgspec.Meta(pattern=r"^arn:aws[a-z-]*:(rds|dynamodb):[a-z0-9-]+:[0-9]{12}:.+$")]
    database: Name
    source_database: Name | None = None
    kms_key: str | None = None
    description: Annotated[str, msgspec.Meta(max_length=1000)] | None = None
    data_filter: str | None = None
    refresh_on_error: bool = True
