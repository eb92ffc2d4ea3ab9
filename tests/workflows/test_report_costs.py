"""`report_costs` on the local AWS, with IAM enforced: figures to the cent, once a day, and what is told to people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.workflows.conftest import Stack

ROOT = Path(__file__).parents[2]


def sample() -> dict[str, Any]:
    given: dict[str, Any] = json.loads((ROOT / "events/workflows/report_costs.json").read_text())
    return given


def test_dry_run_says_what_would_be_reported_and_writes_nothing(stack: Stack) -> None:
    ended = stack.run("report_costs", sample())
    assert ended.succeeded, ended
    assert ended.output["reason"].startswith("costs of all warehouses from ")
    assert stack.sandbox.observe("s3").list_objects_v2(Bucket=stack.outputs["BucketName"], Prefix="reports/")["KeyCount"] == 0
