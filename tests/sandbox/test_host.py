"""The sandbox as a process: what it is reached by, who may do what, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.process import Sandbox, SandboxError
from tests.sandbox.stage import Stage, eventually, task

REPOSITORY = Path(__file__).resolve().parents[2]
SLOW = """
    import pathlib, time
    def handler(event, context):
        pathlib.Path(event["mark"]).touch()
        time.sleep(300)
"""


def family(pid: int) -> set[int]:
    """All processes that descend from this one."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found.update(children)
        waiting.extend(children)
    return found


def running(pids: set[int]) -> set[int]:
    """Those that still run; one that has ended and waits for its parent does not."""

    def runs(pid: int) -> bool:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        return state != "Z"

    return {pid for pid in pids if runs(pid)}


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def busy(sandbox: Sandbox, folder: Path) -> set[int]:
    """Have functions run and a state machine wait for one of them; answers all processes of the sandbox."""
    stage = Stage(sandbox)
    marks = [folder / "event", folder / "task"]
    function = stage.function(SLOW)
    stage.functions.invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps({"mark": str(marks[0])}))
    arguments = {"FunctionName": function, "Payload": {"mark": str(marks[1])}}
    stage.start(task(Resource="arn:aws:states:::lambda:invoke", Arguments=arguments))
    eventually(lambda: all(mark.exists() for mark in marks))
    workers = [pid for pid in family(sandbox.pid) if "_worker.py" in Path(f"/proc/{pid}/cmdline").read_text()]
    found = family(sandbox.pid)
    assert len(workers) == 2
    assert len(found) > len(workers) + 2, "PostgreSQL should be among them"
    return found


def folders() -> set[str]:
    return {path.name for path in Path(tempfile.gettempdir()).glob("redshift-sandbox-*")}


def test_it_ends_in_time_and_leaves_no_process_port_or_folder(tmp_path: Path) -> None:
    before = folders()
    sandbox = Sandbox()
    sandbox.start()
    pids = busy(sandbox, tmp_path) | {sandbox.pid}
    began = time.monotonic()
    sandbox.stop()

    assert time.monotonic() - began < 10
    assert running(pids) == set()
    assert not listens(sandbox.port)
    assert folders() <= before


def test_a_killed_sandbox_leaves_no_process(tmp_path: Path) -> None:
    sandbox = Sandbox()
    sandbox.start()
    children = busy(sandbox, tmp_path)
    os.kill(sandbox.pid, signal.SIGKILL)

    eventually(lambda: not running(children), 15)
    assert not listens(sandbox.port)
    left = f"redshift-sandbox-{sandbox.pid}-"
    sandbox.stop()
    with Sandbox():
        assert not [name for name in folders() if name.startswith(left)], "the next sandbox should clear up"


def test_it_ends_with_the_process_that_started_it() -> None:
    starter = "from sandbox.process import Sandbox; s = Sandbox(); s.start(); print(s.pid, s.port, flush=True); import os; os.kill(os.getpid(), 9)"
    done = subprocess.run([sys.executable, "-c", starter], cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60)
    pid, port = map(int, done.stdout.split())

    eventually(lambda: not running({pid}))
    assert not listens(port)


def test_a_port_in_use_is_named(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match=f"127.0.0.1:{sandbox.port} is in use"):
        Sandbox().start(sandbox.port)


def test_the_command_line_says_how_to_reach_it_and_that_it_is_ready() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "sandbox", "up", "--no-deploy", "--port", str(port)]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.strip())
        if line.strip() == "ready":
            break
    process.send_signal(signal.SIGINT)

    assert process.wait(10) == 0
    assert any(f"AWS_ENDPOINT_URL=http://127.0.0.1:{port}" in line for line in lines)


def test_two_sandboxes_know_nothing_of_each_other(sandbox: Sandbox) -> None:
    bucket = Stage(sandbox).name("bucket")
    with Sandbox() as other:
        for each, text in ((sandbox, b"first"), (other, b"second")):
            s3 = each.client("s3")
            s3.create_bucket(Bucket=bucket)
            s3.put_object(Bucket=bucket, Key="who", Body=text)
        assert sandbox.client("s3").get_object(Bucket=bucket, Key="who")["Body"].read() == b"first"
        assert other.client("s3").get_object(Bucket=bucket, Key="who")["Body"].read() == b"second"


def test_nothing_of_this_machines_aws_configuration_is_used(tmp_path: Path) -> None:
    profile = tmp_path / "config"
    profile.write_text("[default]\nendpoint_url = http://192.0.2.1:1\nregion = eu-north-1\n")
    strange = {"AWS_CONFIG_FILE": str(profile), "AWS_ENDPOINT_URL": "http://192.0.2.1:1", "AWS_ACCESS_KEY_ID": "mine"}
    with Sandbox(strange) as sandbox:
        function = Stage(sandbox).function("import os\ndef handler(event, context): return os.environ['AWS_ENDPOINT_URL']")
        answer = sandbox.client("lambda").invoke(FunctionName=function)
        assert json.load(answer["Payload"]) == sandbox.endpoint


# Redshift's services in the same process


