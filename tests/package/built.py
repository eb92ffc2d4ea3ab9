"""What `sam build` makes of the product, and where to find the parts of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.template.template_rules import Template

ROOT = Path(__file__).resolve().parents[2]
LAYER = "CommonLayer"


@dataclass(frozen=True)
class Built:
    """The output of one build."""

    folder: Path

    @property
    def functions(self) -> dict[str, dict[str, Any]]:
        """The properties of every function by logical id, as built."""
        return Template.read(self.folder / "template.yaml").functions

    @property
    def layer(self) -> Path:
        """What lies in `/opt` on Lambda."""
        return self.folder / LAYER

    def function(self, logical_id: str) -> Path:
        """What lies in `/var/task` on Lambda."""
        return self.folder / logical_id
