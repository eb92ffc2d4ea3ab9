"""Where ministack 1.5.33 differs from AWS in a way the product would notice: one function each, all put in place by `apply`.

Every patch replaces a name inside ministack, so an upgrade can make it wrong or needless. tests/sandbox/test_fidelity.py holds
each of them to what AWS does.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from contextvars import copy_context
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from botocore.model import ListShape, ServiceModel, Shape, StructureShape
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from botocore.session import get_session
from ministack import app
from ministack.core import iam_evaluator, lambda_runtime
from ministack.core.responses import error_response_json, get_account_id, get_region, parse_arn, request_scope
from ministack.services import cloudwatch, eventbridge, lambda_svc, scheduler, sns, sqs
from ministack.services import stepfunctions as sfn

from sandbox.hosting import alarm_state, gateway, task_state
from sandbox.hosting.ports import put_metrics
from sandbox.kernel import ApiError
from sandbox.world import World

Json = dict[str, Any]

_PAYLOAD_BYTES = 262_144


def apply(world: World) -> None:
    """Put every patch in place, once per process, before the first request."""
    lambda_errors()
    lambda_environment()
    lambda_workers_end_with_the_host()
    lambda_asynchronous_invocations()
    lambda_embedded_metrics()
    task_states()
    parallel_branches()
    error_names_that_match()
    succeed_output()
    execution_input()
    execution_ends_once()
    execution_status_events(world)
    direct_integrations(world)
    redshift_integrations()
    put_object_integration()
    rule_targets()
    schedules()
    secure_transport()
    alarms()


# Lambda


def lambda_errors() -> None:
    """AWS reports a failed invocation with the exception's class name, message and stack trace.

    ministack's worker sends only the message and names every error `Runtime.HandlerError`.
    """
    handler_failure = 'json.dumps({"status": "error", "error": str(e), "trace": traceback.format_exc()})'
    init_failure = 'json.dumps({"status": "error", "error": str(e)})'
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    for text in (handler_failure, init_failure):
        if script.count(text) != 1:
            raise RuntimeError("ministack's Lambda worker has changed: review fidelity.lambda_errors")
    described = '"type": type(e).__name__, "stack": traceback.format_tb(e.__traceback__)'
    script = script.replace(handler_failure, handler_failure.replace('"trace"', f'{described}, "trace"'))
    init_described = '"error": "\\t".join(["init", type(e).__name__, str(e)])'
    script = script.replace(init_failure, init_failure.replace('"error": str(e)', init_described))
    lambda_runtime._PYTHON_WORKER_SCRIPT = script

    failures = threading.local()
    invoke, execute = lambda_runtime.Worker.invoke, lambda_svc._execute_function_warm

    def remember(worker: Any, *args: Any, **kwargs: Any) -> Json:
        result: Json = invoke(worker, *args, **kwargs)
        failures.last = result if result.get("type") else None
        return result

    def execute_warm(function: Json, event: Any, request_id: str) -> Json:
        failures.last = None
        result: Json = execute(function, event, request_id)
        if result.get("error") and isinstance(result.get("body"), dict):
            result["body"] = _error_payload(result["body"], failures.last, request_id)
        return result

    lambda_runtime.Worker.invoke = remember
    lambda_svc._execute_function_warm = execute_warm


def _error_payload(body: Json, failure: Json | None, request_id: str) -> Json:
    if failure is not None:
        return {
            "errorMessage": failure["error"],
            "errorType": failure["type"],
            "requestId": request_id,
            "stackTrace": failure["stack"],
        }
    if match := re.search(r"init\t(\w+)\t(.*)", str(body.get("errorMessage")), re.DOTALL):
        kind = "Runtime.ImportModuleError" if match[1] in ("ImportError", "ModuleNotFoundError") else match[1]
        return {"errorMessage": match[2], "errorType": kind, "requestId": request_id, "stackTrace": []}
    return body


def lambda_environment() -> None:
    """On AWS a function sees its own variables and Lambda's; ministack hands it the environment of the whole server.

    That would let a function find the sandbox's modules (PYTHONPATH), settings and this machine's home folder.
    """
    spawn = subprocess.Popen

    def popen(command: list[str], *, env: dict[str, str] | None = None, **options: Any) -> subprocess.Popen[Any]:
        if env is not None:
            # The worker sets the function's own variables again after its start, so this never takes one of them away.
            env = {name: value for name, value in env.items() if name not in os.environ or name in ("PATH", "LANG", "TMPDIR")}
            # This machine may have AWS profiles; a function on AWS has none.
            env |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true"}
        return spawn(command, env=env, **options)

    lambda_runtime.subprocess = SimpleNamespace(**{**vars(subprocess), "Popen": popen})


_WATCH_THE_HOST = """
import os, threading, time

