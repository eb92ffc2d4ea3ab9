"""CloudFormation resource types that ministack lacks, or whose properties it drops though they have an effect.

Each handler does what CloudFormation does: it calls the service's own API, and a refusal of the service fails the resource.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError
from ministack.services import dynamodb, eventbridge, lambda_svc, s3, scheduler, sns
from ministack.services.cloudformation import provisioners, stacks

from sandbox.clients import OBSERVER, client
from sandbox.hosting import conditions

Json = dict[str, Any]
Created = tuple[str, Json]

_HANDLERS = provisioners._RESOURCE_HANDLERS


def register(endpoint: str) -> None:
    """Make the resource types known, once per process; `endpoint` is where the Redshift services answer."""
    _provision_redshift_on_worker_threads()
    _redshift_types(lambda: client(endpoint, "redshift", attempts=3, user_agent=OBSERVER))
    conditions.register()
    _event_bus_policy()
    _schedule()
    _after("AWS::Lambda::Function", _configure_function)
    _after("AWS::DynamoDB::Table", _configure_table)
    _before("AWS::S3::Bucket", "delete", _refuse_to_delete_a_full_bucket)
    _before("AWS::SNS::Subscription", "create", _refuse_an_unknown_topic)


# Redshift


def _provision_redshift_on_worker_threads() -> None:
    """These handlers wait for an answer of this same server, which its event loop could not give while it runs them."""
    known = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda resource_type: resource_type.startswith("AWS::Redshift::") or known(resource_type)


def _redshift_types(redshift: Callable[[], Any]) -> None:
    _HANDLERS["AWS::Redshift::EventSubscription"] = _crud(
        name=lambda _logical_id, props, _stack: props["SubscriptionName"],
        create=lambda name, props: redshift().create_event_subscription(**_subscription(name, props)),
        update=lambda name, props: redshift().modify_event_subscription(**_without(_subscription(name, props), "Tags")),
        delete=lambda name: redshift().delete_event_subscription(SubscriptionName=name),
        replaced_by=("SubscriptionName",),
    )
    _HANDLERS["AWS::Redshift::ClusterParameterGroup"] = _crud(
        name=lambda logical_id, props, stack: props.get("ParameterGroupName") or _lower_name(stack, logical_id),
        create=lambda name, props: _create_parameter_group(redshift(), name, props),
        update=lambda name, props: _set_parameters(redshift(), name, props, reset=True),
        delete=lambda name: redshift().delete_cluster_parameter_group(ParameterGroupName=name),
        replaced_by=("ParameterGroupName", "ParameterGroupFamily", "Description"),
    )
    _HANDLERS["AWS::Redshift::ClusterSubnetGroup"] = _crud(
        name=lambda logical_id, _props, stack: _lower_name(stack, logical_id),
        create=lambda name, props: redshift().create_cluster_subnet_group(**_subnet_group(name, props), Tags=props.get("Tags", [])),
        update=lambda name, props: redshift().modify_cluster_subnet_group(**_subnet_group(name, props)),
        delete=lambda name: redshift().delete_cluster_subnet_group(ClusterSubnetGroupName=name),
        replaced_by=(),
    )


def _crud(
    *,
    name: Callable[[str, Json, str], str],
    create: Callable[[str, Json], Any],
    update: Callable[[str, Json], Any],
    delete: Callable[[str], Any],
    replaced_by: tuple[str, ...],
) -> Json:
    """A resource handler from the service's calls. A change of a property in `replaced_by` makes a new resource."""

    def on_create(logical_id: str, props: Json, stack: str) -> Created:
        physical_id = name(logical_id, props, stack)
        create(physical_id, props)
        return physical_id, {}

    def on_update(physical_id: str, old: Json, new: Json, stack: str, logical_id: str) -> Created:
        if all(old.get(member) == new.get(member) for member in replaced_by):
            update(physical_id, new)
            return physical_id, {}
        successor = name(logical_id, new, stack)
        if successor == physical_id:
            raise ValueError(f"{physical_id}: this change needs a replacement, and the name must change with it")
        create(successor, new)
        delete(physical_id)
        return successor, {}

    def on_delete(physical_id: str, _: Json) -> None:
        try:
            delete(physical_id)
        except ClientError as error:
            if "NotFound" not in error.response["Error"]["Code"]:
                raise

    return {"create": on_create, "update": on_update, "update_with_logical_id": True, "delete": on_delete}


