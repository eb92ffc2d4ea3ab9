"""What is to be done to views and materialized views: each alone, and with what reads it."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

from autopilot.domain.inside import relation_sql
from autopilot.domain.inside.declared.everything import Inside
from autopilot.domain.inside.declared.relations import MaterializedView, View
from autopilot.domain.inside.model import Catalog, Context, Known, fingerprint
from autopilot.domain.inside.queries import columns, normalised, shape
from autopilot.domain.inside.relation_catalog import BROKEN, Existing, Key, declared, existing, readers

#: `replace` keeps the view and what hangs on it; `remake` drops and creates; `differs` is left alone and said.
Way = Literal["keep", "create", "replace", "remake", "differs"]
Declared = View | MaterializedView


class Verdict(NamedTuple):
    """What becomes of one relation, and why."""

    way: Way
    reason: str = ""


class Outlook(msgspec.Struct, frozen=True):
    """What is there, and what becomes of each declared relation. `bound` are those that keep a relation from being dropped, `named` those that only name it."""

    there: dict[Key, Existing]
    bound: dict[Key, set[Key]]
    named: dict[Key, set[Key]]
    verdicts: dict[Key, Verdict]


def outlook(spec: Inside, seen: Catalog, context: Context) -> Outlook:
    """The verdict on each declared relation. What is remade takes along what reads it, and is not remade where that is not declared."""
    there = existing(seen)
    bound, named = readers(seen, there)
    items = declared(spec)
    verdicts = {key: _alone(one, there.get(key), context.known.get(key.token)) for key, one in items.items()}
    for key, verdict in list(verdicts.items()):
        if verdict.way == "remake":
            _with_readers(key, items, there, bound, verdicts)
    return Outlook(there, bound, named, verdicts)


def _with_readers(
    key: Key, items: dict[Key, Declared], there: dict[Key, Existing], bound: dict[Key, set[Key]], verdicts: dict[Key, Verdict]
) -> None:
    """Let what reads a remade relation be remade too; where it is not declared, the relation is replaced if it can be, else left."""
    found, todo = {key}, [key]
    while todo:
        for reader in sorted(bound.get(todo.pop(), set()) - found):
            found.add(reader)
            todo.append(reader)
    strangers = sorted(str(one) for one in found if one not in items or verdicts[one].way == "differs")
    if strangers:
        reason = f"{verdicts[key].reason}; but {', '.join(strangers)} read it and are not declared: declare them, or drop them yourself"
        item, now = items[key], there[key]
        same = isinstance(item, View) and item.late_binding == now.late_binding and columns(item.query) == now.column_names
        verdicts[key] = Verdict("replace", verdicts[key].reason) if same else Verdict("differs", reason)
        return
    for one in found - {key}:
        if verdicts[one].way != "remake":
            verdicts[one] = Verdict("remake", f"{key}, which it reads, is made again")


def _alone(item: Declared, there: Existing | None, known: Known | None) -> Verdict:
    if there is None:
        return Verdict("create", "it is not there")
    if there.materialized != isinstance(item, MaterializedView):
        return Verdict("differs", f"is a {there.kind} that was made otherwise; drop it yourself, or declare it as what it is")
    if isinstance(item, MaterializedView):
        return _materialized(item, there, known)
    return _unknown_view(item, there) if known is None else _known_view(item, there, known)


def _unknown_view(item: View, there: Existing) -> Verdict:
    """A view that was not made by Autopilot, or of which nothing is remembered: replaced, which keeps what hangs on it, unless it would be refused."""
    names = columns(item.query)
    if item.late_binding != there.late_binding:
        binding = "is" if there.late_binding else "is not"
        return Verdict("differs", f"{binding} bound late, which only making it anew can change; drop it yourself")
    if names is not None and there.column_names and names != there.column_names and not there.late_binding:
        return Verdict(
            "differs", f"has the columns {', '.join(there.column_names)}, which only making it anew can change; drop it yourself"
        )
    return Verdict("replace", "it is there, and not known to be as declared")


def _known_view(item: View, there: Existing, known: Known) -> Verdict:
    now, then = declared_print(item), known.declared
    if now == then and seen_print(there) == known.seen:
        return Verdict("keep")
    reason = "its definition changed in the spec" if now != then else "somebody changed it by hand"
    same_columns = now.split(":")[1] == then.split(":")[-1] and seen_print(there).split(":")[1] == known.seen.split(":")[-1]
    return Verdict("replace", reason) if same_columns else Verdict("remake", f"{reason}, and its columns may be others")


def _materialized(item: MaterializedView, there: Existing, known: Known | None) -> Verdict:
    if known is None:
        if normalised(there.definition.rstrip("; \n")).lower().endswith(normalised(item.query).lower()):
            return Verdict("keep")
        return Verdict("differs", "was not made by Autopilot, and its query reads otherwise; drop it yourself, and it is made as declared")
    if declared_print(item) != known.declared:
        return Verdict("remake", "its definition changed in the spec")
    if seen_print(there) != known.seen:
        return Verdict("remake", "somebody made it anew by hand")
    if there.state >= BROKEN:
        return Verdict("remake", f"it can be refreshed no more (state {there.state}): what it reads was changed")
    return Verdict("keep")


def declared_print(item: Declared) -> str:
    """What stands for a declared definition: all of it, and what decides its columns."""
    if isinstance(item, View):
        return f"{fingerprint(normalised(item.query), str(item.late_binding))}:{fingerprint(shape(item.query), str(item.late_binding))}"
    statement = relation_sql.create_materialized_view(msgspec.structs.replace(item, auto_refresh=False))
    return fingerprint(normalised(statement))


def seen_print(there: Existing) -> str:
    """What stands for a definition of the catalog: its text, and its columns."""
    return f"{fingerprint(there.definition)}:{fingerprint(*there.columns)}"


def definitions(spec: Inside, seen: Catalog, kind: type[View | MaterializedView]) -> dict[str, tuple[str, str]]:
    """What is to be remembered of the declared relations of a kind that are there."""
    there = existing(seen) if declared(spec) else {}
    return {
        key.token: (declared_print(item), seen_print(there[key]))
        for key, item in declared(spec).items()
        if isinstance(item, kind) and key in there
    }
