"""The house rules of `template.yaml`. Each rule is a function of the template and returns what breaks it, in words; nothing when it holds.

The template is read as it is written, before SAM transforms it: `Globals` are merged into each function, `!Ref x` becomes `{"Ref": "x"}`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Properties = dict[str, Any]
Rule = Callable[["Template"], list[str]]

OUTPUTS = (
    "ProvisionWarehouseArn",
    "PauseWarehouseArn",
    "ResumeWarehouseArn",
    "RunSqlArn",
    "BucketName",
    "TableName",
    "BusName",
    "TopicArn",
)
#: SAM events whose service invokes the function asynchronously, and the property under which each names its dead-letter queue.
ASYNC_EVENTS = {
    "SNS": "RedrivePolicy",
    "EventBridgeRule": "DeadLetterConfig",
    "CloudWatchEvent": "DeadLetterConfig",
    "Schedule": "DeadLetterConfig",
    "ScheduleV2": "DeadLetterConfig",
    "S3": None,
}
#: Protocols for which SNS has no dead-letter queue.
PEOPLE = {"email", "email-json", "sms"}


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms of functions."""


def _long_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any = None
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _long_form)


@dataclass(frozen=True)
class Template:
    """A template's text and what it says."""

    text: str
    body: dict[str, Any]

    @classmethod
    def parse(cls, text: str) -> Template:
        """Read YAML with CloudFormation's tags."""
        return cls(text, yaml.load(text, Loader=_Loader))  # noqa: S506  a SafeLoader with further tags

    @classmethod
    def read(cls, path: Path) -> Template:
        """Read a template file."""
        return cls.parse(path.read_text(encoding="utf-8"))

    def of_type(self, *types: str) -> dict[str, Properties]:
        """The properties of every resource of these types by logical id; for functions `Globals` are merged in."""
        found = {name: item for name, item in self.body["Resources"].items() if item["Type"] in types}
        return {name: self._merged(item) for name, item in found.items()}

    def _merged(self, resource: dict[str, Any]) -> Properties:
        own: Properties = resource.get("Properties") or {}
        shared = self.body.get("Globals", {}).get(resource["Type"].removeprefix("AWS::Serverless::"), {})
        return {**shared, **own} if resource["Type"].startswith("AWS::Serverless::") else own

    @property
    def functions(self) -> dict[str, Properties]:
        """Every Lambda function."""
        return self.of_type("AWS::Serverless::Function", "AWS::Lambda::Function")

    @property
    def machines(self) -> dict[str, Properties]:
        """Every workflow."""
        return self.of_type("AWS::Serverless::StateMachine")


def mentions(value: object, logical_id: str) -> bool:
    """Whether a value refers to a resource, by Ref, GetAtt or Sub."""
    text = json.dumps(value)
    return any(
        form in text for form in (f'"Ref": "{logical_id}"', f'"Fn::GetAtt": ["{logical_id}"', f"${{{logical_id}}}", f"${{{logical_id}.")
    )


def statements(value: object) -> Iterator[dict[str, Any]]:
    """Every IAM statement in a part of a template, at any depth."""
    match value:
        case {"Effect": _}:
            yield value  # type: ignore[misc]  # a mapping, as matched
        case dict():
            for inner in value.values():
                yield from statements(inner)
        case list():
            for inner in value:
                yield from statements(inner)


# --- Functions --------------------------------------------------------------------------------------------------------


def functions_run_on_the_runtime_of_the_house(template: Template) -> list[str]:
    """Every function is Python 3.13 on arm64, traced, bounded, and gets the layer."""
    broken = []
    for name, function in template.functions.items():
        expected = {"Runtime": "python3.13", "Architectures": ["arm64"], "Tracing": "Active"}
        broken += [f"{name}: {key} is {function.get(key)}, not {value}" for key, value in expected.items() if function.get(key) != value]
        broken += [f"{name}: no {key}" for key in ("Timeout", "MemorySize", "Layers") if key not in function]
    return broken


