"""A datashare for another account, by the whole workflow: usage in SQL, and AWS's authorisation by a call."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.driver import Ended
from tests.workflows.conftest import Stack

ELSEWHERE = "123456789012"


@pytest.fixture(scope="module")
def warehouse(deployed: Stack) -> str:
    return deployed.provision()


def configure(stack: Stack, name: str, **share: Any) -> Ended:
    produced = {"name": "given", "schemas": [{"name": "public"}], "consumers": [{"account": ELSEWHERE}], **share}
    return stack.run("configure_warehouse", {"spec": {"name": name, "datashares": {"produces": [produced]}}})


def datashare(stack: Stack, warehouse: str) -> dict[str, Any]:
    """This warehouse's datashare; other tests of the same local AWS have theirs."""
    redshift = stack.sandbox.client("redshift")
    namespace = redshift.describe_clusters(ClusterIdentifier=warehouse)["Clusters"][0]["ClusterNamespaceArn"].rpartition(":")[2]
    [share] = [one for one in redshift.describe_data_shares()["DataShares"] if one["DataShareArn"].endswith(f"{namespace}/given")]
    return dict(share)


def consumers(stack: Stack, warehouse: str) -> list[dict[str, Any]]:
    associations = datashare(stack, warehouse)["DataShareAssociations"]
    return [{"who": one["ConsumerIdentifier"], "status": one["Status"]} for one in associations]


def test_another_account_is_authorised_once_and_again_when_somebody_took_it_back(stack: Stack, warehouse: str) -> None:
    stack.fault("redshift", "AuthorizeDataShare", "InvalidDataShareFault", times=1)
    failed = configure(stack, warehouse)
    assert (failed.status, failed.error) == ("FAILED", "ConfigurationIncomplete"), failed
    assert f"authorize datashare given for account {ELSEWHERE}" in failed.cause
    assert consumers(stack, warehouse) == [{"who": ELSEWHERE, "status": "PENDING_AUTHORIZATION"}]

    ended = configure(stack, warehouse)
    assert ended.succeeded, ended
    assert [step["step"] for step in ended.output["steps"]] == [f"authorize datashare given for account {ELSEWHERE}"]
    assert consumers(stack, warehouse) == [{"who": ELSEWHERE, "status": "AUTHORIZED"}]
    assert configure(stack, warehouse).output["result"] == "nothing"

    redshift = stack.sandbox.client("redshift")
    redshift.deauthorize_data_share(DataShareArn=datashare(stack, warehouse)["DataShareArn"], ConsumerIdentifier=ELSEWHERE)
    assert configure(stack, warehouse).output["result"] == "done"
    assert consumers(stack, warehouse) == [{"who": ELSEWHERE, "status": "AUTHORIZED"}]
