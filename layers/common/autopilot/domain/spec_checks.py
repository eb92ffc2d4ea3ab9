"""What contradicts in a spec, or is known to be refused by AWS: every problem in words, with the path of its field."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping

from autopilot.domain.spec_parts import BELONGS, Backups, Compute, Encryption, Logging, Network, Parameters, Part, Roles
from autopilot.domain.tags import TAG_CHARACTERS, TAG_PATTERN, fits_a_tag
from autopilot.domain.warehouse import NAME_RULES, Kind, can_be_named

#: What a spec without `compute` asks for: the smallest that AWS sells of each kind at the time of writing.
DEFAULT_NODE_TYPE, DEFAULT_NODES, DEFAULT_BASE_RPU = "ra3.large", 1, 8
#: A node type's form. Which ones exist is for AWS to say; the list changes. Source: CreateCluster, `NodeType`.
_NODE_TYPE = re.compile(r"[a-z]{2}[a-z0-9]{0,4}\.[a-z0-9]{1,12}")
MAX_TAGS = 39
#: Source: CreateCluster, `Port` (RA3 and RG nodes), CreateWorkgroup, `port`; older node types take 1150 to 65535.
PORTS = (range(5431, 5456), range(8191, 8216))
_OLD_NODES = re.compile(r"d[cs][12]\.")
_WINDOW = re.compile(r"(mon|tue|wed|thu|fri|sat|sun):([01]\d|2[0-3]):([0-5]\d)-(mon|tue|wed|thu|fri|sat|sun):([01]\d|2[0-3]):([0-5]\d)")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: Source: CreateCluster, `PreferredMaintenanceWindow`.
_SHORTEST_WINDOW_MINUTES = 30
_KEY = re.compile(
    r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)/[\w/-]{1,256}|alias/[\w/-]{1,250}|(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})"
)
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,512}")
#: Source: bucket naming rules; EnableLogging, `S3KeyPrefix`.
_BUCKET = re.compile(r"(?=.{3,63}\Z)[a-z0-9][a-z0-9.-]*[a-z0-9]")
_PREFIX = re.compile(r"[\w.:/=+\\@-]*")
_GROUP = re.compile(r"(?=.{1,255}\Z)[a-z](?:-?[a-z0-9.])*")
#: Source: CreateWorkgroup, `configParameters`. What a cluster takes, its parameter group's family says.
_WORKGROUP_PARAMETERS = frozenset(
    {
        "auto_mv",
        "datestyle",
        "enable_case_sensitive_identifier",
        "enable_user_activity_logging",
        "query_group",
        "search_path",
        "require_ssl",
        "use_fips_ssl",
        "wlm_json_configuration",
        "max_query_blocks_read",
        "max_query_cpu_time",
        "max_query_cpu_usage_percent",
        "max_query_execution_time",
        "max_query_queue_time",
        "max_query_temp_blocks_to_disk",
        "max_scan_row_count",
        "max_join_row_count",
        "max_nested_loop_join_row_count",
        "max_return_row_count",
    }
)
_CLUSTER_LIMITS = ("spectrum", "concurrency-scaling", "cross-region-datasharing", "extra-compute-for-automatic-optimization")
_WORKGROUP_LIMITS = ("serverless-compute", "cross-region-datasharing")


def name_problems(kind: Kind, name: str, database: str) -> list[str]:
    """Names that AWS does not take."""
    problems = []
    if not can_be_named(kind, name):
        problems.append(f"spec.name: {name[:80]!r} is not allowed for a {kind}; {NAME_RULES[kind]}")
    if not re.fullmatch(r"[a-z_][a-z0-9_]*", database):
        problems.append(f"spec.database: {database!r} is not allowed; lowercase letters, digits and underscores, not starting with a digit")
    return problems


def kind_problems(kind: Kind, parts: Mapping[str, Part | None]) -> list[str]:
    """Fields that mean something for the other kind only."""
    return [
        f"spec.{part}.{field}: belongs to a {owner}; a {kind} {_takes(part, kind)}"
        for part, fields in BELONGS.items()
        for field, owner in fields.items()
        if owner != kind and getattr(parts[part], field, None)
    ]


def _takes(part: str, kind: Kind) -> str:
    own = [field for field, owner in BELONGS[part].items() if owner == kind]
    return f"takes {', '.join(own)}" if own else "has no such setting"


def compute_problems(kind: Kind, compute: Compute) -> list[str]:
    """Sizes that do not go together."""
    problems = [f"spec.compute.usage_limits: {text}" for text in _limit_problems(kind, compute)]
    if kind == "cluster":
        if compute.node_type is not None and not _NODE_TYPE.fullmatch(compute.node_type):
            problems.append(f"spec.compute.node_type: {compute.node_type[:40]!r} does not have the form of a node type such as ra3.large")
        if compute.multi_az and (compute.nodes or DEFAULT_NODES) < 2:
            problems.append(f"spec.compute.multi_az: needs nodes of 2 or more, and there {_are(compute.nodes or DEFAULT_NODES)}")
        return problems
    base = compute.base_rpu or DEFAULT_BASE_RPU
    if compute.base_rpu is not None and compute.price_performance_target is not None:
        problems.append("spec.compute.base_rpu: cannot be given with price_performance_target, which chooses the capacity by itself")
    if base != 4 and base % 8:
        problems.append(f"spec.compute.base_rpu: {base} is not allowed; 4, or a multiple of 8 up to 1024")
    if compute.max_rpu is not None and compute.max_rpu != 4 and compute.max_rpu % 8:
        problems.append(f"spec.compute.max_rpu: {compute.max_rpu} is not allowed; 4, or a multiple of 8 up to 5632")
    if compute.max_rpu is not None and compute.price_performance_target is None and compute.max_rpu < base:
        problems.append(f"spec.compute.max_rpu: {compute.max_rpu} is below base_rpu {base}")
    return problems


def _are(nodes: int) -> str:
    return "is 1" if nodes == 1 else f"are {nodes}"


def _limit_problems(kind: Kind, compute: Compute) -> list[str]:
    limits, problems = compute.usage_limits or [], []
    features = _CLUSTER_LIMITS if kind == "cluster" else _WORKGROUP_LIMITS
    action, other = ("disable", "deactivate") if kind == "cluster" else ("deactivate", "disable")
    for limit in limits:
        if limit.feature not in features:
            problems.append(f"a {kind} has no feature {limit.feature}; it has {', '.join(features)}")
        if limit.breach_action == other:
            problems.append(f"{other} is not allowed for a {kind}; it takes log, emit-metric, {action}")
    names = [limit.name for limit in limits]
    return problems + [f"{name} is given twice" for name in sorted({name for name in names if names.count(name) > 1})]


def network_problems(kind: Kind, network: Network, compute: Compute) -> list[str]:
    """Ids and addresses of the wrong form, and openness without a reason."""
    problems = [
        *_forms("subnet_ids", network.subnet_ids, r"subnet-[0-9a-f]+", "a subnet id"),
        *_forms("security_group_ids", network.security_group_ids, r"sg-[0-9a-f]+", "a security group id"),
        *_forms("elastic_ip", [network.elastic_ip] if network.elastic_ip else [], r"\d{1,3}(\.\d{1,3}){3}", "an IPv4 address"),
        *_source_problems(network),
    ]
    if network.public and not network.public_reason:
        problems.append("spec.network.public: needs a public_reason, as anybody on the internet could try to sign in")
    if network.elastic_ip and not network.public:
        problems.append("spec.network.elastic_ip: needs public: true")
    if network.availability_zone and compute.multi_az:
        problems.append("spec.network.availability_zone: cannot be given with compute.multi_az, which uses two zones")
    if network.zone_relocation and compute.multi_az:
        problems.append("spec.network.zone_relocation: cannot be given with compute.multi_az, which fails over by itself")
    old = kind == "cluster" and _OLD_NODES.match(compute.node_type or "")
    if network.port is not None and not old and not any(network.port in ports for ports in PORTS):
        problems.append(f"spec.network.port: {network.port} is not allowed; 5431 to 5455 or 8191 to 8215")
    return problems


def _forms(field: str, values: Iterable[str], form: str, what: str) -> list[str]:
    return [f"spec.network.{field}: {value[:40]!r} is not {what}" for value in values if not re.fullmatch(form, value)]


def _source_problems(network: Network) -> list[str]:
    problems = []
    for source in network.allow_from or []:
        if re.fullmatch(r"sg-[0-9a-f]+", source):
            continue
        try:
            block = ipaddress.ip_network(source)
        except ValueError as error:
            problems.append(
                f"spec.network.allow_from: {source[:60]!r} is not a security group id or a CIDR such as 10.0.0.0/16 ({_why(error)})"
            )
            continue
        if block.prefixlen == 0 and not (network.public and network.public_reason):
            problems.append(f"spec.network.allow_from: {source} lets everybody in; it needs public: true and a public_reason")
    names = network.allow_from or []
    return problems + [f"spec.network.allow_from: {name} is given twice" for name in sorted({n for n in names if names.count(n) > 1})]


def _why(error: ValueError) -> str:
    return "host bits are set" if "host bits" in str(error) else "no address"


def encryption_problems(encryption: Encryption) -> list[str]:
    """Keys of the wrong form."""
    return [
        f"spec.encryption.{field}: {value[:80]!r} is not a KMS key's ARN, id or alias"
        for field in ("kms_key", "secret_kms_key")
        if (value := getattr(encryption, field)) is not None and not _KEY.fullmatch(value)
    ]


def upkeep_problems(kind: Kind, backups: Backups, window: str | None) -> list[str]:
    """Retention out of range, and a maintenance window that is none."""
    problems = []
    if backups.manual_days == 0:
        problems.append("spec.backups.manual_days: 0 is not allowed; 1 to 3653 days, or -1 for ever")
    if window is None:
        return problems
    if kind == "workgroup":
        return [*problems, "spec.maintenance_window: belongs to a cluster; a workgroup has no such setting"]
    found = _WINDOW.fullmatch(window)
    if not found:
        return [
            *problems,
            f"spec.maintenance_window: {window[:60]!r} does not have the form ddd:hh:mm-ddd:hh:mm (UTC), as sun:05:00-sun:05:30",
        ]
    minutes = (_minute(found, 4) - _minute(found, 1)) % (7 * 24 * 60)
    if minutes < _SHORTEST_WINDOW_MINUTES:
        problems.append(f"spec.maintenance_window: lasts {minutes} minutes; it must last {_SHORTEST_WINDOW_MINUTES} or more")
    return problems


def _minute(found: re.Match[str], first: int) -> int:
    return (_DAYS.index(found[first]) * 24 + int(found[first + 1])) * 60 + int(found[first + 2])


def parameter_problems(kind: Kind, parameters: Parameters) -> list[str]:
    """A group and values at once, and parameters that do not exist."""
    problems = []
    if parameters.group is not None and kind == "cluster":
        if parameters.values is not None:
            problems.append("spec.parameters: give a group of your own or values for the group that Autopilot makes, not both")
        if not _GROUP.fullmatch(parameters.group):
            problems.append(f"spec.parameters.group: {parameters.group[:60]!r} is not the name of a parameter group")
    for name, value in parameters.as_text().items():
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,99}", name) or (kind == "workgroup" and name not in _WORKGROUP_PARAMETERS):
            problems.append(f"spec.parameters.values: {name[:60]!r} is not a parameter of a {kind}")
        elif not value or len(value) > 8000:
            problems.append(f"spec.parameters.values.{name}: must have 1 to 8000 characters")
    return problems


def logging_problems(kind: Kind, logging: Logging | None) -> list[str]:
    """A destination that the kind does not have, and a bucket for none."""
    if logging is None:
        return []
    problems = []
    if kind == "workgroup" and logging.destination == "s3":
        problems.append("spec.logging.destination: a workgroup logs to cloudwatch, or to none")
    if kind == "cluster" and logging.destination != "s3":
        problems += [f"spec.logging.{field}: only for the destination s3" for field in ("bucket", "prefix") if getattr(logging, field)]
    if logging.bucket is not None and not _BUCKET.fullmatch(logging.bucket):
        problems.append(f"spec.logging.bucket: {logging.bucket[:80]!r} is not the name of a bucket")
    if logging.prefix is not None and not _PREFIX.fullmatch(logging.prefix):
        problems.append("spec.logging.prefix: only letters, digits and _ . : / = + \\ - @")
    if logging.destination != "none" and not logging.exports:
        problems.append("spec.logging.exports: name one log or more, or choose the destination none")
    if len(set(logging.exports)) < len(logging.exports):
        problems.append("spec.logging.exports: a log is given twice")
    return problems


def role_problems(roles: Roles | None) -> list[str]:
    """Roles whose ARN is none; more than AWS attaches. Source: management guide, quotas: 50 IAM roles."""
    if roles is None:
        return []
    problems = [f"spec.iam_roles: {arn[:80]!r} is not the ARN of an IAM role" for arn in roles.all if not _ROLE.fullmatch(arn)]
    return problems + ([f"spec.iam_roles: {len(roles.all)} roles; up to 50"] if len(roles.all) > 50 else [])


def tag_problems(tags: Mapping[str, str], fields: Mapping[str, str | None]) -> list[str]:
    """Tags that AWS refuses or that are Autopilot's own; `fields` become tags too."""
    problems = []
    if len(tags) > MAX_TAGS:
        problems.append(f"spec.tags: {len(tags)} tags; up to {MAX_TAGS}, as AWS takes 50 and eleven are Autopilot's own")
    for key, value in tags.items():
        if not 1 <= len(key) <= 128 or not TAG_PATTERN.fullmatch(key) or key.lower().startswith(("aws:", "autopilot:")):
            problems.append(f"spec.tags: key {key[:40]!r} is not allowed; 1 to 128 {TAG_CHARACTERS}, not aws: or autopilot:")
        if not fits_a_tag(value):
            problems.append(f"spec.tags.{key[:40]}: the value is not allowed; up to 256 {TAG_CHARACTERS}")
    return problems + [
        f"{path}: not allowed as a tag; up to 256 {TAG_CHARACTERS}" for path, text in fields.items() if text and not fits_a_tag(text)
    ]
