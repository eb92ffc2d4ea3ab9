"""`create`: look and decide, create what is missing, and remove only what this execution created."""

from __future__ import annotations

from typing import Any

import pytest

from autopilot.aws import clients
from autopilot.domain.errors import AwsRefused, CapacityUnavailable, InvalidInput, Throttled, WarehouseDiffers, WarehouseNotReady
from tests.handlers.account import BUCKET, Aws, Handle, execution, reference, sample
from tests.handlers.wiring import Refusal

ME = execution("provision-warehouse")
THEM = execution("provision-warehouse", "them")
CLUSTER: dict[str, Any] = {"name": "analytics", "kind": "cluster", "compute": {"node_type": "ra3.large", "nodes": 2}}
WORKGROUP: dict[str, Any] = {"name": "adhoc", "kind": "workgroup", "compute": {"base_rpu": 8}}


@pytest.fixture(autouse=True)
def _audit_logs(aws: Aws) -> None:
    aws.clusters.logs_everywhere = True


def look(**given: Any) -> dict[str, Any]:
    return sample("create") | {"input": given}


def create(spec: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"step": "apply", "execution": ME, "spec": spec, **more}


def undo(name: str = "analytics", kind: str = "cluster") -> dict[str, Any]:
    return {"step": "undo", "execution": ME, "warehouse": reference(name, kind)}


def owned_by(arn: str) -> dict[str, str]:
    return {"autopilot:managed": "true", "autopilot:execution": arn}


def told(undone: dict[str, Any]) -> tuple[str, str, str]:
    return undone["next"], undone["reason"], undone["subject"]


# --- look -------------------------------------------------------------------------------------------------------------


def test_sample_plans_a_cluster_and_changes_nothing(aws: Aws, handle: Handle) -> None:
    plan = handle(sample("create"))
    assert (plan["action"], plan["reason"], plan["status"], plan["dry_run"]) == ("create", "no cluster analytics exists", "absent", True)
    assert plan["warehouse"] == reference()
    assert plan["key"] == "cluster#us-east-1#analytics"
    assert plan["spec"]["compute"] == {"node_type": "ra3.large", "nodes": 2}
    assert aws.order == ["describe_clusters", "describe_orderable_cluster_options"]


def test_plan_comes_back_as_the_spec_that_create_takes(aws: Aws, handle: Handle) -> None:
    plan = handle(look(spec=CLUSTER))
    assert handle(create(plan["spec"]))["next"] == "available"
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
        "compute.nodes is 4, the spec says 2; tags.team is 'web', the spec says 'data'. Autopilot replaces no warehouse: take a snapshot, "
        "restore it under a new name with this spec, and delete the old one; or set the spec to what is there. Nothing was changed"
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


def test_cluster_that_is_going_away_is_waited_for(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="deleting")
    plan = handle(look(spec=CLUSTER))
    assert (plan["action"], plan["awaited"]) == ("settle", "deleted")


def test_node_type_that_is_not_sold_is_told_with_those_that_are(aws: Aws, handle: Handle) -> None:
    aws.clusters.sold = {"ra3.large", "rg.xlarge"}
    with pytest.raises(InvalidInput) as refused:
        handle(look(spec=CLUSTER | {"compute": {"node_type": "dc2.large"}}))
    assert str(refused.value) == (
        "spec.compute.node_type: dc2.large is not sold in this region, or no longer; sold are ra3.large, rg.xlarge"
    )


def test_key_is_known_by_its_arn(aws: Aws, handle: Handle) -> None:
    key = clients.client("kms").create_key()["KeyMetadata"]
    plan = handle(look(spec=CLUSTER | {"encryption": {"kms_key": key["KeyId"]}}))
    assert plan["spec"]["encryption"]["kms_key"] == key["Arn"]
    aws.clusters.add(KmsKeyId=key["Arn"], Encrypted=True)
    assert handle(look(spec=CLUSTER | {"encryption": {"kms_key": key["KeyId"]}}))["action"] == "nothing"


