"""Schedules from the document in the bucket to the warehouse that is paused: by entries that fire, by the reconcile, and by hand."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.driver import OUTPUTS, Ended
from tests.bench import prices
from tests.workflows.conftest import Stack

SCHEDULE = "autopilot:schedule"
MANY, BATCH = 200, 25
POLL_SECONDS = 2


class Fleet:
    """What tests of schedules ask of the stack: the document, the entries, tags, and runs."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.redshift, self.scheduler = stack.sandbox.observe("redshift"), stack.sandbox.observe("scheduler")
        self.s3, self.place = stack.sandbox.observe("s3"), {"Bucket": stack.outputs["BucketName"], "Key": "schedules.yaml"}

    def write(self, text: str) -> str:
        """Write the document; its version."""
        return str(self.s3.put_object(**self.place, Body=text.encode())["VersionId"])

    def take(self, text: str) -> None:
        """Write the document and wait until it is in force."""
        version = self.write(text)
        self.stack.until(lambda: self.status().get("version_in_force") == version, "the document is taken")

    def status(self) -> dict[str, Any]:
        """What lies beside the document about it."""
        try:
            found = self.s3.get_object(Bucket=self.place["Bucket"], Key="schedules.status.json")
        except self.s3.exceptions.NoSuchKey:
            return {}
        status: dict[str, Any] = json.loads(found["Body"].read())
        return status

    def entries(self) -> list[dict[str, Any]]:
        pages = self.scheduler.get_paginator("list_schedules").paginate(GroupName="redshift-autopilot")
        names = [entry["Name"] for page in pages for entry in page["Schedules"]]
        return [entry for name in names if (entry := self.entry(name))]

    def entry(self, name: str) -> dict[str, Any]:
        """One entry; nothing when it has gone meanwhile."""
        try:
            found: dict[str, Any] = self.scheduler.get_schedule(Name=name, GroupName="redshift-autopilot")
        except self.scheduler.exceptions.ResourceNotFoundException:
            return {}
        return found

    def entries_of(self, schedule: str) -> list[dict[str, Any]]:
        return [entry for entry in self.entries() if json.loads(entry["Target"]["Input"])["schedule"] == schedule]

    def tag(self, cluster: str, **tags: str) -> None:
        given = [{"Key": f"autopilot:{key.replace('_', '-')}", "Value": value} for key, value in tags.items()]
        self.redshift.create_tags(ResourceName=f"arn:aws:redshift:us-east-1:000000000000:cluster:{cluster}", Tags=given)

    def tags(self, cluster: str) -> dict[str, str]:
        found = self.redshift.describe_clusters(ClusterIdentifier=cluster)["Clusters"][0]["Tags"]
        return {tag["Key"]: tag["Value"] for tag in found}

    def run(self, **given: Any) -> Ended:
        return self.stack.run("run_schedule", given)

    def runs(self) -> list[dict[str, Any]]:
        arn = self.stack.outputs["RunScheduleArn"]
        return list(self.stack.sandbox.observe("stepfunctions").list_executions(stateMachineArn=arn)["executions"])


@pytest.fixture
def fleet(stack: Stack) -> Iterator[Fleet]:
    fleet = Fleet(stack)
    yield fleet
    fleet.s3.delete_object(**fleet.place)
    stack.until(lambda: not fleet.entries(), "the entries of a removed document are gone")


def at(moment: datetime) -> str:
    """HH:MM in UTC."""
    return f"{moment.astimezone(UTC):%H:%M}"


def ending(moment: datetime, name: str, **fields: str) -> str:
    """A document with one schedule whose daily period ends at that moment, two hours after it begins."""
    more = "".join(f", {key}: {value}" for key, value in fields.items())
    period = f"{{begintime: '{at(moment - timedelta(hours=2))}', endtime: '{at(moment)}'}}"
    return f"schedules: {{{name}: {{periods: [{period}]{more}}}}}\n"


def next_minute() -> datetime:
    """The next full minute that is at least five seconds away."""
    return (datetime.now(UTC) + timedelta(seconds=65)).replace(second=0, microsecond=0)


def recently() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=2)


def entered(stack: Stack, arn: str) -> int:
    """The state transitions of an execution, each attempt of a task being one."""
    history = stack.driver.history(arn)
    return len([event for event in history if event["type"].endswith("StateEntered")]) + retries(history)