def _end_with_the_host(host):
    while os.getppid() == host:
        time.sleep(0.5)
    os._exit(1)

threading.Thread(target=_end_with_the_host, args=(os.getppid(),), daemon=True).start()
"""


def lambda_workers_end_with_the_host() -> None:
    """A worker whose function runs when the host is killed would run on until the function returns; here it ends at once."""
    lambda_runtime._PYTHON_WORKER_SCRIPT = _WATCH_THE_HOST + lambda_runtime._PYTHON_WORKER_SCRIPT


def lambda_asynchronous_invocations() -> None:
    """SNS and EventBridge invoke asynchronously: two retries, then the function's dead-letter queue gets the event itself.

    They may only when the function's policy allows it; SNS gives what it cannot deliver to the subscription's dead-letter
    queue. ministack runs the function once, whatever its policy, and its dead-letter queues get an envelope that AWS
    sends to OnFailure destinations only.
    """
    eventbridge._dispatch_to_lambda = _invoke_by_event
    sns._deliver_to_lambda = _invoke_by_notification
    route = lambda_svc._route_async_failure

    def route_failure(target_arn: str, function_name: str, event: Json, result: Json) -> None:
        function = lambda_svc._functions.get(function_name) or {}
        dead_letters = (function.get("config", {}).get("DeadLetterConfig") or {}).get("TargetArn")
        if target_arn != dead_letters:
            route(target_arn, function_name, event, result)
            return
        body = result.get("body") if isinstance(result.get("body"), dict) else {}
        attributes = {"ErrorCode": "200", "ErrorMessage": str((body or {}).get("errorMessage", ""))[:1024]}
        _send_dead_letter(target_arn, json.dumps(event), attributes)

    lambda_svc._route_async_failure = route_failure


def _invoke_by_event(arn: str, payload: str) -> None:
    function, config, _ = lambda_svc._get_func_record_for_ref(arn)
    lambda_svc.invoke_async_with_retry(lambda_svc._execution_record_for_config(function, config), json.loads(payload))


def _invoke_by_notification(endpoint: str, envelope: str, topic_arn: str, subscription_arn: str, *_: Any) -> None:
    function, config, name = lambda_svc._get_func_record_for_ref(endpoint)
    if function is None or not _function_admits(function, endpoint, "sns.amazonaws.com", topic_arn):
        code = "NO_PERMISSIONS" if function else "RESOURCE_NOT_FOUND"
        subscription = sns._find_subscription(topic_arn, subscription_arn) or {}
        redrive = json.loads(subscription.get("attributes", {}).get("RedrivePolicy") or "{}")
        if target := redrive.get("deadLetterTargetArn"):
            _send_dead_letter(target, envelope, {"ErrorCode": code, "ErrorMessage": f"SNS may not invoke {name}"})
        return
    notification = {
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription_arn,
        "EventSource": "aws:sns",
        "Sns": json.loads(envelope),
    }
    lambda_svc.invoke_async_with_retry(lambda_svc._execution_record_for_config(function, config), {"Records": [notification]})


def _function_admits(function: Json, arn: str, service: str, source_arn: str) -> bool:
    """Whether the function's resource policy lets an AWS service invoke it for that source."""
    context = iam_evaluator.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action="lambda:InvokeFunction",
        resource_arn=arn,
        region=get_region(),
        service_context={"aws:sourcearn": source_arn, "aws:sourceaccount": get_account_id()},
    )
    decision = iam_evaluator.evaluate_resource_policy(function.get("policy"), context, service=service).decision
    return bool(decision == "Allow")


def _send_dead_letter(target_arn: str, body: str, attributes: dict[str, str]) -> None:
    """Put a message on a dead-letter queue or topic; a target that does not exist loses it, as on AWS."""
    if parse_arn(target_arn).service == "sns":
        sns.publish_internal(target_arn, body, "")
        return
    if sqs._queue_by_arn(target_arn) is None:
        return
    spec = parse_arn(target_arn)
    sqs._act_send_message(
        {
            "QueueUrl": f"http://queue/{spec.account_id}/{spec.resource}",
            "MessageBody": body,
            "MessageAttributes": {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value},
        },
        "",
    )