def _lower_name(stack: str, logical_id: str) -> str:
    return str(provisioners._physical_name(stack, logical_id, lowercase=True, max_len=255))


def _without(values: Json, name: str) -> Json:
    return {key: value for key, value in values.items() if key != name}


def _subscription(name: str, props: Json) -> Json:
    members = ("SnsTopicArn", "SourceType", "SourceIds", "EventCategories", "Severity", "Enabled", "Tags")
    request = {member: props[member] for member in members if member in props}
    if "Enabled" in request:
        request["Enabled"] = provisioners._cfn_bool(request["Enabled"])
    return {"SubscriptionName": name, **request}


def _create_parameter_group(redshift: Any, name: str, props: Json) -> None:
    redshift.create_cluster_parameter_group(
        ParameterGroupName=name,
        ParameterGroupFamily=props["ParameterGroupFamily"],
        Description=props["Description"],
        Tags=props.get("Tags", []),
    )
    _set_parameters(redshift, name, props, reset=False)


def _set_parameters(redshift: Any, name: str, props: Json, *, reset: bool) -> None:
    if reset:
        redshift.reset_cluster_parameter_group(ParameterGroupName=name, ResetAllParameters=True)
    if parameters := props.get("Parameters"):
        wanted = [{"ParameterName": p["ParameterName"], "ParameterValue": str(p["ParameterValue"])} for p in parameters]
        redshift.modify_cluster_parameter_group(ParameterGroupName=name, Parameters=wanted)


def _subnet_group(name: str, props: Json) -> Json:
    return {"ClusterSubnetGroupName": name, "Description": props["Description"], "SubnetIds": props["SubnetIds"]}


# EventBridge


def _event_bus_policy() -> None:
    def create(_logical_id: str, props: Json, _stack: str) -> Created:
        bus = props.get("EventBusName", "default")
        statement = props.get("Statement") or {
            "Principal": {"AWS": props["Principal"]} if props.get("Principal") != "*" else "*",
            "Action": props["Action"],
            **({"Condition": props["Condition"]} if "Condition" in props else {}),
        }
        _accept(eventbridge._put_permission({**statement, "EventBusName": bus, "StatementId": props["StatementId"]}))
        return f"{bus}|{props['StatementId']}", {}

    def delete(physical_id: str, _props: Json) -> None:
        bus, _, statement_id = physical_id.rpartition("|")
        eventbridge._remove_permission({"EventBusName": bus, "StatementId": statement_id})

    def update(physical_id: str, old: Json, new: Json, stack: str) -> Created:
        delete(physical_id, old)
        return create("", new, stack)

    _HANDLERS["AWS::Events::EventBusPolicy"] = {"create": create, "update": update, "delete": delete}


def _schedule() -> None:
    """Take every member: ministack's handler drops the time zone, start, end and key of a schedule, and goes on when the service refuses it."""
    members = (
        "ScheduleExpression",
        "ScheduleExpressionTimezone",
        "FlexibleTimeWindow",
        "Target",
        "State",
        "Description",
        "StartDate",
        "EndDate",
        "KmsKeyArn",
        "GroupName",
    )

    def request(props: Json) -> Json:
        wanted = {member: props[member] for member in members if member in props}
        if isinstance(wanted.get("Target", {}).get("Input"), dict):
            wanted["Target"] = {**wanted["Target"], "Input": json.dumps(wanted["Target"]["Input"])}
        return wanted

    def attributes(name: str, props: Json) -> Json:
        return {"Arn": scheduler._schedule_arn(props.get("GroupName", "default"), name)}

    def create(logical_id: str, props: Json, stack: str) -> Created:
        name = props.get("Name") or provisioners._physical_name(stack, logical_id, max_len=64)
        _accept(scheduler._create_schedule(name, request(props)))
        return name, attributes(name, props)

    def update(physical_id: str, old: Json, new: Json, stack: str, logical_id: str) -> Created:
        if any(old.get(member) != new.get(member) for member in ("Name", "GroupName")):
            created = create(logical_id, new, stack)
            delete(physical_id, old)
            return created
        _accept(scheduler._update_schedule(physical_id, request(new)))
        return physical_id, attributes(physical_id, new)

    def delete(physical_id: str, props: Json) -> None:
        scheduler._delete_schedule(physical_id, {"groupName": props.get("GroupName", "default")})

    _HANDLERS["AWS::Scheduler::Schedule"] = {"create": create, "update": update, "update_with_logical_id": True, "delete": delete}