def functions_have_logs_that_expire(template: Template) -> list[str]:
    """Every function writes to a log group of the template that has a retention."""
    kept = {name for name, group in template.of_type("AWS::Logs::LogGroup").items() if group.get("RetentionInDays")}
    groups = template.of_type("AWS::Logs::LogGroup")
    broken = []
    for name, function in template.functions.items():
        chosen = function.get("LoggingConfig", {}).get("LogGroup")
        if not any(mentions(chosen, group) or _is_default_log_group(groups[group], name) for group in kept):
            broken.append(f"{name}: no log group with RetentionInDays")
    return broken


def _is_default_log_group(group: Properties, function: str) -> bool:
    return group.get("LogGroupName") == {"Fn::Sub": f"/aws/lambda/${{{function}}}"}


def log_groups_expire(template: Template) -> list[str]:
    """No log is kept, and paid for, for ever."""
    groups = template.of_type("AWS::Logs::LogGroup")
    return [f"{name}: no RetentionInDays" for name, group in groups.items() if not group.get("RetentionInDays")]


# --- Permissions ------------------------------------------------------------------------------------------------------


def actions_are_named(template: Template) -> list[str]:
    """Nobody is allowed an action by a pattern. A key's own policy must let its account administer it; denying may be as wide as it likes."""
    broken = []
    for name, resource in template.body["Resources"].items():
        for statement in statements(resource.get("Properties")):
            actions = statement.get("Action", [])
            wide = [action for action in ([actions] if isinstance(actions, str) else actions) if "*" in action]
            if statement["Effect"] == "Deny" or (resource["Type"] == "AWS::KMS::Key" and wide == ["kms:*"]):
                continue
            broken += [f"{name}: allows {action}" for action in wide]
            broken += [f"{name}: allows by {key}" for key in ("NotAction", "NotResource", "NotPrincipal") if key in statement]
    return broken


def wide_resources_have_a_reason(template: Template) -> list[str]:
    """`Resource: "*"` carries the reason in a comment on its line."""
    lines = template.text.splitlines()
    return [
        f'line {number + 1}: Resource "*" without a reason on the line'
        for number in _wide_resource_lines(yaml.compose(template.text, Loader=_Loader))
        if "#" not in lines[number]
    ]


def _wide_resource_lines(node: yaml.Node | None) -> Iterator[int]:
    if isinstance(node, yaml.SequenceNode):
        for inner in node.value:
            yield from _wide_resource_lines(inner)
    if not isinstance(node, yaml.MappingNode):
        return
    denies = any(key.value == "Effect" and value.value == "Deny" for key, value in node.value)
    for key, value in node.value:
        if key.value != "Resource" or denies:
            yield from _wide_resource_lines(value)
            continue
        listed = value.value if isinstance(value, yaml.SequenceNode) else [value]
        yield from (item.start_mark.line for item in listed if item.value == "*")


# --- Dead letters -----------------------------------------------------------------------------------------------------


def events_have_dead_letters(template: Template) -> list[str]:
    """Whatever a rule, a schedule or a subscription cannot deliver is kept in a queue."""
    broken = []
    for name, rule in template.of_type("AWS::Events::Rule").items():
        broken += [f"{name}: target {target.get('Id')} without DeadLetterConfig" for target in rule["Targets"] if not _queue(target)]
    for name, schedule in template.of_type("AWS::Scheduler::Schedule").items():
        broken += [f"{name}: without Target.DeadLetterConfig"] * (not _queue(schedule["Target"]))
    for name, subscription in template.of_type("AWS::SNS::Subscription").items():
        if subscription.get("Protocol") not in PEOPLE and "deadLetterTargetArn" not in subscription.get("RedrivePolicy", {}):
            broken.append(f"{name}: without RedrivePolicy.deadLetterTargetArn")
    return broken + _sam_events_without_dead_letters(template)


def _queue(target: Properties) -> bool:
    config = target.get("DeadLetterConfig", {})
    return "Arn" in config or config.get("Type") == "SQS"


def _sam_events_without_dead_letters(template: Template) -> list[str]:
    broken = []
    for name, owner in (template.functions | template.machines).items():
        for event_name, event in owner.get("Events", {}).items():
            key = ASYNC_EVENTS.get(event["Type"])
            if key is not None and not event["Properties"].get(key):
                broken.append(f"{name}: event {event_name} without {key}")
    return broken