@pytest.mark.parametrize("usable", [True, False])
def test_key_that_cannot_be_used_is_refused(aws: Aws, handle: Handle, usable: bool) -> None:  # noqa: ARG001
    key = clients.client("kms").create_key()["KeyMetadata"]["KeyId"] if usable else "0f1e2d3c-aaaa-bbbb-cccc-0123456789ab"
    if usable:
        clients.client("kms").disable_key(KeyId=key)
    with pytest.raises(InvalidInput, match=r"^spec\.encryption\.kms_key: .*(need a key that is enabled|does not exist in this region)"):
        handle(look(spec=CLUSTER | {"encryption": {"kms_key": key}}))


def test_file_that_describes_another_warehouse_by_now_is_not_applied_under_this_lock(aws: Aws, handle: Handle) -> None:
    aws.write("specs/analytics", "name: other")
    asked = look(spec_uri=f"s3://{BUCKET}/specs/analytics") | {"key": "cluster#us-east-1#analytics"}
    with pytest.raises(InvalidInput, match="the file was rewritten and describes cluster other now"):
        handle(asked)


def test_plan_names_the_version_of_the_file_that_it_read(aws: Aws, handle: Handle) -> None:
    aws.write("specs/analytics", "name: analytics")
    version = aws.write("specs/analytics", "name: analytics\ntags: {team: data}")
    plan = handle(look(spec_uri=f"s3://{BUCKET}/specs/analytics"))
    assert (plan["version"], plan["spec"]["tags"]) == (version, {"team": "data"})


HOSTILE = ["a'; DROP TABLE users; --", "$(rm -rf /)", "../../etc/passwd", "a\nb", "<script>", "*", "a" * 5000, "\u0430nalytics", ""]