def lambda_embedded_metrics() -> None:
    """CloudWatch makes metrics of log lines in the embedded metric format; ministack only stores the lines."""
    emit = lambda_svc._emit_lambda_logs

    def emit_logs(function: Json, request_id: str, log_text: str, *args: Any, **kwargs: Any) -> None:
        emit(function, request_id, log_text, *args, **kwargs)
        for line in (log_text or "").splitlines():
            if '"_aws"' in line:
                _put_embedded_metrics(line)

    lambda_svc._emit_lambda_logs = emit_logs


def _put_embedded_metrics(line: str) -> None:
    try:
        record = json.loads(line[line.index("{") :])
    except ValueError:
        return  # CloudWatch ignores lines that only look like the format, too
    for directive in record.get("_aws", {}).get("CloudWatchMetrics", []):
        data = [
            {
                "MetricName": metric["Name"],
                "Unit": metric.get("Unit", "None"),
                "Values": [float(value) for value in _as_list(record[metric["Name"]])],
                "Dimensions": [{"Name": name, "Value": str(record[name])} for name in dimensions],
            }
            for dimensions in directive.get("Dimensions", [[]])
            for metric in directive.get("Metrics", [])
            if metric["Name"] in record
        ]
        put_metrics(directive["Namespace"], data)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# Step Functions


def task_states() -> None:
    """One Task state as AWS runs it; what ministack's runner does otherwise stands in `task_state`."""
    sfn._execute_task = task_state.execute_task
    sfn._with_retry_and_catch = task_state.with_retry_and_catch
    sfn._scaled_sleep = task_state.pause
    sfn._send_task_success = task_state.send_task_success
    sfn._send_task_failure = task_state.send_task_failure
    sfn._send_task_heartbeat = task_state.send_task_heartbeat


def parallel_branches() -> None:
    """Branches of a Parallel state run apart from one another, and a JSONata Parallel has Arguments, Output and Assign.

    In ministack all branches write the name, retry count and task token of their states into one context, so one branch
    may send out the token of another; and of a JSONata Parallel it reads none of those fields.
    """
    run_machine, run_branches = sfn._run_sub_machine, sfn._run_parallel_branches

    def run_apart(states: Json, start_at: str, data: Any, execution: Json, context: Json) -> Any:
        own = {**context, "variables": dict(context.get("variables", {}))}
        return run_machine(states, start_at, data, execution, own)

    def run_all(state: Json, raw_input: Any, execution: Json, context: Json) -> Any:
        if sfn._state_query_language(state, context) != "JSONata":
            return run_branches(state, raw_input, execution, context)
        arguments = sfn._apply_jsonata_arguments(state, raw_input, context)
        results, following = run_branches(
            {name: state[name] for name in ("Branches", "Next", "End") if name in state}, arguments, execution, context
        )
        output = sfn._apply_jsonata_output(state, raw_input, context, result=results, default=results)
        sfn._apply_state_assign(state, raw_input, context, result=results)
        return output, following

    sfn._run_sub_machine = run_apart
    sfn._run_parallel_branches = run_all


def error_names_that_match() -> None:
    """`States.ALL` does not match States.DataLimitExceeded and States.Runtime on AWS: nothing retries or catches them by it."""
    matches = sfn._error_matches

    def error_matches(names: list[str], error: str) -> bool:
        if error in ("States.DataLimitExceeded", "States.Runtime"):
            return error in names
        return bool(matches(names, error))

    sfn._error_matches = error_matches


def succeed_output() -> None:
    """A JSONata Succeed state may have an Output; ministack passes its input on instead."""
    apply_output_path = sfn._apply_output_path

    def apply_output(state: Json, data: Any, context: Json | None = None) -> Any:
        if state.get("Type") == "Succeed" and sfn._state_query_language(state, context) == "JSONata":
            return sfn._apply_jsonata_output(state, data, context, default=data)
        return apply_output_path(state, data, context)

    sfn._apply_output_path = apply_output


def secure_transport() -> None:
    """The sandbox's plain HTTP stands for TLS: every client reaches AWS by it, and policies that demand it let them through."""
    resolve = iam_evaluator._resolve_condition_key

    def resolve_condition_key(key: str, context: Any) -> Any:
        return "true" if key.lower() == "aws:securetransport" else resolve(key, context)

    iam_evaluator._resolve_condition_key = resolve_condition_key


