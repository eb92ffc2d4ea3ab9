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


def consumers(stack: Stack) -> list[dict[str, Any]]:
    [share] = stack.sandbox.observe("redshift").describe_data_shares()["DataShares"]
    return [{"who": one["ConsumerIdentifier"], "status": one["Status"]} for one in share["DataShareAssociations"]]


def test_another_account_is_authorised_once_and_again_when_somebody_took_it_back(stack: Stack, warehouse: str) -> None:
    stack.fault("redshift", "AuthorizeDataShare", "InvalidDataShareFault", times=1)
    failed = configure(stack, warehouse)
    assert (failed.status, failed.error) == ("FAILED", "ConfigurationIncomplete"), failed
    assert f"authorize datashare given for account {ELSEWHERE}" in failed.cause
    assert consumers(stack) == [{"who": ELSEWHERE, "status": "PENDING_AUTHORIZATION"}]

    ended = configure(stack, warehouse)
    assert ended.succeeded, ended
    assert [step["step"] for step in ended.output["steps"]] == [f"authorize datashare given for account {ELSEWHERE}"]
    assert consumers(stack) == [{"who": ELSEWHERE, "status": "AUTHORIZED"}]
    assert configure(stack, warehouse).output["result"] == "nothing"

    redshift = stack.sandbox.client("redshift")
    [share] = redshift.describe_data_shares()["DataShares"]
    redshift.deauthorize_data_share(DataShareArn=share["DataShareArn"], ConsumerIdentifier=ELSEWHERE)
    assert configure(stack, warehouse).output["result"] == "done"
    assert consumers(stack) == [{"who": ELSEWHERE, "status": "AUTHORIZED"}]
