"""The code keeps the architecture, and each rule notices code that does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.template import architecture_rules as rules
from tests.template.architecture_rules import Rule

DOMAIN, AWS, APP = "layers/common/autopilot/domain", "layers/common/autopilot/aws", "functions/run_sql/app.py"
PAGE = "layers/report/report_page/page.py"

GOOD = {
    "pyproject.toml": '[dependency-groups]\nlayer = ["aws-lambda-powertools>=3", "msgspec>=0.19", "sqlglot", "pyyaml>=6"]\nreport = ["jinja2>=3.1"]',
    "template.yaml": "Resources:\n  RunSqlFunction: {Type: AWS::Serverless::Function, Properties: {CodeUri: functions/run_sql/}}",
    "events/handlers/run_sql.json": "{}",
    "tests/handlers/test_run_sql.py": "",
    APP: "import json\nfrom autopilot.aws import statements\ndef make():\n    from report_page import to_csv",
    f"{DOMAIN}/sql.py": "import re\nimport msgspec\nfrom autopilot.domain.errors import X\ndef read():\n    import sqlglot",
    f"{AWS}/statements.py": "import botocore\nimport time\nimport yaml\nfrom autopilot.domain import sql",
    PAGE: "import json\nimport jinja2\nfrom autopilot.domain.report import Report\nfrom report_page import words",
    "layers/common/autopilot/runtime/handler.py": "import os\nimport aws_lambda_powertools",
}

DOMAIN_RULE, TOLD, ABOVE = rules.domain_knows_only_itself, rules.domain_is_told_what_time_it_is, rules.aws_does_not_know_the_runtime
DEPLOYED = rules.layer_imports_what_is_deployed

#: A file that is added or replaced (None: removed), which rule must see it, and what it must say.
BREAKS: list[tuple[Rule, str, str | None, str]] = [
    (DOMAIN_RULE, f"{DOMAIN}/a.py", "import boto3", "a.py:1: imports boto3"),
    (DOMAIN_RULE, f"{DOMAIN}/a.py", "import os", "a.py:1: imports os"),
    (DOMAIN_RULE, f"{DOMAIN}/a.py", "from autopilot import aws", "a.py:1: imports autopilot.aws"),
    (DOMAIN_RULE, f"{DOMAIN}/a.py", "from autopilot.aws.clusters import get", "a.py:1: imports autopilot.aws.clusters.get"),
    (DOMAIN_RULE, f"{DOMAIN}/a.py", "from ..aws import clusters", "a.py:1: imports .."),
    (DOMAIN_RULE, f"{DOMAIN}/a.py", "def f():\n    import logging", "a.py:2: imports logging"),
    (DOMAIN_RULE, f"{DOMAIN}/a.py", "def f():\n    import sqlglot", "a.py:2: imports sqlglot"),
    (DOMAIN_RULE, f"{DOMAIN}/sql.py", "if True:\n    import sqlglot", "sql.py:2: imports sqlglot"),
    (DOMAIN_RULE, f"{DOMAIN}/sql.py", "def f():\n    import yaml", "sql.py:2: imports yaml"),
    (TOLD, f"{DOMAIN}/a.py", "import datetime\nx = datetime.datetime.now()", "a.py:2: calls now()"),
    (ABOVE, f"{AWS}/a.py", "from autopilot.runtime import settings", "a.py:1: imports autopilot.runtime.settings"),
    (ABOVE, f"{AWS}/a.py", "from autopilot import runtime", "a.py:1: imports autopilot.runtime"),
    (rules.pages_are_made_of_the_domain_alone, PAGE, "import botocore", "page.py:1: imports botocore"),
    (rules.pages_are_made_of_the_domain_alone, PAGE, "import time", "page.py:1: imports time"),
    (rules.pages_are_made_of_the_domain_alone, PAGE, "from autopilot.aws import files", "page.py:1: imports autopilot.aws.files"),
    (rules.page_is_loaded_by_who_makes_one, APP, "from report_page import to_csv", "app.py:1: imports report_page.to_csv"),
    (rules.page_is_loaded_by_who_makes_one, f"{AWS}/a.py", "def f():\n    import report_page", "a.py:2: imports report_page"),
    (rules.functions_know_only_our_package, APP, "import sandbox", "app.py:1: imports sandbox"),
    (rules.functions_know_only_our_package, APP, "def f():\n    import boto3", "app.py:2: imports boto3"),
    (DEPLOYED, f"{AWS}/a.py", "def f():\n    import boto3", "a.py:2: imports boto3"),
    (DEPLOYED, f"{AWS}/a.py", "from ministack import app", "a.py:1: imports ministack.app"),
    (DEPLOYED, f"{AWS}/a.py", "def f():\n    import moto", "a.py:2: imports moto"),
    (DEPLOYED, f"{AWS}/a.py", "from sandbox.kernel import Clock", "a.py:1: imports sandbox.kernel.Clock"),
    (rules.handlers_are_short, APP, "x = 1\n" * 61, "functions/run_sql/app.py: 61 lines"),
    (rules.names_line_up, "events/handlers/run_sql.json", None, "events/handlers/run_sql.json is missing"),
    (rules.names_line_up, "tests/handlers/test_run_sql.py", None, "tests/handlers/test_run_sql.py is missing"),
    (rules.names_line_up, "functions/sweep/app.py", "", "functions/sweep is not the CodeUri of SweepFunction"),
    (rules.names_line_up, APP, None, "template.yaml: functions/run_sql has no app.py"),
]


def _tree(folder: Path, files: dict[str, str | None]) -> Path:
    for name, text in files.items():
        if text is not None:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_code_keeps_the_rule(rule: Rule, root: Path) -> None:
    assert rule(root) == []


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_rule_is_content_with_good_code(rule: Rule, tmp_path: Path) -> None:
    assert rule(_tree(tmp_path, {**GOOD})) == []


@pytest.mark.parametrize(("rule", "file", "text", "complaint"), BREAKS, ids=[f"{rule.__name__}-{text}" for rule, *_, text in BREAKS])
def test_rule_notices_code_that_breaks_it(rule: Rule, file: str, text: str | None, complaint: str, tmp_path: Path) -> None:
    assert complaint in "\n".join(rule(_tree(tmp_path, {**GOOD, file: text})))


def test_every_rule_is_shown_to_notice_code_that_breaks_it() -> None:
    assert {rule for rule, *_ in BREAKS} == set(rules.RULES)


@pytest.mark.parametrize("function", ["wait", "wake", "pause", "resume", "run_sql"])
def test_what_a_spec_can_say_is_loaded_by_who_applies_one(function: str, root: Path) -> None:
    program = "import app, sys; print(*[name for name in sys.modules if f'{name}.'.startswith(('autopilot.domain.spec.', 'autopilot.domain.inside.'))])"
    paths = os.pathsep.join([str(root / "layers" / "common"), str(root / "functions" / function)])
    loaded = subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": paths}, capture_output=True, text=True, check=True).stdout
    assert loaded.split() == []