def retries(history: list[dict[str, Any]]) -> int:
    kinds = Counter(event["type"] for event in history)
    return kinds["TaskScheduled"] - kinds["TaskStateEntered"]


def logged(stack: Stack, function: str, since: datetime | None = None) -> str:
    """What a function has logged, all of it or since then."""
    pages = stack.sandbox.observe("logs").get_paginator("filter_log_events")
    start = int((since or datetime.fromtimestamp(0, UTC)).timestamp() * 1000)
    found = pages.paginate(logGroupName=f"/aws/lambda/redshift-autopilot-{function}", startTime=start)
    return "\n".join(event["message"] for page in found for event in page["events"])


def invocations(stack: Stack, since: datetime) -> dict[str, int]:
    """How often each function ran since then, whoever invoked it."""
    counted = {name: logged(stack, name, since).count("START RequestId") for name in ("schedule", "pause", "wait", "wake")}
    return {name: count for name, count in counted.items() if count}


def nested(stack: Stack, workflow: str) -> list[dict[str, Any]]:
    arn = stack.outputs[OUTPUTS[workflow]]
    return list(stack.sandbox.observe("stepfunctions").list_executions(stateMachineArn=arn)["executions"])


def test_entry_fires_and_pauses_what_follows_its_schedule_and_is_not_held(stack: Stack, fleet: Fleet) -> None:
    due, held, other = stack.provision(), stack.provision(), stack.provision()
    edge = next_minute()
    fleet.write(ending(edge, "soon"))
    stack.until(lambda: len(fleet.entries_of("soon")) == 2, "the document is made into entries")
    fleet.tag(due, schedule="soon")
    fleet.tag(held, schedule="soon", hold="running", hold_until=(edge + timedelta(hours=1)).isoformat())
    fleet.tag(other, schedule="another")
    began = datetime.now(UTC)
    stack.until(lambda: stack.status(due) == "paused", "the entry has fired and the cluster is paused", 120)
    run = stack.wait(fleet.runs()[0]["executionArn"])
    assert run.succeeded, run
    assert {key: run.output[key] for key in ("due", "done", "skipped", "failed")} == {"due": 1, "done": 1, "skipped": 0, "failed": 0}
    assert (stack.status(held), stack.status(other)) == ("available", "available")
    assert fleet.tags(due)["autopilot:last-action"] == "pause"
    assert fleet.tags(due)["autopilot:next-action"] == f"resume {edge - timedelta(hours=2) + timedelta(days=1):%Y-%m-%dT%H:%MZ}"
    pause = next(one for one in nested(stack, "pause_warehouse") if one["name"].startswith(f"pause-{due}-"))
    tried = retries(stack.driver.history(pause["executionArn"]))
    transitions = entered(stack, run.arn) + 2 + entered(stack, pause["executionArn"])
    invoked = invocations(stack, began)
    print(f"one scheduled pause: {transitions} state transitions, {sum(invoked.values())} Lambda invocations {invoked}")
    assert transitions - tried <= 24
    assert sum(invoked.values()) - 2 * tried <= 20
    # The hold is over: what it kept from happening happens with the next reconcile.
    fleet.tag(held, hold_until=(edge - timedelta(minutes=1)).isoformat())
    assert fleet.run().succeeded
    assert stack.status(held) == "paused"


def test_changed_document_removes_what_is_gone_and_a_broken_one_changes_nothing(stack: Stack, fleet: Fleet) -> None:
    two = "schedules:\n  one: {periods: [{begintime: '08:00', endtime: '19:00'}]}\n  two: {periods: [{begintime: '06:00', endtime: '07:00'}]}\n"
    fleet.write(two)
    stack.until(lambda: len(fleet.entries()) == 4, "four edges, four entries")
    fleet.write(two.replace("'06:00'", "'nine'"))
    stack.until(lambda: fleet.status().get("outcome") == "refused", "the broken document is refused")
    assert "schedules.two.periods[0].begintime: 'nine' is not a time" in fleet.status()["detail"]
    assert len(fleet.entries()) == 4
    fleet.write("schedules:\n  one: {timezone: Asia/Tokyo, periods: [{begintime: '08:00', endtime: '19:00'}]}\n")
    stack.until(lambda: len(fleet.entries()) == 2, "only the two of the remaining schedule are left")
    assert {entry["ScheduleExpressionTimezone"] for entry in fleet.entries()} == {"Asia/Tokyo"}


