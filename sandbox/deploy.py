"""Build and deploy a template into a running sandbox with the real SAM CLI, exactly as it is deployed to AWS."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from sandbox.clients import client
from sandbox.kernel import REGION

STACK = "redshift-autopilot"
CONFIG_ENVIRONMENT = "sandbox"

_REPOSITORY = Path(__file__).resolve().parent.parent

Report = Callable[[str], None]

_running: set[subprocess.Popen[str]] = set()


class DeployError(Exception):
    """`sam build` or `sam deploy` failed; the message carries what it printed and why resources failed."""


def sam_cli(machine: Mapping[str, str]) -> str:
    """The SAM CLI to use: `SAM_CLI`, else the one in its own virtual environment. Raises DeployError when there is none."""
    chosen = machine.get("SAM_CLI") or str(_REPOSITORY / ".venv-sam" / "bin" / "sam")
    found = shutil.which(chosen)
    if found is None:
        raise DeployError(f"there is no SAM CLI at {chosen}; run `make setup`, or point SAM_CLI at one")
    return found


def deploy(
    endpoint: str,
    *,
    parameters: Mapping[str, str] | None = None,
    stack: str = STACK,
    template: Path | None = None,
    build_folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    report: Report = lambda _: None,
) -> dict[str, str]:
    """Build the template, deploy it as `stack` and answer the stack's outputs.

    Parameters override those of `samconfig.toml`'s sandbox environment. Without a `build_folder` a temporary one is used, so
    that two sandboxes can build at the same time. `environment` is that of the SAM CLI, by default this process's.
    """
    source = template or _REPOSITORY / "template.yaml"
    with _folder(build_folder) as folder:
        variables = _variables(environment or os.environ, endpoint, folder)
        _timed("sam build", report, lambda: _sam(["build", *_build_options(source, folder)], source.parent, variables))
        options = _deploy_options(folder, stack, source.parent, parameters or {})
        try:
            _timed("sam deploy", report, lambda: _sam(["deploy", *options], source.parent, variables))
        except DeployError as error:
            raise DeployError(f"{error}\n{_failures(endpoint, stack)}".rstrip()) from None
    return outputs(endpoint, stack)


def outputs(endpoint: str, stack: str = STACK) -> dict[str, str]:
    """The outputs of a deployed stack, by name."""
    described = client(endpoint, "cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}


@contextmanager
def _folder(chosen: Path | None) -> Iterator[Path]:
    if chosen is not None:
        chosen.mkdir(parents=True, exist_ok=True)
        yield chosen
        return
    with tempfile.TemporaryDirectory(prefix="sandbox-build-") as folder:
        yield Path(folder)


def _variables(machine: Mapping[str, str], endpoint: str, folder: Path) -> dict[str, str]:
    """This machine's environment without anything of AWS's, pointing at the sandbox."""
    clean = {name: value for name, value in machine.items() if not name.startswith(("AWS_", "SAM_CLI_", "PYTHON"))}
    return clean | {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": str(folder / "no-aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "no-aws-credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_CHECK_VERSION": "0",
        # The functions run in this machine's interpreter here, so compiled packages of the layer are built for it.
        "LAYER_TARGET": "host",
    }


def _build_options(template: Path, folder: Path) -> list[str]:
    return ["--template-file", str(template), "--build-dir", str(folder / "build"), "--no-cached", *_config(template.parent)]


def _deploy_options(folder: Path, stack: str, source: Path, parameters: Mapping[str, str]) -> list[str]:
    options = ["--template-file", str(folder / "build" / "template.yaml"), "--stack-name", stack, "--region", REGION]
    options += ["--resolve-s3", "--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
    options += ["--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar", *_config(source)]
    if overrides := _configured_parameters(source) | dict(parameters):
        options += ["--parameter-overrides", *(_override(name, value) for name, value in overrides.items())]
    return options


def _override(name: str, value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{escaped}"'


def _config(source: Path) -> list[str]:
    return ["--config-env", CONFIG_ENVIRONMENT] if (source / "samconfig.toml").exists() else []


def _configured_parameters(source: Path) -> dict[str, str]:
    """The parameters in `samconfig.toml`: SAM forgets them as soon as one is given on its command line."""
    if not _config(source):
        return {}
    configured = tomllib.loads((source / "samconfig.toml").read_text())
    overrides = configured.get(CONFIG_ENVIRONMENT, {}).get("deploy", {}).get("parameters", {}).get("parameter_overrides", [])
    pairs = shlex.split(overrides) if isinstance(overrides, str) else overrides
    return dict(pair.split("=", 1) for pair in pairs)


def end() -> None:
    """End SAM wherever it still runs for this process, with all that it started."""
    for process in list(_running):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)


def _sam(arguments: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    process = subprocess.Popen(
        [sam_cli(environment), *arguments],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # so that it can be ended together with the compilers and installers that it starts
    )
    _running.add(process)
    try:
        output, _ = process.communicate()
    finally:
        if process.poll() is None:
            end()
        _running.discard(process)
    if process.returncode:
        raise DeployError(f"sam {arguments[0]} failed with exit code {process.returncode}:\n{output}".rstrip())


def _timed(name: str, report: Report, work: Callable[[], None]) -> None:
    started = time.monotonic()
    work()
    report(f"{name} ({time.monotonic() - started:.1f} s)")


def _failures(endpoint: str, stack: str) -> str:
    """Why resources of the stack failed, in the order in which they did; empty when the stack was never begun or the sandbox is gone."""
    try:
        events = client(endpoint, "cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    except (ClientError, BotoCoreError):
        return ""
    failed = [event for event in reversed(events) if event["ResourceStatus"].endswith("FAILED")]
    return "\n".join(f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'failed')}" for event in failed)
