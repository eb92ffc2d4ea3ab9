"""Service models read the fast way are the models that botocore reads."""

from __future__ import annotations

import pytest
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader
from botocore.session import get_session

from autopilot.aws.models import Models

KINDS = ("service-2", "endpoint-rule-set-1", "paginators-1")


@pytest.mark.parametrize("service", ["redshift", "redshift-serverless", "redshift-data", "dynamodb", "stepfunctions", "s3", "cloudwatch"])
@pytest.mark.parametrize("kind", KINDS)
def test_model_is_the_one_that_botocore_reads(service: str, kind: str) -> None:
    assert Models().load_service_model(service, kind) == Loader().load_service_model(service, kind)


@pytest.mark.parametrize("name", ["endpoints", "partitions", "_retry", "sdk-default-configuration"])
def test_what_all_services_share_is_what_botocore_reads(name: str) -> None:
    assert Models().load_data(name) == Loader().load_data(name)


def test_service_that_does_not_exist_is_refused_as_botocore_refuses_it() -> None:
    session = get_session()
    session.register_component("data_loader", Models())
    with pytest.raises(UnknownServiceError, match="redshft"):
        session.create_client("redshft", region_name="us-east-1")