def test_documents_written_in_a_burst_end_as_the_newest(stack: Stack, fleet: Fleet) -> None:
    for hour in range(10, 18):
        fleet.write(f"schedules: {{burst: {{periods: [{{begintime: '08:00', endtime: '{hour}:00'}}]}}}}")
    expected = ["cron(0 17 * * ? *)", "cron(0 8 * * ? *)"]
    stack.until(lambda: sorted(entry["ScheduleExpression"] for entry in fleet.entries()) == expected, "the newest counts")
    stack.until(lambda: not [item for item in stack.items("SCHEDULES") if item["sk"] == "LEASE"], "nobody is at it any more")


def test_missed_edge_is_healed_once_and_people_are_left_alone_after_it(stack: Stack, fleet: Fleet) -> None:
    name = stack.provision()
    fleet.tag(name, schedule="missed")
    fleet.write(ending(recently(), "missed"))
    stack.until(lambda: fleet.entries_of("missed"), "the document is made into entries, after its edge")
    plan = fleet.run(warehouses=[name], dry_run=True).output
    assert [(one["warehouse"], one["action"]) for one in plan["decisions"]] == [(name, "pause")]
    assert fleet.run(reason="reconcile").output["done"] == 1
    assert stack.status(name) == "paused"
    assert stack.run("resume_warehouse", {"warehouse": name}).succeeded
    again = fleet.run(reason="reconcile").output
    assert (again["action"], again["due"]) == ("nothing", 0)
    assert stack.status(name) == "available"


def test_same_edge_twice_at_once_pauses_once(stack: Stack, fleet: Fleet) -> None:
    name = stack.provision()
    fleet.tag(name, schedule="twice")
    edge = recently()
    fleet.write(ending(edge, "twice"))
    stack.until(lambda: fleet.entries_of("twice"), "the document is made into entries")
    given = {"schedule": "twice", "edge": "pause", "scheduled_at": edge.isoformat()}
    runs = [stack.start("run_schedule", given) for _ in range(3)]
    assert all(stack.wait(arn).succeeded for arn in runs)
    assert stack.status(name) == "paused"
    assert stack.calls("redshift:PauseCluster") == 1
    assert len([one for one in stack.ledger(name) if one["action"] == "pause"]) == 1


def test_long_pause_costs_a_retry_for_each_poll_and_nothing_else(stack: Stack) -> None:
    seen = {}
    for scale in (240, 24):
        name = stack.provision()
        stack.sandbox.desk("POST", "clock", {"scale": scale})
        arn = stack.start("pause_warehouse", {"warehouse": name})
        ended = stack.wait(arn)
        stack.sandbox.desk("POST", "clock", {"scale": 120})
        assert ended.succeeded, ended
        seen[scale] = (stack.driver.states(arn), retries(stack.driver.history(arn)), ended.seconds)
        print(f"pause at clock x{scale}: {len(seen[scale][0])} states, {seen[scale][1]} retries, {ended.seconds:.1f} s")
    (fast, few, _), (slow, many, seconds) = seen[240], seen[24]
    assert slow == fast
    assert many - few <= seconds / POLL_SECONDS


def test_idle_cluster_is_paused_by_its_alarm_but_not_right_after_its_resume(stack: Stack, fleet: Fleet) -> None:
    name, cloudwatch = stack.provision(), stack.sandbox.observe("cloudwatch")
    alarm = f"redshift-autopilot-idle-{name}"
    fleet.tag(name, schedule="lab")
    fleet.take("schedules: {lab: {override_status: running, idle_pause_minutes: 30}}")
    assert fleet.run().succeeded
    assert [one["AlarmName"] for one in cloudwatch.describe_alarms(AlarmNamePrefix=alarm)["MetricAlarms"]] == [alarm]
    cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="nobody was connected")
    stack.until(lambda: stack.status(name) == "paused", "the alarm has started the pause", 60)
    assert stack.ledger(name)[-1]["reason"] == "nobody used it for 30 minutes"
    assert stack.run("resume_warehouse", {"warehouse": name}).succeeded
    cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="OK", StateReason="no data")
    cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="nobody was connected")
    stack.until(lambda: f"{name} was resumed less than 15 minutes ago" in logged(stack, "schedule"), "the alarm was heard")
    assert fleet.run().succeeded
    assert stack.status(name) == "available"


