"""Serverless workgroups and the namespaces that hold their data: look, create, delete."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from autopilot.aws.clients import call, client, translated
from autopilot.domain.errors import AutopilotError
from autopilot.domain.surroundings import Namespace
from autopilot.domain.tags import MANAGED_TAG
from autopilot.domain.warehouse import Warehouse

LOOK = ("redshift-serverless:GetWorkgroup", "redshift-serverless:GetNamespace", "redshift-serverless:ListTagsForResource")
CREATE = ("redshift-serverless:CreateNamespace", "redshift-serverless:CreateWorkgroup", "redshift-serverless:TagResource")
CHANGE = ("redshift-serverless:UpdateWorkgroup", "redshift-serverless:UpdateNamespace", "redshift-serverless:TagResource")
DELETE = ("redshift-serverless:DeleteWorkgroup", "redshift-serverless:DeleteNamespace")
TAKE_SNAPSHOT = ("redshift-serverless:CreateSnapshot", "redshift-serverless:GetSnapshot", "redshift-serverless:TagResource")
RESTORE = ("redshift-serverless:RestoreFromSnapshot",)
LOOK_AT_SNAPSHOT = ("redshift-serverless:GetSnapshot",)
SERVICE = "redshift-serverless"
_ROLE_ARN = re.compile(r"arn:[^,()\s]+")


def find(name: str) -> Warehouse | None:
    """The workgroup of that name with its namespace, or None. Source: GetWorkgroup, GetNamespace, ListTagsForResource."""
    workgroup = _get("workgroup", name)
    if workgroup is None:
        return None
    namespace = _get("namespace", workgroup["namespaceName"]) or {}
    arn = workgroup["workgroupArn"]
    region, account = arn.split(":")[3:5]
    return Warehouse(
        kind="workgroup",
        name=name,
        region=region,
        account=account,
        arn=arn,
        status=_status(workgroup, namespace),
        database=namespace.get("dbName") or "dev",
        admin_user=namespace.get("adminUsername"),
        secret_arn=namespace.get("adminPasswordSecretArn"),
        base_rpu=workgroup.get("baseCapacity"),
        max_rpu=workgroup.get("maxCapacity"),
        public=bool(workgroup.get("publiclyAccessible")),
        subnet_ids=workgroup.get("subnetIds", []),
        security_group_ids=workgroup.get("securityGroupIds", []),
        namespace=workgroup["namespaceName"],
        namespace_id=namespace.get("namespaceId", ""),
        tags=tags_of(arn),
        **_settings(workgroup, namespace),
    )


def every() -> Iterator[Warehouse]:
    """All workgroups of the account and region, without what only their namespaces tell. Source: ListWorkgroups, ListTagsForResource."""
    with translated("list the workgroups"):
        for page in client(SERVICE).get_paginator("list_workgroups").paginate():
            for found in page["workgroups"]:
                arn = found["workgroupArn"]
                region, account = arn.split(":")[3:5]
                yield Warehouse(
                    kind="workgroup",
                    name=found["workgroupName"],
                    region=region,
                    account=account,
                    arn=arn,
                    status=found["status"].lower(),
                    database="",
                    base_rpu=found.get("baseCapacity"),
                    max_rpu=found.get("maxCapacity"),
                    namespace=found["namespaceName"],
                    tags=tags_of(arn),
                )


def _status(workgroup: dict[str, Any], namespace: dict[str, Any]) -> str:
    """The workgroup's status; a workgroup whose namespace is being modified takes no changes either."""
    own = str(workgroup["status"]).lower()
    return "modifying" if own == "available" and namespace.get("status") == "MODIFYING" else own


def _settings(workgroup: dict[str, Any], namespace: dict[str, Any]) -> dict[str, Any]:
    target = workgroup.get("pricePerformanceTarget") or {}
    return {
        "price_performance_target": target.get("level") if target.get("status") == "ENABLED" else None,
        "port": workgroup.get("port"),
        "enhanced_vpc_routing": bool(workgroup.get("enhancedVpcRouting")),
        "ip_address_type": workgroup.get("ipAddressType"),
        "parameters": {one["parameterKey"]: one.get("parameterValue", "") for one in workgroup.get("configParameters", [])},
        "kms_key": namespace.get("kmsKeyId"),
        "secret_kms_key": namespace.get("adminPasswordSecretKmsKeyId"),
        "log_exports": sorted(namespace.get("logExports", [])),
        # A role comes as an ARN, or as the text IamRole(applyStatus=..., iamRoleArn=...).
        "roles": sorted(found[0] for role in namespace.get("iamRoles", []) if (found := _ROLE_ARN.search(role))),
        "default_role": namespace.get("defaultIamRoleArn"),
    }


