"""What the account says to datashares: described, authorised and associated, with effect on who can read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.kernel import ACCOUNT, ApiError
from sandbox.redshift.clusters import Clusters
from sandbox.sql.databases import Databases
from sandbox.sql.errors import SqlError
from tests.sandbox.fakes import ROOT, FakeWorld, fake_world

ELSEWHERE = "123456789012"


@pytest.fixture
def world(databases: Databases) -> Iterator[FakeWorld]:
    world = fake_world()
    world.databases = databases  # type: ignore[assignment]
    world.clusters = Clusters(world)
    for name in ("sales", "analytics"):
        world.clusters.adopt(
            {"ClusterIdentifier": name, "NodeType": "ra3.xlplus", "MasterUsername": "boss", "MasterUserPassword": "Secret4Redshift"}
        )
    yield world
    world.clusters.timeline.close()
    for name in ("sales", "analytics"):
        databases.drop(f"cluster:{name}")


def namespace(world: FakeWorld, name: str) -> str:
    found: str = world.clusters.describe_clusters({"ClusterIdentifier": name}, ROOT)["Clusters"][0]["ClusterNamespaceArn"]
    return found


def run(world: FakeWorld, name: str, *sqls: str) -> list[tuple[str | None, ...]]:
    databases: Any = world.databases
    with databases.session(f"cluster:{name}", "dev", "boss") as session:
        return [session.execute(sql) for sql in sqls][-1].rows  # type: ignore[no-any-return]


def share(world: FakeWorld, grantee: str) -> str:
    """A datashare of `sales`, given to somebody; its ARN."""
    run(world, "sales", "CREATE TABLE t (a int)", "INSERT INTO t VALUES (1)", "CREATE DATASHARE given", "ALTER DATASHARE given ADD SCHEMA public",
        "ALTER DATASHARE given ADD TABLE public.t", f"GRANT USAGE ON DATASHARE given TO {grantee}")  # fmt: skip
    return namespace(world, "sales").replace(":namespace:", ":datashare:") + "/given"


def statuses(world: FakeWorld, arn: str) -> dict[str, str]:
    [found] = world.clusters.describe_data_shares({"DataShareArn": arn}, ROOT)["DataShares"]
    return {one["ConsumerIdentifier"]: one["Status"] for one in found["DataShareAssociations"]}


def test_sql_knows_the_namespace_that_describe_clusters_names(world: FakeWorld) -> None:
    assert run(world, "sales", "SELECT current_namespace")[0][0] == namespace(world, "sales").rpartition(":")[2]


def test_a_namespace_of_the_account_is_active_at_once(world: FakeWorld) -> None:
    consumer = namespace(world, "analytics")
    arn = share(world, f"NAMESPACE '{consumer.rpartition(':')[2]}'")
    assert statuses(world, arn) == {consumer: "ACTIVE"}
    [found] = world.clusters.describe_data_shares_for_consumer({"ConsumerArn": consumer, "Status": "ACTIVE"}, ROOT)["DataShares"]
    assert (found["DataShareArn"], found["ProducerArn"], found["AllowPubliclyAccessibleConsumers"]) == (
        arn,
        namespace(world, "sales"),
        False,
    )
    assert world.clusters.describe_data_shares_for_producer({"ProducerArn": consumer}, ROOT)["DataShares"] == []


def test_an_account_reads_only_what_was_authorised_and_associated(world: FakeWorld) -> None:
    arn, consumer = share(world, f"ACCOUNT '{ACCOUNT}'"), namespace(world, "analytics")
    make = f"CREATE DATABASE d FROM DATASHARE given OF ACCOUNT '{ACCOUNT}' NAMESPACE '{namespace(world, 'sales').rpartition(':')[2]}'"
    association = {"DataShareArn": arn, "ConsumerArn": consumer}
    assert statuses(world, arn) == {ACCOUNT: "PENDING_AUTHORIZATION"}
    refused(world, "associate_data_share_consumer", association)
    world.clusters.authorize_data_share({"DataShareArn": arn, "ConsumerIdentifier": ACCOUNT}, ROOT)
    assert statuses(world, arn) == {ACCOUNT: "AUTHORIZED"}
    with pytest.raises(SqlError, match="not shared with this namespace"):
        run(world, "analytics", make)
    world.clusters.associate_data_share_consumer(association, ROOT)
    assert statuses(world, arn) == {ACCOUNT: "ACTIVE", consumer: "ACTIVE"}
    assert run(world, "analytics", make, "SELECT a FROM d.public.t") == [("1",)]
    world.clusters.deauthorize_data_share({"DataShareArn": arn, "ConsumerIdentifier": ACCOUNT}, ROOT)
    assert statuses(world, arn) == {ACCOUNT: "DEAUTHORIZED"}
    with pytest.raises(SqlError, match="does not exist"):
        run(world, "analytics", "SELECT a FROM d.public.t")


def test_another_account_is_on_record(world: FakeWorld) -> None:
    arn = share(world, f"ACCOUNT '{ELSEWHERE}'")
    world.clusters.authorize_data_share({"DataShareArn": arn, "ConsumerIdentifier": ELSEWHERE}, ROOT)
    assert statuses(world, arn) == {ELSEWHERE: "AUTHORIZED"}
    refused(world, "authorize_data_share", {"DataShareArn": arn, "ConsumerIdentifier": ELSEWHERE})
    refused(world, "authorize_data_share", {"DataShareArn": arn, "ConsumerIdentifier": "999999999999"})
    refused(world, "describe_data_shares", {"DataShareArn": arn + "x"})
    run(world, "sales", f"REVOKE USAGE ON DATASHARE given FROM ACCOUNT '{ELSEWHERE}'")
    assert statuses(world, arn) == {}


def refused(world: FakeWorld, operation: str, params: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as caught:
        getattr(world.clusters, operation)(params, ROOT)
    assert caught.value.code == "InvalidDataShareFault"
