"""The Autopilot table: locks, callbacks and the ledger. Every item has `pk` and `sk`; what belongs to an execution has `owner`.

| what     | pk                       | sk                             | written by                          |
|----------|--------------------------|--------------------------------|-------------------------------------|
| lock     | `LOCK#<warehouse key>`   | `LOCK`                         | workflows, conditionally            |
| callback | `CALLBACK#<subject>`     | see `callbacks`                | `wait`, `run_sql`, `pause`          |
| ledger   | `LEDGER#<warehouse key>` | `<start>#<action>#<execution>` | workflows                           |
| edge     | `FLEET`                  | the warehouse's key            | `schedule`: the last one applied    |
| document | `SCHEDULES`              | see `schedules`                | `schedule`: versions, lease, learnt |
| inside   | `INSIDE#<warehouse key>` | `<database>#<token>`           | `configure`: see `inside.records`   |

`expires_at` (epoch seconds, the only number) lets DynamoDB remove what nobody removed; every other attribute is text.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from autopilot.aws.clients import call
from autopilot.domain.errors import AutopilotError

OWNER_INDEX = "by_owner"
READ = ("dynamodb:GetItem", "dynamodb:Query")
WRITE = ("dynamodb:PutItem", "dynamodb:DeleteItem")
Item = dict[str, str]
_PAGE = 100


def get(pk: str, sk: str) -> Item | None:
    """One item by its keys, read consistently, or None. Source: GetItem."""
    item = _call("get_item", Key=_keys(pk, sk), ConsistentRead=True).get("Item")
    return _plain(item) if item else None


def put(item: Item, expires_at: int | None = None) -> None:
    """Write one item, over one of the same keys; DynamoDB removes it some time after `expires_at`, where given. Source: PutItem."""
    expiry = {} if expires_at is None else {"expires_at": {"N": str(expires_at)}}
    _call("put_item", Item={**{key: {"S": value} for key, value in item.items()}, **expiry})


def put_if(item: Item, expires_at: int, condition: str, values: dict[str, str | int]) -> bool:
    """Write one item as `put` does if the condition holds for the one that is there; False if not. Numbers in `values` are numbers there."""
    typed = {name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in values.items()}
    written = {**{key: {"S": value} for key, value in item.items()}, "expires_at": {"N": str(expires_at)}}
    try:
        _call("put_item", Item=written, ConditionExpression=condition, ExpressionAttributeValues=typed)
    except AutopilotError as error:
        if error.code != "ConditionalCheckFailedException":
            raise
        return False
    return True


def delete(pk: str, sk: str) -> None:
    """Delete one item; harmless when there is none. Source: DeleteItem."""
    _call("delete_item", Key=_keys(pk, sk))


def delete_if(pk: str, sk: str, attribute: str, value: str) -> bool:
    """Delete one item if an attribute still has that value; False if it is gone or changed. Source: DeleteItem."""
    try:
        _call(
            "delete_item",
            Key=_keys(pk, sk),
            ConditionExpression="#a = :v",
            ExpressionAttributeNames={"#a": attribute},
            ExpressionAttributeValues={":v": {"S": value}},
        )
    except AutopilotError as error:
        if error.code != "ConditionalCheckFailedException":
            raise
        return False
    return True


def of_partition(pk: str, sk_prefix: str = "") -> list[Item]:
    """All items of a partition whose sort key starts so, read consistently, in order. Source: Query."""
    values = {":pk": {"S": pk}}
    if not sk_prefix:
        return _query(KeyConditionExpression="pk = :pk", ExpressionAttributeValues=values, ConsistentRead=True)
    values[":sk"] = {"S": sk_prefix}
    return _query(KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)", ExpressionAttributeValues=values, ConsistentRead=True)


def newest(pk: str, count: int) -> list[Item]:
    """The last items of a partition by sort key, newest first, read consistently. Source: Query."""
    page = _call(
        "query",
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": pk}},
        ScanIndexForward=False,
        Limit=count,
        ConsistentRead=True,
    )
    return [_plain(item) for item in page["Items"]]


def newest_first(pk: str) -> Iterator[Item]:
    """The items of a partition, the last one first, read consistently and page by page as they are asked for. Source: Query."""
    arguments: dict[str, Any] = {
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": pk}},
        "ConsistentRead": True,
        "ScanIndexForward": False,
        "Limit": _PAGE,
    }
    while True:
        page = _call("query", **arguments)
        yield from map(_plain, page["Items"])
        if "LastEvaluatedKey" not in page:
            return
        arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def of_partition_since(pk: str, sk_from: str, attribute: str, value: str) -> list[Item]:
    """The items of a partition from a sort key on whose attribute has that value, in order. Source: Query."""
    return _query(
        KeyConditionExpression="pk = :pk AND sk >= :sk",
        FilterExpression="#a = :v",
        ExpressionAttributeNames={"#a": attribute},
        ExpressionAttributeValues={":pk": {"S": pk}, ":sk": {"S": sk_from}, ":v": {"S": value}},
    )


def of_owner(execution: str) -> list[Item]:
    """All items that belong to an execution. The index lags by a moment, so what was written just now may be missing."""
    return _query(
        IndexName=OWNER_INDEX,
        KeyConditionExpression="#o = :o",
        ExpressionAttributeNames={"#o": "owner"},
        ExpressionAttributeValues={":o": {"S": execution}},
    )


def _query(**arguments: Any) -> list[Item]:
    items: list[Item] = []
    while True:
        page = _call("query", **arguments)
        items += [_plain(item) for item in page["Items"]]
        if "LastEvaluatedKey" not in page:
            return items
        arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _call(operation: str, **arguments: Any) -> dict[str, Any]:
    return call("dynamodb", operation, "use the Autopilot table", TableName=os.environ["TABLE_NAME"], **arguments)


def _keys(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _plain(item: dict[str, dict[str, str]]) -> Item:
    return {key: next(iter(value.values())) for key, value in item.items()}
