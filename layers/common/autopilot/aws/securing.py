"""Securing a warehouse: what AWS says of it, held against the baseline; and one repair a call, each after a fresh look."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, assert_never

import msgspec

from autopilot.aws import clusters, facts, parameter_groups, warehouses, workgroups
from autopilot.aws import settings as kept
from autopilot.domain.baseline import Facts, Finding, Repair, Settings, Tried
from autopilot.domain.baseline_report import findings_of, next_repair, summary
from autopilot.domain.baseline_rules import judge
from autopilot.domain.baseline_spec import accepted_by
from autopilot.domain.errors import AutopilotError, TransientError, WarehouseNotReady
from autopilot.domain.provision_steps import Secure
from autopilot.domain.warehouse import Warehouse, primary_status

PERMISSIONS = (
    *warehouses.LOOK,
    *facts.PERMISSIONS,
    *clusters.LOOK_AT_NETWORKS,
    "redshift:ModifyCluster",
    "redshift:ModifyClusterParameterGroup",
    "redshift:EnableLogging",
    "redshift:RebootCluster",
    "redshift-serverless:UpdateWorkgroup",
    "redshift-serverless:UpdateNamespace",
    # Redshift encrypts a cluster with the caller's right to the key.
    "kms:CreateGrant",
    "kms:DescribeKey",
)
#: States in which what is said of a warehouse is what it is.
_SETTLED = frozenset({"available", "paused", "pausing"})


class Secured(msgspec.Struct, frozen=True):
    """What a step did. `next` is `available` while a repair goes on or more may follow, else `done`, with the findings."""

    next: str
    reason: str
    tried: list[Tried]
    findings: list[Finding]


def settings(environment: Mapping[str, str]) -> Settings:
    """What the stack offers for repairs, from a function's environment."""
    return Settings(
        parameter_group=environment.get("DEFAULT_PARAMETER_GROUP", ""),
        log_bucket=environment.get("LOG_BUCKET", ""),
        kms_key=environment.get("DEFAULT_KMS_KEY", ""),
    )


def repair(call: Secure) -> Secured:
    """Make the next repair that was not tried yet. One that AWS refuses for good is noted with AWS's words and not tried again.

    Raises WarehouseNotReady while an earlier change is not in effect though the warehouse is called available.
    """
    seen = warehouses.get(call.warehouse)
    if primary_status(seen.status) not in _SETTLED:
        return Secured("available", f"{seen.kind} {seen.name} is {seen.status}", call.tried, [])
    found = facts.of(seen)
    if found.changing or primary_status(found.status) not in _SETTLED:
        raise WarehouseNotReady(
            f"{seen.kind} {seen.name} is {found.status} and still changes: {', '.join(found.changing) or 'its namespace'}"
        )
    accepted = {**accepted_by(call.spec), **call.consent.accept} if call.spec else call.consent.accept
    judged = judge(found, settings(os.environ), msgspec.structs.replace(call.consent, accept=accepted))
    chosen = next_repair(judged, call.tried)
    if chosen is None:
        findings = findings_of(judged, call.tried)
        return Secured("done", summary(findings), call.tried, findings)
    wanted, rules = chosen
    attempt = Tried(key=wanted.key, rules=rules, refusal=_make(seen, found, wanted))
    return Secured("available", f"{wanted.operation} for {', '.join(rules)}", [*call.tried, attempt], [])


def _make(seen: Warehouse, found: Facts, wanted: Repair) -> str:
    """Make a repair; AWS's words when it was refused for good."""
    try:
        _call(seen.name, found, wanted)
    except TransientError:
        raise
    except AutopilotError as error:
        return str(error)
    return ""


def _call(name: str, found: Facts, wanted: Repair) -> None:
    arguments: dict[str, Any] = wanted.arguments
    match wanted.operation:
        case "modify_cluster":
            clusters.modify(name, arguments)
        case "modify_cluster_parameter_group":
            parameter_groups.modify(arguments)
        case "enable_logging":
            kept.enable_logging(name, arguments)
        case "reboot_cluster":
            kept.reboot(name)
        case "update_workgroup":
            workgroups.update(name, arguments)
        case "update_namespace":
            workgroups.update_namespace(found.namespace, arguments)
        case _:
            assert_never(wanted.operation)
