"""The other services of the same sandbox, for the Redshift backends: S3, Secrets Manager, SNS, EventBridge, CloudWatch, IAM.

Calls that move data go over the wire to the sandbox itself, as its root and marked as internal, so they pass the same code as
every client's. They block, so they belong on worker threads and never on the event loop.
"""

from __future__ import annotations

import json
import threading
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import request_scope
from ministack.services import cloudwatch, eventbridge, s3

from sandbox.clients import OBSERVER, as_api_error, client
from sandbox.hosting import gateway
from sandbox.kernel import ACCOUNT, REGION, ApiError
from sandbox.world import Caller


class LocalPorts:
    """`world.Ports` against the sandbox that listens on `endpoint`."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}

    def _client(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                self._clients[service] = client(self._endpoint, service, attempts=2, user_agent=OBSERVER)
            return self._clients[service]

    def s3_get(self, bucket: str, key: str) -> bytes:
        """The object's bytes; raises ApiError with S3's code (`NoSuchKey`, `NoSuchBucket`) when there is none."""
        with as_api_error():
            return bytes(self._client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())

    def s3_put(self, bucket: str, key: str, body: bytes) -> None:
        with as_api_error():
            self._client("s3").put_object(Bucket=bucket, Key=key, Body=body)

    def s3_list(self, bucket: str, prefix: str) -> list[str]:
        with as_api_error():
            pages = self._client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def s3_delete(self, bucket: str, key: str) -> None:
        with as_api_error():
            self._client("s3").delete_object(Bucket=bucket, Key=key)

    def create_secret(self, name: str, value: dict[str, Any]) -> str:
        """The ARN of a new secret that holds the value as JSON."""
        with as_api_error():
            return str(self._client("secretsmanager").create_secret(Name=name, SecretString=json.dumps(value))["ARN"])

    def get_secret(self, arn: str) -> dict[str, Any]:
        with as_api_error():
            value: dict[str, Any] = json.loads(self._client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
            return value

    def delete_secret(self, arn: str) -> None:
        with as_api_error():
            self._client("secretsmanager").delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)

    def publish(self, topic_arn: str, subject: str, message: str) -> None:
        with as_api_error():
            self._client("sns").publish(TopicArn=topic_arn, Subject=subject, Message=message)

    def put_event(self, source: str, detail_type: str, resources: list[str], detail: dict[str, Any]) -> None:
        """Publish to the default bus as AWS itself does: only AWS may use a source that starts with `aws.`."""
        entry = {"Source": source, "DetailType": detail_type, "Resources": resources, "Detail": json.dumps(detail, default=str)}
        with request_scope(ACCOUNT, REGION):
            _, _, body = eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
        result = json.loads(body)
        if result["FailedEntryCount"]:
            raise ApiError(result["Entries"][0]["ErrorCode"], result["Entries"][0]["ErrorMessage"])

    def put_metrics(self, namespace: str, data: list[dict[str, Any]]) -> None:
        """`data` as CloudWatch's PutMetricData takes it: MetricName, Dimensions, Value, Unit, Timestamp (optional)."""
        put_metrics(namespace, data)

    def bucket_admits(self, bucket: str, actions: list[str], source_arn: str) -> bool:
        with request_scope(ACCOUNT, REGION):
            policy = s3._bucket_policies.get(bucket)
            return all(_service_may(policy, action, bucket, source_arn) for action in actions)

    def may(self, caller: Caller, action: str, resource: str) -> bool:
        with request_scope(caller.account, caller.region):
            return gateway.allowed(caller.principal_arn, action, resource)


def _service_may(policy: str | None, action: str, bucket: str, source_arn: str) -> bool:
    resource = f"arn:aws:s3:::{bucket}"
    context = iam_evaluator.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=f"{resource}/key" if action == "s3:PutObject" else resource,
        region=REGION,
        service_context={"aws:sourcearn": source_arn, "aws:sourceaccount": ACCOUNT},
    )
    return bool(iam_evaluator.evaluate_resource_policy(policy, context, service="redshift.amazonaws.com").decision == "Allow")


def put_metrics(namespace: str, data: list[dict[str, Any]]) -> None:
    """Store metric data and evaluate the alarms, from any thread."""
    with request_scope(ACCOUNT, REGION):
        cloudwatch._put_metric_data({}, {"Namespace": namespace, "MetricData": data}, is_cbor=False, is_json=True)
