"""Snapshots in the sandbox: their size, their age, and who may do what with them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.process import Sandbox
from tests.sandbox.stage import Stage, eventually


@pytest.fixture
def namespace(stage: Stage) -> str:
    name = stage.name("space")
    stage.sandbox.client("redshift-serverless").create_namespace(namespaceName=name, adminUsername="awsuser", manageAdminPassword=True)
    return name


def taken(sandbox: Sandbox, namespace: str, name: str) -> dict[str, Any]:
    serverless = sandbox.client("redshift-serverless")
    serverless.create_snapshot(namespaceName=namespace, snapshotName=name)

    def available() -> dict[str, Any] | None:
        found: dict[str, Any] = serverless.get_snapshot(snapshotName=name)["snapshot"]
        return found if found["status"] == "AVAILABLE" else None

    return eventually(available)


def test_snapshot_has_the_size_of_its_data(stage: Stage, namespace: str) -> None:
    assert taken(stage.sandbox, namespace, stage.name("snap"))["totalBackupSizeInMegaBytes"] > 1


def test_snapshots_of_a_namespace_can_be_made_older(stage: Stage, namespace: str) -> None:
    name = stage.name("snap")
    before = taken(stage.sandbox, namespace, name)["snapshotCreateTime"]
    stage.sandbox.desk("POST", "snapshots", {"namespace": namespace, "older_by_hours": 48})
    after = stage.sandbox.client("redshift-serverless").get_snapshot(snapshotName=name)["snapshot"]["snapshotCreateTime"]
    assert round((before - after).total_seconds()) == 48 * 3600


def test_who_may_use_snapshots_is_asked_of_the_snapshot(stage: Stage, namespace: str) -> None:
    name = stage.name("snap")
    taken(stage.sandbox, namespace, name)
    role = stage.role(
        [{"Effect": "Allow", "Action": "redshift-serverless:GetSnapshot", "Resource": "arn:aws:redshift-serverless:*:*:snapshot/*"}]
    )
    assumed = stage.sandbox.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    serverless = stage.sandbox.client("redshift-serverless", credentials=assumed)
    assert serverless.get_snapshot(snapshotName=name)["snapshot"]["snapshotName"] == name
    for call, given in ((serverless.delete_snapshot, {"snapshotName": name}), (serverless.list_snapshots, {})):
        with pytest.raises(ClientError, match="not authorized"):
            call(**given)


def test_snapshot_is_restored_into_another_namespace_with_its_data(stage: Stage, namespace: str) -> None:
    serverless, data = stage.sandbox.client("redshift-serverless"), stage.sandbox.client("redshift-data")
    snapshot, target = stage.name("snap"), stage.name("space")
    serverless.create_workgroup(workgroupName=namespace, namespaceName=namespace, baseCapacity=8)
    run(data, namespace, serverless, "CREATE TABLE kept AS SELECT 7 AS a")
    taken(stage.sandbox, namespace, snapshot)
    serverless.create_namespace(namespaceName=target, adminUsername="other", manageAdminPassword=True)
    serverless.create_workgroup(workgroupName=target, namespaceName=target, baseCapacity=8)
    ready(serverless, target)
    request = {"namespaceName": target, "workgroupName": target, "snapshotName": snapshot, "manageAdminPassword": True}
    restored = serverless.restore_from_snapshot(**request)
    assert (restored["snapshotName"], restored["namespace"]["status"]) == (snapshot, "MODIFYING")
    with pytest.raises(ClientError, match="ConflictException"):
        serverless.restore_from_snapshot(**request)
    ready(serverless, target)
    assert serverless.get_namespace(namespaceName=target)["namespace"]["adminUsername"] == "awsuser"
    statement = run(data, target, serverless, "SELECT a FROM kept")
    assert data.get_statement_result(Id=statement)["Records"] == [[{"longValue": 7}]]


def ready(serverless: Any, workgroup: str) -> None:
    eventually(lambda: serverless.get_workgroup(workgroupName=workgroup)["workgroup"]["status"] == "AVAILABLE")


def run(data: Any, workgroup: str, serverless: Any, sql: str) -> str:
    """A statement's id, signed in with the secret that Redshift keeps, when it has ended well."""
    ready(serverless, workgroup)
    secret = serverless.get_namespace(namespaceName=workgroup)["namespace"]["adminPasswordSecretArn"]
    statement = data.execute_statement(WorkgroupName=workgroup, Database="dev", SecretArn=secret, Sql=sql)["Id"]
    ended = eventually(lambda: (found := data.describe_statement(Id=statement))["Status"] in {"FINISHED", "FAILED"} and found)
    assert ended["Status"] == "FINISHED", ended
    return str(statement)
