"""The CloudWatch alarms of a warehouse, and the dashboard over all: only what differs is put, what is gone is deleted."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import msgspec

from autopilot.aws import managed, usage_limits, warehouses
from autopilot.aws.clients import call, client, translated
from autopilot.domain.alarm_set import alarms_of, is_alarm_of, prefix_of, same
from autopilot.domain.dashboard import dashboard_body, is_of_this_stack
from autopilot.domain.errors import AutopilotError
from autopilot.domain.steps import RemoveAlarms, SetAlarms
from autopilot.domain.warehouse import Kind, Reference

PERMISSIONS = (
    *warehouses.LOOK,
    *managed.LOOK,
    *usage_limits.LOOK,
    "cloudwatch:DescribeAlarms",
    "cloudwatch:PutMetricAlarm",
    "cloudwatch:DeleteAlarms",
    "cloudwatch:GetDashboard",
    "cloudwatch:PutDashboard",
    "cloudwatch:DeleteDashboards",
)
LOOK = ("cloudwatch:DescribeAlarms",)
#: DeleteAlarms takes so many names.
_BATCH = 100


class Watched(msgspec.Struct, frozen=True):
    """What a step did: the names of the alarms that were put and deleted, whether the dashboard changed, and what people should know."""

    action: str
    reason: str
    put: list[str]
    deleted: list[str]
    dashboard: bool
    notes: list[str] = []


def set_alarms(step: SetAlarms) -> Watched:
    """Make the alarms of a warehouse what its settings say, and the dashboard show it."""
    seen = warehouses.get(step.warehouse)
    limits = usage_limits.of_workgroup(seen.arn) if seen.kind == "workgroup" else []
    wanted = alarms_of(seen, step.alarms, limits, os.environ["STACK_NAME"], os.environ["TOPIC_ARN"])
    there = {alarm["AlarmName"]: alarm for alarm in _of_warehouse(seen.kind, seen.name)}
    put = [alarm["AlarmName"] for alarm in wanted.alarms if not same(alarm, there.get(alarm["AlarmName"], {}))]
    for alarm in wanted.alarms:
        if alarm["AlarmName"] in put:
            call("cloudwatch", "put_metric_alarm", f"put alarm {alarm['AlarmName']}", **alarm)
    gone = _delete(sorted(there.keys() - {alarm["AlarmName"] for alarm in wanted.alarms}))
    changed = _refresh(added=seen.reference)
    return _told(f"{seen.kind} {seen.name} has {len(wanted.alarms)} alarms", put, gone, wanted.notes, dashboard=changed)


def remove_alarms(step: RemoveAlarms) -> Watched:
    """Delete the alarms of a warehouse that is gone or goes away, and take it off the dashboard."""
    name = step.warehouse.name
    kinds: tuple[Kind, ...] = (step.warehouse.kind,) if step.warehouse.kind else ("cluster", "workgroup")
    gone = _delete([alarm["AlarmName"] for kind in kinds for alarm in _of_warehouse(kind, name)])
    return _told(f"{name} has no alarms", [], gone, [], dashboard=_refresh(removed=step.warehouse))


def are_set(warehouse: Reference) -> bool:
    """Whether there is an alarm of the warehouse."""
    return warehouse.kind is not None and next(_of_warehouse(warehouse.kind, warehouse.name), None) is not None


def _told(reason: str, put: list[str], deleted: list[str], notes: list[str], *, dashboard: bool) -> Watched:
    changed = put or deleted or dashboard
    return Watched("changed" if changed else "nothing", "; ".join([reason, *notes]), put, deleted, dashboard, notes)


def _of_warehouse(kind: Kind, name: str) -> Iterator[dict[str, Any]]:
    stack = os.environ["STACK_NAME"]
    for alarm in _named(prefix_of(stack, kind, name)):
        if is_alarm_of(stack, kind, name, alarm["AlarmName"]):
            yield alarm


def _named(prefix: str) -> Iterator[dict[str, Any]]:
    """The alarms whose names begin so. Source: DescribeAlarms."""
    pages = client("cloudwatch").get_paginator("describe_alarms")
    with translated(f"list the alarms {prefix}*"):
        for page in pages.paginate(AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm"]):
            yield from page["MetricAlarms"]


def _delete(names: list[str]) -> list[str]:
    """Delete alarms; one that somebody else deleted meanwhile does no harm. Source: DeleteAlarms."""
    for start in range(0, len(names), _BATCH):
        try:
            call("cloudwatch", "delete_alarms", "delete alarms", AlarmNames=names[start : start + _BATCH])
        except AutopilotError as error:
            if error.code != "ResourceNotFound":
                raise
    return names


def _refresh(added: Reference | None = None, removed: Reference | None = None) -> bool:
    """Make the dashboard show what is managed now; whether anything was to be changed. Source: PutDashboard, DeleteDashboards.

    The tags' index lags by a moment: what was just added or removed is known better here. Others may refresh it at the same time, so
    it is looked at once more after a change.
    """
    changed = False
    for _ in range(2):
        if not _refresh_once(added, removed):
            break
        changed = True
    return changed


def _refresh_once(added: Reference | None, removed: Reference | None) -> bool:
    stack, region = os.environ["STACK_NAME"], os.environ["AWS_REGION"]
    names = managed.names()
    for kind, found in names.items():
        if added and added.kind == kind and added.name not in found:
            found.append(added.name)
        if removed and removed.kind in {kind, None} and removed.name in found:
            found.remove(removed.name)
    there = _dashboard(stack)
    if not any(names.values()):
        if there is not None:
            call("cloudwatch", "delete_dashboards", f"delete dashboard {stack}", DashboardNames=[stack])
        return there is not None
    arns = [alarm["AlarmArn"] for alarm in _named(f"{stack}-") if is_of_this_stack(stack, alarm["AlarmName"])]
    body = dashboard_body(names, arns, stack, region)
    if there == body:
        return False
    call("cloudwatch", "put_dashboard", f"put dashboard {stack}", DashboardName=stack, DashboardBody=json.dumps(body))
    return True


def _dashboard(name: str) -> dict[str, Any] | None:
    """The body of a dashboard, or None when there is none. Source: GetDashboard."""
    try:
        body: dict[str, Any] = json.loads(
            call("cloudwatch", "get_dashboard", f"read dashboard {name}", DashboardName=name)["DashboardBody"]
        )
    except AutopilotError as error:
        if error.code not in {"ResourceNotFound", "DashboardNotFoundError"}:
            raise
        return None
    return body
