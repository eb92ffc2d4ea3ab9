"""The rules of the security baseline: each judges the facts, and names the smallest operation that mends what it finds."""

from __future__ import annotations

from collections.abc import Callable

from autopilot.domain.baseline import PARAMETERS, RULES, Consent, Facts, Judgment, Repair, RuleName, Settings
from autopilot.domain.policies import wide_grants
from autopilot.domain.warehouse import primary_status

#: All logs there are. Source: EnableLogging, `LogExports`; UpdateNamespace, `logExports`.
LOG_EXPORTS = ("connectionlog", "useractivitylog", "userlog")
#: What AWS's consoles and examples call the first admin. Source: Security Hub controls Redshift.8 and RedshiftServerless.6.
DEFAULT_ADMIN_NAMES = frozenset({"awsuser", "admin"})
#: Source: Security Hub control Redshift.3.
MIN_RETENTION_DAYS = 7
_ALLOW_REBOOT = "start secure_warehouse with reboot: allow when nobody needs it"


def judge(facts: Facts, settings: Settings, consent: Consent) -> list[Judgment]:
    """Every rule judged, in the order in which they are repaired. A warehouse that is not available has no repair."""
    judged = [_judge_one(rule, facts, settings, consent) for rule in RULES]
    if primary_status(facts.status) == "available":
        return judged
    cannot = f"; it is {facts.status} and can be changed only when it is available"
    return [Judgment(one.rule, one.holds, one.reason + cannot) if one.repair else one for one in judged]


def _judge_one(rule: RuleName, facts: Facts, settings: Settings, consent: Consent) -> Judgment:
    judged = _JUDGES[rule](facts, settings, consent)
    if not judged.holds and rule in consent.accept:
        return _holds(rule, f"{judged.reason}; accepted: {consent.accept[rule]}")
    return judged


def _holds(rule: RuleName, reason: str) -> Judgment:
    return Judgment(rule, holds=True, reason=reason)


def _fails(rule: RuleName, reason: str, repair: Repair | None = None) -> Judgment:
    return Judgment(rule, holds=False, reason=reason, repair=repair)


def _encryption(facts: Facts, settings: Settings, consent: Consent) -> Judgment:
    if facts.kind == "workgroup":
        return _holds("encryption", "Serverless encrypts all data")
    if facts.encrypted:
        return _holds("encryption", "its data is encrypted at rest")
    if not consent.read_only:
        return _fails(
            "encryption",
            "its data is not encrypted. Encrypting makes the cluster read-only while its data is copied, which can take hours; "
            "start secure_warehouse with read_only: allow when that suits",
        )
    arguments = {"Encrypted": True, **({"KmsKeyId": settings.kms_key} if settings.kms_key else {})}
    return _fails("encryption", "its data is not encrypted", Repair("encrypt", "modify_cluster", arguments))


def _tls(facts: Facts, settings: Settings, consent: Consent) -> Judgment:
    return _parameter("tls", "connections without TLS are", facts, settings, consent)


def _user_activity_logging(facts: Facts, settings: Settings, consent: Consent) -> Judgment:
    return _parameter("user_activity_logging", "user activity is", facts, settings, consent)


_HOLDS = {"tls": "refused", "user_activity_logging": "logged"}
_FAILS = {"tls": "allowed", "user_activity_logging": "not logged"}


def _parameter(rule: RuleName, subject: str, facts: Facts, settings: Settings, consent: Consent) -> Judgment:
    name = PARAMETERS[rule]
    if facts.parameters.get(name) != "true":
        return _set_parameter(rule, f"{subject} {_FAILS[rule]}: {name} is not true", facts, settings)
    if name not in facts.pending_parameters:
        return _holds(rule, f"{subject} {_HOLDS[rule]}: {name} is true")
    waits = f"{name} is true in the parameter group {facts.parameter_group}, and takes effect with the next reboot"
    if consent.reboot:
        return _fails(rule, waits, Repair("reboot", "reboot_cluster"))
    return _fails(rule, f"{waits}; {_ALLOW_REBOOT}")


def _set_parameter(rule: RuleName, reason: str, facts: Facts, settings: Settings) -> Judgment:
    """Both parameters are set by one operation. The default groups cannot be changed, and other clusters' groups are left alone."""
    missing = [parameter for parameter in PARAMETERS.values() if facts.parameters.get(parameter) != "true"]
    if facts.kind == "workgroup":
        # All parameters are sent: what is left out of a request must not fall back to its default.
        wanted = {**facts.parameters, **dict.fromkeys(missing, "true")}
        config = [{"parameterKey": key, "parameterValue": value} for key, value in wanted.items()]
        return _fails(rule, reason, Repair("set_parameters", "update_workgroup", {"configParameters": config}))
    if facts.parameter_group.startswith("default."):
        if not settings.parameter_group:
            return _fails(rule, f"{reason}; {facts.parameter_group} cannot be changed, and the stack has no group to attach instead")
        arguments = {"ClusterParameterGroupName": settings.parameter_group}
        return _fails(rule, reason, Repair("attach_parameter_group", "modify_cluster", arguments))
    if facts.sharing_group and facts.parameter_group != settings.parameter_group:
        others = ", ".join(facts.sharing_group[:5])
        return _fails(rule, f"{reason}; its parameter group {facts.parameter_group} is used by others too ({others})")
    parameters = [{"ParameterName": parameter, "ParameterValue": "true"} for parameter in missing]
    group = {"ParameterGroupName": facts.parameter_group, "Parameters": parameters}
    return _fails(rule, reason, Repair("set_parameters", "modify_cluster_parameter_group", group))


