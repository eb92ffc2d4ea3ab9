"""Reading what people write: YAML or JSON text as plain data that still knows on which line everything stood."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from autopilot.domain.errors import InvalidInput

#: More than anybody writes, few enough that a document of aliases to aliases cannot eat the memory.
MAX_VALUES = 100_000
MAX_DEPTH = 20


class Document(NamedTuple):
    """`data` holds dicts, lists, texts and None; every scalar is the text as it was written, so that `NO`, `19:00`, `010` and `2026-12-24` stay themselves.

    `lines` gives the line (from 1) of each path such as `schedules.night.periods[0]`.
    """

    data: Any
    lines: dict[str, int]


def read_document(text: str, name: str) -> Document:
    """Read YAML or JSON. Raises InvalidInput, which names the line, for what is neither, for a key given twice, and for anything but plain data."""
    import yaml

    loader_class = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    # JSON may be indented with tabs, YAML may not; no JSON text holds a tab that means something.
    plain = text.replace("\t", "  ") if text.lstrip().startswith("{") else text
    loader = loader_class(plain)
    try:
        _check_depth(yaml.parse(plain, loader_class))
        root = loader.get_single_node()
        reader = _Reader(loader)
        data = None if root is None else reader.read(root, "")
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise InvalidInput(f"{where}{name}: neither YAML nor JSON: {getattr(error, 'problem', None) or error}") from error
    finally:
        loader.dispose()
    if reader.problems:
        raise InvalidInput("\n".join(reader.problems))
    return Document(data, reader.lines)


def _check_depth(events: Iterable[Any]) -> None:
    """Refuse what is nested too deeply while it is read event by event: building it would exhaust the stack, and the process with it."""
    depth = 0
    for event in events:
        depth += {"MappingStartEvent": 1, "SequenceStartEvent": 1, "MappingEndEvent": -1, "SequenceEndEvent": -1}.get(
            type(event).__name__, 0
        )
        if depth > MAX_DEPTH:
            raise InvalidInput(f"line {_line(event)}: nested deeper than {MAX_DEPTH}")


class _Reader:
    """Turns YAML's nodes into plain data, and notes lines and what is wrong."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader
        self.lines: dict[str, int] = {}
        self.problems: list[str] = []
        self.values = 0

    def read(self, node: Any, path: str, depth: int = 0) -> Any:
        self.values += 1
        if self.values > MAX_VALUES or depth > MAX_DEPTH:
            # By aliases, a short text comes to more than is written in it.
            raise InvalidInput(f"line {_line(node)}: more than {MAX_VALUES} values, or nested deeper than {MAX_DEPTH}")
        self.lines.setdefault(path, _line(node))
        if node.id == "mapping":
            return self._mapping(node, path, depth)
        if node.id == "sequence":
            return [self.read(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(node.value)]
        return None if node.tag.endswith(":null") else node.value

    def _mapping(self, node: Any, path: str, depth: int) -> dict[str, Any]:
        given: set[str] = set()
        for key, _ in node.value:
            if key.id != "scalar":
                self.problems.append(f"line {_line(key)}: {path or 'document'}: a key must be a text")
            elif key.value in given:
                self.problems.append(f"line {_line(key)}: {_join(path, key.value)}: given twice")
            else:
                given.add(key.value)
        self.loader.flatten_mapping(node)
        data = {}
        for key, value in node.value:
            if key.id == "scalar":
                inner = _join(path, key.value)
                self.lines[inner] = _line(key)
                data[key.value] = self.read(value, inner, depth + 1)
        return data


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1