#: What a tag may well be called.
LETTERS = {"../../etc/passwd", "\u0430nalytics"}


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_and_tags_never_reach_aws(aws: Aws, handle: Handle, text: str) -> None:
    bad = [
        {"name": text},
        {"name": text, "kind": "workgroup"},
        CLUSTER | {"database": text},
        CLUSTER | {"network": {"subnet_group": text or "-", "allow_from": [text]}},
        CLUSTER | {"encryption": {"kms_key": text}},
        CLUSTER | {"iam_roles": {"default": text or "-"}},
        CLUSTER | {"tags": {text: "a"}} if text not in LETTERS else {"name": text},
        CLUSTER | {"tags": {"aws:x": text}},
    ]
    for spec in bad:
        with pytest.raises(InvalidInput):
            handle(look(spec=spec))
    assert aws.order == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "spec or spec_uri: give exactly one of them, none was given"),
        ({"spec": CLUSTER, "spec_uri": "s3://b/k"}, "spec or spec_uri: give exactly one of them, both were given"),
        ({"spec": "analytics"}, "spec: Expected `object | null`, got `str`"),
        ({"specs": {}}, "Object contains unknown field `specs`. Allowed fields: reason, dry_run, spec, spec_uri, reboot, from_snapshot"),
        ({"spec": CLUSTER, "reason": "x" * 501}, "reason: Expected `str` of length <= 500"),
    ],
)
def test_bad_input_is_refused_in_words_before_aws_is_asked(aws: Aws, handle: Handle, given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        handle(look(**given))
    assert str(refused.value) == message
    assert aws.order == []


# --- apply: what is not there -----------------------------------------------------------------------------------------


def test_cluster_is_created_safe_and_marked_as_made_by_this_execution(aws: Aws, handle: Handle) -> None:
    did = handle(create(CLUSTER))
    assert (did["next"], did["reason"], did["applied"]) == ("available", "cluster: cluster analytics of 2 x ra3.large", 1)
    request = aws.calls("create_cluster")[0]
    assert (request["ManageMasterPassword"], request["Encrypted"], request["PubliclyAccessible"]) == (True, True, False)
    assert (request["EnhancedVpcRouting"], request["ClusterParameterGroupName"]) == (True, "safe")
    assert "MasterUserPassword" not in request
    tags = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
    assert tags == owned_by(ME) | {"autopilot:warehouse": "analytics"}


def test_workgroup_is_created_on_a_namespace_of_its_own(aws: Aws, handle: Handle) -> None:
    assert handle(create(WORKGROUP))["next"] == "available"
    assert aws.serverless.workgroups["adhoc"]["namespaceName"] == "adhoc"
    assert aws.calls("create_namespace")[0]["manageAdminPassword"] is True


@pytest.mark.parametrize("spec", [CLUSTER, WORKGROUP])
def test_what_this_execution_created_before_is_taken_as_made(aws: Aws, handle: Handle, spec: dict[str, Any]) -> None:
    handle(create(spec))
    assert handle(create(spec))["next"] == "available"
    assert len([call for call in aws.order if call in {"create_cluster", "create_workgroup"}]) == 1


def test_new_cluster_is_finished_when_it_is_there(aws: Aws, handle: Handle) -> None:
    handle(create(CLUSTER))
    aws.clusters.become("analytics", "available")
    did = handle(create(CLUSTER, applied=1))
    assert (did["next"], did["applied"]) == ("done", 2)
    assert aws.calls("enable_logging")[0]["LogDestinationType"] == "cloudwatch"


def test_parameter_group_of_its_own_is_made_before_the_cluster(aws: Aws, handle: Handle) -> None:
    handle(create(CLUSTER | {"parameters": {"values": {"statement_timeout": 5}}}))
    assert [call for call in aws.order if call.startswith(("create", "modify"))] == [
        "create_cluster_parameter_group",
        "modify_cluster_parameter_group",
        "create_cluster",
    ]
    assert aws.calls("create_cluster")[0]["ClusterParameterGroupName"] == "autopilot-cluster-analytics"
    assert aws.clusters.parameter_groups["autopilot-cluster-analytics"][0] == {
        "require_ssl": "true",
        "enable_user_activity_logging": "true",
        "statement_timeout": "5",
    }


def test_security_group_of_its_own_lets_in_whom_the_spec_names(aws: Aws, handle: Handle) -> None:
    spec = CLUSTER | {"network": {"allow_from": ["10.0.0.0/16", "fd00::/8"], "port": 5440}}
    handle(create(spec))
    (group,) = _groups("autopilot-cluster-analytics")
    assert aws.calls("create_cluster")[0]["VpcSecurityGroupIds"] == [group["GroupId"]]
    found = [(one["FromPort"], one["IpRanges"], one["Ipv6Ranges"]) for one in group["IpPermissions"]]
    assert [(port, bool(v4), bool(v6)) for port, v4, v6 in found] == [(5440, True, True)]
    assert {"Key": "autopilot:execution", "Value": ME} in group["Tags"]
    aws.clusters.become("analytics", "available")
    assert handle(undo())["removed"] == ["cluster analytics"]
    del aws.clusters.clusters["analytics"]
    assert handle(undo())["removed"] == ["security group autopilot-cluster-analytics"]
    assert _groups("autopilot-cluster-analytics") == []


def _groups(name: str) -> list[dict[str, Any]]:
    found = clients.client("ec2").describe_security_groups(Filters=[{"Name": "group-name", "Values": [name]}])["SecurityGroups"]
    return list(found)


def test_cluster_that_appears_between_look_and_creation_is_looked_at_again(aws: Aws, handle: Handle) -> None:
    aws.fail("redshift", "create_cluster", Refusal("ClusterAlreadyExists"))
    with pytest.raises(WarehouseNotReady, match=r"^cluster analytics appeared while it was being created; looking again$"):
        handle(create(CLUSTER))


def test_creation_waits_for_a_deletion_to_end(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="deleting")
    assert handle(create(CLUSTER))["next"] == "deleted"


def test_namespace_that_autopilot_did_not_create_is_left_alone(aws: Aws, handle: Handle) -> None:
    aws.serverless.create_namespace(namespaceName="adhoc", dbName="dev", adminUsername="admin", tags=[])
    with pytest.raises(WarehouseDiffers) as refused:
        handle(create(WORKGROUP))
    assert str(refused.value) == "a namespace adhoc exists that Autopilot did not create; its data is left alone. Choose another name"
    assert aws.serverless.workgroups == {}


def test_namespace_that_a_dead_execution_left_is_used(aws: Aws, handle: Handle) -> None:
    tags = [{"key": key, "value": value} for key, value in owned_by(THEM).items()]
    aws.serverless.create_namespace(namespaceName="adhoc", dbName="dev", adminUsername="admin", tags=tags)
    handle(create(WORKGROUP))
    assert len(aws.calls("create_namespace")) == 0
    assert "adhoc" in aws.serverless.workgroups


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
    assert told(handle(undo())) == ("deleted", "removing cluster analytics, which this execution created", "")
    assert aws.calls("delete_cluster") == [{"ClusterIdentifier": "analytics", "SkipFinalClusterSnapshot": True}]
    assert handle(undo())["next"] == "deleted"
    assert len(aws.calls("delete_cluster")) == 1
    del aws.clusters.clusters["analytics"]
    assert told(handle(undo())) == ("done", "nothing of analytics is left", "")


@pytest.mark.parametrize("tags", [{}, owned_by(THEM)])
def test_undo_leaves_what_another_execution_created(aws: Aws, handle: Handle, tags: dict[str, str]) -> None:
    aws.clusters.add(tags=tags)
    assert told(handle(undo())) == ("done", "cluster analytics was not created by this execution and stays", "")
    assert aws.clusters.status_of("analytics") == "available"


def test_undo_removes_the_workgroup_and_then_its_namespace(aws: Aws, handle: Handle) -> None:
    handle(create(WORKGROUP))
    aws.serverless.workgroups["adhoc"]["status"] = "AVAILABLE"
    assert handle(undo("adhoc", "workgroup"))["next"] == "deleted"
    assert "adhoc" in aws.serverless.namespaces
    del aws.serverless.workgroups["adhoc"]
    assert told(handle(undo("adhoc", "workgroup"))) == ("deleted", "removing namespace adhoc, which this execution created", "adhoc")
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
    assert told(handle(undo())) == ("available", f"cluster analytics is {status} and can be removed only when that has ended", "")
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
    assert handle(create(CLUSTER) | me)["next"] == "available"
    aws.clusters.become("analytics", "available")
    assert handle(undo())["reason"] == "cluster analytics was not created by this execution and stays"
    assert handle(undo() | me)["next"] == "deleted"


def test_undo_of_what_cannot_be_deleted_yet_is_tried_again(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="storage-full", tags=owned_by(ME))
    with pytest.raises(WarehouseNotReady, match="delete cluster analytics"):
        handle(undo())


def test_undo_stops_at_a_table_that_somebody_made(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(tags=owned_by(ME))
    aws.data.tables = [{"schema": "public", "name": "orders", "type": "TABLE"}]
    undone = handle(undo())
    assert (undone["next"], undone["kept"]) == ("done", ["cluster analytics, which holds dev.public.orders"])
    assert aws.calls("delete_cluster") == []


def test_undo_keeps_a_snapshot_of_what_it_could_not_look_into(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(tags=owned_by(ME))
    aws.fail("redshift-data", "list_databases", Refusal("DatabaseConnectionException", "no way in", 500), times=5)
    undone = handle(undo())
    assert "could not be looked into; snapshot autopilot-final-analytics-" in undone["removed"][0]
    assert aws.calls("delete_cluster")[0]["SkipFinalClusterSnapshot"] is False


def test_snapshot_of_a_workgroup_that_could_not_be_looked_into_is_taken_of_its_namespace(aws: Aws, handle: Handle) -> None:
    aws.serverless.add(tags=owned_by(ME))
    aws.fail("redshift-data", "list_databases", Refusal("DatabaseConnectionException", "no way in", 500), times=5)
    undone = handle(undo("adhoc", "workgroup"))
    assert undone["unseen"] is True
    del aws.serverless.workgroups["adhoc"]
    handle(undo("adhoc", "workgroup") | {"unseen": True})
    assert aws.calls("delete_namespace")[0]["finalSnapshotName"].startswith("autopilot-final-adhoc-")


def test_undo_of_a_change_leaves_the_warehouse_and_takes_back_the_unused_group(aws: Aws, handle: Handle) -> None:
    spec = CLUSTER | {"network": {"allow_from": ["10.0.0.0/16"]}}
    aws.clusters.add(tags=owned_by(THEM))
    aws.fail("redshift", "modify_cluster", Refusal("UnsupportedOperation", "no"))
    with pytest.raises(AwsRefused):
        handle(create(spec))
    undone = handle(undo())
    assert (undone["next"], undone["removed"]) == ("done", ["security group autopilot-cluster-analytics"])
    assert aws.clusters.status_of("analytics") == "available"


# --- change -----------------------------------------------------------------------------------------------------------


def test_steps_are_made_up_to_one_that_has_to_be_waited_for(aws: Aws, handle: Handle) -> None:
    aws.serverless.add(tags=owned_by(THEM), baseCapacity=8)
    spec = WORKGROUP | {"compute": {"base_rpu": 16}, "tags": {"team": "data"}}
    plan = handle(look(spec=spec))
    assert (plan["action"], [one["field"] for one in plan["changes"]]) == ("change", ["compute.base_rpu", "tags.team"])
    assert handle(create(spec))["next"] == "available"
    assert aws.calls("update_workgroup") == [{"workgroupName": "adhoc", "baseCapacity": 16}]
    assert aws.calls("tag_resource") == []
    did = handle(create(spec, applied=1))
    assert (did["next"], did["applied"], len(aws.calls("tag_resource"))) == ("done", 2, 1)


def test_step_waits_for_the_one_before(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(status="resizing", tags=owned_by(THEM))
    assert handle(create(CLUSTER | {"tags": {"team": "data"}}))["next"] == "available"
    assert aws.calls("create_tags") == []


def test_resize_names_the_size_that_is_waited_for(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(tags=owned_by(THEM))
    did = handle(create(CLUSTER | {"compute": {"nodes": 4}}))
    assert (did["next"], did["subject"]) == ("resized", "4 x ra3.large")


def test_steps_end_when_nothing_differs(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(tags=owned_by(THEM))
    assert handle(create(CLUSTER))["next"] == "done"


def test_people_are_told_of_parameters_that_wait_for_a_reboot(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(tags=owned_by(THEM), ClusterParameterGroups=[{"ParameterGroupName": "safe", "ParameterApplyStatus": "pending-reboot"}])
    assert "start again with reboot: allow" in handle(create(CLUSTER))["note"]


def test_step_that_does_not_take_hold_is_given_up(aws: Aws, handle: Handle) -> None:
    aws.clusters.add(tags=owned_by(THEM))
    with pytest.raises(WarehouseDiffers, match="does not become what the spec says"):
        handle(create(CLUSTER | {"tags": {"team": "data"}}, applied=120))


def test_warehouse_that_was_taken_from_autopilot_meanwhile_is_left_alone(aws: Aws, handle: Handle) -> None:
    aws.clusters.add()
    with pytest.raises(WarehouseDiffers, match="has no tag autopilot:managed=true"):
        handle(create(CLUSTER | {"tags": {"team": "data"}}))
    assert aws.calls("create_tags") == []