def execution_input() -> None:
    """StartExecution refuses input that is not JSON or has more than 262 144 bytes; ministack starts an empty execution with it."""
    start = sfn._start_execution

    def start_execution(request: Json) -> Any:
        text = request.get("input", "{}")
        if len(text.encode()) > _PAYLOAD_BYTES:
            return error_response_json(
                "ValidationException",
                "1 validation error detected: Value at 'input' failed to satisfy constraint: "
                f"Member must have length less than or equal to {_PAYLOAD_BYTES}",
                400,
            )
        try:
            json.loads(text)
        except ValueError as error:
            return error_response_json("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'", 400)
        return start(request)

    sfn._start_execution = start_execution


def execution_ends_once() -> None:
    """An execution has one end: what happens in it afterwards changes neither its status nor its history.

    It ends as TIMED_OUT after the TimeoutSeconds of its definition, which ministack ignores. In ministack a stopped
    execution turns FAILED when a task of it fails later.
    """
    run, fail, add = sfn._run_execution, sfn._fail_execution, sfn._add_event
    final = {"ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"}

    def run_execution(arn: str) -> None:
        task_state.running_execution.set(arn)
        execution = sfn._executions.get(arn)
        timer = _execution_timer(execution)
        run(arn)
        if timer:
            timer.cancel()

    def fail_execution(execution: Json, error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            fail(execution, error, cause)

    def add_event(execution: Json, kind: str, details: Json | None = None) -> Json:
        if execution.get("historyClosed"):
            return {}
        execution["historyClosed"] = kind in final
        event: Json = add(execution, kind, {"previousEventId": len(execution["events"]), **(details or {})})
        return event

    sfn._run_execution = run_execution
    sfn._fail_execution = fail_execution
    sfn._add_event = add_event


def _execution_timer(execution: Json | None) -> threading.Timer | None:
    machine = sfn._state_machines.get(execution["stateMachineArn"]) if execution else None
    seconds = json.loads(machine["definition"]).get("TimeoutSeconds") if machine else None
    if execution is None or seconds is None:
        return None
    timer = threading.Timer(float(seconds), copy_context().run, (_time_out, execution))
    timer.daemon = True
    timer.start()
    return timer


def _time_out(execution: Json) -> None:
    if execution["status"] != "RUNNING":
        return
    execution["status"] = "TIMED_OUT"
    execution["stopDate"] = sfn.now_iso()
    sfn._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {}})
    sfn._emit_execution_status_event(execution)


def execution_status_events(world: World) -> None:
    """Status changes are best-effort hints on AWS: they travel through the world's hints, so that tests can lose them.

    ministack publishes them inside the call that ends the execution, leaves error and cause out of ABORTED and TIMED_OUT,
    says these cannot be redriven, and counts no `AWS/States` metrics.
    """

    def emit(execution: Json) -> None:
        status = execution["status"]
        _count_execution(execution["stateMachineArn"], status)
        if execution.get("sync"):
            return
        entry = {
            "Source": "aws.states",
            "DetailType": "Step Functions Execution Status Change",
            "Resources": [execution["executionArn"]],
            "Detail": json.dumps(_status_detail(execution)),
        }
        context = copy_context()
        world.hints.send(lambda: context.copy().run(partial(eventbridge._put_events, {"Entries": [entry]}, allow_aws_source=True)))

    sfn._emit_execution_status_event = emit


def _status_detail(execution: Json) -> Json:
    status = execution["status"]
    redrivable = status in ("FAILED", "TIMED_OUT", "ABORTED")
    output = execution.get("output") if status == "SUCCEEDED" else None
    detail: Json = {
        "executionArn": execution["executionArn"],
        "stateMachineArn": execution["stateMachineArn"],
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        "name": execution["name"],
        "status": status,
        "startDate": sfn._iso_to_epoch_ms(execution.get("startDate")),
        "stopDate": sfn._iso_to_epoch_ms(execution.get("stopDate")),
        "error": execution.get("error"),
        "cause": execution.get("cause"),
        "redriveCount": 0,
        "redriveDate": None,
        "redriveStatus": "REDRIVABLE" if redrivable else "NOT_REDRIVABLE",
        "redriveStatusReason": None if redrivable else f"Execution is {status} and cannot be redriven",
    }
    for name, value in (("input", execution.get("input")), ("output", output)):
        included = value is not None and len(value) <= sfn._STATUS_EVENT_PAYLOAD_CAP
        detail[name] = value if included else None
        detail[f"{name}Details"] = None if value is None else {"included": included}
    return detail


_EXECUTION_METRICS = {
    "RUNNING": "ExecutionsStarted",
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}


