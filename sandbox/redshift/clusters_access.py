"""Temporary credentials, audit logging, usage limits and the recommendations of Redshift Advisor."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Any, Final

from botocore.exceptions import ClientError

from sandbox.kernel import ApiError, utcnow
from sandbox.redshift.answers import Answer, Params, iam_database_user, new_password, refuse_unsupported
from sandbox.redshift.clusters_notices import Notices
from sandbox.redshift.clusters_records import Cluster, UsageLimit, arn
from sandbox.redshift.clusters_rules import combination, invalid, tags_of
from sandbox.redshift.clusters_state import described, tagged_as
from sandbox.world import Caller

_DB_USER = re.compile(r"[A-Za-z][A-Za-z0-9_+.@-]{0,127}")
_KEY_PREFIX = re.compile(r"[^\s'\"\\]{0,512}")
_LOG_EXPORTS: Final = ("connectionlog", "userlog", "useractivitylog")
_LIMIT_TYPES: Final = {
    "spectrum": "data-scanned",
    "cross-region-datasharing": "data-scanned",
    "concurrency-scaling": "time",
    "extra-compute-for-automatic-optimization": "time",
}


class Access(Notices):
    """What lets people into a cluster, watches them, and bounds what they use."""

    def get_cluster_credentials(self, params: Params, _caller: Caller) -> Answer:
        refuse_unsupported(params, ["CustomDomainName", "DbGroups"])
        user = params["DbUser"]
        if not _DB_USER.fullmatch(user) or user.lower() == "public":
            raise invalid(f"The parameter DbUser is not valid: '{user}'.")
        self._check_credentials_request(params)
        prefix = "IAMA" if params.get("AutoCreate", False) else "IAM"
        return {"DbUser": f"{prefix}:{user}", **_credentials(params)}

    def get_cluster_credentials_with_iam(self, params: Params, caller: Caller) -> Answer:
        refuse_unsupported(params, ["CustomDomainName"])
        self._check_credentials_request(params)
        credentials = _credentials(params)
        return {"DbUser": iam_database_user(caller), **credentials, "NextRefreshTime": credentials["Expiration"]}

    def enable_logging(self, params: Params, _caller: Caller) -> Answer:
        logging = self._logging(params)
        with self._present():
            cluster = self._cluster_in(params["ClusterIdentifier"], "available", "modify")
            cluster.logging = logging
            return _logging_status(cluster)

    def disable_logging(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            cluster = self._cluster_in(params["ClusterIdentifier"], "available", "modify")
            cluster.logging = {}
            return _logging_status(cluster)

    def describe_logging_status(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            return _logging_status(self._cluster(params["ClusterIdentifier"]))

    def create_usage_limit(self, params: Params, _caller: Caller) -> Answer:
        tags = tags_of(params)
        with self._present():
            cluster, feature = self._cluster(params["ClusterIdentifier"]), params["FeatureType"]
            _check_limit(params["Amount"], feature, params["LimitType"])
            period = params.get("Period", "monthly")
            if any((one.cluster, one.feature, one.period) == (cluster.name, feature, period) for one in self._usage_limits.values()):
                raise ApiError("UsageLimitAlreadyExists", f"Cluster {cluster.name} already has a {period} limit of {feature}.")
            breach = params.get("BreachAction", "log")
            limit = UsageLimit(str(uuid.uuid4()), cluster.name, feature, params["LimitType"], params["Amount"], period, breach, tags)
            self._usage_limits[limit.limit_id] = limit
            return limit.describe()

    def modify_usage_limit(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            limit = self._usage_limit(params["UsageLimitId"])
            _check_limit(params.get("Amount", limit.amount), limit.feature, limit.limit_type)
            limit.amount = params.get("Amount", limit.amount)
            limit.breach_action = params.get("BreachAction", limit.breach_action)
            return limit.describe()

    def delete_usage_limit(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            del self._usage_limits[self._usage_limit(params["UsageLimitId"]).limit_id]
        return {}

    def describe_usage_limits(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            chosen = [
                limit
                for limit in self._usage_limits.values()
                if params.get("UsageLimitId") in (None, limit.limit_id)
                and params.get("ClusterIdentifier") in (None, limit.cluster)
                and params.get("FeatureType") in (None, limit.feature)
                and tagged_as(params, limit.tags)
            ]
            return described("UsageLimits", chosen, params, lambda limit: limit.limit_id, UsageLimit.describe)

    def list_recommendations(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            name = params.get("ClusterIdentifier")
            if name is not None:
                self._cluster(name)
            chosen = [
                one
                for one in self._recommendations
                if name in (None, one["ClusterIdentifier"]) and params.get("NamespaceArn") in (None, one["NamespaceArn"])
            ]
        return described("Recommendations", chosen, params, lambda one: str(one["Id"]), dict)

    def put_recommendation(self, cluster: str, recommendation: dict[str, Any]) -> None:
        """Let Advisor recommend this for the cluster: members of the model's `Recommendation`; id and time are filled in."""
        with self._present():
            found = self._cluster(cluster)
            identity = {"ClusterIdentifier": found.name, "NamespaceArn": found.namespace_arn}
            self._recommendations.append({"Id": str(uuid.uuid4()), "CreatedAt": utcnow(), **recommendation, **identity})

    def _check_credentials_request(self, params: Params) -> None:
        if "ClusterIdentifier" not in params:
            raise combination("ClusterIdentifier is required.")
        if not 900 <= params.get("DurationSeconds", 900) <= 3600:
            raise invalid("DurationSeconds must be between 900 and 3600.")
        with self._present():
            self._cluster(params["ClusterIdentifier"])

    def _usage_limit(self, limit_id: str) -> UsageLimit:
        if limit_id not in self._usage_limits:
            raise ApiError("UsageLimitNotFound", f"Usage limit {limit_id} not found.")
        return self._usage_limits[limit_id]

    def _logging(self, params: Params) -> dict[str, Any]:
        match params.get("LogDestinationType", "s3"):
            case "s3":
                return self._logging_to_bucket(params)
            case "cloudwatch":
                exports = params.get("LogExports", [])
                if not exports or any(export not in _LOG_EXPORTS for export in exports):
                    raise combination(f"LogExports must name some of {', '.join(_LOG_EXPORTS)}.")
                return {"LogDestinationType": "cloudwatch", "LogExports": exports}
        raise ApiError("UnsupportedOperation", "Logging to S3 tables is not supported in the sandbox.")

    def _logging_to_bucket(self, params: Params) -> dict[str, Any]:
        bucket, prefix = params.get("BucketName"), params.get("S3KeyPrefix", "")
        if not bucket:
            raise ApiError("InvalidS3BucketNameFault", "BucketName is required for logging to S3.")
        if not _KEY_PREFIX.fullmatch(prefix):
            raise ApiError("InvalidS3KeyPrefixFault", "S3KeyPrefix must have at most 512 characters and no spaces, quotes or backslashes.")
        try:
            self.world.ports.s3_list(bucket, prefix)
        except (ApiError, ClientError) as error:
            raise ApiError("BucketNotFoundFault", f"The bucket {bucket} can't be used: {error}") from error
        if not self.world.ports.bucket_admits(bucket, ["s3:PutObject", "s3:GetBucketAcl"], arn("cluster", params["ClusterIdentifier"])):
            message = f"Cannot read ACLs of bucket {bucket}. Please ensure that your IAM permissions are set up correctly."
            raise ApiError("InsufficientS3BucketPolicyFault", message)
        return {"LogDestinationType": "s3", "BucketName": bucket, "S3KeyPrefix": prefix}


def _logging_status(cluster: Cluster) -> Answer:
    return {"LoggingEnabled": bool(cluster.logging), **cluster.logging}


def _credentials(params: Params) -> Answer:
    return {"DbPassword": new_password(), "Expiration": utcnow() + timedelta(seconds=params.get("DurationSeconds", 900))}


def _check_limit(amount: int, feature: str, limit_type: str) -> None:
    if amount <= 0:
        raise ApiError("InvalidUsageLimit", "The amount of a usage limit must be positive.")
    if _LIMIT_TYPES[feature] != limit_type:
        raise ApiError("InvalidUsageLimit", f"A limit of {feature} must be of the type {_LIMIT_TYPES[feature]}.")
