"""How large the packages are that are uploaded, zipped and unzipped."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from tests.package.built import Built
from tests.template.template_rules import Template


def sizes(built: Built) -> dict[str, dict[str, int]]:
    """Bytes of each layer and function by logical id, as built for AWS: in files, and in the archive that is uploaded."""
    layers = Template.read(built.folder / "template.yaml").of_type("AWS::Serverless::LayerVersion")
    return {name: _sizes(built.folder / name) for name in [*layers, *sorted(built.functions)]}


def _sizes(folder: Path) -> dict[str, int]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in files:
            packed.write(file, file.relative_to(folder))
    return {"unzipped_bytes": sum(file.stat().st_size for file in files), "zipped_bytes": len(archive.getvalue())}
