"""What the house rules are held against: the template and the workflows of the product."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.template.template_rules import Template

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def template() -> Template:
    """The product's template."""
    return Template.read(ROOT / "template.yaml")
