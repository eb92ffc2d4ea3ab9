"""Every way in which a spec can be wrong is told in words: the path of the field, what was wrong, and what is allowed."""

from __future__ import annotations

import re
from typing import Any

import pytest

from autopilot.domain.errors import InvalidInput
from autopilot.domain.requests import cluster_request
from autopilot.domain.spec import parse_spec
from tests.unit.builders import EXECUTION

FIELDS = (
    "external_schemas, schemas, roles, groups, users, views, materialized_views, streams, integrations, datashares, grants, "
    "row_level_security, masking, prune, name, kind, environment, compute, database, network, encryption, backups, maintenance_window, parameters, logging, alarms, "
    "schedule, iam_roles, budget, tags, protect"
)
NO_DATABASE = "is not allowed; lowercase letters, digits and underscores, not starting with a digit"
NO_CLUSTER = "1 to 63 lowercase letters, digits and single hyphens, starting with a letter and not ending with a hyphen"
NO_WINDOW = "does not have the form ddd:hh:mm-ddd:hh:mm (UTC), as sun:05:00-sun:05:30"
TAG_TEXT = "letters, digits, spaces and . : / = + - @ _"


def of(**fields: Any) -> dict[str, Any]:
    return {"name": "a", **fields}


def adhoc(**fields: Any) -> dict[str, Any]:
    return {"name": "adhoc", "kind": "workgroup", **fields}


def limit(**fields: Any) -> dict[str, Any]:
    return {"usage_limits": [{"feature": "spectrum", "amount": 1, **fields}]}


def refusal(data: object) -> str:
    with pytest.raises(InvalidInput) as refused:
        parse_spec(data)
    return str(refused.value)