def _count_execution(machine_arn: str, status: str) -> None:
    dimensions = [{"Name": "StateMachineArn", "Value": machine_arn}]
    metric = {"MetricName": _EXECUTION_METRICS[status], "Value": 1.0, "Unit": "Count", "Dimensions": dimensions}
    put_metrics("AWS/States", [metric])


def direct_integrations(world: World) -> None:
    """A state machine calls other services with its own role, and those calls can fail like any other.

    ministack's optimised integrations (`dynamodb:putItem`, `lambda:invoke`, ...) reach into the services' code: no policy
    is asked and no fault can be injected. (`aws-sdk:` integrations pass the gateway.)
    """
    for prefix, handler in list(sfn._SERVICE_DISPATCH.items()):
        sfn._SERVICE_DISPATCH[prefix] = _checked_integration(world, prefix, handler)
    call = sfn._call_lambda

    def call_lambda(reference: str, event: Any) -> Any:
        function = lambda_svc._get_func_record_for_ref(reference)[2]
        arn = reference if reference.startswith("arn:") else f"{_arn_prefix('lambda')}:function:{function}"
        _check_integration(world, "lambda", "Invoke", "lambda:InvokeFunction", [arn])
        return call(reference, event)

    sfn._call_lambda = call_lambda
    for name in ("_invoke_nested_start_execution", "_invoke_nested_start_execution_sync"):
        setattr(sfn, name, _checked_start(world, getattr(sfn, name)))


def _checked_integration(world: World, prefix: str, handler: Any) -> Any:
    service, _, call = prefix.removeprefix("arn:aws:states:::").partition(":")
    operation = call[0].upper() + call[1:]

    def handle(resource: str, request: Any) -> Any:
        _check_integration(world, service, operation, f"{service}:{operation}", _resources_of(service, request))
        return handler(resource, request)

    return handle


def _checked_start(world: World, start: Any) -> Any:
    def handle(resource: str, request: Any) -> Any:
        machine = request.get("StateMachineArn") or ""
        _check_integration(world, "states", "StartExecution", "states:StartExecution", [machine])
        return start(resource, request)

    return handle


def _arn_prefix(service: str) -> str:
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}"


def _resources_of(service: str, request: Json) -> list[str]:
    match service:
        case "dynamodb":
            table = str(request.get("TableName", ""))
            return [table if table.startswith("arn:") else f"{_arn_prefix(service)}:table/{table}"]
        case "sns":
            return [str(request.get("TopicArn") or request.get("TargetArn") or "*")]
        case "sqs":
            return [f"{_arn_prefix(service)}:{str(request.get('QueueUrl', '')).rpartition('/')[2]}"]
        case "events":
            buses = [str(entry.get("EventBusName") or "default") for entry in request.get("Entries", [])]
            return [bus if bus.startswith("arn:") else f"{_arn_prefix(service)}:event-bus/{bus}" for bus in buses]
        case _:
            return ["*"]


# How Step Functions begins the error names of its optimised integrations, and what it calls an error (such as a denial) that
# the operation's model does not list.
_INTEGRATION_ERRORS = {
    "dynamodb": ("DynamoDB", "DynamoDB.AmazonDynamoDBException"),
    "lambda": ("Lambda", "Lambda.AWSLambdaException"),
    "sns": ("SNS", "SNS.AmazonSNSException"),
    "sqs": ("SQS", "SQS.AmazonSQSException"),
    "events": ("EventBridge", "EventBridge.AmazonEventBridgeException"),
    "states": ("StepFunctions", "StepFunctions.AWSStepFunctionsException"),
    "ecs": ("ECS", "ECS.AmazonECSException"),
}


def _check_integration(world: World, service: str, operation: str, action: str, resources: list[str]) -> None:
    prefix, unlisted = _INTEGRATION_ERRORS[service]
    principal = gateway.session_arn(gateway.acting_role.get()) if gateway.acting_role.get() else ""
    for resource in resources:
        if principal and not gateway.allowed(principal, action, resource):
            cause = (
                f"User: {principal} is not authorized to perform: {action} on resource: {resource} because no identity-based "
                f"policy allows the {action} action (Status Code: 400; Error Code: AccessDeniedException)"
            )
            raise sfn._ExecutionError(unlisted, cause)
    try:
        world.faults.check(service, operation)
    except ApiError as error:
        raise sfn._ExecutionError(f"{prefix}.{error.code}", error.message) from error


