"""Where a policy is attached and for whom, as declared and as the catalog says it; and which changes of attachments share a transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from autopilot.domain.inside.declared.everything import Inside
from autopilot.domain.inside.declared.names import Grantee, Relation
from autopilot.domain.inside.model import Catalog, Context, Question
from autopilot.domain.inside.quoting import grantee, identifier_problem, qualified

#: Of its own name, as other sections ask for other columns. Source: STV_MV_INFO, whose names are padded.
MATERIALIZED = Question(
    "materialized views with policies",
    'SELECT TRIM("schema") AS schema_name, TRIM(name) AS view_name FROM stv_mv_info WHERE TRIM(db_name) = current_database()',
)


class Place(msgspec.Struct, frozen=True):
    """A table, view or materialized view."""

    schema: str
    name: str

    @property
    def text(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def sql(self) -> str:
        return qualified(self.schema, self.name)


class Whom(msgspec.Struct, frozen=True):
    """For whom a policy holds; no groups, which Redshift attaches nothing to."""

    kind: Literal["user", "role", "public"]
    name: str = ""

    @property
    def text(self) -> str:
        return f"{self.kind} {self.name}".strip()

    @property
    def sql(self) -> str:
        return grantee(self.kind, self.name)

    @property
    def token(self) -> str:
        return f"{self.kind}:{self.name}"


class Attachment(msgspec.Struct, frozen=True):
    """A policy on a relation for somebody; of a masking policy also the columns that it masks and takes, and its priority."""

    policy: str
    place: Place
    whom: Whom
    outputs: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    priority: int = 0

    @property
    def text(self) -> str:
        columns = f"({', '.join(self.outputs)})" if self.outputs else ""
        return f"{self.policy} on {self.place.text}{columns} to {self.whom.text}"

    @property
    def key(self) -> tuple[object, ...]:
        """What there can be only one of: everything but what a mask takes and its priority."""
        return (self.policy, self.place, self.whom, self.outputs)

    @property
    def problem(self) -> str:
        """Why no statement can name it, empty where one can: a path into SUPER, or a name that only Redshift itself gives."""
        if any("." in name or "[" in name for name in self.outputs):
            return "it masks a path into a SUPER column, which a spec does not declare"
        names = [self.policy, self.place.schema, self.place.name, *self.outputs, *([self.whom.name] if self.whom.name else [])]
        return next((f"the name {name!r} {problem}" for name in names if (problem := identifier_problem(name))), "")


def place_of(relation: Relation) -> Place:
    """The place of a declared relation."""
    return Place(relation.schema, relation.name)


def whom_of(grantee: Grantee) -> Whom:
    """Whom a declared grantee means; `problems` has seen that it is exactly one."""
    if grantee.role is not None:
        return Whom("role", grantee.role)
    return Whom("user", grantee.user) if grantee.user is not None else Whom("public")


def whom_seen(kind: str, name: str) -> Whom:
    """Whom the catalog means: the kind is `user`, `role` or `public`."""
    if kind.lower() == "role":
        return Whom("role", name)
    return Whom("public") if kind.lower() == "public" or name.lower() == "public" else Whom("user", name)


def decoded(text: Any) -> list[Any]:
    """A list that the catalog gives as JSON; empty where it gives none or something else."""
    try:
        found = msgspec.json.decode(text) if isinstance(text, str) and text else text
    except msgspec.DecodeError:
        return []
    return found if isinstance(found, list) else []


def may_remake(spec: Inside) -> bool:
    """Whether a spec has sections that drop relations to make them again."""
    return spec.views is not None or spec.materialized_views is not None


class Dropped(msgspec.Struct, frozen=True):
    """The relations that other sections drop in this plan, for good or to make them again in a group of steps (empty where each is done alone).

    A dropped relation's attachments go with it.
    """

    gone: set[Place]
    remade: dict[Place, str]

    def takes(self, place: Place) -> bool:
        """Whether a relation is dropped."""
        return place in self.gone or place in self.remade

    def tokens(self, places: Iterable[Place]) -> list[str]:
        """What marks that those of the relations that are dropped are."""
        return [f"{'gone' if place in self.gone else 'dropped'}:relation:{place.text}" for place in places if self.takes(place)]


def dropped(context: Context) -> Dropped:
    """What the steps planned so far drop."""
    marked = [(token, step.together) for step in context.planned for token in step.marks]
    gone = {_place(token) for token, _ in marked if token.startswith("gone:relation:")}
    return Dropped(gone, {_place(token): group for token, group in marked if token.startswith("dropped:relation:")})


def _place(token: str) -> Place:
    return Place(*token.split(":", 2)[2].split(".", 1))


def is_materialized(place: Place, declared: Iterable[Any], seen: Catalog) -> bool:
    """Whether a relation is a materialized view, or will be one: `declared` are those of the spec."""
    if any((view.schema, view.name) == (place.schema, place.name) for view in declared):
        return True
    return any((row["schema_name"], row["view_name"]) == (place.schema, place.name) for row in seen[MATERIALIZED.name])


def groups(
    section: str, detached: list[Attachment], attached: list[Attachment], replaced: set[str], remade: dict[Place, str]
) -> dict[str, str]:
    """The group of each relation (by its text) and of each replaced policy (by its name) whose changes share a transaction.

    They share one where something is lifted and something else put in its place: a relation with both, a policy that is made anew with every
    relation that it is attached to, and a relation that other steps make again with those. What nothing takes the place of needs none.
    """
    leader: dict[str, str] = {}

    def found(node: str) -> str:
        while leader.setdefault(node, node) != node:
            node = leader[node]
        return node

    def join(one: str, other: str) -> None:
        leader[max(found(one), found(other))] = min(found(one), found(other))

    for policy in replaced:
        found(f"policy {policy}")
    for one in [*detached, *attached]:
        found(f"relation {one.place.text}")
        if one.policy in replaced:
            join(f"relation {one.place.text}", f"policy {one.policy}")
        if group := remade.get(one.place):
            join(f"relation {one.place.text}", group)
    both = {one.place.text for one in detached} & {one.place.text for one in attached}
    names = {found(group): group for group in remade.values() if group in leader}
    shared = {found(f"policy {policy}") for policy in replaced} | {found(f"relation {text}") for text in both} | set(names)
    return {node: names.get(found(node), f"{section} of {found(node)}") for node in leader if found(node) in shared}