BAD: list[tuple[object, str]] = [
    # what is no spec at all
    (None, "spec: Expected `object`, got `null`"),
    ([], "spec: Expected `object`, got `array`"),
    ({}, f"spec: Object missing required field `name`. Allowed fields: {FIELDS}"),
    (of(nodes=2), f"spec: Object contains unknown field `nodes`. Allowed fields: {FIELDS}"),
    (of(password="secret"), f"spec: Object contains unknown field `password`. Allowed fields: {FIELDS}"),
    # name, kind and database
    ({"name": "Analytics"}, f"spec.name: 'Analytics' is not allowed for a cluster; {NO_CLUSTER}"),
    ({"name": "a--b"}, f"spec.name: 'a--b' is not allowed for a cluster; {NO_CLUSTER}"),
    ({"name": "ab", "kind": "workgroup"}, "spec.name: 'ab' is not allowed for a workgroup; 3 to 64 lowercase letters, digits and hyphens"),
    ({"name": "a'; DROP TABLE x; --"}, f'spec.name: "a\'; DROP TABLE x; --" is not allowed for a cluster; {NO_CLUSTER}'),
    ({"name": "../../etc"}, f"spec.name: '../../etc' is not allowed for a cluster; {NO_CLUSTER}"),
    (of(kind="lake"), "spec.kind: Invalid enum value 'lake'"),
    (of(database=""), "spec.database: Expected `str` of length >= 1"),
    (of(database="Dev"), f"spec.database: 'Dev' {NO_DATABASE}"),
    (of(database="1st"), f"spec.database: '1st' {NO_DATABASE}"),
    (of(database="dev\n"), f"spec.database: 'dev\\n' {NO_DATABASE}"),
    # compute
    (of(compute={"nodes": 0}), "spec.compute.nodes: Expected `int` >= 1"),
    (of(compute={"nodes": 129}), "spec.compute.nodes: Expected `int` <= 128"),
    (of(compute={"nodes": "2"}), "spec.compute.nodes: Expected `int | null`, got `str`"),
    (of(compute={"cpus": 2}), "spec.compute: Object contains unknown field `cpus`"),
    (of(compute={"node_type": "large"}), "spec.compute.node_type: 'large' does not have the form of a node type such as ra3.large"),
    (of(compute={"multi_az": True}), "spec.compute.multi_az: needs nodes of 2 or more, and there is 1"),
    (
        of(compute={"base_rpu": 8}),
        "spec.compute.base_rpu: belongs to a workgroup; a cluster takes node_type, nodes, multi_az",
    ),
    (
        adhoc(compute={"node_type": "dc2.large"}),
        "spec.compute.node_type: belongs to a cluster; a workgroup takes base_rpu, max_rpu, price_performance_target",
    ),
    (adhoc(compute={"base_rpu": 20}), "spec.compute.base_rpu: 20 is not allowed; 4, or a multiple of 8 up to 1024"),
    (adhoc(compute={"base_rpu": 64, "max_rpu": 32}), "spec.compute.max_rpu: 32 is below base_rpu 64"),
    (adhoc(compute={"max_rpu": 4}), "spec.compute.max_rpu: 4 is below base_rpu 8"),
    (adhoc(compute={"max_rpu": 65}), "spec.compute.max_rpu: 65 is not allowed; 4, or a multiple of 8 up to 5632"),
    (adhoc(compute={"price_performance_target": 60}), "spec.compute.price_performance_target: Invalid enum value 60"),
    (
        adhoc(compute={"price_performance_target": 50, "base_rpu": 8}),
        "spec.compute.base_rpu: cannot be given with price_performance_target, which chooses the capacity by itself",
    ),
    (of(compute=limit(amount=0)), "spec.compute.usage_limits[0].amount: Expected `int` >= 1"),
    (
        of(compute=limit(feature="serverless-compute")),
        (
            "spec.compute.usage_limits: a cluster has no feature serverless-compute; it has spectrum, concurrency-scaling, "
            "cross-region-datasharing, extra-compute-for-automatic-optimization"
        ),
    ),
    (
        adhoc(compute=limit(feature="serverless-compute", breach_action="disable")),
        "spec.compute.usage_limits: disable is not allowed for a workgroup; it takes log, emit-metric, deactivate",
    ),
    (of(compute={"usage_limits": limit()["usage_limits"] * 2}), "spec.compute.usage_limits: spectrum/monthly is given twice"),
    # network
    (
        of(network={"subnet_ids": ["subnet-1"]}),
        "spec.network.subnet_ids: belongs to a workgroup; a cluster takes subnet_group, elastic_ip, availability_zone, zone_relocation",
    ),
    (adhoc(network={"subnet_group": "private"}), "spec.network.subnet_group: belongs to a cluster; a workgroup takes subnet_ids"),
    (adhoc(network={"subnet_ids": ["net"]}), "spec.network.subnet_ids: 'net' is not a subnet id"),
    (of(network={"security_group_ids": ["sg-1;x"]}), "spec.network.security_group_ids: 'sg-1;x' is not a security group id"),
    (
        of(network={"allow_from": ["10.0.0.1/16"]}),
        "spec.network.allow_from: '10.0.0.1/16' is not a security group id or a CIDR such as 10.0.0.0/16 (host bits are set)",
    ),
    (
        of(network={"allow_from": ["office"]}),
        "spec.network.allow_from: 'office' is not a security group id or a CIDR such as 10.0.0.0/16 (no address)",
    ),
    (
        of(network={"allow_from": ["0.0.0.0/0"]}),
        "spec.network.allow_from: 0.0.0.0/0 lets everybody in; it needs public: true and a public_reason",
    ),
    (of(network={"allow_from": ["::/0"]}), "spec.network.allow_from: ::/0 lets everybody in; it needs public: true and a public_reason"),
    (of(network={"allow_from": ["sg-1", "sg-1"]}), "spec.network.allow_from: sg-1 is given twice"),
    (of(network={"public": True}), "spec.network.public: needs a public_reason, as anybody on the internet could try to sign in"),
    (of(network={"port": 3306}), "spec.network.port: 3306 is not allowed; 5431 to 5455 or 8191 to 8215"),
    (of(network={"elastic_ip": "1.2.3.4"}), "spec.network.elastic_ip: needs public: true"),
    (
        of(compute={"nodes": 2, "multi_az": True}, network={"availability_zone": "us-east-1a"}),
        "spec.network.availability_zone: cannot be given with compute.multi_az, which uses two zones",
    ),
    (
        of(compute={"nodes": 2, "multi_az": True}, network={"zone_relocation": True}),
        "spec.network.zone_relocation: cannot be given with compute.multi_az, which fails over by itself",
    ),
    # encryption, backups, maintenance
    (of(encryption={"kms_key": "my key"}), "spec.encryption.kms_key: 'my key' is not a KMS key's ARN, id or alias"),
    (of(encryption={"enabled": False}), "spec.encryption: Object contains unknown field `enabled`"),
    (of(backups={"automated_days": 0}), "spec.backups.automated_days: Expected `int` >= 1"),
    (of(backups={"automated_days": 36}), "spec.backups.automated_days: Expected `int` <= 35"),
    (of(backups={"manual_days": 0}), "spec.backups.manual_days: 0 is not allowed; 1 to 3653 days, or -1 for ever"),
    (adhoc(backups={"automated_days": 3}), "spec.backups.automated_days: belongs to a cluster; a workgroup has no such setting"),
    (of(maintenance_window="sunday"), f"spec.maintenance_window: 'sunday' {NO_WINDOW}"),
    (of(maintenance_window="sun:25:00-sun:26:00"), f"spec.maintenance_window: 'sun:25:00-sun:26:00' {NO_WINDOW}"),
    (of(maintenance_window="sun:05:00-sun:05:10"), "spec.maintenance_window: lasts 10 minutes; it must last 30 or more"),
    (adhoc(maintenance_window="sun:05:00-sun:05:30"), "spec.maintenance_window: belongs to a cluster; a workgroup has no such setting"),
    # parameters, logging, roles
    (
        of(parameters={"group": "mine", "values": {"require_ssl": True}}),
        "spec.parameters: give a group of your own or values for the group that Autopilot makes, not both",
    ),
    (of(parameters={"group": "Mine!"}), "spec.parameters.group: 'Mine!' is not the name of a parameter group"),
    (of(parameters={"values": {"Require-SSL": True}}), "spec.parameters.values: 'Require-SSL' is not a parameter of a cluster"),
    (
        adhoc(parameters={"values": {"statement_timeout": 5}}),
        "spec.parameters.values: 'statement_timeout' is not a parameter of a workgroup",
    ),
    (adhoc(parameters={"group": "mine"}), "spec.parameters.group: belongs to a cluster; a workgroup has no such setting"),
    (adhoc(logging={"destination": "s3"}), "spec.logging.destination: a workgroup logs to cloudwatch, or to none"),
    (of(logging={"destination": "cloudwatch", "bucket": "logs"}), "spec.logging.bucket: only for the destination s3"),
    (of(logging={"destination": "s3", "bucket": "Logs"}), "spec.logging.bucket: 'Logs' is not the name of a bucket"),
    (of(logging={"destination": "s3", "exports": []}), "spec.logging.exports: name one log or more, or choose the destination none"),
    (of(logging={"destination": "kafka"}), "spec.logging.destination: Invalid enum value 'kafka'"),
    (of(iam_roles={"arns": ["admin"]}), "spec.iam_roles: 'admin' is not the ARN of an IAM role"),
    # tags and what becomes one
    (of(tags={"team": 1}), "spec.tags[...]: Expected `str`, got `int`"),
    (of(tags={"a": "x" * 257}), f"spec.tags.a: the value is not allowed; up to 256 {TAG_TEXT}"),
    (of(tags={"a": "{x}"}), f"spec.tags.a: the value is not allowed; up to 256 {TAG_TEXT}"),
    (of(environment="dev;prod"), f"spec.environment: not allowed as a tag; up to 256 {TAG_TEXT}"),
    (of(schedule="[office]"), f"spec.schedule: not allowed as a tag; up to 256 {TAG_TEXT}"),
    (
        of(tags={f"t{number}": "x" for number in range(40)}),
        "spec.tags: 40 tags; up to 39, as AWS takes 50 and eleven are Autopilot's own",
    ),
    *(
        (of(tags={key: "x"}), f"spec.tags: key {key[:40]!r} is not allowed; 1 to 128 {TAG_TEXT}, not aws: or autopilot:")
        for key in ("autopilot:managed", "AWS:x", "", "a" * 129, "a[b]", "a;b")
    ),
    # what the other parts of the product judge
    (
        of(alarms={"queries_queued": 5}),
        (
            "spec.alarms.queries_queued: belongs to a workgroup; a cluster takes cpu_percent, connections_percent, disk_percent, "
            "queue_wait_seconds, commit_queue, connections_limit"
        ),
    ),
    (of(budget={"amount": 1.234}), "spec.budget.amount: 1.234 is not allowed; an amount has at most two decimals"),
]


