"""What a request to one of the Redshift services acts on, as IAM sees it.

After the service authorization reference of Amazon Redshift, Redshift Serverless and the Redshift Data API: an operation that
AWS authorises on a named resource answers that resource's ARN; one that it authorises on everything answers `*`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ministack.core import iam_actions

from sandbox.world import World

SERVICES = frozenset({"redshift", "redshift-data", "redshift-serverless"})

# The request member that names the resource, in order of precedence, and the form of its ARN.
_CLUSTER_RESOURCES = (
    ("IntegrationArn", "{0}"),
    ("ResourceArn", "{0}"),
    ("DataShareArn", "{0}"),
    ("ScheduledActionName", "*"),
    ("SubscriptionName", "eventsubscription:{0}"),
    ("ParameterGroupName", "parametergroup:{0}"),
    ("ClusterParameterGroupName", "parametergroup:{0}"),
    ("ClusterSubnetGroupName", "subnetgroup:{0}"),
    ("UsageLimitId", "usagelimit:{0}"),
    ("ClusterIdentifier", "cluster:{0}"),
)
# Checked on no resource, also where they name one.
_WITHOUT_RESOURCE = {"DescribeDataShares", "DescribeDataSharesForProducer", "DescribeDataSharesForConsumer", "DescribeInboundIntegrations"}
# Creating and restoring a cluster names other resources too; the cluster itself is what the permission is checked on.
_CLUSTER_FIRST = {"CreateCluster", "RestoreFromClusterSnapshot", "ModifyCluster"}
_ANY_CLUSTER = {
    "DescribeClusters": "cluster:*",
    "CreateIntegration": "integration:*",
    "DescribeIntegrations": "integration:*",
    "DescribeClusterSnapshots": "snapshot:*/*",
    "BatchDeleteClusterSnapshots": "snapshot:*/*",
}
# The Data API checks the warehouse when a statement is submitted; afterwards it looks at who owns the statement.
_STATEMENT_OPERATIONS = {"DescribeStatement", "GetStatementResult", "GetStatementResultV2", "CancelStatement", "ListStatements"}
# Of the Serverless operations, these are checked on the snapshot, also where they name a namespace and a workgroup.
_SNAPSHOT_OPERATIONS = {"GetSnapshot", "UpdateSnapshot", "DeleteSnapshot", "RestoreFromSnapshot"}
_UNKNOWN_UUID = "00000000-0000-0000-0000-000000000000"


def resource_arn(world: World, service: str, action: str, params: Mapping[str, Any], region: str, account: str) -> str:
    """The ARN that IAM checks for this operation with these request members."""
    match service:
        case "redshift":
            return _cluster_resource(action, params, f"arn:aws:redshift:{region}:{account}:")
        case "redshift-data":
            return _data_resource(world, action, params, region, account)
        case _:
            return _serverless_resource(world, action, params, f"arn:aws:redshift-serverless:{region}:{account}:")


def register(world: World) -> None:
    """Let ministack's IAM enforcement know the resources of our services."""
    known = iam_actions.extract_resource_arn

    def extract(  # noqa: PLR0913, PLR0917 - ministack's signature
        service: str, method: str, path: str, headers: Any, body: bytes, query: Any, region: str, account: str
    ) -> str:
        if service not in SERVICES:
            return str(known(service, method, path, headers, body, query, region, account))
        action = iam_actions.extract_iam_action(service, method, path, headers, body, query) or ""
        return resource_arn(world, service, action.partition(":")[2], request_members(body, query), region, account)

    iam_actions.extract_resource_arn = extract


def request_members(body: bytes, query: Mapping[str, Any]) -> dict[str, str]:
    """The members of a request that may name a resource, of either protocol, as text."""
    if body[:1] == b"{":
        try:
            decoded = json.loads(body)
        except ValueError:
            return {}
        return {key: str(value) for key, value in decoded.items() if isinstance(value, str)}
    return {key: str(value[0] if isinstance(value, list) else value) for key, value in query.items()}


def _cluster_resource(action: str, params: Mapping[str, Any], prefix: str) -> str:
    if action in ("GetClusterCredentials", "GetClusterCredentialsWithIAM"):
        return prefix + _credentials_resource(action, params)
    if action in _WITHOUT_RESOURCE:
        return "*"
    if name := params.get("ResourceName"):
        return str(name)
    if params.get("SnapshotIdentifier") and action not in _CLUSTER_FIRST:
        return f"{prefix}snapshot:{params.get('ClusterIdentifier') or params.get('SnapshotClusterIdentifier') or '*'}/{params['SnapshotIdentifier']}"
    if action in _CLUSTER_FIRST and params.get("ClusterIdentifier"):
        return f"{prefix}cluster:{params['ClusterIdentifier']}"
    for member, form in _CLUSTER_RESOURCES:
        if params.get(member):
            arn = form.format(params[member])
            return arn if arn.startswith(("arn:", "*")) else prefix + arn
    return prefix + _ANY_CLUSTER[action] if action in _ANY_CLUSTER else "*"


def _credentials_resource(action: str, params: Mapping[str, Any]) -> str:
    cluster = params.get("ClusterIdentifier", "*")
    if action == "GetClusterCredentials":
        return f"dbuser:{cluster}/{params.get('DbUser', '*')}"
    return f"dbname:{cluster}/{params.get('DbName', '*')}"


def _data_resource(world: World, action: str, params: Mapping[str, Any], region: str, account: str) -> str:
    if action in _STATEMENT_OPERATIONS:
        return "*"
    if cluster := params.get("ClusterIdentifier"):
        return f"arn:aws:redshift:{region}:{account}:cluster:{cluster}"
    if workgroup := params.get("WorkgroupName"):
        return _workgroup_arn(world, str(workgroup), f"arn:aws:redshift-serverless:{region}:{account}:")
    return "*"


def _serverless_resource(world: World, action: str, params: Mapping[str, Any], prefix: str) -> str:
    if action == "ListSnapshots":
        return f"{prefix}snapshot/*"
    if action in _SNAPSHOT_OPERATIONS:
        name = str(params.get("snapshotName"))
        return str(params.get("snapshotArn") or _known_arn(world.serverless._snapshots.get(name), f"{prefix}snapshot/"))
    if arn := params.get("resourceArn"):
        return str(arn)
    if workgroup := params.get("workgroupName"):
        return _workgroup_arn(world, str(workgroup), prefix)
    if namespace := params.get("namespaceName"):
        return _namespace_arn(world, str(namespace), prefix)
    return "*"


def _workgroup_arn(world: World, name: str, prefix: str) -> str:
    if re.fullmatch(r"arn:.*:workgroup/.+", name):
        return name
    return _known_arn(world.serverless._workgroups.get(name), f"{prefix}workgroup/")


def _namespace_arn(world: World, name: str, prefix: str) -> str:
    return _known_arn(world.serverless._namespaces.get(name), f"{prefix}namespace/")


def _known_arn(record: Any, prefix: str) -> str:
    # IAM is asked on the event loop, where nothing may wait: the records are read as they are, without letting what is due happen.
    return str(record.arn) if record else prefix + _UNKNOWN_UUID
