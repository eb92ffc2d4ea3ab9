"""What a section compares and gives back: questions to the catalog, steps in a plan, and drift."""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import msgspec

#: The answers to the questions, by name; each row by column. Values are as the Data API gives them: text, whole numbers, truth, None.
Catalog = dict[str, list[dict[str, Any]]]


class Question(msgspec.Struct, frozen=True):
    """A query of the catalog. Its result stands in the catalog under its name; sections may share one: same name, same text."""

    name: str
    sql: str


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One statement of a plan, or one call of AWS.

    `name` is unique in a plan and says what is done, `create role analyst`. `marks` are tokens of what holds once it is done, such as `role:analyst`;
    it comes after every step of the plan that marks a token of its `after` (a token that no step marks is taken to hold already).
    What lets somebody into a relation names `protected:relation:<schema>.<name>` there, or for all of a schema `protected:schema:<schema>`: policies come first.
    What depends on a step that failed is not tried. `reverse` is the statement that takes it back, empty where there is none.

    `alone` steps share no transaction. Those of one group (`together`) are done in one transaction, or none of them. `secret` is the name of the secret whose password takes the place of `PASSWORD_HERE` in the statement.
    `call` names an operation of AWS instead of a statement, with its `arguments`; after one that changes what can be planned (`again`) the
    catalog is read anew.
    """

    section: str
    name: str
    reason: str
    sql: str = ""
    reverse: str = ""
    marks: list[str] = []
    after: list[str] = []
    alone: bool = False
    together: str = ""
    secret: str = ""
    call: str = ""
    arguments: dict[str, Any] = {}
    again: bool = False


#: Stands in a statement for what the password's secret holds, until the moment the statement is sent.
PASSWORD_HERE = "{{password}}"  # noqa: S105 - the place of one, not a password


Fate = Literal["reported", "removed", "kept"]


def fate_of(*, prune: bool, kept: bool = False) -> Fate:
    """What becomes of something that is there and not declared: with prune it is removed, unless it is to be kept."""
    return "reported" if not prune else "kept" if kept else "removed"


class Drift(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that is there and not declared, or not as declared, and what becomes of it: it is only reported, removed by a step, or kept though it should go."""

    section: str
    object: str
    what: str
    fate: Fate = "reported"


class Compared(msgspec.Struct, frozen=True):
    """What a section asks for."""

    steps: list[Step] = []
    drift: list[Drift] = []

    def of_what_is_declared(self) -> Compared:
        """Without what is there and merely not declared; what stands in the way of something declared is kept, and stays."""
        return Compared(self.steps, [one for one in self.drift if one.fate == "kept"])


class Known(msgspec.Struct, frozen=True):
    """What is remembered of a thing whose definition the catalog does not give back as it was written, or not at all.

    `declared` stands for what was applied, `seen` for what the catalog said of it afterwards (empty where it says nothing): exactly the two
    texts that `Section.definitions` gave, which are kept short by `fingerprint`. It is written for what a step of an execution marked, and
    forgotten for `gone:<token>`. Of a step with a `secret`, `declared` is the version of the secret that was applied.
    """

    declared: str
    seen: str = ""


def fingerprint(*parts: str) -> str:
    """What stands for a definition where it is remembered: 64 hexadecimal digits, the same for the same parts."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What is known beside the spec and the catalog: the warehouse, what is remembered of its objects by their tokens, the state of AWS's resources.

    `namespace` is the warehouse's namespace id. `datashares` are those that are given to or taken from other accounts, as DescribeDataShares gives them. `secrets` holds the current version's id of each declared user's secret by its name, empty where
    there is no such secret yet. `planned` are the steps that the sections before this one ask for. `integrations` are those into this warehouse, as DescribeInboundIntegrations gives them.
    """

    warehouse: str
    kind: str
    namespace: str = ""
    account: str = ""
    region: str = ""
    known: dict[str, Known] = {}
    secrets: dict[str, str] = {}
    planned: list[Step] = []
    integrations: list[dict[str, Any]] = []
    datashares: list[dict[str, Any]] = []