@pytest.mark.parametrize(("data", "message"), BAD, ids=[message[:60] for _, message in BAD])
def test_wrong_spec_is_told_by_path_and_expectation(data: object, message: str) -> None:
    assert refusal(data) == message


def test_every_contradiction_is_told_at_once() -> None:
    bad = {
        "name": "Big",
        "compute": {"node_type": "large", "nodes": 1, "multi_az": True, "max_rpu": 16},
        "network": {"public": True, "port": 3306, "security_group_ids": ["sg"], "allow_from": ["all"]},
        "maintenance_window": "never",
        "backups": {"manual_days": 0},
        "logging": {"destination": "none", "bucket": "logs"},
        "iam_roles": {"default": "me"},
        "tags": {"aws:a": "b"},
    }
    told = re.split(r"; (?=spec\.)", refusal(bad))
    assert [problem.removeprefix("spec.").split(":")[0] for problem in told] == [
        "name",
        "compute.max_rpu",
        "compute.node_type",
        "compute.multi_az",
        "network.security_group_ids",
        "network.allow_from",
        "network.public",
        "network.port",
        "backups.manual_days",
        "maintenance_window",
        "logging.bucket",
        "iam_roles",
        "tags",
    ]


def test_tags_leave_room_for_the_eleven_that_autopilot_may_add() -> None:
    most = of(tags={f"t{number}": "x" for number in range(39)}, protect=True, schedule="office", environment="dev")
    # hold, hold-until, last-action, last-reason and next-action come later.
    assert len(cluster_request(parse_spec(most), EXECUTION)["Tags"]) == 50 - 5


@pytest.mark.parametrize(
    "data",
    [
        of(network={"allow_from": ["0.0.0.0/0"], "public": True, "public_reason": "a demo"}),
        of(network={"port": 1234}, compute={"node_type": "dc2.large"}),
        of(maintenance_window="sun:23:45-mon:00:15"),
        adhoc(compute={"base_rpu": 4, "max_rpu": 4}),
        adhoc(compute={"price_performance_target": 1, "max_rpu": 4}),
        of(parameters={"values": {"wlm_json_configuration": "[]"}}),
        of(logging={"destination": "none", "exports": []}),
    ],
)
def test_what_looks_odd_and_is_allowed_is_taken(data: dict[str, Any]) -> None:
    assert parse_spec(data).name == data["name"]
