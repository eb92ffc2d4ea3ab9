"""`schedule`: the document becomes entries, whoever is due is listed, what became of each is kept, and all is summed up."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from autopilot.aws import clients, fleet_runs
from autopilot.domain.errors import AccessDenied, InvalidInput, Throttled
from autopilot.domain.fleet import RunScheduleInput
from tests.handlers.account import BUCKET, TABLE, Aws, Handle, key_of, reference, sample
from tests.handlers.wiring import Refusal

DOCUMENT = "schedules.yaml"
OFFICE = """
schedules:
  office:
    timezone: Europe/Berlin
    periods: [{weekdays: mon-fri, begintime: "08:00", endtime: "19:00"}]
"""
NIGHT = "schedules: {off: {override_status: stopped}}".replace("off", "closed")
DAY = "schedules: {open: {override_status: running}}"
OFF_TAG = "off=(M-F,19);on=(M-F,7);tz=utc".replace("(", "u28").replace(")", "u29").replace(",", "u2c").replace(";", "u3b")
COMPILE = {"step": "compile", "execution": DOCUMENT}


@pytest.fixture(autouse=True)
def _no_document(aws: Aws) -> None:
    """The bucket outlives the other tests, the document must not."""
    clients.client("s3").delete_object(Bucket=BUCKET, Key=DOCUMENT)
    clients.client("cloudwatch").delete_alarms(AlarmNames=alarms())
    aws.journal.clear()


def look(**given: Any) -> dict[str, Any]:
    return sample("schedule") | {"input": given}


def compiled(aws: Aws, handle: Handle, text: str) -> dict[str, Any]:
    aws.write(DOCUMENT, text)
    return handle(COMPILE)


def followed(aws: Aws, name: str, value: str, status: str = "available", **tags: str) -> None:
    own = {f"autopilot:{key.replace('_', '-')}": text for key, text in tags.items()}
    aws.clusters.add(name, status=status, tags={"autopilot:schedule": value, **own})


def changes(aws: Aws, plan: dict[str, Any]) -> list[dict[str, Any]]:
    """The manifest of a plan."""
    found: list[dict[str, Any]] = json.loads(clients.client("s3").get_object(Bucket=BUCKET, Key=plan["manifest"])["Body"].read())
    assert aws.calls("put_object")
    return found


def edge_of(aws: Aws, name: str) -> dict[str, str] | None:
    return next((item for item in aws.items() if item["pk"] == "FLEET" and item["sk"] == key_of(name)), None)


def tags_of(aws: Aws, name: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in aws.clusters.clusters[name]["Tags"]}


# --- the document -----------------------------------------------------------------------------------------------------


def test_document_becomes_one_entry_for_each_edge_in_its_own_zone(aws: Aws, handle: Handle) -> None:
    assert compiled(aws, handle, OFFICE)["outcome"] == "compiled"
    assert aws.scheduler.inputs() == [
        ("office", "pause", "cron(0 19 ? * MON-FRI *)", "Europe/Berlin"),
        ("office", "resume", "cron(0 8 ? * MON-FRI *)", "Europe/Berlin"),
    ]
    entry = next(iter(aws.scheduler.entries.values()))
    assert entry["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert entry["Target"]["RetryPolicy"] == {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 20}
    assert entry["Target"]["DeadLetterConfig"]["Arn"].endswith("dead-letters")
    assert json.loads(entry["Target"]["Input"])["scheduled_at"] == "<aws.scheduler.scheduled-time>"


def test_changed_document_changes_only_the_entries_that_differ(aws: Aws, handle: Handle) -> None:
    compiled(aws, handle, OFFICE + "  other: {periods: [{begintime: '06:00', endtime: '07:00'}]}\n")
    before = set(aws.scheduler.entries)
    answer = compiled(aws, handle, OFFICE.replace("19:00", "20:00"))
    assert (answer["created"], answer["deleted"], answer["entries"]) == (1, 3, 2)
    assert len(before & set(aws.scheduler.entries)) == 1
    assert {schedule for schedule, *_ in aws.scheduler.inputs()} == {"office"}


def test_new_entry_is_there_before_the_one_it_replaces_goes(aws: Aws, handle: Handle) -> None:
    compiled(aws, handle, OFFICE)
    aws.journal.clear()
    compiled(aws, handle, OFFICE.replace("19:00", "20:00"))
    assert [operation for operation in aws.order if operation.endswith("_schedule")] == ["create_schedule", "delete_schedule"]


def test_same_file_event_twice_changes_nothing_the_second_time(aws: Aws, handle: Handle) -> None:
    compiled(aws, handle, OFFICE)
    aws.journal.clear()
    assert handle(COMPILE)["reason"] == "2 schedule entries, 0 created and 0 deleted"
    assert [operation for operation in aws.order if operation.endswith("_schedule")] == []
    assert len(aws.bus.published) == 1


def test_broken_document_changes_nothing_and_people_are_told_once(aws: Aws, handle: Handle) -> None:
    compiled(aws, handle, OFFICE)
    entries = dict(aws.scheduler.entries)
    aws.write(DOCUMENT, OFFICE.replace("Europe/Berlin", "Europe/Berlim"))
    assert [handle(COMPILE)["outcome"] for _ in range(2)] == ["refused", "refused"]
    assert aws.scheduler.entries == entries
    refusals = [event for event in aws.bus.published if event["event"] == "Schedules Refused"]
    assert len(refusals) == 1
    assert refusals[0]["notify"] is True
    assert "line 4: schedules.office.timezone: 'Europe/Berlim' is not a time zone" in refusals[0]["message"]
    assert "stay in force" in refusals[0]["message"]
    followed(aws, "analytics", "office")
    plan = handle(look(schedule="office", dry_run=True))
    assert plan["decisions"][0]["reason"].startswith("schedule office says")


def test_status_beside_the_document_says_what_became_of_it(aws: Aws, handle: Handle) -> None:
    compiled(aws, handle, OFFICE)
    status = json.loads(clients.client("s3").get_object(Bucket=BUCKET, Key="schedules.status.json")["Body"].read())
    assert (status["outcome"], status["entries"]) == ("compiled", 2)
    compiled(aws, handle, "schedules: 1")
    broken = json.loads(clients.client("s3").get_object(Bucket=BUCKET, Key="schedules.status.json")["Body"].read())
    assert (broken["outcome"], broken["version_in_force"]) == ("refused", status["version_in_force"])


def test_deleted_document_deletes_its_entries(aws: Aws, handle: Handle) -> None:
    compiled(aws, handle, OFFICE)
    clients.client("s3").delete_object(Bucket=BUCKET, Key=DOCUMENT)
    assert handle(COMPILE)["entries"] == 0
    assert aws.scheduler.entries == {}


def test_document_that_cannot_be_looked_at_is_not_taken_for_a_deleted_one(aws: Aws, handle: Handle) -> None:
    compiled(aws, handle, OFFICE)
    aws.fail("s3", "head_object", Refusal("AccessDenied", "no", 403))
    with pytest.raises(AccessDenied):
        handle(COMPILE)
    assert len(aws.scheduler.entries) == 2


def test_run_that_finds_another_one_at_work_leaves_it_alone(aws: Aws, handle: Handle) -> None:
    until = int((datetime.now(UTC) + timedelta(minutes=1)).timestamp())
    lease = {"pk": {"S": "SCHEDULES"}, "sk": {"S": "LEASE"}, "owner": {"S": "another"}, "expires_at": {"N": str(until)}}
    clients.client("dynamodb").put_item(TableName=TABLE, Item=lease)
    assert compiled(aws, handle, OFFICE)["outcome"] == "busy"
    assert aws.scheduler.entries == {}
    lease["expires_at"] = {"N": str(until - 3600)}
    clients.client("dynamodb").put_item(TableName=TABLE, Item=lease)
    assert handle(COMPILE)["outcome"] == "compiled"


def test_run_that_was_overtaken_by_a_newer_document_does_it_again(aws: Aws, handle: Handle) -> None:
    written: list[str] = []
    create = aws.scheduler.create_schedule

    def write_meanwhile(**request: Any) -> dict[str, Any]:
        if not written:
            written.append("newer")
            aws.write(DOCUMENT, OFFICE.replace("19:00", "21:00"))
        return create(**request)

    aws.scheduler.create_schedule = write_meanwhile  # type: ignore[assignment,method-assign]
    compiled(aws, handle, OFFICE)
    assert ("office", "pause", "cron(0 21 ? * MON-FRI *)", "Europe/Berlin") in aws.scheduler.inputs()
    assert len(aws.scheduler.entries) == 2


def test_lease_is_given_back_by_a_run_that_failed(aws: Aws, handle: Handle) -> None:
    aws.fail("scheduler", "create_schedule", Refusal("ThrottlingException", "slow down", 429))
    with pytest.raises(Throttled):
        compiled(aws, handle, OFFICE)
    assert handle(COMPILE)["outcome"] == "compiled"
    assert len(aws.scheduler.entries) == 2


def test_tag_in_custodians_grammar_gets_entries_by_the_reconcile(aws: Aws, handle: Handle) -> None:
    followed(aws, "analytics", OFF_TAG)
    followed(aws, "broken", "off=(nonsense")
    handle(look())
    assert [(schedule, edge, zone) for schedule, edge, _, zone in aws.scheduler.inputs()] == [
        (OFF_TAG, "pause", "Etc/UTC"),
        (OFF_TAG, "resume", "Etc/UTC"),
    ]


# --- who is due -------------------------------------------------------------------------------------------------------


def test_due_warehouses_are_listed_with_all_that_their_workflows_need(aws: Aws, handle: Handle) -> None:
    compiled(aws, handle, "schedules: {closed: {override_status: stopped, when_busy: skip, drain_seconds: 60}}")
    aws.clusters.page = 2
    for name in ("one", "two", "three"):
        followed(aws, name, "closed")
    followed(aws, "other", "unknown")
    aws.clusters.add("free")
    plan = handle(look(schedule="closed", edge="pause", scheduled_at=datetime.now(UTC).isoformat()))
    assert (plan["action"], plan["due"], plan["reason"]) == ("change", 3, "3 of 3 warehouses under schedule closed are due")
    found = changes(aws, plan)
    assert sorted(one["warehouse"]["name"] for one in found) == ["one", "three", "two"]
    first = next(one for one in found if one["warehouse"]["name"] == "one")
    assert first["input"] == {
        "warehouse": reference("one"),
        "reason": "schedule closed says stopped",
        "when_busy": "skip",
        "drain_seconds": 60,
    }
    assert (first["action"], first["key"], first["follows"]) == ("pause", key_of("one"), "closed")
    assert tags_of(aws, "one")["autopilot:last-action"] == "pause"


def test_wait_is_told_until_when(aws: Aws, handle: Handle) -> None:
    begin = datetime.now(UTC) + timedelta(hours=2)
    end = datetime.now(UTC) - timedelta(hours=2)
    compiled(aws, handle, f"schedules: {{shift: {{periods: [{{begintime: '{begin:%H:%M}', endtime: '{end:%H:%M}'}}]}}}}")
    followed(aws, "analytics", "shift")
    (change,) = changes(aws, handle(look()))
    assert change["input"]["when_busy"] == "wait"
    assert change["input"]["until"] == begin.replace(second=0, microsecond=0).isoformat()


def test_entry_that_fires_a_moment_early_by_our_clock_acts_and_nothing_acts_for_tomorrow(aws: Aws, handle: Handle) -> None:
    end = (datetime.now(UTC) + timedelta(hours=2)).replace(second=0, microsecond=0)
    compiled(aws, handle, f"schedules: {{shift: {{periods: [{{begintime: '{end - timedelta(hours=6):%H:%M}', endtime: '{end:%H:%M}'}}]}}}}")
    followed(aws, "analytics", "shift")
    asked = RunScheduleInput(schedule="shift", edge="pause", scheduled_at=end)
    due = [fleet_runs.look(asked, sample("schedule")["execution"], end - timedelta(seconds=early)).due for early in (2, 120)]
    assert due == [1, 0]


def test_moment_of_an_entry_says_its_zone(handle: Handle) -> None:
    with pytest.raises(InvalidInput, match="scheduled_at"):
        handle(look(schedule="shift", scheduled_at="2026-11-25T19:00:00"))


def test_same_edge_always_has_the_same_execution(aws: Aws, handle: Handle) -> None:
    end = datetime.now(UTC) - timedelta(hours=2)
    compiled(aws, handle, f"schedules: {{shift: {{periods: [{{begintime: '{end - timedelta(hours=1):%H:%M}', endtime: '{end:%H:%M}'}}]}}}}")
    followed(aws, "analytics", "shift")
    plans = [handle(look(schedule="shift", edge="pause", scheduled_at=end.isoformat())) for _ in range(2)]
    (first,), (second,) = (changes(aws, plan) for plan in plans)
    assert first["name"] == second["name"]
    assert first["input"] == second["input"]


def test_reconcile_leaves_alone_what_is_still_at_it_and_tries_again_what_failed(aws: Aws, handle: Handle) -> None:
    end = datetime.now(UTC) - timedelta(hours=2)
    compiled(aws, handle, f"schedules: {{shift: {{periods: [{{begintime: '{end - timedelta(hours=1):%H:%M}', endtime: '{end:%H:%M}'}}]}}}}")
    followed(aws, "analytics", "shift")
    (change,) = changes(aws, handle(look()))
    arn = f"arn:aws:states:us-east-1:000000000000:execution:redshift-autopilot-pause-warehouse:{change['name']}"
    aws.start(arn)
    assert handle(look())["left_alone"] == [{"reason": f"execution {change['name']} is at it", "count": 1, "warehouses": ["analytics"]}]
    aws.executions.status[arn] = "FAILED"
    (again,) = changes(aws, handle(look()))
    assert again["name"] == f"{change['name']}-2"
    aws.executions.status |= {f"{arn}-2": "FAILED", f"{arn}-3": "TIMED_OUT"}
    assert handle(look())["left_alone"][0]["reason"] == "pause has been tried 3 times; it needs a person"


def test_edge_that_finds_its_state_reached_is_kept_as_applied(aws: Aws, handle: Handle) -> None:
    compiled(aws, handle, NIGHT)
    followed(aws, "analytics", "closed", status="paused")
    plan = handle(look())
    assert (plan["action"], plan["due"]) == ("nothing", 0)
    kept = edge_of(aws, "analytics")
    assert kept
    assert kept["action"] == "pause"


def test_edge_that_was_applied_is_not_due_again(aws: Aws, handle: Handle) -> None:
    compiled(aws, handle, NIGHT)
    followed(aws, "analytics", "closed")
    (change,) = changes(aws, handle(look()))
    handle({"step": "record", "execution": "child", "change": change, "outcome": "done", "detail": "analytics is paused"})
    plan = handle(look())
    assert plan["due"] == 0
    assert "Left alone until" in plan["left_alone"][0]["reason"]


def test_everybody_left_alone_has_a_reason(aws: Aws, handle: Handle) -> None:
    compiled(aws, handle, NIGHT)
    followed(aws, "held", "closed", hold="running")
    followed(aws, "ignored", "ignore")
    followed(aws, "lost", "no-such-schedule")
    followed(aws, "garbled", "off=(nonsense")
    aws.serverless.add("adhoc", tags={"autopilot:schedule": "closed"})
    aws.serverless.add("bdhoc", tags={"autopilot:schedule": "closed"})
    plan = handle(look(warehouses=["held", "ignored", "lost", "garbled", "adhoc", "bdhoc", "nowhere"]))
    reasons = {name: one["reason"] for one in plan["left_alone"] for name in one["warehouses"]}
    assert "held running" in reasons["held"]
    assert "ignore" in reasons["ignored"]
    assert reasons["lost"] == "left alone: no schedule is named no-such-schedule"
    assert "cannot be read" in reasons["garbled"]
    assert reasons["adhoc"] == reasons["bdhoc"] == "nothing to pause: a Serverless workgroup bills compute only while queries run"
    assert reasons["nowhere"] == "it does not exist, or carries no tag autopilot:schedule"


def test_dry_run_says_what_it_would_do_and_writes_nothing(aws: Aws, handle: Handle) -> None:
    compiled(aws, handle, NIGHT)
    followed(aws, "analytics", "closed")
    followed(aws, "paused", "closed", status="paused")
    aws.journal.clear()
    plan = handle(look(dry_run=True))
    assert [(one["warehouse"], one["action"]) for one in plan["decisions"]] == [("analytics", "pause"), ("paused", "nothing")]
    assert all(one["reason"] and one["next_action"] for one in plan["decisions"])
    assert {operation for operation in aws.order if operation.startswith(("put", "create", "delete", "update"))} == set()


def test_next_action_is_written_only_where_it_differs(aws: Aws, handle: Handle) -> None:
    compiled(aws, handle, OFFICE)
    followed(aws, "analytics", "office", hold="running", hold_until="2999-01-01T00:00:00Z")
    handle(look())
    assert tags_of(aws, "analytics")["autopilot:next-action"].startswith(("pause 29", "resume 29", "pause 30", "resume 30"))
    aws.journal.clear()
    handle(look())
    assert "create_tags" not in aws.order


def test_paused_cluster_takes_no_tags_and_nothing_fails_by_that(aws: Aws, handle: Handle) -> None:
    compiled(aws, handle, DAY)
    followed(aws, "analytics", "open", status="paused")
    plan = handle(look())
    assert plan["due"] == 1
    assert "create_tags" not in aws.order


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"edge": "stop"}, "edge: Invalid enum value 'stop'"),
        ({"schedules": "x"}, "Allowed fields: reason, dry_run, schedule, edge"),
        ({"warehouses": ["'; drop"]}, "is not a warehouse name"),
    ],
)
def test_wrong_input_names_the_field(aws: Aws, handle: Handle, given: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        handle(look(**given))
    assert aws.calls("put_object") == []


# --- what became of it ------------------------------------------------------------------------------------------------


def change_of(name: str = "analytics", action: str = "pause", follows: str = "closed") -> dict[str, Any]:
    return {
        "action": action,
        "name": f"{action}-{name}",
        "input": {"warehouse": reference(name)},
        "warehouse": reference(name),
        "key": key_of(name),
        "arn": f"arn:aws:redshift:us-east-1:000000000000:cluster:{name}",
        "reason": "schedule closed says stopped",
        "follows": follows,
        "settles": ["2026-11-25T18:00:00Z", action],
        "next_edge": ["2026-11-26T07:00:00Z", "resume"],
    }


@pytest.mark.parametrize(
    ("outcome", "detail", "told", "kept"),
    [
        ("done", "analytics is paused", "done", True),
        ("nothing", "analytics is already paused", "done", True),
        ("skipped", "not paused: 1 query was running", "skipped", True),
        ("failed", "CapacityUnavailable: no capacity", "failed", False),
        ("failed", "PauseRefused: HSM cluster", "failed", True),
        ("repeated", "execution pause-analytics has ended before", "skipped", False),
    ],
)
def test_edge_is_kept_as_applied_unless_it_is_to_be_tried_again(
    aws: Aws, handle: Handle, outcome: str, detail: str, told: str, *, kept: bool
) -> None:
    aws.clusters.add()
    answer = handle({"step": "record", "execution": "child", "change": change_of(), "outcome": outcome, "detail": detail})
    assert (answer["outcome"], answer["reason"]) == (told, detail)
    assert (edge_of(aws, "analytics") is not None) == kept


def test_edge_that_waits_for_queries_stays_due_when_they_outlast_the_wait(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    change = change_of() | {"input": {"warehouse": reference("analytics"), "when_busy": "wait"}}
    handle({"step": "record", "execution": "child", "change": change, "outcome": "skipped", "detail": "not paused: 1 query was running"})
    assert edge_of(aws, "analytics") is None


def test_earlier_edge_is_not_kept_over_a_later_one(aws: Aws, handle: Handle) -> None:
    later = change_of() | {"settles": ["2026-11-26T07:00:00Z", "resume"], "action": "resume"}
    for change in (later, change_of()):
        handle({"step": "record", "execution": "child", "change": change, "outcome": "skipped", "detail": "late"})
    kept = edge_of(aws, "analytics")
    assert kept
    assert (kept["edge"], kept["action"]) == ("2026-11-26T07:00:00+00:00", "resume")


def test_what_was_not_done_is_shown_on_the_warehouse_in_characters_that_tags_take(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    handle({"step": "record", "execution": "child", "change": change_of(), "outcome": "failed", "detail": "Why: (no); [1], 'x' " * 30})
    tags = tags_of(aws, "analytics")
    assert (tags["autopilot:last-action"], tags["autopilot:next-action"]) == ("pause failed", "resume 2026-11-26T07:00Z")
    assert len(tags["autopilot:last-reason"]) <= 256
    assert not set(tags["autopilot:last-reason"]) & set("()[];,'")


def results(aws: Aws, done: list[dict[str, Any]], failed: list[dict[str, Any]]) -> str:
    """The files of a Map Run; the key of their manifest."""
    aws.write("fleet/r/SUCCEEDED_0.json", json.dumps([{"Output": json.dumps(one), "Status": "SUCCEEDED"} for one in done]))
    aws.write("fleet/r/FAILED_0.json", json.dumps(failed))
    files = {"SUCCEEDED": [{"Key": "fleet/r/SUCCEEDED_0.json"}], "FAILED": [{"Key": "fleet/r/FAILED_0.json"}], "PENDING": []}
    aws.write("fleet/r/manifest.json", json.dumps({"DestinationBucket": BUCKET, "ResultFiles": files}))
    return "fleet/r/manifest.json"


def recorded(name: str, outcome: str = "done", reason: str = "it is paused", **more: str) -> dict[str, Any]:
    return {"warehouse": name, "key": key_of(name), "action": "pause", "outcome": outcome, "reason": reason, "follows": "closed", **more}


def count(manifest: str, due: int) -> dict[str, Any]:
    return {"step": "count", "execution": "run", "results": manifest, "due": due, "what": "schedule closed"}


def test_results_are_summed_up_with_everybody_accounted_for(aws: Aws, handle: Handle) -> None:
    broken = {"Input": json.dumps(change_of("four")), "Error": "States.Timeout", "Cause": "", "Status": "FAILED"}
    done = [recorded("one"), recorded("two", "skipped", "1 query was running."), recorded("three", "failed", "no capacity")]
    answer = handle(count(results(aws, done, [broken]), 5))
    assert {key: answer[key] for key in ("due", "done", "skipped", "failed", "result", "notify")} == {
        "due": 5,
        "done": 1,
        "skipped": 1,
        "failed": 3,
        "result": "done",
        "notify": True,
    }
    assert answer["detail"] == (
        "schedule closed: 1 of 5 due warehouses done; 1 skipped: two (1 query was running); "
        "2 failed: three (no capacity), four (States.Timeout:); 1 without a result"
    )


def test_run_in_which_all_went_well_tells_nobody(aws: Aws, handle: Handle) -> None:
    assert handle(count(results(aws, [recorded("one")], []), 1))["notify"] is False


def test_run_in_which_nothing_worked_has_failed(aws: Aws, handle: Handle) -> None:
    assert handle(count(results(aws, [recorded("one", "failed", "no")], []), 1))["result"] == "failed"


def test_warm_up_is_learnt_from_the_ledger_after_a_resume_and_compiled_by_the_next_reconcile(aws: Aws, handle: Handle) -> None:
    compiled(aws, handle, OFFICE + "    warm_up_minutes: auto\n")
    assert ("office", "resume", "cron(45 7 ? * MON-FRI *)", "Europe/Berlin") in aws.scheduler.inputs()
    for number, minutes in enumerate((4, 5, 6)):
        begun = datetime.now(UTC) - timedelta(days=number + 1)
        entry = {"started_at": begun.isoformat(), "ended_at": (begun + timedelta(minutes=minutes)).isoformat()}
        where = {"pk": f"LEDGER#{key_of()}", "sk": f"{begun.isoformat()}#resume#x{number}"}
        aws.put({**where, **entry, "action": "resume", "outcome": "done"})
        aws.put({**where, "sk": f"{begun.isoformat()}#run_sql#x{number}", "action": "run_sql", "outcome": "done"})
    resumed = recorded("analytics", action="resume", follows="office")
    handle(count(results(aws, [resumed], []), 1))
    assert ("office", "resume", "cron(45 7 ? * MON-FRI *)", "Europe/Berlin") in aws.scheduler.inputs()
    handle(look())
    assert ("office", "resume", "cron(53 7 ? * MON-FRI *)", "Europe/Berlin") in aws.scheduler.inputs()


# --- what nobody uses -------------------------------------------------------------------------------------------------

UNUSED = "schedules: {lab: {override_status: running, idle_pause_minutes: 30}}"


def alarms() -> list[str]:
    found = clients.client("cloudwatch").describe_alarms(AlarmNamePrefix="stack-idle-")["MetricAlarms"]
    return sorted(alarm["AlarmName"] for alarm in found)


def ring(name: str = "analytics") -> dict[str, Any]:
    alarm = f"stack-idle-{name}"
    return {"step": "idle", "execution": alarm, "alarm": alarm, "rang_at": "2026-11-25T12:00:00Z"}


def resumed(aws: Aws, minutes_ago: float) -> None:
    begun = datetime.now(UTC) - timedelta(minutes=minutes_ago + 5)
    entry = {"started_at": begun.isoformat(), "ended_at": (begun + timedelta(minutes=5)).isoformat(), "action": "resume", "outcome": "done"}
    aws.put({"pk": f"LEDGER#{key_of()}", "sk": f"{begun.isoformat()}#resume#x", **entry})


def test_reconcile_keeps_an_alarm_on_each_cluster_whose_schedule_pauses_what_is_idle(aws: Aws, handle: Handle) -> None:
    compiled(aws, handle, UNUSED)
    followed(aws, "analytics", "lab")
    followed(aws, "held", "lab", hold="running")
    followed(aws, "other", "unknown")
    handle(look())
    assert alarms() == ["stack-idle-analytics"]
    aws.journal.clear()
    handle(look())
    assert "put_metric_alarm" not in aws.order
    compiled(aws, handle, UNUSED.replace(", idle_pause_minutes: 30", ""))
    handle(look())
    assert alarms() == []


def test_ringing_alarm_starts_one_pause_that_kills_no_query(aws: Aws, handle: Handle) -> None:
    compiled(aws, handle, UNUSED)
    followed(aws, "analytics", "lab")
    resumed(aws, minutes_ago=16)
    assert [handle(ring())["outcome"] for _ in range(2)] == ["started", "nothing"]
    (started, _) = aws.calls("start_execution")
    assert started["stateMachineArn"].endswith("pause-warehouse")
    given = json.loads(started["input"])
    assert (given["warehouse"]["name"], given["when_busy"], given["reason"]) == ("analytics", "skip", "nobody used it for 30 minutes")


@pytest.mark.parametrize("minutes_ago", [0, 14])
def test_nothing_is_paused_within_fifteen_minutes_of_its_resume(aws: Aws, handle: Handle, minutes_ago: int) -> None:
    compiled(aws, handle, UNUSED)
    followed(aws, "analytics", "lab")
    resumed(aws, minutes_ago)
    assert handle(ring())["reason"] == "analytics was resumed less than 15 minutes ago"
    assert aws.calls("start_execution") == []


def test_alarm_that_rang_too_early_is_answered_by_the_reconcile(aws: Aws, handle: Handle) -> None:
    compiled(aws, handle, UNUSED)
    followed(aws, "analytics", "lab")
    handle(look())
    clients.client("cloudwatch").set_alarm_state(AlarmName=alarms()[0], StateValue="ALARM", StateReason="idle")
    resumed(aws, minutes_ago=1)
    handle(look())
    assert aws.calls("start_execution") == []
    clients.client("dynamodb").delete_item(
        TableName=TABLE, Key={name: {"S": item[name]} for item in aws.items() if item["pk"].startswith("LEDGER") for name in ("pk", "sk")}
    )
    handle(look())
    assert len(aws.calls("start_execution")) == 1


def test_alarm_of_a_cluster_that_is_held_gone_or_paused_by_now_starts_nothing(aws: Aws, handle: Handle) -> None:
    compiled(aws, handle, UNUSED)
    followed(aws, "analytics", "lab", hold="running", hold_until="2999-01-01T00:00:00Z")
    followed(aws, "asleep", "lab", status="paused")
    assert [handle(ring(name))["outcome"] for name in ("analytics", "asleep", "nobody")] == ["nothing"] * 3
    assert aws.calls("start_execution") == []