def test_idle_month_of_schedules_costs_cents(stack: Stack, fleet: Fleet) -> None:
    name = stack.provision()
    fleet.tag(name, schedule="always")
    fleet.take("schedules: {always: {override_status: running}}")
    assert fleet.run().succeeded  # writes what later reconciles find written
    began, before = datetime.now(UTC), stack.sandbox.desk("GET", "faults")["calls"]
    run = fleet.run(reason="hourly reconcile")
    after = stack.sandbox.desk("GET", "faults")["calls"]
    stack.until(lambda: "Billed Duration" in logged(stack, "schedule", began), "the report of the invocation is logged")
    calls = {key: count - before.get(key, 0) for key, count in after.items() if count > before.get(key, 0)}
    billed_ms = int(re.findall(r"Billed Duration: (\d+) ms", logged(stack, "schedule", began))[-1])
    month = prices.idle_month(entered(stack, run.arn), billed_ms, calls)
    print(f"one reconcile: {entered(stack, run.arn)} state transitions, 1 Lambda invocation of {billed_ms} ms, calls {calls}")
    print("an idle month of schedules: " + ", ".join(f"{what} ${dollars:.4f}" for what, dollars in month.items()))
    print(f"in all ${sum(month.values()):.3f}")
    assert (run.output["action"], entered(stack, run.arn)) == ("nothing", 3)
    assert not [
        key for key in calls if key.split(":")[1].startswith(("Put", "Create", "Update", "Delete")) and not key.startswith("dynamodb:")
    ]
    assert sum(month.values()) < 0.20


@pytest.fixture
def many(stack: Stack) -> Iterator[list[str]]:
    """Clusters that follow the schedule `many`, in a world that turns fast."""
    stack.sandbox.desk("POST", "clock", {"scale": 600})
    names: list[str] = []
    for batch in range(0, MANY, BATCH):
        seeded = {"prefix": f"many-{batch}", "count": BATCH, "tags": {SCHEDULE: "many"}}
        names += stack.sandbox.desk("POST", "clusters", seeded)["clusters"]
    yield names
    stack.sandbox.desk("POST", "clock", {"scale": 120})
    for name in names:
        arn = f"arn:aws:redshift:us-east-1:000000000000:cluster:{name}"
        stack.sandbox.observe("redshift").delete_tags(ResourceName=arn, TagKeys=[SCHEDULE])


def statuses(stack: Stack, prefix: str) -> dict[str, int]:
    pages = stack.sandbox.observe("redshift").get_paginator("describe_clusters").paginate()
    found = [one for page in pages for one in page["Clusters"] if one["ClusterIdentifier"].startswith(prefix)]
    return dict(Counter(one["ClusterStatus"] for one in found))


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("many")
def test_two_hundred_warehouses_in_one_run_of_which_five_fail_and_again_without_any_hint(stack: Stack, fleet: Fleet) -> None:
    fleet.take("schedules: {many: {override_status: stopped, when_busy: skip}}")
    stack.fault("redshift", "PauseCluster", "UnsupportedOperation", times=5)
    paused = stack.run("run_schedule", {"schedule": "many"}, timeout_seconds=300)
    assert paused.succeeded, paused
    assert {key: paused.output[key] for key in ("due", "done", "skipped", "failed")} == {
        "due": MANY,
        "done": MANY - 5,
        "skipped": 0,
        "failed": 5,
    }
    assert "5 failed: many-" in paused.output["detail"]
    assert statuses(stack, "many-") == {"paused": MANY - 5, "available": 5}
    assert stack.calls("redshift:PauseCluster") == MANY
    stack.hints(drop=True)
    fleet.take("schedules: {many: {override_status: running}}")
    stack.fault("redshift", "ResumeCluster", "UnsupportedOperation", times=5)
    resumed = stack.run("run_schedule", {"schedule": "many"}, timeout_seconds=300)
    assert resumed.succeeded, resumed
    assert {key: resumed.output[key] for key in ("due", "done", "failed")} == {"due": MANY - 5, "done": MANY - 10, "failed": 5}
    assert stack.calls("redshift:ResumeCluster") == MANY - 5
    assert stack.sandbox.desk("GET", "events")["dropped"] > 0
    print(f"{MANY} paused in {paused.seconds:.0f} s, {MANY - 5} resumed without a hint in {resumed.seconds:.0f} s")
