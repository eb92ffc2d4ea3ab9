"""The security baseline: each rule passes, is repaired by the smallest operation, or asks for a person; and says why."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from autopilot.domain.baseline import REFERENCES, RULES, Consent, Facts, Repair, Role, RuleName, Settings, Tried
from autopilot.domain.baseline_report import decide_secure, findings_of, next_repair, summary
from autopilot.domain.baseline_rules import judge
from autopilot.domain.baseline_spec import accepted_by
from autopilot.domain.policies import Policy, wide_grants
from autopilot.domain.spec import parse_spec
from tests.unit.builders import cluster

SECURE = Facts(
    kind="cluster",
    name="analytics",
    status="available",
    encrypted=True,
    public=False,
    enhanced_vpc_routing=True,
    admin_user="autopilot_admin",
    logging="s3",
    parameter_group="secure",
    parameters={"require_ssl": "true", "enable_user_activity_logging": "true"},
    retention_days=7,
)
WORKGROUP = Facts(
    kind="workgroup",
    name="adhoc",
    status="available",
    encrypted=True,
    public=False,
    enhanced_vpc_routing=True,
    admin_user="autopilot_admin",
    logging="cloudwatch",
    log_exports=["userlog", "connectionlog", "useractivitylog"],
    parameters={"require_ssl": "true", "enable_user_activity_logging": "true", "search_path": "public"},
)
OFFERED = Settings(parameter_group="autopilot-group", log_bucket="logs", kms_key="arn:key")
ALL = Consent(reboot=True, read_only=True)
BOTH = [{"ParameterName": name, "ParameterValue": "true"} for name in ("require_ssl", "enable_user_activity_logging")]
LOGS = ["connectionlog", "useractivitylog", "userlog"]


def _changed(facts: Facts, **changes: Any) -> Facts:
    return msgspec.structs.replace(facts, **changes)


def _status(facts: Facts, rule: RuleName, consent: Consent = ALL, settings: Settings = OFFERED) -> tuple[str, str]:
    found = {finding.rule: finding for finding in findings_of(judge(facts, settings, consent), [])}[rule]
    return found.status, found.reason


def _repair(facts: Facts, consent: Consent = ALL, settings: Settings = OFFERED) -> Repair | None:
    chosen = next_repair(judge(facts, settings, consent), [])
    return chosen[0] if chosen else None


@pytest.mark.parametrize("facts", [SECURE, WORKGROUP])
def test_secure_warehouse_passes_every_rule_with_a_reason_and_a_reference(facts: Facts) -> None:
    findings = findings_of(judge(facts, Settings(), Consent()), [])
    assert {finding.rule: finding.status for finding in findings} == dict.fromkeys(RULES, "passed")
    assert all(finding.reason for finding in findings)
    assert all(finding.reference.startswith("https://docs.aws.amazon.com/") for finding in findings)
    assert set(REFERENCES) == set(RULES)


@pytest.mark.parametrize(
    ("facts", "changes", "rule", "operation", "arguments"),
    [
        (SECURE, {"encrypted": False}, "encryption", "modify_cluster", {"Encrypted": True, "KmsKeyId": "arn:key"}),
        (
            SECURE,
            {"parameter_group": "default.redshift-1.0", "parameters": {"require_ssl": "false"}},
            "tls",
            "modify_cluster",
            {"ClusterParameterGroupName": "autopilot-group"},
        ),
        (
            SECURE,
            {"parameters": {"require_ssl": "false"}},
            "tls",
            "modify_cluster_parameter_group",
            {"ParameterGroupName": "secure", "Parameters": BOTH},
        ),
        (
            SECURE,
            {"parameters": {"require_ssl": "true", "enable_user_activity_logging": "false"}},
            "user_activity_logging",
            "modify_cluster_parameter_group",
            {"ParameterGroupName": "secure", "Parameters": BOTH[1:]},
        ),
        (SECURE, {"pending_parameters": ["require_ssl"]}, "tls", "reboot_cluster", {}),
        (
            SECURE,
            {"enhanced_vpc_routing": False, "route_to_s3": "vpce-1"},
            "enhanced_vpc_routing",
            "modify_cluster",
            {"EnhancedVpcRouting": True},
        ),
        (SECURE, {"public": True}, "not_public", "modify_cluster", {"PubliclyAccessible": False}),
        (SECURE, {"logging": ""}, "audit_logging", "enable_logging", {"LogDestinationType": "s3", "BucketName": "logs"}),
        (
            SECURE,
            {"logging": "cloudwatch", "log_exports": ["userlog"]},
            "audit_logging",
            "enable_logging",
            {"LogDestinationType": "cloudwatch", "LogExports": LOGS},
        ),
        (SECURE, {"retention_days": 1}, "snapshot_retention", "modify_cluster", {"AutomatedSnapshotRetentionPeriod": 7}),
        (
            WORKGROUP,
            {"parameters": {"require_ssl": "false", "enable_user_activity_logging": "true", "search_path": "mine"}},
            "tls",
            "update_workgroup",
            {
                "configParameters": [
                    {"parameterKey": "require_ssl", "parameterValue": "true"},
                    {"parameterKey": "enable_user_activity_logging", "parameterValue": "true"},
                    {"parameterKey": "search_path", "parameterValue": "mine"},
                ]
            },
        ),
        (
            WORKGROUP,
            {"enhanced_vpc_routing": False, "route_to_s3": "nat-1"},
            "enhanced_vpc_routing",
            "update_workgroup",
            {"enhancedVpcRouting": True},
        ),
        (WORKGROUP, {"public": True}, "not_public", "update_workgroup", {"publiclyAccessible": False}),
        (WORKGROUP, {"logging": "", "log_exports": []}, "audit_logging", "update_namespace", {"logExports": LOGS}),
    ],
)
def test_broken_rule_is_repaired_by_the_smallest_operation(
    facts: Facts, changes: dict[str, Any], rule: RuleName, operation: str, arguments: dict[str, Any]
) -> None:
    broken = _changed(facts, **changes)
    assert _status(broken, rule)[0] == "repairable"
    repair = _repair(broken)
    assert repair is not None
    assert (repair.operation, repair.arguments) == (operation, arguments)


@pytest.mark.parametrize(
    ("changes", "rule", "because"),
    [
        ({"encrypted": False}, "encryption", "start secure_warehouse with read_only: allow"),
        ({"pending_parameters": ["require_ssl"]}, "tls", "takes effect with the next reboot; start secure_warehouse with reboot: allow"),
        (
            {"enhanced_vpc_routing": False, "route_to_s3": "vpce-1"},
            "enhanced_vpc_routing",
            "restarts the cluster; start secure_warehouse with reboot",
        ),
        ({"enhanced_vpc_routing": False, "vpc": "vpc-1"}, "enhanced_vpc_routing", "vpc-1 has no endpoint for S3 and no NAT gateway"),
        ({"admin_user": "awsuser"}, "admin_name", "the well-known name awsuser"),
        (
            {"parameters": {}, "sharing_group": ["reports", "sales"]},
            "tls",
            "its parameter group secure is used by others too (reports, sales)",
        ),
        ({"roles": [Role("arn:role", [Policy("AdministratorAccess")])]}, "least_privilege", "arn:role has the policy AdministratorAccess"),
        ({"roles": [Role("arn:role", unreadable="not allowed")]}, "least_privilege", "arn:role could not be read: not allowed"),
    ],
)
def test_what_nobody_agreed_to_or_cannot_be_repaired_needs_a_person(changes: dict[str, Any], rule: RuleName, because: str) -> None:
    broken = _changed(SECURE, **changes)
    status, reason = _status(broken, rule, Consent())
    assert status == "needs_person"
    assert because in reason
    assert _repair(broken, Consent()) is None


def test_default_parameter_group_stays_where_the_stack_offers_none() -> None:
    broken = _changed(SECURE, parameter_group="default.redshift-1.0", parameters={})
    assert _status(broken, "tls", settings=Settings())[1].endswith("cannot be changed, and the stack has no group to attach instead")
    assert _repair(broken, settings=Settings()) is None


def test_shared_group_of_the_stack_itself_may_be_changed() -> None:
    repair = _repair(_changed(SECURE, parameter_group="autopilot-group", parameters={}, sharing_group=["sales"]))
    assert repair is not None
    assert repair.operation == "modify_cluster_parameter_group"


def test_audit_logs_go_to_cloudwatch_where_there_is_no_bucket() -> None:
    repair = _repair(_changed(SECURE, logging=""), settings=Settings())
    assert repair is not None
    assert repair.arguments["LogDestinationType"] == "cloudwatch"


def test_rule_that_was_accepted_passes_with_the_reason() -> None:
    consent = Consent(accept={"not_public": "partners reach it by its address"})
    status, reason = _status(_changed(SECURE, public=True), "not_public", consent)
    assert (status, reason) == ("passed", "it has a public address; accepted: partners reach it by its address")


@pytest.mark.parametrize("status", ["paused", "modifying"])
def test_warehouse_that_is_not_available_is_judged_and_not_repaired(status: str) -> None:
    broken = _changed(SECURE, status=status, public=True)
    assert _repair(broken) is None
    assert _status(broken, "not_public") == (
        "needs_person",
        f"it has a public address; it is {status} and can be changed only when it is available",
    )


def test_one_operation_repairs_both_parameters_and_the_reboot_comes_last() -> None:
    broken = _changed(SECURE, parameters={}, public=True, parameter_group="default.redshift-2.0")
    judged = judge(broken, OFFERED, ALL)
    first = next_repair(judged, [])
    assert first is not None
    assert (first[0].key, first[1]) == ("attach_parameter_group", ["tls", "user_activity_logging"])
    attached = _changed(SECURE, public=True, pending_parameters=["require_ssl", "enable_user_activity_logging"])
    tried = [Tried(key=first[0].key, rules=first[1])]
    second = next_repair(judge(attached, OFFERED, ALL), tried)
    assert second is not None
    assert second[0].key == "not_public"
    third = next_repair(judge(attached, OFFERED, ALL), [*tried, Tried(key="not_public", rules=["not_public"])])
    assert third is not None
    assert third[0].key == "reboot"


def test_repair_is_tried_once_and_what_aws_refused_is_said() -> None:
    broken = _changed(SECURE, public=True)
    tried = [Tried(key="not_public", rules=["not_public"], refusal="AWS refused to modify cluster analytics: no")]
    judged = judge(broken, OFFERED, ALL)
    assert next_repair(judged, tried) is None
    found = {finding.rule: finding for finding in findings_of(judged, tried)}["not_public"]
    assert (found.status, found.reason) == ("needs_person", "it has a public address; AWS refused to modify cluster analytics: no")


def test_rule_that_holds_after_its_repair_is_repaired() -> None:
    found = findings_of(judge(SECURE, OFFERED, ALL), [Tried(key="not_public", rules=["not_public"])])
    assert {finding.rule for finding in found if finding.status == "repaired"} == {"not_public"}
    assert summary(found) == "of 9 rules 8 passed, 1 repaired (not_public)"


def test_summary_names_the_rules_that_need_a_person() -> None:
    found = findings_of(judge(_changed(SECURE, admin_user="admin", encrypted=False), OFFERED, Consent()), [])
    assert summary(found) == "of 9 rules 7 passed, 2 need a person (encryption, admin_name)"


@pytest.mark.parametrize(
    ("status", "facts", "action"),
    [
        ("available", SECURE, "nothing"),
        ("available", _changed(SECURE, public=True), "secure"),
        ("modifying", _changed(SECURE, public=True), "retry"),
        ("paused", _changed(SECURE, public=True, status="paused"), "nothing"),
    ],
)
def test_plan_secures_only_what_can_be_repaired_now(status: str, facts: Facts, action: str) -> None:
    assert decide_secure(cluster(status), findings_of(judge(facts, OFFERED, Consent()), [])).action == action


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ({"Action": "*", "Resource": "arn:x"}, ["may do *"]),
        ({"Action": ["s3:GetObject", "s3:*"], "Resource": "arn:x"}, ["may do s3:*"]),
        ({"Action": "s3:GetObject", "Resource": "*"}, ["may do s3:GetObject to every resource"]),
        ({"NotAction": "iam:*", "Resource": "arn:x"}, ["is allowed by NotAction"]),
        ({"Action": "s3:GetObject", "Resource": "*", "Condition": {"StringEquals": {"aws:ResourceAccount": "1"}}}, []),
        ({"Action": "s3:GetObject", "Resource": ["arn:a", "arn:b"]}, []),
    ],
)
def test_what_a_statement_allows_too_widely_is_named(statement: dict[str, Any], said: list[str]) -> None:
    policy = Policy("lake", {"Statement": [{"Effect": "Allow", **statement}, {"Effect": "Deny", "Action": "*", "Resource": "*"}]})
    assert [any(grant.startswith(text) for text in said) for grant in wide_grants(policy)] == [True] * len(said)


def test_statement_that_is_not_in_a_list_is_read_too() -> None:
    assert list(wide_grants(Policy("p", {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "arn:x"}})))


@pytest.mark.parametrize(
    ("said", "rules"),
    [
        ({}, set()),
        ({"network": {"public": True, "public_reason": "partners"}}, {"not_public"}),
        ({"network": {"enhanced_vpc_routing": False}}, {"enhanced_vpc_routing"}),
        ({"backups": {"automated_days": 1}}, {"snapshot_retention"}),
        ({"backups": {"automated_days": 7}}, set()),
        ({"logging": {"destination": "none"}}, {"audit_logging"}),
        ({"logging": {"destination": "cloudwatch", "exports": ["userlog"]}}, {"audit_logging"}),
        ({"logging": {"destination": "s3"}}, set()),
        ({"parameters": {"values": {"require_ssl": False}}}, {"tls"}),
        ({"parameters": {"group": "mine"}}, {"tls", "user_activity_logging"}),
    ],
)
def test_what_a_spec_decides_itself_is_not_repaired(said: dict[str, Any], rules: set[str]) -> None:
    accepted = accepted_by(parse_spec({"name": "analytics", **said}))
    assert set(accepted) == rules
    assert all("its spec" in reason for reason in accepted.values())