_SDK_NAMES = {
    "redshift": ("redshift", "Redshift"),
    "redshiftdata": ("redshift-data", "RedshiftData"),
    "redshiftserverless": ("redshift-serverless", "RedshiftServerless"),
}


def put_object_integration() -> None:
    """`aws-sdk:s3:putObject` writes text into a bucket; ministack knows it not, and builds bodies as XML only."""
    build_body, raw = sfn._rest_xml_build_body, "raw"
    sfn._REST_XML_OP_SPECS["s3"]["PutObject"] = {
        "method": "PUT",
        "path": "/{Bucket}/{Key+}",
        "header_params": {"ContentType": "Content-Type"},
        "header_outputs": {"etag": "ETag", "x-amz-version-id": "VersionId"},
        "body_field": "Body",
        "body_root": raw,
    }

    def rest_xml_build_body(root: str, payload: Any, *members: Any) -> Any:
        return str(payload).encode() if root == raw else build_body(root, payload, *members)

    sfn._rest_xml_build_body = rest_xml_build_body


def redshift_integrations() -> None:
    """`aws-sdk:` integrations speak as the Java SDK does: `DbName` for DBName, numbers as numbers, and its exception names.

    These come from the error's shape and not from the wire code: ClusterNotFound (shape ClusterNotFoundFault) is
    `Redshift.ClusterNotFoundException`; an error without a shape is `Redshift.RedshiftException`. ministack uses the wire
    code as it is, and reads XML by lists of names that do not know Redshift's.
    """
    name_error, dispatch = sfn._prefix_sdk_error, sfn._dispatch_aws_sdk_query

    def prefix_sdk_error(service: str, code: str) -> str:
        if service not in _SDK_NAMES or code.startswith("States."):
            return str(name_error(service, code))
        botocore_name, prefix = _SDK_NAMES[service]
        shapes = {shape.metadata.get("error", {}).get("code", shape.name): shape.name for shape in _model(botocore_name).error_shapes}
        shape = shapes.get(code, prefix)
        return f"{prefix}.{shape.removesuffix('Fault').removesuffix('Exception')}Exception"

    def dispatch_query(info: Json, service: str, action: str, request: Any) -> Any:
        if service == "redshift":
            return _call_redshift(action[0].upper() + action[1:], request or {})
        return dispatch(info, service, action, request)

    sfn._prefix_sdk_error = prefix_sdk_error
    sfn._dispatch_aws_sdk_query = dispatch_query


def _model(service: str) -> ServiceModel:
    return get_session().get_service_model(service)


def _call_redshift(action: str, request: Json) -> Any:
    if action not in _model("redshift").operation_names:
        raise sfn._ExecutionError("States.Runtime", f"Redshift has no operation {action}")
    operation = _model("redshift").operation_model(action)
    serialized = create_serializer("query", include_validation=False).serialize_to_request(
        _from_sdk_names(request, operation.input_shape), operation
    )
    headers = {"content-type": "application/x-www-form-urlencoded", "host": f"redshift.{get_region()}.amazonaws.com"}
    status, answer_headers, body = app.call_service_handler_sync(
        app.SERVICE_HANDLERS["redshift"], "POST", "/", headers, urlencode(serialized["body"]).encode(), {}
    )
    parsed = create_parser("query").parse(
        {"status_code": status, "headers": answer_headers, "body": body}, cast("Shape", operation.output_shape)
    )
    if error := parsed.get("Error"):
        raise sfn._ExecutionError(sfn._prefix_sdk_error("redshift", error["Code"]), error.get("Message", ""))
    return _to_sdk_names({name: item for name, item in parsed.items() if name != "ResponseMetadata"})


