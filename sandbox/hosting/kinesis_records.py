"""Records of the sandbox's Kinesis as a streaming view takes them: with the view's role, from where it stopped in each shard."""

from __future__ import annotations

import base64
from typing import Any

from sandbox.clients import as_api_error
from sandbox.hosting.assumed_roles import AssumedRoles

#: As many as one refresh takes of a shard.
_MOST = 10_000


def describe(roles: AssumedRoles, role_arn: str, stream: str) -> None:
    """Look at the stream; raises ApiError as Kinesis refuses."""
    with as_api_error():
        roles.client(role_arn, "kinesis").describe_stream_summary(StreamName=stream)


def records(roles: AssumedRoles, role_arn: str, stream: str, positions: dict[str, str]) -> list[dict[str, Any]]:
    """Each record behind the positions (the last sequence number by shard), in the order of its shard; raises ApiError as Kinesis refuses."""
    with as_api_error():
        kinesis = roles.client(role_arn, "kinesis")
        shards = kinesis.list_shards(StreamName=stream)["Shards"]
        return [record for shard in shards for record in _of_shard(kinesis, stream, shard["ShardId"], positions.get(shard["ShardId"]))]


def _of_shard(kinesis: Any, stream: str, shard: str, after: str | None) -> list[dict[str, Any]]:
    start = (
        {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": after} if after else {"ShardIteratorType": "TRIM_HORIZON"}
    )
    iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, **start)["ShardIterator"]
    return [
        {
            "shard": shard,
            "sequence": one["SequenceNumber"],
            "key": one["PartitionKey"],
            "time": one["ApproximateArrivalTimestamp"].astimezone().isoformat(),
            "data": base64.b64encode(one["Data"]).decode(),
        }
        for one in kinesis.get_records(ShardIterator=iterator, Limit=_MOST)["Records"]
    ]
