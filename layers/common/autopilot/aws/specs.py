"""The spec that a request gives: with it, or as a file in the Autopilot bucket."""

from __future__ import annotations

from typing import Any

from autopilot.aws import files
from autopilot.domain.errors import InvalidInput
from autopilot.domain.inputs import check_one_of
from autopilot.domain.spec import parse_text

PERMISSIONS = files.READ


def read(spec: dict[str, Any] | None, spec_uri: str | None, version: str | None = None) -> tuple[object, str | None]:
    """The spec as plain data, and the version of its file. Raises InvalidInput unless exactly one of both was given."""
    check_one_of({"spec": spec, "spec_uri": spec_uri})
    if spec_uri is None:
        if version:
            raise InvalidInput("version: is that of a file; give it with spec_uri")
        return spec, None
    text, found = files.read_text(spec_uri, "spec_uri", version)
    return parse_text(text), found