def assumed(stage: Stage, statements: list[dict[str, Any]]) -> dict[str, str]:
    """Credentials of a role with these permissions."""
    sts = stage.sandbox.client("sts")
    iam = stage.sandbox.client("iam")
    role = stage.role(statements)
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}]}
    iam.update_assume_role_policy(RoleName=role.rpartition("/")[2], PolicyDocument=json.dumps(trust))
    return dict(sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"])


def allow(action: str, resource: str) -> dict[str, str]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def code_of(call: Any, **arguments: Any) -> str:
    try:
        call(**arguments)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "ok"


def test_a_policy_on_one_cluster_allows_no_other(stage: Stage) -> None:
    credentials = assumed(stage, [allow("redshift:PauseCluster", "arn:aws:redshift:us-east-1:000000000000:cluster:mine")])
    redshift = stage.sandbox.client("redshift", credentials=credentials)

    assert code_of(redshift.pause_cluster, ClusterIdentifier="mine") == "ClusterNotFound"
    assert code_of(redshift.pause_cluster, ClusterIdentifier="other") == "AccessDenied"
    assert code_of(redshift.resume_cluster, ClusterIdentifier="mine") == "AccessDenied"


def test_credentials_are_allowed_by_database_user(stage: Stage) -> None:
    credentials = assumed(stage, [allow("redshift:GetClusterCredentials", "arn:aws:redshift:*:*:dbuser:mine/reader")])
    redshift = stage.sandbox.client("redshift", credentials=credentials)

    assert code_of(redshift.get_cluster_credentials, ClusterIdentifier="mine", DbUser="reader") == "ClusterNotFound"
    assert code_of(redshift.get_cluster_credentials, ClusterIdentifier="mine", DbUser="admin") == "AccessDenied"


def test_statements_are_allowed_by_warehouse(stage: Stage) -> None:
    credentials = assumed(stage, [allow("redshift-data:ExecuteStatement", "arn:aws:redshift:*:*:cluster:mine")])
    data = stage.sandbox.client("redshift-data", credentials=credentials)

    assert code_of(data.execute_statement, ClusterIdentifier="other", Database="dev", Sql="select 1") == "AccessDeniedException"
    assert code_of(data.execute_statement, ClusterIdentifier="mine", Database="dev", Sql="select 1") != "AccessDeniedException"
    assert code_of(data.list_statements) == "AccessDeniedException"


def test_a_workgroup_is_known_to_iam_by_its_own_arn(stage: Stage) -> None:
    serverless, name = stage.sandbox.client("redshift-serverless"), stage.name("wg")
    serverless.create_namespace(namespaceName=name, adminUsername="boss", manageAdminPassword=True)
    arn = serverless.create_workgroup(workgroupName=name, namespaceName=name)["workgroup"]["workgroupArn"]
    namespace_arn = serverless.get_namespace(namespaceName=name)["namespace"]["namespaceArn"]

    mine = assumed(stage, [allow("redshift-serverless:GetWorkgroup", arn), allow("redshift-serverless:GetNamespace", namespace_arn)])
    assert code_of(stage.sandbox.client("redshift-serverless", credentials=mine).get_workgroup, workgroupName=name) == "ok"
    assert code_of(stage.sandbox.client("redshift-serverless", credentials=mine).get_namespace, namespaceName=name) == "ok"
    other = assumed(stage, [allow("redshift-serverless:*", arn[:-1] + "x")])
    assert (
        code_of(stage.sandbox.client("redshift-serverless", credentials=other).get_workgroup, workgroupName=name) == "AccessDeniedException"
    )


def test_a_state_machine_reaches_redshift_directly(stage: Stage) -> None:
    name = stage.name("cluster")
    stage.sandbox.client("redshift").create_cluster(
        ClusterIdentifier=name, NodeType="ra3.large", NumberOfNodes=2, MasterUsername="boss", ManageMasterPassword=True, DBName="sales"
    )
    ended = stage.run(task(Resource="arn:aws:states:::aws-sdk:redshift:describeClusters", Arguments={"ClusterIdentifier": name}))

    assert ended["status"] == "SUCCEEDED", ended
    cluster = json.loads(ended["output"])["Clusters"][0]
    assert (cluster["ClusterIdentifier"], cluster["NumberOfNodes"], cluster["DbName"]) == (name, 2, "sales")


def test_what_a_cluster_did_reaches_the_topic_of_its_subscription(stage: Stage) -> None:
    url, queue = stage.open_queue("sns.amazonaws.com")
    sns, redshift, name = stage.sandbox.client("sns"), stage.sandbox.client("redshift"), stage.name("cluster")
    topic = sns.create_topic(Name=stage.name("topic"))["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    redshift.create_event_subscription(SubscriptionName=name, SnsTopicArn=topic, SourceType="cluster")
    redshift.create_cluster(ClusterIdentifier=name, NodeType="ra3.large", NumberOfNodes=2, MasterUsername="boss", ManageMasterPassword=True)

    assert eventually(lambda: name in stage.message(url)["Body"])


def test_what_functions_log_can_be_searched_afterwards(stage: Stage) -> None:
    function = stage.function("def handler(event, context): print('the warehouse is paused')")
    stage.functions.invoke(FunctionName=function)
    logs = stage.sandbox.client("logs")

    group = f"/aws/lambda/{function.rpartition(':')[2]}"
    found = eventually(lambda: logs.filter_log_events(logGroupName=group, filterPattern='"is paused"')["events"])
    assert [event["message"] for event in found] == ["the warehouse is paused"]