def asynchronous_functions_have_dead_letters(template: Template) -> list[str]:
    """What a function that nobody waits for could not do is kept in a queue or sent on."""
    broken = []
    for name in sorted(asynchronous_functions(template)):
        function = template.functions[name]
        on_failure = function.get("EventInvokeConfig", {}).get("DestinationConfig", {}).get("OnFailure")
        if not (function.get("DeadLetterQueue") or on_failure or _separate_destination(template, name)):
            broken.append(f"{name}: is invoked asynchronously without DeadLetterQueue or OnFailure destination")
    return broken


def asynchronous_functions(template: Template) -> set[str]:
    """The functions that a rule, a schedule, a topic or a bucket invokes."""
    sources = [
        *template.of_type("AWS::Events::Rule").values(),
        *template.of_type("AWS::Scheduler::Schedule").values(),
        *(item for item in template.of_type("AWS::SNS::Subscription").values() if item.get("Protocol") == "lambda"),
    ]
    functions = template.functions
    own = {name for name, item in functions.items() if any(e["Type"] in ASYNC_EVENTS for e in item.get("Events", {}).values())}
    return own | {name for name in functions if any(mentions(source, name) for source in sources)}


def _separate_destination(template: Template, function: str) -> bool:
    configs = template.of_type("AWS::Lambda::EventInvokeConfig").values()
    return any(mentions(item["FunctionName"], function) and item.get("DestinationConfig", {}).get("OnFailure") for item in configs)


# --- Data -------------------------------------------------------------------------------------------------------------


def buckets_are_closed(template: Template) -> list[str]:
    """Every bucket is private, encrypted and versioned, and answers over TLS only."""
    broken = []
    for name, bucket in template.of_type("AWS::S3::Bucket").items():
        block = bucket.get("PublicAccessBlockConfiguration", {})
        doors = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
        broken += [f"{name}: {door} is not true" for door in doors if block.get(door) is not True]
        if bucket.get("VersioningConfiguration", {}).get("Status") != "Enabled":
            broken.append(f"{name}: is not versioned")
        if not bucket.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration"):
            broken.append(f"{name}: is not encrypted")
        if not any(_denies_plain_http(policy, name) for policy in template.of_type("AWS::S3::BucketPolicy").values()):
            broken.append(f"{name}: no policy denies requests without TLS")
    return broken


def _denies_plain_http(policy: Properties, bucket: str) -> bool:
    if not mentions(policy["Bucket"], bucket):
        return False
    refused = ({"aws:SecureTransport": "false"}, {"aws:SecureTransport": False})
    return any(
        statement["Effect"] == "Deny"
        and statement.get("Action") == "s3:*"
        and statement.get("Condition", {}).get("Bool") in refused
        and "/*" in json.dumps(statement["Resource"])
        for statement in statements(policy)
    )


def schedules_are_named_after_the_stack(template: Template) -> list[str]:
    """A schedule's name is its own in an account: without one SAM takes the logical id, and a second stack cannot be deployed."""
    return [
        f"{name}: schedule {event_name} has no Name with the stack's in it"
        for name, owner in (template.functions | template.machines).items()
        for event_name, event in owner.get("Events", {}).items()
        if event["Type"] == "ScheduleV2" and not mentions(event["Properties"].get("Name"), "AWS::StackName")
    ]


def outputs_are_complete(template: Template) -> list[str]:
    """People and tests find the product by these outputs."""
    return [f"no output {name}" for name in OUTPUTS if name not in template.body.get("Outputs", {})]


RULES: list[Rule] = [
    functions_run_on_the_runtime_of_the_house,
    functions_have_logs_that_expire,
    log_groups_expire,
    actions_are_named,
    wide_resources_have_a_reason,
    events_have_dead_letters,
    asynchronous_functions_have_dead_letters,
    buckets_are_closed,
    schedules_are_named_after_the_stack,
    outputs_are_complete,
]
