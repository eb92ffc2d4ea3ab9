"""`create`: look and decide, create what is missing, and remove only what this execution created."""

from __future__ import annotations

from typing import Any

import pytest

from autopilot.domain.errors import AwsRefused, CapacityUnavailable, InvalidInput, Throttled, WarehouseDiffers, WarehouseNotReady
from tests.handlers.account import BUCKET, Aws, Handle, execution, reference, sample
from tests.handlers.wiring import Refusal

ME = execution("provision-warehouse")
THEM = execution("provision-warehouse", "them")
CLUSTER: dict[str, Any] = {"name": "analytics", "kind": "cluster", "compute": {"node_type": "ra3.large", "nodes": 2}}
WORKGROUP: dict[str, Any] = {"name": "adhoc", "kind": "workgroup", "compute": {"base_rpu": 8}}


def look(**given: Any) -> dict[str, Any]:
    return sample("create") | {"input": given}


def create(spec: dict[str, Any]) -> dict[str, Any]:
    return {"step": "create", "execution": ME, "spec": spec}


def undo(name: str = "analytics", kind: str = "cluster") -> dict[str, Any]:
    return {"step": "undo", "execution": ME, "warehouse": reference(name, kind)}


def owned_by(arn: str) -> dict[str, str]:
    return {"autopilot:managed": "true", "autopilot:execution": arn}


# --- look -------------------------------------------------------------------------------------------------------------


def test_sample_plans_a_cluster_and_changes_nothing(aws: Aws, handle: Handle) -> None:
    plan = handle(sample("create"))
    assert (plan["action"], plan["reason"], plan["status"], plan["dry_run"]) == ("create", "no cluster analytics exists", "absent", True)
    assert plan["warehouse"] == reference()
    assert plan["key"] == "cluster#us-east-1#analytics"
    assert plan["spec"]["compute"] == {"node_type": "ra3.large", "nodes": 2}
    assert aws.order == ["describe_clusters"]


def test_plan_comes_back_as_the_spec_that_create_takes(aws: Aws, handle: Handle) -> None:
    plan = handle(look(spec=CLUSTER))
    assert handle(create(plan["spec"]))["action"] == "create"
    assert aws.clusters.status_of("analytics") == "creating"


@pytest.mark.parametrize(
    "text", ["name: analytics\ncompute: {node_type: ra3.large, nodes: 2}\n", '{"name": "analytics", "compute": {"nodes": 2}}']
)
def test_spec_in_the_bucket_is_read_as_yaml_or_json(aws: Aws, handle: Handle, text: str) -> None:
    aws.write("specs/analytics", text)
    assert handle(look(spec_uri=f"s3://{BUCKET}/specs/analytics"))["spec"]["compute"]["nodes"] == 2


