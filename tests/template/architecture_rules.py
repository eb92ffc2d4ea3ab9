"""The house rules of the code: which part may know which. Each rule is a function of a repository and returns what breaks it, in words.

`functions -> autopilot.aws -> autopilot.domain`; `autopilot.runtime` is known by the handlers only; nothing deployed knows the local AWS.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.template.template_rules import Template

Rule = Callable[[Path], list[str]]

MOST_LINES_OF_A_HANDLER = 60
#: Parts of the standard library with which a rule would look at the clock, the machine or the network, or talk.
IMPURE = {"asyncio", "http", "logging", "os", "pathlib", "random", "secrets", "socket", "subprocess", "threading", "time", "urllib"}
#: Calls that look at the clock or roll dice, whatever they are called on.
IMPURE_CALLS = {"now", "today", "utcnow", "uuid1", "uuid4"}
#: Parsers and calendars, and the modules of the domain that may import them, lazily: most cold starts do not need them.
LAZY_PARSERS = {
    "sqlglot": {"sql", "expressions", "policy_sql", "queries"},
    "yaml": {"spec", "documents"},
    "holidays": {"schedule_holidays"},
}
#: What travels in the layers.
DEPLOYED_GROUPS = ("layer", "calendar", "report")
#: What we ourselves put into the layers.
OUR_PACKAGES = {"autopilot", "report_page"}
#: What the Lambda runtime brings along, as far as it is used: boto3 on top of these would only cost time. Source: Lambda guide, "Runtime-included SDK versions".
RUNTIME_PACKAGES = {"botocore", "s3transfer"}
#: Where the name of a package and of its module differ.
MODULES = {"pyyaml": "yaml"}
#: What one of these brings along as part of its own interface: jinja2's safe text is markupsafe's.
BROUGHT_ALONG = {"markupsafe"}


class Import(NamedTuple):
    """One imported module, and whether the import runs when the file is loaded."""

    module: str
    line: int
    at_load: bool


def imports(path: Path) -> Iterator[Import]:
    """Every import of a file, at any depth."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = set(_statements_at_load(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(name.name, node.lineno, node in top) for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield Import("." * node.level, node.lineno, node in top)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (Import(f"{node.module}.{name.name}", node.lineno, node in top) for name in node.names)