def find_namespace(name: str) -> Namespace | None:
    """The namespace of that name, or None."""
    found = _get("namespace", name)
    return None if found is None else Namespace(found.get("dbName") or "dev", tags_of(found["namespaceArn"]), found["status"].lower())


def create_namespace(request: dict[str, Any]) -> bool:
    """Create the namespace; False when one of that name is there already. Source: CreateNamespace."""
    return _create("namespace", request)


def create_workgroup(request: dict[str, Any]) -> bool:
    """Create the workgroup; False when one of that name is there already. Source: CreateWorkgroup."""
    return _create("workgroup", request)


def update(name: str, request: dict[str, Any]) -> None:
    """Change one parameter of the workgroup, as AWS takes one at a time. Source: UpdateWorkgroup."""
    call(SERVICE, "update_workgroup", f"change workgroup {name}", workgroupName=name, **request)


def update_namespace(name: str, request: dict[str, Any]) -> None:
    """Change the namespace: one thing, or what has to go together. Source: UpdateNamespace."""
    call(SERVICE, "update_namespace", f"change namespace {name}", namespaceName=name, **request)


def tag(arn: str, tags: dict[str, str]) -> None:
    """Set tags. Source: TagResource."""
    call(SERVICE, "tag_resource", f"tag {arn}", resourceArn=arn, tags=[{"key": key, "value": value} for key, value in tags.items()])


def delete_workgroup(name: str) -> None:
    """Delete the workgroup; its namespace and the data in it stay. Source: DeleteWorkgroup."""
    _delete("workgroup", name)


def delete_namespace(name: str, final_snapshot: str | None) -> None:
    """Start the deletion of a namespace and its data, with a final snapshot of that name or without any. Source: DeleteNamespace."""
    _delete("namespace", name, **({"finalSnapshotName": final_snapshot} if final_snapshot else {}))


def restore(request: dict[str, Any]) -> None:
    """Replace what a new namespace holds by what a snapshot keeps. Source: RestoreFromSnapshot."""
    what = f"restore snapshot {request['snapshotName']} into namespace {request['namespaceName']}"
    call(SERVICE, "restore_from_snapshot", what, **request)


def take_snapshot(namespace: str, identifier: str, retention_days: int) -> None:
    """Take a snapshot of a namespace that removes itself after so many days; one of that name that is there is taken for it.

    Source: CreateSnapshot.
    """
    what = f"take snapshot {identifier} of namespace {namespace}"
    tags = [{"key": MANAGED_TAG, "value": "true"}]
    try:
        call(SERVICE, "create_snapshot", what, namespaceName=namespace, snapshotName=identifier, retentionPeriod=retention_days, tags=tags)
    except AutopilotError as error:
        # ConflictException means both "exists" and "another operation runs": only a look tells which.
        if error.code != "ConflictException" or snapshot_status(identifier) is None:
            raise


def snapshot_status(identifier: str) -> str | None:
    """The status of a snapshot in lower case, or None when it does not exist. Source: GetSnapshot."""
    try:
        found = call(SERVICE, "get_snapshot", f"describe snapshot {identifier}", snapshotName=identifier)["snapshot"]
    except AutopilotError as error:
        if error.code != "ResourceNotFoundException":
            raise
        return None
    return str(found["status"]).lower()


def _create(kind: str, request: dict[str, Any]) -> bool:
    name = request[f"{kind}Name"]
    try:
        call(SERVICE, f"create_{kind}", f"create {kind} {name}", **request)
    except AutopilotError as error:
        # ConflictException means both "exists" and "another operation runs": only a look tells which.
        if error.code == "ConflictException" and _get(kind, name) is not None:
            return False
        raise
    return True


def _get(kind: str, name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = call(SERVICE, f"get_{kind}", f"describe {kind} {name}", **{f"{kind}Name": name})[kind]
    except AutopilotError as error:
        if error.code != "ResourceNotFoundException":
            raise
        return None
    return found


def _delete(kind: str, name: str, **how: str) -> None:
    try:
        call(SERVICE, f"delete_{kind}", f"delete {kind} {name}", **{f"{kind}Name": name}, **how)
    except AutopilotError as error:
        if error.code != "ResourceNotFoundException":
            raise


def tags_of(arn: str) -> dict[str, str]:
    """The tags of a workgroup, a namespace or a snapshot. Source: ListTagsForResource."""
    tags = call(SERVICE, "list_tags_for_resource", f"list the tags of {arn}", resourceArn=arn)["tags"]
    return {tag["key"]: tag.get("value", "") for tag in tags}