def test_warehouse_that_is_what_the_spec_says_is_left_alone(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(nodes=2)
    plan = handle(look(spec=CLUSTER))
    assert (plan["action"], plan["reason"]) == ("nothing", "cluster analytics exists and is what the spec says")


def test_paused_cluster_is_not_taken_for_a_smaller_one(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(nodes=1, status="paused")
    assert handle(look(spec=CLUSTER))["action"] == "nothing"


def test_every_difference_is_named(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(nodes=4, tags={"team": "web"}, PubliclyAccessible=True)
    with pytest.raises(WarehouseDiffers) as refused:
        handle(look(spec=CLUSTER | {"database": "sales", "tags": {"team": "data"}}))
    assert str(refused.value) == (
        "cluster analytics exists and differs in what cannot be changed: database is 'dev', the spec says 'sales' "
        "(the first database cannot be renamed); network.public is True, the spec says False; "
        "compute.nodes is 4, the spec says 2; tags.team is 'web', the spec says 'data'. Nothing was changed"
    )


def test_workgroup_is_compared_with_its_own_fields(aws: Aws, handle: Handle) -> None:
    aws.serverless.add(maxCapacity=64)
    assert handle(look(spec=WORKGROUP))["action"] == "nothing"
    with pytest.raises(WarehouseDiffers, match=r"compute\.max_rpu is 64, the spec says 128"):
        handle(look(spec=WORKGROUP | {"compute": {"max_rpu": 128}}))


@pytest.mark.parametrize(
    ("network", "difference"),
    [
        ({"subnet_group": "private"}, r"network\.subnet_group is 'public', the spec says 'private'"),
        ({"security_group_ids": ["sg-1"]}, r"network\.security_group_ids is \['sg-2'\], the spec says \['sg-1'\]"),
    ],
)
def test_cluster_in_another_network_differs(aws: Aws, handle: Handle, network: dict[str, Any], difference: str) -> None:
    aws.clusters.add(ClusterSubnetGroupName="public", VpcSecurityGroups=[{"VpcSecurityGroupId": "sg-2", "Status": "active"}])
    with pytest.raises(WarehouseDiffers, match=difference):
        handle(look(spec=CLUSTER | {"network": network}))
    assert handle(look(spec=CLUSTER | {"network": {"subnet_group": "public", "security_group_ids": ["sg-2"]}}))["action"] == "nothing"


def test_workgroup_in_other_subnets_differs(aws: Aws, handle: Handle) -> None:
    aws.serverless.add(subnetIds=["subnet-2"], securityGroupIds=["sg-2"])
    with pytest.raises(WarehouseDiffers, match=r"network\.subnet_ids is \['subnet-2'\], the spec says \['subnet-1'\]"):
        handle(look(spec=WORKGROUP | {"network": {"subnet_ids": ["subnet-1"]}}))


def test_cluster_that_is_going_away_is_tried_again_later(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="deleting")
    with pytest.raises(WarehouseNotReady, match=r"^cluster analytics is being deleted; it can be created when that has ended$"):
        handle(look(spec=CLUSTER))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "spec or spec_uri: give exactly one of them, none was given"),
        ({"spec": CLUSTER, "spec_uri": "s3://b/k"}, "spec or spec_uri: give exactly one of them, both were given"),
        ({"spec": "analytics"}, "spec: Expected `object | null`, got `str`"),
        ({"specs": {}}, "Object contains unknown field `specs`. Allowed fields: reason, dry_run, spec, spec_uri"),
        ({"spec": CLUSTER, "reason": "x" * 501}, "reason: Expected `str` of length <= 500"),
    ],
)
def test_bad_input_is_refused_in_words_before_aws_is_asked(aws: Aws, handle: Handle, given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        handle(look(**given))
    assert str(refused.value) == message
    assert aws.order == []


# --- create -----------------------------------------------------------------------------------------------------------


def test_cluster_is_created_safe_and_marked_as_made_by_this_execution(aws: Aws, handle: Handle) -> None:
    assert handle(create(CLUSTER)) == {"action": "create", "reason": "no cluster analytics exists"}
    request = aws.calls("create_cluster")[0]
    assert (request["ManageMasterPassword"], request["Encrypted"], request["PubliclyAccessible"]) == (True, True, False)
    assert "MasterUserPassword" not in request
    assert {tag["Key"]: tag["Value"] for tag in request["Tags"]} == owned_by(ME) | {"autopilot:warehouse": "analytics"}


def test_workgroup_is_created_on_a_namespace_of_its_own(aws: Aws, handle: Handle) -> None:
    assert handle(create(WORKGROUP))["action"] == "create"
    assert aws.serverless.workgroups["adhoc"]["namespaceName"] == "adhoc"
    assert aws.calls("create_namespace")[0]["manageAdminPassword"] is True


@pytest.mark.parametrize("spec", [CLUSTER, WORKGROUP])
def test_what_this_execution_created_before_is_taken_as_made(aws: Aws, handle: Handle, spec: dict[str, Any]) -> None:
    handle(create(spec))
    assert handle(create(spec))["action"] == "await"
    assert len([call for call in aws.order if call in {"create_cluster", "create_workgroup"}]) == 1


def test_warehouse_that_somebody_made_meanwhile_is_not_taken(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(nodes=4)
    with pytest.raises(WarehouseDiffers, match=r"compute\.nodes is 4"):
        handle(create(CLUSTER))
    assert aws.calls("create_cluster") == []


def test_cluster_that_appears_between_look_and_creation_is_looked_at_again(aws: Aws, handle: Handle) -> None:
    aws.fail("redshift", "create_cluster", Refusal("ClusterAlreadyExists"))
    with pytest.raises(WarehouseNotReady, match=r"^cluster analytics appeared while it was being created; looking again$"):
        handle(create(CLUSTER))


def test_creation_waits_for_a_deletion_to_end(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="deleting")
    with pytest.raises(WarehouseNotReady):
        handle(create(CLUSTER))


def test_namespace_that_autopilot_did_not_create_is_left_alone(aws: Aws, handle: Handle) -> None:
    aws.serverless.create_namespace(namespaceName="adhoc", dbName="dev", adminUsername="admin", tags=[])
    with pytest.raises(WarehouseDiffers) as refused:
        handle(create(WORKGROUP))
    assert str(refused.value) == "a namespace adhoc exists that Autopilot did not create; its data is left alone. Choose another name"
    assert aws.serverless.workgroups == {}


def test_namespace_that_a_dead_execution_left_is_used(aws: Aws, handle: Handle) -> None:
    tags = [{"key": key, "value": value} for key, value in owned_by(THEM).items()]
    aws.serverless.create_namespace(namespaceName="adhoc", dbName="dev", adminUsername="admin", tags=tags)
    assert handle(create(WORKGROUP))["action"] == "create"


def test_left_over_namespace_with_another_database_is_not_used(aws: Aws, handle: Handle) -> None:
    tags = [{"key": key, "value": value} for key, value in owned_by(THEM).items()]
    aws.serverless.create_namespace(namespaceName="adhoc", dbName="dev", adminUsername="admin", tags=tags)
    with pytest.raises(WarehouseDiffers, match=r"^a namespace adhoc is left over with the database dev, the spec says sales$"):
        handle(create(WORKGROUP | {"database": "sales"}))
    assert aws.serverless.workgroups == {}


def test_conflict_that_is_no_namesake_is_tried_again(aws: Aws, handle: Handle) -> None:
    aws.fail("redshift-serverless", "create_workgroup", Refusal("ConflictException", "another operation runs"))
    with pytest.raises(WarehouseNotReady, match="another operation runs"):
        handle(create(WORKGROUP))


@pytest.mark.parametrize(
    ("code", "raised"),
    [
        ("InsufficientClusterCapacity", CapacityUnavailable),
        ("ClusterQuotaExceeded", AwsRefused),
        ("DependentServiceUnavailableFault", Throttled),
        ("Throttling", Throttled),
    ],
)
def test_throttling_and_refusals_are_reported_under_their_own_names(aws: Aws, handle: Handle, code: str, raised: type[Exception]) -> None:
    aws.fail("redshift", "create_cluster", Refusal(code, "no"))
    with pytest.raises(raised) as refused:
        handle(create(CLUSTER))
    assert type(refused.value) is raised
    assert str(refused.value) == f"AWS refused to create cluster analytics: no ({code})"


# --- undo -------------------------------------------------------------------------------------------------------------


def test_undo_removes_the_cluster_that_this_execution_created(aws: Aws, handle: Handle) -> None:
    handle(create(CLUSTER))
    aws.clusters.become("analytics", "available")
    assert handle(undo()) == {"next": "deleted", "reason": "removing cluster analytics, which this execution created", "subject": ""}
    assert aws.calls("delete_cluster") == [{"ClusterIdentifier": "analytics", "SkipFinalClusterSnapshot": True}]
    assert handle(undo())["next"] == "deleted"
    assert len(aws.calls("delete_cluster")) == 1
    del aws.clusters.clusters["analytics"]
    assert handle(undo()) == {"next": "done", "reason": "nothing of analytics is left", "subject": ""}


@pytest.mark.parametrize("tags", [{}, owned_by(THEM)])
def test_undo_leaves_what_another_execution_created(aws: Aws, handle: Handle, tags: dict[str, str]) -> None:
    aws.clusters.add(tags=tags)
    assert handle(undo()) == {"next": "done", "reason": "cluster analytics was not created by this execution and stays", "subject": ""}
    assert aws.clusters.status_of("analytics") == "available"


def test_undo_removes_the_workgroup_and_then_its_namespace(aws: Aws, handle: Handle) -> None:
    handle(create(WORKGROUP))
    aws.serverless.workgroups["adhoc"]["status"] = "AVAILABLE"
    assert handle(undo("adhoc", "workgroup"))["next"] == "deleted"
    assert "adhoc" in aws.serverless.namespaces
    del aws.serverless.workgroups["adhoc"]
    assert handle(undo("adhoc", "workgroup")) == {
        "next": "deleted",
        "reason": "removing namespace adhoc, which this execution created",
        "subject": "adhoc",
    }
    assert aws.serverless.namespaces == {}
    assert handle(undo("adhoc", "workgroup"))["next"] == "done"


def test_undo_removes_the_namespace_whose_workgroup_could_not_be_made(aws: Aws, handle: Handle) -> None:
    aws.fail("redshift-serverless", "create_workgroup", Refusal("ValidationException", "no such subnet"))
    with pytest.raises(AwsRefused, match="no such subnet"):
        handle(create(WORKGROUP))
    handle(undo("adhoc", "workgroup"))
    assert aws.serverless.namespaces == {}


def test_undo_leaves_the_namespace_that_another_execution_created(aws: Aws, handle: Handle) -> None:
    tags = [{"key": key, "value": value} for key, value in owned_by(THEM).items()]
    aws.serverless.create_namespace(namespaceName="adhoc", dbName="dev", adminUsername="admin", tags=tags)
    assert handle(undo("adhoc", "workgroup"))["next"] == "done"
    assert "adhoc" in aws.serverless.namespaces


@pytest.mark.parametrize("status", ["creating", "modifying"])
def test_undo_waits_until_what_is_being_made_can_be_removed(aws: Aws, handle: Handle, status: str) -> None:
    aws.clusters.add(status=status, tags=owned_by(ME))
    assert handle(undo()) == {
        "next": "available",
        "reason": f"cluster analytics is {status} and can be removed only when that has ended",
        "subject": "",
    }
    assert aws.calls("delete_cluster") == []
    aws.serverless.add(status=status.upper(), tags=owned_by(ME))
    assert handle(undo("adhoc", "workgroup"))["next"] == "available"
    assert aws.calls("delete_workgroup") == []


def test_undo_does_not_wait_for_what_another_execution_creates(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="creating", tags=owned_by(THEM))
    assert handle(undo())["next"] == "done"


def test_execution_whose_name_no_tag_can_hold_knows_its_own_work(aws: Aws, handle: Handle) -> None:
    me = {"execution": execution("provision-warehouse", "nächtlich" + "x" * 71)}
    handle(create(CLUSTER) | me)
    assert handle(create(CLUSTER) | me)["action"] == "await"
    aws.clusters.become("analytics", "available")
    assert handle(undo())["reason"] == "cluster analytics was not created by this execution and stays"
    assert handle(undo() | me)["next"] == "deleted"


def test_undo_of_what_cannot_be_deleted_yet_is_tried_again(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="rebooting", tags=owned_by(ME))
    with pytest.raises(WarehouseNotReady, match="delete cluster analytics"):
        handle(undo())


# --- change -----------------------------------------------------------------------------------------------------------


def change(spec: dict[str, Any], applied: int = 0) -> dict[str, Any]:
    return {"step": "change", "execution": ME, "spec": spec, "applied": applied}


def test_managed_warehouse_is_changed_one_thing_at_a_time(aws: Aws, handle: Handle) -> None:
    aws.serverless.add(tags=owned_by(THEM), baseCapacity=8)
    spec = WORKGROUP | {"compute": {"base_rpu": 16}, "tags": {"team": "data"}}
    plan = handle(look(spec=spec))
    assert (plan["action"], [one["field"] for one in plan["changes"]]) == ("change", ["compute.base_rpu", "tags.team"])
    assert handle(change(spec))["next"] == "available"
    assert aws.calls("update_workgroup") == [{"workgroupName": "adhoc", "baseCapacity": 16}]
    assert aws.calls("tag_resource") == []


def test_change_waits_for_the_one_before(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="resizing", tags=owned_by(THEM))
    assert handle(change(CLUSTER | {"tags": {"team": "data"}})) == {"next": "available", "reason": "cluster analytics is resizing"}
    assert aws.calls("create_tags") == []


def test_change_ends_when_nothing_differs(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(tags=owned_by(THEM))
    assert handle(change(CLUSTER))["next"] == "done"


def test_change_that_does_not_take_hold_is_given_up(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(tags=owned_by(THEM))
    with pytest.raises(WarehouseDiffers, match="does not become what the spec says"):
        handle(change(CLUSTER | {"tags": {"team": "data"}}, applied=60))


def test_warehouse_that_was_taken_from_autopilot_meanwhile_is_left_alone(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    with pytest.raises(WarehouseDiffers, match="has no tag autopilot:managed=true"):
        handle(change(CLUSTER | {"tags": {"team": "data"}}))
    assert aws.calls("create_tags") == []
