"""Specs that use much of what can be said, and what is left of their warehouses: for the tests of provisioning."""

from __future__ import annotations

from typing import Any

from tests.workflows.conftest import Stack

#: Everything that takes a step of its own: groups made before the warehouse, logs and limits set after it.
FULL: dict[str, dict[str, Any]] = {
    "cluster": {
        "kind": "cluster",
        "compute": {"node_type": "ra3.large", "nodes": 2, "usage_limits": [{"feature": "spectrum", "amount": 5}]},
        "network": {"allow_from": ["10.0.0.0/16", "sg-0123456789abcdef0"]},
        "parameters": {"values": {"statement_timeout": 60000}},
        "logging": {"destination": "cloudwatch"},
        "tags": {"team": "data"},
    },
    "workgroup": {
        "kind": "workgroup",
        "compute": {"base_rpu": 8, "usage_limits": [{"feature": "serverless-compute", "amount": 100}]},
        "network": {"allow_from": ["10.0.0.0/16"]},
        "tags": {"team": "data"},
    },
}
#: What reads; every other operation writes.
READS = ("Describe", "Get", "List", "Head", "Query", "Scan", "Invoke", "Assume", "Start")


def writes(stack: Stack, services: tuple[str, ...] = ("redshift", "redshift-serverless", "ec2")) -> dict[str, int]:
    """How often each writing operation of these services was called since the desk was cleared."""
    calls: dict[str, int] = stack.sandbox.desk("GET", "faults")["calls"]
    return {key: count for key, count in calls.items() if key.split(":")[0] in services and not key.split(":")[1].startswith(READS)}


def left_of(stack: Stack, name: str) -> list[str]:
    """Everything that is there of a warehouse of that name, whoever made it."""
    redshift, serverless, ec2 = (stack.sandbox.observe(service) for service in ("redshift", "redshift-serverless", "ec2"))
    clusters = redshift.get_paginator("describe_clusters").paginate().build_full_result()["Clusters"]
    found = [f"cluster {one['ClusterStatus']}" for one in clusters if one["ClusterIdentifier"] == name]
    found += ["workgroup" for one in serverless.list_workgroups()["workgroups"] if one["workgroupName"] == name]
    found += ["namespace" for one in serverless.list_namespaces()["namespaces"] if one["namespaceName"] == name]
    groups = redshift.describe_cluster_parameter_groups()["ParameterGroups"]
    found += ["parameter group" for one in groups if one["ParameterGroupName"] == f"autopilot-cluster-{name}"]
    names = [f"autopilot-cluster-{name}", f"autopilot-workgroup-{name}"]
    found += ["security group" for _ in ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": names}])["SecurityGroups"]]
    return found
