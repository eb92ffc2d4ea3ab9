"""How to sign in for SQL, in order of preference."""

from __future__ import annotations

import pytest

from autopilot.domain.signin import target_of
from autopilot.domain.warehouse import Warehouse
from tests.unit.builders import cluster, workgroup

ARN = "arn:aws:secretsmanager:us-east-1:000000000000:secret:redshift!x"
NAMES = {"ClusterIdentifier": "analytics", "Database": "dev"}


@pytest.mark.parametrize(
    ("seen", "arguments", "words"),
    [
        (cluster(secret_arn=ARN), {**NAMES, "SecretArn": ARN}, "the admin secret that Redshift manages"),
        (cluster(), {**NAMES, "DbUser": "awsuser"}, "temporary credentials for awsuser"),
        (cluster(admin_user=None), NAMES, "the IAM identity of the function"),
        (
            workgroup(secret_arn=ARN),
            {"WorkgroupName": "adhoc", "Database": "dev", "SecretArn": ARN},
            "the admin secret that Redshift manages",
        ),
        (workgroup(admin_user="admin"), {"WorkgroupName": "adhoc", "Database": "dev"}, "the IAM identity of the function"),
    ],
)
def test_best_way_in_is_taken_and_told(seen: Warehouse, arguments: dict[str, str], words: str) -> None:
    target = target_of(seen)
    assert (target.arguments(), target.signed_in_as) == (arguments, words)


def test_database_is_the_warehouses_own_unless_another_is_named() -> None:
    assert target_of(cluster(database="sales")).database == "sales"
    assert target_of(cluster(database="sales"), "archive").database == "archive"
