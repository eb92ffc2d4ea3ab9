"""`clean_snapshots`: every snapshot is judged and reported; what may go goes in batches, each after a fresh look."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from autopilot.aws import clients
from autopilot.domain.errors import InvalidInput, Throttled
from tests.handlers.account import BUCKET, Aws, Handle, execution, sample
from tests.handlers.wiring import Refusal

OLD, ANCIENT = timedelta(days=200), timedelta(days=500)
ME = execution("clean-snapshots")


def look(**given: Any) -> dict[str, Any]:
    return {"step": "look", "execution": ME, "input": given}


def clean(failed: dict[str, str] | None = None, **given: Any) -> dict[str, Any]:
    step = {"step": "clean", "execution": ME, "input": {"dry_run": False, "keep_last": 1, **given}}
    return step | {"started_at": "2099-01-01T00:00:00Z", "failed": failed or {}}


def report(uri: str) -> dict[str, dict[str, Any]]:
    body = clients.client("s3").get_object(Bucket=BUCKET, Key=uri.removeprefix(f"s3://{BUCKET}/"))["Body"].read()
    lines = [json.loads(line) for line in body.splitlines()]
    return {line["identifier"]: line for line in lines}


def fill(aws: Aws) -> None:
    """Both kinds: one that may go, one that is the newest, and one that somebody marked."""
    aws.clusters.add()
    aws.clusters.add_snapshot("newest", age=OLD, TotalBackupSizeInMegaBytes=3.0)
    aws.clusters.add_snapshot("old", age=ANCIENT, TotalBackupSizeInMegaBytes=7.5)
    aws.clusters.add_snapshot("kept", age=ANCIENT, Tags=[{"Key": "autopilot:keep", "Value": "true"}])
    aws.clusters.add_snapshot("shared", age=ANCIENT, AccountsWithRestoreAccess=[{"AccountId": "111122223333"}])
    aws.serverless.add()
    aws.serverless.add_snapshot("sl-newest", age=OLD)
    aws.serverless.add_snapshot("sl-old", age=ANCIENT)
    aws.serverless.add_snapshot("sl-tagged", age=ANCIENT, tags={"release": "7"})


def test_sample_is_a_dry_run_that_says_what_would_go_and_why_the_rest_stays(aws: Aws, handle: Handle) -> None:
    fill(aws)
    plan = handle(sample("clean_snapshots") | {"input": {"keep_last": 1}})
    assert (plan["action"], plan["dry_run"], plan["deleting"]) == ("clean", True, ["old", "sl-old"])
    assert plan["tally"] == {
        "found": 7,
        "deleting": 2,
        "size_mb": 12.5,
        "kept": {"among the newest": 2, "kept by tag": 1, "shared": 1, "tagged": 1},
    }
    assert plan["reason"].startswith(
        "2 of 7 snapshots go, with up to 12 MB; 5 stay (2 among the newest, 1 kept by tag, 1 shared, 1 tagged)"
    )
    told = report(plan["report"])
    assert (told["old"]["action"], told["old"]["reason"]) == ("delete", "500 days old")
    assert told["sl-tagged"]["reason"] == "somebody tagged it: release"
    assert aws.calls("batch_delete_cluster_snapshots") == aws.calls("delete_snapshot") == []


def test_tags_of_namespaces_snapshots_are_asked_for_only_where_they_decide(aws: Aws, handle: Handle) -> None:
    fill(aws)
    handle(look(keep_last=1))
    assert len(aws.calls("list_tags_for_resource")) == 2


def test_nothing_to_do_is_an_answer(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    plan = handle(look())
    assert (plan["action"], plan["reason"]) == ("nothing", "0 of 0 snapshots go, with up to 0 MB; 0 stay")


def test_what_may_go_is_deleted_once(aws: Aws, handle: Handle) -> None:
    fill(aws)
    done = handle(clean())
    assert done == {"next": "done", "deleted": ["old", "sl-old"], "size_mb": 12.5, "failed": {}}
    assert sorted(aws.clusters.snapshots) == ["kept", "newest", "shared"]
    assert sorted(aws.serverless.snapshots) == ["sl-newest", "sl-tagged"]
    assert handle(clean())["deleted"] == []


def test_many_go_in_batches_of_what_aws_takes(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    for number in range(131):
        aws.clusters.add_snapshot(f"s{number}", age=OLD + timedelta(hours=number))
    first, second = handle(clean()), handle(clean())
    assert [(one["next"], len(one["deleted"])) for one in (first, second)] == [("more", 100), ("done", 30)]
    assert list(aws.clusters.snapshots) == ["s0"]


def test_snapshot_that_aws_keeps_is_reported_and_left_out_afterwards(aws: Aws, handle: Handle) -> None:
    fill(aws)
    aws.clusters.restoring.add("old")
    aws.fail("redshift-serverless", "delete_snapshot", Refusal("ConflictException"))
    with pytest.raises(Exception, match="delete snapshot sl-old"):
        handle(clean())
    done = handle(clean())
    assert (done["deleted"], done["failed"]) == (["sl-old"], {"old": "said the service (InvalidClusterSnapshotState)"})
    assert handle(clean(done["failed"]))["deleted"] == []


def test_snapshot_that_went_meanwhile_counts_as_deleted(aws: Aws, handle: Handle) -> None:
    fill(aws)
    aws.fail("redshift-serverless", "delete_snapshot", Refusal("ResourceNotFoundException"))
    assert handle(clean())["failed"] == {}


def test_snapshot_that_was_marked_since_the_plan_stays(aws: Aws, handle: Handle) -> None:
    fill(aws)
    assert handle(look(keep_last=1))["deleting"] == ["old", "sl-old"]
    aws.clusters.snapshots["old"]["Tags"] = [{"Key": "autopilot:keep", "Value": ""}]
    assert handle(clean())["deleted"] == ["sl-old"]


def test_throttled_look_deletes_nothing(aws: Aws, handle: Handle) -> None:
    fill(aws)
    aws.fail("redshift-serverless", "list_tags_for_resource", Refusal("ThrottlingException"), times=4)
    with pytest.raises(Throttled):
        handle(clean())
    assert aws.calls("batch_delete_cluster_snapshots") == []


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"keep_last": 0}, "keep_last: Expected `int` >= 1"),
        ({"older_than_days": 0}, "older_than_days: Expected `int` >= 1"),
        ({"force": True}, "unknown field `force`"),
    ],
)
def test_rules_that_would_keep_nothing_are_refused(handle: Handle, given: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        handle(look(**given))
    assert complaint in str(refused.value)
