"""Whatever checkov is told to overlook carries a reason that people can read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.template.template_rules import Template

LEAST_WORDS = 5


def _reasons(root: Path, template: Template) -> dict[str, str]:
    """The reason of every skip: by check where it holds for all resources, by resource and check else."""
    config = (root / ".checkov.yaml").read_text(encoding="utf-8")
    found = {match[1]: (match[2] or "") for match in re.finditer(r"^  - (CKV\w+)(?:\s+#\s*(.*))?$", config, re.MULTILINE)}
    for name, resource in template.body["Resources"].items():
        skips: list[dict[str, Any]] = resource.get("Metadata", {}).get("checkov", {}).get("skip", [])
        found |= {f"{name} {skip['id']}": skip.get("comment", "") for skip in skips}
    return found


def test_every_skipped_check_has_a_reason(root: Path, template: Template) -> None:
    reasons = _reasons(root, template)
    assert len(reasons) > 1
    assert {where: reason for where, reason in reasons.items() if len(reason.split()) < LEAST_WORDS} == {}
