"""Statements of streaming ingestion. Source: Redshift database developer guide, "Streaming ingestion to a materialized view" and its pages for Kinesis and Kafka."""

from __future__ import annotations

from autopilot.domain.inside.declared.flows import Stream
from autopilot.domain.inside.quoting import exact_identifier, identifier, literal, qualified

_KINESIS = "approximate_arrival_timestamp, partition_key, shard_id, sequence_number, refresh_time, JSON_PARSE(kinesis_data) AS data"
_KAFKA = "kafka_timestamp, kafka_partition, kafka_offset, kafka_key, kafka_headers, refresh_time, JSON_PARSE(kafka_value) AS data"


def create_schema(stream: Stream) -> str:
    """CREATE EXTERNAL SCHEMA on a stream's service. Source: "CREATE EXTERNAL SCHEMA", and the getting-started pages for Kinesis and Kafka."""
    return f"CREATE EXTERNAL SCHEMA {identifier(stream.external_schema)} FROM {stream.source.upper()} {_connection(stream)}"


def alter_schema(stream: Stream) -> str:
    """ALTER EXTERNAL SCHEMA, which Kafka's take and Kinesis's do not. Source: "ALTER EXTERNAL SCHEMA"."""
    return f"ALTER EXTERNAL SCHEMA {identifier(stream.external_schema)} {_connection(stream)}"


def _connection(stream: Stream) -> str:
    role = "IAM_ROLE default" if stream.role == "default" else f"IAM_ROLE {literal(stream.role)}"
    if stream.source == "kinesis":
        return role
    parts = [
        role if stream.authentication != "none" else "",
        f"AUTHENTICATION {stream.authentication}",
        f"CLUSTER_ARN {literal(stream.cluster_arn)}" if stream.cluster_arn else "",
        f"URI {literal(stream.uri)}" if stream.uri else "",
        f"AUTHENTICATION_ARN {literal(stream.certificate_arn)}" if stream.certificate_arn else "",
        f"SECRET_ARN {literal(stream.secret_arn)}" if stream.secret_arn else "",
    ]
    return " ".join(part for part in parts if part)


def drop_schema(name: str) -> str:
    """DROP SCHEMA, refused by the database while anything depends on it. Source: "DROP SCHEMA"."""
    return f"DROP SCHEMA {identifier(name)} RESTRICT"


def create_view(stream: Stream) -> str:
    """CREATE MATERIALIZED VIEW over one stream. Source: "CREATE MATERIALIZED VIEW" and the getting-started pages for Kinesis and Kafka."""
    head = ["CREATE MATERIALIZED VIEW", qualified(stream.schema, stream.name), *_attributes(stream)]
    return f"{' '.join(head)} AUTO REFRESH {_switch(stream.auto_refresh)} AS {query(stream)}"


def query(stream: Stream) -> str:
    """What the view shows of each record."""
    source = f"{identifier(stream.external_schema)}.{exact_identifier(stream.stream)}"
    selected, condition = stream.select, stream.where
    if selected is None:
        selected = _KINESIS if stream.source == "kinesis" else _KAFKA
        condition = condition or f"CAN_JSON_PARSE({'kinesis_data' if stream.source == 'kinesis' else 'kafka_value'})"
    return " ".join(["SELECT", selected, "FROM", source, *(["WHERE", condition] if condition else [])])


def definition(stream: Stream) -> str:
    """What cannot be changed of the view once it is made."""
    return " ".join([*_attributes(stream), query(stream)])


def _attributes(stream: Stream) -> list[str]:
    spread = stream.distribution
    parts = [] if spread.style == "auto" else [f"DISTSTYLE {spread.style.upper()}"]
    if spread.style == "key" and spread.column:
        parts.append(f"DISTKEY ({identifier(spread.column)})")
    if stream.sort:
        parts.append(f"SORTKEY ({', '.join(map(identifier, stream.sort))})")
    return parts


def alter_refresh(stream: Stream, *, on: bool) -> str:
    """ALTER MATERIALIZED VIEW ... AUTO REFRESH. Source: "ALTER MATERIALIZED VIEW"."""
    return f"ALTER MATERIALIZED VIEW {qualified(stream.schema, stream.name)} AUTO REFRESH {_switch(on)}"


def drop_view(stream: Stream) -> str:
    """DROP MATERIALIZED VIEW: what takes back a creation, and is never planned. Source: "DROP MATERIALIZED VIEW"."""
    return f"DROP MATERIALIZED VIEW {qualified(stream.schema, stream.name)}"


def _switch(on: bool) -> str:
    return "YES" if on else "NO"
