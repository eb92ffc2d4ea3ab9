"""Which metrics carry data for which dimensions, as AWS documents them; only what alarms and dashboard use."""

from __future__ import annotations

_GUIDE = "https://docs.aws.amazon.com/redshift/latest/mgmt"
CLUSTERS = f"{_GUIDE}/metrics-listing.html"
SERVERLESS = f"{_GUIDE}/serverless-monitoring.html"

#: Namespace and metric, with the documentation that lists it and every set of dimensions that the metric is published with.
DOCUMENTED: dict[tuple[str, str], tuple[str, list[set[str]]]] = {
    ("AWS/Redshift", "CPUUtilization"): (CLUSTERS, [{"ClusterIdentifier"}, {"ClusterIdentifier", "NodeID"}]),
    ("AWS/Redshift", "DatabaseConnections"): (CLUSTERS, [{"ClusterIdentifier"}]),
    ("AWS/Redshift", "PercentageDiskSpaceUsed"): (CLUSTERS, [{"ClusterIdentifier"}, {"ClusterIdentifier", "NodeID"}]),
    ("AWS/Redshift", "HealthStatus"): (CLUSTERS, [{"ClusterIdentifier"}]),
    ("AWS/Redshift", "CommitQueueLength"): (CLUSTERS, [{"ClusterIdentifier"}]),
    ("AWS/Redshift", "QueryRuntimeBreakdown"): (CLUSTERS, [{"ClusterIdentifier", "stage"}, {"ClusterIdentifier", "NodeID", "stage"}]),
    ("AWS/Redshift-Serverless", "QueriesQueued"): (SERVERLESS, [{"QueryType", "Workgroup"}, {"Database", "QueryType", "Workgroup"}]),
    ("AWS/Redshift-Serverless", "QueriesFailed"): (SERVERLESS, [{"QueryType", "Workgroup"}, {"Database", "QueryType", "Workgroup"}]),
    ("AWS/Redshift-Serverless", "UsageLimitConsumed"): (SERVERLESS, [{"UsageLimitId", "UsageType", "Workgroup"}]),
    ("AWS/Redshift-Serverless", "ComputeCapacity"): (SERVERLESS, [{"Workgroup"}]),
    ("AWS/Redshift-Serverless", "DatabaseConnections"): (SERVERLESS, [{"Workgroup"}, {"Database", "Workgroup"}]),
}
#: The values of dimensions that name no resource.
VALUES = {
    "stage": {
        "QueryPlanning",
        "QueryWaiting",
        "QueryExecutingRead",
        "QueryExecutingInsert",
        "QueryExecutingDelete",
        "QueryExecutingUpdate",
        "QueryExecutingCtas",
        "QueryExecutingUnload",
        "QueryExecutingCopy",
        "QueryCommit",
    },
    "QueryType": {"INSERT", "DELETE", "UPDATE", "UNLOAD", "LOAD", "SELECT", "CTAS", "OTHER"},
    "UsageType": {"SERVERLESS_COMPUTE", "CROSS_REGION_DATASHARING"},
}


def carries_data(namespace: str, metric: str, dimensions: dict[str, str]) -> bool:
    """Whether AWS publishes the metric with just these dimensions, and these values where it names them all."""
    _, sets = DOCUMENTED.get((namespace, metric), ("", []))
    return set(dimensions) in sets and all(dimensions[name] in values for name, values in VALUES.items() if name in dimensions)
