"""`alarm`: the alarms of a warehouse are made what its settings say, and the dashboard shows what is managed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from autopilot.aws import clients
from autopilot.domain.errors import AwsRefused, WarehouseNotFound
from tests.handlers.account import Aws, Handle, execution, reference, sample
from tests.handlers.wiring import Refusal

MANAGED = {"autopilot:managed": "true", "autopilot:warehouse": "analytics"}
CLUSTER_ALARMS = ["commit-queue", "connections", "cpu", "disk", "health", "queue-wait"]


@pytest.fixture(autouse=True)
def _clean(aws: Aws) -> Iterator[None]:  # noqa: ARG001 - an account comes first
    """CloudWatch as it was: moto keeps it as long as the account."""
    yield
    cloudwatch = clients.client("cloudwatch")
    names = [alarm["AlarmName"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"]]
    cloudwatch.delete_alarms(AlarmNames=names)
    boards = [one["DashboardName"] for one in cloudwatch.list_dashboards()["DashboardEntries"]]
    if boards:
        cloudwatch.delete_dashboards(DashboardNames=boards)


def set_alarms(name: str = "analytics", kind: str = "cluster", **settings: Any) -> dict[str, Any]:
    return sample("alarm") | {"warehouse": reference(name, kind), "alarms": settings}


def remove(name: str = "analytics", kind: str = "cluster") -> dict[str, Any]:
    return {"step": "remove_alarms", "execution": execution("delete-warehouse"), "warehouse": reference(name, kind)}


def alarms(prefix: str = "stack-") -> dict[str, dict[str, Any]]:
    found = clients.client("cloudwatch").describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"]
    return {alarm["AlarmName"].removeprefix(prefix): alarm for alarm in found}


def dashboard() -> str:
    return str(clients.client("cloudwatch").get_dashboard(DashboardName="stack")["DashboardBody"])


def writes(aws: Aws) -> list[str]:
    return [operation for operation in aws.order if operation.startswith(("put_", "delete_"))]


def test_sample_sets_the_alarms_of_a_cluster_and_shows_it(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(tags=MANAGED)
    answer = handle(sample("alarm"))
    assert (answer["action"], answer["dashboard"], len(answer["put"])) == ("changed", True, 6)
    found = alarms("stack-cluster-analytics-")
    assert sorted(found) == CLUSTER_ALARMS
    assert found["cpu"]["Threshold"] == 80
    assert found["cpu"]["AlarmActions"] == ["arn:aws:sns:us-east-1:000000000000:autopilot-notifications"]
    assert '"label": "analytics"' in dashboard()


def test_same_settings_again_write_nothing(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(tags=MANAGED)
    aws.serverless.add(tags={**MANAGED, "autopilot:warehouse": "adhoc"})
    handle(set_alarms())
    handle(set_alarms("adhoc", "workgroup"))
    handle(set_alarms())
    aws.journal.clear()
    assert handle(set_alarms())["action"] == "nothing"
    assert handle(set_alarms("adhoc", "workgroup"))["action"] == "nothing"
    assert writes(aws) == []


def test_changed_threshold_puts_only_that_alarm(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(tags=MANAGED)
    handle(set_alarms())
    answer = handle(set_alarms(disk_percent=70))
    assert (answer["put"], answer["deleted"]) == (["stack-cluster-analytics-disk"], [])
    assert alarms("stack-cluster-analytics-")["disk"]["Threshold"] == 70


def test_alarms_that_are_turned_off_go(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(tags=MANAGED)
    handle(set_alarms())
    assert len(handle(set_alarms(enabled=False))["deleted"]) == 6
    assert alarms("stack-cluster-") == {}
    assert '"label": "analytics"' in dashboard()


def test_each_usage_limit_of_a_workgroup_is_watched(aws: Aws, handle: Handle) -> None:
    aws.serverless.add(tags={**MANAGED, "autopilot:warehouse": "adhoc"})
    arn = aws.serverless.workgroups["adhoc"]["workgroupArn"]
    limit = {"usageLimitId": "0a1b2c3d-0000-1111-2222-333344445555", "usageType": "serverless-compute", "amount": 100, "resourceArn": arn}
    aws.serverless.limits.append(limit)
    handle(set_alarms("adhoc", "workgroup"))
    watched = alarms("stack-workgroup-adhoc-")
    assert sorted(watched) == ["queries-failed", "queries-queued", f"usage-limit-{limit['usageLimitId']}"]
    assert watched[f"usage-limit-{limit['usageLimitId']}"]["Threshold"] == 80
    aws.serverless.limits.clear()
    assert handle(set_alarms("adhoc", "workgroup"))["deleted"] == [f"stack-workgroup-adhoc-usage-limit-{limit['usageLimitId']}"]


def test_unknown_node_type_is_said(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(tags=MANAGED, NodeType="rx9.huge")
    answer = handle(set_alarms())
    assert "how many a rx9.huge cluster takes is unknown" in answer["reason"]


def test_removal_takes_the_alarms_of_this_warehouse_only_and_the_last_one_the_dashboard(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(tags=MANAGED)
    aws.clusters.add("analytics-2", tags=MANAGED)
    handle(set_alarms())
    handle(set_alarms("analytics-2"))
    assert len(handle(remove())["deleted"]) == 6
    assert sorted({name.rpartition("-")[0] for name in alarms("stack-cluster-")}) == [
        "analytics-2",
        "analytics-2-commit",
        "analytics-2-queue",
    ]
    assert '"label": "analytics-2"' in dashboard()
    assert '"label": "analytics"' not in dashboard()
    del aws.clusters.clusters["analytics"]
    handle(remove("analytics-2"))
    assert clients.client("cloudwatch").list_dashboards()["DashboardEntries"] == []
    assert handle(remove("analytics-2"))["action"] == "nothing"


def test_new_warehouse_is_shown_though_the_index_of_tags_lags(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(tags=MANAGED)
    aws.tagging.unseen.add("analytics")
    handle(set_alarms())
    assert '"label": "analytics"' in dashboard()


def test_what_is_not_managed_is_not_shown(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(tags=MANAGED)
    aws.clusters.add("somebodys")
    handle(set_alarms())
    body = json.loads(dashboard())
    assert "somebodys" not in json.dumps(body)


def test_warehouse_that_is_gone_gets_no_alarms(handle: Handle) -> None:
    with pytest.raises(WarehouseNotFound):
        handle(set_alarms("nowhere"))


def test_refused_alarm_is_told(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(tags=MANAGED)
    aws.fail("cloudwatch", "put_metric_alarm", Refusal("LimitExceeded", "too many alarms"))
    with pytest.raises(AwsRefused, match="too many alarms"):
        handle(set_alarms())
