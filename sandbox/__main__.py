"""The sandbox's command line: `python -m sandbox up`."""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time

from rich.console import Console

from sandbox import deploy
from sandbox.hosting import host
from sandbox.kernel import REGION

_FAILED_TO_DEPLOY = 1
_PORT_IN_USE = 2


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns an exit code only when the sandbox could not start, for `serve` leaves the process itself."""
    options = _parser().parse_args(arguments)
    up = _Up(options)
    try:
        host.serve(options.port, up.when_up, deploy.end)
    except host.PortInUseError as error:
        up.console.print(f"[red]{error}[/red]")
    return _PORT_IN_USE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A local AWS with Redshift on PostgreSQL.")
    commands = parser.add_subparsers(required=True)
    up = commands.add_parser("up", help="run the sandbox in the foreground until Ctrl-C")
    up.add_argument("--port", type=int, default=int(os.environ.get("SANDBOX_PORT", host.DEFAULT_PORT)))
    up.add_argument("--deploy", action=argparse.BooleanOptionalAction, default=True, help="build and deploy the stack")
    up.add_argument("--until-stdin-closes", action="store_true", help="also end when standard input closes")
    return parser


class _Up:
    """What is done once the sandbox answers: deploy, say how to reach it, say `ready`."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.console = Console(highlight=False, soft_wrap=True)
        self._options = options
        self._started = time.monotonic()
        # The SAM CLI and its caches need this machine's environment, which the sandbox then drops.
        self._environment = dict(os.environ)

    def when_up(self, sandbox: host.Host) -> None:
        self._say(f"sandbox up ({time.monotonic() - self._started:.1f} s)")
        if self._options.until_stdin_closes:
            threading.Thread(target=self._stop_with_stdin, args=(sandbox,), daemon=True).start()
        if self._options.deploy and not self._deploy(sandbox):
            return
        self.console.print(_how_to_reach(sandbox.endpoint))
        self.console.print("ready")
        sys.stdout.flush()

    def _deploy(self, sandbox: host.Host) -> bool:
        try:
            outputs = deploy.deploy(
                sandbox.endpoint, build_folder=sandbox.folder / "build", environment=self._environment, report=self._say
            )
        except deploy.DeployError as error:
            if sandbox.asked_to_stop:
                return False
            self.console.print(f"[red]the stack could not be deployed[/red]\n{error}", markup=False)
            sandbox.stop(code=_FAILED_TO_DEPLOY)
            return False
        for name, value in sorted(outputs.items()):
            self.console.print(f"  {name} = {value}", markup=False)
        return True

    def _say(self, line: str) -> None:
        self.console.print(f"[green]✓[/green] {line}")

    @staticmethod
    def _stop_with_stdin(sandbox: host.Host) -> None:
        while os.read(0, 4096):
            pass
        sandbox.stop()


def _how_to_reach(endpoint: str) -> str:
    return (
        f"endpoint {endpoint}\n"
        "point the AWS CLI at it with\n"
        f"  export AWS_ENDPOINT_URL={endpoint} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION={REGION}"
    )


if __name__ == "__main__":
    sys.exit(main())