def _from_sdk_names(value: Any, shape: Shape | None) -> Any:
    """The members of a request under the names that the service model has for them."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        members = {name.lower(): name for name in shape.members}
        unknown = sorted(name for name in value if name.lower() not in members)
        if unknown:
            raise sfn._ExecutionError("States.Runtime", f"{shape.name} has no member {', '.join(unknown)}")
        return {members[name.lower()]: _from_sdk_names(item, shape.members[members[name.lower()]]) for name, item in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_from_sdk_names(item, shape.member) for item in value]
    return value


def _to_sdk_names(value: Any) -> Any:
    """Names with their leading acronym as a word (`DBName` is `DbName`), and moments as text."""
    if isinstance(value, dict):
        renamed = {re.sub(r"^[A-Z]+(?=[A-Z][a-z])", lambda found: found[0].capitalize(), name): name for name in value}
        return {new: _to_sdk_names(value[old]) for new, old in renamed.items()}
    if isinstance(value, list):
        return [_to_sdk_names(item) for item in value]
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value


# EventBridge


def rule_targets() -> None:
    """A rule or schedule that may not, or cannot, deliver gives the event to its target's dead-letter queue.

    ministack asks no policy and no role, logs what it cannot deliver, and knows no dead-letter queues.
    """
    invoke = eventbridge._invoke_target

    def invoke_target(target: Json, event: Json, rule: Json, view: Any = None) -> None:
        problem = _undeliverable(target, rule)
        if problem is None:
            invoke(target, event, rule, view)
            return
        dead_letters = (target.get("DeadLetterConfig") or {}).get("Arn")
        if dead_letters and _may_send_dead_letter(dead_letters, target, rule):
            body = json.dumps((view or eventbridge._pattern_event_view(event)).event_with_detail())
            code, message = problem
            attributes = {"RULE_ARN": rule["Arn"], "TARGET_ARN": target["Arn"], "ERROR_CODE": code, "ERROR_MESSAGE": message}
            _send_dead_letter(dead_letters, body, attributes)

    eventbridge._invoke_target = invoke_target


_TARGET_ACTIONS = {
    "lambda": "lambda:InvokeFunction",
    "states": "states:StartExecution",
    "sqs": "sqs:SendMessage",
    "sns": "sns:Publish",
    "events": "events:PutEvents",
}


def _is_schedule(rule: Json) -> bool:
    return "GroupName" in rule


def _undeliverable(target: Json, rule: Json) -> tuple[str, str] | None:
    """Error code and message when the target cannot be delivered to, else None."""
    arn = target["Arn"]
    service = parse_arn(arn).service
    if service not in _TARGET_ACTIONS or (service == "events" and "api-destination" in arn):
        return None
    if not _target_exists(service, arn):
        return "RESOURCE_NOT_FOUND", f"{arn} does not exist"
    if not _may_deliver(service, arn, target, rule):
        return "NO_PERMISSIONS", f"{rule['Arn']} is not authorized to perform {_TARGET_ACTIONS[service]} on {arn}"
    return None


def _target_exists(service: str, arn: str) -> bool:
    match service:
        case "lambda":
            return lambda_svc._get_func_record_for_ref(arn)[0] is not None
        case "states":
            return sfn._resolve_state_machine_arn(arn) is not None
        case "sqs":
            return sqs._queue_by_arn(arn) is not None
        case "sns":
            return sns._topic_by_arn_any_scope(arn) is not None
        case _:
            return arn.rpartition("/")[2] in eventbridge._event_buses


def _may_deliver(service: str, arn: str, target: Json, rule: Json) -> bool:
    """Schedules, and rules that start executions or forward to a bus, act with a role; other rules by the target's own policy."""
    if _is_schedule(rule) or service in ("states", "events"):
        role = str(target.get("RoleArn") or rule.get("RoleArn") or "")
        return bool(role) and gateway.allowed(gateway.session_arn(role), _TARGET_ACTIONS[service], arn)
    source, account = rule["Arn"], get_account_id()
    match service:
        case "lambda":
            function = lambda_svc._get_base_func_record_for_ref(arn)[0] or {}
            return _function_admits(function, arn, "events.amazonaws.com", source)
        case "sqs":
            return bool(sqs.queue_policy_allows(arn, "events.amazonaws.com", source, account))
        case _:
            return bool(sns.topic_policy_allows(arn, "events.amazonaws.com", source, account))


def _may_send_dead_letter(queue_arn: str, target: Json, rule: Json) -> bool:
    if _is_schedule(rule):
        return gateway.allowed(gateway.session_arn(target["RoleArn"]), "sqs:SendMessage", queue_arn)
    return bool(sqs.queue_policy_allows(queue_arn, "events.amazonaws.com", rule["Arn"], get_account_id()))


def schedules() -> None:
    """EventBridge Scheduler fires in the schedule's own time zone, and refuses expressions and zones it does not know.

    A local time that does not exist is skipped, a repeated one fires once. ministack fires everything in UTC, accepts any
    text, and one expression that it cannot read stops all schedules. It also looks only every 10 s.
    """
    scheduler._SCHEDULE_TICK_INTERVAL = 1
    scheduler._tick_schedules = _fire_due_schedules
    for name in ("_create_schedule", "_update_schedule"):
        setattr(scheduler, name, _checked_schedule(getattr(scheduler, name)))


