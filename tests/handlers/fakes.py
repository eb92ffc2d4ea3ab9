"""Redshift, Redshift Serverless, the Data API and Step Functions in memory: as much of each as the product relies on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, ClassVar

import msgspec

from tests.handlers.wiring import Fake, Refusal

REGION, ACCOUNT = "us-east-1", "000000000000"
_BEGINNING = datetime.min.replace(tzinfo=UTC)


def _plain_tags(tags: list[dict[str, str]], key: str, value: str) -> dict[str, str]:
    return {tag[key]: tag[value] for tag in tags}


def _tagged(cluster: dict[str, Any], keys: list[str] | None, values: list[str] | None) -> bool:
    """Any of the keys and any of the values, of whatever tag each is."""
    tags = {tag["Key"]: tag["Value"] for tag in cluster["Tags"]}
    return (not keys or any(key in tags for key in keys)) and (not values or any(value in tags.values() for value in values))


class Clusters(Fake):
    """Provisioned Redshift. A cluster stays in the state it came to until a test moves it on."""

    service: ClassVar[str] = "redshift"
    page = 100

    def __init__(self) -> None:
        self.clusters: dict[str, dict[str, Any]] = {}
        self.snapshots: dict[str, dict[str, Any]] = {}
        self.namesakes: set[str] = set()
        self.restoring: set[str] = set()
        self.parameters: dict[str, dict[str, str]] = {"default.redshift-2.0": {"require_ssl": "true"}}
        self.logging: dict[str, dict[str, Any]] = {}
        self.reserved: list[dict[str, Any]] = []
        #: What each cluster can be resized to without a classic resize, what is sold, and how the last resize of each stands.
        self.elastic: list[tuple[str, int]] = []
        self.sold: set[str] = {"ra3.large"}
        self.resizes: dict[str, str] = {}
        #: Whether clusters that say nothing of it have audit logs; and each parameter group's values and tags.
        self.logs_everywhere = False
        self.parameter_groups: dict[str, tuple[dict[str, str], list[dict[str, str]]]] = {}

    def add(
        self, name: str = "analytics", *, status: str = "available", nodes: int = 2, tags: dict[str, str] | None = None, **more: Any
    ) -> None:
        self.clusters[name] = {
            "ClusterIdentifier": name,
            "ClusterStatus": status,
            "NodeType": "ra3.large",
            "NumberOfNodes": nodes,
            "DBName": "dev",
            "MasterUsername": "awsuser",
            "PubliclyAccessible": False,
            "EnhancedVpcRouting": True,
            "Endpoint": {"Port": 5439},
            "ClusterNamespaceArn": f"arn:aws:redshift:{REGION}:{ACCOUNT}:namespace:0f1e2d3c-{name}",
            "Tags": [{"Key": key, "Value": value} for key, value in (tags or {}).items()],
            **more,
        }

    def become(self, name: str, status: str) -> None:
        self.clusters[name]["ClusterStatus"] = status

    def status_of(self, name: str) -> str:
        return str(self.clusters[name]["ClusterStatus"])

    def add_snapshot(
        self,
        identifier: str,
        cluster: str = "analytics",
        *,
        status: str = "available",
        age: timedelta = timedelta(hours=1),
        of_namesake: bool = False,
        **more: Any,
    ) -> None:
        """A snapshot; `of_namesake` says that its cluster is deleted, and another one has its name now."""
        taken = datetime.now(UTC) - age
        self.snapshots[identifier] = {
            "SnapshotIdentifier": identifier,
            "ClusterIdentifier": cluster,
            "SnapshotCreateTime": taken,
            "Status": status,
            **more,
        }
        self.namesakes |= {identifier} if of_namesake else set()

    def describe_clusters(
        self,
        ClusterIdentifier: str = "",  # noqa: N803 - AWS's names
        TagKeys: list[str] | None = None,  # noqa: N803
        TagValues: list[str] | None = None,  # noqa: N803
        Marker: str = "0",  # noqa: N803
        **_: Any,
    ) -> dict[str, Any]:
        if ClusterIdentifier:
            return {"Clusters": [self._known(ClusterIdentifier)]}
        start, every = int(Marker), [one for one in self.clusters.values() if _tagged(one, TagKeys, TagValues)]
        end = start + self.page
        return {"Clusters": every[start:end], **({"Marker": str(end)} if end < len(every) else {})}

    def describe_reserved_nodes(self) -> dict[str, Any]:
        return {"ReservedNodes": self.reserved}

    def create_cluster(self, ClusterIdentifier: str, **request: Any) -> dict[str, Any]:  # noqa: N803
        if ClusterIdentifier in self.clusters:
            raise Refusal("ClusterAlreadyExists")
        kept = {key: request[key] for key in ("NodeType", "DBName", "MasterUsername", "PubliclyAccessible")}
        tags = _plain_tags(request["Tags"], "Key", "Value")
        self.add(ClusterIdentifier, status="creating", nodes=request.get("NumberOfNodes", 1), tags=tags, **kept)
        self.logging[ClusterIdentifier] = {"LoggingEnabled": False}
        return {"Cluster": self.clusters[ClusterIdentifier]}

    def delete_cluster(self, ClusterIdentifier: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        return self._move(ClusterIdentifier, {"available", "hardware-failure"}, "deleting")

    def pause_cluster(self, ClusterIdentifier: str) -> dict[str, Any]:  # noqa: N803
        return self._move(ClusterIdentifier, {"available"}, "pausing")

    def resume_cluster(self, ClusterIdentifier: str) -> dict[str, Any]:  # noqa: N803
        return self._move(ClusterIdentifier, {"paused"}, "resuming")

    def resize_cluster(self, ClusterIdentifier: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        self.resizes[ClusterIdentifier] = "IN_PROGRESS"
        return self._move(ClusterIdentifier, {"available"}, "resizing")

    def describe_resize(self, ClusterIdentifier: str) -> dict[str, Any]:  # noqa: N803
        if ClusterIdentifier not in self.resizes:
            raise Refusal("ResizeNotFound", status=404)
        return {"Status": self.resizes[ClusterIdentifier]}

    def describe_node_configuration_options(self, ActionType: str, ClusterIdentifier: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        assert ActionType == "resize-cluster"
        if self._known(ClusterIdentifier)["ClusterStatus"] != "available":
            raise Refusal("InvalidClusterState")
        options = [{"NodeType": kind, "NumberOfNodes": nodes, "EstimatedDiskUtilizationPercent": 12.4} for kind, nodes in self.elastic]
        return {"NodeConfigurationOptionList": options}

    def describe_orderable_cluster_options(self, NodeType: str = "") -> dict[str, Any]:  # noqa: N803
        types = ("single-node", "multi-node")
        sold = [one for one in sorted(self.sold) if NodeType in {"", one}]
        return {"OrderableClusterOptions": [{"NodeType": one, "ClusterType": kind} for one in sold for kind in types]}

    def create_cluster_parameter_group(self, ParameterGroupName: str, Tags: list[dict[str, str]], **_: Any) -> dict[str, Any]:  # noqa: N803
        if ParameterGroupName in self.parameter_groups:
            raise Refusal("ClusterParameterGroupAlreadyExists")
        self.parameter_groups[ParameterGroupName] = ({}, Tags)
        return {}

    def describe_cluster_parameter_groups(self, ParameterGroupName: str) -> dict[str, Any]:  # noqa: N803
        if ParameterGroupName not in self.parameter_groups:
            raise Refusal("ClusterParameterGroupNotFound", status=404)
        return {"ParameterGroups": [{"ParameterGroupName": ParameterGroupName, "Tags": self.parameter_groups[ParameterGroupName][1]}]}

    def modify_cluster_parameter_group(self, ParameterGroupName: str, Parameters: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        self.parameter_groups[ParameterGroupName][0].update({one["ParameterName"]: one["ParameterValue"] for one in Parameters})
        return {}

    def delete_cluster_parameter_group(self, ParameterGroupName: str) -> dict[str, Any]:  # noqa: N803
        del self.parameter_groups[ParameterGroupName]
        return {}

    def create_tags(self, ResourceName: str, Tags: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        cluster = self.clusters.get(ResourceName.rpartition(":")[2])
        if cluster is None:
            raise Refusal("ResourceNotFoundFault", f"{ResourceName} was not found.", 404)
        if cluster["ClusterStatus"] != "available":
            raise Refusal("InvalidClusterState", f"Cluster {ResourceName} is {cluster['ClusterStatus']}.")
        kept = [tag for tag in cluster["Tags"] if tag["Key"] not in {new["Key"] for new in Tags}]
        cluster["Tags"] = [*kept, *Tags]
        return {}

    def restore_from_cluster_snapshot(self, ClusterIdentifier: str, SnapshotIdentifier: str, **request: Any) -> dict[str, Any]:  # noqa: N803
        if ClusterIdentifier in self.clusters:
            raise Refusal("ClusterAlreadyExists")
        kept = {key: request[key] for key in ("NodeType", "PubliclyAccessible", "EnhancedVpcRouting") if key in request}
        self.snapshots[SnapshotIdentifier]["Status"] = "available"
        self.add(ClusterIdentifier, status="creating", nodes=request.get("NumberOfNodes", 2), RestoreStatus={"Status": "restoring"}, **kept)
        return {"Cluster": self.clusters[ClusterIdentifier]}

    def create_cluster_snapshot(self, ClusterIdentifier: str, SnapshotIdentifier: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        if SnapshotIdentifier in self.snapshots:
            raise Refusal("ClusterSnapshotAlreadyExists")
        self.add_snapshot(SnapshotIdentifier, ClusterIdentifier, status="creating", age=timedelta())
        return {"Snapshot": self.snapshots[SnapshotIdentifier]}

    def describe_cluster_snapshots(
        self,
        ClusterIdentifier: str = "",  # noqa: N803
        SnapshotIdentifier: str = "",  # noqa: N803
        StartTime: datetime = _BEGINNING,  # noqa: N803
        *,
        ClusterExists: bool = False,  # noqa: N803
        **_: Any,
    ) -> dict[str, Any]:
        if SnapshotIdentifier and SnapshotIdentifier not in self.snapshots:
            raise Refusal("ClusterSnapshotNotFound", status=404)
        found = [self.snapshots[SnapshotIdentifier]] if SnapshotIdentifier else list(self.snapshots.values())
        if ClusterExists:
            found = [one for one in found if one["SnapshotIdentifier"] not in self.namesakes]
        return {
            "Snapshots": [
                one for one in found if ClusterIdentifier in {"", one["ClusterIdentifier"]} and one["SnapshotCreateTime"] >= StartTime
            ]
        }

    def batch_delete_cluster_snapshots(self, Identifiers: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        deleted, errors = [], []
        for one in Identifiers:
            name = one["SnapshotIdentifier"]
            if name in self.snapshots and name not in self.restoring:
                del self.snapshots[name]
                deleted.append(name)
            else:
                code = "InvalidClusterSnapshotState" if name in self.restoring else "ClusterSnapshotNotFound"
                errors.append({"SnapshotIdentifier": name, "FailureCode": code, "FailureReason": "said the service"})
        return {"Resources": deleted, "Errors": errors}

    def modify_cluster(self, ClusterIdentifier: str, **changes: Any) -> dict[str, Any]:  # noqa: N803
        self._move(ClusterIdentifier, {"available"}, "modifying")["Cluster"].update(changes)
        return {"Cluster": self.clusters[ClusterIdentifier]}

    def describe_cluster_parameters(self, ParameterGroupName: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        parameters = self.parameters.get(ParameterGroupName) or self.parameter_groups.get(ParameterGroupName, ({}, []))[0]
        return {"Parameters": [{"ParameterName": name, "ParameterValue": value} for name, value in parameters.items()]}

    def describe_logging_status(self, ClusterIdentifier: str) -> dict[str, Any]:  # noqa: N803
        return self.logging.get(self._known(ClusterIdentifier)["ClusterIdentifier"], {"LoggingEnabled": self.logs_everywhere})

    def enable_logging(self, ClusterIdentifier: str, **where: Any) -> dict[str, Any]:  # noqa: N803
        self._known(ClusterIdentifier)
        self.logging[ClusterIdentifier] = {"LoggingEnabled": True, **where}
        return self.logging[ClusterIdentifier]

    def _known(self, name: str) -> dict[str, Any]:
        if name not in self.clusters:
            raise Refusal("ClusterNotFound", f"Cluster {name} not found.", 404)
        return self.clusters[name]

    def _move(self, name: str, allowed: set[str], status: str) -> dict[str, Any]:
        cluster = self._known(name)
        if cluster["ClusterStatus"] not in allowed:
            raise Refusal("InvalidClusterState", f"Cluster {name} is {cluster['ClusterStatus']}.")
        cluster["ClusterStatus"] = status
        return {"Cluster": cluster}


class Serverless(Fake):
    """Redshift Serverless: namespaces and the workgroups on them."""

    service: ClassVar[str] = "redshift-serverless"

    def __init__(self) -> None:
        self.namespaces: dict[str, dict[str, Any]] = {}
        self.workgroups: dict[str, dict[str, Any]] = {}
        self.limits: list[dict[str, Any]] = []
        self.tags: dict[str, list[dict[str, str]]] = {}
        self.snapshots: dict[str, dict[str, Any]] = {}

    def add(self, name: str = "adhoc", *, status: str = "AVAILABLE", tags: dict[str, str] | None = None, **more: Any) -> None:
        listed = [{"key": key, "value": value} for key, value in (tags or {}).items()]
        if name not in self.namespaces:
            self.create_namespace(namespaceName=name, dbName="dev", adminUsername="admin", tags=listed)
        self.create_workgroup(name, name, tags=listed, **more)
        self.workgroups[name]["status"] = status

    def get_workgroup(self, workgroupName: str) -> dict[str, Any]:  # noqa: N803
        return {"workgroup": self._known(self.workgroups, workgroupName)}

    def list_workgroups(self) -> dict[str, Any]:
        return {"workgroups": list(self.workgroups.values())}

    def list_usage_limits(self, resourceArn: str) -> dict[str, Any]:  # noqa: N803
        found = [limit for limit in self.limits if limit["resourceArn"] == resourceArn]
        return {"usageLimits": found} if found else {}

    def get_namespace(self, namespaceName: str) -> dict[str, Any]:  # noqa: N803
        return {"namespace": self._known(self.namespaces, namespaceName)}

    def list_tags_for_resource(self, resourceArn: str) -> dict[str, Any]:  # noqa: N803
        return {"tags": self.tags[resourceArn]}

    def create_namespace(self, *, tags: list[dict[str, str]], **request: Any) -> dict[str, Any]:
        name = request["namespaceName"]
        if name in self.namespaces:
            raise Refusal("ConflictException", f"namespace {name} already exists")
        arn = self._arn("namespace", name)
        self.tags[arn] = tags
        self.namespaces[name] = {
            "namespaceName": name,
            "namespaceArn": arn,
            "status": "AVAILABLE",
            "dbName": request["dbName"],
            "adminUsername": request["adminUsername"],
            "adminPasswordSecretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:redshift!{name}",
            "logExports": request.get("logExports", ["userlog"]),
        }
        return {"namespace": self.namespaces[name]}

    def create_workgroup(self, workgroupName: str, namespaceName: str, *, tags: list[dict[str, str]], **more: Any) -> dict[str, Any]:  # noqa: N803
        if workgroupName in self.workgroups:
            raise Refusal("ConflictException", f"workgroup {workgroupName} already exists")
        arn = self._arn("workgroup", workgroupName)
        self.tags[arn] = tags
        self.workgroups[workgroupName] = {
            "workgroupName": workgroupName,
            "workgroupArn": arn,
            "namespaceName": namespaceName,
            "status": "CREATING",
            "baseCapacity": 8,
            "publiclyAccessible": False,
            "enhancedVpcRouting": True,
            "port": 5439,
            **more,
        }
        return {"workgroup": self.workgroups[workgroupName]}

    def tag_resource(self, resourceArn: str, tags: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        self.tags[resourceArn] = [*self.tags[resourceArn], *tags]
        return {}

    def delete_workgroup(self, workgroupName: str) -> dict[str, Any]:  # noqa: N803
        workgroup = self._known(self.workgroups, workgroupName)
        if workgroup["status"] != "AVAILABLE":
            raise Refusal("ConflictException", f"workgroup {workgroupName} is {workgroup['status']}")
        workgroup["status"] = "DELETING"
        return {"workgroup": workgroup}

    def update_workgroup(self, workgroupName: str, **changes: Any) -> dict[str, Any]:  # noqa: N803
        if len(changes) != 1:
            raise Refusal("ValidationException", "one parameter at a time")
        workgroup = self._known(self.workgroups, workgroupName)
        workgroup.update(changes)
        return {"workgroup": workgroup}

    def add_snapshot(
        self,
        name: str,
        namespace: str = "adhoc",
        *,
        status: str = "AVAILABLE",
        age: timedelta = timedelta(hours=1),
        tags: dict[str, str] | None = None,
    ) -> None:
        """A snapshot of a namespace, which may be deleted."""
        arn = self._arn("snapshot", name)
        self.tags[arn] = [{"key": key, "value": value} for key, value in (tags or {}).items()]
        self.snapshots[name] = {
            "snapshotName": name,
            "snapshotArn": arn,
            "namespaceName": namespace,
            "namespaceArn": self._arn("namespace", namespace),
            "snapshotCreateTime": datetime.now(UTC) - age,
            "status": status,
            "totalBackupSizeInMegaBytes": 5.0,
        }

    def create_snapshot(self, namespaceName: str, snapshotName: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        self._known(self.namespaces, namespaceName)
        if snapshotName in self.snapshots:
            raise Refusal("ConflictException", f"snapshot {snapshotName} already exists")
        self.add_snapshot(snapshotName, namespaceName, status="CREATING", age=timedelta())
        return {"snapshot": self.snapshots[snapshotName]}

    def get_snapshot(self, snapshotName: str) -> dict[str, Any]:  # noqa: N803
        return {"snapshot": self._known(self.snapshots, snapshotName)}

    def list_namespaces(self, **_: Any) -> dict[str, Any]:
        return {"namespaces": list(self.namespaces.values())}

    def restore_from_snapshot(self, namespaceName: str, workgroupName: str, snapshotName: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        self._known(self.snapshots, snapshotName)
        self._known(self.workgroups, workgroupName)
        return {"namespace": self._known(self.namespaces, namespaceName), "snapshotName": snapshotName}

    def delete_snapshot(self, snapshotName: str) -> dict[str, Any]:  # noqa: N803
        self._known(self.snapshots, snapshotName)
        return {"snapshot": self.snapshots.pop(snapshotName)}

    def list_snapshots(self, namespaceName: str = "", **_: Any) -> dict[str, Any]:  # noqa: N803
        if namespaceName and namespaceName not in self.namespaces:
            raise Refusal("ResourceNotFoundException", f"{namespaceName} does not exist", 404)
        return {"snapshots": [one for one in self.snapshots.values() if namespaceName in {"", one["namespaceName"]}]}

    def delete_namespace(self, namespaceName: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        namespace = self._known(self.namespaces, namespaceName)
        if any(workgroup["namespaceName"] == namespaceName for workgroup in self.workgroups.values()):
            raise Refusal("ConflictException", f"namespace {namespaceName} has a workgroup")
        del self.namespaces[namespaceName]
        return {"namespace": namespace}

    def _known(self, things: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
        if name not in things:
            raise Refusal("ResourceNotFoundException", f"{name} does not exist", 404)
        return things[name]

    def _arn(self, kind: str, name: str) -> str:
        return f"arn:aws:redshift-serverless:{REGION}:{ACCOUNT}:{kind}/0f1e2d3c-{name}"


class Tags(Fake):
    """The Resource Groups Tagging API over these clusters and workgroups. Its index may lag: what is in `unseen` is not found yet."""

    service: ClassVar[str] = "resourcegroupstaggingapi"

    def __init__(self, clusters: Clusters, serverless: Serverless) -> None:
        self._clusters, self._serverless = clusters, serverless
        self.unseen: set[str] = set()

    def get_resources(self, TagFilters: list[dict[str, Any]], **_: Any) -> dict[str, Any]:  # noqa: N803
        found = [
            (f"arn:aws:redshift:{REGION}:{ACCOUNT}:cluster:{name}", _pairs(one["Tags"])) for name, one in self._clusters.clusters.items()
        ]
        found += [(one["workgroupArn"], _pairs(self._serverless.tags[one["workgroupArn"]])) for one in self._serverless.workgroups.values()]
        listed = [
            {"ResourceARN": arn, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
            for arn, tags in found
            if all(_fits(tags, one) for one in TagFilters) and not any(arn.endswith(name) for name in self.unseen)
        ]
        return {"ResourceTagMappingList": listed}


def _fits(tags: dict[str, str], wanted: dict[str, Any]) -> bool:
    return wanted["Key"] in tags and tags[wanted["Key"]] in (wanted.get("Values") or tags.values())


def _pairs(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag.get("Key") or tag["key"]: tag.get("Value") or tag.get("value", "") for tag in tags}


@dataclass
class Statement:
    """One statement of the Data API, or one of a batch, with the result that a test gave it."""

    id: str
    sql: str
    status: str = "SUBMITTED"
    columns: list[str] | None = None
    rows: list[list[Any]] = field(default_factory=list)
    affected: int = 0
    error: str = ""
    ended: datetime | None = None
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    def described(self) -> dict[str, Any]:
        told: dict[str, Any] = {"Id": self.id, "QueryString": self.sql, "Status": self.status, "Duration": -1, "ResultRows": -1}
        told |= {"CreatedAt": self.created, "UpdatedAt": self.ended or datetime.now(UTC)}
        if self.status == "FINISHED":
            told |= {
                "Duration": 12_345_678,
                "ResultRows": len(self.rows) if self.columns else self.affected,
                "HasResultSet": self.columns is not None,
            }
        return told | ({"Error": self.error} if self.error else {})


class DataApi(Fake):
    """The Data API: statements are submitted, and end when a test says how."""

    service: ClassVar[str] = "redshift-data"
    PAGE = 100

    def __init__(self) -> None:
        self._numbers = count(1)
        self.statements: dict[str, list[Statement]] = {}
        self.requests: dict[str, dict[str, Any]] = {}
        self.by_token: dict[str, str] = {}
        self.at_once: Callable[[], None] = lambda: None
        #: What people made in the first database, beside what every database has.
        self.tables: list[dict[str, str]] = []

    def list_databases(self, **_: Any) -> dict[str, Any]:
        return {"Databases": ["dev", "template1"]}

    def list_tables(self, **_: Any) -> dict[str, Any]:
        return {"Tables": [{"schema": "pg_catalog", "name": "pg_class", "type": "SYSTEM TABLE"}, *self.tables]}

    def execute_statement(self, **request: Any) -> dict[str, Any]:
        return self._submit([request["Sql"]], request)

    def batch_execute_statement(self, **request: Any) -> dict[str, Any]:
        return self._submit(request["Sqls"], request)

    def _submit(self, texts: list[str], request: dict[str, Any]) -> dict[str, Any]:
        token = request["ClientToken"]
        if token not in self.by_token:
            statement_id = f"statement-{next(self._numbers)}"
            ids = [f"{statement_id}:{number}" for number in range(1, len(texts) + 1)] if len(texts) > 1 else [statement_id]
            self.statements[statement_id] = [Statement(id=one, sql=text) for one, text in zip(ids, texts, strict=True)]
            self.requests[statement_id], self.by_token[token] = request, statement_id
            self.at_once()
        return {"Id": self.by_token[token]}

    @property
    def last(self) -> str:
        """The statement that was submitted last."""
        return list(self.statements)[-1]

    def finish(self, statement_id: str, *results: tuple[list[str], list[list[Any]]] | int, seconds_ago: int = 0) -> None:
        """End it well; each of its statements returned columns and rows, or affected so many rows."""
        for statement, result in zip(self.statements[statement_id], results, strict=True):
            statement.status, statement.ended = "FINISHED", datetime.now(UTC) - timedelta(seconds=seconds_ago)
            if isinstance(result, int):
                statement.affected = result
            else:
                statement.columns, statement.rows = result

    def age(self, statement_id: str, seconds: int) -> None:
        """Let it have been submitted so much earlier."""
        for statement in self.statements[statement_id]:
            statement.created -= timedelta(seconds=seconds)

    def end_badly(self, statement_id: str, status: str, error: str, number: int = 1) -> None:
        """End it as FAILED or ABORTED, by its statement of that number."""
        for statement in self.statements[statement_id]:
            statement.status = "ABORTED"
        failed = self.statements[statement_id][number - 1]
        failed.status, failed.error = status, error

    def describe_statement(self, Id: str) -> dict[str, Any]:  # noqa: N803
        parts = self._known(Id)
        described = parts[0].described() if len(parts) == 1 else self._batch(Id, parts)
        request = self.requests[Id]
        return described | {key: request[key] for key in ("ClusterIdentifier", "WorkgroupName", "Database") if key in request}

    def _batch(self, statement_id: str, parts: list[Statement]) -> dict[str, Any]:
        statuses = [part.status for part in parts]
        told: dict[str, Any] = {
            "Id": statement_id,
            "CreatedAt": parts[0].created,
            "UpdatedAt": parts[-1].ended or datetime.now(UTC),
            "Status": next((status for status in ("FAILED", "ABORTED") if status in statuses), statuses[-1]),
            "SubStatements": [part.described() for part in parts],
        }
        error = next((part.error for part in parts if part.error), "")
        return told | ({"Error": error} if error else {})

    def cancel_statement(self, Id: str) -> dict[str, Any]:  # noqa: N803
        for statement in self._known(Id):
            if statement.status in {"FINISHED", "FAILED", "ABORTED"}:
                raise Refusal("ValidationException", f"Could not cancel a query that is already in {statement.status} state")
            statement.status = "ABORTED"
        return {"Status": True}

    def get_statement_result(self, Id: str, NextToken: str = "0") -> dict[str, Any]:  # noqa: N803
        statement = next(part for parts in self.statements.values() for part in parts if part.id == Id)
        if statement.columns is None:
            raise Refusal("ResourceNotFoundException", "Query does not have result.")
        start, end = int(NextToken), int(NextToken) + self.PAGE
        page: dict[str, Any] = {
            "ColumnMetadata": [{"name": name, "label": name} for name in statement.columns],
            "Records": [[_field(value) for value in row] for row in statement.rows[start:end]],
        }
        return page | ({"NextToken": str(end)} if end < len(statement.rows) else {})

    def _known(self, statement_id: str) -> list[Statement]:
        if statement_id not in self.statements:
            raise Refusal("ResourceNotFoundException", "Query does not exist.")
        return self.statements[statement_id]


def _field(value: Any) -> dict[str, Any]:
    match value:
        case None:
            return {"isNull": True}
        case bool():
            return {"booleanValue": value}
        case int():
            return {"longValue": value}
        case float():
            return {"doubleValue": value}
        case _:
            return {"stringValue": value}


class Executions(Fake):
    """Step Functions as seen from a handler: whether an execution runs, and the answers given to its waiting tasks."""

    service: ClassVar[str] = "stepfunctions"

    def __init__(self) -> None:
        self.status: dict[str, str] = {}
        self.answers: dict[str, dict[str, Any]] = {}
        self.gone: set[str] = set()
        self.meanwhile: Callable[[], None] = lambda: None

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803
        if executionArn not in self.status:
            raise Refusal("ExecutionDoesNotExist", f"Execution Does Not Exist: '{executionArn}'")
        machine = executionArn.replace(":execution:", ":stateMachine:").rpartition(":")[0]
        return {
            "executionArn": executionArn,
            "stateMachineArn": machine,
            "status": self.status[executionArn],
            "startDate": datetime.now(UTC),
        }

    def start_execution(self, stateMachineArn: str, name: str, input: str) -> dict[str, Any]:  # noqa: A002, N803
        arn = f"{stateMachineArn.replace(':stateMachine:', ':execution:')}:{name}"
        if arn in self.status:
            raise Refusal("ExecutionAlreadyExists", f"Execution Already Exists: '{arn}' with input {input}")
        self.status[arn] = "RUNNING"
        return {"executionArn": arn, "startDate": datetime.now(UTC)}

    def send_task_success(self, taskToken: str, output: str) -> dict[str, Any]:  # noqa: N803
        return self._take(taskToken, {"output": msgspec.json.decode(output)})

    def send_task_failure(self, taskToken: str, error: str, cause: str) -> dict[str, Any]:  # noqa: N803
        return self._take(taskToken, {"error": error, "cause": cause})

    def _take(self, token: str, told: dict[str, Any]) -> dict[str, Any]:
        self.meanwhile()
        if token in self.gone or token in self.answers:
            raise Refusal("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
        self.answers[token] = told
        return {}


class Budgets(Fake):
    """AWS Budgets: the budgets of the account with their alerts and tags."""

    service: ClassVar[str] = "budgets"

    def __init__(self) -> None:
        self.budgets: dict[str, dict[str, Any]] = {}
        self.alerts: dict[str, list[dict[str, Any]]] = {}
        self.tags: dict[str, list[dict[str, str]]] = {}

    def describe_budget(self, AccountId: str, BudgetName: str) -> dict[str, Any]:  # noqa: ARG002, N803
        return {"Budget": self._known(BudgetName)}

    def describe_budgets(self, AccountId: str, NextToken: str = "0", **_: Any) -> dict[str, Any]:  # noqa: ARG002, N803
        start, every = int(NextToken), list(self.budgets.values())
        more = {"NextToken": str(start + 2)} if start + 2 < len(every) else {}
        return {"Budgets": every[start : start + 2], **more}

    def create_budget(
        self,
        AccountId: str,  # noqa: ARG002, N803
        Budget: dict[str, Any],  # noqa: N803
        NotificationsWithSubscribers: list[dict[str, Any]],  # noqa: N803
        ResourceTags: list[dict[str, str]],  # noqa: N803
    ) -> dict[str, Any]:
        name = Budget["BudgetName"]
        if name in self.budgets:
            raise Refusal("DuplicateRecordException")
        self.budgets[name], self.tags[name] = _as_kept(Budget), ResourceTags
        self.alerts[name] = [one["Notification"] | {"NotificationState": "OK"} for one in NotificationsWithSubscribers]
        return {}

    def update_budget(self, AccountId: str, NewBudget: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002, N803
        self._known(NewBudget["BudgetName"])
        self.budgets[NewBudget["BudgetName"]] = _as_kept(NewBudget)
        return {}

    def delete_budget(self, AccountId: str, BudgetName: str) -> dict[str, Any]:  # noqa: ARG002, N803
        self._known(BudgetName)
        del self.budgets[BudgetName]
        return {}

    def describe_notifications_for_budget(self, AccountId: str, BudgetName: str) -> dict[str, Any]:  # noqa: ARG002, N803
        return {"Notifications": self.alerts[BudgetName]}

    def create_notification(
        self,
        AccountId: str,  # noqa: ARG002, N803
        BudgetName: str,  # noqa: N803
        Notification: dict[str, Any],  # noqa: N803
        Subscribers: list[dict[str, str]],  # noqa: ARG002, N803
    ) -> dict[str, Any]:
        self.alerts[BudgetName].append(Notification | {"NotificationState": "OK"})
        return {}

    def delete_notification(self, AccountId: str, BudgetName: str, Notification: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002, N803
        self.alerts[BudgetName].remove(Notification | {"NotificationState": "OK"})
        return {}

    def list_tags_for_resource(self, ResourceARN: str) -> dict[str, Any]:  # noqa: N803
        return {"ResourceTags": self.tags[ResourceARN.rpartition("/")[2]]}

    def _known(self, name: str) -> dict[str, Any]:
        if name not in self.budgets:
            raise Refusal("NotFoundException")
        return self.budgets[name]


def _as_kept(budget: dict[str, Any]) -> dict[str, Any]:
    """AWS writes amounts in its own way."""
    kept = budget | {"BudgetLimit": {"Amount": str(float(budget["BudgetLimit"]["Amount"])), "Unit": "USD"}}
    return kept | {"CalculatedSpend": {"ActualSpend": {"Amount": "12.34", "Unit": "USD"}}}


class CostExplorer(Fake):
    """Cost Explorer: which tags count for cost allocation, what was spent (day, usage type, tag, amount), and what AWS would reserve."""

    service: ClassVar[str] = "ce"
    PAGE = 3

    def __init__(self) -> None:
        self.tags: dict[str, str] = {}
        self.rows: list[tuple[str, str, str, str]] = []
        self.expected = "123.456"
        self.currency = "USD"
        self.offers: list[dict[str, Any]] = []

    def get_cost_and_usage(
        self,
        TimePeriod: dict[str, str],  # noqa: N803
        GroupBy: list[dict[str, str]],  # noqa: N803
        NextPageToken: str = "0",  # noqa: N803
        **_: Any,
    ) -> dict[str, Any]:
        start, key = int(NextPageToken), GroupBy[1]["Key"]
        found = [row for row in self.rows if TimePeriod["Start"] <= row[0] < TimePeriod["End"]]
        days: dict[str, list[dict[str, Any]]] = {}
        for day, usage_type, tag, amount in found[start : start + self.PAGE]:
            cost = {"AmortizedCost": {"Amount": amount, "Unit": self.currency}, "UsageQuantity": {"Amount": "1", "Unit": "Hrs"}}
            days.setdefault(day, []).append({"Keys": [usage_type, f"{key}${tag}"], "Metrics": cost})
        results = [{"TimePeriod": {"Start": day, "End": day}, "Groups": groups, "Estimated": False} for day, groups in days.items()]
        more = {"NextPageToken": str(start + self.PAGE)} if start + self.PAGE < len(found) else {}
        return {"ResultsByTime": results, **more}

    def get_cost_forecast(self, **_: Any) -> dict[str, Any]:
        return {"Total": {"Amount": self.expected, "Unit": "USD"}}

    def get_reservation_purchase_recommendation(self, **_: Any) -> dict[str, Any]:
        return {"Recommendations": [{"LookbackPeriodInDays": "THIRTY_DAYS", "RecommendationDetails": self.offers}]}

    def list_cost_allocation_tags(self, TagKeys: list[str], **_: Any) -> dict[str, Any]:  # noqa: N803
        found = [{"TagKey": key, "Type": "UserDefined", "Status": self.tags[key]} for key in TagKeys if key in self.tags]
        return {"CostAllocationTags": found}
