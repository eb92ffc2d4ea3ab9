"""Steps of a plan that are calls of AWS about datashares: each looks first, and asks once."""

from __future__ import annotations

from typing import Any

import pytest

from autopilot.aws.inside import calls, datashares
from autopilot.domain.errors import AutopilotError, InvalidInput
from autopilot.domain.inside.model import Context, Step
from tests.handlers.account import Aws
from tests.handlers.wiring import Refusal

SHARE = "arn:aws:redshift:us-east-1:123456789012:datashare:13b8833d-17c6-4f16-8fe4-1a018f5ed00d/orders"
CONSUMER = "arn:aws:redshift:us-east-1:000000000000:namespace:86b5169f-012a-234b-9fbb-e2e24359e9a8"
CONTEXT = Context(warehouse="analytics", kind="cluster")
AUTHORIZE = Step(
    section="datashares",
    name="authorize",
    reason="test",
    call="authorize_data_share",
    arguments={"DataShareArn": SHARE, "ConsumerIdentifier": "9" * 12},
)
ASSOCIATE = Step(
    section="datashares",
    name="associate",
    reason="test",
    call="associate_data_share_consumer",
    arguments={"DataShareArn": SHARE, "ConsumerArn": CONSUMER},
)


def shared(aws: Aws, **statuses: str) -> None:
    """Let AWS know the datashare, with these consumers; what is asked of it comes to hold."""
    known = dict(statuses)

    def describe(**_: Any) -> dict[str, Any]:
        associations = [{"ConsumerIdentifier": who, "Status": status} for who, status in known.items()]
        return {"DataShares": [{"DataShareArn": SHARE, "DataShareAssociations": associations}]}

    def authorize(ConsumerIdentifier: str, **_: Any) -> dict[str, Any]:  # noqa: N803 - AWS's word
        known[ConsumerIdentifier] = "AUTHORIZED"
        return {}

    def associate(ConsumerArn: str, **_: Any) -> dict[str, Any]:  # noqa: N803 - AWS's word
        known[ConsumerArn] = "ACTIVE"
        return {}

    vars(aws.clusters).update(describe_data_shares=describe, authorize_data_share=authorize, associate_data_share_consumer=associate)


@pytest.mark.parametrize(("step", "who", "before"), [(AUTHORIZE, "9" * 12, "PENDING_AUTHORIZATION"), (ASSOCIATE, CONSUMER, "AVAILABLE")])
def test_what_another_account_must_agree_to_is_asked_once(aws: Aws, step: Step, who: str, before: str) -> None:
    shared(aws, **{who: before})
    for _ in range(2):
        assert calls.start(step, CONTEXT).subject == ""
    assert aws.calls(step.call) == [step.arguments]


@pytest.mark.parametrize(("step", "who", "now"), [(AUTHORIZE, "9" * 12, "ACTIVE"), (ASSOCIATE, CONSUMER, "ACTIVE")])
def test_what_holds_already_is_not_asked_for(aws: Aws, step: Step, who: str, now: str) -> None:
    shared(aws, **{who: now})
    calls.start(step, CONTEXT)
    assert aws.calls(step.call) == []


def test_a_datashare_that_this_account_does_not_see_is_none(aws: Aws) -> None:
    shared(aws)
    aws.fail("redshift", "describe_data_shares", Refusal("InvalidDataShareFault", "no such datashare"))
    assert datashares.described([SHARE]) == []
    assert [share["DataShareArn"] for share in datashares.described([SHARE])] == [SHARE]


def test_a_refusal_names_the_step(aws: Aws) -> None:
    shared(aws)
    aws.fail("redshift", "associate_data_share_consumer", Refusal("InvalidDataShareFault", "it is not authorized"))
    with pytest.raises(AutopilotError, match=r"associate.*not authorized"):
        calls.start(ASSOCIATE, CONTEXT)


def test_an_operation_that_nobody_knows_is_refused(aws: Aws) -> None:
    shared(aws)
    with pytest.raises(InvalidInput, match="authorize_data_share"):
        calls.start(Step(section="datashares", name="x", reason="test", call="reject_data_share"), CONTEXT)