def _statements_at_load(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from _statements_at_load(child)


def is_in(module: str, package: str) -> bool:
    """Whether a module is the package or lies in it."""
    return module == package or module.startswith(package + ".")


def _files(root: Path, *folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (root / folder).rglob("*.py"))


def _refused(root: Path, folder: str, refused: Callable[[Path, Import], bool]) -> list[str]:
    return [
        f"{path.relative_to(root)}:{item.line}: imports {item.module}"
        for path in _files(root, folder)
        for item in imports(path)
        if refused(path, item)
    ]


# --- Rules ------------------------------------------------------------------------------------------------------------


def domain_knows_only_itself(root: Path) -> list[str]:
    """The domain imports the pure part of the standard library, msgspec, lazily a parser, and itself."""

    def refused(path: Path, item: Import) -> bool:
        top = item.module.split(".")[0]
        if top in LAZY_PARSERS:
            return item.at_load or path.stem not in LAZY_PARSERS[top]
        return not (top in sys.stdlib_module_names - IMPURE or top == "msgspec" or is_in(item.module, "autopilot.domain"))

    return _refused(root, "layers/common/autopilot/domain", refused)


def domain_is_told_what_time_it_is(root: Path) -> list[str]:
    """The domain gets moments and ids as arguments."""
    return [
        f"{path.relative_to(root)}:{node.lineno}: calls {node.func.attr}()"
        for path in _files(root, "layers/common/autopilot/domain")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in IMPURE_CALLS
    ]


def aws_does_not_know_the_runtime(root: Path) -> list[str]:
    """What calls AWS does not know what wraps the handlers, nor the handlers."""
    above = ("autopilot.runtime", "functions", "aws_lambda_powertools")
    return _refused(root, "layers/common/autopilot/aws", lambda _, item: any(is_in(item.module, package) for package in above))


def pages_are_made_of_the_domain_alone(root: Path) -> list[str]:
    """The cost report's page and sheet are made of the report: no AWS, no clock, no machine."""

    def refused(_: Path, item: Import) -> bool:
        top = item.module.split(".")[0]
        return top in IMPURE | RUNTIME_PACKAGES or (top == "autopilot" and not is_in(item.module, "autopilot.domain"))

    return _refused(root, "layers/report", refused)


def page_is_loaded_by_who_makes_one(root: Path) -> list[str]:
    """The page's libraries are slow to load: a handler imports the page where it makes one, and nothing below knows it."""
    early = _refused(root, "functions", lambda _, item: is_in(item.module, "report_page") and item.at_load)
    return early + _refused(root, "layers/common", lambda _, item: is_in(item.module, "report_page"))


def functions_know_only_our_package(root: Path) -> list[str]:
    """A handler is written in our words and the standard library's: neither AWS's SDK nor the local AWS, nor another handler."""

    def refused(_: Path, item: Import) -> bool:
        return item.module.split(".")[0] not in sys.stdlib_module_names | OUR_PACKAGES

    return _refused(root, "functions", refused)


def layer_imports_what_is_deployed(root: Path) -> list[str]:
    """The layer imports itself, what its locked group brings, and what the Lambda runtime brings."""
    groups = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    packages = [requirement.split(">")[0].split("=")[0] for group in DEPLOYED_GROUPS for requirement in groups.get(group, [])]
    brought = {MODULES.get(package, package.replace("-", "_")) for package in packages}
    known = sys.stdlib_module_names | brought | BROUGHT_ALONG | RUNTIME_PACKAGES | OUR_PACKAGES
    return _refused(root, "layers", lambda _, item: item.module.split(".")[0] not in known)


def handlers_are_short(root: Path) -> list[str]:
    """A handler reads like the sentence that describes it."""
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in sorted((root / "functions").glob("*/app.py"))}
    return [
        f"{path.relative_to(root)}: {lines} lines, at most {MOST_LINES_OF_A_HANDLER}"
        for path, lines in lengths.items()
        if lines > MOST_LINES_OF_A_HANDLER
    ]


def names_line_up(root: Path) -> list[str]:
    """A function is called the same in its folder, the template, its sample event and its test."""
    folders = {path.parent.name for path in (root / "functions").glob("*/app.py")}
    functions = Template.read(root / "template.yaml").functions
    deployed = {str(function["CodeUri"]).rstrip("/"): logical_id for logical_id, function in functions.items()}
    broken = [f"template.yaml: {uri} has no app.py" for uri in sorted(deployed) if uri.removeprefix("functions/") not in folders]
    for name in sorted(folders):
        expected = name.title().replace("_", "") + "Function"
        if deployed.get(f"functions/{name}") != expected:
            broken.append(f"template.yaml: functions/{name} is not the CodeUri of {expected}")
        files = (f"events/handlers/{name}.json", f"tests/handlers/test_{name}.py")
        broken += [f"{file} is missing" for file in files if not (root / file).is_file()]
    workflows = {path.name.partition(".")[0] for path in (root / "statemachines").glob("*.asl.json")}
    return broken + [
        f"events/workflows/{name}.json is missing" for name in sorted(workflows) if not (root / f"events/workflows/{name}.json").is_file()
    ]


RULES: list[Rule] = [
    domain_knows_only_itself,
    domain_is_told_what_time_it_is,
    aws_does_not_know_the_runtime,
    pages_are_made_of_the_domain_alone,
    page_is_loaded_by_who_makes_one,
    functions_know_only_our_package,
    layer_imports_what_is_deployed,
    handlers_are_short,
    names_line_up,
]