# What ministack's handlers leave out


def _after(resource_type: str, configure: Callable[[str, Json], None]) -> None:
    """Apply the properties that the present handler leaves out, after it created or updated the resource."""
    handler = _HANDLERS[resource_type]
    create, update = handler["create"], handler["update"]

    def on_create(logical_id: str, props: Json, stack: str) -> Created:
        physical_id, attributes = create(logical_id, props, stack)
        configure(physical_id, props)
        return physical_id, attributes

    def on_update(old_id: str, old: Json, new: Json, *place: str) -> Created:
        physical_id, attributes = update(old_id, old, new, *place)
        configure(physical_id, new)
        return physical_id, attributes

    handler.update(create=on_create, update=on_update)


def _before(resource_type: str, action: str, check: Callable[..., None]) -> None:
    handler = _HANDLERS[resource_type]
    known = handler[action]

    def checked(*arguments: Any) -> Any:
        check(*arguments)
        return known(*arguments)

    handler[action] = checked


def _configure_function(name: str, props: Json) -> None:
    """Dead-letter queue and reserved concurrency."""
    function = lambda_svc._functions[name]
    if target := (props.get("DeadLetterConfig") or {}).get("TargetArn"):
        function["config"]["DeadLetterConfig"] = {"TargetArn": target}
    else:
        function["config"].pop("DeadLetterConfig", None)
    reserved = props.get("ReservedConcurrentExecutions")
    function["concurrency"] = None if reserved is None else int(reserved)


def _configure_table(name: str, props: Json) -> None:
    """Time to live, point-in-time recovery and encryption."""
    ttl = props.get("TimeToLiveSpecification")
    if ttl:
        enabled = provisioners._cfn_bool(ttl.get("Enabled", True))
        specification = {"AttributeName": ttl.get("AttributeName", ""), "Enabled": enabled}
        _accept(dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": specification}))
    recovery = (props.get("PointInTimeRecoverySpecification") or {}).get("PointInTimeRecoveryEnabled", False)
    specification = {"PointInTimeRecoveryEnabled": provisioners._cfn_bool(recovery)}
    _accept(dynamodb._update_continuous_backups({"TableName": name, "PointInTimeRecoverySpecification": specification}))
    if encryption := props.get("SSESpecification"):
        # CloudFormation says SSEEnabled where the API says Enabled.
        request = {**_without(encryption, "SSEEnabled"), "Enabled": provisioners._cfn_bool(encryption.get("SSEEnabled", False))}
        dynamodb._tables[name]["SSEDescription"] = dynamodb._sse_description_from_spec(request)


def _refuse_to_delete_a_full_bucket(physical_id: str, _props: Json) -> None:
    bucket = s3._buckets.get(physical_id)
    if bucket and bucket["objects"]:
        raise ValueError(f"The bucket you tried to delete is not empty: {physical_id}")


def _refuse_an_unknown_topic(_logical_id: str, props: Json, _stack: str) -> None:
    if sns._topic_by_arn_any_scope(props.get("TopicArn", "")) is None:
        raise ValueError(f"Topic does not exist: {props.get('TopicArn')}")


def _accept(answer: tuple[int, Any, bytes]) -> None:
    """Fail the resource with the service's own words when the service refused."""
    status, _, body = answer
    if status >= 400:
        refusal = json.loads(body)
        raise ValueError(f"{refusal.get('__type')}: {refusal.get('message') or refusal.get('Message')}")
