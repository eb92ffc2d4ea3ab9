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