def _checked_schedule(write: Any) -> Any:
    def handle(name: str, body: Json) -> Any:
        zone, expression = body.get("ScheduleExpressionTimezone") or "UTC", body.get("ScheduleExpression") or ""
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            return scheduler._error(400, "ValidationException", f"Invalid Schedule Expression Timezone {zone}.")
        now = datetime.now(UTC)
        try:
            fires = next_fire(expression, zone, now, now) is not None
        except ValueError:
            fires = False
        if not fires:
            return scheduler._error(400, "ValidationException", f"Invalid Schedule Expression {expression}.")
        return write(name, body)

    return handle


# After 400 occurrences without one that exists on the clock there is none (a February 30 never comes).
_SEARCHED_OCCURRENCES = 400


def next_fire(expression: str, zone: str, after: datetime, created: datetime) -> datetime | None:
    """When the schedule fires next after a moment; None when never again. Raises ValueError when the expression says nothing."""
    clock = ZoneInfo(zone)
    if match := re.fullmatch(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)", expression.strip()):
        moment = datetime.fromisoformat(match[1]).replace(tzinfo=clock).astimezone(UTC)
        return moment if moment > after or after == created else None
    if (interval := eventbridge._parse_rate_seconds(expression)) is not None:
        return datetime.fromtimestamp(after.timestamp() + interval, UTC)
    fields = eventbridge._parse_cron_fields(expression)
    if fields is None:
        raise ValueError(f"not a schedule: {expression}")
    wall: datetime | None = after.astimezone(clock).replace(tzinfo=UTC)
    for _ in range(_SEARCHED_OCCURRENCES):
        wall = eventbridge._cron_next_fire(fields, wall)
        if wall is None:
            return None
        moment = wall.replace(tzinfo=clock).astimezone(UTC)
        exists = moment.astimezone(clock).replace(tzinfo=UTC) == wall
        if exists and moment > after:
            return moment
    return None


def _fire_due_schedules() -> None:
    now = datetime.now(UTC)
    for key, schedule in list(scheduler._schedules._data.items()):
        account, region, _ = key
        with request_scope(account, region):
            _fire_when_due(key, schedule, now)


def _fire_when_due(key: Any, schedule: Json, now: datetime) -> None:
    created = datetime.fromtimestamp(float(schedule["CreationDate"]), UTC)
    after = datetime.fromtimestamp(scheduler._schedule_last_fired.get(key, created.timestamp()), UTC)
    start, end = (scheduler._to_epoch(schedule.get(name)) for name in ("StartDate", "EndDate"))
    due = next_fire(schedule["ScheduleExpression"], schedule["ScheduleExpressionTimezone"], after, created)
    if due is None or (end is not None and due.timestamp() > end):
        _forget_completed(key, schedule)
        return
    if schedule["State"] != "ENABLED" or due > now:
        return
    scheduler._schedule_last_fired[key] = max(due.timestamp(), created.timestamp() + 1e-6)
    if start is None or due.timestamp() >= start:
        _fire(schedule, due)


def _forget_completed(key: Any, schedule: Json) -> None:
    if schedule.get("ActionAfterCompletion") == "DELETE":
        scheduler._schedules._data.pop(key, None)
        scheduler._schedule_last_fired.pop(key, None)


def _fire(schedule: Json, due: datetime) -> None:
    """Invoke the target; in its input the scheduler's context attributes are replaced by what they stand for."""
    event = {
        "EventId": sfn.new_uuid(),
        "Source": "aws.scheduler",
        "DetailType": "Scheduled Event",
        "Detail": "{}",
        "Time": int(due.timestamp()),
        "Resources": [schedule["Arn"]],
        "Account": get_account_id(),
        "Region": get_region(),
    }
    attributes = {
        "<aws.scheduler.schedule-arn>": schedule["Arn"],
        "<aws.scheduler.scheduled-time>": due.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "<aws.scheduler.execution-id>": event["EventId"],
        "<aws.scheduler.attempt-number>": "1",
    }
    target = dict(schedule["Target"])
    for name, value in attributes.items():
        if "Input" in target:
            target["Input"] = target["Input"].replace(name, value)
    eventbridge._invoke_target(target, event, schedule)


# CloudWatch


def alarms() -> None:
    """An alarm looks at the data of its own dimensions, period by period, and queues report how many messages they hold.

    What ministack's evaluation does otherwise stands in `alarm_state`; of queues it has no metrics, so that an alarm on
    dead letters would never ring.
    """
    cloudwatch._evaluate_alarm = alarm_state.evaluate
    alarm_state.Watch().start()