def _enhanced_vpc_routing(facts: Facts, _: Settings, consent: Consent) -> Judgment:
    rule: RuleName = "enhanced_vpc_routing"
    if facts.enhanced_vpc_routing:
        return _holds(rule, "COPY and UNLOAD stay inside the VPC")
    reason = "COPY and UNLOAD go over the internet: enhanced VPC routing is off"
    if not facts.route_to_s3:
        return _fails(
            rule,
            f"{reason}. {facts.vpc or 'its VPC'} has no endpoint for S3 and no NAT gateway: with it on, COPY and UNLOAD would fail",
        )
    if facts.kind == "workgroup":
        return _fails(rule, reason, Repair("enhanced_vpc_routing", "update_workgroup", {"enhancedVpcRouting": True}))
    if not consent.reboot:
        return _fails(rule, f"{reason}. Turning it on restarts the cluster; {_ALLOW_REBOOT}")
    return _fails(rule, reason, Repair("enhanced_vpc_routing", "modify_cluster", {"EnhancedVpcRouting": True}))


def _not_public(facts: Facts, _: Settings, __: Consent) -> Judgment:
    if not facts.public:
        return _holds("not_public", "it has no public address")
    repair = (
        Repair("not_public", "modify_cluster", {"PubliclyAccessible": False})
        if facts.kind == "cluster"
        else Repair("not_public", "update_workgroup", {"publiclyAccessible": False})
    )
    return _fails("not_public", "it has a public address", repair)


def _audit_logging(facts: Facts, settings: Settings, _: Consent) -> Judgment:
    rule: RuleName = "audit_logging"
    missing = [export for export in LOG_EXPORTS if export not in facts.log_exports]
    if facts.logging == "s3" or (facts.logging == "cloudwatch" and not missing):
        return _holds(rule, f"audit logs go to {'S3' if facts.logging == 's3' else 'CloudWatch'}")
    reason = f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not kept"
    if facts.kind == "workgroup":
        return _fails(rule, reason, Repair("audit_logging", "update_namespace", {"logExports": list(LOG_EXPORTS)}))
    to_bucket = not facts.logging and settings.log_bucket
    where = (
        {"LogDestinationType": "s3", "BucketName": settings.log_bucket}
        if to_bucket
        else {"LogDestinationType": "cloudwatch", "LogExports": list(LOG_EXPORTS)}
    )
    return _fails(rule, reason, Repair("audit_logging", "enable_logging", where))


def _snapshot_retention(facts: Facts, _: Settings, __: Consent) -> Judgment:
    rule: RuleName = "snapshot_retention"
    if facts.kind == "workgroup":
        return _holds(rule, "Serverless keeps recovery points of the last 24 hours by itself; nothing longer can be set")
    if facts.retention_days >= MIN_RETENTION_DAYS:
        return _holds(rule, f"automated snapshots are kept for {facts.retention_days} days")
    kept = f"are kept for {facts.retention_days} days, fewer than {MIN_RETENTION_DAYS}" if facts.retention_days else "are off"
    arguments = {"AutomatedSnapshotRetentionPeriod": MIN_RETENTION_DAYS}
    return _fails(rule, f"automated snapshots {kept}", Repair("snapshot_retention", "modify_cluster", arguments))


def _admin_name(facts: Facts, _: Settings, __: Consent) -> Judgment:
    if facts.admin_user not in DEFAULT_ADMIN_NAMES:
        return _holds("admin_name", "the admin user has a name of its own")
    return _fails(
        "admin_name",
        f"the admin user has the well-known name {facts.admin_user}, and an admin user cannot be renamed: it takes a new warehouse",
    )


def _least_privilege(facts: Facts, _: Settings, __: Consent) -> Judgment:
    rule: RuleName = "least_privilege"
    unreadable = [f"{role.arn} could not be read: {role.unreadable}" for role in facts.roles if role.unreadable]
    wide = [f"{role.arn} {grant}" for role in facts.roles for policy in role.policies for grant in wide_grants(policy)]
    if wide or unreadable:
        return _fails(rule, "; ".join([*wide[:5], *unreadable[:5]]))
    count = len(facts.roles)
    return _holds(rule, f"its {count} role{'s name' if count > 1 else ' names'} what it may do" if count else "it has no IAM role")


_JUDGES: dict[RuleName, Callable[[Facts, Settings, Consent], Judgment]] = {
    "encryption": _encryption,
    "tls": _tls,
    "enhanced_vpc_routing": _enhanced_vpc_routing,
    "not_public": _not_public,
    "audit_logging": _audit_logging,
    "user_activity_logging": _user_activity_logging,
    "snapshot_retention": _snapshot_retention,
    "admin_name": _admin_name,
    "least_privilege": _least_privilege,
}
