"""The page about the spec tells the truth: its examples are specs, every field stands in it, and the schema is fresh."""

from __future__ import annotations

import json
import re
from typing import Any, get_args, get_origin

import jsonschema
import msgspec
import pytest
import yaml

from autopilot.domain.spec import Spec, parse_spec
from tools.schemas import file_of, schema

DOCS = file_of("spec").parent
PAGE = (DOCS / "spec.md").read_text(encoding="utf-8")
#: What lies inside a warehouse has a page for each topic.
PAGES = [PAGE, *(path.read_text(encoding="utf-8") for path in sorted((DOCS / "inside").glob("*.md")))]
EXAMPLES: list[dict[str, Any]] = [yaml.safe_load(text) for page in PAGES for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
DOCUMENTED = {path for page in PAGES for path in re.findall(r"^\| `([\w.]+)` \|", page, re.MULTILINE)}


def structs_in(kind: Any) -> list[Any]:
    """The structs that a type consists of, those in lists too."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return [kind]
    return [struct for argument in get_args(kind) for struct in structs_in(argument)]


def fields(struct: Any = Spec, prefix: str = "") -> set[str]:
    """The paths of all fields that a spec can have."""
    found: set[str] = set()
    for field in msgspec.structs.fields(struct):
        inner = structs_in(field.type)
        path = f"{prefix}{field.encode_name}"
        if not inner or any(get_origin(kind) is list for kind in (field.type, *get_args(field.type))):
            found.add(path)
        for one in inner:
            found |= fields(one, f"{path}.")
    return found


def test_schema_is_the_one_of_the_structs() -> None:
    assert file_of("spec").read_text(encoding="utf-8") == schema("spec"), "run `python -m tools.schemas`"


@pytest.mark.parametrize("example", EXAMPLES, ids=[example["name"] for example in EXAMPLES])
def test_example_is_a_spec_that_the_schema_takes(example: dict[str, Any]) -> None:
    assert parse_spec(example).name == example["name"]
    jsonschema.validate(example, json.loads(schema("spec")))


def test_there_is_an_example_of_each_kind() -> None:
    assert {example["kind"] for example in EXAMPLES} == {"cluster", "workgroup"}


def test_schema_refuses_what_the_spec_does_not_have() -> None:
    with pytest.raises(jsonschema.ValidationError, match="password"):
        jsonschema.validate({"name": "a", "password": "secret"}, json.loads(schema("spec")))


def test_every_field_is_documented_and_nothing_else() -> None:
    assert fields() == DOCUMENTED
